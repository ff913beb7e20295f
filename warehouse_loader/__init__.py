"""Records to columns to tables: opens a warehouse by its URL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from framework.collection import Collection
from framework.warehouse import Warehouse, WarehouseError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from warehouse_loader.destination import Destination

__all__ = ["destination_at", "open_warehouse", "read_only"]

_DUCKDB = "duckdb:///"
_POSTGRESQL = "postgresql://"


def open_warehouse(
    url: str, source: str, collections: Sequence[Collection], *, scratch: Path, carriers: Sequence[Collection] = ()
) -> Warehouse:
    """One source's place in the warehouse at ``url``; nothing is opened or made yet.

    ``url``: ``duckdb:///PATH`` or ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``. ``collections``: those the source
    syncs. ``carriers``: others whose objects carry lists of these. ``scratch``: a folder for what does not fit into
    memory. Raises WarehouseError, kind ``config``, for a URL or a file name that cannot be.
    """
    if url.startswith(_POSTGRESQL):
        from warehouse_loader.postgresql import postgres_warehouse

        return postgres_warehouse(url, source, collections, carriers=carriers)
    from warehouse_loader.duckdb_warehouse import duckdb_warehouse

    return duckdb_warehouse(_file(url), source, collections, scratch=scratch, carriers=carriers)


def destination_at(url: str, patience: float = 5.0) -> Destination:
    """The warehouse itself, to read what Catchment keeps there; waits ``patience`` seconds at most for it."""
    if url.startswith(_POSTGRESQL):
        from warehouse_loader.postgresql import Postgres

        return Postgres(url, patience)
    from warehouse_loader.duckdb_warehouse import DuckDBFile

    return DuckDBFile(_file(url), None, patience)


def read_only(url: str, patience: float = 5.0) -> AbstractContextManager[DuckDBPyConnection]:
    """A connection that reads the DuckDB file; waits ``patience`` seconds at most for a commit under way.

    Commits wait while it is open. Raises WarehouseError if the file is not there or stays held.
    """
    from warehouse_loader.duckdb_warehouse import reading

    return reading(_file(url), patience)


def _file(url: str) -> Path:
    if not url.startswith(_DUCKDB) or len(url) == len(_DUCKDB):
        hint = f"Write {_DUCKDB}PATH, a file, or {_POSTGRESQL}USER:PASSWORD@HOST/DATABASE."
        raise WarehouseError("no warehouse can be opened at this address", hint, kind="config")
    return Path(url[len(_DUCKDB) :])
