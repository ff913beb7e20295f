"""The vendor's addresses and query texts: how a read of one object is spelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from framework.feed import SECOND

VERSION = "v68.0"
BASE = f"/services/data/{VERSION}"
PAGE = 2_000  # rows of a page at most; wide rows come in smaller pages
ALONE = "alone"  # endpoint of what goes in no bundle
JOBS = "jobs"  # endpoint of the bulk API
# An address and its headers may take 16,384 bytes together; a session token may take some 2,500 of them.
LONGEST_PATH = 13_000

_SAFE = ",()'=<>:!*"  # what an address may hold unescaped: less to send, and more columns fit


def select(
    fields: Sequence[str], type_: str, conditions: Sequence[str] = (), *, deleted: bool = False, everything: bool = True
) -> str:
    """The text of a query. ``everything``: rows in the recycle bin too, as queryAll gives them."""
    wanted = [condition for condition in conditions if condition]
    if deleted or not everything:
        wanted.append(f"IsDeleted = {'true' if deleted else 'false'}")
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"SELECT {','.join(fields)} FROM {type_}{where}"


def query_path(text: str, *, all_rows: bool) -> str:
    """The address that answers a query."""
    return f"{BASE}/{'queryAll' if all_rows else 'query'}?q={quote(text, safe=_SAFE).replace('%20', '+')}"


def since(field: str, micros: int) -> str:
    """The condition that a time is not before an instant, to the second; "" without one."""
    return f"{field} >= {instant(micros)}" if micros > 0 else ""


def before(field: str, micros: int) -> str:
    """The condition that a time is before an instant, to the second; "" without one."""
    return f"{field} < {instant(micros)}" if micros > 0 else ""


def instant(micros: int) -> str:
    """A time as the vendor writes it in queries and parameters; what is below a second is cut off."""
    return datetime.fromtimestamp(micros // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micros(text: str) -> int:
    """An instant of an answer (`2026-02-07T17:31:52.000+0000`) in microseconds since 1970."""
    at = datetime.fromisoformat(text)
    whole = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(whole.timestamp()) * SECOND + whole.microsecond
