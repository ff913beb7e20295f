"""Reads a source's tables out of PostgreSQL (catchment.testing.reading.Reader)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catchment.testing import cells
from catchment.testing.reading import Found

OVERFLOW = "_overflow"  # JSON: what a row has no room for, by column
_NAMES = {
    "boolean": "BOOLEAN",
    "bigint": "BIGINT",
    "double precision": "DOUBLE",
    "text": "VARCHAR",
    "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "jsonb": "JSON",
}


@contextmanager
def connected(address: str) -> Iterator[Postgres]:
    """A database as it stands at this moment."""
    from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]

    with dbapi.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
        for setting in ("TimeZone = 'UTC'", "DateStyle = 'ISO'"):
            cursor.execute(f"SET {setting}")
        yield Postgres(cursor)


@dataclass(frozen=True, slots=True)
class Postgres:
    """An open connection."""

    cursor: Any

    def columns(self, schema: str) -> list[tuple[str, str, str]]:
        found = self._asked(
            "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
            "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = {_literal(schema)} AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped "
            "ORDER BY c.relname, a.attnum"
        )
        return [(table, column, _NAMES.get(kind, kind).replace("numeric", "DECIMAL")) for table, column, kind in found]

    def rows(self, table: str, types: dict[str, str]) -> Found:
        picked = ", ".join(_selection(column, sql_type) for column, sql_type in types.items())
        exact = [at for at, sql_type in enumerate(types.values()) if cells.family(sql_type) == "decimal"]
        rows = self._asked(f"SELECT {picked} FROM {table}")
        if exact:
            rows = [_exact(row, exact) for row in rows]
        return _unfolded(Found(table, types, rows)) if OVERFLOW in types else Found(table, types, rows)

    def originals(self, source: str) -> list[tuple[str, str, str]]:
        query = f"SELECT collection, column_name, original FROM catchment.columns WHERE source = {_literal(source)}"
        return self._asked(query)

    def _asked(self, query: str) -> list[Any]:
        self.cursor.execute(query)
        return list(self.cursor.fetchall())


def _selection(name: str, sql_type: str) -> str:
    quoted = cells.quote(name)
    kind = cells.family(sql_type)
    if kind == "time":
        return f"(extract(epoch FROM {quoted}) * 1000000)::bigint"
    return quoted if kind in ("whole", "double", "bool", "text") else f"{quoted}::text"


def _literal(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _exact(row: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
    values = list(row)
    for at in places:
        values[at] = None if values[at] is None else Decimal(values[at])
    return tuple(values)


def _unfolded(found: Found) -> Found:
    """The table as if it had room for everything: what stands in the overflow goes into its column."""
    at = found.place(OVERFLOW)
    folded = [json.loads(row[at], parse_float=Decimal) if row[at] else {} for row in found.rows]
    types = {name: kind for name, kind in found.types.items() if name != OVERFLOW}
    types |= {name: "JSON" for cell in folded for name in cell if name not in types}
    rows = []
    for row, cell in zip(found.rows, folded, strict=True):
        known = dict(zip(found.types, row, strict=True))
        told = {name: _value(value, types[name]) for name, value in cell.items()}
        rows.append(tuple({**known, **told}.get(name) for name in types))
    return Found(found.name, types, rows)


def _value(value: Any, sql_type: str) -> Any:
    kind = cells.family(sql_type)
    if kind == "time":
        return cells.microseconds(value)
    return json.dumps(value, default=str) if kind == "json" else value
