"""Values and JSON bytes to Arrow columns, a whole column at a time where their forms agree."""

from __future__ import annotations

import datetime as dt
import re
from array import array
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, reduce
from itertools import accumulate
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Raw

from warehouse_loader.lattice import (
    INT_MAX,
    INT_MIN,
    PRECISION,
    SCALE,
    SECONDS_MAX,
    SECONDS_MIN,
    Kind,
    join,
    natural,
    parse,
    render,
    widened,
)
from warehouse_loader.layout import NULL, Leaf, Slot
from warehouse_loader.relearn import clean

INSTANT = pa.timestamp("us", tz="UTC")
ARROW: Mapping[Kind, Any] = {
    "null": pa.null(),
    "bool": pa.bool_(),
    "bigint": pa.int64(),
    "decimal": pa.decimal128(PRECISION, SCALE),
    "double": pa.float64(),
    "text": pa.string(),
    "timestamptz": INSTANT,
    "date": pa.date32(),
    "json": pa.string(),
}
_BAD = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, pa.ArrowInvalid, OverflowError)
_FINER = re.compile(rb"[.,][0-9]{6}[0-9]*[1-9]")  # a fraction finer than a microsecond
_PLAIN = b'0123456789.-"nul'  # all that plain numbers, quoted or not, and nulls are written with
_EXACT = 15  # digits that a float holds whatever they are
# Nothing here asks Arrow to cast or compare: the first to do so imports pyarrow.compute, a tenth of a start-up.


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


_TEXTS = _decoder(list[str | None])
_BOOLS = _decoder(list[bool | None])
_DATES = _decoder(list[dt.date | None])
_DECIMALS = _decoder(list[Decimal | None])
_FLOATS = _decoder(list[float | None])
_INSTANTS = _decoder(list[dt.datetime | None])
_MEMBERS = _decoder(list[Raw])
_FIELDS = _decoder(dict[str, Raw])


def columns(slot: Slot, values: list[Any]) -> list[tuple[Leaf, Kind, Any]]:
    """The columns that a slot's values become: each leaf with the type that they needed and their Arrow array."""
    if not slot.raw:
        made = _strict(slot.leaves[0].kind, values)
        return [(leaf, leaf.kind, made) for leaf in slot.leaves]
    found = [(leaf, *from_raw(leaf, values)) for leaf in slot.leaves]
    if slot.inner:
        bare = not any(map(len, values)) or all(map(_is_null, values))
        inner = [[NULL] * len(values) for _ in slot.inner] if bare else _inside(slot, values)
        found += [(leaf, *from_raw(leaf, raws)) for leaf, raws in zip(slot.inner, inner, strict=True)]
    return found


def _inside(slot: Slot, values: list[Raw]) -> list[list[Raw]]:
    """What lies at the inner leaves' paths: all values read at once, or one by one where one is of another form."""
    try:
        found = _reader(slot.inner).decode(b"[" + b",".join([raw or NULL for raw in values]) + b"]")
    except _BAD:
        return [[reach(raw, leaf.path) for raw in values] for leaf in slot.inner]
    reached: dict[tuple[str | int, ...], list[Any]] = {(): found}
    for leaf in slot.inner:
        for depth, part in enumerate(leaf.path):
            here = leaf.path[: depth + 1]
            if here not in reached:
                reached[here] = _step(reached[here[:-1]], part)
    return [[NULL if value is None else value for value in reached[leaf.path]] for leaf in slot.inner]


def _step(values: list[Any], part: str | int) -> list[Any]:
    """One part of a path further, for a whole column."""
    if isinstance(part, int):
        return [value[part] if value and len(value) > part else None for value in values]
    get = attrgetter(_attribute(part))
    return [None if value is None else get(value) for value in values]


def _attribute(name: str) -> str:
    """A struct's attribute for a vendor's name, which may be no Python name."""
    return "f" + name.encode().hex()


@cache
def _reader(leaves: tuple[Leaf, ...]) -> msgspec.json.Decoder[Any]:
    """A decoder of a list of just the fields that lead to these leaves, which stay bytes."""
    return msgspec.json.Decoder(list[_shape([leaf.path for leaf in leaves])])  # type: ignore[misc]


def _shape(paths: Sequence[Sequence[str | int]]) -> Any:
    if any(not path for path in paths):
        return Raw
    inner: dict[str | int, list[Sequence[str | int]]] = {}
    for path in paths:
        inner.setdefault(path[0], []).append(path[1:])
    if all(isinstance(part, int) for part in inner):
        return list[_shape([rest for rests in inner.values() for rest in rests])] | None  # type: ignore[misc]
    fields = [
        (_attribute(str(part)), _shape(rests), NULL if any(not rest for rest in rests) else None)
        for part, rests in inner.items()
    ]
    rename = {_attribute(str(part)): str(part) for part in inner}
    return msgspec.defstruct("Inner", fields, rename=rename, gc=False) | None


def _is_null(raw: Raw) -> bool:
    return len(raw) in (0, 4) and bytes(raw) in (b"", b"null")


def reach(raw: Raw, path: Sequence[str | int]) -> Raw:
    """The JSON value at a path inside another, null where it does not lead anywhere."""
    for part in path:
        first = bytes(memoryview(raw)[:1])
        if first == b"{" and isinstance(part, str):
            raw = _FIELDS.decode(raw).get(part, NULL)
        elif first == b"[" and isinstance(part, int):
            members = _MEMBERS.decode(raw)
            raw = members[part] if part < len(members) else NULL
        else:
            return NULL
    return raw


def _strict(kind: Kind, values: list[Any]) -> Any:
    if values.count(None) == len(values):  # half of a wide object's fields: far cheaper than converting them
        return pa.nulls(len(values), ARROW[kind])
    if kind == "timestamptz":
        return pa.array([value and value * 1_000_000 for value in values], INSTANT)
    if kind == "text" and values[0] == values[-1] and values.count(values[0]) == len(values):
        return pa.repeat(pa.scalar(values[0], pa.string()), len(values))  # a currency, a mode: a quarter of the cost
    return pa.array(values, ARROW[kind])


def from_raw(leaf: Leaf, values: list[Raw]) -> tuple[Kind, Any]:
    """JSON values as a column, and the type that it took to hold them all."""
    data = b"".join(values)
    if not data or (len(data) == 4 * len(values) and data == b"null" * len(values)):
        return leaf.kind, pa.nulls(len(values), ARROW[leaf.kind])
    if leaf.kind == "json":
        if leaf.references and b"{" in data:
            values = _ids(values)
            data = b"".join(values)
        return "json", _texts(values, data)
    try:
        made = _whole(leaf, values, data)
        if made is not None:
            return leaf.kind, made
    except _BAD:
        pass
    return _one_by_one(leaf, values)


def _one_by_one(leaf: Leaf, values: list[Raw]) -> tuple[Kind, Any]:
    texts = [clean(bytes(raw)) for raw in values]
    kind: Kind = reduce(lambda kind, raw: widened(kind, raw, leaf.declared), texts, leaf.kind)
    if kind == "json" and leaf.kind != "json":
        return kind, pa.array([None if natural(raw) == "null" else raw.decode() for raw in texts], pa.string())
    return kind, pa.array([parse(kind, raw, leaf.declared)[1] for raw in texts], ARROW[kind])


def _whole(leaf: Leaf, values: list[Raw], data: bytes) -> Any:
    """The column in one go, or None (or an error) if its values are not all of one plain form."""
    listed = b"[" + b",".join(values) + b"]"
    if leaf.kind in ("decimal", "double"):
        return _numbers(leaf, listed, max(map(len, values)))
    if leaf.kind == "text":
        return pa.array(_TEXTS.decode(listed), pa.string())
    if leaf.kind == "bool":
        return pa.array(_BOOLS.decode(listed), pa.bool_())
    if leaf.kind == "date":
        return pa.array(_DATES.decode(listed), pa.date32())
    if leaf.kind == "timestamptz" and b'"' in data:
        return None if _FINER.search(data) else pa.array(_INSTANTS.decode(listed), INSTANT)
    low, high = (SECONDS_MIN, SECONDS_MAX) if leaf.kind == "timestamptz" else (INT_MIN, INT_MAX)
    numbers = msgspec.json.decode(listed, type=list[int | None])
    if any(number is not None and not low <= number <= high for number in numbers):
        return None
    return _strict(leaf.kind, numbers)


def _numbers(leaf: Leaf, listed: bytes, longest: int) -> Any:
    """Decimals and doubles that are written plainly, with quotes where a declared decimal comes as text."""
    beside = listed[1:-1].translate(None, _PLAIN + b",")
    if beside.strip(b"Ee+" if leaf.kind == "decimal" else b""):
        return None
    if leaf.kind == "decimal":  # of which some vendors write the large ones as 9.3E8
        quoted = b'"' in listed
        return None if quoted and not leaf.declared else pa.array(_DECIMALS.decode(listed), ARROW["decimal"])
    return pa.array(_FLOATS.decode(listed), pa.float64()) if longest <= _EXACT and b'"' not in listed else None


def _texts(values: list[Raw], data: bytes) -> Any:
    """JSON values as their own text, null as null, without a Python object for each; ``data`` is all of them joined."""
    sizes = list(map(len, values))
    offsets = pa.py_buffer(array("i", accumulate(sizes, initial=0)))
    valid = None
    if 4 in sizes or 0 in sizes:
        there = [size not in (0, 4) or bool(size and raw != NULL) for size, raw in zip(sizes, values, strict=True)]
        valid = None if all(there) else pa.array(there, pa.bool_()).buffers()[1]
    made = pa.StringArray.from_buffers(len(values), offsets, pa.py_buffer(data), valid)
    try:
        made.validate(full=True)
    except pa.ArrowInvalid:  # bytes that are no UTF-8
        values = [Raw(clean(bytes(raw))) for raw in values]
        return _texts(values, b"".join(values))
    return made


def _ids(values: list[Raw]) -> list[Raw]:
    """Arrays of references as arrays of ids, whether their members came expanded or not."""
    return [_array_of_ids(raw) if bytes(memoryview(raw)[:1]) == b"[" else raw for raw in values]


def _array_of_ids(raw: Raw) -> Raw:
    members = [reach(one, ("id",)) if _has_id(one) else one for one in _MEMBERS.decode(raw)]
    return Raw(b"[" + b",".join(members) + b"]")


def _has_id(raw: Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b"{" and bytes(memoryview(reach(raw, ("id",)))[:1]) == b'"'


def rewiden(made: Any, kind: Kind, into: Kind) -> Any:
    """A column of one type as the wider type that it has become since."""
    if kind == into or made.null_count == len(made):
        return made if kind == into else pa.nulls(len(made), ARROW[into])
    if join(kind, into) != into:
        raise ValueError(f"a column cannot go from {kind} to {into} without loss")
    if kind == "timestamptz":
        values: list[Any] = made.view(pa.int64()).to_pylist()
    else:
        values = made.to_pylist()
    if into == "decimal":
        return pa.array([None if value is None else Decimal(value) for value in values], ARROW[into])
    return pa.array([render(kind, value, into) for value in values], pa.string())  # type: ignore[arg-type]
