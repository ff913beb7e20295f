"""The DuckDB destination: one file, opened for each commit and closed after it, one transaction per commit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.collection import Collection
from framework.warehouse import Commit, Committed, Conflict, FeedState, Pace, Stored, Unseen, WarehouseError
from warehouse_loader import catalog, merge
from warehouse_loader.codec import RecordCodec
from warehouse_loader.layout import Layout
from warehouse_loader.lock import explained, opened
from warehouse_loader.merge import quote
from warehouse_loader.registered import registered
from warehouse_loader.registry import Registry

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STATE = "_catchment_state"
_MEMORY = "256MB"
_FORMAT = "v1.5.0"  # DuckDB 1.5 reads it too, and it costs less to write than the older default
# A commit of 20,000 rows fills whole row groups of this size, which go to the file once. With DuckDB's default
# (122,880) each commit writes the last, partly filled one again: three times the CPU, six times the time.
_ROW_GROUP = 10_240
_ALIAS = '"the-file"'  # no source can be called so, which would make names ambiguous
_BUSY = 600.0  # seconds that a run waits for the file


@dataclass(slots=True)
class Shape:
    """What the file held when it was opened: tables of the source and of the catalog."""

    tables: set[str] = field(default_factory=set)
    catalog: set[str] = field(default_factory=set)


class DuckDBWarehouse:
    """One source's schema in one DuckDB file (framework.warehouse.Warehouse)."""

    def __init__(
        self,
        path: Path,
        source: str,
        collections: Sequence[Collection],
        *,
        scratch: Path,
        carriers: Sequence[Collection] = (),
        patience: float = _BUSY,
    ) -> None:
        if path.stem.lower() in (source, catalog.SCHEMA):
            raise WarehouseError(
                f"the warehouse file {path.name} may not be called like the schema {path.stem.lower()!r} in it: "
                "DuckDB could not tell them apart",
                "Rename the file in `warehouse:`, or the source.",
                kind="config",
            )
        self.path, self.source = path, source
        self._scratch, self._patience = scratch, patience
        self._registry = Registry(collections, carriers)
        self._codec = RecordCodec(self._registry)
        self._recalled = False
        self._described: dict[str, Layout] = {}  # as `catchment.columns` has them

    @property
    def pace(self) -> Pace:
        """The usual pace: opening and closing the file for each commit costs little at that size (measured)."""
        return Pace()

    # ---------------------------------------------------------------------------------------- reading

    def load(self) -> Stored:
        """The source's feed documents, and its tables with their incarnations; nothing where there is no file."""
        if not there(self.path):
            return Stored()
        with self._open(read_only=True) as connection:
            shape = self._shape(connection)
            self._recall(connection, shape)
            if STATE not in shape.tables:
                return Stored()
            rows = connection.execute(f"SELECT kind, name, rev, document FROM {self._table(STATE)}").fetchall()
        feeds = {name: FeedState(rev, document) for kind, name, rev, document in rows if kind == "feed"}
        tables = {name: document for kind, name, _, document in rows if kind == "table" and name in shape.tables}
        return Stored(feeds, tables)

    def codec(self) -> RecordCodec:
        """The one codec of this source; knows what earlier runs learned."""
        if not self._recalled:
            self.load()
        return self._codec

    def live_rows(self, collection: str) -> int:
        """Rows that are not marked as deleted, 0 where there is no table."""
        rows = self._read(collection, "SELECT count(*) FROM {table} WHERE _deleted_at IS NULL", {})
        return int(rows[0][0]) if rows else 0

    def absent(self, wanted: Mapping[str, Unseen]) -> dict[str, list[str]]:
        """Per collection, the keys of live rows that a whole listing did not show, oldest version first.

        With a start date only those created then or later: the range that the listing covers.
        """
        asked = {name: self._unseen(name, unseen) for name, unseen in wanted.items()}
        found: dict[str, list[str]] = {name: [] for name in wanted}
        if not there(self.path):
            return found
        with self._open(read_only=True) as connection:
            tables = self._shape(connection).tables
            for name in asked.keys() & tables:
                found[name] = [row[0] for row in connection.execute(*asked[name]).fetchall()]
        return found

    def _unseen(self, collection: str, unseen: Unseen) -> tuple[str, dict[str, int]]:
        key = quote(self._registry.collections[collection].key)
        wanted, values = "_deleted_at IS NULL AND _version < make_timestamptz($before)", {"before": unseen.before}
        if unseen.since:
            wanted += f" AND {quote(self._created(collection))} >= make_timestamptz($since)"
            values["since"] = unseen.since
        sql = f"SELECT {key}::VARCHAR FROM {self._table(collection)} WHERE {wanted} ORDER BY _version, {key}"
        return sql, values

    def _created(self, collection: str) -> str:
        leaves = self._registry[collection].by_name
        for name in ("created", "created_at", "date"):
            if name in leaves and leaves[name].kind == "timestamptz":
                return name
        raise WarehouseError(
            f"{self.source}.{collection} has no column that tells when a row was created",
            "Sweep it without a start date.",
            kind="internal",
        )

    def _read(self, collection: str, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if not there(self.path):
            return []
        with self._open(read_only=True) as connection:
            if collection not in self._shape(connection).tables:
                return []
            return connection.execute(sql.format(table=self._table(collection)), dict(values)).fetchall()

    # ---------------------------------------------------------------------------------------- writing

    def commit(self, commit: Commit) -> Committed:
        """One transaction: marks by compare-and-set, tables and columns, rows, report. All of it or nothing."""
        from warehouse_loader.writer import Writer

        with self._open(read_only=False) as connection:
            shape = self._shape(connection)
            self._recall(connection, shape)
            connection.begin()
            try:
                connection.execute(merge.set_now(self._now(connection, shape)))
                if catalog.ensure(connection, shape.catalog):
                    self._described.clear()
                self._compare_and_set(connection, shape, commit)
                writer = Writer(connection, self.source, self._registry, shape.tables, self._described)
                done = writer.write(commit)
                self._incarnate(connection, done.tables)
                connection.commit()
            except BaseException:
                _abandon(connection)
                raise
        self._described.update(writer.described)
        return done

    def _now(self, connection: DuckDBPyConnection, shape: Shape) -> int:
        """The time of this commit, later than that of every commit before: rows that it changes carry it alone."""
        now = time.time_ns() // 1000
        if STATE in shape.tables:
            last = connection.execute(f"SELECT max(epoch_us(updated_at)) FROM {self._table(STATE)}").fetchall()[0][0]
            now = max(now, (last or 0) + 1)
        return now

    def _compare_and_set(self, connection: DuckDBPyConnection, shape: Shape, commit: Commit) -> None:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(self.source)}")
        table = self._table(STATE)
        if STATE not in shape.tables:
            connection.execute(
                f"CREATE TABLE {table} (kind VARCHAR, name VARCHAR, rev BIGINT, document VARCHAR, "
                f"updated_at {merge.SQL_TYPES['timestamptz']})"
            )
        lines = [(feed, rev, document) for feed, (rev, document) in commit.feeds.items()]
        if not lines:
            return
        import pyarrow as pa

        moves = {
            name: list(values)
            for name, values in zip(("name", "rev", "document"), zip(*lines, strict=True), strict=True)
        }
        with registered(connection, "moves", pa.table(moves)):
            stored = dict(connection.execute(f"SELECT name, rev FROM {table} WHERE kind = 'feed'").fetchall())
            for feed, rev, _ in lines:
                if stored.get(feed, 0) != rev:
                    raise Conflict(
                        f"{self.source}: the marks of feed {feed} were written by another run since revision {rev}",
                        "Another run of this source is under way or has just ended; run again.",
                    )
            connection.execute(
                f"UPDATE {table} AS s SET rev = s.rev + 1, document = m.document, updated_at = {merge.NOW} "
                "FROM moves m WHERE s.kind = 'feed' AND s.name = m.name AND s.rev = m.rev"
            )
            connection.execute(
                f"INSERT INTO {table} SELECT 'feed', name, rev + 1, document, {merge.NOW} FROM moves WHERE rev = 0"
            )

    def _incarnate(self, connection: DuckDBPyConnection, created: Mapping[str, str]) -> None:
        if not created:
            return
        import pyarrow as pa

        table = self._table(STATE)
        with registered(connection, "made", pa.table({"name": list(created), "id": list(created.values())})):
            connection.execute(f"DELETE FROM {table} WHERE kind = 'table' AND name IN (SELECT name FROM made)")
            connection.execute(f"INSERT INTO {table} SELECT 'table', name, 1, id, {merge.NOW} FROM made")

    # ---------------------------------------------------------------------------------------- the file

    def _table(self, name: str) -> str:
        return f"{quote(self.source)}.{quote(name)}"

    @contextlib.contextmanager
    def _open(self, *, read_only: bool) -> Iterator[DuckDBPyConnection]:
        import duckdb

        self._scratch.mkdir(parents=True, exist_ok=True)
        connect = _connector(self.path, read_only=read_only, scratch=self._scratch)
        with opened(self.path, connect, shared=read_only, patience=self._patience) as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise explained(error, self.path) from error

    def _shape(self, connection: DuckDBPyConnection) -> Shape:
        """The tables there are; refuses a schema that is not ours."""
        shape = Shape()
        for schema, table in connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "WHERE database_name = current_database() AND schema_name IN (?, ?)",
            [self.source, catalog.SCHEMA],
        ).fetchall():
            (shape.tables if schema == self.source else shape.catalog).add(table)
        if shape.tables and STATE not in shape.tables:
            raise WarehouseError(
                f"the schema {self.source!r} of {self.path} holds tables that Catchment did not make "
                f"({', '.join(sorted(shape.tables)[:3])})",
                "Name the source otherwise, or name another warehouse file. Nothing was written.",
                kind="config",
            )
        return shape

    def _recall(self, connection: DuckDBPyConnection, shape: Shape) -> None:
        """Teach the layouts, once, what the warehouse knows of columns that nobody declared."""
        if self._recalled:
            return
        known = catalog.known_columns(connection, self.source) if "columns" in shape.catalog else {}
        for name in self._registry.collections:
            actual = catalog.types(connection, self._table(name)) if name in shape.tables else {}
            self._registry.recall(name, known.get(name, ()), catalog.kinds(actual))
        self._recalled = True


def there(path: Path) -> bool:
    """Whether there is a warehouse: an empty file is none yet."""
    return path.exists() and (not path.is_file() or path.stat().st_size > 0)


def _connector(path: Path, *, read_only: bool, scratch: Path) -> Callable[[], DuckDBPyConnection]:
    """Opens the file beside an empty database in memory: only so can the size of its row groups be chosen."""

    def attach(connection: DuckDBPyConnection, file: Path, options: str) -> None:
        escaped = str(file).replace("'", "''")
        connection.execute(f"ATTACH '{escaped}' AS {_ALIAS} ({options})")

    def connect() -> DuckDBPyConnection:
        import duckdb

        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": "1",
            "memory_limit": _MEMORY,
            "temp_directory": str(scratch),
            "preserve_insertion_order": "false",
            "checkpoint_threshold": "128MB",
        }
        connection = duckdb.connect(config=config)
        try:
            if not read_only and not there(path):
                # Made under another name first: a run killed right here leaves no half-made warehouse.
                new = path.with_name(path.name + ".new")
                new.unlink(missing_ok=True)
                attach(connection, new, f"STORAGE_VERSION '{_FORMAT}'")
                connection.execute(f"DETACH {_ALIAS}")
                path.with_name(path.name + ".wal").unlink(missing_ok=True)
                new.replace(path)
            attach(connection, path, "READ_ONLY" if read_only else f"ROW_GROUP_SIZE {_ROW_GROUP}")
            connection.execute(f"USE {_ALIAS}")
        except duckdb.Error:
            connection.close()
            raise
        return connection

    return connect


def _abandon(connection: DuckDBPyConnection) -> None:
    import duckdb

    with contextlib.suppress(duckdb.Error):
        connection.rollback()


@contextlib.contextmanager
def reading(path: Path, patience: float) -> Iterator[DuckDBPyConnection]:
    """A connection that only reads, under our lock."""
    import duckdb

    if not there(path):
        raise WarehouseError(f"there is no warehouse at {path} yet", "Run `catchment sync` first.", kind="config")

    def connect() -> DuckDBPyConnection:
        return duckdb.connect(str(path), read_only=True)

    with opened(path, connect, shared=True, patience=patience) as connection:
        yield connection
