"""Erasure that no sight tells of: what hangs on something that the vendor has erased loses what it said, too."""

from __future__ import annotations

from collections.abc import Collection as Names
from dataclasses import dataclass

from framework.collection import Collection
from warehouse_loader.destination import Session
from warehouse_loader.dialect import literal, quote, table
from warehouse_loader.registry import Registry


@dataclass(frozen=True, slots=True)
class Eraser:
    """The erasure of one collection's rows, where the tables and columns that tell of it are there.

    ``way``: the tables from the row's next on, joined to ``t``; ``said``: what the last of them, ``o``, shows.
    """

    whole: str
    way: str
    said: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, session: Session, source: str, registry: Registry, name: str, there: Names[str]) -> Eraser | None:
        """None where nothing is declared, nothing can be known, or nothing is erased at the vendor."""
        collection: Collection = registry.collections[name]
        erased = collection.erased
        if erased is None or not {name, *(of for _, of in erased.path)} <= there & registry.collections.keys():
            return None
        owner, own = erased.path[-1][1], session.columns(source, name)
        columns = tuple(column for column in erased.columns if column in own)
        if not columns or not {column for column, _ in erased.shown} <= session.columns(source, owner).keys():
            return None
        says = [f"o.{quote(column)} = {literal(value)}" for column, value in erased.shown]
        said = " AND ".join(["o._deleted_at IS NOT NULL", *says])
        if not session.rows(f"SELECT 1 FROM {table(source, owner)} o WHERE {said} LIMIT 1"):
            return None
        names = ["t", *(f"s{at}" for at in range(1, len(erased.path))), "o"]
        listed, joined = [], []
        for here, next_, (link, of) in zip(names, names[1:], erased.path, strict=False):
            listed.append(f"{table(source, of)} {next_}")
            joined.append(f"{next_}.{quote(registry.collections[of].key)} = {here}.{quote(link)}")
        way = f"{', '.join(listed)} WHERE {' AND '.join(joined)}"
        return cls(table(source, name), way, said, columns)

    @property
    def kept(self) -> str:
        """Which rows ``t`` stay as they are, whatever comes of them."""
        return f"EXISTS (SELECT 1 FROM {self.way} AND {self.said})"

    def erase(self, session: Session) -> int:
        """Takes it out of the rows, where this commit tells of either side; how many."""
        now = session.dialect.now
        sets = ", ".join(f"{quote(column)} = NULL" for column in self.columns)
        filled = " OR ".join(f"t.{quote(column)} IS NOT NULL" for column in self.columns)
        return sum(
            session.change(
                f"UPDATE {self.whole} AS t SET {sets}, _synced_at = {now} FROM {self.way} "
                f"AND {told}._synced_at = {now} AND {self.said} AND ({filled})"
            )
            for told in ("o", "t")
        )
