"""What most commands begin with: the settings, and the state database that they name."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config import Settings
    from state import State


def settings(args: Namespace) -> Settings:
    """Reads the configuration that ``args`` names. Raises ConfigError."""
    from config import load

    found = load(Path(args.config) if args.config else None, os.environ)
    args.settings = found  # for whoever has to explain a mishap: where logs are, and what must be masked
    return found


def state(settings: Settings) -> State:
    """Opens the state database. Raises ConfigError that points at its address when it cannot be used."""
    from state import State, StateError

    try:
        return State.open(settings.state)
    except StateError as error:
        raise settings.error(("state",), error.message, error.hint) from None


def warehouse_file(settings: Settings) -> Path:
    """The DuckDB file. Raises ConfigError for a warehouse of another kind."""
    scheme, _, rest = settings.warehouse.partition("://")
    if scheme != "duckdb":
        raise settings.error(
            ("warehouse",), f"a warehouse in {scheme} is not supported yet", "write duckdb:///warehouse.duckdb"
        )
    return Path(rest[1:])
