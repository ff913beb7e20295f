"""What most commands begin with: the settings, and the state database that they name."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catchment.query import Column
    from config import Settings
    from state import State
    from warehouse_loader.destination import Destination

    Rows = Iterator[list[tuple[Any, ...]]]
    Answer = Callable[[str], tuple[list[Column], Rows]]


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
        return State.open(settings.state, Path(settings.file).absolute().parent / ".catchment")
    except StateError as error:
        raise settings.error(("state",), error.message, error.hint) from None


def warehouse(settings: Settings) -> Destination:
    """The warehouse, to look at what it keeps. Raises ConfigError for an address that none can have."""
    from framework.warehouse import WarehouseError
    from warehouse_loader import destination_at

    try:
        return destination_at(settings.warehouse)
    except WarehouseError as error:
        raise settings.error(("warehouse",), str(error), error.hint) from None


def warehouse_file(settings: Settings) -> Path | None:
    """The DuckDB file; None for a warehouse of another kind."""
    scheme, _, rest = settings.warehouse.partition("://")
    return Path(rest[1:]) if scheme == "duckdb" else None


@contextmanager
def answering(settings: Settings) -> Iterator[tuple[Answer, Callable[[], None]]]:
    """What answers a query on the warehouse, and what makes it stop."""
    from catchment import output
    from warehouse_loader import read_only

    file = warehouse_file(settings)
    if file is None:
        from catchment.postgresql_query import answer as postgresql_answer

        with warehouse(settings).reading() as reader:
            yield partial(postgresql_answer, reader), reader.interrupt  # type: ignore[arg-type, union-attr]
        return
    from catchment.query import answer

    if not file.exists():
        raise output.Failure(f"there is no warehouse at {file} yet", "`catchment sync` makes it")
    with read_only(settings.warehouse) as connection:
        yield partial(answer, connection), connection.interrupt
