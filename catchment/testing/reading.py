"""Reads a source's tables out of a warehouse by SQL, without loss and without the code that wrote them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, Protocol

from catchment.testing import cells

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEY = "id"
SYSTEM = ("_version", "_synced_at", "_deleted_at")


@dataclass(frozen=True, slots=True)
class Found:
    """One table as it stands: column -> SQL type, and its rows as tuples in that order."""

    name: str
    types: dict[str, str]
    rows: list[tuple[Any, ...]]

    def place(self, column: str) -> int:
        """Where a column stands in every row."""
        return list(self.types).index(column)


class Reader(Protocol):
    """A warehouse of one kind, opened to be read. Types go by the names that DuckDB has for them."""

    def columns(self, schema: str) -> list[tuple[str, str, str]]:
        """Table, column and type, in the order of the columns."""
        ...

    def rows(self, table: str, types: dict[str, str]) -> Found:
        """All rows of a table; instants come as microseconds since 1970, JSON as its text."""
        ...

    def originals(self, source: str) -> list[tuple[str, str, str]]:
        """Table, column and original path, as ``catchment.columns`` has them."""
        ...


@contextmanager
def opened(database: str | File) -> Iterator[Reader]:
    """A warehouse to read: a DuckDB file, or the address of a PostgreSQL database."""
    if str(database).startswith("postgresql://"):
        from catchment.testing.reading_postgresql import connected

        with connected(str(database)) as reader:
            yield reader
        return
    import duckdb

    connection = duckdb.connect(str(database), read_only=True)
    try:
        yield DuckDB(connection)
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class DuckDB:
    """An open DuckDB file."""

    connection: DuckDBPyConnection

    def columns(self, schema: str) -> list[tuple[str, str, str]]:
        return self.connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = ?"
            " AND database_name = current_database() ORDER BY table_name, column_index",
            [schema],
        ).fetchall()

    def rows(self, table: str, types: dict[str, str]) -> Found:
        picked = ", ".join(cells.selection(column, sql_type) for column, sql_type in types.items())
        return Found(table, types, self.connection.execute(f"SELECT {picked} FROM {table}").fetchall())

    def originals(self, source: str) -> list[tuple[str, str, str]]:
        query = "SELECT collection, column_name, original FROM catchment.columns WHERE source = ?"
        return self.connection.execute(query, [source]).fetchall()


def tables(reader: Reader, schema: str) -> dict[str, dict[str, str]]:
    """Table -> column -> SQL type."""
    found: dict[str, dict[str, str]] = {}
    for name, column, sql_type in reader.columns(schema):
        found.setdefault(name, {})[column] = sql_type
    return found


def originals(reader: Reader, schema: str) -> dict[str, dict[str, str]]:
    """The warehouse's own map of names: table -> original dotted path -> column."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if "columns" in tables(reader, "catchment"):
        for table, column, original in reader.originals(schema):
            found[table][original] = column
    return found


def read(reader: Reader, schema: str, name: str, types: dict[str, str]) -> Found:
    """All rows of one table."""
    found = reader.rows(f"{cells.quote(schema)}.{cells.quote(name)}", types)
    return Found(name, found.types, found.rows)


def keys(reader: Reader, schema: str) -> dict[str, set[str]]:
    """The keys of every table of a schema."""
    return {
        name: {row[0] for row in read(reader, schema, name, {KEY: types[KEY]}).rows}
        for name, types in tables(reader, schema).items()
        if KEY in types
    }
