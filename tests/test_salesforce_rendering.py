"""Pages of bulk results become what a query would have answered, whatever is written in their cells."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.salesforce import rendering
from framework.collection import Type

TYPES: dict[str, Type] = {"Id": "text", "Name": "text", "Amount": "decimal", "On": "bool", "Count": "bigint"}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "Id": st.uuids().map(str),
            "Name": st.none() | TEXT,
            "Amount": st.none() | st.decimals(-(10**12), 10**12, places=4),
            "On": st.none() | st.booleans(),
            "Count": st.none() | st.integers(-(2**53), 2**53),
        }
    ),
    max_size=20,
)


def written(rows: list[dict[str, Any]], *, scientific: bool = False) -> bytes:
    """The CSV by which the vendor would show these rows."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(TYPES)
    for row in rows:
        amount = "" if row["Amount"] is None else f"{row['Amount']:E}" if scientific else str(row["Amount"])
        on = "" if row["On"] is None else str(row["On"]).lower()
        writer.writerow([row["Id"], row["Name"] or "", amount, on, "" if row["Count"] is None else row["Count"]])
    return out.getvalue().encode()


def read(body: bytes) -> list[dict[str, Any]]:
    """The rows of all JSON arrays that a page becomes, nulls filled in."""
    arrays = [rendering.array(columns) for columns in rendering.pages(body, TYPES)]
    found = [row for data in arrays for row in msgspec.json.decode(data, type=list[dict[str, msgspec.Raw]])]
    return [{name: _value(row.get(name), TYPES[name]) for name in TYPES} for row in found]


def _value(raw: msgspec.Raw | None, type_: Type) -> Any:
    if raw is None:
        return None

    return Decimal(bytes(raw).decode()) if type_ == "decimal" else msgspec.json.decode(raw)


@given(ROWS, st.booleans())
def test_every_value_survives(rows: list[dict[str, Any]], scientific: bool) -> None:
    assert read(written(rows, scientific=scientific)) == rows


@given(ROWS)
def test_pages_are_cut_without_loss(rows: list[dict[str, Any]]) -> None:
    whole, rendering.ROWS_AT_ONCE = rendering.ROWS_AT_ONCE, 3
    try:
        assert read(written(rows)) == rows
    finally:
        rendering.ROWS_AT_ONCE = whole


def test_a_cell_may_be_longer_than_a_csv_reader_takes_by_itself() -> None:
    row = {"Id": "1", "Name": "x" * 200_000, "Amount": None, "On": None, "Count": None}
    assert read(written([row])) == [row]


@pytest.mark.parametrize("body", [b"", b"\n", b"Records not found for this query\n", b'"Id","Name"\n'])
def test_a_page_without_rows_is_empty(body: bytes) -> None:
    assert read(body) == []


@pytest.mark.parametrize("body", [b'"Id","Name"\n"1"\n', b'"Id","Amount"\n"1","one"\n', b'"Id","Name"\n"1","\xff"\n'])
def test_a_page_that_is_none_is_asked_for_again(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        read(body)
