"""Arrow tables that SQL sees under a name for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def registered(connection: DuckDBPyConnection, name: str, table: Any) -> Iterator[None]:
    """``table`` as ``name`` in the connection's SQL."""
    connection.register(name, table)
    try:
        yield
    except BaseException:  # what went wrong is to be told, not that nothing goes on after it
        with suppress(Exception):
            connection.unregister(name)
        raise
    connection.unregister(name)
