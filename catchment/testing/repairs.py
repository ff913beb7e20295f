"""Tables harmed by hand, and whether reading them again in place makes them right, killed in its middle."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catchment import registry
from catchment.testing.kit import SOURCE, Vendor, unwell
from catchment.testing.processes import Project
from framework.collection import Collection
from framework.connector import Connector
from framework.pages import Recent

HOUR = 3600.0
SETTLED = 700  # seconds: a reading cannot vouch for what is younger
KILLED_AFTER = 0.4  # of the calls of a first sync


def repairs(vendor: Vendor, directory: Path, *, steps: int = 60) -> None:
    """A resync that is killed goes on in the next plain sync: wrong cells and marks, rows lost and rows never there.

    Meanwhile the account lives on, and what is new comes as it always does.
    """
    project = vendor.project(directory)
    first = vendor.sync(project)
    vendor.exact(project, "after the first sync")
    now = float(vendor.imitation.order("/clock", offset=0)["now"])
    vendor.live(steps)
    ghosts = harm(project, vendor, now - HOUR)
    assert ghosts, "nothing was harmed"
    vendor.imitation.order("/clock", offset=SETTLED)
    begun = vendor.calls
    vendor.imitation.order("/latency", seconds=0.05)
    try:
        with project.start("resync", SOURCE, "--json") as running:
            assert running.reaches(lambda: vendor.calls - begun > KILLED_AFTER * first["api_calls"])
            running.send(signal.SIGKILL)
    finally:
        vendor.imitation.order("/latency", seconds=0.0)
    assert unread(project), "killed before it began, or when it was done"
    forget(project)
    document = project.sync()
    assert document["status"] == "succeeded", unwell(document)
    assert not unread(project), "a plain sync goes on with what a resync has begun"
    for table, (key, ghost) in ghosts.items():
        with opened(project) as connection:
            gone = f'FROM {SOURCE}."{table}" WHERE "{key}" = ? AND _deleted_at IS NOT NULL'
            assert connection.execute(f"SELECT count(*) {gone}", [ghost]).fetchall() == [(1,)], (
                f"{table}: {ghost} lives"
            )
            connection.execute(f"DELETE {gone}", [ghost])
    vendor.exact(project, "after the resync")
    forget(project)
    repeated = vendor.sync(project)
    assert not [c for c in repeated["collections"] if c["inserted"] + c["deleted"] + c["restored"]], "it settles"


def forget(project: Project) -> None:
    """Loses the state database: what is to be known of marks is in the warehouse, and limits begin anew."""
    (project.directory / ".catchment" / "state.db").unlink()


def harm(project: Project, vendor: Vendor, deleted_at: float) -> dict[str, tuple[str, Any]]:
    """Harms rows of every table. Returns the rows that the vendor never had: table -> name and value of their key."""
    connector = registry.connector(vendor.trial.source(vendor.imitation.info)["connector"])
    ghosts = {}
    there = {
        str(one.object.get("id", one.object.get("Id"))) for one in vendor.imitation.truth() if one.deleted_at is None
    }
    with opened(project) as connection:
        query = "SELECT collection, column_name FROM catchment.columns WHERE source = ? AND type = 'text' ORDER BY ALL"
        texts = connection.execute(query, [SOURCE]).fetchall()
        for collection in _known(connector, [table for table, _ in texts]):
            names = [name for table, name in texts if table == collection.name and name != collection.key]
            own = _proves(connector, collection)
            parents = [c for c in connector.collections if any(collection.name in x.collections() for x in c.children)]
            marked = deleted_at if own or any(_proves(connector, parent) for parent in parents) else 0.0
            ghost = _harmed(connection, collection, names, marked, there, own=own)
            if ghost is not None:
                ghosts[collection.name] = (collection.key, ghost)
    return ghosts


def _harmed(
    connection: Any, collection: Collection, texts: list[str], deleted_at: float, there: set[str], *, own: bool
) -> Any:
    """Harms rows of one table: one is lost, one has a wrong cell, one a wrong mark, and one was never there.

    Returns the key of that one, if there is one. Of what happened, rows are only lost. ``there``: what the vendor still
    has, for no reading can repair the rest.
    """
    whole, key = f'{SOURCE}."{collection.name}"', f'"{collection.key}"'
    newest = f"SELECT {key} FROM {whole} WHERE _deleted_at IS NULL ORDER BY _version DESC, {key}"
    keys = [row[0] for row in connection.execute(newest).fetchall() if str(row[0]) in there][:3]
    ghost = None
    if own and keys and collection.kind == "object":
        ghost = 987_654_321_987 if isinstance(keys[0], int) else "ghost"
        connection.execute(f"INSERT INTO {whole} SELECT * REPLACE (? AS {key}) FROM {whole} WHERE {key} = ?",
                           [ghost, keys[0]])  # fmt: skip
    connection.execute(f"DELETE FROM {whole} WHERE {key} = ?", keys[:1] or [None])
    if collection.kind == "event":
        return None
    if len(keys) > 1 and texts:
        connection.execute(f"UPDATE {whole} SET \"{texts[0]}\" = 'harmed' WHERE {key} = ?", keys[1:2])
    for one in keys[2:] if deleted_at else ():
        connection.execute(f"UPDATE {whole} SET _deleted_at = to_timestamp(?) WHERE {key} = ?", [deleted_at, one])
    return ghost


def _known(connector: Connector, tables: list[str]) -> Iterator[Collection]:
    for name in dict.fromkeys(tables):
        yield connector.collection(name) or Collection(name)


def _proves(connector: Connector, collection: Collection) -> bool:
    """Whether a list of its own tells what is no longer there: not one of what happened lately."""
    own = [feed for feed in connector.feeds if feed.listing and feed.fills[0] == collection.name]
    return bool(own) and not isinstance(own[0], Recent)


def unread(project: Project) -> list[str]:
    """The feeds that are still to read something again."""
    with opened(project) as connection:
        query = f"SELECT name, document FROM {SOURCE}._catchment_state WHERE kind = 'feed' AND name LIKE 'again/%'"
        states = {name: json.loads(document) for name, document in connection.execute(query).fetchall()}
    return [name for name, state in states.items() if state["open"] or _behind(state["memory"])]


def _behind(memory: dict[str, Any]) -> bool:
    reached = memory.get("reached", {})
    return any(number > reached.get(name, 0) for name, (number, _) in memory["raised"].items())


@contextmanager
def opened(project: Project) -> Iterator[Any]:
    """The warehouse's file, as another program opens it."""
    import duckdb

    with duckdb.connect(str(project.warehouse)) as connection:
        yield connection
