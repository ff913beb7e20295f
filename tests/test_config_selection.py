"""Which collections are synced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import Choice, choose

KNOWN = ("charges", "customers", "events", "invoice_lines", "invoices", "payouts")
DEFAULT = {"charges", "customers", "events"}


@pytest.mark.parametrize(
    ("choices", "chosen"),
    [
        ([Choice("default")], DEFAULT),
        ([], DEFAULT),
        ([Choice("default"), Choice("events", included=False)], DEFAULT - {"events"}),
        ([Choice("events", included=False)], DEFAULT - {"events"}),
        ([Choice("payouts")], {"payouts"}),
        ([Choice("invoice*")], {"invoices", "invoice_lines"}),
        ([Choice("*"), Choice("invoice*", included=False)], set(KNOWN) - {"invoices", "invoice_lines"}),
        ([Choice("default"), Choice("payouts")], DEFAULT | {"payouts"}),
    ],
)
def test_what_is_chosen(choices: list[Choice], chosen: set[str]) -> None:
    assert set(choose(choices, KNOWN, DEFAULT).collections) == chosen


def test_excluded_columns_add_up() -> None:
    choices = [Choice("default"), Choice("c*", exclude=("email",)), Choice("charges", exclude=("receipt_url",))]
    collections = choose(choices, KNOWN, DEFAULT).collections
    assert collections["charges"] == {"email", "receipt_url"}
    assert collections["customers"] == {"email"}
    assert collections["events"] == frozenset()


def test_an_entry_that_names_nothing_is_told() -> None:
    found = choose([Choice("default"), Choice("chargs", key=1), Choice("x*", included=False)], KNOWN, DEFAULT)
    assert [choice.name for choice in found.unmatched] == ["chargs", "x*"]


entries = st.builds(Choice, st.sampled_from(["default", "c*", *KNOWN]), st.booleans())


@given(st.lists(entries, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_the_entries_does_not_matter(choices: list[Choice], random: object) -> None:
    shuffled = list(choices)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(choices, KNOWN, DEFAULT).collections == choose(shuffled, KNOWN, DEFAULT).collections
