"""The declared Stripe tables: every documented column, no name twice, no field claimed in two ways, no dead link."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
from stripe._object_classes import get_object_class

from connectors.stripe.collections import COLLECTIONS
from framework.collection import Collection, Column, Type

BY_NAME = {collection.name: collection for collection in COLLECTIONS}
NAME = re.compile(r"_?[a-z][a-z0-9]*(_[a-z0-9]+)*")
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")

NEW = """prices payouts checkout_sessions checkout_session_line_items credit_notes credit_note_lines setup_intents
    payment_links quotes promotion_codes subscription_schedules invoice_payments customer_tax_ids
    customer_balance_transactions topups reviews early_fraud_warnings events"""

DOCUMENTED = {
    "accounts": """business_logo business_name business_url charges_enabled country debit_negative_balances
        default_currency details_submitted display_name email metadata product_description statement_descriptor
        support_address_* support_email support_phone support_url timezone transfers_enabled type""",
    "application_fee_refunds": "amount created currency fee_id metadata",
    "application_fees": """account_id amount amount_refunded application_id available balance_transaction_id charge_id
        created currency metadata originating_transaction refunded transfer_id""",
    "balance_transaction_fee_details": "amount application balance_transaction_id currency description type",
    "balance_transactions": "amount available created currency description fee metadata net source status type",
    "bank_accounts": "bank_name country currency default_for_currency is_deleted metadata status",
    "cards": """address_city address_country address_line1 address_line1_check address_line2 address_state address_zip
        address_zip_check brand country cvc_check dynamic_last4 exp_month exp_year fingerprint funding last4 metadata
        name tokenization_method""",
    "charges": """amount amount_refunded application_fee balance_transaction_id captured currency customer_id
        description destination failure_code failure_message fraud_details_stripe_report fraud_details_user_report
        invoice_id metadata paid payment_intent_id payment_method_id receipt_email receipt_number refunded
        shipping_address_* shipping_carrier shipping_name shipping_phone shipping_tracking_number
        statement_descriptor status""",
    "coupons": """amount_off currency duration duration_in_months max_redemptions metadata percent_off
        percent_off_precise times_redeemed valid""",
    "customers": "balance currency default_source delinquent description email metadata",
    "discounts": "coupon_id customer_id _end start subscription",
    "disputes": """amount charge_id created currency evidence_access_activity_log evidence_details_due_by
        is_charge_refundable metadata reason status""",
    "invoice_items": """amount currency customer_id date description discountable invoice_id metadata period_start
        period_end proration quantity subscription_id""",
    "invoice_lines": """amount currency description discountable invoice_id item_id period_end period_start plan_id
        proration quantity subscription_id tax_rates type""",
    "invoices": """amount_due application_fee attempt_count attempted auto_advance billing_reason charge_id created
        currency customer_id description due_date ending_balance metadata paid period_end period_start receipt_number
        starting_balance statement_descriptor status subscription_id subtotal tax total""",
    "payment_intents": """amount amount_capturable amount_received application_fee_amount application_id canceled_at
        cancellation_reason capture_method confirmation_method created currency customer_id description invoice_id
        livemode metadata on_behalf_of payment_method_id receipt_email review_id statement_descriptor status
        transfer_data_amount transfer_data_destination transfer_group""",
    "payment_methods": """billing_details_address_* billing_details_email billing_details_name billing_details_phone
        card_networks_available created customer_id livemode metadata type""",
    "plans": "amount currency interval interval_count metadata product trial_period_days",
    "products": """active attributes caption deactivate_on description images livemode metadata name
        package_dimensions_height package_dimensions_length package_dimensions_weight package_dimensions_width
        shippable url""",
    "refunds": "amount balance_transaction_id charge_id currency metadata reason receipt_number",
    "subscription_items": "created metadata plan_id quantity subscription_id tax_rates",
    "subscriptions": """application_fee_percent cancel_at_period_end canceled_at collection_method created
        current_period_end current_period_start customer_id discount_id ended_at is_deleted plan_id quantity
        start_date status trial_end trial_start""",
    "tax_rates": "active country description display_name inclusive jurisdiction percentage state tax_type",
    "transfer_reversals": "amount balance_transaction_id created currency metadata transfer_id",
    "transfers": """amount amount_reversed balance_transaction_id bank_account_id created currency description
        destination_id destination_payment metadata reversed source_transaction""",
}

# What the pinned version moved: collection, column, and where the value is now.
MOVED: list[tuple[str, str, tuple[str | int, ...]]] = [
    ("accounts", "business_name", ("business_profile", "name")),
    ("accounts", "support_address_city", ("business_profile", "support_address", "city")),
    ("accounts", "timezone", ("settings", "dashboard", "timezone")),
    ("accounts", "transfers_enabled", ("payouts_enabled",)),
    ("balance_transactions", "available", ("available_on",)),
    ("charges", "destination", ("transfer_data", "destination")),
    ("discounts", "coupon_id", ("source", "coupon")),
    ("invoice_items", "subscription_id", ("parent", "subscription_details", "subscription")),
    ("invoice_lines", "item_id", ("parent", "invoice_item_details", "invoice_item")),
    ("invoice_lines", "plan_id", ("pricing", "price_details", "price")),
    ("invoice_lines", "proration", ("parent", "subscription_item_details", "proration")),
    ("invoice_lines", "subscription_id", ("parent", "subscription_item_details", "subscription")),
    ("invoices", "subscription_id", ("parent", "subscription_details", "subscription")),
    ("subscriptions", "current_period_end", ("items", "data", 0, "current_period_end")),
    ("subscriptions", "current_period_start", ("items", "data", 0, "current_period_start")),
    ("subscriptions", "discount_id", ("discounts", 0)),
    ("subscriptions", "plan_id", ("items", "data", 0, "plan", "id")),
    ("subscriptions", "quantity", ("items", "data", 0, "quantity")),
]

each = pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda collection: collection.name)


def spelled_out(columns: str) -> Iterator[str]:
    for name in columns.split():
        yield from (f"{name[:-1]}{part}" for part in ADDRESS) if name.endswith("_*") else (name,)


def named(collection: Collection) -> dict[str, Column]:
    return {column.name: column for column in collection.columns}


def whole(collection: Collection) -> set[str | int]:
    """Fields that have a column of their own."""
    return {column.path[0] for column in collection.columns if len(column.path) == 1}


def lists(collection: Collection) -> set[str]:
    return {child.path for child in collection.children if child.path}


# ------------------------------------------------------------------------------------ what there is


def test_these_43_collections_exist_once() -> None:
    names = [collection.name for collection in COLLECTIONS]
    assert sorted(names) == sorted([*DOCUMENTED, *NEW.split()])
    assert len(names) == 43


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_columns_are_there_or_missing_for_a_reason(name: str) -> None:
    collection = BY_NAME[name]
    columns, absent = set(named(collection)), set(collection.missing)
    assert set(spelled_out(DOCUMENTED[name])) <= columns | absent
    assert not columns & absent
    assert absent <= set(spelled_out(DOCUMENTED[name]))
    assert all(len(reason) > 15 for reason in collection.missing.values())


@pytest.mark.parametrize(("collection", "column", "path"), MOVED)
def test_moved_columns_are_filled_from_their_new_place(collection: str, column: str, path: tuple[Any, ...]) -> None:
    assert named(BY_NAME[collection])[column].path == path


def test_only_what_costs_a_call_per_parent_is_off() -> None:
    assert [c.name for c in COLLECTIONS if not c.default] == ["customer_balance_transactions"]
    called = {name for c in COLLECTIONS for child in c.children if not child.path for name in child.collections()}
    assert called == {"customer_balance_transactions"}


def test_events_alone_are_appended() -> None:
    assert [c.name for c in COLLECTIONS if c.kind == "event"] == ["events"]


def test_object_types_tell_collections_apart() -> None:
    objects = Counter(collection.object for collection in COLLECTIONS)
    assert objects.pop("") == 1, "only the fee details have no object type"
    assert set(objects.values()) == {1}


# ------------------------------------------------------------------------------------- each of them


@each
def test_names_are_valid_and_unique(collection: Collection) -> None:
    names = [column.name for column in collection.columns]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert [name for name in [collection.name, *names] if not NAME.fullmatch(name) or len(name) > 63] == []
    assert {column.type for column in collection.columns} <= set(get_args(Type))


@each
def test_no_value_is_claimed_twice(collection: Collection) -> None:
    paths = Counter(column.path for column in collection.columns)
    assert [path for path, times in paths.items() if times > 1] == []


@each
def test_key_comes_first(collection: Collection) -> None:
    assert collection.key == "id"
    assert (collection.columns[0].name, collection.columns[0].type) == ("id", "text")


@each
def test_references_name_collections(collection: Collection) -> None:
    assert {column.references for column in collection.columns} - {"", *BY_NAME} == set()
    assert {column.type for column in collection.columns if column.references} <= {"text", "json"}


@each
def test_fields_are_flattened_or_json_but_not_by_accident(collection: Collection) -> None:
    """A path into a field that has its own column reads out of JSON; any other field is flattened whole."""
    types = {column.path[0]: column.type for column in collection.columns if len(column.path) == 1}
    for column in collection.columns:
        if len(column.path) > 1 and column.path[0] in types:
            assert types[column.path[0]] == "json", column.name
    prefixes = {column.path[:n] for column in collection.columns for n in range(2, len(column.path))}
    nested = {column.path for column in collection.columns if len(column.path) > 1}
    assert prefixes & nested == set(), "a path runs through a value that is a column itself"


@each
def test_dropped_fields_are_no_columns(collection: Collection) -> None:
    claimed = {column.path[0] for column in collection.columns} | lists(collection)
    assert set(collection.drop) & claimed == set()


@each
def test_everything_is_described(collection: Collection) -> None:
    assert collection.description.endswith(".")
    assert collection.current_by
    assert collection.deletions
    for column in collection.columns:
        assert 1 <= len(column.description.split()) <= 16, column.name
        assert not re.search(r"[^.]\.$", column.description), column.name


@each
def test_instants_are_times_and_money_is_whole(collection: Collection) -> None:
    for column in collection.columns:
        if re.fullmatch(r"created|updated|.*_at|(current_)?period_(start|end)|trial_(start|end)", column.name):
            assert column.type == "timestamptz", column.name
        if re.search(r"\bminor units\b", column.description):
            exact = column.name.endswith("_decimal")
            assert column.type == ("decimal" if exact else "bigint"), column.name
        assert column.type != "double", column.name


@each
def test_children_have_a_place_for_their_parents_key(collection: Collection) -> None:
    for child in collection.children:
        for name in child.collections():
            parent = named(BY_NAME[name])[child.parent]
            assert (parent.type, parent.references) == ("text", collection.name)
        if isinstance(child.into, str):
            continue
        assert {kind: BY_NAME[name].object for kind, name in child.into.items()} == {k: k for k in child.into}


@each
def test_only_expandable_ids_are_both_a_column_and_a_child_list(collection: Collection) -> None:
    both = {path for path in lists(collection) if path in whole(collection)}
    for column in collection.columns:
        if column.path[0] in both and len(column.path) == 1:
            child = next(child for child in collection.children if child.path == column.name)
            assert (column.type, column.references, child.expand) == ("json", child.into, child.path)


@each
def test_paths_of_reads_use_fields_of_the_object(collection: Collection) -> None:
    if collection.get:
        assert collection.get.startswith("/v1/")
        assert collection.get.endswith("/{id}")
        fields = {column.path[0] for column in collection.columns}
        assert set(re.findall(r"{(\w+)}", collection.get)) <= fields
    for child in collection.children:
        assert child.path or child.url
        assert not child.url or re.findall(r"{(\w+)}", child.url) == ["id"]


def test_numbered_children_need_a_parent_list() -> None:
    numbered = {collection.name for collection in COLLECTIONS if collection.numbered}
    lists_of = {name for c in COLLECTIONS for child in c.children for name in child.collections()}
    assert numbered == {"balance_transaction_fee_details"}
    assert numbered <= lists_of


# ------------------------------------------------------------------------------ the vendor's library

# What the vendor's library does not name: keys that come from the parent, and fields that real answers show.
BEYOND: dict[str, set[tuple[str, ...]]] = {
    "charges": {("dispute",), ("order",), ("destination",)},
    "checkout_session_line_items": {("checkout_session_id",)},
    "credit_note_lines": {("credit_note_id",)},
    "payment_methods": {("billing_details", "tax_id")},
    "subscriptions": {("plan",), ("quantity",)},
}
TYPES: dict[Any, set[str]] = {
    bool: {"bool"},
    int: {"bigint", "timestamptz"},
    float: {"decimal"},
    Decimal: {"decimal"},
    str: {"text"},
}
published = pytest.mark.parametrize(
    "collection", [c for c in COLLECTIONS if c.object], ids=lambda collection: collection.name
)


def flattened(collection: Collection) -> set[tuple[str | int, ...]]:
    """Paths of the columns that are not read out of a JSON column or a child list."""
    taken = whole(collection) | lists(collection)
    return {column.path for column in collection.columns if len(column.path) > 1 and column.path[0] not in taken}


def leaves(cls: Any, inside: set[tuple[str | int, ...]], above: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Path and annotation of each field, looking into the objects that are flattened."""
    for name, annotation in cls.__annotations__.items():
        path = (*above, name)
        if name.startswith("_") or name == "OBJECT_NAME":
            continue
        if any(len(longer) > len(path) and longer[: len(path)] == path for longer in inside):
            inner = [getattr(cls, word.rpartition(".")[2], None) for word in re.findall(r"[\w.]+", str(annotation))]
            yield from leaves(next(found for found in inner if found is not None), inside, path)
        else:
            yield path, annotation


@published
def test_every_field_of_the_pinned_version_is_taken_and_no_other(collection: Collection) -> None:
    inside = flattened(collection)
    fields = {path for path, _ in leaves(get_object_class("V1", collection.object), inside)}
    taken = inside | {(name,) for name in whole(collection) | lists(collection) | set(collection.drop)}
    assert taken == fields | BEYOND.get(collection.name, set())


@published
def test_types_are_those_of_the_pinned_version(collection: Collection) -> None:
    types = {column.path: column.type for column in collection.columns}
    known = 0
    for path, annotation in leaves(get_object_class("V1", collection.object), flattened(collection)):
        either = get_args(annotation) if get_origin(annotation) is Union else (annotation,)
        plain = [kind for kind in either if kind is not type(None)]
        if path in types and len(plain) == 1 and plain[0] in TYPES:
            known += 1
            assert types[path] in TYPES[plain[0]], path
    assert known >= 3


# ------------------------------------------------------------------------------- the vendor's samples

PLAIN = {
    "bool": lambda value: isinstance(value, bool),
    "bigint": lambda value: type(value) is int,
    "timestamptz": lambda value: type(value) is int,
    "decimal": lambda value: re.fullmatch(r"-?\d+(\.\d+)?", str(value)) is not None,
    "text": lambda value: isinstance(value, str) or (isinstance(value, dict) and "id" in value),
    "json": lambda value: isinstance(value, dict | list),
}


def found(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def unclaimed(collection: Collection, sample: dict[str, Any]) -> Iterator[str]:
    """Fields, also inside flattened objects, that no column, child list or drop takes."""
    taken = whole(collection) | lists(collection) | set(collection.drop)
    inside = flattened(collection)

    def walk(value: dict[str, Any], above: tuple[str, ...]) -> Iterator[str]:
        for name, inner in value.items():
            path = (*above, name)
            if path in inside:
                continue
            if not any(longer[: len(path)] == path for longer in inside):
                yield ".".join(path)
            elif isinstance(inner, dict):
                yield from walk(inner, path)

    yield from walk({name: value for name, value in sample.items() if name not in taken}, ())


@pytest.mark.fixtures
def test_the_vendors_samples_fit_their_declarations(fixtures_dir: Path) -> None:
    samples = json.loads((fixtures_dir / "stripe/stripe-openapi/openapi/fixtures3.json").read_text())["resources"]
    by_object = {collection.object: collection for collection in COLLECTIONS if collection.object}
    seen, surplus, misfits = set(), [], []
    for name, sample in samples.items():
        collection = by_object.get(sample.get("object", ""))
        if collection is None or sample.get("deleted"):
            continue
        seen.add(collection.name)
        surplus += [f"{name}.{field}" for field in unclaimed(collection, sample)]
        for column in collection.columns:
            value = found(sample, column.path)
            if value is not None and not PLAIN[column.type](value):
                misfits.append(f"{name}.{column.name}: {value!r} is no {column.type}")
    assert misfits == []
    assert surplus == ["invoice.subscription"], "shown by the sample, absent from the pinned version's reference"
    assert len(seen) == 42, "every collection but the fee details, which have no object type"
