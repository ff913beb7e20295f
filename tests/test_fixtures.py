"""Every recorded Stripe object loads with no value lost, whatever API version rendered it, in any order."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from connectors.stripe import connector
from framework.changes import Changes
from framework.feed import DAY, SECOND, Answer, Pass, State, Step, View
from framework.sight import Gone, Sight
from framework.warehouse import Commit
from tests.lossless import Judge, Table, members, reach, read, same, tables, uncovered
from tests.recorded import BY_NAME, BY_OBJECT, Recorded, Thing, inside, recorded, renamed, text
from warehouse_loader import open_warehouse, read_only

pytestmark = pytest.mark.fixtures

SOURCE = "shop"
SHAPES = 8  # of each collection that are loaded one by one
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

    def tables(self, names: Iterable[str] = SELECTED) -> dict[str, Table]:
        with read_only(self.url) as connection:
            return tables(connection, SOURCE, [BY_NAME[name] for name in names])

    def judge(self, things: Iterable[Thing]) -> Judge:
        """A judge of these things: has the tables that they fill."""
        filled = {name for thing in things for name, _ in rows_of(thing)}
        numbered = {one.name for one in connector.collections if one.numbered}
        return Judge(BY_NAME, self.tables(filled | numbered), DROPPED)

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
            rows |= {
                (into, member["id"]) for into in child.collections() if isinstance(member, dict) and "id" in member
            }
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


def parts_of(found: Recorded) -> list[list[Thing]]:
    return waves(thing for thing in found.things if thing.key)


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
    parts = parts_of(found)
    wrong = []
    for part in parts:
        shop.load(part)
        wrong += missing(shop.judge(part), part)
    assert not wrong, report(wrong)
    assert shop.quarantine() == []
    # What nobody has shown since is as it was, however its table has widened meanwhile.
    later = set().union(*map(rows_of, (thing for part in parts[1:] for thing in part)))
    alone = [thing for thing in parts[0] if not rows_of(thing) & later]
    wrong = missing(shop.judge(alone), alone)
    assert not wrong, report(wrong)


def test_an_object_without_an_id_is_set_apart_whole_and_costs_its_neighbours_nothing(
    found: Recorded, shop: Shop
) -> None:
    nameless = [thing for thing in found.things if not thing.key]
    neighbours = [thing for thing in parts_of(found)[0] if thing.collection in {one.collection for one in nameless}]
    assert nameless
    assert neighbours
    shop.load([*nameless, *neighbours])
    wrong = missing(shop.judge(neighbours), neighbours)
    assert not wrong, report(wrong)
    expected = [(thing.collection, read(thing.raw)) for thing in nameless]
    assert sorted(map(repr, shop.quarantine())) == sorted(map(repr, expected))


def test_a_value_that_is_lost_or_altered_does_not_go_unnoticed(found: Recorded, shop: Shop) -> None:
    """The judge itself: each cell of some rows of every table damaged, each column taken away."""
    part = parts_of(found)[0]
    shop.load(part)
    judge, checked = shop.judge(part), Counter[str]()
    for thing in part:
        table = judge.tables[thing.collection]
        if thing.stub or checked[thing.collection] == 2:
            continue
        checked[thing.collection] += 1
        row = table.rows[thing.key]
        lists = {child.path for child in BY_NAME[thing.collection].children}
        for name, column in list(table.columns.items()):
            if row[name] is None or name == table.key:
                continue
            for damage in (None, other(row[name])):
                table.rows[thing.key] = {**row, name: damage}
                assert missing(judge, [thing]), f"{thing!r}: {name} = {damage!r} went unnoticed"
            table.rows[thing.key] = row
            rest = [one.path for one in table.columns.values() if one.path and one.path != column.path]
            nested = column.path[0] in lists or any(column.path[: len(path)] == path for path in rest)
            if not nested and [*uncovered(column.path, reach(read(thing.raw), column.path), rest)]:
                del table.columns[name]
                assert missing(judge, [thing]), f"{thing!r}: without {name} nothing was missing"
                table.columns[name] = column
        assert not missing(judge, [thing])
    assert checked.keys() >= set(BY_NAME) - {"balance_transaction_fee_details", "events"}


def other(value: Any) -> Any:
    """A value of the same type, a little off; JSON stays JSON."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return json.dumps([value]) if value[:1] in ("[", "{", '"') else value + "1"
    return value + 1


# ---------------------------------------------------------------------------------------- orders


@pytest.fixture(scope="module")
def one_by_one(found: Recorded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One object of each shape, in commits of its own: the rows that every other order must end in."""
    folder = tmp_path_factory.mktemp("one_by_one")
    shop = Shop(f"duckdb:///{folder / 'recorded.duckdb'}", folder / "scratch")
    queues: dict[str, list[tuple[Thing, int]]] = {}
    for thing, at in random.Random(7).sample(shapes(found), len(shapes(found))):
        queues.setdefault(thing.collection, []).append((thing, at))
    while queues:
        shop.load_at([queue.pop() for queue in queues.values()])
        queues = {name: queue for name, queue in queues.items() if queue}
    return rows(shop, found)


@pytest.mark.parametrize("order", ["oldest first", "newest first", "shuffled"])
def test_one_batch_in_any_order_ends_in_the_rows_of_one_by_one(
    order: str, found: Recorded, shop: Shop, one_by_one: dict[str, Any]
) -> None:
    things = shapes(found)
    if order == "newest first":
        things = things[::-1]
    elif order == "shuffled":
        things = random.Random(11).sample(things, len(things))
    shop.load_at(things)
    made = rows(shop, found)
    wrong = [f"{name}: {made.get(name)!r} is not {one_by_one.get(name)!r}" for name in differing(made, one_by_one)]
    assert not wrong, report(wrong)
    assert len(made) > 4000  # cells


def shapes(found: Recorded) -> list[tuple[Thing, int]]:
    """Things of different shapes (fields and their types, whatever their values), some of each collection."""
    chosen: dict[str, dict[Any, Thing]] = {}
    for thing in found.things:
        if thing.key:
            chosen.setdefault(thing.collection, {}).setdefault(frozenset(fields(read(thing.raw))), thing)
    dice = random.Random(5)
    things = [thing for of in chosen.values() for thing in dice.sample([*of.values()], min(len(of), SHAPES))]
    return [(thing, START + n * SECOND) for n, thing in enumerate(things)]


def fields(value: Any, path: tuple[str, ...] = ()) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from fields(inner, (*path, name))
    else:
        yield path, type(value)


def rows(shop: Shop, found: Recorded) -> dict[str, Any]:
    """Every cell and every column's type, JSON as values.

    Not the members of what is shown more than once: whether an older list of it was ever stored depends on the order.
    """
    shown = Counter((thing.collection, thing.key) for thing, _ in shapes(found))
    unsure = set().union(*(rows_of(thing) - {(thing.collection, thing.key)}
                           for thing, _ in shapes(found) if shown[thing.collection, thing.key] > 1))  # fmt: skip
    cells: dict[str, Any] = {}
    for name, table in shop.tables().items():
        cells |= {f"{name}.{column.name}": column.type for column in table.columns.values()}
        for key, row in table.rows.items():
            for column, value in row.items():
                parsed = value is not None and column in table.columns and table.columns[column].type == "JSON"
                if (name, key) not in unsure and column != "_synced_at":
                    cells[f"{name} {key}.{column}"] = read(value) if parsed else value
    return cells


def differing(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    return [name for name in one.keys() | two.keys() if not same(one.get(name, ...), two.get(name, ...))]


# ---------------------------------------------------------------------------------------- events


def test_a_page_of_recorded_events_leaves_nothing_aside(found: Recorded, shop: Shop) -> None:
    """Each event is a row; its object too, or it is read by id, marked as gone, or counted as not selected."""
    events = published(found)
    step = walk(FEED, events)
    shop.commit(step.sights, step.gone)
    wrong = missing(shop.judge(events), events)
    assert not wrong, report(wrong)
    shown = {(sight.collection, one["id"]) for sight in step.sights for one in members(read(bytes(sight.data)))}
    asked = {(slice_["into"], slice_["key"]) for slice_ in step.slices if slice_["kind"] == "get"}
    gone = {(one.collection, one.key) for one in step.gone}
    assert asked, "no event of another version"
    left = Counter[str]()
    for event in events:
        thing = changed(event)
        if thing.collection not in FEED.fills:
            left[text(inside(event.raw, "data", "object", "object")) or "?"] += 1
        elif thing.key:
            assert (thing.collection, thing.key) in shown | asked | gone, event
    assert left == step.notes["not_selected"]


def test_the_objects_inside_recorded_events_load_with_no_value_lost(found: Recorded, shop: Shop) -> None:
    """Each event on a page of its own, as if its version rendered what the pinned one does."""
    feed = replace(FEED, same_shape=lambda version: True)
    steps = [(event, walk(feed, [event])) for event in published(found)]
    told = [(event, changed(event), step) for event, step in steps if changed(event).key]
    told = [one for one in told if one[1].collection in FEED.fills]
    assert len(told) > 60
    step_of = {id(thing): (event, step) for event, thing, step in told}
    ends = 0
    for part in waves(sorted((thing for _, thing, _ in told), key=lambda thing: version(step_of[id(thing)][1]))):
        taken = [step_of[id(thing)] for thing in part]
        shop.commit(
            [sight for _, step in taken for sight in step.sights], [one for _, step in taken for one in step.gone]
        )
        loaded = [*part, *(event for event, _ in taken)]
        judge = shop.judge(loaded)
        wrong = missing(judge, loaded)
        assert not wrong, report(wrong)
        for thing in part:
            type_ = text(inside(step_of[id(thing)][0].raw, "type"))
            dead = type_.endswith(".deleted") and type_ not in FEED.ends
            ends += dead
            assert (judge.tables[thing.collection].rows[thing.key]["_deleted_at"] is not None) is dead, type_
    assert ends > 5
    assert shop.quarantine() == []


def published(found: Recorded) -> list[Thing]:
    """The recorded events, newest first, each under an id of its own: those published for tests share one."""
    numbered = [replace(one, key=f"evt_{n}", raw=renamed(one.raw, f"evt_{n}")) for n, one in enumerate(found.events)]
    return sorted(numbered, key=lambda one: int(inside(one.raw, "created")), reverse=True)


def changed(event: Thing) -> Thing:
    """The object that an event tells of; of no collection when there is none for its type."""
    raw = inside(event.raw, "data", "object")
    of = BY_OBJECT.get(text(inside(raw, "object")))
    gone = inside(raw, "deleted") == b"true"
    return Thing(of.name if of else "", text(inside(raw, "id")), raw, event.where, gone, gone)


def walk(feed: Changes, events: Sequence[Thing]) -> Step:
    """What the feed makes of one page of its list."""
    body = (
        b'{"object":"list","url":"/v1/events","has_more":false,"data":[' + b",".join(one.raw for one in events) + b"]}"
    )
    now = max(int(inside(one.raw, "created")) for one in events) * SECOND + DAY
    state = State(open=Pass("changes", list(feed.fills), opened=now))
    view = View(SELECTED, {}, now=now, ready=SELECTED)
    state.slices = {slice_["id"]: slice_ for slice_ in feed.slices(state, view)}
    (slice_,) = state.slices.values()
    assert feed.request(slice_, view).path == "/v1/events"
    return feed.read(slice_, Answer(200, body, {}, now), state, view)


def version(step: Step) -> int:
    """Of the object that a step of one event tells of."""
    at = [sight.version for sight in step.sights if sight.collection != FEED.name]
    return max([*(one for versions in at for one in versions), *(one.at for one in step.gone)])
