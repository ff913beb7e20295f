"""Pages of bulk results: CSV into the JSON that a query would have answered, a whole column at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from framework.collection import Type

ROWS_AT_ONCE = 2_000  # rows turned at a time, so that a page never stands whole in two forms
LONGEST_CELL = 2**31 - 1

# Written by the vendor as JSON would write them: taken over as they are.
_BARE: frozenset[Type] = frozenset({"bool", "bigint", "decimal", "double"})
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


def pages(body: bytes, types: Mapping[str, Type]) -> Iterator[dict[str, Sequence[Any]]]:
    """The columns of a CSV page by name, some thousands of rows at a time.

    An empty cell is null: the vendor writes null and the empty text alike. Raises msgspec.DecodeError for a body that
    is no such page.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline=""))
    try:
        header = next(reader, [])
        if len(header) < 2 and not set(header) <= types.keys():
            return  # "Records not found for this query" in place of a header
        if unknown := set(header) - types.keys():
            raise msgspec.DecodeError(f"the results have columns that were not asked for: {sorted(unknown)[:3]}")
        while rows := list(islice(reader, ROWS_AT_ONCE)):
            cells = zip(header, zip(*rows, strict=True), strict=True)
            yield {name: _column(values, types[name]) for name, values in cells}
    except (csv.Error, ValueError) as error:
        raise msgspec.DecodeError(f"the results are no CSV ({error})") from None


def array(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns as a JSON array of objects, which leave out what is null."""
    filled = [name for name, values in columns.items() if values.count(None) < len(values)]
    return msgspec.json.encode(list(map(_row(tuple(filled)), *[columns[name] for name in filled])))


@lru_cache(maxsize=64)
def _row(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """A row with these members: far cheaper to make and to write than a dictionary."""
    fields = [(f"f{n}", Any, None) for n in range(len(names))]
    rename = {f"f{n}": name for n, name in enumerate(names)}
    return msgspec.defstruct("Row", fields, rename=rename, omit_defaults=True, gc=False)


def _column(values: Sequence[str], type_: Type) -> Sequence[Any]:
    if not any(values):
        return [None] * len(values)
    if type_ == "bool":
        values = [value.lower() for value in values]
    if type_ in _BARE:
        raws = _RAWS.decode(f"[{','.join([value or 'null' for value in values])}]")
        return [raw if value else None for raw, value in zip(raws, values, strict=True)] if "" in values else raws
    return [value or None for value in values] if "" in values else values
