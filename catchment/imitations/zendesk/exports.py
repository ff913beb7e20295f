"""The incremental exports: rows in the order of their stamps, never those of the last minute."""

import base64
import binascii
from collections.abc import Callable, Iterator
from itertools import islice
from urllib.parse import urlencode

from catchment.imitations.zendesk import errors, sideloads
from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.query import Query
from catchment.imitations.zendesk.resources import Export
from catchment.imitations.zendesk.shelf import Key, Row

LAST_MINUTE = 60
MOST = 1_000
SCOPES = ("agent", "ai_agent", "all")
Page = Callable[[Account, Export, Query, int, int, str, str, int], tuple[list[Row], dict[str, object]]]


def answer(account: Account, export: Export, query: Query, base: str, again: int = 0) -> bytes:
    """One page. `base`: the address that links continue; `again`: rows that were served before come once more."""
    include = query.include()
    if not include <= export.includes:
        raise errors.invalid("include", f"must be among {', '.join(sorted(export.includes))}")
    scope = query.text("support_type_scope") or "agent"
    if scope not in SCOPES:
        raise errors.invalid("support_type_scope", f"must be one of {', '.join(SCOPES)}")
    size = query.size("per_page", MOST, MOST)
    settled = account.clock.second() - LAST_MINUTE
    paged = export.kind == "ticket_metric_event" and query.text("page[size]") is not None
    page: Page = _by_page if paged else _by_cursor if export.cursor else _by_time
    rows, rest = page(account, export, query, size, settled, scope, base, again)
    return sideloads.body(account, export.key, export.kind, rows, include, rest)


def _by_cursor(
    account: Account, export: Export, query: Query, size: int, settled: int, scope: str, base: str, again: int
) -> tuple[list[Row], dict[str, object]]:
    cursor = query.text("cursor")
    key: Key | tuple[int] = _read(cursor) if cursor else (_start(query, settled),)
    if again and len(key) == 2:
        key = account.shelves[export.kind].before(key, again)
    found = list(islice(_rows(account, export, query, scope, key, settled), size + 1))
    rows = found[:size]
    after = _write(rows[-1]) if rows else None
    kept = [(name, value) for name, value in query.pairs if name not in ("cursor", "start_time")]
    address = f"{base}/incremental/{export.path}.json?{urlencode([('cursor', after or ''), *kept])}"
    return rows, {
        "after_url": address if after else None,
        "before_url": None,
        "after_cursor": after,
        "before_cursor": None,
        "end_of_stream": len(found) <= size,
    }


def _by_time(
    account: Account, export: Export, query: Query, size: int, settled: int, scope: str, base: str, _: int
) -> tuple[list[Row], dict[str, object]]:
    start = _start(query, settled)
    found = _rows(account, export, query, scope, (start,), settled)
    rows = list(islice(found, size))
    over = None
    for row in found:  # rows of one second are never parted
        if row.stamp != rows[-1].stamp:
            over = row
            break
        rows.append(row)
    ended = rows[-1].stamp if rows else start
    kept = [(name, value) for name, value in query.pairs if name != "start_time"]
    return rows, {
        "next_page": f"{base}/incremental/{export.path}.json?{urlencode([('start_time', ended), *kept])}",
        "count": len(rows),
        "end_time": ended if rows else None,
        "end_of_stream": over is None,
    }


def _by_page(
    account: Account, export: Export, query: Query, _: int, settled: int, scope: str, base: str, again: int
) -> tuple[list[Row], dict[str, object]]:
    """Cursor pagination as lists have it, which one export offers too."""
    size = query.size("page[size]", 100, 100)
    after = query.text("page[after]")
    key: Key | tuple[int] = _read(after) if after else (_start(query, settled),)
    if again and len(key) == 2:
        key = account.shelves[export.kind].before(key, again)
    found = list(islice(_rows(account, export, query, scope, key, settled), size + 1))
    rows, more = found[:size], len(found) > size
    cursor = _write(rows[-1]) if rows else None
    kept = [(name, value) for name, value in query.pairs if name != "page[after]"]
    address = f"{base}/incremental/{export.path}.json?{urlencode([('page[after]', cursor or ''), *kept])}"
    return rows, {
        "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": _write(rows[0]) if rows else None},
        "links": {"prev": None, "next": address if more else None},
    }


def _rows(
    account: Account, export: Export, query: Query, scope: str, key: Key | tuple[int], settled: int
) -> Iterator[Row]:
    whole = query.text("exclude_deleted") != "true"
    return filter(
        lambda row: (scope in ("all", row.scope) or export.kind != "ticket") and (whole or row.deleted_at is None),
        account.shelves[export.kind].after(key, settled),
    )


def _start(query: Query, settled: int) -> int:
    start = query.number("start_time")
    if start is None:
        raise errors.invalid("start_time", "must be an integer")
    if start > settled:
        raise errors.too_recent()
    return max(start, 0)


def _write(row: Row) -> str:
    return base64.b64encode(f"{row.stamp}.0||{row.id}|".encode()).decode()


def _read(cursor: str) -> Key:
    try:
        stamp, _, row_id = base64.b64decode(cursor, validate=True).decode().rstrip("|").partition("||")
        return int(float(stamp)), int(row_id)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise errors.invalid("cursor", "must be a cursor of this export") from None
