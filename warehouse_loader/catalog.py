"""The schema `catchment` of a warehouse: runs, what each column is, and records that could be no rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from warehouse_loader.lattice import Kind
from warehouse_loader.layout import Layout, Leaf
from warehouse_loader.merge import KINDS, NOW, SQL_TYPES
from warehouse_loader.naming import original, parts
from warehouse_loader.registered import registered

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from warehouse_loader.codec import Refused

SCHEMA = "catchment"
_INSTANT = SQL_TYPES["timestamptz"]
_COUNTS = ("fetched", "inserted", "updated", "unchanged", "appended", "quarantined", "deleted", "restored")
_TABLES = {
    "runs": f"run_id VARCHAR, source VARCHAR, connector VARCHAR, status VARCHAR, started_at {_INSTANT}, "
    f"finished_at {_INSTANT}, resumed BOOLEAN, api_calls BIGINT, rate_limited BIGINT, waited_s DOUBLE, "
    "feeds JSON, error JSON",
    "run_collections": "run_id VARCHAR, source VARCHAR, collection VARCHAR, status VARCHAR, "
    f"complete_to {_INSTANT}, {', '.join(f'{name} BIGINT' for name in _COUNTS)}, error JSON",
    "collections": "source VARCHAR, collection VARCHAR, status VARCHAR, rows BIGINT, "
    f"complete_to {_INSTANT}, error JSON",
    "columns": "source VARCHAR, collection VARCHAR, column_name VARCHAR, original VARCHAR, type VARCHAR, "
    "description VARCHAR, reference VARCHAR",
    "quarantine": f"source VARCHAR, collection VARCHAR, reason VARCHAR, record VARCHAR, quarantined_at {_INSTANT}",
}


def ensure(connection: DuckDBPyConnection, existing: Iterable[str]) -> bool:
    """Creates what is missing of the schema; whether anything was."""
    missing = _TABLES.keys() - set(existing)
    if missing:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    for name in sorted(missing):
        connection.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{name} ({_TABLES[name]})")
    return bool(missing)


def types(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table (a quoted name) with their SQL types."""
    return dict(connection.execute("SELECT name, type FROM pragma_table_info(?)", [table]).fetchall())


def known_columns(connection: DuckDBPyConnection, source: str) -> dict[str, list[Leaf]]:
    """Per collection, every column that was ever written down, with the path it came from."""
    rows = connection.execute(
        f"SELECT collection, column_name, original, type FROM {SCHEMA}.columns WHERE source = ? ORDER BY rowid",
        [source],
    ).fetchall()
    found: dict[str, list[Leaf]] = {}
    for collection, name, path, kind in rows:
        if kind in SQL_TYPES:
            leaf = Leaf(name, parts(path), kind, loose=kind != "json", declared=False)
            found.setdefault(collection, []).append(leaf)
    return found


def write_columns(connection: DuckDBPyConnection, source: str, layouts: Sequence[Layout]) -> None:
    """Notes what each column is; rows that stand there already are left alone."""
    if not layouts:
        return
    fields = ("source", "collection", "column_name", "original", "type", "description", "reference")
    there = set(
        connection.execute(f"SELECT {', '.join(fields)} FROM {SCHEMA}.columns WHERE source = ?", [source]).fetchall()
    )
    names = {row[1:3] for row in there}
    wanted = [
        (source, layout.collection.name, leaf.name, original(leaf.path), leaf.kind, leaf.description, leaf.references)
        for layout in layouts
        for leaf in layout.columns
    ]
    news = [row for row in wanted if row not in there]
    for row in news:
        if row[1:3] in names:
            connection.execute(
                f"DELETE FROM {SCHEMA}.columns WHERE source = ? AND collection = ? AND column_name = ?", row[:3]
            )
    if news:
        _append(connection, "columns", [dict(zip(fields, row, strict=True)) for row in news])


def quarantine(connection: DuckDBPyConnection, source: str, refused: Sequence[Refused]) -> None:
    """Keeps records that could be no rows, each text once however often it comes."""
    for one in refused:
        connection.execute(
            f"INSERT INTO {SCHEMA}.quarantine SELECT $source, $collection, $reason, $record, {NOW} WHERE NOT EXISTS "
            f"(FROM {SCHEMA}.quarantine q WHERE q.source = $source AND q.collection = $collection "
            "AND q.record = $record)",
            {"source": source, "collection": one.collection, "reason": one.reason, "record": one.record},
        )


def write_report(connection: DuckDBPyConnection, report: Mapping[str, Any], live: Mapping[str, int]) -> None:
    """Writes a run's document (`sync --json`) into runs, run_collections and collections, over an earlier writing."""
    run = {"run_id": report.get("run_id")}
    for source in report.get("sources", ()):
        name = source.get("source")
        of = {**run, "source": name}
        for table in ("runs", "run_collections"):
            connection.execute(f"DELETE FROM {SCHEMA}.{table} WHERE run_id = ? AND source = ?", [*of.values()])
        shared = {"started_at": report.get("started_at"), "finished_at": report.get("finished_at")}
        _append(connection, "runs", [{**shared, **source, **of}])
        lines = [{**one, **of, "rows": live.get(one.get("collection", ""), 0)} for one in source.get("collections", ())]
        _append(connection, "run_collections", lines)
        connection.execute(
            f"DELETE FROM {SCHEMA}.collections WHERE source = ? AND list_contains(?, collection)",
            [name, [line["collection"] for line in lines]],
        )
        _append(connection, "collections", lines)


def _append(connection: DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows as one Arrow table: a bound value each would cost more than a first load's commit."""
    import pyarrow as pa

    if not rows:
        return
    columns = dict(column.split(maxsplit=1) for column in _TABLES[table].split(", "))
    numeric = {"BIGINT": pa.int64(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_()}
    made = {}
    for name, sql_type in columns.items():
        values = [row.get(name) for row in rows]
        values = [json.dumps(value) if isinstance(value, dict | list) else value for value in values]
        made[name] = pa.array(values, numeric.get(sql_type, pa.string()))
    cast = ", ".join(f'"{name}"::{sql_type}' for name, sql_type in columns.items())
    with registered(connection, "lines", pa.table(made)):
        connection.execute(f"INSERT INTO {SCHEMA}.{table} SELECT {cast} FROM lines")


def kinds(types: Mapping[str, str]) -> dict[str, Kind]:
    """The table's column types in our words; a type that is none of ours is left out."""
    return {name: KINDS[kind] for name, kind in types.items() if kind in KINDS}
