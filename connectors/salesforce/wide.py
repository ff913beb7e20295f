"""Objects whose columns do not fit an address: a query says which rows, their columns are asked for by id.

Whether a bundle takes a longer query than an address can is written nowhere; that this resource takes its fields in
the body is.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.salesforce.soql import BASE
from framework import page
from framework.errors import Kind, Refused
from framework.feed import Answer, Request, Slice

_BOUNDS = (
    "lo",
    "hi",
    "born",
    "fill",
    "new",
    "without",
    "live",
)  # which rows a read is of, and which columns it goes without
RETRIED = 1  # fewest rows that a refused read is still halved to


def follow_ups(slice_: Slice, keys: Sequence[str], binned: bool) -> list[Slice]:
    """What a page of keys asks for: the live rows by id; those in the bin, which no read by id shows, by a job."""
    slices: list[Slice] = []
    if keys:
        kept: Slice = {name: slice_[name] for name in (*_BOUNDS, "rest") if name in slice_}
        slices.append(
            {"id": f"{slice_['id']}/{keys[0]}", "kind": "more", "keys": list(keys), "of": slice_["id"], **kept}
        )
    if binned:
        bounds: Slice = {name: slice_[name] for name in _BOUNDS if name in slice_}
        bounds["lo"] = max(slice_.get("lo", 0), slice_.get("since", 0))
        slices.append({"id": f"{slice_['id']}/bin", "kind": "job", "bin": True, **bounds})
    return slices


def request(slice_: Slice, type_: str, fields: Sequence[str]) -> Request:
    body = msgspec.json.encode({"ids": slice_["keys"], "fields": list(fields)})
    return Request(f"{BASE}/composite/sobjects/{type_}", endpoint="query", method="POST", body=body)


def records(answer: Answer) -> bytes:
    """The records that are still there, as a query would have shown them."""
    return page.array([raw for raw in page.RAWS.decode(answer.body) if bytes(raw) != b"null"])


def refused(slice_: Slice, refusal: Refused) -> list[Slice] | None:
    """Too much in one answer: half the rows each. Where rows are not to be had by id, one job brings all of them."""
    keys = slice_["keys"]
    if refusal.kind in (Kind.GONE, Kind.BUG, Kind.UNAVAILABLE) and not slice_.get("rest"):
        bounds = {name: slice_[name] for name in _BOUNDS if name in slice_}
        return [{"id": f"{slice_['of']}/rows", "kind": "job", **bounds}]
    if refusal.kind is not Kind.SHRINK or len(keys) <= RETRIED:
        return None
    half = len(keys) // 2
    return [{**slice_, "keys": keys[:half]}, {**slice_, "id": f"{slice_['id']}/{keys[half]}", "keys": keys[half:]}]
