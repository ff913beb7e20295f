"""The schema `catchment` of a warehouse: runs, what each column is and was, and records that could be no rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.remedy import Change
from warehouse_loader.destination import Session
from warehouse_loader.dialect import Dialect, literal, quote, table
from warehouse_loader.lattice import Kind
from warehouse_loader.layout import Layout, Leaf
from warehouse_loader.naming import original, parts

if TYPE_CHECKING:
    from warehouse_loader.codec import Refused

SCHEMA = "catchment"
_COUNTS = ("fetched", "inserted", "updated", "unchanged", "appended", "quarantined", "deleted", "restored")
_TABLES: Mapping[str, Mapping[str, Kind]] = {
    "runs": {
        "run_id": "text", "source": "text", "connector": "text", "status": "text", "started_at": "timestamptz",
        "finished_at": "timestamptz", "resumed": "bool", "api_calls": "bigint", "rate_limited": "bigint",
        "waited_s": "double", "feeds": "json", "error": "json",
    },
    "run_collections": {
        "run_id": "text", "source": "text", "collection": "text", "status": "text", "complete_to": "timestamptz",
        **dict.fromkeys(_COUNTS, "bigint"), "error": "json",
    },
    "collections": {
        "source": "text", "collection": "text", "status": "text", "rows": "bigint", "complete_to": "timestamptz",
        "error": "json", "selected": "bool",
    },
    "columns": {
        "source": "text", "collection": "text", "column_name": "text", "original": "text", "type": "text",
        "description": "text", "reference": "text",
    },
    "quarantine": {
        "source": "text", "collection": "text", "reason": "text", "record": "text", "quarantined_at": "timestamptz",
    },
    "schema_changes": {
        "changed_at": "timestamptz", "run_id": "text", "source": "text", "collection": "text", "change": "text",
        "column_name": "text", "before": "text", "after": "text", "action": "text",
    },
}  # fmt: skip


def ensure(session: Session, *, fresh: bool = True) -> bool:
    """Creates what is missing of the schema; whether any table was.

    ``fresh``: nobody has looked yet for columns that an earlier release did not have.
    """
    there = session.tables(SCHEMA)
    missing = sorted(_TABLES.keys() - there)
    if missing:
        session.define([*session.schema(SCHEMA), *(_create(session.dialect, one) for one in missing)])
    if fresh and (grown := [sql for name in sorted(there & _TABLES.keys()) for sql in _grown(session, name)]):
        session.define(grown)
    return bool(missing)


def _grown(session: Session, name: str) -> list[str]:
    """What gives a table the columns that it lacks."""
    lacking = _TABLES[name].keys() - session.columns(SCHEMA, name).keys()
    return [
        f"ALTER TABLE {SCHEMA}.{name} ADD COLUMN IF NOT EXISTS {quote(column)} {session.dialect.types[kind]}"
        for column, kind in _TABLES[name].items()
        if column in lacking
    ]


def _create(d: Dialect, name: str) -> str:
    columns = ", ".join(f"{quote(column)} {d.types[kind]}" for column, kind in _TABLES[name].items())
    return f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{name} ({columns})"


def known_columns(session: Session, source: str) -> dict[str, list[Leaf]]:
    """Per collection, every column that was ever written down, with the path it came from."""
    rows = session.rows(
        f"SELECT collection, column_name, original, type FROM {SCHEMA}.columns "
        f"WHERE source = {literal(source)} ORDER BY {session.dialect.arrival}"
    )
    found: dict[str, list[Leaf]] = {}
    for collection, name, path, kind in rows:
        if kind in session.dialect.types:
            leaf = Leaf(name, parts(path), kind, loose=kind != "json", declared=False)
            found.setdefault(collection, []).append(leaf)
    return found


def write_columns(session: Session, source: str, layouts: Sequence[Layout]) -> dict[str, dict[str, Kind]]:
    """Notes what each column is; rows that stand there already are left alone.

    Returns what was noted of these collections before: their columns with their types.
    """
    if not layouts:
        return {}
    fields = ("source", "collection", "column_name", "original", "type", "description", "reference")
    mine = f"FROM {SCHEMA}.columns WHERE source = {literal(source)}"
    known = set(session.rows(f"SELECT {', '.join(fields)} {mine}"))
    before: dict[str, dict[str, Kind]] = {}
    for _, collection, name, _, kind, *_ in known:
        before.setdefault(collection, {})[name] = kind
    wanted = [
        (source, layout.collection.name, leaf.name, original(leaf.path), leaf.kind, leaf.description, leaf.references)
        for layout in layouts
        for leaf in layout.columns
    ]
    news = [row for row in wanted if row not in known]
    for row in news:
        if row[2] in before.get(row[1], ()):
            session.change(f"DELETE {mine} AND collection = {literal(row[1])} AND column_name = {literal(row[2])}")
    if news:
        _append(session, "columns", [dict(zip(fields, row, strict=True)) for row in news])
    return before


def write_changes(session: Session, source: str, run: str, changes: Iterable[Change]) -> None:
    """Adds changes of the schema; the transaction that makes them known elsewhere writes each once."""
    lines = [
        {"run_id": run or None, "source": source, "collection": one.collection, "change": one.change,
         "column_name": one.column or None, "before": one.before or None, "after": one.after or None,
         "action": one.action}
        for one in changes
    ]  # fmt: skip
    _append(session, "schema_changes", lines, changed_at=session.dialect.now)


def quarantine(session: Session, source: str, refused: Sequence[Refused]) -> None:
    """Keeps records that could be no rows, each text once however often it comes."""
    import pyarrow as pa

    lines = {(one.collection, one.record): one.reason for one in refused}
    if not lines:
        return
    collections, records = zip(*lines, strict=True)
    found = pa.table({"collection": collections, "record": records, "reason": list(lines.values())})
    with session.staged("refused", found):
        session.change(
            f"INSERT INTO {SCHEMA}.quarantine (source, collection, reason, record, quarantined_at) "
            f"SELECT {literal(source)}, r.collection, r.reason, r.record, {session.dialect.now} FROM refused r "
            f"WHERE NOT EXISTS (SELECT 1 FROM {SCHEMA}.quarantine q WHERE q.source = {literal(source)} "
            "AND q.collection = r.collection AND q.record = r.record)"
        )


def begin(session: Session, source: str, names: Iterable[str]) -> None:
    """Notes collections whose tables were just made: how complete they are is told when a run has ended."""
    made = sorted(names)
    if made:
        listed = ", ".join(map(literal, made))
        mine = f"{SCHEMA}.collections WHERE source = {literal(source)}"
        session.change(f"DELETE FROM {mine} AND collection IN ({listed})")
        _append(session, "collections", [{"source": source, "collection": name, "selected": True} for name in made])


def write_report(session: Session, report: Mapping[str, Any], live: Mapping[str, int]) -> None:
    """Writes a run's document (`sync --json`) into runs, run_collections and collections, over an earlier writing."""
    run = {"run_id": report.get("run_id")}
    for source in report.get("sources", ()):
        name = str(source.get("source"))
        of = {**run, "source": name}
        for one in ("runs", "run_collections"):
            session.change(
                f"DELETE FROM {SCHEMA}.{one} WHERE run_id = {literal(str(run['run_id']))} AND source = {literal(name)}"
            )
        shared = {"started_at": report.get("started_at"), "finished_at": report.get("finished_at")}
        _append(session, "runs", [{**shared, **source, **of}])
        lines = [
            {**one, **of, "rows": live.get(one.get("collection", ""), 0), "selected": True}
            for one in source.get("collections", ())
        ]
        _append(session, "run_collections", lines)
        _deselect(session, name, source.get("deselected", ()))
        listed = ", ".join(literal(line["collection"]) for line in lines)
        if listed:
            session.change(
                f"DELETE FROM {SCHEMA}.collections WHERE source = {literal(name)} AND collection IN ({listed})"
            )
        _append(session, "collections", lines)


def _deselect(session: Session, source: str, names: Sequence[str]) -> None:
    """Notes what is no longer selected: its line says how it stood when it last was."""
    if names:
        listed = ", ".join(map(literal, names))
        session.change(
            f"UPDATE {SCHEMA}.collections SET selected = false "
            f"WHERE source = {literal(source)} AND collection IN ({listed}) AND selected IS DISTINCT FROM false"
        )


def _append(session: Session, name: str, rows: Sequence[Mapping[str, Any]], **computed: str) -> None:
    """Adds rows as one Arrow table: a bound value each would cost more than a first load's commit.

    ``computed``: columns that SQL fills, the same in every row.
    """
    import pyarrow as pa

    if not rows:
        return
    columns = {column: kind for column, kind in _TABLES[name].items() if column not in computed}
    numeric = {"bigint": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}
    made = {}
    for column, kind in columns.items():
        values = [row.get(column) for row in rows]
        values = [json.dumps(value) if isinstance(value, dict | list) else value for value in values]
        made[column] = pa.array(values, numeric.get(kind, pa.string()))
    cast = ", ".join([*(f"{quote(one)}::{session.dialect.types[kind]}" for one, kind in columns.items()),
                      *computed.values()])  # fmt: skip
    named = ", ".join(map(quote, (*columns, *computed)))
    with session.staged("lines", pa.table(made)):
        session.change(f"INSERT INTO {SCHEMA}.{name} ({named}) SELECT {cast} FROM lines")


def kinds(d: Dialect, types: Mapping[str, str]) -> dict[str, Kind]:
    """The table's column types in our words; a type that is none of ours is left out."""
    return {name: d.kinds[kind] for name, kind in types.items() if kind in d.kinds}


def live(session: Session, source: str, names: Iterable[str]) -> dict[str, int]:
    """Rows that are not marked as deleted, by collection."""
    counts = [
        f"SELECT {literal(name)}, count(*) FROM {table(source, name)} WHERE _deleted_at IS NULL" for name in names
    ]
    return dict(session.rows(" UNION ALL ".join(counts))) if counts else {}
