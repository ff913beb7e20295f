"""The rows of one commit and collection: pages put together, each key once, columns in the table's types."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
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
    older = [_older(one, stale.get(one.parent, {})) for one in packed]
    there = _there(packed, older, key, held) if any(older) else {}
    kept = [
        _current(one, stale.get(one.parent, {}), places, key, there) for one, places in zip(packed, older, strict=True)
    ]
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


def _older(one: Packed, stale: Stale) -> set[int]:
    """The places of children of a sight older than their parent, as the warehouse knows it."""
    if not stale or one.fresh:
        return set()
    owners = map(str, one.columns[one.link][1].to_pylist())
    versions = one.columns["_version"][1].view(pa.int64()).to_pylist()
    newest = {owner: max((at for at in told if at is not None), default=0) for owner, told in stale.items()}
    return {
        at for at, (owner, version) in enumerate(zip(owners, versions, strict=True)) if newest.get(owner, 0) > version
    }


def _current(one: Packed, stale: Stale, older: Container[int], key: str, there: Mapping[str, int | None]) -> Packed:
    """Children as their parents stand now: a deleted parent's come deleted.

    Those of a sight older than their parent may be gone since: they bring no row into being, but what they say of a row
    that is ``there`` may be the last that was ever said of it.
    """
    if not stale:
        return one
    owners = map(str, one.columns[one.link][1].to_pylist())
    versions = one.columns["_version"][1].view(pa.int64()).to_pylist()
    marks = _part(one, "_deleted_at", "timestamptz").view(pa.int64()).to_pylist()
    names = map(str, one.columns[key][1].to_pylist())
    kept, deleted = [], []
    for place, (name, owner, version, mark) in enumerate(zip(names, owners, versions, marks, strict=True)):
        gone = stale.get(owner, (None, None))[1]
        if place not in older:
            deleted.append(gone if gone is not None and gone >= version else mark)
        elif name in there:  # if it is gone it stays so: the newer parent did not show it
            deleted.append(mark if there[name] is None else max(there[name] or 0, version))
        else:
            continue
        kept.append(place)
    columns = {name: (kind, made.take(pa.array(kept, pa.int64()))) for name, (kind, made) in one.columns.items()}
    columns["_deleted_at"] = "timestamptz", pa.array(deleted, INSTANT)
    return replace(one, rows=len(kept), columns=columns)


def _there(packed: Sequence[Packed], older: Sequence[Container[int]], key: str, held: Held) -> dict[str, int | None]:
    """The rows of older sights that are in the table, or come by another sight of this batch, and when they went."""
    sure, asked = set[str](), list[str]()
    for one, places in zip(packed, older, strict=True):
        for at, name in enumerate(map(str, one.columns[key][1].to_pylist())):
            if at in places:
                asked.append(name)
            else:
                sure.add(name)
    return {**dict.fromkeys(sure), **held(asked)}


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
