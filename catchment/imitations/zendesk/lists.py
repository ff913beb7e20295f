"""The lists: by cursor, by offset or whole, as the vendor serves each; and objects by their ids."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec

from catchment.imitations.zendesk import errors, sideloads
from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.auth import Grant
from catchment.imitations.zendesk.query import Query
from catchment.imitations.zendesk.resources import Resource
from catchment.imitations.zendesk.shelf import Id, Row, encode
from catchment.imitations.zendesk.stamps import iso

PAGE = 100
DEPTH = 10_000
KEPT_DELETED = 30 * 86_400
Fits = Callable[[Row], bool]


def answer(account: Account, resource: Resource, query: Query, base: str, grant: Grant, again: int = 0) -> bytes:
    """A page of a list. `again`: how many rows of the page before are served once more."""
    fits = _filter(account, resource, query, grant)
    shelf = account.shelves[resource.kind]
    rows = [row for row_id in shelf.ids() if fits(row := shelf.rows[row_id])]
    falling = resource.newest_first and query.text("sort") not in ("created_at", "id")
    if falling:
        rows.reverse()
    include = query.include()
    if not resource.paged:
        rest: dict[str, Any] = {"next_page": None, "previous_page": None, "count": len(rows)}
        if resource.kind == "schedule":
            rest = {"url": account.url(resource.path)}
        elif resource.kind == "custom_status":
            rest = {"count": len(rows)}
    elif query.text("page[size]") is not None or query.text("page[after]") is not None:
        rows, rest = _by_cursor(resource, query, rows, base, again, falling)
    else:
        rows, rest = _by_offset(resource, query, rows, base)
    return sideloads.body(account, resource.name, resource.kind, rows, include, rest)


def _by_cursor(
    resource: Resource, query: Query, rows: list[Row], base: str, again: int, falling: bool
) -> tuple[list[Row], dict[str, Any]]:
    size = query.size("page[size]", PAGE, PAGE)
    after = query.text("page[after]")
    start = 0
    if after:
        # A cursor is a place among ids, so rows that come or go before it move nothing.
        seen = _read(after)
        if rows and type(rows[0].id) is not type(seen):
            raise errors.page_cursor()
        ids: list[Any] = [row.id for row in rows]
        start = next((n for n, one in enumerate(ids) if (one < seen if falling else one > seen)), len(ids))
        start = max(0, start - again)
    page = rows[start : start + size]
    more = start + size < len(rows)
    last = _write(page[-1].id) if page else None
    kept = [(name, value) for name, value in query.pairs if name not in ("page[after]", "page[size]")]
    tail = [("page[after]", last or ""), ("page[size]", str(size)), *kept]
    address = f"{base}/{resource.path}.json?{urlencode(tail)}"
    return page, {
        "meta": {
            "has_more": more,
            "after_cursor": last,
            "before_cursor": _write(page[0].id) if page else None,
        },
        "links": {"prev": None, "next": address if page and (more or resource.dangling) else None},
    }


def _by_offset(resource: Resource, query: Query, rows: list[Row], base: str) -> tuple[list[Row], dict[str, Any]]:
    size = min(PAGE, query.number("per_page") or PAGE)
    page = query.number("page") or 1
    if size < 1 or page < 1:
        raise errors.invalid("page" if page < 1 else "per_page", "must be at least 1")
    if page * size > DEPTH:
        raise errors.too_deep()
    kept = [(name, value) for name, value in query.pairs if name != "page"]

    def address(number: int) -> str:
        return f"{base}/{resource.path}.json?{urlencode([*kept, ('page', number)])}"

    start = (page - 1) * size
    return rows[start : start + size], {
        "next_page": address(page + 1) if start + size < len(rows) else None,
        "previous_page": address(page - 1) if page > 1 else None,
        "count": len(rows),
    }


def show(account: Account, resource: Resource, row_id: Id, grant: Grant) -> bytes:
    """One object, under its singular name. 404 when it is deleted (users and groups stay readable) or unknown."""
    row = account.shelves[resource.kind].rows.get(row_id)
    if row is None or not _readable(account, resource, row, grant):
        raise errors.not_found()
    return b'{"' + resource.kind.encode() + b'":' + row.body + b"}"


def show_many(account: Account, resource: Resource, query: Query, grant: Grant) -> bytes:
    """Up to 100 objects by id; those that cannot be shown are left out."""
    rows = account.shelves[resource.kind].rows
    found = [rows[row_id] for row_id in query.ids() if row_id in rows]
    kept = [row for row in found if _readable(account, resource, row, grant)]
    rest = {"next_page": None, "previous_page": None, "count": len(kept)}
    return sideloads.body(account, resource.name, resource.kind, kept, query.include(), rest)


def deleted(account: Account, kind: str, query: Query, base: str) -> bytes:
    """`/deleted_tickets` and `/deleted_users`: what was deleted in the last 30 days, by offset."""
    now = account.clock.second()
    shelf = account.shelves[kind]
    rows = [
        row
        for row_id in shelf.ids()
        if (row := shelf.rows[row_id]).deleted_at is not None
        and row.deleted_at > now - KEPT_DELETED
        and b'"subject":"SCRUBBED"' not in row.body
    ]
    page, rest = _by_offset(Resource(kind, f"deleted_{kind}s"), query, rows, base)
    if kind == "user":
        return sideloads.body(account, "deleted_users", kind, page, frozenset(), rest)
    shown = [
        {
            "id": row.id,
            "subject": row.payload()["subject"],
            "description": row.payload()["description"],
            "actor": {"id": account.owner_id, "name": "Ada Admin"},
            "deleted_at": iso(row.deleted_at or 0),
            "previous_state": "open",
        }
        for row in page
    ]
    return encode({"deleted_tickets": shown, **rest})


def _readable(account: Account, resource: Resource, row: Row, grant: Grant) -> bool:
    if resource.kind == "ticket" and not _sees(account, row, grant):
        return False
    return row.deleted_at is None or resource.kind in ("user", "group")


def _sees(account: Account, row: Row, grant: Grant) -> bool:
    """Whoever is no admin sees the tickets of the own groups only, and is not told."""
    return grant.role == "admin" or row.group in account.groups_of(grant.user_id)


def _filter(account: Account, resource: Resource, query: Query, grant: Grant) -> Fits:
    kind, now = resource.kind, account.clock.second()
    start, end = query.moment("start_time"), query.moment("end_time")
    if kind in ("ticket", "ticket_metric"):
        scope = query.text("support_type_scope") or "agent"
        return lambda row: (
            row.deleted_at is None
            and not _archived(row, now)
            and scope in ("all", row.scope)
            and (kind != "ticket" or _sees(account, row, grant))
        )
    if kind == "ticket_skip":
        homes = account.shelves["ticket"].rows
        return lambda row: (
            (start is None or row.created >= start) and row.parent in homes and not _archived(homes[row.parent], now)
        )
    if kind == "satisfaction_rating":
        return lambda row: (start is None or row.created >= start) and (end is None or row.created <= end)
    if kind == "activity":
        since = query.moment("since") or 0
        return lambda row: grant.user_id == account.owner_id and row.created >= since
    if kind == "audit_log":
        bounds = query.span("filter[created_at]")
        return lambda row: not bounds or bounds[0] <= row.created <= (bounds[1] if len(bounds) > 1 else now)
    if kind == "user":
        roles = [*query.texts("role"), *query.texts("role[]")]
        marks = [f'"role":"{role}"'.encode() for role in roles]
        return lambda row: row.deleted_at is None and (not marks or any(mark in row.body for mark in marks))
    if kind == "group" and query.text("exclude_deleted") == "false":
        return lambda _: True
    return lambda row: row.deleted_at is None


def _archived(row: Row, now: int) -> bool:
    return row.archives_at is not None and row.archives_at <= now


def _write(row_id: Id) -> str:
    return base64.b64encode(encode({"o": "id", "v": row_id})).decode()


def _read(cursor: str) -> Any:
    try:
        return msgspec.json.decode(base64.b64decode(cursor, validate=True))["v"]
    except (ValueError, KeyError, TypeError, msgspec.DecodeError):
        raise errors.page_cursor() from None
