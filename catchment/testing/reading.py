"""Reads a source's tables out of DuckDB by SQL, without loss and without the code that wrote them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


def tables(connection: DuckDBPyConnection, schema: str) -> dict[str, dict[str, str]]:
    """Table -> column -> SQL type."""
    found: dict[str, dict[str, str]] = {}
    query = (
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = ?"
        " AND database_name = current_database() ORDER BY table_name, column_index"
    )
    for name, column, sql_type in connection.execute(query, [schema]).fetchall():
        found.setdefault(name, {})[column] = sql_type
    return found


def originals(connection: DuckDBPyConnection, schema: str) -> dict[str, dict[str, str]]:
    """The warehouse's own map of names (``catchment.columns``): table -> original dotted path -> column."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if "columns" in tables(connection, "catchment"):
        query = "SELECT collection, column_name, original FROM catchment.columns WHERE source = ?"
        for table, column, original in connection.execute(query, [schema]).fetchall():
            found[table][original] = column
    return found


def read(connection: DuckDBPyConnection, schema: str, name: str, types: dict[str, str]) -> Found:
    """All rows of one table; instants come as microseconds since 1970, JSON as its text."""
    picked = ", ".join(cells.selection(column, sql_type) for column, sql_type in types.items())
    return Found(name, types, connection.execute(f"SELECT {picked} FROM {_at(schema, name)}").fetchall())


def keys(connection: DuckDBPyConnection, schema: str) -> dict[str, set[str]]:
    """The keys of every table of a schema."""
    return {
        name: {row[0] for row in connection.execute(f"SELECT {KEY} FROM {_at(schema, name)}").fetchall()}
        for name, types in tables(connection, schema).items()
        if KEY in types
    }


def _at(schema: str, table: str) -> str:
    return f"{cells.quote(schema)}.{cells.quote(table)}"
