"""One source's schema in a warehouse that speaks SQL, whichever it is (framework.warehouse.Warehouse)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from framework.collection import Collection
from framework.warehouse import Commit, Committed, Pace, Stored, Unseen, WarehouseError
from warehouse_loader import absence, catalog, marks, views
from warehouse_loader.codec import RecordCodec
from warehouse_loader.destination import Destination, Session
from warehouse_loader.dialect import instant, literal, quote, table
from warehouse_loader.layout import Layout
from warehouse_loader.registry import Registry


class SqlWarehouse:
    """What all destinations share: who owns the schema, what it knows, and the order of a commit."""

    def __init__(
        self,
        place: Destination,
        source: str,
        collections: Sequence[Collection],
        carriers: Sequence[Collection] = (),
    ) -> None:
        self.place, self.source = place, source
        self._registry = Registry(collections, carriers)
        self._codec = RecordCodec(self._registry)
        self._recalled = False
        self._described: dict[str, Layout] = {}  # as `catchment.columns` has them
        self._owed: frozenset[tuple[str, str]] = frozenset()  # as the marks have it

    @property
    def pace(self) -> Pace:
        return self.place.pace

    # ---------------------------------------------------------------------------------------- reading

    def load(self) -> Stored:
        """The source's feed documents, and its tables with their incarnations; nothing where there is no warehouse."""

        def work(session: Session) -> Stored:
            there = self._tables(session)
            self._recall(session, there)
            if marks.STATE not in there:
                return Stored()
            rows = marks.read(session, self.source)
            self._owed = marks.owed(rows)
            return marks.stored(rows, there)

        return self.place.asked(work) or Stored()

    def codec(self) -> RecordCodec:
        """The one codec of this source; knows what earlier runs learned."""
        if not self._recalled:
            self.load()
        return self._codec

    def live_rows(self, collection: str) -> int:
        """Rows that are not marked as deleted, 0 where there is no table; of a carrier, those that its members name."""

        def work(session: Session) -> int:
            living = absence.living(self.source, self._registry, collection, self._tables(session))
            count = "*" if collection in self._registry else "DISTINCT key"
            return int(session.rows(f"SELECT count({count}) FROM ({living}) x")[0][0]) if living else 0

        return self.place.asked(work) or 0

    def absent(self, wanted: Mapping[str, Unseen]) -> dict[str, list[str]]:
        """Per collection, the keys of live rows that a whole listing did not show, oldest version first.

        With a start date only those created then or later: the range that the listing covers; none where nothing tells.
        """

        def work(session: Session) -> dict[str, list[str]]:
            there = self._tables(session)
            return {
                name: absence.keys(session, self.source, self._registry, name, unseen, there)
                for name, unseen in wanted.items()
            }

        return {**{name: [] for name in wanted}, **(self.place.asked(work) or {})}

    def untouched(self, collection: str, until: int, keys: Sequence[str] | None = None) -> dict[str, int]:
        """Live rows that no commit after ``until`` has changed, and when they were created; without ``keys`` one."""
        if keys is not None and not keys:
            return {}
        d, created = self.place.dialect, absence.created(self._registry, collection)
        key = f"{quote(self._registry.collections[collection].key)}::VARCHAR"
        time = f"coalesce({d.micros.format(quote(created))}, 0)" if created else "0"
        asked = f"SELECT {key}, {time} AS time FROM {table(self.source, collection)} "
        asked += f"WHERE _deleted_at IS NULL AND _synced_at <= {instant(until)}"
        asked += " ORDER BY time DESC LIMIT 1" if keys is None else f" AND {key} IN ({', '.join(map(literal, keys))})"

        def work(session: Session) -> dict[str, int]:
            there = collection in self._tables(session)
            return {key: int(at) for key, at in session.rows(asked)} if there else {}

        return self.place.asked(work) or {}

    def lacking(self, collection: str, column: str, newer: int) -> dict[str, int]:
        """Live rows of a newer version than that which have nothing in a column; none where it has no room."""
        key, at = quote(self._registry.collections[collection].key), self.place.dialect.micros.format("_version")
        asked = f"SELECT {key}::VARCHAR, {at} FROM {table(self.source, collection)} WHERE _deleted_at IS NULL "
        asked += f"AND _version > {instant(newer)} AND {quote(column)} IS NULL"

        def work(session: Session) -> dict[str, int]:
            there = collection in self._tables(session) and column in session.columns(self.source, collection)
            return {key: int(version) for key, version in session.rows(asked)} if there else {}

        return self.place.asked(work) or {}

    # ---------------------------------------------------------------------------------------- writing

    def commit(self, commit: Commit) -> Committed:
        """One transaction: marks by compare-and-set, tables and columns, rows, report. All of it or nothing.

        Of a commit that fails, tables and columns may stay; they are empty.
        """
        from warehouse_loader.writer import Writer

        writer = Writer(self.source, self._registry, commit, self._described, self._owed)

        def prepare(session: Session) -> None:
            there = self._tables(session)
            self._recall(session, there)
            if marks.STATE not in there:
                session.define([*session.schema(self.source), marks.create(session.dialect, self.source)])
            if catalog.ensure(session, fresh=not self._described):
                self._described.clear()
            marks.check(session, self.source, commit.feeds)
            writer.prepare(session, there)

        def write(session: Session) -> Committed:
            session.hold(table(self.source, marks.STATE))
            # Later than every commit before: rows that this one changes carry its time alone.
            session.now(max(time.time_ns() // 1000, marks.latest(session, self.source) + 1))
            marks.move(session, self.source, commit.feeds)
            done = writer.write(session)
            if commit.views:
                views.show(session, self.source, commit.views)
            return done

        done = self.place.transact(prepare, write, lambda session: marks.stand(session, self.source, commit.feeds))
        self._described.update(writer.described)
        self._owed = writer.owed
        return done

    # ---------------------------------------------------------------------------------------- the schema

    def _tables(self, session: Session) -> set[str]:
        """The tables there are; refuses a schema that is not ours."""
        there = session.tables(self.source)
        if there and marks.STATE not in there:
            raise WarehouseError(
                f"the schema {self.source!r} of {self.place.name} holds tables that Catchment did not make "
                f"({', '.join(sorted(there)[:3])})",
                "Name the source otherwise, or name another warehouse. Nothing was written.",
                kind="config",
            )
        return there

    def _recall(self, session: Session, there: set[str]) -> None:
        """Teach the layouts, once, what the warehouse knows of columns that nobody declared."""
        if self._recalled:
            return
        known = catalog.known_columns(session, self.source) if "columns" in session.tables(catalog.SCHEMA) else {}
        for name in self._registry.collections:
            actual = session.columns(self.source, name) if name in there else {}
            self._registry.recall(name, known.get(name, ()), catalog.kinds(session.dialect, actual))
        self._recalled = True
