"""A warehouse in memory for tests of the merge: the same writer and codec, no file."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from framework.collection import Collection
from framework.sight import Closed, Gone, Sight
from framework.warehouse import Commit, Counts
from warehouse_loader import catalog, merge
from warehouse_loader.codec import RecordCodec
from warehouse_loader.registry import Registry
from warehouse_loader.writer import Writer

_connection: duckdb.DuckDBPyConnection | None = None
_numbers = itertools.count(1)


def connection() -> duckdb.DuckDBPyConnection:
    global _connection  # noqa: PLW0603 - one for all tests of a process: opening costs more than a test
    if _connection is None:
        _connection = duckdb.connect(config={"threads": 1})
        catalog.ensure(_connection, ())
    return _connection


class Memory:
    """One source's schema; commits carry increasing times 1, 2, 3 ..."""

    def __init__(self, *collections: Collection) -> None:
        self.source = f"source_{next(_numbers)}"
        self.registry = Registry(collections)
        self.codec = RecordCodec(self.registry)
        self.commits = 0
        connection().execute(f"CREATE SCHEMA {self.source}")

    def commit(self, *what: Sight | Gone | Closed, tables: Sequence[Collection] = ()) -> Mapping[str, Counts]:
        found = connection().execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = ?", [self.source])
        existing = [name for (name,) in found.fetchall()]
        self.commits += 1
        connection().execute(merge.set_now(self.commits))
        writer = Writer(connection(), self.source, self.registry, existing, {})
        done = writer.write(
            Commit(
                tables=tables,
                decoded=[self.codec.decode(one) for one in what if isinstance(one, Sight)],
                gone=[one for one in what if isinstance(one, Gone)],
                closed=[one for one in what if isinstance(one, Closed)],
            )
        )
        return done.counts

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """The named columns of every row, instants as microseconds, ordered by the first."""
        listed = [f"epoch_us({one})" if one.endswith("_at") or one == "_version" else f'"{one}"' for one in columns]
        return connection().execute(f'SELECT {", ".join(listed)} FROM {self.source}."{table}" ORDER BY 1').fetchall()

    def types(self, table: str) -> dict[str, str]:
        found = connection().execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?",
            [self.source, table],
        )
        return dict(found.fetchall())


def sight(collection: str, *objects: Mapping[str, Any], version: int | Sequence[int] = 1, **more: Any) -> Sight:
    return Sight(collection, json.dumps(objects, separators=(",", ":")).encode(), version, **more)
