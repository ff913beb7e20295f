"""The load step alone: what the loader commits into PostgreSQL, beside a bare COPY and merge of the same rows.

Usage: python -m benchmarks.postgresql_merge IMITATION KEY DATABASE ROUNDS: one JSON line a round with seconds of wall
and processor for each of the two. Both get columns that are decoded already, and empty tables that are there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

from adbc_driver_postgresql import dbapi

from benchmarks.contestants import NINE
from connectors.stripe import COLLECTIONS
from framework.sight import Sight
from framework.warehouse import Commit, Warehouse
from warehouse_loader import open_warehouse
from warehouse_loader.batch import assemble
from warehouse_loader.postgresql_session import DIALECT
from warehouse_loader.postgresql_stage import copied, sql_type

PATHS = {name: f"/v1/{name}?limit=100" for name in NINE} | {"subscriptions": "/v1/subscriptions?limit=100&status=all"}
VERSION = 1_790_000_000_000_000
PACKED = 10  # pages that the engine packs at once


def main(url: str, key: str, database: str, rounds: int) -> None:
    pages = list(_pages(url, key))
    for number in range(rounds):
        with TemporaryDirectory() as folder:
            house = open_warehouse(database, f"ours_{number}", _wanted(), scratch=Path(folder))
            house.commit(Commit(tables=_wanted(), feeds={"f": (0, "{}")}))
            decoded = _decoded(house, pages)
            with house.place.reading() as session:
                backend = session.rows("SELECT pg_backend_pid()")[0][0]
            bare = Bare(database, f"bare_{number}", house, _decoded(house, pages))
            turns = {
                "ours": lambda house=house, work=decoded, at=backend: _timed(lambda: _commit(house, work), at),
                "bare": lambda bare=bare: _timed(bare.load, bare.backend()),
            }
            order = list(turns) if number % 2 else list(reversed(turns))
            costs = {name: turns[name]() for name in order}
            if bare.counted(f"ours_{number}") != bare.counted(f"bare_{number}"):
                raise RuntimeError("the two did not load the same rows")
        print(json.dumps({**costs, "rows": bare.rows}), flush=True)


def _wanted() -> list[Any]:
    carried = {child for c in COLLECTIONS if c.name in NINE for one in c.children for child in one.collections()}
    return [one for one in COLLECTIONS if one.name in {*NINE, *carried}]


def _pages(url: str, key: str) -> Iterator[tuple[str, bytes]]:
    for name, path in PATHS.items():
        target = path
        while True:
            with urlopen(Request(url + target, headers={"Authorization": f"Bearer {key}"}), timeout=60) as answer:
                page = json.load(answer)
            yield name, json.dumps(page["data"], separators=(",", ":")).encode()
            if not page["has_more"]:
                break
            target = f"{path}&starting_after={page['data'][-1]['id']}"


def _decoded(house: Warehouse, pages: Sequence[tuple[str, bytes]]) -> list[list[Any]]:
    """What each commit gets, cut as the engine cuts it by the warehouse's pace."""
    codec, commits, waiting, rows = house.codec(), list[list[Any]](), list[Any](), 0
    for start in range(0, len(pages), PACKED):
        page = codec.pack([codec.decode(Sight(name, data, VERSION)) for name, data in pages[start : start + PACKED]])
        waiting.append(page)
        rows += page.rows
        if rows >= house.pace.rows:
            commits.append(waiting)
            waiting, rows = [], 0
    return [*commits, waiting] if waiting else commits


def _commit(house: Warehouse, commits: Sequence[Sequence[Any]]) -> None:
    for rev, decoded in enumerate(commits, 1):
        house.commit(Commit(decoded=decoded, feeds={"f": (rev, "{}")}))


class Bare:
    """COPY into a temporary table, INSERT ... ON CONFLICT if newer, COMMIT: as little as makes the rows right."""

    def __init__(self, database: str, schema: str, house: Any, commits: Sequence[Sequence[Any]]) -> None:
        self.schema, self.rows = schema, 0
        self.connection = dbapi.connect(database, autocommit=False)
        self.commits: list[dict[str, Any]] = []
        columns: dict[str, dict[str, str]] = {}
        for pages in commits:
            work: dict[str, list[Any]] = {}
            for page in pages:
                for packed in page.packed:
                    work.setdefault(packed.collection, []).append(packed)
            tables = {n: assemble(house._registry[n], packed, {}, lambda _: {}).table for n, packed in work.items()}
            self.rows += sum(table.num_rows for table in tables.values())
            self.commits.append(tables)
            for name, layout in ((name, house._registry[name]) for name in tables):
                columns[name] = {leaf.name: DIALECT.types[leaf.kind] for leaf in layout.columns}
                columns[name]["_version"] = "timestamptz"
        self._run(f"CREATE SCHEMA {schema}")
        for name, kinds in columns.items():
            listed = ", ".join(f'"{column}" {kind}' for column, kind in kinds.items())
            self._run(f'CREATE TABLE {schema}.{name} ({listed}, PRIMARY KEY ("id"))')
        self.connection.commit()

    def load(self) -> None:
        for tables in self.commits:
            for name, table in tables.items():
                listed = ", ".join(f'"{field.name}" {sql_type(field.type)}' for field in table.schema)
                self._run(f"CREATE TEMP TABLE batch ({listed}) ON COMMIT DROP")
                with self.connection.cursor() as cursor:
                    cursor.adbc_ingest("batch", copied(table), mode="append", temporary=True)
                named = ", ".join(f'"{column}"' for column in table.column_names)
                sets = ", ".join(f'"{column}" = excluded."{column}"' for column in table.column_names)
                self._run(
                    f"INSERT INTO {self.schema}.{name} AS t ({named}) SELECT {named} FROM batch "
                    f'ON CONFLICT ("id") DO UPDATE SET {sets} WHERE excluded._version > t._version'
                )
                self._run("DROP TABLE batch")
            self.connection.commit()

    def counted(self, schema: str) -> int:
        """All rows of a schema's tables that the load filled."""
        with self.connection.cursor() as cursor:
            total = 0
            for name in {name for tables in self.commits for name in tables}:
                cursor.execute(f"SELECT count(*) FROM {schema}.{name}")
                total += cursor.fetchall()[0][0]
        return total

    def backend(self) -> int:
        """The server's process behind the connection."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchall()[0][0])

    def _run(self, sql: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.adbc_statement.set_sql_query(sql)
            cursor.adbc_statement.execute_update()


def _timed(work: Callable[[], None], backend: int) -> tuple[float, float]:
    """Seconds of wall, and of processor here and in the server's process."""
    wall, cpu = time.monotonic(), time.process_time() + _spent(backend)
    work()
    return time.monotonic() - wall, time.process_time() + _spent(backend) - cpu


def _spent(process: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(*sys.argv[1:4], rounds=int(sys.argv[4]))
