"""How raw objects become rows, as data: tables, renamed columns, flattened objects, child lists and deletions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Path = tuple[str | int, ...]

MOST_BYTES = 63
_PLAIN = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Child:
    """A list inside an object whose members are rows of other tables.

    ``tables``: object type of the members -> table ("" stands for any type).
    ``parent``: the column with the parent's key.
    ``numbered``: the members have no id, their key is the parent's key and the position.
    ``ids``: the list shows ids and is a column of the parent as well.
    """

    field: str
    tables: Mapping[str, str]
    parent: str
    numbered: bool = False
    ids: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table. A field not named here is a column of its own name: a scalar as it is, anything nested as JSON.

    ``columns``: columns that must exist, with the path that each is filled from; ``allowed``: columns that may.
    ``flattened``: nested objects (by path) whose members are columns ``parent_child``.
    ``opened``: fields that some column is read out of: JSON, or flattened without loss, as the connector likes.
    ``hidden``: fields that are no columns (their members are rows elsewhere).
    ``times``: names that hold unix seconds and must be times. ``references``: lists that compare by id.
    ``mortal``: the vendor deletes such objects at all. ``announced``: a feed shows the deletion with its last payload.
    ``key``: the column that tells rows apart. ``keeps``: seconds for which the vendor keeps them, 0 = for ever.
    ``default``: synced unless deselected.
    """

    name: str
    object: str
    columns: Mapping[str, Path] = field(default_factory=dict)
    allowed: Mapping[str, Path] = field(default_factory=dict)
    flattened: frozenset[Path] = frozenset()
    opened: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    children: tuple[Child, ...] = ()
    times: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()
    mortal: bool = True
    announced: bool = False
    keeps: int = 0
    key: str = "id"
    default: bool = True


@dataclass(frozen=True)
class Rules:
    """All tables of one vendor. ``snapshots``: object type whose objects carry older payloads, and where."""

    tables: tuple[Table, ...]
    snapshots: tuple[str, Path] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {table.name: table for table in self.tables})
        object.__setattr__(self, "by_object", {table.object: table for table in self.tables if table.object})

    by_name: Mapping[str, Table] = field(init=False)
    by_object: Mapping[str, Table] = field(init=False)


@cache
def column_names(path: Path) -> tuple[str, str]:
    """The names that an undeclared path may have: its names in snake case, joined, or that behind an underscore
    (where it would be empty, open with a digit or be a word of SQL), of at most 63 bytes.
    """
    name = "_".join(snake(str(part)) for part in path)
    return _cut(name), _cut(f"_{name}")


def _cut(name: str) -> str:
    return name.encode()[:MOST_BYTES].decode(errors="ignore")


def snake(name: str) -> str:
    """Snake case by the documented algorithm; letters of every script are letters."""
    if not name.isascii():
        return _append_runs("", name, 0)
    plain = _PLAIN.match(name)
    at = plain.end() if plain else 0
    if at == len(name):
        return name
    out = name[:at]
    if at < len(name) and name[at].isupper():
        tail = out.rsplit("_", 1)[-1]
        if not any(character.islower() for character in tail):
            run = _run(name, at)
            out += run.lower()
            at += len(run)
    return _append_runs(out, name, at)


def _append_runs(out: str, name: str, at: int) -> str:
    while at < len(name):
        if not name[at].isalnum():
            at += 1
            continue
        run = _run(name, at)
        out += ("_" if out else "") + run.lower()
        at += len(run)
    return out


def _run(name: str, at: int) -> str:
    start = at
    while at < len(name) and (name[at].isupper() or name[at].isdigit()):
        at += 1
    while at < len(name) and name[at].isalnum() and not name[at].isupper():
        at += 1
    return name[start:at]


def look(value: Any, path: Path) -> Any:
    """The value at a path, None where there is nothing; a number picks the nth of a list."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and str(part).isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            return None
    return value
