"""Children are their parent's set: added, closed and deleted with it, in every order of sights and every cut."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.collection import Child, Collection, Column
from framework.sight import Closed, Gone, Sight
from tests.merge_kit import Memory, sight

ORDERS = Collection("orders", columns=(Column("id", "text"),), children=(Child("lines", "lines", "order_id"),))
LINES = Collection("lines", columns=(Column("id", "text"), Column("amount", "bigint")))
FEES = Collection("fees", numbered=True, columns=(Column("id", "text"), Column("amount", "bigint")))


def envelope(*members: object, more: bool = False) -> dict[str, object]:
    return {"object": "list", "data": list(members), "has_more": more, "url": "/v1/x"}


@dataclass(frozen=True)
class Shown:
    """A whole sight of an order."""

    version: int
    lines: frozenset[str]
    deleted: bool

    def sight(self) -> Sight:
        members = [{"id": one, "amount": self.version} for one in sorted(self.lines)]
        return sight("orders", {"id": "o", "lines": envelope(*members)}, version=self.version, deleted=[self.deleted])


@dataclass(frozen=True)
class Died:
    version: int

    def sight(self) -> Gone:
        return Gone("orders", "o", self.version)


shown = st.builds(Shown, st.integers(1, 6), st.frozensets(st.sampled_from("abc"), max_size=3), st.just(False))
died = st.builds(Died, st.integers(1, 6))


@st.composite
def stories(draw: st.DrawFn) -> list[list[Shown | Died]]:
    said = draw(st.lists(shown | died, min_size=1, max_size=6, unique_by=lambda one: (type(one), one.version)))
    said = draw(st.permutations(said))
    commits: list[list[Shown | Died]] = [[]]
    for one in said:
        if commits[-1] and draw(st.booleans()):
            commits.append([])
        commits[-1].append(one)
    return commits


@settings(max_examples=120, deadline=None)
@given(stories())
def test_the_live_children_are_those_of_the_newest_sight(commits: list[list[Shown | Died]]) -> None:
    memory = Memory(ORDERS, LINES)
    for said in commits:
        memory.commit(*(one.sight() for one in said))
    everything = [one for said in commits for one in said]
    sights = [one for one in everything if isinstance(one, Shown)]
    newest = max(sights, key=lambda one: one.version, default=None)
    dead = any(isinstance(one, Died) and newest and one.version >= newest.version for one in everything)
    rows = memory.rows("lines", "id", "amount", "order_id", "_deleted_at") if newest else []
    live = [row[:3] for row in rows if row[3] is None]
    expected = [] if newest is None or dead else [(one, newest.version, "o") for one in sorted(newest.lines)]
    assert live == expected


def test_a_list_that_has_more_closes_nothing_until_read_to_its_end() -> None:
    memory = Memory(ORDERS, LINES)
    memory.commit(sight("orders", {"id": "o", "lines": envelope({"id": "a"}, {"id": "b"}, {"id": "c"})}, version=1))
    memory.commit(sight("orders", {"id": "o", "lines": envelope({"id": "a"}, more=True)}, version=5))
    assert memory.rows("lines", "id", "_deleted_at") == [("a", None), ("b", None), ("c", None)]
    rest = Sight("lines", b'[{"id":"b"}]', 5, parent="orders", parent_key="o")
    counts = memory.commit(rest, Closed("lines", "orders", "o", 5))
    assert memory.rows("lines", "id", "_version", "_deleted_at") == [("a", 5, None), ("b", 5, None), ("c", 1, 5)]
    assert counts["lines"].deleted == 1


def test_children_of_a_late_older_sight_are_dropped_unless_their_table_is_being_filled() -> None:
    memory = Memory(ORDERS, LINES)
    memory.commit(sight("orders", {"id": "o"}, version=9))
    late = sight("orders", {"id": "o", "lines": envelope({"id": "a"})}, version=3)
    counts = memory.commit(late)["lines"]
    assert memory.rows("lines", "id") == []
    assert counts.unchanged == 1
    memory.commit(Sight(late.collection, late.data, 3, fresh=frozenset({"lines"})))
    assert memory.rows("lines", "id", "_version") == [("a", 3)]
    rest = Sight("lines", b'[{"id":"b"}]', 3, parent="orders", parent_key="o")
    memory.commit(rest)
    assert memory.rows("lines", "id") == [("a",)]
    memory.commit(Sight("lines", rest.data, 3, parent="orders", parent_key="o", fresh=frozenset({"lines"})))
    assert memory.rows("lines", "id") == [("a",), ("b",)]


def test_a_late_older_list_closes_what_nothing_newer_shows() -> None:
    memory = Memory(ORDERS, LINES)
    members = [{"id": one} for one in "abc"]
    memory.commit(sight("orders", {"id": "o", "lines": envelope(*members)}, version=3))
    memory.commit(sight("orders", {"id": "o", "lines": envelope({"id": "a"}, more=True)}, version=8))
    memory.commit(sight("orders", {"id": "o", "lines": envelope({"id": "b"}, {"id": "new"})}, version=5))
    assert memory.rows("lines", "id", "_deleted_at") == [("a", None), ("b", None), ("c", 5)]


@pytest.mark.parametrize("together", [True, False])
def test_a_late_older_list_keeps_a_line_that_is_told_of_by_itself(together: bool) -> None:
    memory = Memory(ORDERS, LINES)
    memory.commit(sight("orders", {"id": "o", "lines": envelope(more=True)}, version=8))
    told = sight("lines", {"id": "a", "amount": 1, "order_id": "o"}, version=3)
    late = sight("orders", {"id": "o", "lines": envelope({"id": "a", "amount": 2})}, version=5)
    for commit in ([told, late],) if together else ([told], [late]):
        memory.commit(*commit)
    assert memory.rows("lines", "id", "amount", "_deleted_at") == [("a", 2, None)]


def test_a_deleted_order_shown_again_keeps_its_lines_deleted() -> None:
    memory = Memory(ORDERS, LINES)
    memory.commit(Shown(1, frozenset("a"), deleted=False).sight())
    counts = memory.commit(Shown(4, frozenset("a"), deleted=True).sight())
    assert memory.rows("lines", "id", "_deleted_at") == [("a", 4)]
    assert counts["lines"].deleted == 1
    memory.commit(Shown(6, frozenset("ab"), deleted=True).sight())
    assert memory.rows("lines", "id", "_deleted_at") == [("a", 4), ("b", 6)]
    memory.commit(Shown(8, frozenset("a"), deleted=False).sight())
    assert memory.rows("lines", "id", "_deleted_at") == [("a", None), ("b", 6)]


def test_lines_that_a_deleted_order_brings_later_go_with_it_though_its_first_mark_stays() -> None:
    """The order keeps the mark of its first deletion; shown as deleted again, it was so until then."""
    memory = Memory(ORDERS, LINES)
    memory.commit(sight("orders", {"id": "o"}, version=4, deleted=[True]), tables=[LINES])
    memory.commit(sight("orders", {"id": "o", "lines": envelope({"id": "a"}, more=True)}, version=7, deleted=[True]))
    memory.commit(
        Sight("lines", b'[{"id":"b"}]', 7, parent="orders", parent_key="o"), Closed("lines", "orders", "o", 7)
    )
    memory.commit(sight("lines", {"id": "c", "order_id": "o"}, version=6))
    assert memory.rows("orders", "id", "_version", "_deleted_at") == [("o", 7, 4)]
    assert memory.rows("lines", "id", "_deleted_at") == [("a", 7), ("b", 7), ("c", 7)]


def test_of_two_deletions_of_an_order_the_later_takes_its_lines() -> None:
    memory = Memory(ORDERS, LINES)
    memory.commit(Gone("orders", "o", 2), sight("lines", {"id": "a", "order_id": "o"}, version=5), tables=[ORDERS])
    assert memory.rows("lines", "id", "_deleted_at") == [("a", None)]
    assert memory.commit(Gone("orders", "o", 7))["lines"].deleted == 1
    assert memory.rows("lines", "id", "_deleted_at") == [("a", 7)]


def test_a_deleted_parent_that_names_its_members_brings_none_back() -> None:
    memory = Memory(CUSTOMERS, SUBSCRIPTIONS, DISCOUNTS)
    memory.commit(sight("subscriptions", {"id": "s", "discounts": [{"id": "d"}]}))
    memory.commit(Gone("subscriptions", "s", 5))
    memory.commit(sight("subscriptions", {"id": "s", "discounts": ["d"]}, version=7, deleted=[True]))
    assert memory.rows("discounts", "id", "_deleted_at") == [("d", 7)]


@pytest.mark.parametrize("order_", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("cut", [(), (1,), (2,), (3,), (1, 2), (1, 2, 3)])
def test_a_child_told_of_by_itself_goes_with_its_parent(order_: Sequence[int], cut: Sequence[int]) -> None:
    """Events of a line that are older than its order's deletion come before it, with it or after it."""
    said = [
        sight("orders", {"id": "o", "lines": envelope(more=True)}, version=1),
        sight("lines", {"id": "old", "amount": 1, "order_id": "o"}, version=3),
        Gone("orders", "o", 5),
        sight("lines", {"id": "new", "amount": 1, "order_id": "o"}, version=7),
    ]
    memory, sorted_ = Memory(ORDERS, LINES), [said[n] for n in order_]
    for start, end in itertools.pairwise((0, *cut, len(said))):
        memory.commit(*sorted_[start:end])
    assert memory.rows("lines", "id", "_deleted_at") == [("new", None), ("old", 5)]


def test_what_a_line_that_is_dropped_holds_is_dropped_with_it() -> None:
    """Lists within lists: a line of an older sight, or of a deleted order, brings neither itself nor its taxes."""
    lines = Collection("lines", columns=(Column("id", "text"),), children=(Child("taxes", "taxes", "line_id"),))
    memory = Memory(ORDERS, lines, Collection("taxes", columns=(Column("id", "text"),)))

    def order(version: int, **taxes: str) -> Sight:
        members = [{"id": line, "taxes": envelope({"id": tax})} for line, tax in taxes.items()]
        return sight("orders", {"id": "o", "lines": envelope(*members)}, version=version)

    memory.commit(order(4, a="x"), Gone("orders", "p", 6))
    memory.commit(order(3, a="x", b="y"), Sight("orders", order(5, c="z").data.replace(b'"o"', b'"p"'), 5))
    assert memory.rows("lines", "id", "_deleted_at") == [("a", None)]
    assert memory.rows("taxes", "id", "_deleted_at") == [("x", None)]
    memory.commit(order(7, b="y"))
    assert memory.rows("taxes", "id", "_deleted_at") == [("x", 7), ("y", None)]


def test_numbered_children_are_keyed_by_parent_and_place() -> None:
    parent = Collection("orders", columns=(Column("id", "text"),), children=(Child("fees", "fees", "order_id"),))
    memory = Memory(parent, FEES)
    memory.commit(sight("orders", {"id": "o", "fees": [{"amount": 5}, {"amount": 7}]}))
    assert memory.rows("fees", "id", "amount", "order_id") == [("o_0", 5, "o"), ("o_1", 7, "o")]
    memory.commit(sight("orders", {"id": "o", "fees": [{"amount": 5}]}, version=2))
    assert memory.rows("fees", "id", "_deleted_at") == [("o_0", None), ("o_1", 2)]


def test_members_of_several_types_go_to_their_own_tables_and_both_are_closed() -> None:
    into = {"card": "cards", "bank_account": "banks"}
    owners = Collection("owners", columns=(Column("id", "text"),), children=(Child("sources", into, "owner"),))
    cards = Collection("cards", columns=(Column("id", "text"), Column("brand", "text")))
    banks = Collection("banks", columns=(Column("id", "text"),))
    memory = Memory(owners, cards, banks)
    members = (
        {"id": "c1", "object": "card", "brand": "visa"},
        {"id": "b1", "object": "bank_account"},
        {"id": "s1", "object": "source"},
    )
    memory.commit(sight("owners", {"id": "o", "sources": envelope(*members)}))
    assert memory.rows("cards", "id", "brand", "owner") == [("c1", "visa", "o")]
    assert memory.rows("banks", "id", "owner") == [("b1", "o")]
    memory.commit(sight("owners", {"id": "o", "sources": envelope()}, version=2))
    assert memory.rows("cards", "id", "_deleted_at") + memory.rows("banks", "id", "_deleted_at") == [
        ("c1", 2),
        ("b1", 2),
    ]


CUSTOMERS = Collection(
    "customers",
    columns=(Column("id", "text"),),
    children=(Child("discount", "discounts", "customer_id", unless=("subscription",)),),
)
SUBSCRIPTIONS = Collection(
    "subscriptions",
    columns=(
        Column("id", "text"),
        Column("customer_id", "text", "", ("customer",), "customers"),
        Column("discounts", "json", references="discounts"),
    ),
    children=(Child("discounts", "discounts", "subscription", expand="data.discounts"),),
)
DISCOUNTS = Collection(
    "discounts",
    columns=(
        Column("id", "text"),
        Column("customer_id", "text", "", ("customer",), "customers"),
        Column("subscription", "text", "", ("subscription",), "subscriptions"),
    ),
)


def test_the_wider_parent_does_not_close_what_a_narrower_one_holds() -> None:
    memory = Memory(CUSTOMERS, SUBSCRIPTIONS, DISCOUNTS)
    mine = {"id": "d1", "customer": "c", "subscription": None}
    ours = {"id": "d2", "customer": "c", "subscription": "s"}
    memory.commit(sight("customers", {"id": "c", "discount": mine}))
    memory.commit(sight("subscriptions", {"id": "s", "customer": "c", "discounts": [ours]}))
    columns = ("id", "customer_id", "subscription", "_deleted_at")
    assert memory.rows("discounts", *columns) == [("d1", "c", None, None), ("d2", "c", "s", None)]
    memory.commit(sight("customers", {"id": "c", "discount": None}, version=5))
    assert memory.rows("discounts", *columns) == [("d1", "c", None, 5), ("d2", "c", "s", None)]
    memory.commit(sight("subscriptions", {"id": "s", "customer": "c", "discounts": []}, version=6))
    assert memory.rows("discounts", *columns) == [("d1", "c", None, 5), ("d2", "c", "s", 6)]


def test_a_list_of_ids_is_no_set_of_rows_and_reads_like_the_expanded_one() -> None:
    memory = Memory(CUSTOMERS, SUBSCRIPTIONS, DISCOUNTS)
    memory.commit(sight("subscriptions", {"id": "s", "discounts": [{"id": "d2", "customer": "c"}]}))
    counts = memory.commit(sight("subscriptions", {"id": "s", "discounts": ["d2"]}, version=2))
    assert memory.rows("discounts", "id", "_deleted_at") == [("d2", None)]
    assert memory.rows("subscriptions", "discounts", "_synced_at") == [('["d2"]', 1)]
    assert counts["subscriptions"].unchanged == 1


def test_a_whole_list_of_ids_keeps_what_it_names_and_closes_the_rest() -> None:
    memory = Memory(CUSTOMERS, SUBSCRIPTIONS, DISCOUNTS)
    shown = [{"id": one, "customer": "c"} for one in ("d1", "d2", "d3")]
    memory.commit(sight("subscriptions", {"id": "s", "discounts": shown}))
    other = sight("subscriptions", {"id": "z", "discounts": [{"id": "d9"}]})
    memory.commit(other, sight("subscriptions", {"id": "s", "discounts": ["d2", "d3"]}, version=5))
    assert memory.rows("discounts", "id", "_deleted_at") == [("d1", 5), ("d2", None), ("d3", None), ("d9", None)]
    counts = memory.commit(
        sight("subscriptions", {"id": "s", "discounts": ["d3"]}, version=4)
    )  # older: d2 is named since
    assert counts["discounts"].deleted == 0
    both = [{"id": "s", "discounts": []}], [{"id": "s", "discounts": ["d2"]}]
    memory.commit(*(Sight("subscriptions", json.dumps(one).encode(), 6 + n) for n, one in enumerate(both)))
    assert memory.rows("discounts", "id", "_deleted_at") == [("d1", 5), ("d2", None), ("d3", 7), ("d9", None)]


def test_a_member_that_a_later_list_names_lives_again() -> None:
    memory = Memory(CUSTOMERS, SUBSCRIPTIONS, DISCOUNTS)
    memory.commit(sight("subscriptions", {"id": "s", "discounts": []}, version=12), tables=[DISCOUNTS])
    memory.commit(sight("discounts", {"id": "d", "subscription": "s"}, version=11))
    memory.commit(sight("subscriptions", {"id": "s", "discounts": []}, version=12))  # another event of that second
    assert memory.rows("discounts", "id", "_deleted_at") == [("d", 12)]
    counts = memory.commit(sight("subscriptions", {"id": "s", "discounts": ["d"]}, version=19))  # the re-read
    assert memory.rows("discounts", "id", "_deleted_at") == [("d", None)]
    assert counts["discounts"].restored == 1


def test_an_older_empty_list_closes_nothing_that_is_named_since() -> None:
    memory = Memory(CUSTOMERS, SUBSCRIPTIONS, DISCOUNTS)
    named = sight("subscriptions", {"id": "s", "discounts": ["d"]}, version=22)
    memory.commit(sight("discounts", {"id": "d", "subscription": "s"}, version=11), named)
    memory.commit(sight("subscriptions", {"id": "s", "discounts": []}, version=12))  # of the second in which d came
    assert memory.rows("discounts", "id", "_deleted_at") == [("d", None)]


def test_without_their_parents_a_list_of_ids_closes_nothing() -> None:
    memory = Memory(DISCOUNTS, carriers=(SUBSCRIPTIONS,))
    memory.commit(sight("subscriptions", {"id": "s", "discounts": [{"id": "d1"}, {"id": "d2"}]}))
    memory.commit(sight("subscriptions", {"id": "s", "discounts": ["d2"]}, version=5))
    assert memory.rows("discounts", "id", "_deleted_at") == [("d1", None), ("d2", None)]


def test_a_list_whose_collection_is_not_read_is_passed_over() -> None:
    memory = Memory(ORDERS)
    odd = Sight("orders", json.dumps([{"id": "o", "lines": {"data": "?"}}]).encode(), 1)
    memory.commit(odd)
    assert memory.rows("orders", "id") == [("o",)]
    assert "lines" not in memory.types("orders")


def test_without_their_parents_an_older_list_brings_nothing_back() -> None:
    """The order itself is not stored: what was stored of its list tells that this one is older."""
    memory = Memory(LINES, carriers=(ORDERS,))
    memory.commit(Shown(1, frozenset("ab"), deleted=False).sight())
    memory.commit(Shown(8, frozenset("a"), deleted=False).sight())
    memory.commit(Shown(5, frozenset("ac"), deleted=False).sight())
    assert memory.rows("lines", "id", "amount", "_deleted_at") == [("a", 8, None), ("b", 1, 8)]


def test_without_their_parents_a_list_seen_empty_stays_empty() -> None:
    memory = Memory(LINES, carriers=(ORDERS,))
    memory.commit(Shown(8, frozenset(), deleted=False).sight(), tables=[LINES])
    memory.commit(Shown(5, frozenset("a"), deleted=False).sight())
    assert memory.rows("lines", "id") == []
