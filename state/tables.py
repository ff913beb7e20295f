"""The tables of the state database, declared once; ``python -m state.tables`` prints ``schema.sql``.

::

    runs ──< run_sources      which sources a run has held
      └───< leases            which source is held now, by which run: at most one each
    limits                    one schedule of calls for each bucket of an API's limits
    documents                 what a source can ask its vendor again, kept to save the calls
    schema_version            one row

Instants are seconds since 1970 (UTC). SQLAlchemy is imported here only: a sync over SQLite runs without it.
"""

from __future__ import annotations

import sys

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("command", Text, nullable=False),
    Column("status", Text, nullable=False),  # running, then as the run ended
    Column("pid", Integer, nullable=False),
    Column("process_start", Text, nullable=False),  # tells a process from a later one with its pid
    Column("machine", Text, nullable=False),  # where that pid means that process; "" where nothing can tell
    Column("host", Text, nullable=False),  # for people
    Column("started_at", Double, nullable=False),
    Column("renewed_at", Double, nullable=False),  # the last sign of life
    Column("finished_at", Double),
    Column("document", Text),  # JSON, as `sync --json` prints it
    Index("runs_by_start", "started_at"),
)

run_sources = Table(
    "run_sources",
    metadata,
    Column("source", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("runs.run_id"), primary_key=True),
)

leases = Table(
    "leases",
    metadata,
    Column("source", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("runs.run_id"), nullable=False),
)

limits = Table(
    "limits",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("next_at", Double, nullable=False),  # when the next call may leave
    Column("frozen_until", Double, nullable=False),  # no call before; 0 when none was told
    Column("written_at", Double, nullable=False),  # shows that the clock was set back
)

documents = Table(
    "documents",
    metadata,
    Column("name", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)


def sqlite_schema() -> str:
    """The DDL for SQLite, as ``schema.sql`` holds it."""
    dialect = sqlite.dialect()
    statements = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    clean = ("\n".join(line.rstrip() for line in statement.strip().splitlines()) for statement in statements)
    return "-- Printed by `python -m state.tables`; do not edit.\n\n" + ";\n\n".join(clean) + ";\n"


if __name__ == "__main__":
    sys.stdout.write(sqlite_schema())
