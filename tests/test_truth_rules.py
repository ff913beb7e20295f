"""The small rules that the truth comparison has of its own: names of columns, and when JSON is the same."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.testing.cells import identical, same_json
from catchment.testing.rules import column_names, snake

VECTORS = {
    "samPLE text": "sam_ple_text", "SAMPLE 2 TEXT": "sample_2_text", "___$$Base64Encode": "base64_encode",
    "FOO:BAR$BAZ": "foo_bar_baz", "THE5r": "the5r", "_5TEst": "5test", "edf_6N": "edf_6n", "f_pX9": "f_p_x9",
    "p_z9Rg": "p_z9_rg", "lk0B@bFmjrLQ_Z6YL": "lk0_b_b_fmjr_lq_z6yl", "userID": "user_id", "iPhone": "i_phone",
    "Order Completed": "order_completed", "CustomField__c": "custom_field_c", "HTTPServer": "httpserver",
    "sample___text": "sample_text", "address1": "address1", "größe": "größe",
}  # fmt: skip


@pytest.mark.parametrize(("name", "column"), VECTORS.items())
def test_names_follow_the_documented_algorithm(name, column):
    assert snake(name) == column


def test_long_names_are_cut_at_63_bytes():
    plain, safe = column_names(("ä" * 40,))
    assert (plain, safe) == ("ä" * 31, "_" + "ä" * 31)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False).map(
        lambda value: Decimal(f"{value:f}" if "." in f"{value:f}" else f"{value:f}.0")
    ) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def written(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(inner)}" for name, inner in value.items()) + "}"
    return json.dumps(value)


@given(DOCUMENTS)
def test_json_is_the_same_as_itself_written_out(document):
    assert same_json(written(document), document)


@given(DOCUMENTS, DOCUMENTS)
def test_json_is_the_same_only_where_its_text_is(one, other):
    assert identical(one, other) == (_sorted(one) == _sorted(other))


def _sorted(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{json.dumps(name)}:{_sorted(inner)}" for name, inner in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_sorted, value)) + "]"
    return written(value)
