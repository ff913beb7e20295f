"""The rows of one commit and collection: pages put together, each key once, columns in the table's types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from warehouse_loader.arrow import ARROW, INSTANT, rewiden
from warehouse_loader.codec import Packed
from warehouse_loader.layout import Layout

Held = Callable[[list[str]], Mapping[str, int | None]]  # keys -> those in the table, with their deletion
Stale = Mapping[str, tuple[int | None, int | None]]  # parent's key -> its stored version and deletion

_JSON = pa.json_(pa.string())  # tells DuckDB that it is JSON, which then need not be parsed again


@dataclass(frozen=True, slots=True)
class Batch:
    """One collection's rows in one commit. ``fetched`` counts what came, repeats and stale rows among it.

    ``columns`` are in ``table``; ``empty`` are those that would be null in every row, left out of it. ``tells``: each
    row came with word of whether it lives. ``left``: keys that came, of which there is no row and will be none.
    """

    table: Any
    columns: tuple[str, ...]
    empty: tuple[str, ...]
    fetched: int
    tells: bool = False
    left: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)

    @property
    def deletes(self) -> bool:
        return "_deleted_at" in self.table.column_names


def assemble(layout: Layout, packed: Sequence[Packed], stale: Mapping[str, Stale], held: Held) -> Batch:
    """One table from many pages; of several sights of a key the newest payload and the newest deletion stay.

    ``held`` tells which of some keys the table has already, and since when they are gone.
    """
    fetched = sum(one.rows for one in packed)
    key = layout.collection.key
    kept = [_current(one, stale.get(one.parent, {}), key, held) for one in packed]
    columns: dict[str, Any] = {}
    for leaf in layout.columns:
        parts = [_part(one, leaf.name, leaf.kind) for one in kept]
        whole = pa.chunked_array(parts, ARROW[leaf.kind])
        if whole.null_count < len(whole) or leaf.name == key:
            columns[leaf.name] = whole
    versions = pa.chunked_array([one.columns["_version"][1] for one in kept], INSTANT)
    deleted = pa.chunked_array([_part(one, "_deleted_at", "timestamptz") for one in kept], INSTANT)
    table = pa.table({**columns, "_version": versions})
    if deleted.null_count < len(deleted):
        table = table.append_column("_deleted_at", deleted)
    tells = all(one.tells for one in packed)
    table = _newest(table, key, tells=tells)
    for at, name in enumerate(columns):
        if layout.by_name[name].kind == "json":
            chunks = [pa.ExtensionArray.from_storage(_JSON, chunk) for chunk in table.column(at).chunks]
            table = table.set_column(at, name, pa.chunked_array(chunks, _JSON))
    empty = tuple(leaf.name for leaf in layout.columns if leaf.name not in columns)
    return Batch(table, tuple(columns), empty, fetched, tells, _left(packed, kept, key))


def _part(one: Packed, name: str, kind: Any) -> Any:
    found = one.columns.get(name)
    rows = len(one.columns["_version"][1])
    return pa.nulls(rows, ARROW[kind]) if found is None else rewiden(found[1], found[0], kind)


def _current(one: Packed, stale: Stale, key: str, held: Held) -> Packed:
    """Children as their parents stand now: a deleted parent's come deleted.

    Those of a sight older than their parent may be gone since: they bring no row into being, but what they say of a row
    that is there may be the last that was ever said of it.
    """
    if not stale:
        return one
    owners = [str(owner) for owner in one.columns[one.link][1].to_pylist()]
    versions = one.columns["_version"][1].view(pa.int64()).to_pylist()
    marks = _part(one, "_deleted_at", "timestamptz").view(pa.int64()).to_pylist()
    kept, deleted, older = [], [], []
    for place, (owner, version, mark) in enumerate(zip(owners, versions, marks, strict=True)):
        stored, gone = stale.get(owner, (None, None))
        if not one.fresh and any(at is not None and at > version for at in (stored, gone)):
            older.append(place)
            continue
        kept.append(place)
        deleted.append(gone if gone is not None and gone >= version else mark)
    if older:
        keys = [str(value) for value in one.columns[key][1].take(pa.array(older, pa.int64())).to_pylist()]
        there = held(keys)
        for place, name in zip(older, keys, strict=True):
            if name in there:  # if it is gone it stays so: the newer parent did not show it
                kept.append(place)
                deleted.append(marks[place] if there[name] is None else max(there[name] or 0, versions[place]))
    columns = {name: (kind, made.take(pa.array(kept, pa.int64()))) for name, (kind, made) in one.columns.items()}
    columns["_deleted_at"] = "timestamptz", pa.array(deleted, INSTANT)
    return replace(one, rows=len(kept), columns=columns)


def _left(packed: Sequence[Packed], kept: Sequence[Packed], key: str) -> frozenset[str]:
    if all(one is same for one, same in zip(packed, kept, strict=True)):
        return frozenset()
    came, stay = ({str(name) for one in some for name in one.columns[key][1].to_pylist()} for some in (packed, kept))
    return frozenset(came - stay)


def _newest(table: Any, key: str, *, tells: bool) -> Any:
    """Each key once. Of equal versions the later sight stays; a deletion holds if no payload is newer.

    Where each sight ``tells`` whether its row lives, one that lives also undoes an earlier deletion of its version.
    """
    deletes = "_deleted_at" in table.column_names
    keys = table.column(key).to_pylist()
    if len(set(keys)) == len(keys):
        return table
    versions = table.column("_version").cast(pa.int64()).to_pylist()
    best: dict[Any, int] = {}
    for at, (name, version) in enumerate(zip(keys, versions, strict=True)):
        if name not in best or version >= versions[best[name]]:
            best[name] = at
    chosen = table.take(pa.array(best.values(), pa.int64()))
    if not deletes:
        return chosen
    gone: dict[Any, int] = {}
    told = table.column("_deleted_at").cast(pa.int64()).to_pylist()
    for name, mark in zip(keys, told, strict=True):
        if mark is not None:
            gone[name] = max(gone.get(name, mark), mark)
    marks: list[int | None] = []
    for name, at in best.items():
        undone = tells and told[at] is None  # by a sight of the deletion's own version
        mark = gone.get(name)
        marks.append(mark if mark is not None and mark >= versions[at] + undone else None)
    place = chosen.column_names.index("_deleted_at")
    return chosen.set_column(place, "_deleted_at", pa.array(marks, INSTANT))
