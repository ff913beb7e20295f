"""The feed of a plain list, without HTTP: how it pages, what absence proves, when it is read again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.testing.memory import objects
from framework.collection import Collection, Column
from framework.errors import Kind, Refused
from framework.feed import DAY, SECOND, Answer, Pass, Slice, State, View
from framework.pages import Pages, Recent

NOW = 1_700_000_000
GROUPS = Collection("groups", columns=(Column("id", "bigint"),))
LIST = Pages((GROUPS,), "/groups", deleted=("deleted", True), limit=3)
TABLES = {"groups": "groups-1"}


def view(**more: Any) -> View:
    fields: dict[str, Any] = {"selected": frozenset(TABLES), "tables": TABLES, "now": NOW * SECOND, "run": "r1"}
    return View(**{**fields, **more})


def answer(rows: list[Any], asked: int = NOW, **envelope: Any) -> Answer:
    return Answer(200, json.dumps({"groups": rows, **envelope}).encode(), {}, asked * SECOND)


def opened(why: str = "relist", **notes: Any) -> State:
    return State(open=Pass(why, ["groups"], opened=NOW * SECOND, notes=notes))


def filled(**memory: Any) -> State:
    """A state whose first pass is over."""
    return State(
        marks={"groups": NOW * SECOND},
        tables=dict(TABLES),
        memory={"version": "", "start": 0, "listed": NOW * SECOND, "asked": NOW * SECOND, "rows": 2, **memory},
    )


def asked(feed: Pages, slice_: Slice) -> list[tuple[str, str]]:
    return list(feed.request(slice_, view()).params)


def why(feed: Pages, state: State, **more: Any) -> str:
    found = feed.due(state, view(**more))
    return found.why if found else ""


FIRST: Slice = {"id": "list", "kind": "list"}


# -- paging -------------------------------------------------------------------------------------------------------


def test_a_cursor_is_followed_until_the_vendor_says_that_there_is_no_more() -> None:
    assert asked(LIST, FIRST) == [("page[size]", "3")]
    meta = {"has_more": True, "after_cursor": "b=="}
    (second,) = LIST.read(FIRST, answer([{"id": 1}], meta=meta, links={"next": "x"}), opened(), view()).slices
    assert asked(LIST, second) == [("page[size]", "3"), ("page[after]", "b==")]
    over = {"has_more": False, "after_cursor": "c=="}
    assert LIST.read(second, answer([{"id": 2}], meta=over, links={"next": "x"}), opened(), view()).slices == []


def test_without_a_cursor_the_next_page_is_followed_by_its_number_on_our_own_host() -> None:
    link = "https://elsewhere.example/api/groups.json?page=2&per_page=3"
    (second,) = LIST.read(FIRST, answer([{"id": 1}], next_page=link), opened(), view()).slices
    assert LIST.request(second, view()).path == "/groups"
    assert asked(LIST, second) == [("page", "2"), ("per_page", "3")]
    assert LIST.read(second, answer([{"id": 2}], next_page=None), opened(), view()).slices == []


def test_a_list_that_takes_no_page_size_is_asked_bare() -> None:
    bare = Pages((GROUPS,), "/groups", paged=False, params=(("x", "1"),))
    assert asked(bare, FIRST) == [("x", "1")]
    assert bare.read(FIRST, answer([{"id": 1}]), opened(), view()).slices == []


@pytest.mark.parametrize(
    ("slice_", "envelope"),
    [
        ({**FIRST, "after": "b"}, {"meta": {"has_more": True, "after_cursor": "b"}}),
        (FIRST, {"meta": {"has_more": True, "after_cursor": None}}),
        ({**FIRST, "number": 2, "after": "2"}, {"next_page": "https://x.example/?page=2"}),
        (FIRST, {"next_page": "https://x.example/?cursor=2"}),
    ],
)
def test_a_list_that_goes_round_in_circles_is_an_error_and_no_end(slice_: Slice, envelope: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        LIST.read(slice_, answer([{"id": 1}], **envelope), opened(), view())
    assert caught.value.kind is Kind.BUG


@given(st.integers(0, 23), st.integers(1, 6), st.booleans())
def test_a_walk_shows_every_row_once(rows: int, size: int, cursor: bool) -> None:
    feed = Pages((GROUPS,), "/groups", limit=size)
    slices: list[Slice] = feed.slices(opened(), view())
    seen: list[int] = []
    while slices:
        params = dict(asked(feed, slices[0]))
        start = int(params.get("page[after]", 0)) or (int(params.get("page", 1)) - 1) * size
        page = [{"id": n} for n in range(start, min(start + size, rows))]
        more = start + size < rows
        envelope: dict[str, Any] = {"meta": {"has_more": more, "after_cursor": str(start + size)}}
        if not cursor:
            number = start // size + 2
            envelope = {"next_page": f"https://acme.example/groups?page={number}" if more else None}
        step = feed.read(slices[0], answer(page, **envelope), opened(), view())
        seen += [row["id"] for sight in step.sights for row in objects(sight)]
        slices = step.slices
    assert seen == list(range(rows))


# -- what it reads ------------------------------------------------------------------------------------------------


def test_rows_are_as_old_as_the_answer_but_never_older_than_their_pass() -> None:
    (sight,) = LIST.read(FIRST, answer([{"id": 1}], asked=NOW + 30), opened(), view()).sights
    assert sight.version == (NOW + 30) * SECOND - LIST.settle
    (sight,) = LIST.read(FIRST, answer([{"id": 1}], asked=NOW - 30), opened(), view()).sights
    assert sight.version == NOW * SECOND - LIST.settle


def test_a_row_can_say_itself_that_it_is_gone() -> None:
    rows = [{"id": 1, "deleted": True}, {"id": 2, "deleted": False}, {"id": 3}, {"id": 4, "deleted": 1}]
    (sight,) = LIST.read(FIRST, answer(rows), opened(), view()).sights
    assert sight.deleted == [True, False, False, False]


def test_absence_proves_a_deletion_unless_the_pages_may_have_shifted() -> None:
    state = opened()
    LIST.note(state, LIST.read(FIRST, answer([{"id": 1}], meta={"has_more": False}), state, view()))
    assert LIST.absent(state) == NOW * SECOND - LIST.settle
    LIST.note(state, LIST.read(FIRST, answer([{"id": 1}], next_page="https://x.example/?page=2"), state, view()))
    assert LIST.absent(state) == 0


# -- when it is read again ----------------------------------------------------------------------------------------


def test_a_list_is_read_again_when_somebody_wants_now_or_its_day_has_come() -> None:
    assert why(LIST, filled()) == ""
    assert why(LIST, filled(), relist=frozenset({"groups"})) == "relist"
    assert why(LIST, filled(listed=NOW * SECOND - DAY)) == "relist"
    assert why(LIST, filled(listed=NOW * SECOND - DAY), now=0) == ""
    assert LIST.cost(filled(rows=7)) == 3


LATELY = Recent((GROUPS,), "/groups", limit=3, since="start", again=2 * DAY)


def test_a_list_of_what_happened_is_read_from_its_mark_less_what_may_still_change() -> None:
    state = filled()
    assert why(LATELY, state) == "tail"
    assert why(LATELY, state, due=True) == ""
    assert why(LATELY, filled(asked=NOW * SECOND - DAY), due=True) == "tail"
    state.open = Pass("tail", ["groups"])
    (slice_,) = LATELY.slices(state, view())
    assert asked(LATELY, slice_) == [("start", str(NOW - 2 * 86_400)), ("page[size]", "3")]
    state.open.opened = NOW * SECOND
    assert LATELY.absent(state) == 0


def test_a_list_of_what_happened_begins_with_everything_or_with_the_start_date() -> None:
    state = State(open=Pass("first", ["groups"]))
    assert asked(LATELY, LATELY.slices(state, view())[0]) == [("page[size]", "3")]
    (slice_,) = LATELY.slices(state, view(start=5 * SECOND))
    assert asked(LATELY, slice_)[0] == ("start", "5")


def test_times_are_given_as_the_list_takes_them() -> None:
    slice_ = {**FIRST, "since": 0, "until": NOW * SECOND}
    iso = Recent((GROUPS,), "/groups", since="since", form="iso")
    both = Recent((GROUPS,), "/groups", since="at[]", form="range")
    slice_["since"] = 1_600_000_000 * SECOND
    assert asked(iso, slice_)[0] == ("since", "2020-09-13T12:26:40Z")
    assert asked(both, slice_)[:2] == [("at[]", "2020-09-13T12:26:40Z"), ("at[]", "2023-11-14T22:13:20Z")]


def test_a_list_whose_old_rows_change_is_read_whole_while_that_is_cheap() -> None:
    feed = Recent((GROUPS,), "/groups", limit=3, again=DAY, whole=7 * DAY)
    assert why(feed, filled(rows=30)) == "relist"
    assert why(feed, filled(rows=31)) == "tail"
    assert why(feed, filled(rows=31, listed=NOW * SECOND - 7 * DAY)) == "relist"
    state = filled()
    state.open = Pass("relist", ["groups"])
    assert feed.slices(state, view())[0]["since"] == 0


# -- refusals -----------------------------------------------------------------------------------------------------


def test_a_dead_page_token_starts_the_list_again_but_not_for_ever() -> None:
    slice_: Slice = {**FIRST, "after": "b"}
    for _ in range(3):
        found = LIST.refused({**slice_, "after": "b"}, Refused(Kind.CURSOR, "dead"), view())
        assert found
        slice_ = found[0]
        assert "after" not in slice_
    assert LIST.refused({**slice_, "after": "b"}, Refused(Kind.CURSOR, "dead"), view()) is None
    assert LIST.refused(FIRST, Refused(Kind.PERMISSION, "no"), view()) is None


def test_too_much_in_one_answer_is_asked_for_in_smaller_pages_and_a_few_times_at_the_end() -> None:
    slice_: Slice = dict(FIRST)
    feed = Pages((GROUPS,), "/groups", limit=100)
    sizes = []
    while found := feed.refused(slice_, Refused(Kind.SHRINK, "too much"), view()):
        slice_ = found[0]
        sizes.append(dict(asked(feed, slice_))["page[size]"])
    assert sizes == ["50", "25", "12", "6", "3", "3", "3", "3"]
