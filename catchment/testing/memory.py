"""A warehouse in memory: the merge rules in their plainest form, to test feeds and connectors without a database."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from framework import heads
from framework.collection import Child, Collection
from framework.sight import Closed, Glance, Sight
from framework.warehouse import Commit, Committed, Conflict, Counts, Decoded, FeedState, Pace, Stored, Unseen


@dataclass(slots=True)
class Row:
    """One stored object: its newest payload, and the newest deletion that was seen."""

    payload: dict[str, Any] | None = None
    version: int = -1
    deleted_at: int | None = None

    @property
    def live(self) -> bool:
        return self.deleted_at is None


def _since(collection: Collection, row: Row, since: int) -> bool:
    """Whether a row is known to have been created then or later; 0: whenever."""
    if not since:
        return True
    column, payload = collection.created, row.payload or {}
    return column is not None and heads.micros(payload.get(str(column.path[0]))) >= since


@dataclass(slots=True)
class _Sighted:
    sights: list[Sight]
    rows: int
    size: int = 0


class _Codec:
    def decode(self, sight: Sight) -> Decoded:
        return _Sighted([sight], len(objects(sight)), len(sight.data))

    def glance(self, collection: str, data: bytes, at: str, fields: Sequence[str]) -> Glance | None:
        return None

    def undeclared(self, collection: str) -> Mapping[str, str]:
        return {}  # its rows are whole objects

    def pack(self, decoded: Sequence[Decoded]) -> Decoded:
        sights = [sight for one in decoded for sight in one.sights]  # type: ignore[attr-defined]
        return _Sighted(sights, sum(one.rows for one in decoded))


@dataclass(slots=True)
class Memory:
    """Implements :class:`framework.warehouse.Warehouse`. ``rows``: collection -> key -> Row."""

    collections: Sequence[Collection]
    pace: Pace = field(default_factory=Pace)
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    feeds: dict[str, FeedState] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    commits: int = 0
    unselected: Sequence[Collection] = ()  # collections whose lists fill others, though they are no tables here

    def load(self) -> Stored:
        return Stored(dict(self.feeds), dict(self.tables))

    def codec(self) -> _Codec:
        return _Codec()

    def live_rows(self, collection: str) -> int:
        return len(self._living(collection, 0))

    def absent(self, wanted: Mapping[str, Unseen]) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for name, unseen in wanted.items():
            shown = {key for batch in unseen.shown for key in batch}
            living = self._living(name, unseen.since)
            if not unseen.since:  # one that came and went while only its members were read is missed as well
                living = {
                    key: at for key, at in self._named(name).items() if key not in self.rows.get(name, {})
                } | living
            found[name] = [key for key, version in living.items() if version < unseen.before and key not in shown]
        return found

    def _living(self, name: str, since: int) -> dict[str, int]:
        """The keys of live rows with their versions; of a carrier, of which no row tells its age, those named."""
        own = self._declared(name)
        if own is None:
            return {} if since else self._named(name)
        rows = self.rows.get(name, {})
        return {key: row.version for key, row in rows.items() if row.live and _since(own, row, since)}

    def _named(self, carrier: str) -> dict[str, int]:
        """The parents that live members name, with the newest version of these."""
        found: dict[str, int] = {}
        for child in next((c.children for c in (*self.unselected, *self.collections) if c.name == carrier), ()):
            for name in child.collections():
                for row in self.rows.get(name, {}).values() if self._declared(name) else ():
                    owner = (row.payload or {}).get(child.parent)
                    if row.live and owner and _owned(row, child, owner):
                        found[owner] = max(row.version, found.get(owner, -1))
        return found

    def untouched(self, collection: str, until: int, keys: Sequence[str] | None = None) -> Mapping[str, int]:
        return {}  # it does not keep when rows changed

    def lacking(self, collection: str, column: str, newer: int) -> Mapping[str, int]:
        return {}  # its rows have no columns

    def live(self, collection: str) -> dict[str, dict[str, Any]]:
        """Payloads of the live rows by key."""
        return {key: row.payload or {} for key, row in self.rows.get(collection, {}).items() if row.live}

    def commit(self, commit: Commit) -> Committed:
        for feed, (rev, _) in commit.feeds.items():
            if (self.feeds[feed].rev if feed in self.feeds else 0) != rev:
                raise Conflict(f"another run has moved the marks of {feed}")
        for feed, (rev, document) in commit.feeds.items():
            self.feeds[feed] = FeedState(rev + 1, document)
        created = {c.name: uuid.uuid4().hex for c in commit.tables if c.name not in self.tables}
        self.tables |= created
        counts: dict[str, Counts] = {c.name: Counts() for c in self.collections}
        for live in commit.live:
            for key in live.keys:
                row = self.rows.get(live.collection, {}).get(key)
                if row is not None and row.deleted_at is not None and row.deleted_at < live.at:
                    row.deleted_at = None
                    counts[live.collection].restored += 1
        sights = [sight for one in commit.decoded for sight in one.sights]  # type: ignore[attr-defined]
        partial, sights = [s for s in sights if s.columns], [s for s in sights if not s.columns]
        self._parents([sight for sight in sights if not sight.parent], counts)
        for gone in commit.gone:
            if self._declared(gone.collection):
                self._mark(gone.collection, gone.key, gone.at, counts)
                continue
            for child in self._known(gone.collection).children:  # of what is no row here the members go
                for name in child.collections():
                    self._close(Closed(name, gone.collection, gone.key, gone.at), counts, child)
        for sight in sights:
            self._members(sight, counts)
        for closed in commit.closed:
            self._close(closed, counts)
        for sight in partial:
            self._fill(sight, counts[sight.collection])
        self._orphans(counts)
        self.commits += 1
        return Committed(counts, created)

    def _parents(self, sights: Sequence[Sight], counts: Mapping[str, Counts]) -> None:
        """The objects themselves; one seen only for its lists' sake is no row."""
        for sight in sights:
            collection = self._declared(sight.collection)
            if collection is None:
                continue
            for n, payload in enumerate(objects(sight)):
                version = _version(sight, n)
                gone = version if sight.deleted and sight.deleted[n] else None
                self._merge(
                    collection,
                    payload[field_of_key(collection)],
                    payload,
                    version,
                    gone,
                    counts[collection.name],
                    told=sight.deleted is not None,
                )

    def _members(self, sight: Sight, counts: Mapping[str, Counts]) -> None:
        """The rows of lists: those inside a sight's objects, or those that the sight is a page of."""
        rows = objects(sight)
        if sight.parent:
            collection, version = self._declared(sight.collection), _version(sight, 0)
            if collection is None or self._stale(sight.parent, sight.parent_key, version, sight):
                return
            names = [c.parent for c in self._known(sight.parent).children if collection.name in c.collections()]
            for payload in rows:
                owned = payload | dict.fromkeys(names, sight.parent_key)
                self._merge(
                    collection, payload[field_of_key(collection)], owned, version, None, counts[collection.name]
                )
            return
        parent = self._known(sight.collection)
        for n, payload in enumerate(rows):
            for child in parent.children:
                self._children(sight, payload, _version(sight, n), payload[field_of_key(parent)], parent, child, counts)

    def _fill(self, sight: Sight, counts: Counts) -> None:
        """A partial sight: rows that are there, in its version, get its columns, which are whole fields here."""
        collection = self._known(sight.collection)
        fields = {str(column.path[0]) for column in collection.columns if column.name in sight.columns}
        for n, payload in enumerate(objects(sight)):
            row = self.rows.get(collection.name, {}).get(payload[field_of_key(collection)])
            same = row is not None and (collection.kind == "event" or row.version == _version(sight, n))
            given = {name: value for name, value in payload.items() if name in fields}
            if row is not None and row.payload is not None and same and row.payload | given != row.payload:
                row.payload = row.payload | given
                counts.updated += 1
            else:
                counts.unchanged += 1

    def _declared(self, name: str) -> Collection | None:
        return next((c for c in self.collections if c.name == name), None)

    def _known(self, name: str) -> Collection:
        """A collection whose lists are wanted, itself selected or not."""
        return next(c for c in (*self.collections, *self.unselected) if c.name == name)

    def _stale(self, parent: str, key: str, version: int, sight: Sight | None = None) -> bool:
        """Whether the parent is stored newer, or deleted since: then an older sight of its lists proves nothing."""
        row = self.rows.get(parent, {}).get(key)
        if row is None or (sight is not None and sight.collection in sight.fresh):
            return False
        return row.version > version or (row.deleted_at or -1) > version

    def _merge(
        self, collection: Collection, key: str, payload: dict[str, Any], version: int, gone: int | None, counts: Counts,
        *, told: bool = False,
    ) -> None:  # fmt: skip
        rows = self.rows.setdefault(collection.name, {})
        if key not in rows:
            rows[key] = Row(payload, version, gone)
            if collection.kind == "event":
                counts.appended += 1
            else:
                counts.inserted += 1
                counts.deleted += gone is not None
            return
        row = rows[key]
        if collection.kind == "event" or version < row.version:
            newest = max(row.deleted_at or -1, gone or -1)
            if collection.kind != "event" and newest >= row.version:
                counts.deleted += row.deleted_at is None
                row.deleted_at = newest
            counts.unchanged += 1
            return
        changed = row.payload != payload
        before = row.deleted_at
        restored = told and changed and row.version == version == before
        row.payload, row.version = payload, version
        if gone is None:
            row.deleted_at = before if before is not None and before >= version and not restored else None
        else:
            row.deleted_at = gone if before is None else before
        counts.deleted += before is None and row.deleted_at is not None
        counts.restored += before is not None and row.deleted_at is None
        counts.updated += changed
        counts.unchanged += not changed

    def _children(
        self, sight: Sight, payload: dict[str, Any], version: int, key: str, parent: Collection, child: Child,
        counts: Mapping[str, Counts],
    ) -> None:  # fmt: skip
        if not child.path or child.path not in payload:
            return
        shown = payload[child.path]
        if shown is None and child.expand:
            return
        envelope = isinstance(shown, dict) and isinstance(shown.get("data"), list)
        members = shown["data"] if envelope else shown if isinstance(shown, list) else [shown] if shown else []
        named = frozenset(m for m in members if isinstance(m, str))
        whole = all(isinstance(m, (dict, str)) for m in members) and not (envelope and shown.get("has_more"))
        stale = self._stale(parent.name, key, version)
        for n, member in enumerate(m for m in members if isinstance(m, dict)):
            into = child.into if isinstance(child.into, str) else child.into.get(member.get("object", ""), "")
            collection = self._declared(into)
            if collection is None or (stale and into not in sight.fresh):
                continue
            id_ = f"{key}_{n}" if collection.numbered else member[field_of_key(collection)]
            self._merge(collection, id_, {**member, child.parent: key}, version, None, counts[into])
        naming = bool(named) or (not members and isinstance(shown, list) and bool(child.expand))
        if whole and not (stale and naming):
            for into in child.collections():
                self._close(Closed(into, parent.name, key, version, into in sight.fresh), counts, child, named)

    def _mark(self, collection: str, key: str, at: int, counts: Mapping[str, Counts]) -> None:
        row = self.rows.setdefault(collection, {}).setdefault(key, Row())
        if at >= row.version and at > (row.deleted_at or -1):
            counts[collection].deleted += row.deleted_at is None
            row.deleted_at = at

    def _close(
        self,
        closed: Closed,
        counts: Mapping[str, Counts],
        child: Child | None = None,
        named: frozenset[str] = frozenset(),
    ) -> None:
        stale = self._stale(closed.parent, closed.parent_key, closed.version) and not closed.fresh
        if self._declared(closed.collection) is None or stale:
            return
        lists = [child] if child else [
            one for one in self._known(closed.parent).children if closed.collection in one.collections()
        ]  # fmt: skip
        for key, row in list(self.rows.get(closed.collection, {}).items()):
            if (
                key in named
                and row.deleted_at is not None
                and row.payload is not None
                and row.deleted_at < closed.version
            ):
                row.deleted_at = None
                counts[closed.collection].restored += 1
            old = row.version < closed.version and key not in named
            if old and any(_owned(row, one, closed.parent_key) for one in lists):
                self._mark(closed.collection, key, closed.version, counts)

    def _orphans(self, counts: Mapping[str, Counts]) -> None:
        """Children go with a deleted parent."""
        for parent in (*self.collections, *self.unselected):
            gone = {key: row.deleted_at for key, row in self.rows.get(parent.name, {}).items() if row.deleted_at}
            for child in parent.children if gone else ():
                for into in child.collections():
                    for key, row in list(self.rows.get(into, {}).items()):
                        owner = (row.payload or {}).get(child.parent, "")
                        at = gone.get(owner)
                        if at is not None and row.live and _owned(row, child, owner):
                            self._mark(into, key, at, counts)


def _owned(row: Row, child: Child, parent: str) -> bool:
    """Whether a row is a parent's, and no narrower owner's."""
    payload = row.payload or {}
    return payload.get(child.parent) == parent and not any(payload.get(name) for name in child.unless)


def objects(sight: Sight) -> list[dict[str, Any]]:
    """The objects that a sight shows."""
    found = json.loads(bytes(sight.data))
    rows: list[dict[str, Any]] = found[sight.at] if sight.at else found
    return rows


def field_of_key(collection: Collection) -> str:
    """The vendor's field that fills the key column."""
    paths = (str(column.path[0]) for column in collection.columns if column.name == collection.key)
    return next(paths, collection.key)


def _version(sight: Sight, n: int) -> int:
    return sight.version if isinstance(sight.version, int) else sight.version[n]
