"""What a warehouse must hold: the rows that follow from a vendor's raw objects, flattened by code of its own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from catchment.testing.rules import Child, Path, Rules, Table, look

Object = Mapping[str, Any]
Owner = tuple[str, str, str]


class Thing(NamedTuple):
    """One raw object: its type, the whole object, when it was deleted (unix seconds), and for a member of a list whose
    objects do not name their parent: (parent's type, parent's id, field). ``forgotten``: the vendor shows it no more,
    not even as deleted.
    """

    object_type: str
    object: Object
    deleted_at: float | None = None
    parent: Owner | None = None
    forgotten: bool = False


@dataclass(slots=True)
class Row:
    """One row: ``cells`` by path (nothing where the value is null).

    ``deleted_at``: when it was deleted, None while it lives. ``parents``: column -> key of the parent that shows it.
    ``owner``: table and key of that parent. ``sure``: the row must be there (False: it may, and if so as it is here).
    """

    object: Object
    cells: dict[Path, Any]
    deleted_at: float | None = None
    parents: dict[str, str] = field(default_factory=dict)
    owner: tuple[str, str] | None = None
    sure: bool = True


class Expected(dict[str, dict[str, Row]]):
    """Rows by table and key. ``owners``: child table -> (parent table, column with the parent's key) of each list that
    fills it; ``numbered``: tables whose rows have no id; ``unknown``: object types that no rule places -> how many.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__((table.name, {}) for table in rules.tables)
        self.rules = rules
        self.owners: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.numbered: set[str] = set()
        for table in rules.tables:
            for child in table.children:
                for name in dict.fromkeys(child.tables.values()):
                    self.owners[name].append((table.name, child.parent))
                self.numbered |= set(child.tables.values()) if child.numbered else set()
        self.unknown: dict[str, int] = defaultdict(int)
        self._older: dict[tuple[str, str], list[Object]] = defaultdict(list)

    def older(self, table: Table, key: str, path: Path) -> Iterator[Any]:
        """The values that earlier payloads of this object had at a path."""
        for seen in self._older.get((table.name, key), ()):
            yield flatten(table, seen).get(path)

    def remember(self, table: Table, seen: Object) -> None:
        """Keep an earlier payload."""
        self._older[(table.name, str(seen.get(table.key)))].append(seen)


def from_lines(lines: Iterable[str | bytes]) -> Iterator[Thing]:
    """Raw objects from JSON lines ``{"object_type", "object", "deleted_at", "parent"}``, numbers exact.

    ``parent`` is null or ``{"object_type", "id", "field"}``.
    """
    for line in lines:
        if line.strip():
            read = json.loads(line, parse_float=Decimal)
            home = read.get("parent")
            owner = (home["object_type"], home["id"], home["field"]) if home else None
            forgotten = bool(read.get("permanently"))
            yield Thing(read["object_type"], read["object"], read.get("deleted_at"), owner, forgotten)


def expect(objects: Iterable[Thing | tuple[Any, ...]], rules: Rules) -> Expected:
    """The rows that these raw objects must be; an object given twice is as it was given last.

    An embedded list's members may stand alone as well; then both are one row.
    """
    expected = Expected(rules)
    embedded: list[tuple[Table, Child, Object, float | None]] = []
    for thing in map(_thing, objects):
        table, child = _place(thing, rules)
        if table is None:
            expected.unknown[thing.object_type] += 1
            continue
        if rules.snapshots and thing.object_type == rules.snapshots[0]:
            _remember(expected, look(thing.object, rules.snapshots[1]))
        row = _row(table, thing.object, thing.deleted_at)
        if child is not None and thing.parent is not None:
            row.parents[child.parent] = thing.parent[1]
            row.owner = (rules.by_object[thing.parent[0]].name, thing.parent[1])
        elif _needs_parent(table, rules):
            row.sure = False
        _put(expected, table, str(thing.object.get(table.key)), row)
        embedded += [(table, each, thing.object, row.deleted_at) for each in table.children]
    for table, child, parent, deleted_at in embedded:
        _members(expected, table, child, parent, deleted_at)
    return expected


def flatten(table: Table, seen: Object) -> dict[Path, Any]:
    """The cells of one object by path; nulls are left out, what is nested stays whole unless it is flattened."""
    cells: dict[Path, Any] = {}
    lists = {child.field for child in table.children if not child.ids}
    for name, value in seen.items():
        if value is not None and name not in table.hidden and name not in lists:
            _spread(cells, (name,), value, table)
    for path in table.columns.values():
        if len(path) > 1 and path not in cells:
            value = look(seen, path)
            if value is not None:
                cells[path] = value
    return cells


def _spread(cells: dict[Path, Any], path: Path, value: Any, table: Table) -> None:
    if path in table.flattened and isinstance(value, dict):
        for name, inner in value.items():
            if inner is not None:
                _spread(cells, (*path, name), inner, table)
    else:
        cells[path] = value


def _thing(given: Thing | tuple[Any, ...]) -> Thing:
    return given if isinstance(given, Thing) else Thing(*given)


def _place(thing: Thing, rules: Rules) -> tuple[Table | None, Child | None]:
    if thing.parent is not None:
        parent = rules.by_object.get(thing.parent[0])
        for child in parent.children if parent else ():
            name = child.tables.get(thing.object_type, child.tables.get("", ""))
            if child.field == thing.parent[2] and name:
                return rules.by_name[name], child
        return None, None
    return rules.by_object.get(thing.object_type), None


def _needs_parent(table: Table, rules: Rules) -> bool:
    """Rows of this table are seen only inside a parent, so one that no parent shows need not be there."""
    return any(table.name in child.tables.values() and child.ids for each in rules.tables for child in each.children)


def _row(table: Table, seen: Object, deleted_at: float | None) -> Row:
    if seen.get("deleted") is True and deleted_at is None:
        deleted_at = 0
    return Row(seen, flatten(table, seen), deleted_at if table.mortal else None)


def _put(expected: Expected, table: Table, key: str, row: Row) -> None:
    before = expected[table.name].get(key)
    if before is not None:
        expected.remember(table, before.object)
    expected[table.name][key] = row


def _remember(expected: Expected, seen: Any) -> None:
    if isinstance(seen, dict):
        table = expected.rules.by_object.get(str(seen.get("object")))
        if table is not None:
            expected.remember(table, seen)


def _members(expected: Expected, table: Table, child: Child, parent: Object, deleted_at: float | None) -> None:
    shown = parent.get(child.field)
    if isinstance(shown, dict):
        shown = shown.get("data", [shown])
    for position, member in enumerate(shown or ()):
        _member(expected, table, child, str(parent["id"]), position, member, deleted_at)


def _member(
    expected: Expected, table: Table, child: Child, parent: str, position: int, member: Any, deleted_at: float | None
) -> None:
    rules = expected.rules
    kind = "" if isinstance(member, str) else str(member.get("object", ""))
    name = child.tables.get(kind, child.tables.get("", "")) if kind else next(iter(child.tables.values()))
    if not name:
        return
    key = member if isinstance(member, str) else f"{parent}_{position}" if child.numbered else str(member["id"])
    row = expected[name].get(key)
    if row is None:
        if isinstance(member, str):
            return  # only its id is known
        row = expected[name][key] = _row(rules.by_name[name], member, deleted_at)
    elif deleted_at is None:
        row.deleted_at = None  # a living parent shows it, wherever else it was taken away
    elif not row.sure or row.owner == (table.name, parent):
        row.deleted_at = row.deleted_at or deleted_at
    if deleted_at is None or row.owner is None:
        row.parents[child.parent] = parent
        row.owner = (table.name, parent)
    row.sure = True
