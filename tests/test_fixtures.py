"""Every recorded Stripe object loads with no value lost, whatever API version rendered it, in any order."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from connectors.stripe import connector
from framework.changes import Changes
from framework.feed import DAY, SECOND, Answer, Pass, State, Step, View
from framework.sight import Gone, Sight
from framework.warehouse import Commit
from tests.lossless import Judge, Table, members, reach, read, same, tables
from tests.recorded import BY_NAME, Recorded, Thing, inside, recorded, renamed, text
from warehouse_loader import open_warehouse, read_only

pytestmark = pytest.mark.fixtures

SOURCE = "shop"
START = 1_700_000_000 * SECOND
MARKED = "deleted"  # `deleted: true` of any object is told by `_deleted_at`
SELECTED = frozenset(BY_NAME)
FEED = next(feed for feed in connector.feeds if isinstance(feed, Changes))

Rows = set[tuple[str, str]]


def listed(name: str, collection: str) -> Callable[[Any, Rows], bool]:
    """Each member of the list ``name`` is a row that another list of the vendor shows."""
    return lambda value, rows: {(collection, one["id"]) for one in members(value[name]) if one} <= rows


def as_item(name: str) -> Callable[[Any, Rows], bool]:
    """The value is that of the subscription's only item."""
    return lambda value, _: same(reach(value, ("items", "data", "0", name)), value[name])


# Written by hand, and at odds with themselves: two of the item, one of the subscription.
CONTRADICTORY = {"subscription.trial_ended.json", "subscription.trial_will_end.json"}

# Fields that a row may do without, each with the proof that its value is elsewhere. Nothing else may be dropped.
ELSEWHERE = {
    ("customers", "subscriptions"): listed("subscriptions", "subscriptions"),
    ("charges", "refunds"): listed("refunds", "refunds"),
    ("charges", "destination"): lambda value, _: reach(value, ("transfer_data", "destination")) == value["destination"],
    ("invoices", "payments"): listed("payments", "invoice_payments"),
    ("payment_links", "line_items"): lambda value, _: False,  # only when asked for, and we do not ask
    ("quotes", "line_items"): lambda value, _: False,
    ("subscriptions", "plan"): as_item("plan"),
    ("subscriptions", "quantity"): as_item("quantity"),
}
DROPPED = frozenset({*ELSEWHERE, *((name, MARKED) for name in BY_NAME)})


@dataclass(slots=True)
class Shop:
    """A warehouse file of a test's own, opened anew for each commit as runs do."""

    url: str
    scratch: Path
    version: int = START
    warehouse: Any = field(init=False)

    def __post_init__(self) -> None:
        self.warehouse = open_warehouse(self.url, SOURCE, connector.collections, scratch=self.scratch)

    def load(self, things: Iterable[Thing]) -> None:
        """All in one commit, one sight for each collection, each thing newer than those before it."""
        self.load_at([(thing, self.tick()) for thing in things])

    def tick(self) -> int:
        self.version += SECOND
        return self.version

    def load_at(self, things: Sequence[tuple[Thing, int]]) -> None:
        sights, gone = [], []
        for name in dict.fromkeys(thing.collection for thing, _ in things):
            shown = [(thing, at) for thing, at in things if thing.collection == name]
            gone += [Gone(name, thing.key, at) for thing, at in shown if thing.stub]
            full = [(thing, at) for thing, at in shown if not thing.stub]
            data = b"[" + b",".join(thing.raw for thing, _ in full) + b"]"
            sights.append(Sight(name, data, [at for _, at in full], [thing.gone for thing, _ in full]))
        self.commit(sights, gone)

    def commit(self, sights: Iterable[Sight], gone: Sequence[Gone] = ()) -> None:
        codec = self.warehouse.codec()
        decoded = [codec.pack([codec.decode(sight)]) for sight in sights]
        self.warehouse.commit(Commit(decoded=decoded, gone=gone))

    def tables(self) -> dict[str, Table]:
        with read_only(self.url) as connection:
            return tables(connection, SOURCE, connector.collections)

    def judge(self) -> Judge:
        return Judge(BY_NAME, self.tables(), DROPPED)

    def quarantine(self) -> list[tuple[str, Any]]:
        with read_only(self.url) as connection:
            found = connection.execute("SELECT collection, record FROM catchment.quarantine").fetchall()
        return [(name, read(record)) for name, record in found]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(f"duckdb:///{tmp_path / 'recorded.duckdb'}", tmp_path / "scratch")


@pytest.fixture(scope="module")
def found(fixtures_dir: Path) -> Recorded:
    return recorded(fixtures_dir)


def rows_of(thing: Thing) -> set[tuple[str, str]]:
    """The rows that a thing fills: its own and those of its child lists."""
    rows, value = {(thing.collection, thing.key)}, read(thing.raw)
    for child in BY_NAME[thing.collection].children:
        for member in members(value.get(child.path)):
            rows |= {(into, member["id"]) for into in child.collections() if isinstance(member, dict) and "id" in member}
    return rows


def waves(things: Iterable[Thing]) -> list[list[Thing]]:
    """The things in as few parts as can be, none with two that fill one row."""
    parts: list[tuple[list[Thing], set[tuple[str, str]]]] = []
    for thing in things:
        rows = rows_of(thing)
        part = next((one for one in parts if not rows & one[1]), None)
        if part is None:
            part = ([], set())
            parts.append(part)
        part[0].append(thing)
        part[1].update(rows)
    return [part for part, _ in parts]


def missing(judge: Judge, things: Iterable[Thing]) -> list[str]:
    """What is wrong with the rows of things, and where those were recorded."""
    wrong = []
    for thing in things:
        if thing.stub:
            row = judge.tables[thing.collection].rows.get(thing.key)
            if row is None or row["_deleted_at"] is None:
                wrong.append(f"{thing!r}: said to be deleted, and not marked")
            continue
        wrong += [f"{line} [{thing.where}]" for line in judge.missing(thing.collection, thing.key, thing.raw)]
    return wrong


def report(wrong: list[str]) -> str:
    return "\n".join([f"{len(wrong)} values:", *wrong[:60]])


# ---------------------------------------------------------------------------------------- what there is


def test_the_recorded_answers_hold_objects_of_every_collection(found: Recorded, capsys: pytest.CaptureFixture) -> None:
    with capsys.disabled():
        print(f"\n{found}")
    shown = {thing.collection for thing in (*found.things, *found.events)}
    assert set(BY_NAME) - shown == {"balance_transaction_fee_details"}  # it has no object type, only a parent
    assert len(found.things) > 900
    assert found.errors
    assert found.homeless


def test_only_what_is_shown_elsewhere_is_dropped(found: Recorded) -> None:
    dropped = {(one.name, name) for one in connector.collections for name in one.drop if name != MARKED}
    assert dropped == set(ELSEWHERE)
    rows = {(thing.collection, thing.key) for thing in found.things}
    for thing in found.things:
        value = read(thing.raw)
        for collection, name in dropped:
            if collection == thing.collection and value.get(name) is not None:
                if name == "quantity" and Path(thing.where).name in CONTRADICTORY:
                    continue
                assert ELSEWHERE[collection, name](value, rows), f"{thing!r}: {name} is dropped and nowhere else"


# ---------------------------------------------------------------------------------------- objects


def test_every_recorded_object_loads_with_no_value_lost(found: Recorded, shop: Shop) -> None:
    wrong = []
    for wave in waves(thing for thing in found.things if thing.key):
        shop.load(wave)
        wrong += missing(shop.judge(), wave)
    assert not wrong, report(wrong)
    assert shop.quarantine() == []


def test_an_object_without_an_id_is_set_apart_whole_and_costs_its_neighbours_nothing(
    found: Recorded, shop: Shop
) -> None:
    nameless = [thing for thing in found.things if not thing.key]
    neighbours = next(part for part in waves(thing for thing in found.things if thing.key))
    assert nameless
    shop.load([*nameless, *neighbours])
    wrong = missing(shop.judge(), neighbours)
    assert not wrong, report(wrong)
    expected = [(thing.collection, read(thing.raw)) for thing in nameless]
    assert sorted(map(repr, shop.quarantine())) == sorted(map(repr, expected))
