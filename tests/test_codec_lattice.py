"""Types widen along a lattice that loses no value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.merge_kit import connection
from warehouse_loader.arrow import ARROW, from_raw, rewiden
from warehouse_loader.duckdb_warehouse import DIALECT
from warehouse_loader.lattice import Kind, join, natural, parse, widened
from warehouse_loader.layout import Leaf
from warehouse_loader.merge import converted

KINDS: list[Kind] = ["null", "bool", "bigint", "decimal", "double", "text", "timestamptz", "date", "json"]
kinds = st.sampled_from(KINDS)

numbers = (
    st.integers(-(2**70), 2**70).map(str)
    | st.decimals(allow_nan=False, allow_infinity=False, places=9).map("{:f}".format)
    | st.sampled_from(
        ["0", "-0", "1.10", "1e5", "1E-5", "-9.3E8", "1E+25", "1E26", "1e400", "9223372036854775808", "0.1234567890123"]
    )
)
values = (
    st.just("null")
    | st.sampled_from(["true", "false"])
    | numbers
    | st.text(max_size=12).map(json.dumps)
    | st.sampled_from(['"12"', '"1.50"', '"2024-01-31"', '"2024-01-31T10:00:00Z"', '""', '"007"'])
    | st.sampled_from(['{"id":"x"}', '{"a":1.10}', "[]", '["x"]'])
)


@given(kinds, kinds, kinds)
def test_join_is_a_least_upper_bound(a: Kind, b: Kind, c: Kind) -> None:
    assert join(a, b) == join(b, a)
    assert join(a, join(b, c)) == join(join(a, b), c)
    assert join(a, a) == a
    assert join("null", a) == a


def same(kind: Kind, held: Any, raw: str) -> bool:
    """Whether a column's value still says what the JSON said."""
    if raw == "null":
        return held is None
    value = json.loads(raw, parse_float=Decimal, parse_int=Decimal)
    if kind == "json":
        return bool(json.loads(held, parse_float=Decimal, parse_int=Decimal) == value)
    if kind == "text":
        return held == (value if isinstance(value, str) else raw)
    return Decimal(held) == value if kind in ("bigint", "decimal") else held == value


@given(st.lists(values, min_size=1, max_size=8))
def test_a_column_that_nobody_declared_holds_every_value_in_any_order(said: list[str]) -> None:
    kind, made = from_raw(Leaf("c", ("c",), "null", loose=True, declared=False), [Raw(one.encode()) for one in said])
    expected: Kind = "null"
    for one in said:
        expected = join(expected, natural(one.encode()))
    assert kind == expected
    assert all(same(kind, held, raw) for held, raw in zip(made.to_pylist(), said, strict=True))


@given(st.sampled_from(KINDS[1:]), st.lists(values, min_size=1, max_size=8))
def test_the_column_at_once_and_value_by_value_agree(kind: Kind, said: list[str]) -> None:
    """The fast way must refuse or agree with the rules, value by value."""
    raws = [Raw(one.encode()) for one in said]
    wide, made = from_raw(Leaf("c", ("c",), kind, loose=True), raws)
    expected = kind
    for one in said:
        expected = widened(expected, one.encode())
    assert wide == expected
    rows = [parse(wide, one.encode())[1] for one in said]
    assert made.equals(pa.array(rows, ARROW[wide]))


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("bigint", "1.0", 1),
        ("bigint", "1e3", 1000),
        ("decimal", '"1.10"', Decimal("1.1")),
        ("text", "1.10", "1.10"),
        ("text", "true", "true"),
        ("text", '{"id":"cus_1","name":"Ada"}', "cus_1"),
        ("timestamptz", "1700000000", 1_700_000_000_000_000),
        ("timestamptz", '"2024-01-01T00:00:00.5+02:00"', 1_704_060_000_500_000),
        ("timestamptz", '"2024-01-01T00:00:00+0000"', 1_704_067_200_000_000),
        ("timestamptz", "-62135596800", -62_135_596_800_000_000),
    ],
)
def test_declared_columns_take_other_forms_of_their_values(kind: Kind, raw: str, value: object) -> None:
    assert parse(kind, raw.encode()) == (True, value)
    assert widened(kind, raw.encode()) == kind


@pytest.mark.parametrize(
    ("kind", "raw", "into"),
    [
        ("bigint", "1.5", "decimal"),
        ("bigint", "9223372036854775808", "decimal"),
        ("bigint", '"12"', "text"),
        ("bool", "1", "text"),
        ("decimal", "0.1234567890123", "text"),
        ("decimal", "1e400", "text"),
        ("decimal", "123456789012345678901234567890", "text"),
        ("decimal", "12345678901234567890123456789", "text"),
        ("decimal", "1" + "0" * 90, "text"),
        ("decimal", '"' + "7" * 80 + '"', "text"),
        ("double", "9007199254740993", "text"),
        ("double", "1e400", "text"),
        ("timestamptz", "253402300800", "text"),
        ("timestamptz", '"0000-00-00"', "text"),
        ("timestamptz", '"2024-01-01T00:00:00.123456789Z"', "text"),
        ("date", '"2024-01-01T00:00:00Z"', "text"),
        ("text", '{"name":"no id"}', "json"),
        ("text", "[1]", "json"),
    ],
)
def test_what_does_not_fit_widens(kind: Kind, raw: str, into: Kind) -> None:
    assert widened(kind, raw.encode()) == into
    assert from_raw(Leaf("c", ("c",), kind, loose=True), [Raw(raw.encode())])[0] == into


@pytest.mark.parametrize(
    ("kind", "raw", "into"),
    [("decimal", '"007"', "text"), ("bigint", "1.0", "decimal"), ("text", '{"id":"x","more":1}', "json")],
)
def test_a_column_that_nobody_declared_takes_no_liberties(kind: Kind, raw: str, into: Kind) -> None:
    assert from_raw(Leaf("c", ("c",), kind, loose=True, declared=False), [Raw(raw.encode())])[0] == into


SAMPLES: list[tuple[Kind, Kind, str, str]] = [
    ("bool", "text", "true", "true"),
    ("bool", "json", "true", "true"),
    ("bigint", "decimal", "5", "5.000000000000"),
    ("bigint", "text", "-5", "-5"),
    ("bigint", "json", "5", "5"),
    ("decimal", "text", "1.10", "1.1"),
    ("decimal", "text", "100", "100"),
    ("decimal", "text", "12345678901234567890123456.123456789012", "12345678901234567890123456.123456789012"),
    ("decimal", "json", "-0.5", "-0.5"),
    ("double", "text", "1.5", "1.5"),
    ("text", "json", '"a\\"b"', '"a\\"b"'),
    ("date", "text", '"2024-01-31"', "2024-01-31"),
    ("date", "json", '"2024-01-31"', '"2024-01-31"'),
    ("timestamptz", "text", "1700000000", "1700000000"),
    ("timestamptz", "text", '"2024-01-01T00:00:00.5Z"', "1704067200.5"),
    ("timestamptz", "json", "-5", "-5"),
]


@pytest.mark.parametrize(("kind", "into", "raw", "held"), SAMPLES)
def test_pending_columns_and_tables_widen_alike(kind: Kind, into: Kind, raw: str, held: str) -> None:
    _, made = from_raw(Leaf("c", ("c",), kind, loose=True), [Raw(raw.encode()), Raw(b"null")])
    pending = rewiden(made, kind, into)
    database = connection()
    database.register("widening", pa.table({"c": made}))
    database.execute(f"CREATE OR REPLACE TABLE widened AS SELECT c::{DIALECT.types[kind]} AS c FROM widening")
    using = converted(DIALECT, "c", kind, into)
    database.execute(f"ALTER TABLE widened ALTER c TYPE {DIALECT.types[into]} USING {using}")
    stored = database.execute("SELECT c::VARCHAR FROM widened").fetchall()
    database.unregister("widening")
    assert [str(one) if one is not None else None for one in pending.to_pylist()] == [held, None]
    assert [one for (one,) in stored] == [held, None]


def test_a_column_never_narrows() -> None:
    with pytest.raises(ValueError, match="without loss"):
        rewiden(pa.array(["x"]), "text", "bigint")
