"""Values that a table has no room for: those of a row become one JSON object in a column of their own, none is lost."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from warehouse_loader.dialect import OVERFLOW, Dialect

if TYPE_CHECKING:
    from warehouse_loader.batch import Batch

LONGEST, FIXED = 28, 16  # bytes that one value takes of its row's page at most: of any length, of a fixed one

Cells = dict[int, list[tuple[str, str]]]  # row of the batch -> names and values as JSON


def may_overflow(d: Dialect, columns: int) -> bool:
    """Whether a row with values in so many columns could be too long for a page."""
    return 0 < d.page < columns * LONGEST


def taken(d: Dialect, there: Collection[str], columns: Collection[str]) -> Collection[str]:
    """Which of these columns rows take that are there already: none where a row could be too long for a page by it."""
    if OVERFLOW in there and may_overflow(d, len(there)):
        return set(there) - set(columns)
    return there


def folded(batch: Batch, d: Dialect, there: Collection[str]) -> Batch:
    """The batch as a table with the columns ``there`` takes it."""
    if OVERFLOW not in there:
        return batch
    cells: Cells = {}
    table = batch.table
    for name in batch.columns:
        if name not in there:
            _move(cells, name, table.column(name), range(batch.rows))
            table = table.drop_columns([name])
    kept = [name for name in batch.columns if name in there]
    table = _narrowed(table, kept, d.page, cells) if may_overflow(d, len(kept)) else table
    empty = tuple(name for name in batch.empty if name in there)
    if not cells:
        return replace(batch, table=table, columns=tuple(kept), empty=(*empty, OVERFLOW))
    import pyarrow as pa

    texts = [_object(cells[row]) if row in cells else None for row in range(batch.rows)]
    more = pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(texts, pa.string()))
    return replace(batch, table=table.append_column(OVERFLOW, more), columns=(*kept, OVERFLOW), empty=empty)


def _narrowed(table: Any, names: list[str], page: int, cells: Cells) -> Any:
    """The table with the last columns of rows that are too long for a page moved out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = {name: _lengths(table.column(name)) for name in names}
    whole = pa.array([0] * table.num_rows, pa.int64())
    for one in lengths.values():
        whole = pc.add(whole, one)
    long = {row: length for row, length in enumerate(whole.to_pylist()) if length > page}
    for name in reversed(names[1:]):
        if not long:
            break
        sizes = lengths[name].take(pa.array(list(long), pa.int64())).to_pylist()
        moved = {row for row, size in zip(long, sizes, strict=True) if size}
        column = table.column(name)
        _move(cells, name, column, moved)
        plain = _plain(column)
        plain = pc.if_else(
            pa.array([row in moved for row in range(table.num_rows)]), pa.scalar(None, plain.type), plain
        )
        if _is_json(column):
            chunks = plain.chunks if isinstance(plain, pa.ChunkedArray) else [plain]
            plain = pa.chunked_array([pa.ExtensionArray.from_storage(column.type, one) for one in chunks], column.type)
        table = table.set_column(table.column_names.index(name), name, plain)
        for row, size in zip(list(long), sizes, strict=True):
            long[row] -= size
            if long[row] <= page:
                del long[row]
    return table


def _lengths(column: Any) -> Any:
    """What each value takes of its row's page."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = _plain(column).combine_chunks()
    if pa.types.is_string(plain.type) and not _is_json(column):
        size = pc.min_element_wise(pc.add(pc.cast(pc.binary_length(plain), pa.int64()), 5), LONGEST, skip_nulls=False)
        return pc.fill_null(size, 0)
    # As jsonb even `[1]` takes more than its text, up to what makes it long.
    taken = LONGEST if _is_json(column) or pa.types.is_decimal(plain.type) else FIXED
    return pc.if_else(pc.is_valid(plain), pa.scalar(taken, pa.int64()), pa.scalar(0, pa.int64()))


def _move(cells: Cells, name: str, column: Any, rows: Collection[int]) -> None:
    raw = _is_json(column)
    for row, value in enumerate(_plain(column).to_pylist()):
        if value is not None and row in rows:
            cells.setdefault(row, []).append((name, _text(value, raw)))


def _object(cells: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{value}" for name, value in cells) + "}"


def _is_json(column: Any) -> bool:
    return str(column.type).startswith("extension")


def _plain(column: Any) -> Any:
    import pyarrow as pa

    if not _is_json(column):
        return column
    return pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)


def _text(value: Any, raw: bool) -> str:
    if raw:
        return str(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dt.date):
        value = value.isoformat()
    return json.dumps(value, ensure_ascii=False)
