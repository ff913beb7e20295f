"""Sights to rows: a page is decoded once into typed structs, its child lists cut out, and pages become Arrow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, cast

import msgspec
from msgspec import Raw

from framework.collection import Child
from framework.sight import Glance, Sight
from framework.warehouse import Decoded
from warehouse_loader.children import Cut, cut
from warehouse_loader.lattice import Kind, join
from warehouse_loader.layout import Layout
from warehouse_loader.registry import Registry
from warehouse_loader.relearn import UNREADABLE, aliased, inside, keyed, learn, split

_OPENING = 256  # bytes that tell whether a page is pretty-printed


@dataclass(slots=True)
class Chunk:
    """Records of one collection from one page, still structs."""

    layout: Layout
    records: list[Any]
    versions: list[int]
    deleted: list[bool] | None
    parent: str = ""
    fresh: bool = False
    only: frozenset[str] = frozenset()  # of a partial sight: its columns
    injected: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Packed:
    """Rows of one collection as Arrow columns. ``link`` is the column that holds the parent's key, if they have one."""

    collection: str
    parent: str
    link: str
    fresh: bool
    rows: int
    columns: dict[str, tuple[Kind, Any]]
    tells: bool = False  # each row came with word of whether it lives
    only: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Closing:
    """A parent showed its list whole: members with an older version are gone.

    ``named``: per parent that named its members by their ids alone, those ids; None for one that showed them.
    """

    collection: str
    parent: str
    link: str
    fresh: bool
    keys: Sequence[str]
    versions: Sequence[int]
    named: Sequence[Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be a row."""

    collection: str
    reason: str
    record: str


@dataclass(slots=True)
class Page:
    """What one sight became, or several packed together (framework.warehouse.Decoded)."""

    rows: int = 0
    size: int = 0
    chunks: list[Chunk] = field(default_factory=list)
    packed: list[Packed] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class RecordCodec:
    """Decodes sights by the layouts of a registry, which it teaches (framework.warehouse.Codec)."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def decode(self, sight: Sight) -> Page:
        page = Page(size=len(sight.data))
        kept: list[int] | None = None
        if sight.opened:
            layout, records = sight.opened
        else:
            layout, records, kept = self._records(sight.collection, _compact(sight.data), page, sight.at)
        versions = _each(sight.version, kept, len(records))
        deleted = _flags(sight.deleted, kept)
        chunk = Chunk(layout, records, versions, deleted, only=sight.columns)
        if sight.parent:
            link = _link(self._registry, sight)
            chunk.parent, chunk.fresh = sight.parent, sight.collection in sight.fresh
            chunk.injected = {link: [sight.parent_key] * len(records)} if link else {}
        self._add(page, chunk, sight.fresh)
        return page

    def glance(self, collection: str, data: bytes, at: str, fields: Sequence[str]) -> Glance | None:
        layout = self._registry[collection]
        found = [layout.plain(one) for one in fields]
        if not all(found) or not layout.key.strict:
            return None
        try:
            held = layout.within(at).decode(_compact(data))
        except UNREADABLE:
            return None
        rows = list(zip(*(map(attrgetter(one), held.records) for one in found), strict=True))
        return Glance(held.has_more, rows, (layout, held.records)) if isinstance(held.has_more, bool) else None

    def pack(self, pages: Sequence[Decoded]) -> Page:
        """Several pages as one, their records as Arrow columns, which take a fifth of the memory."""
        return pack(cast(Sequence[Page], pages), self._registry)

    def undeclared(self, collection: str) -> Mapping[str, str]:
        return self._registry[collection].undeclared

    def _add(self, page: Page, chunk: Chunk, fresh: frozenset[str]) -> None:
        layout = chunk.layout
        if layout.collection.name in self._registry:
            page.chunks.append(chunk)
            page.rows += len(chunk.records)
        if not layout.children or not chunk.records or chunk.only:
            return
        keys = _keys(chunk)
        for child in layout.children:
            if not child.path:
                continue
            raws = list(map(attrgetter(layout.attribute(child.path)), chunk.records))
            for part in cut(child, raws, self._registry):
                self._children(page, chunk, child, keys, part, fresh)

    def _children(
        self, page: Page, parents: Chunk, child: Child, keys: list[str], part: Cut, fresh: frozenset[str]
    ) -> None:
        name, link = part.collection, child.parent
        of, new = parents.layout.collection.name, name in fresh
        if part.closed:
            closed = [keys[at] for at in part.closed], [parents.versions[at] for at in part.closed]
            page.closings.append(Closing(name, of, link, new, *closed, [part.named.get(at) for at in part.closed]))
        if not part.members:
            return
        layout, records, kept = self._records(name, b"[" + b",".join(part.members) + b"]", page)
        owners = part.owners if kept is None else [part.owners[at] for at in kept]
        gone = [parents.deleted[at] for at in owners] if parents.deleted else None  # they go with their parent
        chunk = Chunk(layout, records, [parents.versions[at] for at in owners], gone, of, new)
        chunk.injected[link] = [keys[at] for at in owners]
        if layout.collection.numbered:
            places = part.places if kept is None else [part.places[at] for at in kept]
            chunk.injected[layout.key.name] = [
                f"{keys[owner]}_{place}" for owner, place in zip(owners, places, strict=True)
            ]
        self._add(page, chunk, fresh)

    def _records(
        self, name: str, data: bytes | memoryview, page: Page, at: str = ""
    ) -> tuple[Layout, list[Any], list[int] | None]:
        """Typed records, and which of the page's they are (None: all)."""
        layout = self._registry[name]
        try:
            records = layout.within(at).decode(data).records if at else layout.decoder.decode(data)
        except UNREADABLE:
            return self._slowly(name, inside(bytes(data), at), page)
        if layout.key.path and not layout.key.strict:
            return self._slowly(name, inside(bytes(data), at), page)
        return layout, records, None

    def _slowly(self, name: str, data: bytes, page: Page) -> tuple[Layout, list[Any], list[int]]:
        layout = self._registry[name]
        good: list[tuple[int, bytes]] = []
        for at, (record, reason) in enumerate(split(data)):
            reason = reason or keyed(layout, record)
            if reason:
                page.refused.append(Refused(name, reason, record.decode(errors="backslashreplace")))
            else:
                good.append((at, record))
        layout = self._registry.learn(name, lambda layout: learn(layout, [record for _, record in good]))
        if layout.odd:
            good = [(at, aliased(layout.tree, record)) for at, record in good]
        try:
            records = layout.decoder.decode(b"[" + b",".join(record for _, record in good) + b"]")
        except UNREADABLE:
            return self._singly(layout, good, page)
        return layout, records, [at for at, _ in good]

    def _singly(self, layout: Layout, good: list[tuple[int, bytes]], page: Page) -> tuple[Layout, list[Any], list[int]]:
        """The last resort: whatever no layout can hold is set apart, and costs its neighbours nothing."""
        records, kept = [], []
        for at, record in good:
            try:
                records += layout.decoder.decode(b"[" + record + b"]")
                kept.append(at)
            except UNREADABLE as error:
                page.refused.append(Refused(layout.collection.name, str(error), record.decode()))
        return layout, records, kept


def _compact(data: bytes | memoryview) -> bytes | memoryview:
    """The page without the blanks of pretty-printing, numbers spelled as they were."""
    head = bytes(data[:_OPENING])
    if b"\n" not in head and b'": ' not in head:
        return data
    try:
        return msgspec.json.format(bytes(data), indent=-1)
    except UNREADABLE:
        return data


def _each(version: int | Sequence[int], kept: list[int] | None, count: int) -> list[int]:
    if isinstance(version, int):
        return [version] * count
    return list(version) if kept is None else [version[at] for at in kept]


def _flags(deleted: Sequence[bool] | None, kept: list[int] | None) -> list[bool] | None:
    """Which of the rows are gone: None where that was not said, empty where none is."""
    if deleted is None or not any(deleted):
        return None if deleted is None else []
    return list(deleted) if kept is None else [deleted[at] for at in kept]


def _link(registry: Registry, sight: Sight) -> str:
    """The column in which children keep this parent's key."""
    links = {of.name: child.parent for of, child in registry.parents(sight.collection)}
    return links.get(sight.parent, "")


def _keys(chunk: Chunk) -> list[str]:
    """The records' keys as text."""
    key = chunk.layout.key
    if not key.path:
        return chunk.injected[key.name]
    values = map(attrgetter(chunk.layout.attribute(str(key.path[0]))), chunk.records)
    if key.strict:
        return [str(value) for value in values]
    return [str(msgspec.json.decode(value)) for value in cast(Sequence[Raw], values)]


def pack(pages: Sequence[Page], registry: Registry) -> Page:
    """One page of Arrow columns out of many; what the columns needed beyond their types is taught to the registry."""
    groups: dict[tuple[str, int, str, bool, frozenset[str]], list[Chunk]] = defaultdict(list)
    closings: list[Closing] = []
    whole = Page()
    for page in pages:
        whole.rows += page.rows
        whole.size += page.size
        whole.packed += page.packed
        closings += page.closings
        whole.refused += page.refused
        for chunk in page.chunks:
            if chunk.records:
                name = chunk.layout.collection.name
                groups[name, id(chunk.layout), chunk.parent, chunk.fresh, chunk.only].append(chunk)
    for chunks in groups.values():
        whole.packed.append(_pack(chunks, registry))
    whole.closings = combined(closings)
    return whole


def combined(closings: Sequence[Closing]) -> list[Closing]:
    """The same closings with one entry for each kind of list: every entry is a pass over the members' table."""
    groups: dict[tuple[str, str, str, bool], list[Closing]] = defaultdict(list)
    for one in closings:
        groups[one.collection, one.parent, one.link, one.fresh].append(one)
    return [
        Closing(
            *place,
            [key for one in group for key in one.keys],
            [at for one in group for at in one.versions],
            [ids for one in group for ids in one.named],
        )
        for place, group in groups.items()
    ]


def _pack(chunks: list[Chunk], registry: Registry) -> Packed:
    import pyarrow as pa

    from warehouse_loader.arrow import INSTANT, columns

    layout, name, only = chunks[0].layout, chunks[0].layout.collection.name, chunks[0].only
    records = [record for chunk in chunks for record in chunk.records]
    made: dict[str, tuple[Kind, Any]] = {}
    for slot, values in zip(layout.slots, layout.extract(records), strict=True):
        for leaf, kind, array in columns(slot, values):
            if kind != "null" and (not only or leaf.name in only or leaf.name == layout.key.name):
                made[leaf.name] = kind, array
    link = ""
    for column in chunks[0].injected:
        link = column if column != layout.key.name or not layout.collection.numbered else link
        values = [value for chunk in chunks for value in chunk.injected[column]]
        made[column] = _linked(layout.by_name[column].kind, pa.array(values, pa.string()))
    registry.widen(name, {column: join(kind, layout.by_name[column].kind) for column, (kind, _) in made.items()})
    versions = [version for chunk in chunks for version in chunk.versions]
    made["_version"] = "timestamptz", pa.array(versions, INSTANT)
    if any(chunk.deleted for chunk in chunks):
        flags = [flag for chunk in chunks for flag in (chunk.deleted or [False] * len(chunk.records))]
        gone = [version if flag else None for version, flag in zip(versions, flags, strict=True)]
        made["_deleted_at"] = "timestamptz", pa.array(gone, INSTANT)
    tells = all(chunk.deleted is not None for chunk in chunks)
    return Packed(name, chunks[0].parent, link, chunks[0].fresh, len(records), made, tells, only)


def _linked(kind: Kind, keys: Any) -> tuple[Kind, Any]:
    """Parents' keys as their column has them: whole numbers where the vendor's ids are."""
    import pyarrow as pa

    if kind == "bigint":
        try:
            return "bigint", keys.cast(pa.int64())
        except pa.ArrowInvalid:
            pass
    return "text", keys
