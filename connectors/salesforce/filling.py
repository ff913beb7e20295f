"""Columns that stored rows lack: read by themselves where the rows' stamps tell that they are the same, else with all.

A new field's past values move no stamp, so only a reading of their own brings them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from connectors.salesforce import jobs
from connectors.salesforce.describe import MOVING
from framework import lacking
from framework.feed import Pass, Slice, State, View

if TYPE_CHECKING:
    from connectors.salesforce.query import Query

FILTERED = 10  # columns that one condition names: beyond that every row is asked for them
NOTHING = "Id = null"  # the condition that no row meets


def names(feed: Query) -> dict[str, str]:
    """The vendor's fields, each with its column."""
    return {str(column.path[0]): column.name for column in feed.collections[0].columns}


def lacks(feed: Query, state: State, view: View) -> list[str]:
    """Columns that were left out, or whose fields appeared since the rows were read."""
    known, columns = state.memory.get("columns"), names(feed)
    new = {columns[name] for name in feed.fields if known is not None and name not in known}
    left = lacking.lacks(state, view, [feed.name]).get(feed.name, ())
    return sorted(new.union(left) - view.excluded.get(feed.name, frozenset()))


def first(feed: Query, columns: Collection[str], whole: Slice) -> Slice:
    """The slice that reads these columns: of rows that have a value, where that can be asked; else of ``whole``."""
    fields = [name for name, column in names(feed).items() if column in columns and name in feed.fields]
    if feed.stamp not in MOVING or not fields:
        return whole
    if len(fields) <= FILTERED and not feed.unasked.intersection(fields):
        return {"id": "list", "kind": "list", "lo": 0, "fill": fields, "new": fields}
    return {**whole, "fill": fields}


def brought(feed: Query, slice_: Slice) -> frozenset[str]:
    """The columns that a slice's partial sights have; none of one that reads rows whole."""
    columns = names(feed)
    return frozenset(columns[name] for name in slice_.get("fill", ()) if name not in slice_.get("without", ()))


def condition(feed: Query, slice_: Slice) -> str:
    """Which rows a slice asks for."""
    if slice_.get("fill") and not brought(feed, slice_):
        return NOTHING
    asked = " OR ".join(f"{name} != null" for name in slice_.get("new", ()))
    return f"({asked})" if asked else ""


def without(slice_: Slice, lost: Sequence[str]) -> Slice:
    """The slice without fields that the vendor says it does not know."""
    kept = {"new": [name for name in slice_["new"] if name not in lost]} if "new" in slice_ else {}
    return {**jobs.plain(slice_), "kind": slice_["kind"], "without": list(lost), **kept}


def whole(slice_: Slice) -> Slice:
    """The slice that reads rows whole instead."""
    return {name: value for name, value in jobs.plain(slice_).items() if name not in ("fill", "new", "without")}


def lost(slice_: Slice) -> dict[str, Any]:
    """A step's note of the fields that its answer was to have and goes without."""
    return {"lost": slice_["without"]} if slice_.get("without") else {}


def read(feed: Query, state: State, done: Pass, view: View) -> None:
    """Notes with which fields all rows were read by now, those of a pass that has ended among it."""
    columns, gone, known = names(feed), done.notes.get("lost", ()), state.memory.get("columns")
    given = done.notes.get("columns", {}).get(feed.name, ())
    if gone:
        given = [column for column in given if column not in {columns[name] for name in gone}]
        done.notes["columns"] = {feed.name: given}
        lacking.put_off(state, view.run)
    all_rows = done.why in ("first", "relist") or (done.why == "gap" and not done.notes.get("since"))
    if all_rows or done.notes.get("whole"):
        known = [name for name in feed.fields if name in done.notes.get("fields", feed.fields)]
    elif done.why == "fill":
        known = [*(known or ()), *(name for name, column in columns.items() if column in given)]
    if known is not None:
        state.memory["columns"] = [name for name in dict.fromkeys(known) if name not in gone]
