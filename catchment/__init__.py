"""Catchment: cloud apps synced into a warehouse. What connectors import, each name loaded where it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.changes import Changes
    from framework.collection import Child, Collection, Column
    from framework.connector import Access, Connector, Identity, Judge
    from framework.errors import Kind
    from framework.feed import Feed
    from framework.limits import Rate
    from framework.listing import Listing

    __version__: str

__all__ = [
    "Access",
    "Changes",
    "Child",
    "Collection",
    "Column",
    "Connector",
    "Feed",
    "Identity",
    "Judge",
    "Kind",
    "Listing",
    "Rate",
    "__version__",
]

_HOMES = {
    "Changes": "framework.changes",
    **dict.fromkeys(("Child", "Collection", "Column"), "framework.collection"),
    **dict.fromkeys(("Access", "Connector", "Identity", "Judge"), "framework.connector"),
    "Kind": "framework.errors",
    "Feed": "framework.feed",
    "Rate": "framework.limits",
    "Listing": "framework.listing",
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
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
