"""The state database in SQLite: one file that any number of threads and processes share."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from state.errors import StateError
from state.migrations import bring_up

BUSY_S = 30.0  # how long a writer waits for the others; each holds the file for well under a millisecond


class Database:
    """``sqlite:///path``, created when it is not there. Raises StateError whenever it cannot be used.

    Connections are kept for reuse, each in one thread at a time: as many as threads were ever at work at once.
    """

    def __init__(self, url: str) -> None:
        self.file = _file(url)
        self._idle: deque[sqlite3.Connection] = deque()
        self._inherited: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        try:
            self._prepare()
        except OSError as error:
            raise self._unusable(error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Alone with the database: commits at the end, rolls back on any exception."""
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
                bring_up(connection, self.file)


def _file(url: str) -> Path:
    scheme, _, rest = url.partition("://")
    if scheme in ("postgresql", "postgres"):
        hint = "write sqlite:///.catchment/state.db under `state`"
        raise StateError("a state database in PostgreSQL is not supported yet", hint)
    if scheme != "sqlite" or not rest.startswith("/") or len(rest) < 2:
        hint = "write sqlite:///.catchment/state.db under `state`"
        raise StateError(f"{url!r} is no address of a state database", hint)
    return Path(rest[1:])
