"""A page that the loader decodes ahead steers its feed, and becomes rows, exactly as one that is read twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from framework.collection import Child, Collection, Column
from framework.feed import SECOND, Answer, Pass, State, Step, View
from framework.listing import Listing
from framework.sight import Glance, Sight
from warehouse_loader.codec import RecordCodec
from warehouse_loader.registry import Registry

NOW = 1_700_000_000
COLUMNS = (Column("id", "text"), Column("created", "timestamptz"), Column("status", "text"), Column("amount", "bigint"))
ORDERS = Collection("orders", object="order", columns=COLUMNS)
FEED = Listing(ORDERS, "/v1/orders", keep="tail", unsettled=("status", "pending"))
PLAIN = [{"id": f"o{n}", "created": NOW - n, "status": "pending" if n == 2 else "paid", "amount": n} for n in range(5)]


def body(*changes: dict[str, Any], **more: Any) -> bytes:
    rows = [{**row, **change} for row, change in zip(PLAIN, [*changes, *[{}] * len(PLAIN)], strict=False)]
    return json.dumps({"object": "list", "data": rows, "has_more": True, **more}, separators=(",", ":")).encode()


PAGES = {
    "plain": body(),
    "last": body(has_more=False),
    "empty": body(data=[], has_more=False),
    "says not whether there is more": body().replace(b',"has_more":true', b""),
    "pretty": json.dumps(json.loads(body()), indent=2).encode(),
    "unknown field": body({}, {"news": {"a": 1}}),
    "another type": body({"amount": "1.5"}, {"amount": 1.5}),
    "no time": body({"created": None}, {"created": None}),
    "time as text": body({"created": str(NOW)}),
    "time beyond all bounds": body({"created": 10**18}),
    "status of another type": body({"status": 7}),
    "no key": body({"id": None}),
    "repeated": body({}, {"id": "o0"}),
    "torn": body()[:-40],
    "more is no truth value": body(has_more="yes"),
}


def read(page: bytes, glance: Callable[..., Glance | None] | None) -> Step | str:
    view = View(frozenset({"orders"}), {"orders": "t"}, now=NOW * SECOND, run="r", glance=glance)
    state = State(open=Pass("first", ["orders"], opened=NOW * SECOND))
    try:
        return FEED.read(
            {"id": "list/0", "kind": "list", "lo": 0, "hi": 0}, Answer(200, page, {}, NOW * SECOND), state, view
        )
    except msgspec.DecodeError as error:
        return type(error).__name__


def rows(sights: list[Sight]) -> tuple[Any, ...]:
    codec = RecordCodec(Registry([ORDERS]))
    page = codec.pack([codec.decode(replace(sight, opened=None)) for sight in sights])
    return [{name: made.to_pylist() for name, (_, made) in one.columns.items()} for one in page.packed], page.refused


@pytest.mark.parametrize("name", PAGES)
def test_it_makes_no_difference(name: str) -> None:
    codec = RecordCodec(Registry([ORDERS]))
    ahead, twice = read(PAGES[name], codec.glance), read(PAGES[name], None)
    assert ahead == twice
    if isinstance(ahead, Step) and isinstance(twice, Step):
        page = codec.pack([codec.decode(sight) for sight in ahead.sights])
        made = [{name: made.to_pylist() for name, (_, made) in one.columns.items()} for one in page.packed]
        assert (made, page.refused) == rows(twice.sights)


def test_what_is_foreseen_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = RecordCodec(Registry([ORDERS]))
    ahead = read(PAGES["plain"], codec.glance)
    assert isinstance(ahead, Step)
    monkeypatch.setattr(codec, "_records", lambda *_: pytest.fail("decoded again"))
    assert codec.decode(ahead.sights[0]).rows == len(PLAIN)


def test_lists_that_may_go_on_are_looked_at_by_the_feed_itself() -> None:
    lines = Child("lines", "lines", "order_id", url="/v1/orders/{id}/lines")
    feed = replace(FEED, collection=replace(ORDERS, children=(lines,)))
    view = View(frozenset({"orders", "lines"}), {}, now=NOW * SECOND, glance=lambda *_: pytest.fail("not asked"))
    more = {"lines": {"object": "list", "data": [{"id": "l1"}], "has_more": True}}
    asked = Answer(200, body(more), {}, NOW * SECOND)
    step = feed.read({"id": "list/0", "kind": "list", "lo": 0, "hi": 0}, asked, State(open=Pass("first", [])), view)
    assert [one["parent"] for one in step.slices if one["kind"] == "more"] == ["o0"]
