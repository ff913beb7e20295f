"""Conditions over records: a WHERE clause becomes one function of a record, and ORDER BY a way to sort them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil, floor
from typing import Any

from catchment.imitations.salesforce import errors
from catchment.imitations.salesforce.fields import Field
from catchment.imitations.salesforce.ids import whole_id
from catchment.imitations.salesforce.kinds import Kind
from catchment.imitations.salesforce.soql import Compare, Condition, Joined, Literal, Order
from catchment.imitations.salesforce.table import Values

Predicate = Callable[[Values], bool]
_NUMBERS = ("double", "currency", "percent", "int")
_EXACT = ("id", "reference")
_WANTED = {"datetime": ("when",), "date": ("day",), "boolean": ("boolean",), **dict.fromkeys(_NUMBERS, ("number",))}
_CALLED = {"datetime": "dateTime", "date": "date", "boolean": "boolean", "int": "int"}


def compiled(where: Condition | None, kind: Kind, visible: Mapping[str, Field], soql: str = "") -> Predicate:
    """The condition as a function; ApiError INVALID_FIELD for fields or values that cannot be compared."""
    if where is None:
        return lambda values: True
    if isinstance(where, Joined):
        parts = [compiled(part, kind, visible, soql) for part in where.parts]
        if where.how == "not":
            return lambda values: not parts[0](values)
        if where.how == "and":
            return lambda values: all(part(values) for part in parts)
        return lambda values: any(part(values) for part in parts)
    field = visible.get(where.field.lower())
    if field is None:
        raise errors.unknown_field(where.field, kind.name, soql)
    if not field.filterable or field.parts_only:
        raise errors.bad_filter(f"field '{field.name}' can not be filtered in a query call")
    return _comparison(where, field)


def span(where: Condition | None, name: str) -> tuple[int | None, int | None, bool]:
    """The whole seconds from which and before which a datetime field has to be, and whether that is all there is."""
    if where is None:
        return None, None, True
    if isinstance(where, Joined) and where.how == "and":
        parts = [span(part, name) for part in where.parts]
        lows = [low for low, _, _ in parts if low is not None]
        highs = [high for _, high, _ in parts if high is not None]
        return max(lows, default=None), min(highs, default=None), all(exact for _, _, exact in parts)
    if not isinstance(where, Compare) or where.field.lower() != name.lower() or where.literals[0].type != "when":
        return None, None, False
    at = instant(where.literals[0].value)
    up, over = ceil(at), floor(at) + 1
    bounds = {"<": (None, up), "<=": (None, over), ">": (over, None), ">=": (up, None)}
    low, high = bounds.get(where.sign, (None, None))
    return low, high, where.sign in bounds


def _comparison(where: Compare, field: Field) -> Predicate:
    name, folded = field.name, _folding(field)
    given = [None if literal.type == "null" else folded(_checked(literal, field)) for literal in where.literals]
    first = given[0]
    if where.sign in ("=", "in"):
        return lambda values: folded(values.get(name)) in given
    if where.sign in ("!=", "not in"):
        return lambda values: folded(values.get(name)) not in given
    if first is None:
        raise errors.bad_filter(f"invalid operator on field '{name}' with null")
    if field.type == "boolean":
        raise errors.bad_filter(f"invalid operator on boolean field '{name}'")

    def ordered(values: Values) -> bool:
        value = folded(values.get(name))
        if value is None:
            return False
        if where.sign == "<":
            return bool(value < first)
        if where.sign == "<=":
            return bool(value <= first)
        return bool(value > first) if where.sign == ">" else bool(value >= first)

    return ordered


def _folding(field: Field) -> Callable[[Any], Any]:
    """How values of a field are compared: text without regard to case, ids in their long form."""
    if field.type in _EXACT:
        return lambda value: whole_id(value) if isinstance(value, str) else value
    if field.type in _NUMBERS or field.type in ("boolean", "datetime"):
        return lambda value: value
    return lambda value: value.casefold() if isinstance(value, str) else value


def _checked(literal: Literal, field: Field) -> Any:
    wanted = _WANTED.get(field.type, ("text",))
    if literal.type not in wanted:
        called = _CALLED.get(field.type, "double" if field.type in _NUMBERS else "string")
        quotes = "should be" if wanted == ("text",) else "should not be"
        raise errors.bad_filter(
            f"value of filter criterion for field '{field.name}' must be of type {called} and {quotes} enclosed in "
            "quotes"
        )
    if literal.type == "when":
        return instant(literal.value)
    return literal.value


def instant(written: str) -> Decimal:
    """A moment as it is written in a query, in exact Unix seconds; ApiError when there is no such moment."""
    try:
        moment = datetime.fromisoformat(written.replace(" ", "+"))
    except ValueError as wrong:
        raise errors.malformed(f"Invalid date/time: {written}") from wrong
    delta = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(delta.days * 86_400 + delta.seconds) + Decimal(delta.microseconds).scaleb(-6)


def sort(rows: list[Values], order: tuple[Order, ...], kind: Kind, visible: Mapping[str, Field]) -> list[Values]:
    """The records in the order asked for; nulls come first unless told otherwise."""
    for part in reversed(order):
        field = visible.get(part.field.lower())
        if field is None:
            raise errors.unknown_field(part.field, kind.name)
        if not field.filterable or field.parts_only:
            raise errors.malformed(f"field '{field.name}' can not be sorted in a query call")
        folded = _folding(field)
        nulls = [row for row in rows if row.get(field.name) is None]
        others = sorted(
            (row for row in rows if row.get(field.name) is not None),
            key=lambda row, name=field.name, fold=folded: fold(row[name]),  # type: ignore[misc]
            reverse=part.descending,
        )
        rows = nulls + others if part.nulls_first else others + nulls
    return rows
