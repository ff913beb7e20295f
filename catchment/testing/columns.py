"""The columns of one table: which holds which path of the raw objects, and whether every cell of it is right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catchment.testing import cells, damage
from catchment.testing.damage import Damage
from catchment.testing.expected import Expected, Row
from catchment.testing.reading import SYSTEM, Found
from catchment.testing.rules import MOST_BYTES, Path, Table, column_names, look

Pairs = Sequence[tuple[tuple[Any, ...], Row]]
_SUFFIX = re.compile(r"_[0-9a-f]{6}$")
LATEST = 253_402_300_799  # 9999-12-31T23:59:59Z in unix seconds


def judge_columns(
    expected: Expected, table: Table, found: Found, pairs: Pairs, names: Mapping[str, str]
) -> Iterator[Damage]:
    """Every cell of the rows that are both wanted and found, and every value of a raw object in exactly one column."""
    named, missing = _places(table, found, [row for _, row in pairs], names)
    missing |= {column for column in table.columns if not _spelled(column, found)}
    parents = {column for _, row in pairs for column in row.parents}
    missing |= {column for column in parents if column not in found.types}
    yield from (Damage(damage.MISSING_COLUMN, table.name, column=column) for column in sorted(missing))
    rest = [column for column in found.types if column not in named and column not in (table.key, *SYSTEM)]
    paths: dict[str, Path] = {**named, **{column: _original(column, pairs, names) for column in rest}}
    for column, path in paths.items():
        yield from _judge_column(expected, table, found, pairs, column, path)


def _places(
    table: Table, found: Found, rows: Sequence[Row], names: Mapping[str, str]
) -> tuple[dict[str, Path], set[str]]:
    """Column -> path for every path with a value in some row, and the columns that ought to be there and are not."""
    renamed = {path: column for column, path in table.columns.items()}
    allowed = {path: column for column, path in table.allowed.items() if column in found.types}
    waiting: dict[Path, None] = {path: None for row in rows for path in row.cells}
    waiting.pop((table.key,), None)
    placed: dict[str, Path] = {}
    missing: set[str] = set()
    while waiting:
        path = next(iter(waiting))
        waiting.pop(path)
        column = _column(renamed.get(path), path, found, names, allowed.get(path))
        if column is not None and placed.setdefault(column, path) == path:
            continue
        inner = {(*path, name): None for row in rows for name in _members(look(row.object, path))}
        if column is None and path[0] in table.opened and inner:
            waiting |= {deeper: None for deeper in inner if any(look(row.object, deeper) is not None for row in rows)}
        else:
            missing.add(renamed.get(path) or column_names(path)[0])
    return placed, missing


def _members(value: Any) -> Sequence[str]:
    return list(value) if isinstance(value, dict) else ()


def _column(renamed: str | None, path: Path, found: Found, names: Mapping[str, str], allowed: str | None) -> str | None:
    """The column of a path: its documented name, else the one by the warehouse's own map if the rules of naming allow
    it, else the one by rule, else one that may hold it.
    """
    if renamed is not None:
        return _spelled(renamed, found)
    by_rule = column_names(path)
    told = names.get(".".join(map(str, path)), "")
    if told in found.types and (told == allowed or told in by_rule or _SUFFIX.sub("", told) in _stems(by_rule)):
        return told
    return next((column for column in by_rule if column in found.types), allowed)


def _stems(by_rule: tuple[str, str]) -> set[str]:
    """What stands before the hex digits of a name that another had taken."""
    return {name[:length] for name in by_rule for length in {len(name), MOST_BYTES - 7}}


def _spelled(column: str, found: Found) -> str | None:
    """A documented column as it stands; a word that SQL reserves may have got an underscore in front."""
    return next((name for name in (column, f"_{column}") if name in found.types), None)


def _original(column: str, pairs: Pairs, names: Mapping[str, str]) -> Path:
    """The path that the warehouse itself gives for a column that no rule explains; one that leads nowhere else."""
    if any(column in row.object for _, row in pairs):
        return (column,)  # beside another column of the same field
    dotted = next((original for original, name in names.items() if name == column), "")
    if any(dotted in row.object for _, row in pairs):
        return (dotted,)
    return tuple(dotted.split("."))


def _judge_column(
    expected: Expected, table: Table, found: Found, pairs: Pairs, column: str, path: Path
) -> Iterator[Damage]:
    at, key_at, sql_type = found.place(column), found.place(table.key), found.types[column]
    kind = cells.family(sql_type)
    wants = [row.cells[path] if path in row.cells else look(row.object, path) for _, row in pairs]
    right = _right_type(table, path, kind, sql_type, wants)
    if right:
        yield Damage(damage.WRONG_TYPE, table.name, "", column, right, sql_type)
    same = cells.same_as(kind, references=path[-1] in table.references)
    for (line, row), want in zip(pairs, wants, strict=True):
        value = line[at]
        if row.parents and column in row.parents:
            if str(value) != row.parents[column]:
                yield Damage(damage.WRONG_CHILD, table.name, line[key_at], column, row.parents[column], value)
        elif value is None or want is None:
            if value is not want:
                yield _wrong(expected, table, line[key_at], column, path, want, value, same)
        elif not same(value, want):
            yield _wrong(expected, table, line[key_at], column, path, want, value, same)


def _right_type(table: Table, path: Path, kind: str, sql_type: str, wants: Sequence[Any]) -> str:
    """The type that the column ought to have; "" when the one it has will do."""
    if path[-1] in table.times and any(type(want) is int and abs(want) <= LATEST for want in wants):
        return "" if sql_type == cells.INSTANT else cells.INSTANT
    if kind == "time" and sql_type != cells.INSTANT:
        return cells.INSTANT
    if kind == "double" and any(want is not None for want in wants):
        return "an exact number"
    if kind != "json" and any(
        isinstance(want, list) or (isinstance(want, dict) and not (kind == "text" and "id" in want)) for want in wants
    ):
        return "JSON"
    return ""


def _wrong(
    expected: Expected, table: Table, key: str, column: str, path: Path, want: Any, value: Any, same: cells.Same
) -> Damage:
    for old in expected.older(table, key, path):
        if value is old or (value is not None and old is not None and same(value, old)):
            return Damage(damage.STALE, table.name, key, column, want, value)
    return Damage(damage.WRONG_CELL, table.name, key, column, want, value)
