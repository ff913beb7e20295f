"""One commit's rows: first tables as wide as needed, then parents before children, all of it counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from framework.collection import Collection
from framework.sight import Gone
from framework.warehouse import Commit, Committed, Counts
from warehouse_loader import catalog, changes, marks, merge, tables
from warehouse_loader.codec import Closing, Packed, Page, combined, pack
from warehouse_loader.destination import Session
from warehouse_loader.dialect import OVERFLOW, SYSTEM, quote, table
from warehouse_loader.lattice import Kind
from warehouse_loader.layout import Layout
from warehouse_loader.registry import Registry

if TYPE_CHECKING:
    from warehouse_loader.batch import Batch, Stale


_NEVER = (2**63 - 1, None)  # the version and deletion of a parent that there is no row of


@dataclass(slots=True)
class _Work:
    """What a commit brings for one collection."""

    packed: list[Packed] = field(default_factory=list)
    partial: dict[frozenset[str], list[Packed]] = field(default_factory=lambda: defaultdict(list))
    gone: list[Gone] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)


class Writer:
    """Writes one commit; when that fails on the way, another try begins with ``prepare`` again."""

    def __init__(
        self,
        source: str,
        registry: Registry,
        commit: Commit,
        described: Mapping[str, Layout],
        owed: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        """``described``: layouts as the catalog has them, which need no writing. ``owed``: as `marks.owed` has it."""
        self._source, self._registry, self._commit, self._known = source, registry, commit, described
        self._owed = self.owed = owed
        self._page: Page | None = None

    def prepare(self, session: Session, there: Iterable[str]) -> None:
        """Makes or widens the tables that the rows need; ``there`` are those that exist."""
        if self._page is None:
            self._page = pack(self._commit.decoded, self._registry)  # type: ignore[arg-type]
        self._work: dict[str, _Work] = defaultdict(_Work)
        for one in self._page.packed:
            work = self._work[one.collection]
            (work.partial[one.only] if one.only else work.packed).append(one)
        for gone in self._commit.gone:
            if gone.collection in self._registry:
                self._work[gone.collection].gone.append(gone)
        for closing in combined([*self._page.closings, *self._closed()]):
            self._work[closing.collection].closings.append(closing)
        self._order = tables.in_order(self._registry)
        wanted = self._work.keys() | {collection.name for collection in self._commit.tables}
        self._names = [name for name in self._order if name in wanted]
        self._tables = tables.ensure(session, self._source, self._registry, self._names, there)

    def write(self, session: Session) -> Committed:
        """Writes the rows; the transaction is the caller's."""
        self._session, self._d = session, session.dialect
        self._counts: dict[str, Counts] = defaultdict(Counts)
        self._marked: set[str] = set()
        self._left: dict[str, frozenset[str]] = {}
        self.described: dict[str, Layout] = {}
        assert self._page is not None
        for refused in self._page.refused:
            self._counts[refused.collection].quarantined += 1
        for name in self._order:
            if name in self._names:
                self._collection(name, self._work[name])
            if name in self._tables.names:
                self._orphans(name)
        self._owe()
        catalog.quarantine(session, self._source, self._page.refused)
        made = marks.incarnate(session, self._source, self._names, self._tables.made)
        catalog.begin(session, self._source, made)
        self._describe(made)
        if self._commit.report is not None:
            here = [name for name in self._registry.collections if name in self._tables.names]
            catalog.write_report(session, self._commit.report, catalog.live(session, self._source, here))
        return Committed(dict(self._counts), made)

    def _closed(self) -> Iterable[Closing]:
        for one in self._commit.closed:
            links = {of.name: child.parent for of, child in self._registry.parents(one.collection)}
            if one.parent in links:
                keys, versions = (one.parent_key,), (one.version,)
                yield Closing(one.collection, one.parent, links[one.parent], one.fresh, keys, versions, (None,))
        # Of what is no row here the members go.
        carried = [one for one in self._commit.gone if one.collection not in self._registry]
        for name in self._registry.collections if carried else ():
            for of, child in self._registry.parents(name):
                if ends := {one.key: one.at for one in carried if one.collection == of.name}:
                    nothing = [None] * len(ends)
                    yield Closing(name, of.name, child.parent, False, list(ends), list(ends.values()), nothing)

    def _describe(self, made: Mapping[str, str]) -> None:
        every = self._tables.names & self._registry.collections.keys()
        for name in self._names if self._known else sorted(every):
            layout = self._tables.layouts[name]
            if self._known.get(name) != layout:
                self.described[name] = layout
        layouts = list(self.described.values())
        before = catalog.write_columns(self._session, self._source, layouts)
        commit, there = self._commit, self._tables.columns
        found = changes.found(layouts, before, made, there, commit.changes, commit.met)
        catalog.write_changes(self._session, self._source, self._commit.run, found)

    # ------------------------------------------------------------------------------------------- rows

    def _collection(self, name: str, work: _Work) -> None:
        from warehouse_loader.batch import assemble
        from warehouse_loader.overflow import folded

        collection = self._registry.collections[name]
        stale = self._stale(name, work)
        if work.packed:
            batch = assemble(self._tables.layouts[name], work.packed, stale, lambda keys: self._held(collection, keys))
            self._left[name] = batch.left
            batch = folded(batch, self._d, self._tables.columns[name])
            with self._session.staged("batch", batch.table):
                self._revive(collection, batch)
                self._merge(collection, batch)
        for columns, packed in work.partial.items():
            self._fill(collection, columns, packed)
        if collection.kind == "event":
            return
        if work.gone:
            self._gone(collection, work.gone)
        for closing in work.closings:
            self._close(collection, closing, stale.get(closing.parent, {}))

    def _merge(self, collection: Collection, batch: Batch) -> None:
        whole, key, counts = self._place(collection)
        known = 0
        if collection.name not in self._tables.made:
            known = self._session.keep("near", merge.near(self._d, whole, key))
        dead = self._number(merge.dead(whole, key, anti=known > 0)) if batch.deletes else 0
        if known and collection.kind == "object":
            self._update(whole, key, batch, counts)
        new = batch.rows - known
        if new:
            columns = [*batch.columns, *(name for name in SYSTEM if name in batch.table.column_names)]
            self._session.change(merge.insert(self._d, whole, key, columns, anti=known > 0))
        if collection.kind == "event":
            counts.appended += new
        else:
            counts.inserted += new
            counts.deleted += dead
        counts.unchanged += batch.fetched - new - counts.updated

    def _fill(self, collection: Collection, wanted: frozenset[str], packed: Sequence[Packed]) -> None:
        """Partial sights: rows that are there get these columns; no row comes of them."""
        from warehouse_loader.batch import assemble
        from warehouse_loader.overflow import folded, taken

        whole, key, counts = self._place(collection)
        batch = assemble(self._tables.layouts[collection.name], packed, {}, lambda _: {})
        there = taken(self._d, self._tables.columns[collection.name], wanted)
        batch = folded(batch, self._d, {*there, collection.key})
        filled = 0
        if columns := [name for name in batch.columns if name in wanted or name == OVERFLOW]:
            with self._session.staged("batch", batch.table):
                versioned = collection.kind == "object"
                filled = self._session.change(merge.fill(self._d, whole, key, columns, versioned=versioned))
        counts.updated += filled
        counts.unchanged += batch.fetched - filled

    def _update(self, whole: str, key: str, batch: Batch, counts: Counts) -> None:
        columns = [name for name in (*batch.columns, *batch.empty) if quote(name) != key]
        compared = merge.compare(self._d, whole, key, columns, batch.empty, deletes=batch.deletes, tells=batch.tells)
        self._session.keep("hit", compared)
        for how, rows, deleted, restored, *differ in self._session.rows(merge.tally(columns)):
            if how == "version":
                self._session.change(merge.update_versions(self._d, whole, key))
                continue
            changed = [name for name, any_row in zip(columns, differ, strict=True) if any_row]
            self._session.change(merge.update_rows(self._d, whole, key, changed, batch.empty))
            counts.updated += rows
            counts.deleted += deleted
            counts.restored += restored

    def _revive(self, collection: Collection, batch: Batch) -> None:
        """Rows that a whole reading showed alive, and members that it showed in them, were deleted by mistake."""
        if not self._commit.live or collection.kind == "event" or collection.name in self._tables.made:
            return
        whole, key, counts = self._place(collection)
        links = {collection.name: collection.key}
        links |= {parent.name: child.parent for parent, child in self._registry.parents(collection.name)}
        for name, link in links.items():
            living = self._living(name)
            if living and link in batch.columns:
                with self._listed("living", "text", living, "version"):
                    sql = merge.revive(self._d, whole, key, quote(link), batch.deletes)
                    counts.restored += self._session.change(sql)

    def _living(self, name: str) -> dict[str, int]:
        """The objects that a whole reading showed alive, and as of when."""
        living: dict[str, int] = {}
        for live in self._commit.live:
            if live.collection == name:
                living |= {one: max(live.at, living.get(one, live.at)) for one in live.keys}
        return living

    def _gone(self, collection: Collection, gone: Sequence[Gone]) -> None:
        """Deletions that came without a payload; of several for one key the latest, none that was over by then."""
        latest: dict[str, int] = {}
        living = self._living(collection.name)
        for one in gone:
            if one.at >= living.get(one.key, one.at):
                latest[one.key] = max(one.at, latest.get(one.key, one.at))
        whole, key, counts = self._place(collection)
        with self._listed("gone", self._kind(collection.name), latest, "stamp"):
            counts.deleted += self._number(merge.gone_count(whole, key))
            marked = self._session.change(merge.gone_mark(self._d, whole, key))
            marked += self._session.change(merge.gone_note(self._d, whole, key))
        if marked:
            self._marked.add(collection.name)

    # --------------------------------------------------------------------------------------- children

    def _stale(self, name: str, work: _Work) -> dict[str, Stale]:
        """Per parent collection, the parents that the warehouse knows newer, or deleted, than these lists show.

        Those of which older sights brought no row into being bring no members either. Of parents that are not stored,
        what was stored of their lists tells, unless members come by themselves, too.
        """
        found: dict[str, Stale] = {}
        for parent, child in self._registry.parents(name):
            kept = parent.name in self._registry.collections and parent.name in self._tables.names
            told = name in self._tables.names and not child.announced
            owners = _owners(parent.name, work) if parent.name not in found and (kept or told) else {}
            if owners:
                found[parent.name] = self._newer(parent, owners, "" if kept else name, child.parent)
            if left := owners.keys() & self._left.get(parent.name, frozenset()):
                found[parent.name] = {**found[parent.name], **dict.fromkeys(left, _NEVER)}
            if owners and not kept:
                ended = self._registry.ended[name, parent.name]
                newer = {key: (ended[key], None) for key, v in owners.items() if ended.get(key, v) > v}
                found[parent.name] = {**found[parent.name], **newer}
        return found

    def _held(self, collection: Collection, keys: Sequence[str]) -> dict[str, int | None]:
        """Which of these keys the table has, and since when they are gone."""
        whole, key, _ = self._place(collection)
        with self._listed("wanted", self._kind(collection.name), dict.fromkeys(keys, 0), "version"):
            return dict(self._session.rows(merge.held(self._d, whole, key)))

    def _newer(self, parent: Collection, owners: Mapping[str, int], shown: str, link: str) -> Stale:
        sql = merge.stale(self._d, table(self._source, parent.name), quote(parent.key))
        if shown:
            sql = merge.outdated(self._d, table(self._source, shown), quote(link))
        with self._listed("owners", self._kind(parent.name), owners, "version"):
            return {key: (version, gone) for key, version, gone in self._session.rows(sql)}

    def _close(self, collection: Collection, closing: Closing, stale: Stale) -> None:
        """Marks what a whole list does not show; of an older list too, for what is shown since has a newer version.

        Not so what is only named since: of such lists the newest of a stored parent counts alone.
        """
        name, kept = collection.name, closing.parent in self._registry.collections
        latest: dict[str, tuple[int, Sequence[str] | None]] = {}
        for key, version, ids in zip(closing.keys, closing.versions, closing.named, strict=True):
            if ids is not None and (not kept or (stale.get(key, (None, None))[0] or 0) > version):
                continue
            if key not in latest or version > latest[key][0]:
                latest[key] = version, ids
        versions = {key: version for key, (version, _) in latest.items()}
        if not kept and not closing.fresh:
            ended = self._registry.ended[name, closing.parent]
            ended |= {key: version for key, version in versions.items() if version > ended.get(key, 0)}
        named = {one: version for version, ids in latest.values() for one in ids or ()}
        parents, link = self._registry.parents(name), self._kind(name, closing.link)
        child = next(child for of, child in parents if (of.name, child.parent) == (closing.parent, closing.link))
        whole, key, counts = self._place(collection)
        with (
            self._listed("closing", link, versions, "version"),
            self._listed("named", self._kind(name), named, "version"),
        ):
            counts.deleted += self._session.change(merge.close(self._d, whole, key, child))
            counts.restored += self._session.change(merge.reinstate(self._d, whole, key)) if named else 0

    def _orphans(self, name: str) -> None:
        """Children go with their deleted parents, whichever of the two this commit tells of."""
        own = self._counts.get(name, Counts())
        came = own.inserted + own.updated + own.restored > 0
        for parent, child in self._registry.parents(name):
            of, key = table(self._source, parent.name), quote(parent.key)
            died = parent.name in self._counts and self._counts[parent.name].deleted > 0
            told = ["p"] if died or parent.name in self._marked else []
            told += ["t"] if came and self._has_deleted(parent.name) else []
            if (name, parent.name) in self._owed:
                told = [""] if parent.name in self._tables.names else []
            alike = self._kind(name, child.parent) == self._kind(parent.name)
            for side in told:
                sql = merge.orphans(self._d, table(self._source, name), child, of, key, told=side, alike=alike)
                if orphaned := self._session.change(sql):
                    self._counts[name].deleted += orphaned

    def _owe(self) -> None:
        """Notes whose parents were deleted while they were not read: they follow in the next run that reads them."""
        missed = {
            (into, name)
            for name, counts in self._counts.items()
            if counts.deleted or name in self._marked
            for child in self._registry.collections[name].children
            for into in child.collections()
            if into not in self._registry and into in self._tables.names
        }
        here = {(child, parent) for child, parent in self._owed if child in self._registry}
        self.owed = frozenset((self._owed - here) | missed)
        marks.owe(self._session, self._source, self._owed, self.owed)

    def _has_deleted(self, name: str) -> bool:
        if name not in self._tables.names:
            return False
        of = table(self._source, name)
        return bool(self._session.rows(f"SELECT 1 FROM {of} WHERE _deleted_at IS NOT NULL LIMIT 1"))

    def _place(self, collection: Collection) -> tuple[str, str, Counts]:
        return table(self._source, collection.name), quote(collection.key), self._counts[collection.name]

    def _kind(self, collection: str, column: str = "") -> Kind:
        """The type of a column; of the key where none is named."""
        layout = self._tables.layouts[collection]
        return layout.by_name[column].kind if column else layout.key.kind

    @contextmanager
    def _listed(self, name: str, kind: Kind, keys: Mapping[str, int], column: str) -> Iterator[None]:
        """Keys and an instant each, as ``name`` in SQL; the keys in the type of the column that they are sought in."""
        import pyarrow as pa

        from warehouse_loader.arrow import INSTANT

        listed = pa.array(keys.keys(), pa.string())
        if kind == "bigint":
            listed = listed.cast(pa.int64())
        with self._session.staged(name, pa.table({"key": listed, column: pa.array(keys.values(), INSTANT)})):
            yield

    def _number(self, sql: str) -> int:
        return int(self._session.rows(sql)[0][0])


def _owners(parent: str, work: _Work) -> dict[str, int]:
    """The parents whose lists came, each with the oldest version that it came with."""
    owners: dict[str, int] = {}
    pairs = [zip(closing.keys, closing.versions, strict=True) for closing in work.closings if closing.parent == parent]
    for one in work.packed:
        if one.parent == parent and one.link:
            versions = one.columns["_version"][1].view("int64").to_pylist()
            pairs.append(zip(map(str, one.columns[one.link][1].to_pylist()), versions, strict=True))
    for pair in pairs:
        for key, version in pair:
            if version < owners.get(key, version + 1):
                owners[key] = version
    return owners
