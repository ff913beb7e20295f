"""What the shared SQL leaves to each destination: its types, and a few spellings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from warehouse_loader.lattice import Kind

SYSTEM = ("_version", "_synced_at", "_deleted_at")
OVERFLOW = "_overflow"  # JSON: the columns that a table has no room for
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one destination says what the standard does not.

    ``types``: our types in its SQL. ``kinds``: types as its own catalog names them, in our words.
    ``now``: the time of the commit. ``micros``: the microseconds since 1970 of an instant ``{}``.
    ``row``: where a row lies in its table; "" where that can change, then its key leads to it.
    ``arrival``: what orders the rows of a table about as they came. ``to_json``: a function, text to JSON string.
    ``comments``: whether columns get their descriptions as comments. ``page``: bytes that a row must fit in without its
    long values, 0 if it need not. Of JSON: ``member`` of an object by its name, the ``value`` of a ``pair`` by its id,
    and what either says as ``text``; ``matches`` tells whether a text is of a form; ``merged``: an object and another's
    members. ``rebuilds``: whether a column can be widened although views use it.
    """

    types: Mapping[Kind, str]
    kinds: Mapping[str, Kind]
    now: str
    micros: str
    row: str
    arrival: str
    to_json: str
    comments: bool
    page: int
    member: str
    pair: str
    text: str
    matches: str
    rebuilds: bool
    merged: str

    def place(self, key: str) -> str:
        """What finds a row again within one transaction."""
        return self.row or key


def quote(name: str) -> str:
    """A name as SQL writes it."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    escaped = text.replace("\0", "").replace("'", "''")
    return f"'{escaped}'"


def instant(micros: int) -> str:
    """An instant, given in microseconds since 1970."""
    at = _EPOCH + dt.timedelta(microseconds=micros)
    return f"'{at.isoformat()}'::TIMESTAMP WITH TIME ZONE"


def table(source: str, name: str) -> str:
    """A table's whole name."""
    return f"{quote(source)}.{quote(name)}"
