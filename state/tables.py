"""The tables of the state database, declared once; ``python -m state.tables`` renders them for both databases.

::

    runs ──< run_sources      which sources a run has held
      └───< leases            which source is held now, by which run: at most one each
    limits                    one schedule of calls for each bucket of an API's limits
    limit_calls               the calls in the window of each bucket that allows so many at once
    quotas, usage             an account's daily quota as last told, and our calls in spans of ten minutes
    tokens                    sessions, encrypted, and who is renewing each
    documents                 what a source can ask its vendor again, kept to save the calls
    schema_version            one row

Instants are seconds since 1970 (UTC). SQLAlchemy is imported here only: a sync runs without it.
"""

from __future__ import annotations

import sys

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
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

limit_calls = Table(
    "limit_calls",
    metadata,
    Column("bucket", Text, nullable=False),
    Column("at", Double, nullable=False),  # when it left, or will
    Index("limit_calls_by_time", "bucket", "at"),
)

usage = Table(
    "usage",
    metadata,
    Column("account", Text, primary_key=True),
    Column("span", BigInteger, primary_key=True),  # spans of ten minutes since 1970, by the vendor's clock
    Column("calls", BigInteger, nullable=False),
)

quotas = Table(
    "quotas",
    metadata,
    Column("account", Text, primary_key=True),
    Column("maximum", BigInteger, nullable=False),
    Column("others", BigInteger, nullable=False),  # calls that were not ours, when it was told
    Column("told_at", Double, nullable=False),  # by the vendor's clock
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("secret", LargeBinary),  # encrypted
    Column("revision", BigInteger, nullable=False),  # counts what was kept
    Column("lease", Text, nullable=False),  # "" while nobody renews it
    Column("leased_until", Double, nullable=False),
    Column("pid", Integer, nullable=False),  # who renews it, as in runs
    Column("process_start", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("host", Text, nullable=False),
)


def sqlite_schema() -> str:
    """The DDL for SQLite, as ``schema.sql`` holds it."""
    return _schema(sqlite.dialect(), "sqlite")


def postgresql_schema() -> str:
    """The DDL for PostgreSQL, as ``schema_postgresql.sql`` holds it."""
    return _schema(postgresql.dialect(), "postgresql")  # type: ignore[no-untyped-call]


def _schema(dialect: Dialect, name: str) -> str:
    statements = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    clean = ("\n".join(line.rstrip() for line in statement.strip().splitlines()) for statement in statements)
    return f"-- Printed by `python -m state.tables {name}`; do not edit.\n\n" + ";\n\n".join(clean) + ";\n"


if __name__ == "__main__":
    sys.stdout.write(postgresql_schema() if sys.argv[1:] == ["postgresql"] else sqlite_schema())
