"""One connection to PostgreSQL that takes our statements as ``sqlite3`` does."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from state.errors import StateError


def driver() -> Any:
    """The driver's module, loaded when it is needed. Raises StateError where it is not installed."""
    try:
        from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]
    except ImportError:
        hint = "install it: pip install 'catchment[postgres]'"
        raise StateError("the driver for PostgreSQL is not there", hint) from None
    return dbapi


class Row(tuple[Any, ...]):
    """Values by position and by name."""

    names: tuple[str, ...]

    def __getitem__(self, at: Any) -> Any:
        return super().__getitem__(self.names.index(at) if isinstance(at, str) else at)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement gave."""

    rows: list[Row]
    rowcount: int

    def fetchone(self) -> Row | None:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[Row]:
        return self.rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


class Link:
    """A connection in autocommit mode, in which we say ourselves where transactions begin and end."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Runs one statement whose parameters are written as ``?``."""
        if sql.startswith("SELECT"):
            return self._query(_numbered(sql), parameters)
        return Rows([], self._update(_numbered(sql), [parameters] if parameters else []))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """Runs one statement for each of ``parameters``."""
        rows = list(parameters)
        return Rows([], self._update(_numbered(sql), rows) if rows else 0)

    def script(self, sql: str) -> None:
        """Runs statements without parameters in one go."""
        self._update(sql, [])

    def rolled_back(self) -> bool:
        """Ends a transaction without a trace. False: the connection was broken, and is closed."""
        try:
            self.script("ROLLBACK")
        except Exception:  # whatever it is, the server undoes what was not committed
            self.close()
            return False
        return True

    def close(self) -> None:
        self._connection.close()

    def _query(self, sql: str, parameters: Sequence[Any]) -> Rows:
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
            cursor.execute(sql, tuple(parameters) or None)
            kind = _kind(tuple(column[0] for column in cursor.description))
            rows = [kind(row) for row in cursor.fetchall()]
        return Rows(rows, len(rows))

    def _update(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        with self._connection.cursor() as cursor:
            statement = cursor.adbc_statement
            statement.set_sql_query(sql)
            if rows:
                import pyarrow as pa

                columns = [pa.array(column) for column in zip(*rows, strict=True)]
                statement.bind(pa.record_batch(columns, names=[str(n) for n in range(len(columns))]))
            return int(statement.execute_update())


@cache
def _kind(names: tuple[str, ...]) -> type[Row]:
    """The rows of a statement that gives these columns."""
    return type("Row", (Row,), {"names": names})


@cache
def _numbered(sql: str) -> str:
    """``?`` as PostgreSQL writes parameters; none of our statements has one in a text."""
    numbers = itertools.count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
