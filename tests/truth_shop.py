"""An account by hand, as the vendor shows it, and the same as a right warehouse, to judge the truth comparison by."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import duckdb

from catchment.testing.expected import Thing, expect
from catchment.testing.reading import DuckDB
from catchment.testing.stripe import DAY, STRIPE
from catchment.testing.truth import compare

NOW = 1_700_000_000
BIG = 2**53 + 1

# --- an account by hand, as the vendor shows it ----------------------------------------------------------------------

CARD = {"id": "card_1", "object": "card", "customer": "cus_1", "brand": "Visa", "exp_year": 2030, "last4": "4242"}
ADA = {
    "id": "cus_1", "object": "customer", "balance": 0, "created": NOW - 500, "currency": "eur", "delinquent": False,
    "email": "ada@example.com", "name": None, "phone": "+1", "default_source": {"id": "card_1", "object": "card"},
    "metadata": {"rate": Decimal("1.10"), "big": BIG, "nested": [1, True, None, "x"]},
    "Plan Tier": "gold", "plan_tier": "silver",
}  # fmt: skip
OLD_ADA = {**ADA, "email": "ada@old.example"}
BOB = {"id": "cus_2", "object": "customer", "created": NOW - 400, "email": "bob@example.com", "metadata": {}}
CHARGE = {
    "id": "ch_1", "object": "charge", "amount": BIG, "amount_refunded": 0, "captured": True, "created": NOW - 300,
    "currency": "eur", "customer": "cus_1", "paid": True, "payment_intent": {"id": "pi_1", "object": "payment_intent"},
    "refunded": False, "status": "succeeded", "metadata": {}, "fraud_details": {"user_report": "safe", "new": 7},
    "shipping": {"address": {"city": "Bern", "line1": None}, "name": "Ada", "phone": None},
    "outcome": {"risk_score": 12}, "refunds": {"object": "list", "data": [], "has_more": False},
    "transfer_data": {"destination": "acct_1"},
}  # fmt: skip
FEES = {
    "id": "txn_1", "object": "balance_transaction", "amount": 100, "available_on": NOW, "created": NOW - 300,
    "currency": "eur", "fee": 30, "net": 70, "status": "available", "type": "charge", "exchange_rate": Decimal("1.25"),
    "fee_details": [
        {"amount": 20, "currency": "eur", "type": "stripe_fee"}, {"amount": 10, "currency": "eur", "type": "tax"},
    ],
}  # fmt: skip
ITEM = {
    "id": "si_1", "object": "subscription_item", "created": NOW - 200, "current_period_end": NOW + 30 * DAY,
    "current_period_start": NOW, "metadata": {}, "plan": {"id": "gold", "object": "plan"}, "quantity": 2,
    "subscription": "sub_1", "tax_rates": [],
}  # fmt: skip
SUBSCRIPTION = {
    "id": "sub_1", "object": "subscription", "cancel_at_period_end": False, "collection_method": "send_invoice",
    "created": NOW - 200, "customer": "cus_1", "start_date": NOW - 200, "status": "canceled", "discounts": ["di_1"],
    "items": {"object": "list", "data": [ITEM], "has_more": False, "url": "/v1/subscription_items"},
}  # fmt: skip
DISCOUNT = {
    "id": "di_1", "object": "discount", "customer": "cus_1", "subscription": "sub_1", "start": NOW, "end": None,
    "source": {"coupon": "SALE", "type": "coupon"},
}  # fmt: skip
EVENT = {
    "id": "evt_1", "object": "event", "created": NOW - 350, "type": "customer.updated", "livemode": False,
    "data": {"object": OLD_ADA, "previous_attributes": {"balance": 5}},
}  # fmt: skip

SOURCES = ("customer", "cus_1", "sources")
THINGS = [
    Thing("customer", ADA),
    Thing("customer", BOB, NOW - 50),
    Thing("card", CARD, None, SOURCES),
    Thing("card", {**CARD, "id": "card_2"}, NOW - 40, SOURCES),
    Thing("charge", CHARGE),
    Thing("balance_transaction", FEES),
    Thing("subscription", SUBSCRIPTION, NOW - 60),  # an end of life, whatever the vendor's event is called
    Thing("subscription_item", ITEM, None, ("subscription", "sub_1", "items")),
    Thing("subscription_item", {**ITEM, "id": "si_0"}, NOW - 100, ("subscription", "sub_1", "items")),
    Thing("discount", DISCOUNT),
    Thing("event", EVENT),
    Thing("shipping_rate", {"id": "shr_1", "object": "shipping_rate"}),
]

# --- the same account as a warehouse, by hand ------------------------------------------------------------------------

SYSTEM = ", _version TIMESTAMPTZ, _synced_at TIMESTAMPTZ, _deleted_at TIMESTAMPTZ"
TABLES = {
    "customers": "id VARCHAR, object VARCHAR, balance BIGINT, currency VARCHAR, default_source VARCHAR, "
    "delinquent BOOLEAN, description VARCHAR, email VARCHAR, metadata JSON, created TIMESTAMPTZ, phone VARCHAR, "
    "plan_tier VARCHAR, plan_tier_4f5a6b VARCHAR",
    "cards": "id VARCHAR, object VARCHAR, customer VARCHAR, address_city VARCHAR, address_country VARCHAR, "
    "address_line1 VARCHAR, address_line1_check VARCHAR, address_line2 VARCHAR, address_state VARCHAR, "
    "address_zip VARCHAR, address_zip_check VARCHAR, brand VARCHAR, country VARCHAR, cvc_check VARCHAR, "
    "dynamic_last4 VARCHAR, exp_month BIGINT, exp_year BIGINT, fingerprint VARCHAR, funding VARCHAR, last4 VARCHAR, "
    "metadata JSON, name VARCHAR, tokenization_method VARCHAR",
    "charges": "id VARCHAR, object VARCHAR, amount BIGINT, amount_refunded BIGINT, application_fee VARCHAR, "
    "balance_transaction_id VARCHAR, captured BOOLEAN, currency VARCHAR, customer_id VARCHAR, description VARCHAR, "
    "failure_code VARCHAR, failure_message VARCHAR, metadata JSON, paid BOOLEAN, payment_intent_id VARCHAR, "
    "payment_method_id VARCHAR, receipt_email VARCHAR, receipt_number VARCHAR, refunded BOOLEAN, "
    "statement_descriptor VARCHAR, status VARCHAR, created TIMESTAMPTZ, fraud_details_stripe_report VARCHAR, "
    "fraud_details_user_report VARCHAR, fraud_details_new BIGINT, shipping_address_city VARCHAR, "
    "shipping_address_country VARCHAR, shipping_address_line1 VARCHAR, shipping_address_line2 VARCHAR, "
    "shipping_address_postal_code VARCHAR, shipping_address_state VARCHAR, shipping_carrier VARCHAR, "
    "shipping_name VARCHAR, shipping_phone VARCHAR, shipping_tracking_number VARCHAR, outcome JSON, "
    "transfer_data JSON, destination VARCHAR",
    "balance_transactions": "id VARCHAR, object VARCHAR, amount BIGINT, available TIMESTAMPTZ, created TIMESTAMPTZ, "
    "currency VARCHAR, description VARCHAR, fee BIGINT, net BIGINT, source VARCHAR, status VARCHAR, type VARCHAR, "
    "exchange_rate DECIMAL(38,12)",
    "balance_transaction_fee_details": "id VARCHAR, amount BIGINT, application VARCHAR, "
    "balance_transaction_id VARCHAR, currency VARCHAR, description VARCHAR, type VARCHAR",
    "subscriptions": "id VARCHAR, object VARCHAR, application_fee_percent DECIMAL(38,12), "
    "cancel_at_period_end BOOLEAN, canceled_at TIMESTAMPTZ, collection_method VARCHAR, created TIMESTAMPTZ, "
    "current_period_end TIMESTAMPTZ, current_period_start TIMESTAMPTZ, customer_id VARCHAR, discount_id VARCHAR, "
    "discounts JSON, ended_at TIMESTAMPTZ, plan_id VARCHAR, quantity BIGINT, start_date TIMESTAMPTZ, status VARCHAR, "
    "trial_end TIMESTAMPTZ, trial_start TIMESTAMPTZ",
    "subscription_items": "id VARCHAR, object VARCHAR, created TIMESTAMPTZ, current_period_end TIMESTAMPTZ, "
    "current_period_start TIMESTAMPTZ, metadata JSON, plan JSON, plan_id VARCHAR, quantity BIGINT, "
    "subscription_id VARCHAR, tax_rates JSON",
    "discounts": 'id VARCHAR, object VARCHAR, coupon_id VARCHAR, customer_id VARCHAR, "end" TIMESTAMPTZ, '
    '"start" TIMESTAMPTZ, subscription VARCHAR, source_type VARCHAR',
    "events": "id VARCHAR, object VARCHAR, created TIMESTAMPTZ, type VARCHAR, livemode BOOLEAN, data JSON",
}


def _number(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def _event_data() -> str:
    text = json.dumps(EVENT["data"], default=_number)
    return text.replace('"rate": 1.1', '"rate": 1.10')


ROWS = {
    "customers": [
        (
            f"'cus_1', 'customer', 0, 'eur', 'card_1', false, NULL, 'ada@example.com', "
            f'\'{{"nested": [1,true,null,"x"], "rate": 1.10, "big": {BIG}}}\', to_timestamp({NOW - 500}), \'+1\', '
            f"'silver', 'gold', NULL"
        ),
        (
            f"'cus_2', 'customer', NULL, NULL, NULL, NULL, NULL, 'bob@example.com', '{{}}', to_timestamp({NOW - 400}), "
            f"NULL, NULL, NULL, to_timestamp({NOW - 50})"
        ),
    ],
    "cards": [
        f"'{key}', 'card', 'cus_1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Visa', NULL, NULL, NULL, NULL, "
        f"2030, NULL, NULL, '4242', NULL, NULL, NULL, {mark}"
        for key, mark in (("card_1", "NULL"), ("card_2", f"to_timestamp({NOW - 40})"))
    ],
    "charges": [
        (
            f"'ch_1', 'charge', {BIG}, 0, NULL, NULL, true, 'eur', 'cus_1', NULL, NULL, NULL, '{{}}', true, 'pi_1', "
            f"NULL, NULL, NULL, false, NULL, 'succeeded', to_timestamp({NOW - 300}), NULL, 'safe', 7, 'Bern', NULL, "
            f"NULL, NULL, NULL, NULL, NULL, 'Ada', NULL, NULL, '{{\"risk_score\":12}}', "
            "'{\"destination\":\"acct_1\"}', 'acct_1', NULL"
        )
    ],
    "balance_transactions": [
        (
            f"'txn_1', 'balance_transaction', 100, to_timestamp({NOW}), to_timestamp({NOW - 300}), 'eur', NULL, 30, "
            "70, NULL, 'available', 'charge', 1.25, NULL"
        )
    ],
    "balance_transaction_fee_details": [
        "'txn_1_0', 20, NULL, 'txn_1', 'eur', NULL, 'stripe_fee', NULL",
        "'txn_1_1', 10, NULL, 'txn_1', 'eur', NULL, 'tax', NULL",
    ],
    "subscriptions": [
        (
            f"'sub_1', 'subscription', NULL, false, NULL, 'send_invoice', to_timestamp({NOW - 200}), "
            f"to_timestamp({NOW + 30 * DAY}), to_timestamp({NOW}), 'cus_1', 'di_1', '[\"di_1\"]', NULL, 'gold', 2, "
            f"to_timestamp({NOW - 200}), 'canceled', NULL, NULL, NULL"
        )
    ],
    "subscription_items": [
        f"'{key}', 'subscription_item', to_timestamp({NOW - 200}), to_timestamp({NOW + 30 * DAY}), "
        f"to_timestamp({NOW}), '{{}}', '{{\"id\":\"gold\",\"object\":\"plan\"}}', 'gold', 2, 'sub_1', '[]', {mark}"
        for key, mark in (("si_1", "NULL"), ("si_0", f"to_timestamp({NOW - 100})"))
    ],
    "discounts": [f"'di_1', 'discount', 'SALE', 'cus_1', NULL, to_timestamp({NOW}), 'sub_1', 'coupon', NULL"],
    "events": [
        f"'evt_1', 'event', to_timestamp({NOW - 350}), 'customer.updated', false, '{_event_data()}', NULL",
        f"'evt_0', 'event', to_timestamp({NOW - 40 * DAY}), 'customer.created', false, '{{}}', NULL",
    ],
}
ORIGINALS = [
    ("customers", "plan_tier", "plan_tier"),
    ("customers", "plan_tier_4f5a6b", "Plan Tier"),
    ("charges", "destination", "transfer_data.destination"),
]


@contextmanager
def right_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA live; CREATE SCHEMA catchment;")
    connection.execute(
        "CREATE TABLE catchment.columns (source VARCHAR, collection VARCHAR, column_name VARCHAR, original VARCHAR)"
    )
    for names in ORIGINALS:
        connection.execute("INSERT INTO catchment.columns VALUES ('live', ?, ?, ?)", names)
    stamps = f"to_timestamp({NOW}), to_timestamp({NOW})"
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TABLE live.{name} ({columns}{SYSTEM})")
        for row in ROWS[name]:
            cells, _, deleted_at = row.rpartition(", ")
            connection.execute(f"INSERT INTO live.{name} VALUES ({cells}, {stamps}, {deleted_at})")
    yield connection
    connection.close()


def damages(connection, things=THINGS, **scope):
    return compare(DuckDB(connection), "live", expect(things, STRIPE), tables=list(TABLES), now=NOW, **scope)


def places(connection, **scope):
    return [(each.kind, each.table, each.key, each.column) for each in damages(connection, **scope)]
