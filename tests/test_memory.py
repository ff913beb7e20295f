"""The merge rules in their plainest form: every order and every cut of the same sights ends in the same rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.testing.memory import Memory
from framework.collection import Child, Collection
from framework.sight import Closed, Gone, Sight
from framework.warehouse import Commit, Conflict

LINES = Collection("lines", object="line")
ORDERS = Collection("orders", object="order", children=(Child("lines", "lines", "order_id", url="/v1/lines"),))
EVENTS = Collection("events", kind="event", object="event")
ALL = (ORDERS, LINES, EVENTS)


def commit(memory: Memory, *what: Sight | Gone | Closed) -> dict[str, Any]:
    decoded = [memory.codec().decode(one) for one in what if isinstance(one, Sight)]
    gone = [one for one in what if isinstance(one, Gone)]
    closed = [one for one in what if isinstance(one, Closed)]
    return dict(memory.commit(Commit(decoded=decoded, gone=gone, closed=closed)).counts)


def order(version: int, *ids: str, amount: int = 0, more: bool = False, **sight: Any) -> Sight:
    members = [{"id": id_, "object": "line"} for id_ in ids]
    row = {"id": "o1", "amount": amount, "lines": {"data": members, "has_more": more}}
    return Sight("orders", json.dumps([row]).encode(), version, **sight)


def rest(version: int, *ids: str) -> Sight:
    rows = [{"id": id_, "object": "line"} for id_ in ids]
    return Sight("lines", json.dumps(rows).encode(), version, parent="orders", parent_key="o1")


def live(memory: Memory) -> tuple[dict[str, Any], dict[str, Any]]:
    return memory.live("orders"), {key: row["order_id"] for key, row in memory.live("lines").items()}


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[Sight | Gone]], set[str], int | None, int | None]:
    """Sights of one order at different versions, cut anyhow; its members in the end, newest amount, its deletion."""
    versions = draw(st.lists(st.integers(1, 20), min_size=1, max_size=6, unique=True))
    shown = {v: draw(st.sets(st.sampled_from("abcd"), max_size=4)) for v in versions}
    sights: list[Sight | Gone] = [order(v, *sorted(ids), amount=v) for v, ids in shown.items()]
    deleted = draw(st.one_of(st.none(), st.integers(1, 20)))
    if deleted is not None:
        sights.append(Gone("orders", "o1", deleted))
    shuffled = draw(st.permutations(sights))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(shuffled) - 1)))))
    parts = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    return parts, shown[max(versions)], max(versions), deleted


@given(histories())
def test_every_order_and_cut_ends_in_the_same_rows(
    history: tuple[list[list[Sight | Gone]], set[str], int, int | None],
) -> None:
    parts, members, newest, deleted = history
    memory = Memory(ALL)
    for part in parts:
        commit(memory, *part)
    row = memory.rows["orders"]["o1"]
    assert row.payload is not None
    assert (row.payload["amount"], row.version) == (newest, newest)
    gone = deleted is not None and deleted >= newest
    assert row.deleted_at == (deleted if gone else None)
    assert set(live(memory)[1]) == (set() if gone else members)


@given(st.permutations(range(4)))
def test_the_rest_of_a_list_may_come_in_any_order(order_: list[int]) -> None:
    memory = Memory(ALL)
    commit(memory, order(1, "a", "b", "c", "d", more=False))
    what = [order(5, "a", "b", more=True), rest(5, "c"), rest(5, "e"), Closed("lines", "orders", "o1", 5)]
    commit(memory, *[what[n] for n in order_])
    assert set(live(memory)[1]) == {"a", "b", "c", "e"}


def test_what_has_more_proves_nothing_until_it_was_read_to_its_end() -> None:
    memory = Memory(ALL)
    commit(memory, order(1, "a", "b", "c"))
    commit(memory, order(2, "a", more=True))
    assert set(live(memory)[1]) == {"a", "b", "c"}
    commit(memory, rest(2, "b"), Closed("lines", "orders", "o1", 2))
    assert set(live(memory)[1]) == {"a", "b"}


def test_an_older_list_of_a_newer_parent_adds_and_closes_nothing() -> None:
    memory = Memory(ALL)
    commit(memory, order(9, "a", "b"))
    commit(memory, order(5, "a", "z"), rest(5, "y"), Closed("lines", "orders", "o1", 8))
    assert set(live(memory)[1]) == {"a", "b"}


def test_a_list_read_for_the_first_time_counts_whatever_the_parents_age() -> None:
    memory = Memory((ORDERS, EVENTS))
    commit(memory, order(9, "a"))
    memory.collections = ALL
    commit(memory, order(5, "a", "b", fresh=frozenset({"lines"})))
    assert set(live(memory)[1]) == {"a", "b"}


def test_a_deletion_hides_no_later_payload_and_a_return_clears_it() -> None:
    memory = Memory(ALL)
    commit(memory, Gone("orders", "o1", 5))
    commit(memory, order(3, "a", amount=3))
    row = memory.rows["orders"]["o1"]
    assert (row.payload or {})["amount"] == 3
    assert (row.deleted_at, live(memory)[1]) == (5, {})
    assert commit(memory, order(6, "a", amount=6))["orders"].restored == 1
    assert row.live


def test_events_are_kept_as_they_came_first() -> None:
    memory = Memory(ALL)
    one = Sight("events", b'[{"id": "e", "n": 1}]', 5)
    assert commit(memory, one, Sight("events", b'[{"id": "e", "n": 2}]', 9))["events"].appended == 1
    assert memory.live("events")["e"]["n"] == 1


def test_an_equal_row_is_unchanged_and_only_its_version_moves() -> None:
    memory = Memory(ALL)
    commit(memory, order(1, "a"))
    counts = commit(memory, order(2, "a"))
    assert (counts["orders"].unchanged, counts["orders"].updated, counts["lines"].unchanged) == (1, 0, 1)
    assert memory.rows["orders"]["o1"].version == 2


def test_marks_are_fenced() -> None:
    memory = Memory(ALL)
    memory.commit(Commit(tables=ALL, feeds={"f": (0, "{}")}))
    with pytest.raises(Conflict):
        memory.commit(Commit(feeds={"g": (0, "{}"), "f": (0, "{}")}))
    assert memory.feeds.keys() == {"f"}  # nothing of a lost commit is kept
    memory.commit(Commit(feeds={"f": (1, "{}")}))
    assert memory.load().feeds["f"].rev == 2
    assert memory.load().tables.keys() == {"orders", "lines", "events"}
