"""The feed of an incremental export, without HTTP: what it asks, how it goes on, what it remembers, how it ends."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.testing.memory import objects
from framework.collection import Collection, Column
from framework.errors import Kind, Refused
from framework.export import Export, Part
from framework.feed import DAY, SECOND, Answer, Pass, Slice, State, View

NOW = 1_700_000_000
TICKETS = Collection("tickets", columns=(Column("id", "bigint"),))
EVENTS = Collection("events", kind="event", columns=(Column("id", "bigint"),))
NOTES = Collection("notes", columns=(Column("id", "bigint"),))
CURSOR = Export((TICKETS,), "/tickets/cursor", stamps=("stamp",), deleted=("status", "deleted"), cursor=True, limit=3)
TIMED = Export(
    (EVENTS, NOTES),
    "/events",
    stamps=("stamp",),
    include=(("comments", ("notes",)),),
    parts=(Part("children", "notes", ("kind", ("Note",)), (("id", "event_id"), ("at", "at"))),),
    limit=3,
)
TABLES = {name: f"{name}-1" for name in ("tickets", "events", "notes")}


def view(**more: Any) -> View:
    fields: dict[str, Any] = {"selected": frozenset(TABLES), "tables": TABLES, "now": NOW * SECOND, "run": "r1"}
    return View(**{**fields, **more})


def answer(rows: list[Any], at: str = "tickets", **envelope: Any) -> Answer:
    return Answer(200, json.dumps({at: rows, **envelope}).encode(), {}, NOW * SECOND)


def opened(why: str = "news", **notes: Any) -> State:
    return State(open=Pass(why, ["tickets"], opened=NOW * SECOND, notes=notes))


def filled(feed: Export = CURSOR, **memory: Any) -> State:
    """A state whose first pass is over."""
    names = feed.fills
    return State(
        marks=dict.fromkeys(names, (NOW - 500) * SECOND),
        tables={name: TABLES[name] for name in names},
        memory={"version": "", "start": 0, "rows": 2500, "compared": NOW * SECOND, **memory},
    )


def asked(feed: Export, slice_: Slice, **more: Any) -> dict[str, str]:
    return dict(feed.request(slice_, view(**more)).params)


def next_of(feed: Export, slice_: Slice, reply: Answer) -> list[Slice]:
    return feed.read(slice_, reply, opened(), view()).slices


# -- what it asks -------------------------------------------------------------------------------------------------


def test_a_first_pass_reads_all_history_and_a_start_date_bounds_it() -> None:
    state = opened("first")
    (slice_,) = CURSOR.slices(state, view())
    assert asked(CURSOR, slice_) == {"per_page": "3", "start_time": "0"}
    (slice_,) = CURSOR.slices(state, view(start=NOW // 2 * SECOND))
    assert asked(CURSOR, slice_)["start_time"] == str(NOW // 2)


def test_no_start_time_is_younger_than_the_vendor_takes() -> None:
    (slice_,) = CURSOR.slices(opened("first"), view(start=(NOW + 5) * SECOND))
    assert int(asked(CURSOR, slice_)["start_time"]) <= NOW - 61


def test_the_news_are_read_from_the_mark_furthest_back() -> None:
    state = filled()
    state.open = Pass("news", ["tickets"])
    (slice_,) = CURSOR.slices(state, view())
    assert asked(CURSOR, slice_)["start_time"] == str(NOW - 500)


def test_a_cursor_replaces_the_time_and_the_bucket_is_named() -> None:
    feed = Export((TICKETS,), "/t", cursor=True, bucket="exports", params=(("scope", "all"),))
    request = feed.request({"id": "export", "kind": "list", "since": 5, "after": "x=="}, view())
    assert dict(request.params) == {"per_page": "1000", "scope": "all", "cursor": "x=="}
    assert request.bucket == "exports"


def test_what_hangs_on_rows_is_asked_for_only_when_it_is_wanted() -> None:
    slice_ = {"id": "export", "kind": "list", "since": 0}
    assert asked(TIMED, slice_)["include"] == "comments"
    assert "include" not in asked(TIMED, slice_, selected=frozenset({"events"}))
    assert "include" not in asked(TIMED, slice_, refused=frozenset({"notes"}))


# -- how it goes on -----------------------------------------------------------------------------------------------


def test_a_cursor_is_followed_to_the_end_and_remembers_the_time_it_reached() -> None:
    first = {"id": "export", "kind": "list", "since": 0}
    (second,) = next_of(CURSOR, first, answer([{"id": 1, "stamp": 40}], after_cursor="a", end_of_stream=False))
    assert (second["after"], second["since"]) == ("a", 40)
    assert next_of(CURSOR, second, answer([{"id": 2, "stamp": 50}], after_cursor="b", end_of_stream=True)) == []


@pytest.mark.parametrize("token", [None, "", "a"])
def test_a_cursor_that_is_missing_or_stands_still_ends_the_pass(token: str | None) -> None:
    slice_ = {"id": "export", "kind": "list", "since": 0, "after": "a"}
    assert next_of(CURSOR, slice_, answer([], after_cursor=token, end_of_stream=False)) == []


def test_a_time_export_goes_on_from_its_last_second() -> None:
    slice_ = {"id": "export", "kind": "list", "since": 10}
    rows = [{"id": n, "stamp": 20} for n in range(3)]
    (follow,) = next_of(TIMED, slice_, answer(rows, "events", end_time=20, end_of_stream=False))
    assert follow["since"] == 20
    assert next_of(TIMED, slice_, answer(rows, "events", end_time=20, end_of_stream=True)) == []


def test_a_second_with_more_rows_than_a_page_is_passed_and_not_read_for_ever() -> None:
    slice_ = {"id": "export", "kind": "list", "since": 20}
    rows = [{"id": n, "stamp": 20} for n in range(5)]
    (follow,) = next_of(TIMED, slice_, answer(rows, "events", end_time=20, end_of_stream=False))
    assert follow["since"] == 21


def test_a_page_that_does_not_move_is_asked_for_in_half_before_its_second_is_passed() -> None:
    """The vendor may show fewer rows on a page than it is asked for: only all of a second again are all of them."""
    slice_ = {"id": "export", "kind": "list", "since": 20}
    stuck = answer([{"id": n, "stamp": 20} for n in range(3)], "events", end_time=20, end_of_stream=False)
    (half,) = next_of(TIMED, slice_, stuck)
    assert (half["since"], half["limit"]) == (20, 1)
    (passed,) = next_of(TIMED, half, stuck)
    assert passed == {"id": "export", "kind": "list", "since": 21}
    assert next_of(TIMED, passed, answer([], "events", end_time=None, end_of_stream=False)) == []


def test_a_time_export_that_says_no_end_at_all_ends_where_it_stops() -> None:
    slice_ = {"id": "export", "kind": "list", "since": 20}
    (after,) = next_of(TIMED, slice_, answer([{"id": 1, "stamp": 30}], "events", end_time=30))
    assert after["since"] == 30
    assert next_of(TIMED, after, answer([{"id": 1, "stamp": 30}], "events", end_time=30)) == []


def test_rows_of_a_second_that_are_on_no_page_are_said_to_be_missing() -> None:
    half = {"id": "export", "kind": "list", "since": 20, "limit": 2, "shown": 5}
    fewer = answer([{"id": n, "stamp": 20} for n in range(2)], "events", end_time=20, end_of_stream=False)
    step = TIMED.read(half, fewer, opened(), view())
    assert [slice_["since"] for slice_ in step.slices] == [21]
    assert "1970-01-01T00:00:20Z" in step.lost


@pytest.mark.parametrize(("rest", "asked"), [("/events", {"start_time": "20"}), ("/list", {})])
def test_rows_of_a_second_that_are_on_no_page_are_read_from_a_list(rest: str, asked: dict[str, str]) -> None:
    feed = dataclasses.replace(TIMED, rest=rest)
    half = {"id": "export", "kind": "list", "since": 20, "limit": 2, "shown": 5}
    fewer = answer([{"id": n, "stamp": 20} for n in range(2)], "events", end_time=20, end_of_stream=False)
    _, listed = next_of(feed, half, fewer)
    assert dict(feed.request(listed, view()).params) == {"page[size]": "100", **asked}
    page = answer([{"id": 1, "stamp": 20}], "events", meta={"has_more": True, "after_cursor": "a"})
    (second,) = next_of(feed, listed, page)
    assert dict(feed.request(second, view()).params) == {"page[size]": "100", **asked, "page[after]": "a"}
    last = answer([{"id": 9, "stamp": 21}], "events", meta={"has_more": True, "after_cursor": "b"})
    step = feed.read(second, last, opened(), view())
    assert len(step.slices) == (0 if asked else 1)  # the export's own pages are in order: the second is over
    assert not step.lost
    assert feed.read(second, page, opened(), view()).lost  # a list that does not move either


def test_a_cursor_that_stands_still_on_rows_is_left_for_the_time_and_at_last_said_to_have_stopped() -> None:
    slice_ = {"id": "export", "kind": "list", "since": 20, "after": "a"}
    stuck = answer([{"id": 1, "stamp": 20}], after_cursor="a", end_of_stream=False)
    for _ in range(3):
        with pytest.raises(Refused) as refusal:
            CURSOR.read(slice_, stuck, opened(), view())
        (again,) = CURSOR.refused(slice_, refusal.value, view()) or []
        assert "after" not in again
        (slice_,) = next_of(CURSOR, again, answer([{"id": 1, "stamp": 20}], after_cursor="a", end_of_stream=False))
    step = CURSOR.read(slice_, stuck, opened(), view())
    assert step.slices == []
    assert "stopped at 1970-01-01T00:00:20Z" in step.lost


@pytest.mark.parametrize("ended", [True, False])
def test_no_mark_passes_the_last_row_of_an_export_that_stopped_without_an_end(ended: bool) -> None:
    state = opened("news")
    assert state.open is not None
    state.open.opened = NOW * SECOND
    slice_ = {"id": "export", "kind": "list", "since": 20, "after": "a"}
    for rows, told in (([{"id": 1, "stamp": 20}], "b"), ([], "b")):
        reply = answer(rows, after_cursor=told, end_of_stream=ended and not rows)
        step = CURSOR.read(slice_, reply, state, view())
        CURSOR.note(state, step)
        slice_ = (step.slices or [slice_])[0]
    CURSOR.close(state, view())
    assert state.marks["tickets"] == (NOW * SECOND - CURSOR.settle if ended else 20 * SECOND)


@given(st.lists(st.integers(0, 30), max_size=60).map(sorted), st.integers(1, 5))
def test_a_walk_by_time_shows_every_row_and_ends(stamps: list[int], size: int) -> None:
    """Against the vendor's rule: a page is never cut inside a second."""
    feed = Export((EVENTS,), "/events", stamps=("stamp",), limit=size)
    slices: list[Slice] = [{"id": "export", "kind": "list", "since": 0}]
    seen: set[int] = set()
    for _ in range(200):
        if not slices:
            break
        since = slices[0]["since"]
        left = [(n, at) for n, at in enumerate(stamps) if at >= since]
        page = left[:size]
        page += [(n, at) for n, at in left[size:] if page and at == page[-1][1]]
        rows = [{"id": n, "stamp": at} for n, at in page]
        envelope = {"end_time": page[-1][1] if page else None, "end_of_stream": len(page) == len(left)}
        step = feed.read(slices[0], answer(rows, "events", **envelope), opened(), view())
        seen |= {row["id"] for sight in step.sights for row in objects(sight)}
        slices = step.slices
    assert slices == []
    assert seen == set(range(len(stamps)))


# -- what it reads ------------------------------------------------------------------------------------------------


def test_rows_carry_their_own_stamp_and_say_when_they_are_gone() -> None:
    rows = [{"id": 1, "stamp": 40, "status": "open"}, {"id": 2, "stamp": "2023-11-14T22:13:20Z", "status": "deleted"}]
    step = CURSOR.read({"since": 0}, answer(rows, end_of_stream=True), opened(), view())
    (sight,) = step.sights
    assert sight.version == [40 * SECOND, NOW * SECOND]
    assert sight.deleted == [False, True]
    assert sight.at == "tickets"


def test_of_several_stamps_the_latest_counts_and_any_value_can_mean_gone() -> None:
    feed = Export((TICKETS,), "/o", stamps=("updated_at", "deleted_at"), deleted=("deleted_at", ...))
    rows = [{"id": 1, "updated_at": 5, "deleted_at": 9}, {"id": 2, "updated_at": 7, "deleted_at": None}]
    (sight,) = feed.read({"since": 0}, answer(rows, end_of_stream=True), opened(), view()).sights
    assert (sight.version, sight.deleted) == ([9 * SECOND, 7 * SECOND], [True, False])


def test_a_row_without_a_stamp_or_of_an_odd_form_costs_no_other_row() -> None:
    step = CURSOR.read({"since": 0}, answer([{"id": 1}, "odd", {"id": 2, "stamp": 4}]), opened(), view())
    (sight,) = step.sights
    assert sight.version == [NOW * SECOND - CURSOR.settle] * 2 + [4 * SECOND]
    assert step.rows == 3


def test_parts_are_cut_out_with_what_they_get_from_their_row() -> None:
    rows = [
        {
            "id": 7,
            "stamp": 30,
            "at": 30,
            "children": [{"id": 1, "kind": "Note", "at": 31}, {"id": 2, "kind": "Change"}],
        },
        {"id": 8, "stamp": 40, "at": 40, "children": [{"kind": "Note", "id": 3, "text": "x"}]},
        {"id": 9, "stamp": 50, "children": None},
    ]
    own, notes = TIMED.read({"since": 0}, answer(rows, "events", end_of_stream=True), opened(), view()).sights
    assert (own.collection, notes.collection) == ("events", "notes")
    assert objects(notes) == [
        {"event_id": 7, "at": 31, "id": 1, "kind": "Note"},  # what it says itself is the last word
        {"event_id": 8, "at": 40, "kind": "Note", "id": 3, "text": "x"},
    ]
    assert notes.version == [30 * SECOND, 40 * SECOND]


def test_parts_that_nobody_selected_are_left() -> None:
    rows = [{"id": 7, "stamp": 30, "children": [{"id": 1, "kind": "Note"}]}]
    step = TIMED.read({"since": 0}, answer(rows, "events"), opened(), view(selected=frozenset({"events"})))
    assert [sight.collection for sight in step.sights] == ["events"]


# -- passes -------------------------------------------------------------------------------------------------------


def test_a_run_reads_the_news_once() -> None:
    state = filled()
    first = CURSOR.due(state, view())
    assert first is not None
    assert first.why == "news"
    state.open = first
    first.opened = NOW * SECOND
    CURSOR.close(state, view())
    state.open = None
    assert CURSOR.due(state, view()) is None
    assert CURSOR.due(state, view(run="r2")) is not None


def test_a_pass_that_another_run_opened_is_not_this_runs_news() -> None:
    state = filled()
    state.open = Pass("news", ["tickets"], opened=(NOW - 90) * SECOND, notes={"run": "r0"})
    CURSOR.close(state, view())
    state.open = None
    found = CURSOR.due(state, view())
    assert found is not None
    assert found.why == "news"


def test_the_mark_stays_behind_the_opening_of_its_pass() -> None:
    state = filled()
    state.open = Pass("news", ["tickets"], opened=NOW * SECOND, notes={"run": "r1"})
    CURSOR.note(state, CURSOR.read({"since": 0}, answer([{"id": 1, "stamp": NOW + 100}]), state, view()))
    CURSOR.close(state, view())
    assert state.marks == {"tickets": NOW * SECOND - CURSOR.settle}


def why_after_news(**more: Any) -> str:
    """The pass that follows the news in the same run."""
    memory = more.pop("memory", {})
    state = filled(**memory, last=20 * SECOND)
    state.open = Pass("news", ["tickets"], opened=NOW * SECOND, notes={"run": "r1"})
    CURSOR.note(state, CURSOR.read({"since": 0}, answer([{"id": 1, "stamp": 50}]), state, view()))
    CURSOR.close(state, view(**more))
    state.open = None
    found = CURSOR.due(state, view(**more))
    return found.why if found else ""


SMALL = {"rows": 9}  # three pages


def test_ids_are_compared_at_every_sync_while_that_is_cheap_and_by_schedule_once_a_day() -> None:
    recent, old = {"compared": NOW * SECOND}, {"compared": NOW * SECOND - DAY}
    assert why_after_news(memory=SMALL | recent) == "compare"
    assert why_after_news(memory=SMALL | recent, due=True) == ""
    assert why_after_news(memory=SMALL | old, due=True) == "compare"


def test_ids_of_large_tables_are_compared_once_a_week() -> None:
    assert why_after_news(memory={"rows": 2500, "compared": NOW * SECOND - DAY}) == ""
    assert why_after_news(memory={"rows": 2500, "compared": NOW * SECOND - 7 * DAY}) == "compare"


def test_an_export_of_one_page_is_read_whole_instead_of_its_news() -> None:
    state = filled(rows=3)
    found = CURSOR.due(state, view())
    assert found is not None
    assert (found.why, found.notes["whole"]) == ("compare", True)
    state.open = found
    (slice_,) = CURSOR.slices(state, view())
    assert slice_["since"] == 0
    step = CURSOR.read(slice_, answer([{"id": 1, "stamp": 4}], end_of_stream=True), state, view())
    assert list(step.seen) == ["1"]
    assert len(step.sights) == 1
    found.opened = NOW * SECOND
    CURSOR.close(state, view())
    assert state.marks["tickets"] == NOW * SECOND - CURSOR.settle
    state.open = None
    assert CURSOR.due(state, view()) is None
    due = CURSOR.due(filled(rows=3), view(due=True))
    assert due is not None
    assert due.why == "news"


def test_what_the_brake_held_is_compared_anew() -> None:
    held = {"opened": (NOW - 9000) * SECOND, "since": 0, "compared": True}
    found = CURSOR.due(filled(held=held), view())
    assert found
    assert (found.why, found.opened, found.notes) == ("compare", 0, {"run": "r1"})
    found = CURSOR.due(filled(held=held, rows=1), view())
    assert found
    assert (found.why, found.opened, found.notes) == ("compare", 0, {"whole": True, "run": "r1"})
    assert CURSOR.slices(State(open=found), view())


def test_a_comparison_that_only_looks_for_keys_loads_nothing() -> None:
    step = CURSOR.read({"since": 0}, answer([{"id": 1, "stamp": 4}, {"id": 2, "stamp": 4}]), opened("compare"), view())
    assert (step.sights, list(step.seen)) == ([], ["1", "2"])


def test_a_comparison_covers_all_that_was_ever_read() -> None:
    state = filled(start=100 * SECOND)
    state.open = Pass("compare", ["tickets"])
    (slice_,) = CURSOR.slices(state, view(start=900 * SECOND))
    assert slice_["since"] == 100


def test_what_happened_is_never_compared() -> None:
    found = TIMED.due(filled(TIMED, rows=1, compared=0), view())
    assert found is not None
    assert found.why == "news"
    assert not TIMED.compares(filled(TIMED, rows=1, compared=0, read="r1"), view())


# -- refusals -----------------------------------------------------------------------------------------------------


def test_a_dead_cursor_goes_on_from_the_time_that_was_reached_but_not_for_ever() -> None:
    slice_: Slice = {"id": "export", "kind": "list", "since": 40, "after": "a"}
    dead = Refused(Kind.CURSOR, "dead")
    for _ in range(3):
        found = CURSOR.refused({**slice_, "after": "a"}, dead, view())
        assert found is not None
        slice_ = found[0]
        assert "after" not in slice_
        assert slice_["since"] == 40
    assert CURSOR.refused({**slice_, "after": "a"}, dead, view()) is None


def test_too_much_in_one_answer_is_asked_for_in_smaller_pages_and_later_in_full_ones() -> None:
    feed = Export((TICKETS,), "/t", stamps=("stamp",), cursor=True, limit=1000)
    slice_: Slice = {"id": "export", "kind": "list", "since": 0}
    sizes = []
    while found := feed.refused(slice_, Refused(Kind.SHRINK, "too much"), view()):
        slice_ = found[0]
        sizes.append(slice_["limit"])
    assert sizes[:2] == [500, 250]
    assert sizes[-1] == 10
    (follow,) = next_of(feed, slice_, answer([{"id": 1, "stamp": 4}], after_cursor="a", end_of_stream=False))
    assert asked(feed, follow)["per_page"] == "1000"
