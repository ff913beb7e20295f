"""When a cell of a warehouse holds a raw value: exactly, by the type of its column."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Same = Callable[[Any, Any], bool]

_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_TIMES = {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
_FAMILIES = {
    "DOUBLE": "double",
    "FLOAT": "double",
    "BOOLEAN": "bool",
    "VARCHAR": "text",
    "JSON": "json",
    "DATE": "date",
}
INSTANT = "TIMESTAMP WITH TIME ZONE"


def family(sql_type: str) -> str:
    """The column's family: whole, decimal, double, bool, text, json, time, date, or other."""
    if sql_type in _WHOLE:
        return "whole"
    if sql_type.startswith("DECIMAL"):
        return "decimal"
    if sql_type in _TIMES:
        return "time"
    return _FAMILIES.get(sql_type, "other")


def selection(name: str, sql_type: str) -> str:
    """SQL that reads a column without loss: instants as microseconds since 1970, JSON and the unknown as text."""
    quoted = quote(name)
    kind = family(sql_type)
    if kind == "time":
        return f"epoch_us({quoted})"
    return quoted if kind in ("whole", "decimal", "double", "bool", "text") else f"{quoted}::VARCHAR"


def quote(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def same_as(kind: str, *, references: bool = False) -> Same:
    """The test of one column: found value, raw value (neither null) -> whether they are the same."""
    if kind == "json":
        return same_references if references else same_json
    return _TESTS[kind]


def same_json(found: Any, raw: Any) -> bool:
    """The same JSON: types, keys, order of lists, and every number digit by digit (1.10 is not 1.1)."""
    try:
        return identical(json.loads(found, parse_float=Decimal), raw)
    except ValueError:
        return False


def same_references(found: Any, raw: Any) -> bool:
    """The same JSON once every expanded object on both sides is its id."""
    try:
        return identical(_ids(json.loads(found, parse_float=Decimal)), _ids(raw))
    except ValueError:
        return False


def identical(found: Any, raw: Any) -> bool:
    """Deep equality that tells 1 from true and from 1.0, and 1.10 from 1.1 (where raw keeps its digits)."""
    if isinstance(raw, Mapping):
        return (
            isinstance(found, dict)
            and found.keys() == raw.keys()
            and all(identical(found[name], value) for name, value in raw.items())
        )
    if isinstance(raw, list | tuple):
        return isinstance(found, list) and len(found) == len(raw) and all(map(identical, found, raw))
    if isinstance(raw, Decimal):
        return isinstance(found, Decimal) and found.as_tuple() == raw.as_tuple()
    if isinstance(raw, float):
        return isinstance(found, Decimal) and found == Decimal(repr(raw))
    return type(found) is type(raw) and bool(found == raw)


def _ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_ids(member) for member in value]
    return value["id"] if isinstance(value, dict) and "id" in value else value


def number(value: Any) -> Decimal | None:
    """A number or numeric text as an exact decimal; None for anything else (also true and false)."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        return Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None


def _same_number(found: Any, raw: Any) -> bool:
    want = number(raw)
    return want is not None and number(found) == want


def _same_whole(found: Any, raw: Any) -> bool:
    return found == raw if type(raw) is int else _same_number(found, raw)


def _same_text(found: Any, raw: Any) -> bool:
    if isinstance(raw, str):
        return bool(found == raw)
    if isinstance(raw, bool):
        return bool(found == ("true" if raw else "false"))
    if isinstance(raw, dict) and "id" in raw:
        return bool(found == raw["id"]) or same_json(found, raw)
    if isinstance(raw, dict | list):
        return same_json(found, raw)
    return _same_number(found, raw)


def _same_bool(found: Any, raw: Any) -> bool:
    return found is raw


def microseconds(raw: Any) -> int | None:
    """A raw time (unix seconds, or ISO 8601 with a zone) in microseconds since 1970; None when it is no time."""
    if isinstance(raw, str):
        try:
            at = datetime.fromisoformat(raw)
        except ValueError:
            return None
        since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    seconds = number(raw)
    return None if seconds is None else int(seconds * 1_000_000)


def _same_time(found: Any, raw: Any) -> bool:
    return bool(found == raw * 1_000_000) if type(raw) is int else bool(found == microseconds(raw))


def _same_date(found: Any, raw: Any) -> bool:
    return bool(found == raw)


_TESTS: Mapping[str, Same] = {
    "whole": _same_whole,
    "decimal": _same_number,
    "double": _same_number,
    "bool": _same_bool,
    "text": _same_text,
    "time": _same_time,
    "date": _same_date,
    "other": _same_text,
}
