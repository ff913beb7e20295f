"""catchment.yaml -> typed settings, with secrets hidden and errors that name file, line and column.

Only what a command uses is imported: ``load`` brings pydantic and PyYAML, ``ConfigError`` brings nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.errors import ConfigError
from config.template import TEMPLATE

if TYPE_CHECKING:
    from config.models import RateLimit, Schedule, Source, Timeouts
    from config.selection import Choice, Selection, choose
    from config.settings import Settings, load

__all__ = [
    "TEMPLATE",
    "Choice",
    "ConfigError",
    "RateLimit",
    "Schedule",
    "Selection",
    "Settings",
    "Source",
    "Timeouts",
    "choose",
    "load",
]

_HOMES = {
    **dict.fromkeys(("RateLimit", "Schedule", "Source", "Timeouts"), "config.models"),
    **dict.fromkeys(("Choice", "Selection", "choose"), "config.selection"),
    **dict.fromkeys(("Settings", "load"), "config.settings"),
}


def __getattr__(name: str) -> object:
    """Imports a public name where it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
