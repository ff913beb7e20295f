"""The feed of a list endpoint, without HTTP: what it asks, what it reads, how it restarts and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catchment.testing.memory import objects
from framework import gap
from framework.collection import Child, Collection
from framework.errors import Kind, Refused
from framework.feed import DAY, SECOND, Answer, Pass, Slice, State, View
from framework.listing import Listing
from framework.sight import Closed, Gone

NOW = 1_700_000_000
ORDERS = Collection(
    "orders",
    object="order",
    get="/v1/orders/{id}",
    children=(
        Child("lines", "lines", "order_id", url="/v1/orders/{id}/lines"),
        Child("notes", "notes", "order_id", expand="notes", url="/v1/notes?order={id}"),
    ),
)
LISTING = Listing(ORDERS, "/v1/orders")
ALL = frozenset({"orders", "lines", "notes"})
TABLES = {name: f"{name}-1" for name in ALL}


def view(**more: Any) -> View:
    fields: dict[str, Any] = {"selected": ALL, "tables": TABLES, "now": NOW * SECOND, "run": "r1"}
    return View(**{**fields, **more})


def opened(why: str = "first", feed: Listing = LISTING, **more: Any) -> State:
    at = more.pop("at", NOW * SECOND)
    return State(open=Pass(why, list(feed.fills), opened=at, notes=more))


def filled(**memory: Any) -> State:
    """A state whose first pass is over."""
    marks = dict.fromkeys(TABLES, NOW * SECOND)
    return State(marks=marks, tables=dict(TABLES), memory={"version": "", "start": 0, **memory})


def answer(body: Any, asked: int = NOW * SECOND) -> Answer:
    return Answer(200, json.dumps(body).encode(), {}, asked)


def page(*rows: dict[str, Any], more: bool = False) -> Answer:
    return answer({"object": "list", "data": rows, "has_more": more})


def order(n: int, **more: Any) -> dict[str, Any]:
    return {"id": f"o{n}", "object": "order", "created": NOW - n, **more}


def lines(*ids: str, more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": i, "object": "line"} for i in ids], "has_more": more}


def first(**more: Any) -> Slice:
    return {"id": "list/0", "kind": "list", "lo": 0, "hi": 0, **more}


def asked(slice_: Slice, feed: Listing = LISTING, **more: Any) -> list[tuple[str, str]]:
    return list(feed.request(slice_, view(**more)).params)


def refusal(kind: Kind) -> Refused:
    return Refused(kind, "no", http_status=400)


# ----------------------------------------------------------------------------------------- opening


def test_a_table_of_another_incarnation_opens_a_first_pass_and_a_full_one_none() -> None:
    assert LISTING.due(filled(), view()) is None
    for name in ALL:
        assert LISTING.due(filled(), view(tables={**TABLES, name: "another"})) == Pass("first", list(LISTING.fills))
    assert LISTING.due(State(), view(tables={})) == Pass("first", ["orders", "lines", "notes"])


def test_nothing_selected_is_nothing_to_read() -> None:
    assert LISTING.due(State(), view(selected=frozenset({"other"}))) is None


def test_an_earlier_start_reads_what_lies_before_and_a_new_version_is_no_matter_of_passes() -> None:
    state = filled(version="v1", start=5)
    assert LISTING.due(state, view(version="v1", start=5)) is None
    assert LISTING.due(state, view(version="v1", start=6)) is None
    assert LISTING.due(state, view(version="v2", start=5)) is None
    earlier = Pass("earlier", list(LISTING.fills), notes={"until": 5})
    assert LISTING.due(state, view(version="v1", start=4)) == earlier


def test_lost_changes_list_again_and_a_generation_from_a_day_on() -> None:
    state = filled()
    gap.note(state, {"lines"})
    found = LISTING.due(state, view())
    assert found == Pass("gap", ["orders", "lines", "notes"], notes={"since": 0})
    assert LISTING.slices(State(open=found), view()) == [first()]
    state.open = Pass("gap", ["orders", "notes"], notes={"since": 0})
    LISTING.close(state, view())
    assert gap.lost(state, {"lines"}), "until all that was lost has been listed"
    state.open = found
    LISTING.close(state, view())
    assert not gap.lost(state, {"lines"})
    state = State(open=Pass("gap", ["orders"], notes={"since": 7 * SECOND}))
    assert LISTING.slices(state, view()) == [first(lo=7)]
    assert LISTING.slices(state, view(start=9 * SECOND)) == [first(lo=9)]


@pytest.mark.parametrize(
    ("keep", "silent", "due", "relist", "age_days", "expected"),
    [
        ("events", False, False, True, 99, None),
        ("events", True, False, True, 0, "relist"),
        ("events", True, False, False, 0, "tail"),
        ("events", True, True, False, 0, None),
        ("events", True, True, False, 2, "relist"),
        ("tail", False, True, False, 99, "tail"),
        ("relist", False, False, True, 0, "relist"),
        ("relist", False, True, False, 0, None),
        ("relist", False, True, False, 2, "relist"),
    ],
)
def test_what_keeps_a_list_up_to_date(
    keep: Any, silent: bool, due: bool, relist: bool, age_days: int, expected: str | None
) -> None:
    feed = Listing(ORDERS, "/v1/orders", keep=keep, silent=silent)
    state = filled(listed=NOW * SECOND - age_days * DAY, rows=3)
    found = feed.due(state, view(due=due, relist=frozenset({"orders"}) if relist else frozenset()))
    assert (found.why if found else None) == expected


def test_a_long_list_waits_for_its_own_cadence() -> None:
    feed = Listing(ORDERS, "/v1/orders", silent=True, cadence=7 * DAY)
    for rows, days, expected in ((1_000, 1, "relist"), (1_001, 1, None), (1_001, 7, "relist")):
        found = feed.due(filled(listed=NOW * SECOND - days * DAY, rows=rows), view(due=True))
        assert (found.why if found else None) == expected


def test_what_turned_out_to_be_long_is_not_read_again_in_the_same_run() -> None:
    """A resumed first pass has closed: only now is it known how long the list is."""
    feed = Listing(ORDERS, "/v1/orders", silent=True)
    for rows, expected in ((1_000, "relist"), (1_001, "tail")):
        found = feed.due(filled(listed=NOW * SECOND, rows=rows), view(relist=frozenset({"orders"})))
        assert found is not None
        assert found.why == expected


def test_a_tail_starts_at_the_oldest_row_that_may_still_change() -> None:
    feed = Listing(ORDERS, "/v1/orders", keep="tail", unsettled=("status", "pending"))
    state = filled(unsettled=(NOW - 900) * SECOND)
    state.open = feed.due(state, view())
    assert feed.slices(state, view()) == [first(lo=NOW - 900)]
    state.memory["unsettled"] = 0
    state.marks["lines"] = (NOW - 50) * SECOND
    assert feed.slices(state, view()) == [first(lo=NOW - 50)]


def test_the_oldest_unsettled_row_of_all_pages_is_remembered() -> None:
    feed = Listing(ORDERS, "/v1/orders", keep="tail", unsettled=("status", "pending"))
    state = opened("tail", feed)
    for rows in ([order(1, status="pending"), order(2)], [order(7, status="pending")], [order(9, status="done")]):
        feed.note(state, feed.read(first(), page(*rows), state, view()))
    feed.close(state, view())
    assert state.memory["unsettled"] == (NOW - 7) * SECOND


# ----------------------------------------------------------------------------------------- asking


def test_a_page_is_asked_with_its_bounds_its_expansions_and_its_token() -> None:
    assert asked(first()) == [("limit", "100"), ("expand[]", "data.notes")]
    assert asked(first(lo=5, hi=9, after="o3"), selected=frozenset({"orders"})) == [
        ("limit", "100"), ("created[gte]", "5"), ("created[lt]", "9"), ("starting_after", "o3"),
    ]  # fmt: skip
    plain = Listing(ORDERS, "/v1/orders", filter="", params=(("status", "all"),))
    assert asked(first(lo=5, bare=True), plain) == [("limit", "100"), ("status", "all")]


def test_a_refused_child_is_not_asked_for_again_in_this_run() -> None:
    assert asked(first(), refused=frozenset({"notes"})) == [("limit", "100")]


# ----------------------------------------------------------------------------------------- reading


def test_a_page_is_a_sight_and_its_last_row_the_next_token() -> None:
    step = LISTING.read(first(), page(order(1), order(2), more=True), opened(), view())
    (sight,) = step.sights
    assert objects(sight) == [order(1), order(2)]
    assert (sight.collection, sight.version) == ("orders", (NOW - 60) * SECOND)
    assert [(s["after"], s["lo"], s["hi"]) for s in step.slices] == [("o2", 0, 0)]
    assert LISTING.read(first(), page(order(1)), opened(), view()).slices == []
    assert LISTING.read(first(), page(), opened(), view()).sights == []


def test_no_page_of_a_pass_is_older_than_the_pass_itself() -> None:
    """The vendor's clock has whole seconds, and calls take their time: a row that was shown is never absent."""
    state = opened("gap", at=NOW * SECOND)
    late = LISTING.read(first(), answer({"data": [order(1)], "has_more": False}, NOW * SECOND - 700_000), state, view())
    version = late.sights[0].version
    assert isinstance(version, int)
    assert version >= LISTING.absent(state)


@pytest.mark.parametrize(
    "odd", [None, "junk", [1], {"id": None}, {"id": {}}, order(2, created={"at": 1}), order(2, lines=[])], ids=str
)
def test_an_odd_record_costs_no_other(odd: Any) -> None:
    rows = [order(1, lines=lines("l1", more=True)), odd]
    step = LISTING.read(first(), answer({"data": rows, "has_more": True}), opened(), view())
    assert step.rows == len(objects(step.sights[0])) == 2
    assert [(s["kind"], s["after"]) for s in step.slices if s["kind"] == "more"] == [("more", "l1")]
    (following,) = [s for s in step.slices if s["kind"] == "list"]
    assert following["after"] in ("o1", "o2", "{}")
    more = {"id": "more/0/o1", "kind": "more", "child": 0, "parent": "o1", "v": 5, "after": ""}
    last = LISTING.read(more, answer({"data": [{"id": "l2"}, odd], "has_more": False}), opened(), view())
    assert [closed.collection for closed in last.closed] == ["lines"]


def test_a_list_without_filter_ends_where_the_slice_ends() -> None:
    plain = Listing(ORDERS, "/v1/orders", filter="")
    rows = page(order(1), order(9), more=True)
    assert plain.read(first(lo=NOW - 5), rows, opened(), view()).slices == []
    assert len(plain.read(first(lo=NOW - 20), rows, opened(), view(spare=9)).slices) == 1


def test_a_list_that_repeats_itself_is_an_error_and_no_loop() -> None:
    with pytest.raises(Refused, match="does not move past o2"):
        LISTING.read(first(after="o2"), page(order(1), order(2), more=True), opened(), view())
    more = {"id": "more/0/o1", "kind": "more", "child": 0, "parent": "o1", "v": 5, "after": "l2"}
    with pytest.raises(Refused, match="does not move past l2"):
        LISTING.read(more, answer(lines("l2", more=True)), opened(), view())


def test_a_shown_beginning_is_read_on_from_its_last_member() -> None:
    rows = page(order(1, lines=lines("l1", "l2", more=True)), order(2, lines=lines("l3")))
    version = (NOW - 60) * SECOND
    (more,) = LISTING.read(first(), rows, opened(), view()).slices
    assert more == {"id": "more/0/o1", "kind": "more", "child": 0, "parent": "o1", "v": version, "after": "l2"}
    request = LISTING.request(more, view())
    assert (request.path, list(request.params)) == ("/v1/orders/o1/lines", [("limit", "100"), ("starting_after", "l2")])
    step = LISTING.read(more, answer(lines("l4", more=True), (NOW + 9) * SECOND), opened(), view())
    (sight,) = step.sights
    assert (sight.collection, sight.parent, sight.parent_key, sight.version) == ("lines", "orders", "o1", version)
    assert (step.closed, step.slices[0]["after"]) == ([], "l4")
    last = LISTING.read(step.slices[0], answer(lines()), opened("tail"), view())
    assert last.closed == [Closed("lines", "orders", "o1", version)]
    assert last.slices == []


def test_members_of_a_child_that_is_new_are_loaded_whatever_the_parents_age() -> None:
    rows = page(order(1, lines=lines("l1", more=True)))
    step = LISTING.read(first(), rows, opened("first"), view())
    assert step.sights[0].fresh == ALL
    rest = LISTING.read(step.slices[0], answer(lines("l2")), opened("first"), view())
    assert rest.sights[0].fresh == {"lines"}
    assert rest.closed == [Closed("lines", "orders", "o1", rest.sights[0].version, fresh=True)]  # type: ignore[arg-type]
    assert LISTING.read(first(), rows, opened("relist"), view()).sights[0].fresh == frozenset()


def test_a_list_that_is_not_wanted_is_not_read_on() -> None:
    rows = page(order(1, lines=lines("l1", more=True)))
    assert LISTING.read(first(), rows, opened(), view(selected=frozenset({"orders", "notes"}))).slices == []
    assert LISTING.read(first(), rows, opened(), view(refused=frozenset({"lines"}))).slices == []


def test_listing_again_reads_a_long_list_on_only_where_its_parent_changed() -> None:
    feed = Listing(ORDERS, "/v1/orders", silent=True)
    same, other = order(1, lines=lines("l1", more=True)), order(2, lines=lines("l2", more=True))
    state = opened("first", feed)
    feed.note(state, feed.read(first(), page(same, other), state, view()))
    feed.close(state, view())
    state.open = Pass("relist", list(feed.fills), opened=NOW * SECOND)
    again = feed.read(first(), page(same, {**other, "amount": 5}), state, view())
    assert [s["parent"] for s in again.slices] == ["o2"]
    state.open.notes["old"] = True  # its cadence has come: everything
    assert [s["parent"] for s in feed.read(first(), page(same, other), state, view()).slices] == ["o1", "o2"]


# ---------------------------------------------------------------------------------------- refusals


def test_a_dead_page_token_starts_its_slice_again_but_not_for_ever() -> None:
    slice_: Slice = first(lo=5, hi=9, after="gone", n=4, top=8)
    for n in range(1, 4):
        again = LISTING.refused(slice_, refusal(Kind.CURSOR), view())
        assert again == [first(lo=5, hi=9, again=n)]
        slice_ = {**again[0], "after": "gone too"}
    assert LISTING.refused(slice_, refusal(Kind.CURSOR), view()) is None


def test_a_dead_token_inside_a_parents_list_starts_that_list_again() -> None:
    more = {"id": "more/0/o1", "kind": "more", "child": 0, "parent": "o1", "v": 5, "after": "l2"}
    again = LISTING.refused(more, refusal(Kind.CURSOR), view())
    assert again == [{**more, "after": "", "again": 1}]
    assert ("starting_after", "l2") not in list(LISTING.request(again[0], view()).params)
    assert LISTING.refused(more, refusal(Kind.GONE), view()) == []  # its parent is gone
    standing = Refused(Kind.GONE, "No such line item: 'l2'", http_status=404)
    assert LISTING.refused(more, standing, view()) == [{**more, "after": "", "again": 1}]


@pytest.mark.parametrize("kind", [Kind.PERMISSION, Kind.UNAVAILABLE])
def test_a_refused_expansion_reads_the_list_bare_and_blames_what_goes_without(kind: Kind) -> None:
    (bare,) = LISTING.refused(first(), refusal(kind), view()) or []
    assert bare == first(bare=True)
    assert asked(bare) == [("limit", "100")]
    assert list(LISTING.bare(view())) == ["notes"]
    assert LISTING.refused(bare, refusal(kind), view()) is None
    assert list(LISTING.blames(bare, view())) == ["orders", "lines", "notes"]


def test_a_refused_list_of_a_parent_concerns_its_members_alone() -> None:
    more = {"id": "more/0/o1", "kind": "more", "child": 0, "parent": "o1", "v": 5, "after": ""}
    assert LISTING.refused(more, refusal(Kind.PERMISSION), view()) is None
    assert list(LISTING.blames(more, view())) == ["lines"]


def test_what_was_refused_is_probed_with_one_call_before_it_is_listed_again() -> None:
    state = opened()
    LISTING.close(state, view(refused=frozenset({"notes"})))
    assert state.tables == {"orders": "orders-1", "lines": "lines-1"}
    state.open = None
    probe = LISTING.due(state, view(run="r2"))
    assert probe == Pass("probe", ["notes"])
    state.open = probe
    (slice_,) = LISTING.slices(state, view(run="r2"))
    assert asked(slice_) == [("limit", "1"), ("expand[]", "data.notes")]
    step = LISTING.read(slice_, page(order(1), more=True), state, view(run="r2"))
    assert (step.sights, step.slices) == ([], [])
    # still refused: nothing more in this run, and a probe again in the next
    LISTING.close(state, view(run="r2", refused=frozenset({"notes"})))
    state.open = None
    assert LISTING.due(state, view(run="r2", refused=frozenset({"notes"}))) is None
    assert LISTING.due(state, view(run="r3")) == Pass("probe", ["notes"])
    # allowed: listed at once
    state.open = LISTING.due(state, view(run="r3"))
    LISTING.close(state, view(run="r3"))
    state.open = None
    assert LISTING.due(state, view(run="r3")) == Pass("first", ["orders", "lines", "notes"])


def test_what_was_allowed_once_and_is_refused_now_is_filled_again_when_it_is_allowed_again() -> None:
    state = filled()
    state.open = Pass("relist", ["orders", "lines", "notes"], opened=NOW * SECOND, notes={"denied": ["notes"]})
    LISTING.close(state, view())
    state.open = None
    assert state.tables.keys() == {"orders", "lines"}
    assert LISTING.due(state, view(run="r2")) == Pass("probe", ["notes"])


def test_a_list_under_each_parent_is_probed_under_one_parent() -> None:
    state = State(open=Pass("probe", ["lines"]))
    step = LISTING.read(first(probe=True), page(order(1, lines=lines("l1"))), state, view())
    assert [(s["kind"], s["child"], s["parent"], s["after"]) for s in step.slices] == [("more", 0, "o1", "")]


# ------------------------------------------------------------------------------------- the pass's end


def test_the_marks_stay_behind_the_pass_by_the_settling_time_and_never_go_back() -> None:
    state = opened()
    LISTING.close(state, view())
    assert state.marks == dict.fromkeys(LISTING.fills, (NOW - 60) * SECOND)
    state.open = Pass("relist", ["orders"], opened=(NOW - 500) * SECOND)
    LISTING.close(state, view())
    assert state.marks["orders"] == (NOW - 60) * SECOND


def test_only_a_whole_listing_proves_absence() -> None:
    assert LISTING.absent(opened("first")) == 0
    assert LISTING.absent(opened("tail")) == 0
    assert LISTING.absent(opened("relist")) == 0  # its deletions are events
    assert LISTING.absent(opened("gap")) == (NOW - 60) * SECOND
    assert Listing(ORDERS, "/v1/orders", keep="relist").absent(opened("relist")) == (NOW - 60) * SECOND


def test_a_held_sweep_is_judged_again_without_reading_the_list_again() -> None:
    state = opened("gap", held=True, since=3)
    before = LISTING.absent(state)
    LISTING.close(state, view(run="r1"))
    assert LISTING.due(state, view(run="r1")) is None
    found = LISTING.due(state, view(run="r2"))
    assert found == Pass("sweep", list(LISTING.fills), opened=NOW * SECOND, notes={"since": 3})
    state.open = found
    assert LISTING.slices(state, view(run="r2")) == []
    assert LISTING.absent(state) == before
    LISTING.close(state, view(run="r2"))  # nothing is held any more
    assert LISTING.due(state, view(run="r3")) is None


def test_an_object_read_by_id_is_a_sight_or_gone() -> None:
    get = {"id": "get/o1", "kind": "get", "key": "o1", "v": 7}
    assert LISTING.request(get, view()).path == "/v1/orders/o1"
    late = (NOW - 60) * SECOND
    step = LISTING.read(get, answer(order(1)), opened(), view())
    assert (step.sights[0].version, step.gone) == (late, [])
    assert LISTING.read(get, answer({"id": "o1", "deleted": True}), opened(), view()).gone == [
        Gone("orders", "o1", late)
    ]
    assert LISTING.refused(get, refusal(Kind.GONE), view()) == []
    assert LISTING.gone(get, NOW * SECOND) == [Gone("orders", "o1", late)]
    assert LISTING.refused(get, refusal(Kind.PERMISSION), view()) is None
