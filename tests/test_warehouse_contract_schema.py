"""Every change of a schema is one row of `catchment.schema_changes`, whatever was tried again or killed between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from framework.collection import Collection, Column
from framework.remedy import Change
from framework.warehouse import Conflict
from tests.merge_kit import sight
from tests.warehouse_kit import PLACES, Place, Source

THINGS = Collection("things", columns=(Column("id", "text"), Column("a", "bigint")))
DECLARED = Collection("things", columns=(Column("id", "text"), Column("a", "bigint"), Column("late", "date")))

places: dict[str, Place] = {}


@pytest.fixture(params=PLACES)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    name = request.param
    if name not in places:
        places[name] = PLACES[name](tmp_path_factory.mktemp(name))
    return places[name].source(THINGS)


MADE = ("things", "table_created", None, None, "2 columns")


def test_tables_columns_types_and_names_that_meet(source: Source) -> None:
    source.commit(tables=[THINGS], feeds={"f": (0, "{}")}, run="r1")
    source.commit(sight("things", {"id": "x", "fooBar": 1, "foo_bar": 2}), feeds={"f": (1, "{}")}, run="r2")
    later = source.again()
    later.commit(sight("things", {"id": "y", "a": 2.5, "fooBar": "t"}), feeds={"f": (2, "{}")}, run="r3")
    source.again().commit(sight("things", {"id": "z", "a": 1, "foo_bar": 2}), feeds={"f": (3, "{}")}, run="r4")
    names = sorted(name for name in source.types("things") if name.startswith("foo_bar"))
    found = source.changes("run_id", "change", "column_name", "before", "after")
    assert sorted(found, key=str) == [
        ("r1", "table_created", None, None, "2 columns"),
        ("r2", "column_added", "foo_bar", None, "bigint"),
        ("r2", "column_renamed", names[1], "foo_bar", names[1]),
        ("r3", "column_widened", "a", "bigint", "decimal"),
        ("r3", "column_widened", "foo_bar", "bigint", "text"),
    ]
    assert [at for at, *_ in source.changes("changed_at")] == sorted(at for at, *_ in source.changes("changed_at"))
    assert all(action for (action,) in source.changes("action"))
    assert any("every value kept" in action for (action,) in source.changes("action"))


def test_a_change_that_was_told_of_is_not_told_of_twice(source: Source) -> None:
    source.commit(sight("things", {"id": "x"}))
    grown = source.place.open(source.name, DECLARED)
    source.house = grown
    told = Change("things", "column_added", "late", after="date", action="read again")
    other = Change("things", "collection_deselected", action="the table stays")
    source.commit(told, other, tables=[DECLARED], run="r")
    assert source.changes("change", "column_name", "action", "run_id")[1:] == [
        ("column_added", "late", "read again", "r"),
        ("collection_deselected", None, "the table stays", "r"),
    ]
    assert source.types("things")["late"] == "date"


def test_a_warehouse_from_before_is_taken_as_it_is(source: Source) -> None:
    source.commit(sight("things", {"id": "x", "b": 1}))
    source.place.execute(f"DELETE FROM catchment.schema_changes WHERE source = '{source.name}'")
    source.place.execute(f"DELETE FROM catchment.columns WHERE source = '{source.name}'")
    source.again().commit(sight("things", {"id": "y", "b": 2}))
    assert source.changes() == []
    source.place.execute("DROP TABLE catchment.schema_changes")
    source.again().commit(sight("things", {"id": "y", "c": 2}))
    assert source.changes() == [("things", "column_added", "c", None, "bigint")]


def test_a_dropped_table_is_made_again(source: Source) -> None:
    source.commit(sight("things", {"id": "x", "b": 1}))
    source.place.execute(f"DROP TABLE {source.name}.things")
    source.again().commit(sight("things", {"id": "x", "b": 1, "c": 1}))
    assert [(change, after) for _, change, _, _, after in source.changes()] == [
        ("table_created", "3 columns"),
        ("table_created", "4 columns"),
    ]


def test_a_commit_that_loses_tells_of_nothing_and_the_next_of_all(source: Source) -> None:
    source.commit(sight("things", {"id": "x"}), feeds={"f": (0, "{}")})
    page = sight("things", {"id": "y", "a": "wide", "new": 1})
    with pytest.raises(Conflict):
        source.again().commit(page, feeds={"f": (0, "{}")}, run="lost")
    assert [change for _, change, *_ in source.changes()] == ["table_created"]
    for house in (source.again(), source.again()):
        house.commit(page, run="won")
    assert sorted(source.changes("run_id", "change", "column_name")[1:]) == [
        ("won", "column_added", "new"),
        ("won", "column_widened", "a"),
    ]


def test_what_was_added_apart_and_then_killed_is_told_of_by_the_next_commit(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL adds tables and columns before the transaction; DuckDB in it."""
    from warehouse_loader.writer import Writer

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    write: Callable[..., object] = Writer.write
    source.commit(sight("things", {"id": "x"}), feeds={"f": (0, "{}")})
    before = source.house.load().tables
    source.place.execute(f"DROP TABLE {source.name}.things")
    page = sight("things", {"id": "y", "a": "wide", "new": 1})
    monkeypatch.setattr(Writer, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        source.again().commit(page, feeds={"f": (1, "{}")})
    monkeypatch.setattr(Writer, "write", write)
    assert source.again().house.load().tables == {}, "a table made for a commit that never was is none that was filled"
    source.again().commit(page, feeds={"f": (1, "{}")})
    assert source.house.load().tables["things"] != before["things"]
    assert [(change, after) for _, change, _, _, after in source.changes()] == [
        ("table_created", "2 columns"),
        ("table_created", "3 columns"),
    ]
