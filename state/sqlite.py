"""The state database in SQLite: one file that any number of threads and processes of a host share."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from state.database import Connection
from state.errors import StateError
from state.migrations import SCHEMAS, bring_up

BUSY_S = 30.0  # how long a writer waits for the others; each holds the file for well under a millisecond


class SqliteDatabase:
    """The file, created when it is not there (state.database.Database).

    Connections are kept for reuse, each in one thread at a time: as many as threads were ever at work at once.
    """

    shared = False
    schema = SCHEMAS / "schema.sql"

    def __init__(self, file: Path) -> None:
        self.file = file
        self.name = str(file)
        self.logs = file.parent / "logs"
        self.key = file.with_name(f"{file.name}.key")
        self._idle: deque[sqlite3.Connection] = deque()
        self._inherited: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        try:
            self._prepare()
        except OSError as error:
            raise self._unusable(error) from error

    @contextmanager
    def transaction(self, about: str = "") -> Iterator[sqlite3.Connection]:
        """Alone with the file, whatever it is about: commits at the end, rolls back on any exception."""
        with self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """For reading: each statement sees the latest commit."""
        if self._pid != os.getpid():
            # After a fork the parent's connections must neither be used nor closed here.
            self._inherited += self._idle
            self._idle, self._pid = deque(), os.getpid()
        try:
            connection = self._idle.pop() if self._idle else self._connect()
        except IndexError:  # another thread was faster
            connection = self._connect()
        try:
            yield connection
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        finally:
            self._idle.append(connection)

    def now(self, connection: Connection) -> float | None:
        """None: all who use the file are on this machine."""
        return None

    def tables(self, connection: Connection) -> set[str]:
        """The tables that there are."""
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def worded(self, statement: str) -> str:
        """The statement as it is."""
        return statement

    def close(self) -> None:
        """Closes the connections that are not at work."""
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.file, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            # A crash of the process loses nothing, one of the machine the last moments at most.
            connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return connection

    def _unusable(self, error: Exception) -> StateError:
        hint = "check the path under `state`, its rights and the space left"
        return StateError(f"the state database {self.file} cannot be used: {error}", hint)

    def _prepare(self) -> None:
        """Creates or migrates the file. One process at a time: switching to WAL ignores the busy timeout."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_name(f"{self.file.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.connection() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            with self.transaction() as connection:
                bring_up(connection, self)
