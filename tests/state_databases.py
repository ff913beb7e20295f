"""The kinds of state database for tests: a file, and a schema of a real PostgreSQL server."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from state import State
from state.database import Database, database_at
from tests import postgres

KINDS = ("sqlite", "postgresql")
NOW = 1_800_000_000.0
AHEAD = 4096.0  # seconds by which the server's clock is ahead of ours in tests with a clock that stands still


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now


@dataclass(frozen=True)
class Place:
    """A state database that nobody has used, and the folder of its project on this host."""

    kind: str
    url: str
    folder: Path

    def open(self) -> State:
        return State.open(self.url, self.folder)

    def database(self) -> Database:
        return database_at(self.url, self.folder)

    @property
    def key(self) -> Path:
        return self.folder / ("state.db.key" if self.kind == "sqlite" else "state.key")

    def table(self, name: str) -> str:
        """The table as ``ask`` has to name it."""
        return name if self.kind == "sqlite" else f"catchment_state.{name}"

    def alter(self, statement: str) -> None:
        """Changes it as another program would."""
        if self.kind == "sqlite":
            with contextlib.closing(sqlite3.connect(self.folder / "state.db")) as connection, connection:
                connection.execute(statement)
        else:
            postgres.execute(self.url, "SET search_path = catchment_state", statement)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, asked by another program; of PostgreSQL with names that say where tables are."""
        if self.kind != "sqlite":
            return list(postgres.ask(self.url, query))
        with contextlib.closing(sqlite3.connect(self.folder / "state.db")) as connection:
            return list(connection.execute(query))

    def columns(self) -> dict[str, list[tuple[Any, ...]]]:
        """Its tables, each with the names of its columns, their types and whether they may be null."""
        if self.kind == "sqlite":
            names = [name for (name,) in self.ask("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: [row[1:4] for row in self.ask(f"PRAGMA table_info({name})")] for name in names}
        found: dict[str, list[tuple[Any, ...]]] = {}
        for table, *column in self.ask(
            "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text"
            " FROM information_schema.columns WHERE table_schema = 'catchment_state' ORDER BY 1, ordinal_position"
        ):
            found.setdefault(str(table), []).append(tuple(column))
        return found


def new_place(kind: str, folder: Path, version: int = 16) -> Place:
    """A state database of its own for a test."""
    url = f"sqlite:///{folder}/state.db" if kind == "sqlite" else postgres.new_database(version)
    return Place(kind, url, folder)


def stop_server_clock(patch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Gives the server a clock that stands still too, ahead of ours."""
    patch.setattr("state.postgresql.PostgresqlDatabase.now", lambda *_: clock.time() + AHEAD)
