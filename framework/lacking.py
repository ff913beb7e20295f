"""Columns that stored rows lack: they were left out, or were not there yet, when the rows were read."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from framework.collection import Collection
from framework.feed import Feed, Pass, State, View
from framework.sight import Sight

Columns = Mapping[str, Sequence[str]]  # collection -> names of its columns


def note(feed: Feed, state: State, view: View) -> bool:
    """Notes before anything is read what this run does not read; whether the document changed.

    It must be durable with the first row that goes without: a run may end at any time.
    """
    changed = False
    for name in feed.fills if feed.listing else feed.fills[:1]:
        known = state.memory.get("left", {}).get(name, ())
        if view.excluded.get(name, frozenset()) - set(known):
            state.memory.setdefault("left", {})[name] = sorted(view.excluded[name].union(known))
            changed = True
    notes = state.open.notes if state.open else {}
    for name, columns in state.memory.get("appeared", {}).items():  # which rows lack them is another question now
        for one in view.excluded.get(name, frozenset()) & columns.keys():
            del columns[one]
            changed = True
    for name, columns in notes.get("columns", {}).items():
        notes["columns"][name] = kept = [one for one in columns if one not in view.excluded.get(name, ())]
        changed |= kept != columns
    for place, name in ((state.memory, "columns"), (notes, "fields")) if (fields := named(feed)) else ():
        known = place.get(name)
        if known is not None:
            place[name] = kept = [one for one in known if one in fields]
            changed |= kept != known
    return changed


def named(feed: Feed) -> Sequence[str]:
    """The fields that a feed asks for by name; none where rows come whole."""
    return getattr(feed, "fields", ())


def lacks(state: State, view: View, names: Sequence[str]) -> dict[str, list[str]]:
    """Columns of these collections that were left out and are wanted now."""
    left = {name: set(state.memory.get("left", {}).get(name, ())) - view.excluded.get(name, set()) for name in names}
    return {name: sorted(columns) for name, columns in left.items() if columns}


def fill(state: State, view: View, columns: Columns) -> Pass | None:
    """The pass that reads them, as far back as the tables reach; None when none is lacking, or this run was refused."""
    if not columns or state.memory.get("unfilled") == view.run:
        return None
    notes = {"columns": {name: list(these) for name, these in columns.items()}}
    return Pass("fill", list(columns), notes={**notes, "start": state.memory.get("start", view.start)})


def order(opened: Pass, feed: Feed, state: State, view: View) -> None:
    """Notes with what fields a pass begins, and what a first one gives to rows that are there already."""
    if (fields := named(feed)) and (opened.why in ("first", "relist", "gap") or opened.notes.get("whole")):
        opened.notes["fields"] = list(fields)
    if opened.why == "first" and (columns := lacks(state, view, opened.fills)):
        opened.notes.setdefault("columns", columns)


def put_off(state: State, run: str) -> None:
    """Leaves what could not be filled to another run, so that it holds up nothing else."""
    state.memory["unfilled"] = run


def filled(state: State, done: Pass, refused: Names[str], run: str) -> None:
    """Forgets what a finished pass has filled; what it was refused of that is put off."""
    read = {name: columns for name, columns in done.notes.get("columns", {}).items() if name in done.fills}
    given = {name: columns for name, columns in read.items() if name not in refused}
    if given != read:
        put_off(state, run)
    left = {
        name: [one for one in columns if one not in given.get(name, ())]
        for name, columns in state.memory.pop("left", {}).items()
    }
    if left := {name: columns for name, columns in left.items() if columns}:
        state.memory["left"] = left


def shown(sight: Sight, opened: Pass | None, collection: Collection) -> Iterator[Sight]:
    """A whole sight as the pass needs it: what happened once is never replaced, so its columns are filled apart."""
    columns = opened.notes.get("columns", {}).get(collection.name) if opened else None
    if opened is None or opened.why != "fill" or collection.kind == "object":
        yield sight
    if columns and collection.kind == "event":
        yield replace(sight, columns=frozenset(columns), fresh=frozenset())
