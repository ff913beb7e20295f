"""Changes of a source's schema, and what is done about each: decided here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

What = Literal[
    "table_created", "column_added", "column_widened", "column_renamed", "column_excluded", "column_selected",
    "shape_changed", "version_moved", "collection_deselected", "collection_selected",
]  # fmt: skip

_LATER = "rows that come from now on have it; `catchment resync {name}` reads the stored ones again"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a collection's schema, as `catchment.schema_changes` has it; ``action`` is what was done."""

    collection: str
    change: What
    column: str = ""
    before: str = ""
    after: str = ""
    action: str = ""


def created(collection: str, columns: int) -> Change:
    """A table was made."""
    return Change(
        collection, "table_created", after=f"{columns} columns", action="nothing to do: its first reading fills it"
    )


def appeared(source: str, collection: str, column: str, kind: str, *, room: bool) -> Change:
    """A field that no column held got one; without room in the table its values go to the column for the rest."""
    action = _LATER.format(name=f"{source}.{collection}")
    if not room:
        action = f"the table has no room for it: its values are in _overflow; {action}"
    return Change(collection, "column_added", column, after=kind, action=action)


def renamed(source: str, collection: str, wanted: str, column: str) -> Change:
    """A field that no column held got one under another name than its own, which another field had first."""
    action = f"{wanted} stays the column of the field that had the name first; {_LATER}"
    return Change(collection, "column_renamed", column, wanted, column, action.format(name=f"{source}.{collection}"))


def widened(collection: str, column: str, before: str, after: str) -> Change:
    """A column's type became wider."""
    return Change(collection, "column_widened", column, before, after, "widened in place, every value kept")
