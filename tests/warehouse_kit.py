"""The destinations that the contract is held against: each is one line of PLACES."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from framework.collection import Collection
from framework.remedy import Change
from framework.sight import Closed, Gone, Live, Sight
from framework.warehouse import Commit, Committed, Warehouse
from tests import postgres
from warehouse_loader import open_warehouse
from warehouse_loader.dialect import quote

_sources = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """One warehouse of a destination: how it is opened, and how another program sees it."""

    url: str
    folder: Path
    asked: Callable[[str], list[tuple[Any, ...]]]
    execute: Callable[[str], object]

    def open(self, source: str, *collections: Collection, carriers: Sequence[Collection] = ()) -> Warehouse:
        return open_warehouse(self.url, source, collections, scratch=self.folder / "scratch", carriers=carriers)

    def source(self, *collections: Collection, carriers: Sequence[Collection] = ()) -> Source:
        return Source(self, f"source_{next(_sources)}", collections, carriers)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.asked(sql)


@dataclass
class Source:
    """A schema of its own, and the one process that writes it."""

    place: Place
    name: str
    collections: Sequence[Collection]
    carriers: Sequence[Collection] = ()

    def __post_init__(self) -> None:
        self.house = self.place.open(self.name, *self.collections, carriers=self.carriers)

    def again(self, *collections: Collection, carriers: Sequence[Collection] = ()) -> Source:
        """The same schema in the next process, which may sync other collections."""
        return Source(self.place, self.name, collections or self.collections, carriers or self.carriers)

    def commit(
        self,
        *what: Sight | Gone | Closed | Live | Change,
        tables: Sequence[Collection] = (),
        feeds: Mapping[str, tuple[int, str]] | None = None,
        run: str = "",
    ) -> Committed:
        codec = self.house.codec()
        return self.house.commit(
            Commit(
                tables=tables,
                feeds=feeds or {},
                decoded=[codec.decode(one) for one in what if isinstance(one, Sight)],
                gone=[one for one in what if isinstance(one, Gone)],
                closed=[one for one in what if isinstance(one, Closed)],
                live=[one for one in what if isinstance(one, Live)],
                changes=[one for one in what if isinstance(one, Change)],
                run=run,
            )
        )

    def changes(self, *columns: str) -> list[tuple[Any, ...]]:
        """What `catchment.schema_changes` has of this source, as it came."""
        listed = ", ".join(map(quote, columns or ("collection", "change", "column_name", "before", "after")))
        arrival = self.house.place.dialect.arrival  # type: ignore[attr-defined]
        mine = f"FROM catchment.schema_changes WHERE source = '{self.name}'"
        return self.place.rows(f"SELECT {listed} {mine} ORDER BY changed_at, {arrival}")

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """The named columns of every row as text, instants as microseconds, ordered by the first."""
        micros = self.house.place.dialect.micros  # type: ignore[attr-defined]
        instants = {one for one in columns if one.endswith("_at") or one == "_version"}
        listed = [f"{micros.format(one) if one in instants else quote(one)}::VARCHAR" for one in columns]
        return self.place.rows(f'SELECT {", ".join(listed)} FROM {self.name}."{table}" ORDER BY 1')

    def types(self, table: str) -> dict[str, str]:
        """The table's columns in our words, as its own catalog has them."""
        with self.house.place.reading() as session:  # type: ignore[attr-defined]
            kinds = session.dialect.kinds
            return {name: kinds.get(kind, kind) for name, kind in session.columns(self.name, table).items()}


def _duckdb(folder: Path) -> Place:
    file = folder / "warehouse.duckdb"

    def asked(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(file), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(sql: str) -> None:
        with duckdb.connect(str(file)) as connection:
            connection.execute(sql)

    return Place(f"duckdb:///{file}", folder, asked, execute)


def _postgresql(version: int) -> Callable[[Path], Place]:
    def made(folder: Path) -> Place:
        url = postgres.new_database(version)
        return Place(url, folder, lambda sql: postgres.ask(url, sql), lambda sql: postgres.execute(url, sql))

    return made


PLACES: Mapping[str, Callable[[Path], Place]] = {
    "duckdb": _duckdb,
    **{f"postgresql-{version}": _postgresql(version) for version in postgres.VERSIONS},
}
