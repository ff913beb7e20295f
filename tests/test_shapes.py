"""A shape that changes is told of once, and what it changes is read again in place by the next sync."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catchment.imitations.stripe import live
from framework.collection import Collection, Column
from framework.connector import Connector
from framework.remedy import Change
from framework.shapes import Shapes
from framework.warehouse import Commit, Pace
from tests.source import Mortal, Source
from tests.vendor import Make, sources

Change_ = tuple[str, str, str]


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


@dataclasses.dataclass
class Listening:
    """A warehouse that notes which changes it is told of."""

    memory: Any
    told: list[Change] = dataclasses.field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)

    def commit(self, commit: Commit) -> Any:
        done = self.memory.commit(commit)
        self.told += commit.changes
        return done


def told(source: Source, **order: Any) -> list[Change_]:
    """The changes that a run tells of; the run must succeed with every cell right."""
    listening = Listening(source.memory)
    done = source.run(warehouse=listening, **order)
    assert (done.status, source.differences()) == ("succeeded", [])
    return [(one.collection, one.change, one.column) for one in listening.told]


def altered(connector: Connector, name: str, **more: Any) -> Connector:
    """The connector with one collection declared otherwise, wherever it stands."""
    old = connector.collection(name)
    assert old is not None
    new = replace(old, **more)

    def feed(one: Any) -> Any:
        if getattr(one, "collection", None) is old:
            return replace(one, collection=new)
        if old in getattr(one, "objects", ()):
            return replace(one, objects=tuple(new if c is old else c for c in one.objects))
        return one

    collections = tuple(new if c is old else c for c in connector.collections)
    return replace(connector, collections=collections, feeds=tuple(map(feed, connector.feeds)))


def column(collection: Collection, name: str, **more: Any) -> tuple[Column, ...]:
    return tuple(replace(c, **more) if c.name == name else c for c in collection.columns)


def harm(source: Source, name: str) -> None:
    """Only reading again repairs it."""
    for row in source.memory.rows[name].values():
        if row.payload:
            row.payload["livemode"] = "harmed"


def upgrade(source: Source, connector: Connector) -> None:
    source.connector = connector
    source.select(source.selected)
    source.account.clock.move(900)


@pytest.fixture
def source(make: Make) -> Source:
    made = make()
    assert made.run().status == "succeeded"
    return made


def test_a_new_version_of_the_api_reads_everything_again_beside_the_changes(source: Source) -> None:
    for name in ("charges", "invoice_lines", "coupons"):
        harm(source, name)
    live(source.account, seed=1, steps=40)
    upgrade(source, replace(source.connector, version="2099-01-01.future"))  # what is sent stays as it is
    changes = told(source)
    objects = {c.name for c in source.connector.collections if c.name in source.selected}
    assert {(name, what) for name, what, _ in changes} == {(name, "version_moved") for name in objects}
    assert len(changes) == len(objects)
    assert told(source) == []


def test_marks_without_shapes_are_taken_as_they_are_but_for_the_version_that_they_tell(source: Source) -> None:
    del source.memory.feeds[Shapes.FEED]
    assert told(source) == []
    del source.memory.feeds[Shapes.FEED]
    name, state = "charges", json.loads(source.memory.feeds["charges"].document)
    state["memory"]["version"] = "2001-01-01"
    source.memory.feeds[name] = replace(source.memory.feeds[name], document=json.dumps(state))
    assert told(source) == [("charges", "version_moved", "")]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"type": "text"}, [("charges", "shape_changed", "amount")]),
        ({"path": ("amount_captured",)}, [("charges", "shape_changed", "amount")]),
        ({"description": "Otherwise said", "references": "customers"}, []),
    ],
)
def test_a_column_declared_otherwise_is_read_again(
    source: Source, more: dict[str, Any], expected: list[Change_]
) -> None:
    charges = source.connector.collection("charges")
    assert charges is not None
    if expected:
        harm(source, "charges")
    upgrade(source, altered(source.connector, "charges", columns=column(charges, "amount", **more)))
    assert told(source) == expected
    assert ("again/charges" in source.memory.feeds) == bool(expected)
    assert told(source) == []


def test_a_column_declared_later_is_told_of_and_read_again_even_when_killed(source: Source) -> None:
    charges = source.connector.collection("charges")
    assert charges is not None
    harm(source, "charges")
    later = (*charges.columns, Column("late", "text"))
    upgrade(source, altered(source.connector, "charges", columns=later, description="More of it"))
    source.memory.pace = Pace(rows=20, seconds=0.0)
    listening = Listening(source.memory)
    source.run(warehouse=Mortal(listening, 3, after=True))  # type: ignore[arg-type]
    assert [(one.change, one.column, one.after) for one in listening.told] == [("column_added", "late", "text")]
    assert told(source) == []


def test_what_is_left_out_and_wanted_again_and_what_is_selected(source: Source) -> None:
    everything = source.selected
    assert told(source, chosen=everything) == []
    without = {"charges": frozenset({"description"})}
    assert told(source, chosen=everything, excluded=without) == [("charges", "column_excluded", "description")]
    assert told(source, chosen=everything) == [("charges", "column_selected", "description")]
    few = everything - {"coupons"}
    source.select(few)
    assert told(source, chosen=few) == [("coupons", "collection_deselected", "")]
    assert told(source, chosen=few) == []
    source.select(everything)
    assert told(source, chosen=everything) == [("coupons", "collection_selected", "")]


def test_what_a_command_leaves_out_is_not_deselected(source: Source) -> None:
    everything = source.selected
    assert told(source, chosen=everything) == []
    source.select(frozenset({"charges"}))
    assert told(source, chosen=everything) == []
