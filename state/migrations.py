"""How a state database of an earlier version becomes one of today, in place and in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from state.database import Connection, Database
from state.errors import StateError

# Each step is the SQL that leads from one version to the next: the first from 1 to 2. Steps are only ever
# added, together with the change in tables.py and both schemas. They are written for SQLite, with the types
# DOUBLE, BLOB, TEXT, INTEGER and BIGINT, and in words that PostgreSQL knows as well.
STEPS: tuple[tuple[str, ...], ...] = (
    ("CREATE TABLE documents (name TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (name))",),
    (
        "CREATE TABLE limit_calls (bucket TEXT NOT NULL, at DOUBLE NOT NULL)",
        "CREATE INDEX limit_calls_by_time ON limit_calls (bucket, at)",
        (
            "CREATE TABLE quotas (account TEXT NOT NULL, maximum BIGINT NOT NULL, others BIGINT NOT NULL,"
            " told_at DOUBLE NOT NULL, PRIMARY KEY (account))"
        ),
        (
            "CREATE TABLE usage (account TEXT NOT NULL, span BIGINT NOT NULL, calls BIGINT NOT NULL,"
            " PRIMARY KEY (account, span))"
        ),
        (
            "CREATE TABLE tokens (name TEXT NOT NULL, secret BLOB, revision BIGINT NOT NULL, lease TEXT NOT NULL,"
            " leased_until DOUBLE NOT NULL, pid INTEGER NOT NULL, process_start TEXT NOT NULL, machine TEXT NOT NULL,"
            " host TEXT NOT NULL, PRIMARY KEY (name))"
        ),
    ),
)

SCHEMAS = Path(__file__).parent


def bring_up(connection: Connection, database: Database, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Creates the tables, or applies the steps still due. The caller is alone and inside a transaction.

    Raises StateError for a database that is not ours or that a later version of Catchment has written.
    """
    newest = 1 + len(steps)
    tables = database.tables(connection)
    if not tables:
        for statement in database.schema.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute("INSERT INTO schema_version VALUES (?)", (newest,))
        return
    if "schema_version" not in tables:
        raise StateError(f"{database.name} is no state database of Catchment", "name another one under `state`")
    (version,) = connection.execute("SELECT version FROM schema_version").fetchone()
    if version > newest:
        hint = "upgrade Catchment, or name another one under `state`"
        raise StateError(f"{database.name} was written by a later version of Catchment", hint)
    for step in steps[version - 1 :]:
        for statement in step:
            connection.execute(database.worded(statement))
    if version < newest:
        connection.execute("UPDATE schema_version SET version = ?", (newest,))
