"""Where connectors are found: the entry points of group `catchment.connectors`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.connector import Connector


@cache
def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="catchment.connectors")}


def names() -> list[str]:
    """The installed connectors."""
    return sorted(_points())


def connector(name: str) -> Connector:
    """The connector of that name. Raises KeyError when none is installed under it."""
    found: Connector = _points()[name].load()
    return found
