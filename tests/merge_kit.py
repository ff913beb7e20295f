"""A warehouse in memory for tests of the merge: the same writer and codec, no file."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from framework.collection import Collection
from framework.sight import Closed, Gone, Live, Sight
from framework.warehouse import Commit, Counts
from warehouse_loader import catalog, marks
from warehouse_loader.codec import RecordCodec
from warehouse_loader.duckdb_warehouse import DIALECT, DuckDBSession
from warehouse_loader.registry import Registry
from warehouse_loader.writer import Writer

_connection: duckdb.DuckDBPyConnection | None = None
_numbers = itertools.count(1)


def connection() -> duckdb.DuckDBPyConnection:
    global _connection  # noqa: PLW0603 - one for all tests of a process: opening costs more than a test
    if _connection is None:
        _connection = duckdb.connect(config={"threads": 1})
        catalog.ensure(DuckDBSession(_connection))
    return _connection


class Memory:
    """One source's schema; commits carry increasing times 1, 2, 3 ..."""

    def __init__(self, *collections: Collection, carriers: Sequence[Collection] = ()) -> None:
        self.source = f"source_{next(_numbers)}"
        self.registry = Registry(collections, carriers)
        self.codec = RecordCodec(self.registry)
        self.commits = 0
        connection().execute(f"CREATE SCHEMA {self.source}; {marks.create(DIALECT, self.source)}")

    def commit(self, *what: Sight | Gone | Closed | Live, tables: Sequence[Collection] = ()) -> Mapping[str, Counts]:
        self.commits += 1
        session = DuckDBSession(connection())
        commit = Commit(
            tables=tables,
            decoded=[self.codec.decode(one) for one in what if isinstance(one, Sight)],
            gone=[one for one in what if isinstance(one, Gone)],
            closed=[one for one in what if isinstance(one, Closed)],
            live=[one for one in what if isinstance(one, Live)],
        )
        writer = Writer(self.source, self.registry, commit, {})
        writer.prepare(session, session.tables(self.source))
        session.now(self.commits)
        done = writer.write(session)
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
