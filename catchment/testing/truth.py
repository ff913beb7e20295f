"""The truth comparison: every cell of every row of every table against the vendor's raw objects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from catchment.testing import cells, damage, reading
from catchment.testing.columns import judge_columns
from catchment.testing.damage import Damage, report
from catchment.testing.expected import Expected, Row, Thing, expect, from_lines
from catchment.testing.reading import SYSTEM, Found, Reader
from catchment.testing.reading import keys as held
from catchment.testing.rules import Rules, Table

__all__ = ["Damage", "Expected", "Row", "Rules", "Thing", "compare", "expect", "from_lines", "held", "report", "verify"]

SLACK = 3600  # the first sync's start is known to the hour


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the judge knows beyond the objects: see ``compare``."""

    expected: Expected
    known_since: float
    now: float | None
    held: Mapping[str, Collection[str]]


def verify(
    database: str | File, schema: str, objects: Iterable[Thing | tuple[Any, ...]], rules: Rules, **scope: Any
) -> list[Damage]:
    """Compares one source's schema with the vendor's objects (see ``compare``).

    ``database``: a DuckDB file, or the address of a PostgreSQL database.
    """
    expected = expect(objects, rules)
    with reading.opened(database) as reader:
        return compare(reader, schema, expected, **scope)


def compare(
    reader: Reader,
    schema: str,
    expected: Expected,
    *,
    tables: Collection[str] | None = None,
    known_since: float = 0,
    now: float | None = None,
    held: Mapping[str, Collection[str]] | None = None,
) -> list[Damage]:
    """Everything in which the schema differs from the expected rows; an empty list means that all is as it must be.

    ``tables``: judge these alone (default: all; those that are off by default only where they exist).
    ``known_since``: the source's first sync (unix seconds by the vendor's clock): what was deleted earlier, or was then
    older than the vendor keeps it, need not be there. ``now``: the vendor's clock, for what it keeps a limited time.
    ``held``: keys by table that this warehouse once held (``held(reader, schema)``): no row ever disappears.
    """
    scope = _Scope(expected, known_since, now, held or {})
    present = reading.tables(reader, schema)
    names = reading.originals(reader, schema)
    damages: list[Damage] = []
    for table in expected.rules.tables:
        if tables is not None and table.name not in tables:
            continue
        types = present.get(table.name)
        if types is not None:
            found = reading.read(reader, schema, table.name, types)
            damages += _judge(scope, table, found, names.get(table.name, {}))
        elif table.default or tables is not None:
            damages.append(Damage(damage.MISSING_TABLE, table.name))
    return damages


def _judge(scope: _Scope, table: Table, found: Found, names: Mapping[str, str]) -> Iterator[Damage]:
    absent = [column for column in (table.key, *SYSTEM) if column not in found.types]
    yield from (Damage(damage.MISSING_COLUMN, table.name, column=column) for column in absent)
    if absent:
        return
    for column in SYSTEM:
        if found.types[column] != cells.INSTANT:
            yield Damage(damage.WRONG_TYPE, table.name, "", column, cells.INSTANT, found.types[column])
    wanted = _numbered(scope.expected, table, found)
    pairs: list[tuple[tuple[Any, ...], Row]] = []
    yield from _judge_rows(scope, table, found, wanted, pairs)
    yield from judge_columns(scope.expected, table, found, pairs, names)


def _numbered(expected: Expected, table: Table, found: Found) -> dict[str, Row]:
    """Members without an id are numbered from 0 or from 1, whichever the table does."""
    wanted = expected[table.name]
    if table.name not in expected.numbered or not found.rows:
        return wanted
    key = found.place(table.key)
    if any(str(row[key]).endswith("_0") for row in found.rows):
        return wanted
    parts = ((key.rpartition("_"), row) for key, row in wanted.items())
    return {f"{parent}_{int(position) + 1}": row for (parent, _, position), row in parts}


def _judge_rows(
    scope: _Scope, table: Table, found: Found, wanted: Mapping[str, Row], pairs: list[tuple[tuple[Any, ...], Row]]
) -> Iterator[Damage]:
    """Judges which rows are there and which are marked; leaves those that are both wanted and found in ``pairs``."""
    key_at, deleted_at = found.place(table.key), found.place("_deleted_at")
    never_null = [(found.place(column), column) for column in ("_version", "_synced_at")]
    oldest = _oldest_kept(scope, table)
    counts: dict[str, int] = {}
    for row in found.rows:
        key = str(row[key_at])
        counts[key] = counts.get(key, 0) + 1
        if counts[key] > 1:
            if counts[key] == 2:
                yield Damage(damage.DOUBLED, table.name, key)
            continue
        want = wanted.get(key)
        if want is None:
            yield from _stranger(scope, table, found, row, key, oldest)
            continue
        pairs.append((row, want))
        yield from _mark(scope.expected, table, key, want, row[deleted_at] is not None)
        for at, column in never_null:
            if row[at] is None:
                yield Damage(damage.WRONG_CELL, table.name, key, column, "an instant", None)
    once_held = scope.held.get(table.name, ())
    for key, want in wanted.items():
        if key not in counts and key not in once_held and _must_be_there(scope, table, want):
            yield Damage(damage.LOST, table.name, key)
    yield from (Damage(damage.LOST, table.name, key) for key in once_held if key not in counts)


def _mark(expected: Expected, table: Table, key: str, want: Row, marked: bool) -> Iterator[Damage]:
    if want.deleted_at is None:
        if marked and want.sure:
            yield Damage(damage.WRONGLY_DELETED, table.name, key)
    elif not marked:
        removed = want.owner is not None and _lives(expected, *want.owner)
        yield Damage(damage.WRONG_CHILD if removed else damage.NOT_MARKED, table.name, key, "_deleted_at")


def _lives(expected: Expected, table: str, key: str) -> bool:
    row = expected[table].get(key)
    return row is not None and row.deleted_at is None


def _must_be_there(scope: _Scope, table: Table, want: Row) -> bool:
    created = want.object.get("created")
    if not want.sure or (table.keeps and created is not None and created < scope.known_since - table.keeps + SLACK):
        return False
    if want.deleted_at is None:
        return True
    if want.deleted_at < scope.known_since:
        return False
    # Came and went since the first sync: seen only where the vendor announces it with its last payload.
    return table.announced or (created is not None and created < scope.known_since)


def _stranger(
    scope: _Scope, table: Table, found: Found, row: tuple[Any, ...], key: str, oldest: float | None
) -> Iterator[Damage]:
    """A row that is not among the vendor's objects, and may still be right."""
    if table.keeps and _outlived(row[found.place("created")], oldest):
        return
    for parent_table, column in scope.expected.owners.get(table.name, ()):
        parent = row[found.place(column)] if column in found.types else None
        if str(parent) in scope.expected[parent_table]:
            if row[found.place("_deleted_at")] is None:
                yield Damage(damage.WRONG_CHILD, table.name, key, column, "no such member", parent)
            return  # marked: its parent once showed it
    yield Damage(damage.GHOST, table.name, key)


def _oldest_kept(scope: _Scope, table: Table) -> float | None:
    """The age limit (unix seconds) of what the vendor keeps for a limited time; None when it shows nothing at all."""
    if not table.keeps:
        return None
    if scope.now is not None:
        return scope.now - table.keeps
    return min((row.object["created"] for row in scope.expected[table.name].values()), default=None)


def _outlived(created: int | None, oldest: float | None) -> bool:
    """Whether the vendor no longer keeps an object of that age (microseconds), which the warehouse does for ever."""
    return created is not None and (oldest is None or created < oldest * 1_000_000)
