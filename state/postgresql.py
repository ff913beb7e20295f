"""The state database in PostgreSQL: a schema of its own that the processes of many hosts share."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from state.database import Connection
from state.errors import Passing
from state.migrations import SCHEMAS, bring_up
from state.patience import OPENING_S, patiently
from state.postgresql_address import address
from state.postgresql_errors import explained
from state.postgresql_link import Link, driver

SCHEMA = "catchment_state"
MOST = 6  # connections of a process: each is at work for some milliseconds
# All for the length of a transaction, so that a connection pool between us and the server stays clean. The last one
# frees the others from a process that was stopped in the middle of a transaction.
_LOCAL = (
    f"SET LOCAL search_path = {SCHEMA}; SET LOCAL client_min_messages = warning; SET LOCAL jit = off;"
    " SET LOCAL standard_conforming_strings = on; SET LOCAL lock_timeout = '15s'; SET LOCAL statement_timeout = '30s';"
    " SET LOCAL idle_in_transaction_session_timeout = '10s'"
)
_TYPES = {"DOUBLE": "DOUBLE PRECISION", "BLOB": "BYTEA"}


class PostgresqlDatabase:
    """The schema ``catchment_state`` of a database, made when it is not there (state.database.Database).

    ``folder``, on this host, keeps the logs of its runs and its key. The clock of the server orders what hosts share.
    """

    shared = True
    schema = SCHEMAS / "schema_postgresql.sql"

    def __init__(self, url: str, folder: Path) -> None:
        self._address = address(url)
        self.name = self._address.name
        self.logs = folder / "logs"
        self.key = folder / "state.key"
        self._error = driver().Error
        self._idle: deque[Link] = deque()
        self._inherited: list[deque[Link]] = []
        self._afresh()
        patiently(self._prepare, OPENING_S)

    @contextmanager
    def transaction(self, about: str = "") -> Iterator[Connection]:
        """Alone with what ``about`` names, among all hosts: commits at the end, rolls back on any exception."""
        with self._begun(f"BEGIN; {_LOCAL}; SELECT pg_advisory_xact_lock({_number(about)})") as link:
            yield link

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """For reading: each statement sees the latest commit."""
        with self._begun(f"BEGIN READ ONLY; {_LOCAL}") as link:
            yield link

    def now(self, connection: Connection) -> float | None:
        """The server's clock: those of two hosts differ."""
        found = connection.execute("SELECT extract(epoch FROM clock_timestamp())::double precision")
        return float(found.fetchone()[0])

    def tables(self, connection: Connection) -> set[str]:
        """The tables in our schema."""
        found = connection.execute(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = ? AND c.relkind IN ('r', 'p', 'f')",
            (SCHEMA,),
        )
        return {row[0] for row in found}

    def worded(self, statement: str) -> str:
        """The statement with PostgreSQL's names of types."""
        return re.sub(r"\b(DOUBLE|BLOB)\b", lambda found: _TYPES[found[0]], statement)

    def close(self) -> None:
        """Closes the connections that are not at work."""
        _close(self._idle, self._pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def _begun(self, begin: str) -> Iterator[Link]:
        if self._pid != os.getpid():
            self._afresh()
        with self._turns:
            link = self._started(begin)
            try:
                yield link
                link.script("COMMIT")
            except BaseException as error:
                if link.rolled_back():
                    self._idle.append(link)
                if isinstance(error, self._error):
                    raise explained(error, self._address) from None
                raise
            self._idle.append(link)

    def _started(self, begin: str) -> Link:
        """A connection on which a transaction has begun. One that broke while it was idle is replaced."""
        while True:
            try:
                link, fresh = self._idle.pop(), False
            except IndexError:
                link, fresh = self._connect(), True
            try:
                link.script(begin)
            except self._error as error:
                link.rolled_back()
                link.close()
                told = explained(error, self._address)
                if fresh or not isinstance(told, Passing) or getattr(error, "sqlstate", None) == "55P03":
                    raise told from None
            except BaseException:
                link.close()
                raise
            else:
                return link

    def _connect(self) -> Link:
        try:
            return Link(driver().connect(self._address.uri, autocommit=True))
        except self._error as error:
            raise explained(error, self._address) from None

    def _afresh(self) -> None:
        """Connections of this process: after a fork the parent's must neither be used nor closed here."""
        self._inherited.append(self._idle)
        self._idle, self._pid = deque(), os.getpid()
        self._turns = threading.BoundedSemaphore(MOST)
        weakref.finalize(self, _close, self._idle, self._pid)

    def _prepare(self) -> None:
        """Creates or migrates the schema, one process of all hosts at a time."""
        with self.transaction("schema") as connection:
            there = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (SCHEMA,)).fetchone()
            if there is None:
                connection.execute(f"CREATE SCHEMA {SCHEMA}")
            bring_up(connection, self)


def _close(idle: deque[Link], pid: int) -> None:
    while idle and pid == os.getpid():
        idle.pop().close()


def _number(about: str) -> int:
    """The number of an advisory lock: those of other programs in the database are others."""
    return int.from_bytes(hashlib.sha256(f"catchment state: {about}".encode()).digest()[:8], "big", signed=True)
