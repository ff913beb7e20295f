"""Catchment: cloud apps synced into a warehouse. What connectors import, each name loaded where it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework import heads
    from framework.basis import Basis
    from framework.changes import Changes
    from framework.collection import Child, Collection, Column
    from framework.connector import Access, Connector, Identity, Judge
    from framework.errors import Kind, Refused
    from framework.export import Export
    from framework.feed import DAY, SECOND, Answer, Cost, Feed, Pass, Request, Slice, State, Step, View
    from framework.guide import Guide, Key, Way
    from framework.limits import Allowance, Rate
    from framework.listing import Listing
    from framework.pages import Pages, Recent
    from framework.session import Grant
    from framework.sight import Gone, Sight

    __version__: str

__all__ = [
    "DAY",
    "SECOND",
    "Access",
    "Allowance",
    "Answer",
    "Basis",
    "Changes",
    "Child",
    "Collection",
    "Column",
    "Connector",
    "Cost",
    "Export",
    "Feed",
    "Gone",
    "Grant",
    "Guide",
    "Identity",
    "Judge",
    "Key",
    "Kind",
    "Listing",
    "Pages",
    "Pass",
    "Rate",
    "Recent",
    "Refused",
    "Request",
    "Sight",
    "Slice",
    "State",
    "Step",
    "View",
    "Way",
    "__version__",
    "heads",
]

_HOMES = {
    "Basis": "framework.basis",
    "Changes": "framework.changes",
    **dict.fromkeys(("Child", "Collection", "Column"), "framework.collection"),
    **dict.fromkeys(("Access", "Connector", "Identity", "Judge"), "framework.connector"),
    **dict.fromkeys(("Kind", "Refused"), "framework.errors"),
    "Export": "framework.export",
    **dict.fromkeys(
        ("Answer", "Cost", "DAY", "Feed", "Pass", "Request", "SECOND", "Slice", "State", "Step", "View"),
        "framework.feed",
    ),
    **dict.fromkeys(("Guide", "Key", "Way"), "framework.guide"),
    **dict.fromkeys(("Allowance", "Rate"), "framework.limits"),
    "Listing": "framework.listing",
    **dict.fromkeys(("Pages", "Recent"), "framework.pages"),
    "Grant": "framework.session",
    **dict.fromkeys(("Gone", "Sight"), "framework.sight"),
}


def __getattr__(name: str) -> object:
    """Imports a public name where it is first used."""
    value: object
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            value = version("catchment")
        except PackageNotFoundError:  # a source tree that was never installed
            value = "0+unknown"
    elif name == "heads":  # a module: how a feed of one's own reads the few fields that steer it
        from framework import heads as value
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
