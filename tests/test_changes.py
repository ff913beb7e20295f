"""The feed of an event list, without HTTP: versions, ties, foreign versions, deletions, lists that go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catchment.testing.memory import objects
from connectors.stripe import connector
from connectors.stripe.versions import PINNED
from framework.changes import Changes
from framework.errors import Kind, Refused
from framework.feed import SECOND, Answer, Pass, Slice, State, Step, View
from framework.sight import Closed, Gone

NOW = 1_700_000_000
FEED = next(feed for feed in connector.feeds if isinstance(feed, Changes))
ALL = frozenset(FEED.fills)
TABLES = dict.fromkeys(ALL, "1")
OLD = "2019-05-16"
SAME_RELEASE = "2026-12-30.endive"


def view(**more: Any) -> View:
    return View(**{"selected": ALL, "tables": TABLES, "now": NOW * SECOND, "ready": ALL, **more})


def state(**memory: Any) -> State:
    """A pass that reads from an hour ago on, two minutes after the pass before it."""
    marks = dict.fromkeys(ALL, (NOW - 3600) * SECOND)
    passing = Pass("changes", sorted(ALL), opened=NOW * SECOND)
    return State(marks=marks, tables={"events": "1"}, memory=memory, open=passing)


numbers = iter(range(10**6))


def event(type_: str, object_: dict[str, Any], at: int = NOW - 600, **more: Any) -> dict[str, Any]:
    data = {"object": object_, **({"previous_attributes": more.pop("before")} if "before" in more else {})}
    return {
        "id": f"evt_{next(numbers)}", "object": "event", "type": type_, "created": at, "api_version": PINNED,
        "data": data, **more,
    }  # fmt: skip


def charge(**more: Any) -> dict[str, Any]:
    return {"id": "ch_1", "object": "charge", **more}


def invoice(*ids: str, more: bool = True, **fields: Any) -> dict[str, Any]:
    rows = [{"id": i, "object": "line_item"} for i in ids]
    return {"id": "in_1", "object": "invoice", "lines": {"data": rows, "has_more": more}, **fields}


def first(**more: Any) -> Slice:
    return {"id": "list/0", "kind": "list", "lo": 0, "hi": 0, **more}


def answer(body: Any, asked: int = NOW * SECOND) -> Answer:
    return Answer(200, json.dumps(body).encode(), {}, asked)


def read(*events: dict[str, Any], more: bool = False, at: State | None = None, **slice_: Any) -> Step:
    """A page of events, newest first."""
    body = answer({"data": list(events), "has_more": more})
    return FEED.read(first(**slice_), body, at or state(), view())


def loaded(step: Step) -> dict[str, list[tuple[str, int]]]:
    """What a step loads beside the events themselves: collection -> (key, rank within its second)."""
    return {
        sight.collection: [(row["id"], _version(sight.version, n) % 10) for n, row in enumerate(objects(sight))]
        for sight in step.sights
        if sight.collection != "events"
    }


def _version(version: Any, n: int) -> int:
    return version if isinstance(version, int) else int(version[n])


def gets(step: Step) -> list[tuple[str, str]]:
    return [(s["into"], s["key"]) for s in step.slices if s["kind"] == "get"]


def mores(step: Step) -> list[str]:
    return [s["parent"] for s in step.slices if s["kind"] == "more"]


# ---------------------------------------------------------------------------------------- routing


def test_what_it_fills_follows_from_the_object_types_and_their_lists() -> None:
    assert {"events", "charges", "invoices", "invoice_lines", "cards", "customer_tax_ids"} <= ALL
    assert not {"accounts", "balance_transactions"} & ALL


def test_it_fills_what_is_ready_and_reads_from_the_mark_furthest_back() -> None:
    opened = FEED.due(State(), view(ready=frozenset({"charges", "events"})))
    assert opened == Pass("changes", ["events", "charges"])
    assert FEED.due(State(), view(ready=frozenset())) is None
    marks = {"events": 50 * SECOND, "charges": 40 * SECOND, "refunds": 3 * SECOND}
    known = State(marks=marks, tables={"events": "1"}, open=opened)
    assert FEED.slices(known, view()) == [first(lo=40)]
    known.tables = {}  # the table of events is new: everything the vendor has
    assert FEED.slices(known, view()) == [first(lo=0)]


def test_objects_go_to_their_collection_whatever_the_event_is_called() -> None:
    step = read(event("brand.new.name", charge()), event("charge.updated", {"id": "cus_1", "object": "customer"}))
    assert loaded(step) == {"charges": [("ch_1", 2)], "customers": [("cus_1", 2)]}
    assert len(objects(step.sights[0])) == 2  # both events, in their own collection


def test_created_changed_and_deleted_rank_within_one_second() -> None:
    at = NOW - 9
    coupon = {"id": "c", "object": "coupon"}
    assert loaded(read(event("coupon.created", coupon, at))) == {"coupons": [("c", 1)]}
    assert loaded(read(event("coupon.updated", coupon, at))) == {"coupons": [("c", 2)]}
    step = read(event("coupon.deleted", coupon, at))
    (sight,) = [s for s in step.sights if s.collection == "coupons"]
    assert (list(sight.version), list(sight.deleted or ())) == ([at * SECOND + 3], [True])  # type: ignore[arg-type]


def test_a_canceled_subscription_is_not_a_deleted_row() -> None:
    step = read(event("customer.subscription.deleted", {"id": "sub_1", "object": "subscription", "status": "canceled"}))
    (sight,) = [s for s in step.sights if s.collection == "subscriptions"]
    assert sight.deleted is None


def test_a_payload_that_says_deleted_is_a_deletion_without_payload() -> None:
    step = read(event("account.updated", charge(deleted=True), NOW - 5))
    assert step.gone == [Gone("charges", "ch_1", (NOW - 5) * SECOND + 2)]
    assert loaded(step) == {}


def test_an_invoice_that_does_not_exist_yet_is_left_to_the_events() -> None:
    step = read(event("invoice.upcoming", {"object": "invoice", "lines": {"data": []}}))
    assert loaded(step) == {}
    assert [s.collection for s in step.sights] == ["events"]


def test_unknown_object_types_are_counted_and_deselected_ones_too() -> None:
    at = state()
    assert at.open is not None
    at.open.fills.remove("charges")
    for _ in range(2):
        step = read(event("x", {"id": "1", "object": "lamp"}), event("y", charge()), event("z", {"id": "2"}), at=at)
        FEED.note(at, step)
    assert at.open.notes["not_selected"] == {"lamp": 2, "charge": 2, "?": 2}


def test_what_is_older_than_the_pin_is_an_event_and_nothing_else() -> None:
    at = state()
    at.marks["charges"] = (NOW - 100) * SECOND
    step = read(
        event("charge.updated", charge(), NOW - 100), event("charge.updated", charge(id="ch_0"), NOW - 101), at=at
    )
    assert loaded(step) == {"charges": [("ch_1", 2)]}
    assert len(objects(step.sights[0])) == 2


# ------------------------------------------------------------------------------------------- ties


def test_two_payloads_of_one_second_order_one_reread() -> None:
    step = read(
        event("charge.updated", charge(amount=3)),
        event("charge.updated", charge(amount=2)),
        event("charge.updated", charge(amount=1)),
    )
    assert set(gets(step)) == {("charges", "ch_1")}
    assert len({s["id"] for s in step.slices}) == 1


def test_the_same_payload_twice_is_no_tie_and_neither_is_another_second() -> None:
    assert gets(read(event("charge.updated", charge()), event("charge.captured", charge()))) == []
    assert (
        gets(read(event("charge.updated", charge(a=2), NOW - 8), event("charge.updated", charge(a=1), NOW - 9))) == []
    )
    # created and changed in one second: their order is known
    assert gets(read(event("coupon.updated", {"id": "c", "object": "coupon", "a": 2}),
                     event("coupon.created", {"id": "c", "object": "coupon", "a": 1}))) == []  # fmt: skip


def test_what_is_deleted_and_created_in_one_second_is_read_again() -> None:
    """A coupon keeps the id its owner chose: deleted and made anew in one second it lives, and events cannot tell."""
    coupon = {"id": "SPRING", "object": "coupon"}
    gone, made = event("coupon.deleted", {**coupon, "name": "old"}), event("coupon.created", {**coupon, "name": "new"})
    assert gets(read(gone, made)) == gets(read(made, gone)) == [("coupons", "SPRING")]
    assert gets(read(event("coupon.deleted", coupon), event("coupon.created", coupon, NOW - 700))) == []
    assert gets(read(event("coupon.deleted", coupon), event("coupon.updated", coupon))) == []


def test_a_tie_is_noticed_across_the_cut_between_two_pages() -> None:
    newer, older = event("charge.updated", charge(a=2)), event("charge.updated", charge(a=1))
    one = read(newer, more=True)
    assert gets(one) == []
    (following,) = one.slices
    following = json.loads(json.dumps(following))  # as it comes back from the warehouse
    two = FEED.read(following, answer({"data": [older], "has_more": False}), state(), view())
    assert gets(two) == [("charges", "ch_1")]
    assert loaded(two) == {}  # the older payload does not count


def test_a_tie_that_was_settled_is_not_read_again() -> None:
    pair = [event("charge.updated", charge(a=2)), event("charge.updated", charge(a=1))]
    both = [one["id"] for one in pair]
    assert gets(read(*pair, at=state(seen=both))) == []
    assert gets(read(*pair, at=state(seen=both[:1]))) == [("charges", "ch_1")]
    assert gets(read(*pair, at=state(seen=both[1:]))) == [("charges", "ch_1")]


def test_what_was_seen_counts_only_for_collections_that_moved_along() -> None:
    """A collection that failed in the pass before reads its events again as if for the first time."""
    pair = [event("charge.updated", charge(a=2)), event("charge.updated", charge(a=1))]
    at = state(seen=[one["id"] for one in pair], since=(NOW - 700) * SECOND)
    assert gets(read(*pair, at=at)) == [("charges", "ch_1")]
    at.marks["charges"] = (NOW - 700) * SECOND
    assert gets(read(*pair, at=at)) == []


def test_a_reread_stands_above_the_tie_that_it_settles() -> None:
    tie = (NOW - 5) * SECOND + 2
    get = {"id": "g", "kind": "get", "into": "charges", "key": "ch_1", "v": tie, "path": {}}
    assert FEED.request(get, view()).path == "/v1/charges/ch_1"
    (sight,) = FEED.read(get, answer(charge()), state(), view()).sights
    assert sight.version == (NOW - 5) * SECOND + 9
    (sight,) = FEED.read({**get, "v": (NOW - 900) * SECOND}, answer(charge()), state(), view()).sights
    assert sight.version == (NOW - 60) * SECOND
    assert FEED.gone(get, NOW * SECOND) == [Gone("charges", "ch_1", (NOW - 5) * SECOND + 9)]
    assert FEED.refused(get, Refused(Kind.GONE, "no"), view()) == []


# ------------------------------------------------------------------------------- foreign versions


@pytest.mark.parametrize(
    ("version", "hydrated"),
    [(PINNED, False), (SAME_RELEASE, False), (OLD, True), ("2026-09-30.dahlia", True), (None, True)],
)
def test_payloads_are_read_by_id_only_when_a_named_release_lies_between(version: str | None, hydrated: bool) -> None:
    step = read(event("charge.updated", charge(), api_version=version))
    assert gets(step) == ([("charges", "ch_1")] if hydrated else [])
    assert loaded(step) == ({} if hydrated else {"charges": [("ch_1", 2)]})


def test_a_foreign_object_is_read_once_however_often_it_changed_and_never_again() -> None:
    pair = [event("charge.updated", charge(a=n), NOW - n, api_version=OLD) for n in (5, 6)]
    assert gets(read(*pair)) == [("charges", "ch_1")]
    assert gets(read(*pair, at=state(seen=[one["id"] for one in pair]))) == []


def test_a_foreign_deletion_needs_no_reading() -> None:
    step = read(event("coupon.deleted", {"id": "c", "object": "coupon"}, NOW - 5, api_version=OLD))
    assert (step.gone, gets(step)) == ([Gone("coupons", "c", (NOW - 5) * SECOND + 3)], [])


def test_the_card_of_a_connected_account_is_never_read_by_an_empty_path() -> None:
    theirs = {"id": "card_1", "object": "card", "account": "acct_1", "customer": None}
    ours = {"id": "card_2", "object": "card", "customer": "cus_1"}
    step = read(event("account.external_account.updated", theirs, api_version=OLD),
                event("customer.source.updated", ours, api_version=OLD))  # fmt: skip
    assert loaded(step) == {"cards": [("card_1", 2)]}
    (get,) = step.slices
    assert FEED.request(get, view()).path == "/v1/customers/cus_1/sources/card_2"
    tied = read(
        event("account.external_account.updated", theirs | {"a": 1}), event("account.external_account.updated", theirs)
    )
    assert gets(tied) == []


def test_an_object_read_by_id_has_its_long_lists_read_too() -> None:
    get = {"id": "g", "kind": "get", "into": "invoices", "key": "in_1", "v": (NOW - 600) * SECOND + 2, "path": {}}
    assert mores(FEED.read(get, answer(invoice("il_1")), state(), view())) == ["in_1"]
    assert mores(FEED.read(get, answer(invoice("il_1", more=False)), state(), view())) == []


# ---------------------------------------------------------------------------- lists that go on


@pytest.mark.parametrize(
    ("type_", "payload", "before", "followed"),
    [
        ("invoice.created", invoice("il_1"), None, True),
        ("invoice.updated", invoice("il_1"), {"lines": {}}, True),
        ("invoice.updated", invoice("il_1"), {"metadata": {}}, False),
        ("invoice.updated", invoice("il_1", more=False), {"lines": {}}, False),
        ("invoice.deleted", invoice("il_1"), None, False),
        ("checkout.session.completed", {"id": "in_1", "object": "checkout.session"}, None, True),  # no event shows them
        ("customer.updated", {"id": "in_1", "object": "customer"}, None, True),  # their balance, where it is wanted
    ],
)
def test_a_list_is_read_on_where_the_change_concerns_it(
    type_: str, payload: dict[str, Any], before: dict[str, Any] | None, followed: bool
) -> None:
    more = {} if before is None else {"before": before}
    assert mores(read(event(type_, payload, **more))) == (["in_1"] if followed else [])


def test_only_wanted_lists_are_read_on() -> None:
    body = answer({"data": [event("customer.updated", {"id": "cus_1", "object": "customer"})], "has_more": False})
    wanted = view(selected=ALL - {"customer_balance_transactions"})
    assert mores(FEED.read(first(), body, state(), wanted)) == []
    assert mores(FEED.read(first(), body, state(), view(refused=frozenset({"customer_balance_transactions"})))) == []


@pytest.mark.parametrize(
    "odd",
    [None, "junk", {"id": None}, {"type": None}, {"created": "soon"}, {"data": None}, {"data": {"object": [1]}}],
    ids=str,
)
def test_an_odd_event_costs_no_other(odd: Any) -> None:
    strange = {**event("a.b", {}), **odd} if isinstance(odd, dict) else odd
    step = read(strange, event("charge.updated", charge()), more=True)
    assert loaded(step) == {"charges": [("ch_1", 2)]}
    (events,) = [sight for sight in step.sights if sight.collection == "events"]
    assert len(objects(events)) == 2
    (following,) = [s for s in step.slices if s["kind"] == "list"]
    assert following["after"].startswith("evt_")


def test_what_an_odd_event_still_tells_is_loaded() -> None:
    strange = event("charge.updated", charge(), before="odd")
    assert loaded(read(strange)) == {"charges": [("ch_1", 2)]}
    assert loaded(read(event("invoice.updated", {**invoice(), "lines": []}))) == {"invoices": [("in_1", 2)]}


def test_a_changed_list_is_read_although_a_newer_event_is_silent_about_it() -> None:
    newer = event("invoice.updated", invoice("il_1"), NOW - 5, before={"metadata": {}})
    older = event("invoice.updated", invoice("il_1"), NOW - 30, before={"lines": {}})
    together = read(newer, older)
    (more,) = [s for s in together.slices if s["kind"] == "more"]
    assert more["v"] >= (NOW - 5) * SECOND  # as new as the newest sight of its parent, or it would be dropped
    apart = read(newer, event("charge.updated", charge(), NOW - 20), more=True)
    two = FEED.read(apart.slices[0], answer({"data": [older], "has_more": False}), state(), view())
    (more,) = [s for s in two.slices if s["kind"] == "more"]
    assert more["v"] >= (NOW - 5) * SECOND


def test_a_list_read_whole_is_as_new_as_its_first_page() -> None:
    more = read(event("invoice.created", invoice("il_1"), NOW - 900)).slices[0]
    assert list(FEED.request(more, view()).params) == [("limit", "100")]
    rows = {"data": [{"id": "il_1", "object": "line_item"}], "has_more": True}
    one = FEED.read(more, answer(rows), state(), view())
    at = (NOW - 60) * SECOND
    assert (one.sights[0].version, one.closed) == (at, [])
    two = FEED.read(one.slices[0], answer({"data": [], "has_more": False}, (NOW + 50) * SECOND), state(), view())
    assert two.closed == [Closed("invoice_lines", "invoices", "in_1", at)]


def test_a_dead_token_in_a_list_starts_that_list_again() -> None:
    more = {**read(event("invoice.created", invoice("il_1"))).slices[0], "after": "il_7", "at": 5}
    (again,) = FEED.refused(more, Refused(Kind.CURSOR, "no"), view()) or []
    assert list(FEED.request(again, view()).params) == [("limit", "100")]
    assert "at" not in again


def test_seen_changes_start_nothing_twice() -> None:
    one = event("invoice.created", invoice("il_1"))
    assert mores(read(one, at=state(seen=[one["id"]]))) == []


# --------------------------------------------------------------------------------------- the walk


def test_the_walk_goes_on_from_the_last_event_and_repeats_nothing() -> None:
    step = read(event("charge.updated", charge(), NOW - 5), event("charge.updated", charge(), NOW - 9), more=True)
    (following,) = step.slices
    assert following["after"].startswith("evt_")
    params = dict(FEED.request(following, view()).params)
    assert params == {"limit": "100", "starting_after": following["after"]}
    last = event("charge.updated", charge())
    with pytest.raises(Refused, match="repeats itself"):
        read(last, more=True, after=last["id"])


def test_a_dead_token_starts_the_walk_again_but_not_for_ever() -> None:
    slice_: Slice = first(lo=5, after="evt_dead", n=3, top=9, tail={"a": []})
    for n in range(1, 4):
        again = FEED.refused(slice_, Refused(Kind.CURSOR, "no"), view())
        assert again == [first(lo=5, again=n)]
        slice_ = {**again[0], "after": "evt_dead"}
    assert FEED.refused(slice_, Refused(Kind.CURSOR, "no"), view()) is None


def test_an_event_that_turns_up_after_the_mark_is_found_while_a_page_has_room_for_it() -> None:
    marks = dict.fromkeys(ALL, (NOW - 120) * SECOND)
    passing = Pass("changes", sorted(ALL), opened=NOW * SECOND, notes={"from": (NOW - 9_000) * SECOND})
    at = State(marks=marks, tables={"events": "1"}, open=passing)
    known = [event("charge.updated", charge(), NOW - age) for age in (100, 1_000, 3_700, 5_000)]
    FEED.note(at, read(*known, at=at))
    FEED.close(at, view())
    assert (at.memory["since"], at.memory["reach"]) == ((NOW - 120) * SECOND, (NOW - 3_720) * SECOND)
    at.open = Pass("changes", sorted(ALL), opened=NOW * SECOND)
    (slice_,) = FEED.slices(at, view())
    assert (slice_["lo"], slice_["mark"]) == (NOW - 3_720, NOW - 120)
    late = event("charge.updated", charge(id="ch_late"), NOW - 900)
    step = FEED.read(slice_, answer({"data": [*known[:1], late, *known[1:3]], "has_more": True}), at, view())
    assert loaded(step) == {"charges": [("ch_1", 2), ("ch_late", 2)]}
    assert step.slices == []  # what was read before is no reason for another call
    FEED.note(at, step)
    FEED.close(at, view())
    assert at.memory["reach"] == (NOW - 3_699) * SECOND
    again = [known[0], late, known[1]]
    assert [sight.collection for sight in FEED.read(slice_, answer({"data": again}), at, view()).sights] == ["charges"]


def test_a_late_event_that_ties_with_one_from_before_the_mark_orders_a_reread() -> None:
    one, late = (event("charge.updated", charge(a=n), NOW - 900) for n in (1, 2))
    at = state(seen=[one["id"]], since=(NOW - 120) * SECOND, reach=(NOW - 1_000) * SECOND)
    at.marks = dict.fromkeys(ALL, (NOW - 120) * SECOND)
    for both in ([one, late], [late, one]):
        step = read(*both, at=at)
        assert gets(step) == [("charges", "ch_1")]
        assert loaded(step) == ({} if both[0] is one else {"charges": [("ch_1", 2)]})
    assert loaded(read(one, at=at)) == {}


def test_no_more_is_remembered_of_what_lies_before_the_mark_than_a_page_holds() -> None:
    at = state()
    shown = [event("charge.updated", charge(), NOW - age) for age in range(500)]
    for part in (shown[:100], shown[100:250], shown[250:]):
        FEED.note(at, read(*part, at=at))
    FEED.close(at, view())
    assert at.memory["seen"] == sorted(one["id"] for one in shown[:221])
    assert at.memory["reach"] == (NOW - 220) * SECOND


def test_a_refusal_concerns_all_that_it_fills_or_the_one_it_asked_for() -> None:
    assert set(FEED.blames(first(), view())) == ALL
    assert list(FEED.blames({"kind": "get", "into": "charges"}, view())) == ["charges"]
    more = read(event("invoice.created", invoice("il_1"))).slices[0]
    assert list(FEED.blames(more, view())) == ["invoice_lines"]


def test_closing_moves_the_marks_behind_the_overlap_but_for_what_was_refused() -> None:
    at = state()
    seen = [event("charge.updated", charge(), NOW - age) for age in (10, 119, 121)]
    FEED.note(at, read(*seen, at=at))
    assert at.open is not None
    at.open.notes["denied"] = ["cards"]
    FEED.close(at, view(refused=frozenset({"charges"})))
    assert at.marks["charges"] == at.marks["cards"] == (NOW - 3600) * SECOND
    assert at.marks["refunds"] == (NOW - 120) * SECOND
    assert at.memory["seen"] == sorted(one["id"] for one in seen)
    assert at.tables == {"events": "1"}
    assert FEED.absent(at) == 0
