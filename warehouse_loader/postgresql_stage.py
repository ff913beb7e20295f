"""Arrow columns as PostgreSQL takes them in its binary COPY, and what it refuses made fit for it."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from warehouse_loader.lattice import PRECISION, SCALE

_TYPES = (
    (pa.types.is_int64, "bigint"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_decimal, f"numeric({PRECISION},{SCALE})"),
    (pa.types.is_float64, "double precision"),
    (pa.types.is_timestamp, "timestamptz"),
    (pa.types.is_date32, "date"),
)
_JSONB = pa.scalar(b"\x01", pa.binary())  # the version of its binary form, which goes before the text
_END = pa.scalar(b"", pa.binary())
# An escape in JSON: a letter beyond ASCII, half of a surrogate pair or a NUL, or any other.
_ESCAPE = re.compile(
    r"(?P<letter>\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u(?![dD][89a-fA-F])(?!00[0-7])[0-9a-fA-F]{4})"
    r"|(?P<bad>\\u(?:[dD][89a-fA-F]..|0000))|\\.",
    re.DOTALL,
)


def sql_type(kind: Any) -> str:
    """The type of a staging column."""
    if is_json(kind):
        return "jsonb"
    return next((name for is_it, name in _TYPES if is_it(kind)), "text")


def is_json(kind: Any) -> bool:
    """Whether a column holds JSON."""
    return isinstance(kind, pa.BaseExtensionType)


def copied(table: Any) -> Any:
    """The table with its JSON in the binary form of jsonb."""
    for at, field in enumerate(table.schema):
        if is_json(field.type):
            texts = _storage(table.column(at)).cast(pa.binary())
            table = table.set_column(at, field.name, pc.binary_join_element_wise(_JSONB, texts, _END))
    return table


def as_text(table: Any) -> Any:
    """The table with its JSON as plain text."""
    for at, field in enumerate(table.schema):
        if is_json(field.type):
            table = table.set_column(at, field.name, _storage(table.column(at)))
    return table


def cleaned(table: Any) -> Any:
    """The table without what PostgreSQL has no letter for: NUL and half surrogates become their own escapes.

    Other escapes become their letters: a database without an encoding takes these as they are, and no escape of one.
    """
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if is_json(field.type):
            texts = [text if text is None else _escaped(text) for text in _storage(column).to_pylist()]
            made = pa.ExtensionArray.from_storage(field.type, pa.array(texts, pa.string()))
            table = table.set_column(at, field.name, made)
        elif pa.types.is_string(field.type):
            table = table.set_column(at, field.name, pc.replace_substring(column, "\0", "\\u0000"))
    return table


def _escaped(text: str) -> str:
    if "\\u" not in text:
        return text
    return _ESCAPE.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    if found["letter"]:
        return str(json.loads(f'"{found[0]}"'))
    return "\\" + found[0] if found["bad"] else found[0]


def _storage(column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    return column.storage
