"""Slices of time: whatever the splits, a newest-first list is read once, at about one call a page."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import window
from framework.feed import SECOND, Slice

NOW = 1_700_000_000


class List:
    """A vendor's list: rows by creation second, newest first, ties in a fixed order."""

    def __init__(self, created: list[int]) -> None:
        self.rows = sorted(((at, n) for n, at in enumerate(created)), reverse=True)
        self.ages = [-at for at, _ in self.rows]
        self.place = {str(n): place for place, (_, n) in enumerate(self.rows)}

    def page(self, slice_: Slice, limit: int) -> tuple[list[tuple[int, int]], bool]:
        first = bisect_right(self.ages, -slice_["hi"]) if slice_["hi"] else 0
        if slice_.get("after"):
            first = max(first, self.place[slice_["after"]] + 1)
        end = bisect_right(self.ages, -slice_["lo"])
        return self.rows[first : min(end, first + limit)], end > first + limit


def walk(
    created: list[int], limit: int, spares: st.DataObject | int, born: int, lo: int = 0
) -> tuple[Counter[int], int]:
    """Reads a whole list by slices in random order; how often each row was seen, and the calls."""
    shelf, seen, calls = List(created), Counter[int](), 0
    opened = window.first(lo)
    slices = {opened["id"]: opened}
    order = random.Random(len(created))
    while slices:
        slice_ = slices.pop(order.choice(sorted(slices)))
        rows, more = shelf.page(slice_, limit)
        calls += 1
        seen.update(n for _, n in rows)
        if not more:
            continue
        spare = spares if isinstance(spares, int) else spares.draw(st.integers(0, 8))
        if isinstance(spares, int):
            spare = max(0, spares - len(slices) - 1)
        for new in window.rest(slice_, str(rows[-1][1]), rows[0][0], rows[-1][0], born=born * SECOND, spare=spare):
            assert new["id"] not in slices
            slices[new["id"]] = new
    return seen, calls


ages = st.one_of(
    st.lists(st.one_of(st.integers(0, 50), st.integers(0, 10**7), st.just(7)), max_size=120),
    st.lists(st.integers(0, 120), min_size=60, max_size=250),  # so dense that every cut has rows of its second
)


@given(ages=ages, limit=st.integers(1, 9), born=st.sampled_from([0, 10**7, 10**6, 130, 5]), data=st.data())
def test_every_row_is_read_exactly_once(ages: list[int], limit: int, born: int, data: st.DataObject) -> None:
    created = [NOW - age for age in ages]
    seen, _ = walk(created, limit, data, NOW - born if born else 0)
    assert seen == Counter(range(len(created)))


@given(ages=ages, lo=st.integers(0, 10**7), data=st.data())
def test_a_slice_keeps_to_its_lower_end(ages: list[int], lo: int, data: st.DataObject) -> None:
    created = [NOW - age for age in ages]
    seen, _ = walk(created, 5, data, 0, lo=NOW - lo)
    assert seen == Counter(n for n, age in enumerate(ages) if age <= lo)


def _uniform(rng: random.Random, rows: int, span: int) -> list[int]:
    return [NOW - rng.randrange(span) for _ in range(rows)]


def _growing(rng: random.Random, rows: int, span: int) -> list[int]:
    """A business that grows: half of its rows are from the last tenth of its life."""
    return [NOW - int(span * rng.random() ** 3.3) for _ in range(rows)]


def _shrinking(rng: random.Random, rows: int, span: int) -> list[int]:
    return [NOW - int(span * (1 - rng.random() ** 3.3)) for _ in range(rows)]


def _bursts(rng: random.Random, rows: int, span: int) -> list[int]:
    """Imports: most rows share a few seconds."""
    days = [rng.randrange(span) for _ in range(5)]
    return [NOW - (rng.choice(days) if rng.random() < 0.8 else rng.randrange(span)) for _ in range(rows)]


def _fresh(rng: random.Random, rows: int, span: int) -> list[int]:
    """An old account that began to sell last week."""
    return [NOW - rng.randrange(7 * 86_400) for _ in range(rows)]


def _exponential(rng: random.Random, rows: int, span: int) -> list[int]:
    """Every age from seconds to years is as likely as any other on a logarithmic scale."""
    return [NOW - int(math.exp(rng.random() * math.log(span))) for _ in range(rows)]


@pytest.mark.parametrize("known", [True, False], ids=["born known", "born unknown"])
@pytest.mark.parametrize(
    ("threads", "ages"),
    [(2, one) for one in (_uniform, _growing, _shrinking, _bursts, _fresh, _exponential)]
    + [(8, one) for one in (_uniform, _growing, _shrinking, _bursts, _fresh, _exponential)]
    + [(32, one) for one in (_uniform, _growing, _shrinking, _bursts)],
)
def test_reading_side_by_side_costs_at_most_a_tenth_more(
    threads: int, ages: Callable[[random.Random, int, int], list[int]], known: bool
) -> None:
    span, rows, limit = 900 * 86_400, 4_000, 10
    seen, calls = walk(ages(random.Random(rows), rows, span), limit, threads, NOW - span if known else 0)
    assert len(seen) == rows
    assert calls <= 1.1 * rows / limit + 5


def test_a_list_is_split_when_there_is_room_and_not_otherwise() -> None:
    slice_ = window.first(0)
    page = ("x", NOW, NOW - 100)
    assert len(window.rest(slice_, *page, born=(NOW - 100_000) * SECOND, spare=4)) == 5
    assert len(window.rest(slice_, *page, born=(NOW - 100_000) * SECOND, spare=0)) == 1
    assert len(window.rest(slice_, *page, born=(NOW - 900) * SECOND, spare=4)) == 2  # a few pages: not worth more
    assert len(window.rest(slice_, *page, born=(NOW - 350) * SECOND, spare=4)) == 1


@pytest.mark.parametrize("spare", [0, 1, 6])
def test_slices_know_how_many_pages_they_have_left(spare: int) -> None:
    slices = window.rest(window.first(0), "x", NOW, NOW - 100, born=(NOW - 7_100) * SECOND, spare=spare)
    assert [slice_["left"] for slice_ in slices] == pytest.approx([70 / (spare + 1)] * (spare + 1), abs=0.1)
    assert "left" not in window.rest(window.first(0), "x", NOW, NOW - 100, born=0, spare=spare)[0]


def test_the_pace_of_a_slice_is_measured_from_its_own_top() -> None:
    """A slice that walked alone for a while still knows how far a page reaches."""
    slice_, at = window.first(0), NOW
    for n in range(1, 11):
        (slice_,) = window.rest(slice_, f"r{n}", at, at - 1_000, born=(NOW - 20_000) * SECOND, spare=0)
        at -= 1_000
    pieces = window.rest(slice_, "r11", at, at - 1_000, born=(NOW - 20_000) * SECOND, spare=8)
    assert [piece["left"] for piece in pieces] == [4.5, 4.5]  # nine pages, not nineteen


def test_bounds_ask_for_what_the_slice_holds() -> None:
    assert window.bounds(window.first(0), "created") == []
    assert window.bounds(window.first(5, 9), "created") == [("created[gte]", "5"), ("created[lt]", "9")]


def test_a_dead_page_token_restarts_its_slice_a_few_times_only() -> None:
    slice_ = {**window.first(5, 9), "after": "x", "n": 3, "top": 8, "tail": {}}
    restarts = 0
    while again := window.restart(slice_):
        assert again == {**window.first(5, 9), "again": restarts + 1}
        slice_, restarts = {**again, "after": "y"}, restarts + 1
    assert restarts == window.RESTARTS


@given(ages=ages, limit=st.integers(1, 9), dies=st.data())
def test_a_walk_goes_on_from_the_second_at_which_its_page_token_died(
    ages: list[int], limit: int, dies: st.DataObject
) -> None:
    shelf, seen, dead = List([NOW - age for age in ages]), set[int](), 0
    slice_: Slice | None = window.first(0)
    while slice_ is not None:
        rows, more = shelf.page(slice_, limit)
        seen.update(n for _, n in rows)
        slice_ = window.rest(slice_, str(rows[-1][1]), rows[0][0], rows[-1][0], born=0, spare=0)[0] if more else None
        if slice_ and (slice_["hi"], slice_["low"]) != (slice_["low"] + 1, slice_["low"]) and dies.draw(st.booleans()):
            slice_, dead = window.restart(slice_), dead + 1
            assert slice_ is not None
    assert len(seen) == len(ages), dead


def test_a_page_token_that_dies_again_in_the_same_second_dies_a_few_times_only() -> None:
    slice_: Slice | None = window.first(0)
    for _ in range(window.RESTARTS + 1):
        assert slice_ is not None
        (following,) = window.rest(slice_, "x", NOW, NOW - 5, born=0, spare=0)
        slice_ = window.restart(following)
        assert slice_ is None or window.bounds(slice_, "created") == [("created[lt]", str(NOW - 4))]
    assert slice_ is not None
    assert window.restart(window.rest(slice_, "x", NOW, NOW - 5, born=0, spare=0)[0]) is None


def test_a_slice_whose_answers_are_too_large_asks_for_half_of_it_down_to_one_row() -> None:
    slice_ = window.first(0)
    sizes = []
    while found := window.smaller(slice_, 100):
        (slice_,) = found
        sizes.append(slice_["limit"])
    assert sizes == [50, 25, 12, 6, 3, 1]
