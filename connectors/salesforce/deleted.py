"""The vendor's log of deletions: rows that were deleted for good are named nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.salesforce.soql import ALONE, BASE, instant, micros
from framework.errors import Kind, Refused
from framework.feed import DAY, SECOND, Answer, Request, Slice
from framework.sight import Gone

MINUTE = 60 * SECOND
IDS: Slice = {"id": "ids", "kind": "list", "want": "ids"}
SHORTEST = 2 * MINUTE  # the ends must lie more than a minute apart, and the vendor cuts off their seconds
KEPT = 14 * DAY  # the log goes back fifteen days; the last one is left to clocks and slow runs


class _Row(msgspec.Struct, rename="camel"):
    id: str
    deleted_date: str


class _Log(msgspec.Struct, rename="camel"):
    deleted_records: list[_Row]
    latest_date_covered: str
    earliest_date_available: str | None = None


class Told(msgspec.Struct, frozen=True):
    """The deletions of a span, and the times from and up to which the vendor vouches for them."""

    gone: list[Gone]
    kept: int
    covered: int


_LOG = msgspec.json.Decoder(_Log)


def first(since: int, now: int, *, small: bool = True, alone: bool = False) -> Slice:
    """The slice of all deletions since a time, up to the vendor's now, in whole minutes.

    ``small``: its ids are compared at the least trouble with the log. ``alone``: the log is asked in no bundle.
    """
    high = -(-now // MINUTE) * MINUTE
    slice_ = _span({"id": "deleted", "kind": "deleted", "lo": since // MINUTE * MINUTE}, high)
    return slice_ | ({} if small else {"large": True}) | ({"alone": True} if alone else {})


def _span(slice_: Slice, high: int) -> Slice:
    return {**slice_, "lo": min(slice_["lo"], high - SHORTEST), "hi": high}


def request(slice_: Slice, type_: str) -> Request:
    path = f"{BASE}/sobjects/{type_}/deleted/?start={instant(slice_['lo'])}&end={instant(slice_['hi'])}"
    return Request(path, endpoint=ALONE if slice_.get("alone") else "deleted")


def read(collection: str, answer: Answer) -> Told:
    """What the log says. One that was purged since the span began leaves deletions out."""
    log = _LOG.decode(answer.body)
    gone = [Gone(collection, row.id, micros(row.deleted_date)) for row in log.deleted_records]
    kept = micros(log.earliest_date_available) if log.earliest_date_available else 0
    return Told(gone, kept, micros(log.latest_date_covered))


def refused(slice_: Slice, refusal: Refused, now: int) -> Sequence[Slice] | None:
    """Too many deletions: two shorter spans. No log for that time or that object: its ids are compared instead.

    Where that is dear, the log is first asked by itself, and up to the last whole minute, for nowhere is it written
    that a bundle takes it and that a span may end in the current minute.
    """
    if refusal.kind in (Kind.RETRY, Kind.WAIT):
        return None
    middle = (slice_["lo"] + slice_["hi"]) // 2 // MINUTE * MINUTE
    if refusal.kind is Kind.SHRINK and middle - slice_["lo"] >= SHORTEST and slice_["hi"] - middle >= SHORTEST:
        return [
            {**slice_, "hi": middle},
            {**slice_, "id": f"deleted/{middle}", "lo": middle},
        ]
    if slice_.get("large") and refusal.kind is not Kind.SHRINK:
        last = now // MINUTE * MINUTE
        if refusal.kind is Kind.CURSOR and slice_["hi"] > last:
            return [_span(slice_, last)]
        if refusal.kind is not Kind.CURSOR and not slice_.get("alone"):
            return [{**slice_, "alone": True}]
    return [dict(IDS)]
