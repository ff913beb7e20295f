"""The DuckDB destination: one file, opened for each commit and closed after it, one transaction per commit."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.collection import Collection
from framework.warehouse import Pace, WarehouseError
from warehouse_loader import catalog, merge
from warehouse_loader.destination import Row, Session, T
from warehouse_loader.dialect import Dialect, quote, table
from warehouse_loader.lattice import PRECISION, SCALE, Kind
from warehouse_loader.lock import explained, opened
from warehouse_loader.registered import registered
from warehouse_loader.sql_warehouse import SqlWarehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TYPES: dict[Kind, str] = {
    "bool": "BOOLEAN",
    "bigint": "BIGINT",
    "decimal": f"DECIMAL({PRECISION},{SCALE})",
    "double": "DOUBLE",
    "text": "VARCHAR",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "json": "JSON",
}
DIALECT = Dialect(
    types=_TYPES,
    kinds={name: kind for kind, name in _TYPES.items()},
    now="getvariable('catchment_now')",
    micros="epoch_us({})",
    row="rowid",
    arrival="rowid",
    to_json="to_json",
    comments=False,
    page=0,
    member="{}->{}",
    pair="list_filter(json_extract({}, '$[*]'), lambda x: (x->>'id') = {})[1]->'value'",
    text="(({})->>'$')",
    matches="regexp_matches({}, {})",
    rebuilds=False,
    merged="json_merge_patch({}, {})",
)
_MEMORY = "256MB"
_MORE_MEMORY = "1GB"  # a table of a thousand columns and more wants a block for each while it commits
_FULL = ("could not allocate", "Out of Memory", "failed to pin")
_FORMAT = "v1.5.0"  # DuckDB 1.5 reads it too, and it costs less to write than the older default
# A commit of 20,000 rows fills whole row groups of this size, which go to the file once. With DuckDB's default
# (122,880) each commit writes the last, partly filled one again: three times the CPU, six times the time.
_ROW_GROUP = 10_240
_ALIAS = '"the-file"'  # no source can be called so, which would make names ambiguous
_BUSY = 600.0  # seconds that a run waits for the file


def duckdb_warehouse(
    path: Path,
    source: str,
    collections: Sequence[Collection],
    *,
    scratch: Path,
    carriers: Sequence[Collection] = (),
    patience: float = _BUSY,
) -> SqlWarehouse:
    """One source's schema in a DuckDB file. Raises WarehouseError, kind ``config``, for a name that cannot be."""
    if path.stem.lower() in (source, catalog.SCHEMA):
        raise WarehouseError(
            f"the warehouse file {path.name} may not be called like the schema {path.stem.lower()!r} in it: "
            "DuckDB could not tell them apart",
            "Rename the file in `warehouse:`, or the source.",
            kind="config",
        )
    return SqlWarehouse(DuckDBFile(path, scratch, patience), source, collections, carriers)


class DuckDBSession:
    """An open file (warehouse_loader.destination.Session)."""

    dialect = DIALECT

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, sql: str) -> list[Row]:
        return self._connection.execute(sql).fetchall()

    def change(self, sql: str) -> int:
        return sum(int(rows) for (rows,) in self.rows(sql))

    def keep(self, name: str, query: str) -> int:
        return self.change(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def staged(self, name: str, table: Any) -> contextlib.AbstractContextManager[None]:
        return registered(self._connection, name, table)

    def now(self, micros: int) -> None:
        self._connection.execute(f"SET VARIABLE catchment_now = make_timestamptz({micros:d})")

    def schema(self, name: str) -> list[str]:
        return [f"CREATE SCHEMA IF NOT EXISTS {quote(name)}"]

    def tables(self, schema: str) -> set[str]:
        return self._named("table", schema)

    def views(self, schema: str) -> set[str]:
        return self._named("view", schema)

    def _named(self, kind: str, schema: str) -> set[str]:
        found = self._connection.execute(
            f"SELECT {kind}_name FROM duckdb_{kind}s() WHERE database_name = current_database() AND schema_name = ?",
            [schema],
        )
        return {name for (name,) in found.fetchall()}

    def columns(self, schema: str, table: str) -> dict[str, str]:
        whole = f"{quote(schema)}.{quote(table)}"
        return dict(self._connection.execute("SELECT name, type FROM pragma_table_info(?)", [whole]).fetchall())

    def room(self, schema: str, table: str) -> int:
        return sys.maxsize

    def define(self, statements: Sequence[str]) -> None:
        for one in statements:
            self._connection.execute(one)

    def index(self, schema: str, table: str, column: str, *, unique: bool) -> list[str]:
        """None: a scan of one column costs less than keeping an index (measured)."""
        return []

    def widen(self, schema: str, table_name: str, column: str, kind: Kind, into: Kind) -> None:
        using = merge.converted(DIALECT, quote(column), kind, into)
        whole = table(schema, table_name)
        self._connection.execute(f"ALTER TABLE {whole} ALTER COLUMN {quote(column)} TYPE {_TYPES[into]} USING {using}")

    def view(self, schema: str, name: str, query: str) -> bool:
        whole = table(schema, name)
        self._connection.execute(f"DROP VIEW IF EXISTS {whole}")
        self._connection.execute(f"CREATE VIEW {whole} AS {query}")
        return True

    def hold(self, state: str) -> None:
        """Nothing to do: who has the file open has it alone."""


class DuckDBFile:
    """One file, whatever the source (warehouse_loader.destination.Destination)."""

    dialect = DIALECT

    def __init__(self, path: Path, scratch: Path | None, patience: float) -> None:
        self.path, self._scratch, self._patience = path, scratch, patience
        self._engine: DuckDBPyConnection | None = None  # an empty database in memory, which the file is attached to

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def pace(self) -> Pace:
        """Larger commits than are promised, and sooner ones.

        Each writes the last, partly filled row group of every table that it touches again: of 20,000 rows that is too
        much. Opening and closing the file costs little, so that readers need not wait ten seconds for the first rows.
        """
        return Pace(rows=80_000, bytes=128_000_000, seconds=2.0)

    def check(self) -> bool:
        """Whether there is a file; it and its folder must be writable."""
        exists = self.path.exists()
        if exists:
            with self.reading():
                pass
        folder = next(parent for parent in self.path.parents if parent.exists())
        for place in (self.path, folder):
            if place.exists() and not os.access(place, os.W_OK):
                hint = "Change its rights, or name another file in `warehouse:`."
                raise WarehouseError(f"{place} cannot be written", hint)
        return exists

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session | None]:
        """The file, opened to read; None where there is none."""
        if not there(self.path):
            yield None
            return
        with self._open(read_only=True) as connection:
            yield DuckDBSession(connection)

    def asked(self, work: Callable[[Session], T]) -> T | None:
        with self.reading() as session:
            return None if session is None else work(session)

    def transact(
        self, prepare: Callable[[Session], None], write: Callable[[Session], T], stands: Callable[[Session], bool]
    ) -> T:
        """Tables, columns and rows, all in one transaction."""
        try:
            return self._transact(prepare, write, _MEMORY)
        except WarehouseError as error:
            if not any(sign in str(error) for sign in _FULL):
                raise
        return self._transact(prepare, write, _MORE_MEMORY)

    def _transact(self, prepare: Callable[[Session], None], write: Callable[[Session], T], memory: str) -> T:
        with self._open(read_only=False, memory=memory) as connection:
            session = DuckDBSession(connection)
            connection.begin()
            try:
                prepare(session)
                done = write(session)
                connection.commit()
            except BaseException:
                _abandon(connection)
                raise
        return done

    @contextlib.contextmanager
    def _open(self, *, read_only: bool, memory: str = _MEMORY) -> Iterator[DuckDBPyConnection]:
        import duckdb

        if self._scratch is not None:
            self._scratch.mkdir(parents=True, exist_ok=True)

        def connect() -> DuckDBPyConnection:
            self._engine = self._engine or _engine(self._scratch)
            self._engine.execute(f"SET memory_limit = '{memory}'")
            return _attached(self._engine, self.path, read_only=read_only)

        with opened(self.path, connect, shared=read_only, patience=self._patience) as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise explained(error, self.path) from error
            finally:
                if not _detached(connection):
                    self._engine = None  # what it still holds goes with it


def there(path: Path) -> bool:
    """Whether there is a warehouse: an empty file is none yet."""
    return path.exists() and (not path.is_file() or path.stat().st_size > 0)


def _engine(scratch: Path | None) -> DuckDBPyConnection:
    """An empty database in memory; files are attached beside it: only so can the size of their row groups be chosen."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": "1",
        "preserve_insertion_order": "false",
        # The file is closed after each commit anyway: writing the rows into its log first would cost them twice.
        "checkpoint_threshold": "1KB",
    }
    if scratch is not None:
        config["temp_directory"] = str(scratch)
    return duckdb.connect(config=config)


def _attached(engine: DuckDBPyConnection, path: Path, *, read_only: bool) -> DuckDBPyConnection:
    """A connection of its own to the file, which no other connection of the engine has."""

    def attach(file: Path, options: str) -> None:
        escaped = str(file).replace("'", "''")
        connection.execute(f"ATTACH '{escaped}' AS {_ALIAS} ({options})")

    connection = engine.cursor()
    try:
        if not read_only and not there(path):
            # Made under another name first: a run killed right here leaves no half-made warehouse.
            new = path.with_name(path.name + ".new")
            new.unlink(missing_ok=True)
            attach(new, f"STORAGE_VERSION '{_FORMAT}'")
            connection.execute(f"DETACH {_ALIAS}")
            path.with_name(path.name + ".wal").unlink(missing_ok=True)
            new.replace(path)
        attach(path, "READ_ONLY" if read_only else f"ROW_GROUP_SIZE {_ROW_GROUP}")
        connection.execute(f"USE {_ALIAS}")
    except BaseException:
        _detached(connection)  # or it would stay attached, and be in the way of the next attempt
        connection.close()
        raise
    return connection


def _detached(connection: DuckDBPyConnection) -> bool:
    """Closes the file, which gives it free for other programs; whether that went well."""
    import duckdb

    try:
        connection.execute("USE memory")
        connection.execute(f"DETACH {_ALIAS}")
    except duckdb.Error:
        return False
    return True


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
