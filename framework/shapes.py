"""What a source's collections were like when they were last read, and what has changed of that since."""

from __future__ import annotations

import hashlib
from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from framework import remedy
from framework.collection import Collection, Column
from framework.connector import Connector
from framework.remedy import Change
from framework.warehouse import FeedState

if TYPE_CHECKING:
    from framework.order import Order


class Shape(msgspec.Struct):
    """One collection: the API's version, its columns' types and paths, a digest of the rest, and what is left out."""

    version: str = ""
    columns: dict[str, str] = {}
    rest: str = ""
    without: list[str] = []


class _Document(msgspec.Struct):
    chosen: list[str] | None = None  # all that the source selected
    shapes: dict[str, Shape] = {}


class Shapes:
    """The document of all shapes, kept beside the feeds' marks and moved with the changes that it tells of."""

    FEED = "_shapes"

    def __init__(self, stored: FeedState | None) -> None:
        self.rev = stored.rev if stored else 0
        self._document = msgspec.json.decode(stored.document, type=_Document) if stored else _Document()
        self.changes: list[Change] = []
        self.dirty: set[str] = set()

    def encode(self) -> str:
        return msgspec.json.encode(self._document).decode()

    def tables(self, connector: Connector, order: Order, there: Names[str]) -> list[Collection]:
        """The collections whose tables are to be made, or to get columns."""
        changed = {one.collection for one in self.changes}
        wanted = {name for name in order.selected - set(order.missing) if name in changed or name not in there}
        return [collection for collection in connector.collections if collection.name in wanted]

    def take(self) -> list[Change]:
        """The changes that the next commit tells of, once."""
        taken, self.changes = self.changes, []
        return taken

    def compared(
        self, connector: Connector, order: Order, tables: Names[str], versions: Mapping[str, str]
    ) -> list[Change]:
        """What has changed of the collections that have tables, which is then known.

        What was never noted is taken as it is, but for the API's version that its marks tell of (``versions``).
        """
        before, known = self.encode(), self._document
        self.changes = list(_chosen(known.chosen, order.chosen, tables))
        if order.chosen:
            known.chosen = sorted(order.chosen)
        parents = {name: c for c in connector.collections for child in c.children for name in child.collections()}
        for collection in connector.collections:
            name = collection.name
            if name not in order.selected or name in order.missing:
                continue
            now = _shape(collection, connector.version, order.excluded.get(name, ()), parents.get(name))
            was = known.shapes.get(name) or _taken(now, versions.get(name, ""))
            if name in tables:
                self.changes += _changes(connector, collection, was, now)
            # What an account hides for a while is no news when it is shown again.
            known.shapes[name] = msgspec.structs.replace(now, columns={**was.columns, **now.columns})
        self.dirty = {self.FEED} if self.encode() != before else set()
        return self.changes


def _chosen(before: list[str] | None, now: Names[str], tables: Names[str]) -> Iterator[Change]:
    if before is None or not now:
        return
    for name in sorted(set(tables) & set(before).symmetric_difference(now)):
        yield remedy.selected(name) if name in now else remedy.deselected(name)


def _taken(now: Shape, version: str) -> Shape:
    return msgspec.structs.replace(now, version=version or now.version)


def _shape(collection: Collection, version: str, without: Names[str], parent: Collection | None) -> Shape:
    """What decides how rows come about; descriptions and references do not."""
    columns = {column.name: _column(column) for column in collection.columns if column.name not in without}
    lists = [
        (child.path, child.into, child.parent, child.expand)
        for one in (collection, parent)
        if one is not None
        for child in one.children
        if one is collection or collection.name in child.collections()
    ]
    rest = (collection.kind, collection.object, collection.key, sorted(collection.drop), collection.numbered, lists)
    digest = hashlib.sha256(repr(rest).encode()).hexdigest()[:16]
    return Shape(version, columns, digest, sorted(without))


def _column(column: Column) -> str:
    return f"{column.type} {'.'.join(map(str, column.path))}"


def _changes(connector: Connector, collection: Collection, was: Shape, now: Shape) -> Iterator[Change]:
    name, event = collection.name, collection.kind == "event"
    if was.version != now.version and was.version:
        yield remedy.version_moved(name, was.version, now.version, event=event)
    if was.rest != now.rest:
        yield remedy.reshaped(name, "", "", "", event=event)
    for column in sorted(set(now.without) - set(was.without)):
        yield remedy.excluded(name, column)
    for column in sorted(set(was.without) - set(now.without)):
        yield remedy.included(name, column)
    # A feed that asks for fields by name reads what is new among them by itself.
    named = any(getattr(feed, "fields", ()) for feed in connector.feeds if name in feed.fills)
    for column, found in now.columns.items():
        if column not in was.columns and column not in was.without:
            yield remedy.declared(name, column, found.partition(" ")[0], event=event, named=named)
        elif was.columns.get(column, found) != found:
            yield remedy.reshaped(name, column, was.columns[column], found, event=event)
