"""Whether the packages that belong to Catchment are its own: their names are common enough to be shadowed."""

from __future__ import annotations

import os
from importlib.util import find_spec

SIBLINGS = ("config", "connectors", "framework", "state", "warehouse_loader")


def shadowed() -> list[tuple[str, str]]:
    """The sibling packages that Python would take from elsewhere, each with that place ("" where there is none)."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120 - pathlib would cost its import
    found = []
    for name in SIBLINGS:
        spec = find_spec(name)
        places = list(spec.submodule_search_locations or [spec.origin or ""]) if spec else [""]
        if os.path.realpath(places[0]) != os.path.join(home, name):  # noqa: PTH118
            found.append((name, places[0]))
    return found


def complaint() -> tuple[str, str] | None:
    """What shadows our packages and what to do about it; None when all is well."""
    wrong = shadowed()
    if not wrong:
        return None
    missing = [name for name, place in wrong if not place]
    if missing:
        return (
            f"the package {missing[0]!r} is missing",
            "install Catchment again: pip install --force-reinstall catchment",
        )
    named = "; ".join(f"{name!r} comes from {place}" for name, place in wrong)
    hint = "rename or remove that, leave PYTHONPATH empty, or install Catchment into an environment of its own"
    return f"packages of Catchment are shadowed by others: {named}", hint
