"""What a state database is to the rest: transactions that are alone with their subject, and a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from state.errors import StateError


class Answer(Protocol):
    """What a statement gave; rows are read by position and by name."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """The part of ``sqlite3.Connection`` that our statements use; parameters are written as ``?``."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Answer: ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Answer: ...


class Database(Protocol):
    """One state database, shared by threads and processes. Raises StateError whenever it cannot be used."""

    @property
    def name(self) -> str:
        """For messages; without a secret."""

    @property
    def logs(self) -> Path:
        """The folder of the logs of runs."""

    @property
    def key(self) -> Path:
        """The file of the key for tokens where none is given."""

    @property
    def shared(self) -> bool:
        """Whether other hosts may use it, whose key may be another."""

    @property
    def schema(self) -> Path:
        """The file with the statements that make its tables."""

    def transaction(self, about: str = "") -> AbstractContextManager[Connection]:
        """Alone with what ``about`` names: commits at the end, rolls back on any exception."""

    def connection(self) -> AbstractContextManager[Connection]:
        """For reading: each statement sees the latest commit."""

    def now(self, connection: Connection) -> float | None:
        """The instant by the clock that all its clients share (Unix seconds); None where that is the machine's own."""

    def tables(self, connection: Connection) -> set[str]:
        """The tables that there are."""

    def worded(self, statement: str) -> str:
        """A statement of a migration in its own names of types."""

    def close(self) -> None:
        """Closes the connections that are not at work."""


def database_at(url: str, folder: Path) -> Database:
    """The state database at ``url``; of one on a server, logs and key are kept in ``folder`` on this host."""
    scheme, _, rest = url.partition("://")
    if scheme in ("postgresql", "postgres"):
        from state.postgresql import PostgresqlDatabase

        return PostgresqlDatabase(url, folder)
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from state.sqlite import SqliteDatabase

        return SqliteDatabase(Path(rest[1:]))
    hint = "write sqlite:///.catchment/state.db or postgresql://user:password@host/database under `state`"
    raise StateError(f"{url!r} is no address of a state database", hint)
