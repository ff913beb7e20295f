"""Arrow tables that SQL sees under a name for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def registered(connection: DuckDBPyConnection, name: str, table: Any) -> Iterator[None]:
    """``table`` as ``name`` in the connection's SQL."""
    connection.register(name, table)
    try:
        yield
    finally:
        connection.unregister(name)
