"""The rows of a collection in the pages of a step, by their keys, wherever in an object they are: for few pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framework import page
from framework.feed import Step
from framework.sight import Sight

if TYPE_CHECKING:
    from framework.connector import Connector

Keyed = tuple[str, dict[str, Any]]  # a row after its key


def shown(connector: Connector, name: str, step: Step) -> Iterator[Keyed]:
    """The rows of whole sights."""
    for sight in step.sights:
        for row in _objects(sight) if not sight.columns else ():
            yield from _inside(connector, name, sight.collection, row)


def _inside(connector: Connector, name: str, place: str, row: dict[str, Any], key: str = "") -> Iterator[Keyed]:
    """The rows of a collection in an object of another, or itself."""
    collection = connector.collection(place)
    if collection is None:
        return
    key = key or str(row.get(collection.identity, ""))
    if place == name:
        yield key, row
    for child in collection.children:
        for n, (member, into) in enumerate(child.members(row)):
            inner = connector.collection(into)
            yield from _inside(connector, name, into, member, f"{key}_{n}" if inner and inner.numbered else "")


def _objects(sight: Sight) -> list[dict[str, Any]]:
    found = page.exact(sight.data)
    rows = found.get(sight.at, ()) if sight.at else found
    return [row for row in rows if isinstance(row, dict)]
