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

__all__ = ["open_warehouse", "read_only"]

_DUCKDB = "duckdb:///"


def open_warehouse(
    url: str, source: str, collections: Sequence[Collection], *, scratch: Path, carriers: Sequence[Collection] = ()
) -> Warehouse:
    """One source's place in the warehouse at ``url`` (``duckdb:///PATH``); nothing is opened or made yet.

    ``collections``: those the source syncs. ``carriers``: others whose objects carry lists of these. ``scratch``: a
    folder for what does not fit into memory.
    Raises WarehouseError, kind ``config``, for a URL or a file name that cannot be.
    """
    from warehouse_loader.duckdb_warehouse import DuckDBWarehouse

    return DuckDBWarehouse(_file(url), source, collections, scratch=scratch, carriers=carriers)


def read_only(url: str, patience: float = 5.0) -> AbstractContextManager[DuckDBPyConnection]:
    """A connection that reads the warehouse; waits ``patience`` seconds at most for a commit under way.

    Commits wait while it is open. Raises WarehouseError if the file is not there or stays held.
    """
    from warehouse_loader.duckdb_warehouse import reading

    return reading(_file(url), patience)


def _file(url: str) -> Path:
    if not url.startswith(_DUCKDB) or len(url) == len(_DUCKDB):
        raise WarehouseError(f"no warehouse can be opened at {url!r}", f"Write {_DUCKDB}PATH, a file.", kind="config")
    return Path(url[len(_DUCKDB) :])
