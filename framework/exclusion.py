"""Columns that are to be stored nowhere: taken out of every payload before anything else reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from framework import page
from framework.collection import Child, Collection
from framework.naming import identifier, snake
from framework.sight import Glance, Sight
from framework.warehouse import Codec, Commit, Committed, Decoded, Pace, Stored, Unseen, Warehouse

Excluded = Mapping[str, frozenset[str]]  # collection -> names of columns


def unexcludable(collection: Collection, parents: Sequence[Child], names: frozenset[str]) -> str:
    """The first of these columns that no row can do without (its key, its owners' keys); "" when all can go."""
    needed = {collection.key, *(name for child in parents for name in (child.parent, *child.unless))}
    return next((name for name in sorted(names) if name in needed), "")


def without(collection: Collection, names: frozenset[str]) -> Collection:
    """The collection as it is declared but for these columns."""
    return replace(collection, columns=tuple(c for c in collection.columns if c.name not in names))


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What is left out of the payloads of a source."""

    collections: Mapping[str, Collection]
    excluded: Excluded

    def applied(self, sight: Sight) -> Sight:
        """The sight without the excluded values, wherever in it they are."""
        found = page.exact(sight.data)
        rows = found.get(sight.at, ()) if sight.at else found
        for row in rows:
            if isinstance(row, dict):
                self._clear(row, sight.collection)
                self._inside(row)
        return replace(sight, data=page.encoded(found))

    def _inside(self, value: Any) -> None:
        """Whole objects of other collections inside a payload, told by their object type."""
        if isinstance(value, list):
            for one in value:
                self._inside(one)
        elif isinstance(value, dict):
            kind = value.get("object")
            if isinstance(kind, str) and kind in self._by_object:
                self._clear(value, self._by_object[kind])
            changed = value.get("previous_attributes")  # of a change, beside the whole object
            if isinstance(kind, dict) and isinstance(changed, dict) and kind.get("object") in self._by_object:
                self._clear(changed, self._by_object[kind["object"]])
            for one in value.values():
                self._inside(one)

    @property
    def _by_object(self) -> Mapping[str, str]:
        return {c.object: name for name, c in self.collections.items() if c.object}

    def _clear(self, row: dict[str, Any], name: str) -> None:
        collection = self.collections[name]
        for excluded in self.excluded.get(name, ()):
            for column in collection.columns:
                if column.name == excluded:
                    _drop(row, column.path)
            _drop_called(row, excluded)
        for child in collection.children:
            for member, into in child.members(row):
                self._clear(member, into)


def _drop(value: Any, path: Sequence[str | int]) -> None:
    for part in path[:-1]:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    last = path[-1]
    if isinstance(value, dict):
        value.pop(last, None)
    elif isinstance(value, list) and isinstance(last, int) and last < len(value):
        value[last] = None


def _drop_called(row: dict[str, Any], excluded: str) -> None:
    """Fields that no declaration names: by the name that their column would have, also inside flattened objects."""
    for key in list(row):
        name = identifier(key)
        if name == excluded:
            del row[key]
        elif isinstance(row[key], dict) and excluded.startswith(f"{snake(key)}_"):
            _drop_called(row[key], excluded[len(snake(key)) + 1 :])


@dataclass(slots=True)
class Excluding:
    """A warehouse that never gets to see the excluded values (framework.warehouse.Warehouse)."""

    warehouse: Warehouse
    exclusion: Exclusion

    @property
    def pace(self) -> Pace:
        return self.warehouse.pace

    def load(self) -> Stored:
        return self.warehouse.load()

    def codec(self) -> Codec:
        return _Codec(self.warehouse.codec(), self.exclusion)

    def commit(self, commit: Commit) -> Committed:
        return self.warehouse.commit(commit)

    def live_rows(self, collection: str) -> int:
        return self.warehouse.live_rows(collection)

    def absent(self, wanted: Mapping[str, Unseen]) -> Mapping[str, Sequence[str]]:
        return self.warehouse.absent(wanted)

    def untouched(self, collection: str, until: int, keys: Sequence[str] | None = None) -> Mapping[str, int]:
        return self.warehouse.untouched(collection, until, keys)

    def lacking(self, collection: str, column: str, newer: int) -> Mapping[str, int]:
        return self.warehouse.lacking(collection, column, newer)


@dataclass(slots=True)
class _Codec:
    codec: Codec
    exclusion: Exclusion

    def decode(self, sight: Sight) -> Decoded:
        return self.codec.decode(self.exclusion.applied(sight))

    def glance(self, collection: str, data: bytes, at: str, fields: Sequence[str]) -> Glance | None:
        return None  # what is excluded must not be decoded

    def pack(self, decoded: Sequence[Decoded]) -> Decoded:
        return self.codec.pack(decoded)

    def undeclared(self, collection: str) -> Mapping[str, str]:
        return self.codec.undeclared(collection)
