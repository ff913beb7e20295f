"""Judges whether a row holds everything of the object it came from, by rules of its own.

Reads nothing of the loader but what it wrote: the tables, and `catchment.columns` for where each column came from.
Numbers are compared as they were spelled where JSON keeps them, as exact decimals elsewhere.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb

from framework.collection import Child, Collection

ABSENT = object()
SYSTEM = {"_version", "_synced_at", "_deleted_at"}
BOOKKEEPING = {"object", "data", "has_more", "url", "total_count"}  # of a list, which its rows do not need
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Place = tuple[str, ...]


class Number(str):
    """A number as it was spelled."""

    __slots__ = ()


def read(text: str | bytes) -> Any:
    """A JSON value whose numbers keep their spelling."""
    return json.loads(text, parse_float=Number, parse_int=Number)


@dataclass(frozen=True, slots=True)
class Held:
    """A column as the warehouse describes it. An empty ``path``: no field of the object fills it."""

    name: str
    type: str
    path: Place
    reference: str


@dataclass(slots=True)
class Table:
    """A table's columns and rows by key; instants are microseconds."""

    key: str
    columns: dict[str, Held] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


def tables(connection: duckdb.DuckDBPyConnection, source: str, collections: Sequence[Collection]) -> dict[str, Table]:
    """Everything that a source has in the warehouse."""
    described: dict[str, dict[str, tuple[Place, str]]] = {}
    for name, column, original, reference in connection.execute(
        "SELECT collection, column_name, original, reference FROM catchment.columns WHERE source = ?", [source]
    ).fetchall():
        described.setdefault(name, {})[column] = (split(original), reference or "")
    types: dict[str, dict[str, str]] = {}
    for name, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = ? ORDER BY column_index",
        [source],
    ).fetchall():
        types.setdefault(name, {})[column] = kind
    return {
        one.name: _table(connection, source, one, types[one.name], described.get(one.name, {}))
        for one in collections
        if one.name in types
    }


def _table(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    collection: Collection,
    types: Mapping[str, str],
    described: Mapping[str, tuple[Place, str]],
) -> Table:
    table = Table(collection.key)
    for name, kind in types.items():
        if name not in SYSTEM:
            path, reference = described[name]  # a column that `catchment.columns` does not explain is a defect
            table.columns[name] = Held(name, kind, path, reference)
    wanted = [f'epoch_us("{name}")' if "TIME ZONE" in kind else f'"{name}"' for name, kind in types.items()]
    for values in connection.execute(f'SELECT {", ".join(wanted)} FROM {source}."{collection.name}"').fetchall():
        row = dict(zip(types, values, strict=True))
        table.rows[row[collection.key]] = row
    return table


def split(original: str) -> Place:
    """A column's path out of its one text: a dot parts names, a backslash makes the next character plain."""
    hidden = original.replace("\\\\", "\x00").replace("\\.", "\x01")
    return tuple(part.replace("\x00", "\\").replace("\x01", ".") for part in hidden.split(".")) if original else ()


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares objects with a source's tables. ``dropped``: (collection, field) that may have no place in the row."""

    collections: Mapping[str, Collection]
    tables: Mapping[str, Table]
    dropped: frozenset[tuple[str, str]] = frozenset()

    def missing(self, collection: str, key: str, raw: bytes) -> Iterator[str]:
        """Everything of the object that its row and its children's rows do not hold, and what they invent."""
        yield from self._object(self.collections[collection], key, read(raw), {})

    def _object(self, collection: Collection, key: str, value: Any, injected: Mapping[str, str]) -> Iterator[str]:
        table = self.tables.get(collection.name)
        row = table.rows.get(key) if table else None
        if table is None or row is None:
            yield f"{collection.name} {key}: no row"
            return
        for column in table.columns.values():
            if column.name in injected:
                if row[column.name] != injected[column.name]:
                    yield f"{collection.name} {key}.{column.name}: {row[column.name]!r}, its parent is another"
                continue
            found = reach(value, column.path) if column.path else ABSENT
            if not holds(column, row[column.name], found):
                yield f"{collection.name} {key}.{column.name} ({column.type}) holds {row[column.name]!r} for {found!r}"
        covered = [column.path for column in table.columns.values() if column.path]
        lists = {child.path: child for child in collection.children if child.path}
        for name, inner in value.items():
            if name in lists:
                yield from self._children(collection, lists[name], key, inner, covered)
            elif (collection.name, name) not in self.dropped:
                for path in uncovered((name,), inner, covered):
                    yield f"{collection.name} {key}: nothing holds {'.'.join(path)} = {reach(value, path)!r}"

    def _children(
        self, collection: Collection, child: Child, key: str, value: Any, covered: Sequence[Place]
    ) -> Iterator[str]:
        shown = members(value)
        last = {member.get("id"): place for place, member in enumerate(shown) if isinstance(member, dict)}
        for place, member in enumerate(shown):
            if not isinstance(member, dict):
                if (child.path,) not in covered:
                    yield f"{collection.name} {key}: nothing holds {child.path}.{place} = {member!r}"
                continue
            into = child.into if isinstance(child.into, str) else child.into.get(member.get("object", ""))
            if into is None:
                continue  # a type that has no collection; the harvest counts it
            of = self.collections[into]
            if not of.numbered and last[member.get("id")] != place:
                continue  # invented by hand: a list that shows one id twice is one row, the later
            name = f"{key}_{place}" if of.numbered else member.get(of.key)
            injected = {child.parent: key, **({of.key: name} if of.numbered else {})}
            yield from self._object(of, name, member, injected)
        if isinstance(value, dict) and "data" in value:
            for name in value.keys() - BOOKKEEPING:
                yield f"{collection.name} {key}: nothing holds {child.path}.{name} = {value[name]!r}"


def members(value: Any) -> list[Any]:
    """The members of a list in any of its forms."""
    if isinstance(value, dict):
        return value["data"] if isinstance(value.get("data"), list) else [value]
    return value if isinstance(value, list) else [] if value is None else [value]


def reach(value: Any, path: Place) -> Any:
    """What is at a path, numbers in it counting into lists; ABSENT when nothing is."""
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def uncovered(path: Place, value: Any, covered: Sequence[Place]) -> Iterator[Place]:
    """The leaves at and below a path that no column's path leads to."""
    if value is None or path in covered:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from uncovered((*path, name), inner, covered)
    else:
        yield path


def holds(column: Held, stored: Any, value: Any) -> bool:
    """Whether a column of that type that stores ``stored`` says exactly what the object said."""
    if value is ABSENT or value is None:
        return stored is None
    if stored is None:
        return False
    if column.type == "JSON":
        return same(read(stored), _ids(value) if column.reference else value)
    if isinstance(value, dict):  # an expanded reference: its object has a row of its own
        return column.type == "VARCHAR" and ("object" in value or bool(column.reference)) and value.get("id") == stored
    if isinstance(value, bool):
        return stored is value or (column.type == "VARCHAR" and stored == json.dumps(value))
    if column.type == "VARCHAR":
        return isinstance(value, str) and stored == str(value)
    if "TIME ZONE" in column.type:
        return isinstance(value, str) and stored == _micros(value)
    if column.type == "DOUBLE":
        return isinstance(value, Number) and Decimal(value) == Decimal(repr(stored))
    if column.type == "BOOLEAN" or not isinstance(value, str):
        return False
    return (isinstance(value, Number) or column.type.startswith("DECIMAL")) and Decimal(value) == stored


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from "1", from true and from 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _ids(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [one["id"] if isinstance(one, dict) and isinstance(one.get("id"), str) else one for one in value]


def _micros(value: str) -> int:
    if isinstance(value, Number):
        return int(Decimal(value) * 1_000_000)
    return (dt.datetime.fromisoformat(value) - _EPOCH) // dt.timedelta(microseconds=1)
