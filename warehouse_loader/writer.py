"""One commit's rows inside its transaction: tables as wide as needed, parents before children, all of it counted."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from framework.collection import Collection
from framework.sight import Gone
from framework.warehouse import Commit, Committed, Counts
from warehouse_loader import catalog, merge
from warehouse_loader.codec import Closing, Packed, combined, pack
from warehouse_loader.lattice import Kind, join
from warehouse_loader.layout import Layout
from warehouse_loader.merge import quote
from warehouse_loader.registered import registered
from warehouse_loader.registry import Registry

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from warehouse_loader.batch import Batch, Stale


@dataclass(slots=True)
class _Work:
    """What a commit brings for one collection."""

    packed: list[Packed] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)


class Writer:
    """Writes the rows of one commit; the transaction is the caller's."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        source: str,
        registry: Registry,
        tables: Iterable[str],
        described: Mapping[str, Layout],
    ) -> None:
        """``tables``: those there are. ``described``: layouts as the catalog has them, which need no writing."""
        self._connection, self._source, self._registry = connection, source, registry
        self._tables, self._known = set(tables), described
        self.described: dict[str, Layout] = {}
        self._counts: dict[str, Counts] = defaultdict(Counts)
        self._created: dict[str, str] = {}
        self._untouched: set[str] = set()  # collections that got nothing but new rows

    def write(self, commit: Commit) -> Committed:
        page = pack(commit.decoded, self._registry)  # type: ignore[arg-type]
        work: dict[str, _Work] = defaultdict(_Work)
        for one in page.packed:
            work[one.collection].packed.append(one)
        for gone in commit.gone:
            work[gone.collection].gone.append(gone)
        for closing in combined([*page.closings, *self._closed(commit)]):
            work[closing.collection].closings.append(closing)
        for refused in page.refused:
            self._counts[refused.collection].quarantined += 1
        names = work.keys() | {collection.name for collection in commit.tables}
        for name in self._in_order(self._registry.collections):
            if name in names:
                self._ensure(name)
                self._collection(name, work[name])
            if name in self._tables:
                self._orphans(name)
        catalog.quarantine(self._connection, self._source, page.refused)
        self._describe(names if self._known else set(self._tables) & set(self._registry.collections))
        if commit.report is not None:
            catalog.write_report(self._connection, commit.report, self._live())
        return Committed(dict(self._counts), self._created)

    def _closed(self, commit: Commit) -> Iterable[Closing]:
        for one in commit.closed:
            links = {of.name: child.parent for of, child in self._registry.parents(one.collection)}
            if one.parent in links:
                keys, versions = (one.parent_key,), (one.version,)
                yield Closing(one.collection, one.parent, links[one.parent], one.fresh, keys, versions)

    def _in_order(self, names: Iterable[str]) -> list[str]:
        """Parents before their children."""
        ordered: dict[str, None] = {}

        def visit(name: str, above: tuple[str, ...]) -> None:
            for parent, _ in self._registry.parents(name):
                if parent.name not in above:
                    visit(parent.name, (*above, name))
            ordered.setdefault(name)

        wanted = set(names)
        for name in self._registry.collections:
            visit(name, (name,))
        return [name for name in ordered if name in wanted]

    # ----------------------------------------------------------------------------------------- tables

    def _table(self, name: str) -> str:
        return f"{quote(self._source)}.{quote(name)}"

    def _ensure(self, name: str) -> None:
        """The table with every column as wide as the values on their way to it."""
        table, layout = self._table(name), self._registry[name]
        if name not in self._tables:
            self._connection.execute(merge.create(table, [(leaf.name, leaf.kind) for leaf in layout.columns]))
            self._created[name] = uuid.uuid4().hex
            self._tables.add(name)
            return
        actual = catalog.types(self._connection, table)
        there = catalog.kinds(actual)
        for leaf in layout.columns:
            if leaf.name not in actual:
                self._connection.execute(merge.add_column(table, leaf.name, leaf.kind))
            elif leaf.name in there:
                self._widen(table, leaf.name, there[leaf.name], join(there[leaf.name], leaf.kind))
        for column in ("_version", "_synced_at", "_deleted_at"):
            if column not in actual:
                self._connection.execute(merge.add_column(table, column, "timestamptz"))
        self._registry.widen(name, {leaf.name: there[leaf.name] for leaf in layout.columns if leaf.name in there})

    def _widen(self, table: str, column: str, kind: Kind, into: Kind) -> None:
        if into != kind:
            self._connection.execute(merge.widen(table, column, kind, into))

    def _describe(self, names: Iterable[str]) -> None:
        for name in names:
            layout = self._registry[name]
            if self._known.get(name) is not layout:
                self.described[name] = layout
        catalog.write_columns(self._connection, self._source, list(self.described.values()))

    def _live(self) -> dict[str, int]:
        """Rows that are not marked as deleted, by collection."""
        names = [name for name in self._registry.collections if name in self._tables]
        counts = [f"SELECT '{name}', count(*) FROM {self._table(name)} WHERE _deleted_at IS NULL" for name in names]
        return dict(self._connection.execute(" UNION ALL ".join(counts)).fetchall()) if counts else {}

    # ------------------------------------------------------------------------------------------- rows

    def _collection(self, name: str, work: _Work) -> None:
        from warehouse_loader.batch import assemble

        collection = self._registry.collections[name]
        stale = self._stale(name, work)
        if work.packed:
            batch = assemble(self._registry[name], work.packed, stale, lambda keys: self._held(collection, keys))
            with registered(self._connection, "batch", batch.table):
                self._merge(collection, batch)
        else:
            self._untouched.add(name)
        if collection.kind == "event":
            return
        if work.gone:
            self._gone(collection, work.gone)
        for closing in work.closings:
            self._close(name, closing)

    def _merge(self, collection: Collection, batch: Batch) -> None:
        table, key, counts = self._table(collection.name), quote(collection.key), self._counts[collection.name]
        known = 0 if collection.name in self._created else self._number(merge.find(table, key))
        dead = 0
        if batch.deletes:
            apart = f" ANTI JOIN {table} t ON t.{key} = b.{key}" if known else ""
            dead = self._number(f"SELECT count(*) FROM batch b{apart} WHERE b._deleted_at IS NOT NULL")
        if known and collection.kind == "object":
            self._update(table, key, batch, counts)
        new = batch.rows - known
        if new:
            self._connection.execute(merge.insert(table, key, anti=known > 0))
        if collection.kind == "event":
            counts.appended += new
        else:
            counts.inserted += new
            counts.deleted += dead
        counts.unchanged += batch.fetched - new - counts.updated
        if not known and new == batch.fetched and not batch.deletes:
            self._untouched.add(collection.name)

    def _update(self, table: str, key: str, batch: Batch, counts: Counts) -> None:
        columns = [name for name in (*batch.columns, *batch.empty) if quote(name) != key]
        self._connection.execute(merge.compare(table, key, columns, batch.empty, batch.deletes))
        for how, rows, deleted, restored, *differ in self._connection.execute(merge.tally(columns)).fetchall():
            if how == "version":
                self._connection.execute(merge.update_versions(table))
                continue
            changed = [name for name, any_row in zip(columns, differ, strict=True) if any_row]
            self._connection.execute(merge.update_rows(table, key, changed, batch.empty))
            counts.updated += rows
            counts.deleted += deleted
            counts.restored += restored

    def _gone(self, collection: Collection, gone: Sequence[Gone]) -> None:
        """Deletions that came without a payload; of several for one key the latest."""
        import pyarrow as pa

        from warehouse_loader.arrow import INSTANT

        latest: dict[str, int] = {}
        for one in gone:
            latest[one.key] = max(one.at, latest.get(one.key, one.at))
        keys = pa.array(latest.keys(), pa.string())
        if self._registry[collection.name].key.kind == "bigint":
            keys = keys.cast(pa.int64())
        listed = pa.table({"key": keys, "stamp": pa.array(latest.values(), INSTANT)})
        with registered(self._connection, "gone", listed):
            table, key = self._table(collection.name), quote(collection.key)
            self._counts[collection.name].deleted += self._number(merge.gone_count(table, key))
            self._connection.execute(merge.gone_mark(table, key))
            self._connection.execute(merge.gone_note(table, key))
        self._untouched.discard(collection.name)

    # --------------------------------------------------------------------------------------- children

    def _stale(self, name: str, work: _Work) -> dict[str, Stale]:
        """Per parent collection, the parents that the warehouse knows newer, or deleted, than these lists show."""
        found: dict[str, Stale] = {}
        for parent, _ in self._registry.parents(name):
            if parent.name not in self._tables or parent.name in found:
                continue
            owners = _owners(parent.name, work)
            if owners:
                found[parent.name] = self._newer(parent, owners)
        return found

    def _held(self, collection: Collection, keys: Sequence[str]) -> dict[str, int | None]:
        """Which of these keys the table has, and since when they are gone."""
        import pyarrow as pa

        with registered(self._connection, "wanted", pa.table({"key": pa.array(keys, pa.string())})):
            sql = merge.held(self._table(collection.name), quote(collection.key))
            return dict(self._connection.execute(sql).fetchall())

    def _newer(self, parent: Collection, owners: Mapping[str, int]) -> Stale:
        import pyarrow as pa

        from warehouse_loader.arrow import INSTANT

        keys, versions = pa.array(owners.keys(), pa.string()), pa.array(owners.values(), INSTANT)
        with registered(self._connection, "owners", pa.table({"key": keys, "version": versions})):
            sql = merge.stale(self._table(parent.name), quote(parent.key))
            return {key: (version, gone) for key, version, gone in self._connection.execute(sql).fetchall()}

    def _close(self, name: str, closing: Closing) -> None:
        """Marks what a whole list does not show; of an older list too, for what is shown since has a newer version."""
        import pyarrow as pa

        from warehouse_loader.arrow import INSTANT

        latest: dict[str, int] = {}
        for key, version in zip(closing.keys, closing.versions, strict=True):
            latest[key] = max(version, latest.get(key, version))
        keys, versions = pa.array(latest.keys(), pa.string()), pa.array(latest.values(), INSTANT)
        with registered(self._connection, "closing", pa.table({"key": keys, "version": versions})):
            sql = merge.close(self._table(name), closing.link, self._narrower(name, closing.parent, closing.link))
            self._counts[name].deleted += self._number(sql)

    def _orphans(self, name: str) -> None:
        """Children go with their deleted parents, whichever of the two this commit tells of."""
        own = self._counts.get(name, Counts())
        came = own.inserted + own.updated > 0
        for parent, child in self._registry.parents(name):
            of = self._table(parent.name)
            others = self._narrower(name, parent.name, child.parent)
            told = ["p"] if parent.name in self._counts and self._counts[parent.name].deleted else []
            told += ["t"] if came and self._has_deleted(parent.name) else []
            for side in told:
                sql = merge.orphans(self._table(name), child.parent, of, quote(parent.key), others, told=side)
                if orphaned := self._number(sql):
                    self._counts[name].deleted += orphaned

    def _has_deleted(self, name: str) -> bool:
        if name not in self._tables:
            return False
        found = self._connection.execute(f"SELECT 1 FROM {self._table(name)} WHERE _deleted_at IS NOT NULL LIMIT 1")
        return bool(found.fetchall())

    def _narrower(self, name: str, parent: str, link: str) -> list[str]:
        """Columns of other parents that themselves belong to this one (a subscription to its customer)."""
        return [
            child.parent
            for other, child in self._registry.parents(name)
            if child.parent != link and any(column.references == parent for column in other.columns)
        ]

    def _number(self, sql: str) -> int:
        return int(self._connection.execute(sql).fetchall()[0][0])


def _owners(parent: str, work: _Work) -> dict[str, int]:
    """The parents whose lists came, each with the oldest version that it came with."""
    owners: dict[str, int] = {}
    pairs = [zip(closing.keys, closing.versions, strict=True) for closing in work.closings if closing.parent == parent]
    for one in work.packed:
        if one.parent == parent and one.link:
            versions = one.columns["_version"][1].cast("int64").to_pylist()
            pairs.append(zip(map(str, one.columns[one.link][1].to_pylist()), versions, strict=True))
    for pair in pairs:
        for key, version in pair:
            if version < owners.get(key, version + 1):
                owners[key] = version
    return owners
