"""Changes of a source's schema, and what is done about each: decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

What = Literal[
    "table_created", "column_added", "column_widened", "column_renamed", "column_excluded", "column_selected",
    "column_sought", "column_filled", "shape_changed", "version_moved", "collection_deselected", "collection_selected",
]  # fmt: skip

# Changes after which a collection is read again as a whole, by generation: stored rows were made by another shape.
READ_AGAIN: frozenset[What] = frozenset({"column_added", "shape_changed", "version_moved"})
_AGAIN = "read again in place, every row"
_EVENT = "nothing to do for stored rows: what happened stays as it was told; rows that come from now on have it"
_FILLED = "its values are read for the stored rows; in those that the vendor no longer shows it stays empty"
_READ = "nothing to do for stored rows: they were read with it"
_SEEK = "rows that come from now on have it; whether stored ones do is asked before a run ends, and told when it was"
_SOUGHT = {
    "shown": "stored rows have it as well: they are read again for it",
    "hidden": "stored rows do not have it: nothing to fill",
    "read": "all stored rows have been read since it came: nothing to fill",
}


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


def appeared(collection: str, column: str, kind: str, *, room: bool, event: bool, met: bool) -> Change:
    """A field that no column held got one; without room in the table its values go to the column for the rest.

    ``met``: the table was full when the field first came.
    """
    action = _EVENT if event else _SEEK if met else _READ
    if not room:
        action = f"the table has no room for it: its values are in _overflow; {action}"
    return Change(collection, "column_added", column, after=kind, action=action)


def renamed(collection: str, wanted: str, column: str, *, event: bool, met: bool) -> Change:
    """A field that no column held got one under another name than its own, which another field had first."""
    action = f"{wanted} stays the column of the field that had the name first; "
    action += _EVENT if event else _SEEK if met else _READ
    return Change(collection, "column_renamed", column, wanted, column, action)


def sought(collection: str, column: str, found: Literal["shown", "hidden", "read"]) -> Change:
    """Whether stored rows lack a column that appeared."""
    return Change(collection, "column_sought", column, action=_SOUGHT[found])


def filled(collection: str, column: str) -> Change:
    """A column that appeared was read for the stored rows."""
    return Change(collection, "column_filled", column, action="read for the stored rows, as far back as the table goes")


def widened(collection: str, column: str, before: str, after: str) -> Change:
    """A column's type became wider."""
    return Change(collection, "column_widened", column, before, after, "widened in place, every value kept")


def read_again(changes: Iterable[Change]) -> frozenset[str]:
    """The collections whose generation changes raise."""
    return frozenset(one.collection for one in changes if one.change in READ_AGAIN and one.action == _AGAIN)


def declared(collection: str, column: str, kind: str, *, event: bool, named: bool) -> Change:
    """A declaration has a column more; ``named``: the feed asks for fields by name, and fills new ones by itself."""
    action = _EVENT if event else "its values are read for the rows that have one" if named else _AGAIN
    return Change(collection, "column_added", column, after=kind, action=action)


def reshaped(collection: str, column: str, before: str, after: str, *, event: bool) -> Change:
    """A column's declared type or path is another, or, without a column, how the collection's rows come about."""
    return Change(collection, "shape_changed", column, before, after, _EVENT if event else _AGAIN)


def version_moved(collection: str, before: str, after: str, *, event: bool) -> Change:
    """The version of the API that the connector is pinned to is another: it may render rows differently."""
    return Change(collection, "version_moved", "", before, after, _EVENT if event else _AGAIN)


def excluded(collection: str, column: str) -> Change:
    """A column is to be left out from now on."""
    action = "stored nowhere from now on; stored values stay until their rows are seen again"
    return Change(collection, "column_excluded", column, action=action)


def included(collection: str, column: str) -> Change:
    """A column that was left out is wanted again."""
    return Change(collection, "column_selected", column, action=_FILLED)


def deselected(collection: str) -> Change:
    """A collection with a table is no longer selected."""
    return Change(collection, "collection_deselected", action="the table stays as it is")


def selected(collection: str) -> Change:
    """A collection that has a table from before is selected again."""
    return Change(collection, "collection_selected", action="brought up to date from where it was left")
