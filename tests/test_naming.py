"""Names of columns: the algorithm's golden vectors, and what the contract adds to it."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse_loader.naming import RESERVED, column_name, identifier, original, parts, snake

VECTORS = {
    "samPLE text": "sam_ple_text",
    "SAMPLE 2 TEXT": "sample_2_text",
    "___$$Base64Encode": "base64_encode",
    "FOO:BAR$BAZ": "foo_bar_baz",
    "THE5r": "the5r",
    "_5TEst": "5test",
    "edf_6N": "edf_6n",
    "f_pX9": "f_p_x9",
    "p_z9Rg": "p_z9_rg",
    "lk0B@bFmjrLQ_Z6YL": "lk0_b_b_fmjr_lq_z6yl",
    "userID": "user_id",
    "iPhone": "i_phone",
    "charge.refunded": "charge_refunded",
    "Order Completed": "order_completed",
    "Custom_Field__c": "custom_field_c",
    "CustomField__c": "custom_field_c",
    "HTTPServer": "httpserver",
    "CStringRef": "cstring_ref",
    "IDNumber": "idnumber",
    "2FA Enabled": "2fa_enabled",
    "address1": "address1",
    "sample___text": "sample_text",
    "_foo": "foo",
    "foo_": "foo",
    "SystemModstamp": "system_modstamp",
    "Pricebook2Id": "pricebook2_id",
    "ARR__c": "arr_c",
    "Geo__Latitude__s": "geo_latitude_s",
    "SLAExpirationDate__c": "slaexpiration_date_c",
    # letters of any script stay
    "naïve": "naïve",
    "日本語": "日本語",
    "Größe der Tür": "größe_der_tür",
    "ÉcoleID": "école_id",
    "हिन्दी नाम": "हिन्दी_नाम",
}


@pytest.mark.parametrize(("name", "expected"), VECTORS.items())
def test_golden_vectors(name: str, expected: str) -> None:
    assert snake(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", "_"), ("$$", "_"), ("5TEst", "_5test"), ("Group", "_group"), ("open", "_open"), ("order", "_order")],
)
def test_empty_numeric_and_reserved_names_get_an_underscore(name: str, expected: str) -> None:
    assert identifier(name) == expected


def test_every_word_that_duckdb_reserves_is_known() -> None:
    found = duckdb.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'").fetchall()
    assert {word for (word,) in found} <= RESERVED


def test_a_name_is_cut_at_63_bytes_between_letters() -> None:
    assert identifier("a" * 80) == "a" * 63
    assert identifier("ü" * 80) == "ü" * 31


@given(st.lists(st.text(min_size=0, max_size=80), min_size=1, max_size=30, unique=True))
def test_names_are_unique_short_and_stable(originals: list[str]) -> None:
    taken: dict[str, str] = {}
    for one in originals:
        name = column_name((one,), taken)
        assert name not in taken
        assert 0 < len(name.encode()) <= 63
        assert name == name.lower()
        taken[name] = one
    assert list(taken.values()) == originals


def test_the_second_original_of_a_name_gets_its_digest() -> None:
    assert column_name(("Custom_Field__c",), ()) == "custom_field_c"
    assert column_name(("CustomField__c",), {"custom_field_c"}) == "custom_field_c_7487ed"
    long = column_name(("a" * 80,), {"a" * 63})
    assert long.startswith("a" * 56 + "_")
    assert len(long) == 63


def test_a_field_inside_an_object_is_named_after_both() -> None:
    assert column_name(("shippingAddress", "ZipCode"), ()) == "shipping_address_zip_code"


@given(st.lists(st.text(max_size=10), min_size=1, max_size=4))
def test_an_original_reads_back_as_its_path(path: list[str]) -> None:
    assert list(parts(original(path))) == path
