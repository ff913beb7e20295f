"""The schema `catchment` of a warehouse: runs, what each column is, and records that could be no rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from warehouse_loader.lattice import Kind
from warehouse_loader.layout import Layout, Leaf
from warehouse_loader.merge import KINDS, NOW, SQL_TYPES
from warehouse_loader.naming import original, parts

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
        marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(news))
        connection.execute(
            f"INSERT INTO {SCHEMA}.columns ({', '.join(fields)}) VALUES {marks}",
            [value for row in news for value in row],
        )


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
    run = report.get("run_id")
    for source in report.get("sources", ()):
        name = source.get("source")
        connection.execute(f"DELETE FROM {SCHEMA}.runs WHERE run_id = ? AND source = ?", [run, name])
        connection.execute(f"DELETE FROM {SCHEMA}.run_collections WHERE run_id = ? AND source = ?", [run, name])
        shared = {"run_id": run, "started_at": report.get("started_at"), "finished_at": report.get("finished_at")}
        _insert(connection, "runs", {**shared, **source})
        for one in source.get("collections", ()):
            place = {"run_id": run, "source": name}
            _insert(connection, "run_collections", {**place, **one})
            connection.execute(
                f"DELETE FROM {SCHEMA}.collections WHERE source = ? AND collection = ?", [name, one.get("collection")]
            )
            _insert(connection, "collections", {**place, **one, "rows": live.get(one.get("collection", ""), 0)})


def _insert(connection: DuckDBPyConnection, table: str, fields: Mapping[str, Any]) -> None:
    columns = [column.split()[0] for column in _TABLES[table].split(", ")]
    values = [fields.get(column) for column in columns]
    values = [json.dumps(value) if isinstance(value, dict | list) else value for value in values]
    marks = ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO {SCHEMA}.{table} ({', '.join(columns)}) VALUES ({marks})", values)


def kinds(types: Mapping[str, str]) -> dict[str, Kind]:
    """The table's column types in our words; a type that is none of ours is left out."""
    return {name: KINDS[kind] for name, kind in types.items() if kind in KINDS}
