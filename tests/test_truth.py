"""The truth comparison finds every kind of damage, names it, and finds nothing in a right warehouse."""

import json
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.imitations.stripe import Account
from catchment.testing.cells import identical, same_json
from catchment.testing.damage import Damage, report
from catchment.testing.expected import Thing, expect, from_lines
from catchment.testing.reading import DuckDB
from catchment.testing.rules import column_names, snake
from catchment.testing.stripe import DAY, STRIPE, things
from catchment.testing.truth import compare, held, verify

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


@pytest.fixture
def warehouse():
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


def test_a_right_warehouse_has_no_damage(warehouse):
    found = damages(warehouse)
    assert found == [], report(found)


def test_object_types_without_a_table_are_counted():
    assert expect(THINGS, STRIPE).unknown == {"shipping_rate": 1}


# --- one test per kind of damage -------------------------------------------------------------------------------------

DAMAGES = {
    "lost": ("DELETE FROM live.charges", ("lost row", "charges", "ch_1", "")),
    "lost, though only its deletion mattered": (
        "DELETE FROM live.customers WHERE id = 'cus_2'",
        ("lost row", "customers", "cus_2", ""),
    ),
    "lost child": ("DELETE FROM live.cards WHERE id = 'card_1'", ("lost row", "cards", "card_1", "")),
    "lost event": ("DELETE FROM live.events WHERE id = 'evt_1'", ("lost row", "events", "evt_1", "")),
    "doubled": ("INSERT INTO live.charges FROM live.charges", ("doubled row", "charges", "ch_1", "")),
    "ghost": (
        "INSERT INTO live.charges BY NAME SELECT 'ch_9' AS id, _version, _synced_at FROM live.charges",
        ("ghost row", "charges", "ch_9", ""),
    ),
    "ghost, though marked": (
        "INSERT INTO live.customers BY NAME SELECT 'cus_9' AS id, _version, _deleted_at FROM live.customers LIMIT 1",
        ("ghost row", "customers", "cus_9", ""),
    ),
    "ghost without a key": ("INSERT INTO live.charges (id) VALUES (NULL)", ("ghost row", "charges", "None", "")),
    "ghost event, too young to be forgotten": (
        f"INSERT INTO live.events (id, created) VALUES ('evt_9', to_timestamp({NOW - 29 * DAY}))",
        ("ghost row", "events", "evt_9", ""),
    ),
    "wrongly deleted": (
        "UPDATE live.charges SET _deleted_at = now()",
        ("wrongly deleted row", "charges", "ch_1", ""),
    ),
    "wrongly deleted at the end of its life": (
        "UPDATE live.subscriptions SET _deleted_at = now()",
        ("wrongly deleted row", "subscriptions", "sub_1", ""),
    ),
    "deletion missed": (
        "UPDATE live.customers SET _deleted_at = NULL",
        ("not marked deleted", "customers", "cus_2", "_deleted_at"),
    ),
    "last values of a deleted row gone": (
        "UPDATE live.customers SET email = NULL WHERE id = 'cus_2'",
        ("wrong cell", "customers", "cus_2", "email"),
    ),
    "wrong text": (
        "UPDATE live.customers SET phone = '+2' WHERE id = 'cus_1'",
        ("wrong cell", "customers", "cus_1", "phone"),
    ),
    "value lost": (
        "UPDATE live.charges SET shipping_address_city = NULL",
        ("wrong cell", "charges", "ch_1", "shipping_address_city"),
    ),
    "value invented": (
        "UPDATE live.charges SET description = ''",
        ("wrong cell", "charges", "ch_1", "description"),
    ),
    "stale": (
        "UPDATE live.customers SET email = 'ada@old.example' WHERE id = 'cus_1'",
        ("stale cell", "customers", "cus_1", "email"),
    ),
    "wrong reference": (
        "UPDATE live.charges SET payment_intent_id = 'pi_2'",
        ("wrong cell", "charges", "ch_1", "payment_intent_id"),
    ),
    "wrong bool": (
        "UPDATE live.charges SET captured = false",
        ("wrong cell", "charges", "ch_1", "captured"),
    ),
    "a second off": (
        "UPDATE live.charges SET created = created + INTERVAL 1 SECOND",
        ("wrong cell", "charges", "ch_1", "created"),
    ),
    "precision of a whole number": (
        "UPDATE live.charges SET amount = amount::DOUBLE::BIGINT",
        ("wrong cell", "charges", "ch_1", "amount"),
    ),
    "precision of a decimal": (
        "UPDATE live.balance_transactions SET exchange_rate = 1.250000000001",
        ("wrong cell", "balance_transactions", "txn_1", "exchange_rate"),
    ),
    "a digit of a JSON number": (
        "UPDATE live.customers SET metadata = replace(metadata, '1.10', '1.1')",
        ("wrong cell", "customers", "cus_1", "metadata"),
    ),
    "precision inside JSON": (
        f"UPDATE live.customers SET metadata = replace(metadata, '{BIG}', '{BIG - 1}')",
        ("wrong cell", "customers", "cus_1", "metadata"),
    ),
    "a JSON type": (
        "UPDATE live.customers SET metadata = replace(metadata, 'true', '1')",
        ("wrong cell", "customers", "cus_1", "metadata"),
    ),
    "JSON null instead of nothing": (
        "UPDATE live.cards SET metadata = 'null' WHERE id = 'card_1'",
        ("wrong cell", "cards", "card_1", "metadata"),
    ),
    "wrong value of an unexplained column": (
        "UPDATE live.charges SET destination = 'acct_2'",
        ("wrong cell", "charges", "ch_1", "destination"),
    ),
    "value of the other of two names that meet": (
        "UPDATE live.customers SET plan_tier_4f5a6b = plan_tier",
        ("wrong cell", "customers", "cus_1", "plan_tier_4f5a6b"),
    ),
    "removed child still live": (
        "UPDATE live.subscription_items SET _deleted_at = NULL WHERE id = 'si_0'",
        ("wrong child", "subscription_items", "si_0", "_deleted_at"),
    ),
    "invented child": (
        "INSERT INTO live.cards (id, customer, _version) VALUES ('card_9', 'cus_1', now())",
        ("wrong child", "cards", "card_9", "customer"),
    ),
    "child of another parent": (
        "UPDATE live.cards SET customer = 'cus_2' WHERE id = 'card_1'",
        ("wrong child", "cards", "card_1", "customer"),
    ),
    "child without identity": (
        "UPDATE live.balance_transaction_fee_details SET amount = 11 WHERE id = 'txn_1_1'",
        ("wrong cell", "balance_transaction_fee_details", "txn_1_1", "amount"),
    ),
    "no version": (
        "UPDATE live.charges SET _version = NULL",
        ("wrong cell", "charges", "ch_1", "_version"),
    ),
    "missing table": ("DROP TABLE live.charges", ("missing table", "charges", "", "")),
    "missing documented column": (
        "ALTER TABLE live.charges DROP COLUMN receipt_number",
        ("missing column", "charges", "", "receipt_number"),
    ),
    "missing undeclared column": (
        "ALTER TABLE live.customers DROP COLUMN phone",
        ("missing column", "customers", "", "phone"),
    ),
    "missing member of a flattened object": (
        "ALTER TABLE live.charges DROP COLUMN fraud_details_new",
        ("missing column", "charges", "", "fraud_details_new"),
    ),
    "missing member of an object that may be flattened": (
        "ALTER TABLE live.discounts DROP COLUMN source_type",
        ("missing column", "discounts", "", "source_type"),
    ),
    "missing system column": (
        "ALTER TABLE live.charges DROP COLUMN _synced_at",
        ("missing column", "charges", "", "_synced_at"),
    ),
    "time as a number": (
        "ALTER TABLE live.charges ALTER created TYPE BIGINT USING epoch(created)::BIGINT",
        ("wrong type", "charges", "", "created"),
    ),
    "time without a zone": (
        "ALTER TABLE live.charges ALTER created TYPE TIMESTAMP USING make_timestamp(epoch_us(created))",
        ("wrong type", "charges", "", "created"),
    ),
    "money as a float": (
        "ALTER TABLE live.balance_transactions ALTER fee TYPE DOUBLE",
        ("wrong type", "balance_transactions", "", "fee"),
    ),
    "JSON as text": (
        "ALTER TABLE live.charges ALTER outcome TYPE VARCHAR",
        ("wrong type", "charges", "", "outcome"),
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_exactly_this_damage_is_reported(warehouse, name):
    statement, damage = DAMAGES[name]
    warehouse.execute(statement)
    assert places(warehouse) == [damage]


def test_a_wrong_cell_shows_both_values(warehouse):
    warehouse.execute("UPDATE live.customers SET phone = '+2' WHERE id = 'cus_1'")
    (damage,) = damages(warehouse)
    assert (damage.expected, damage.found) == ("+1", "+2")
    assert "customers.cus_1.phone: expected '+1', found '+2'" in report([damage])


def test_a_moved_column_is_judged_at_its_new_place(warehouse):
    warehouse.execute("UPDATE live.subscriptions SET plan_id = 'silver', current_period_end = now()")
    assert sorted(places(warehouse)) == [
        ("wrong cell", "subscriptions", "sub_1", "current_period_end"),
        ("wrong cell", "subscriptions", "sub_1", "plan_id"),
    ]


def test_two_fields_in_one_column_lose_one(warehouse):
    warehouse.execute("ALTER TABLE live.customers DROP COLUMN plan_tier_4f5a6b; DELETE FROM catchment.columns")
    assert ("missing column", "customers", "", "plan_tier") in places(warehouse)


# --- what may be absent, and what may stay ---------------------------------------------------------------------------


def test_what_was_deleted_before_the_first_sync_may_be_absent(warehouse):
    warehouse.execute(
        "DELETE FROM live.customers WHERE id = 'cus_2'; DELETE FROM live.subscription_items WHERE id = 'si_0'"
    )
    assert places(warehouse, known_since=NOW - 10) == []
    assert places(warehouse, known_since=NOW - 90) == [("lost row", "customers", "cus_2", "")]
    assert len(places(warehouse, known_since=NOW - 150)) == 2  # and it saw the item, which went later


def test_a_row_once_held_never_disappears(warehouse):
    before = held(DuckDB(warehouse), "live")
    warehouse.execute("DELETE FROM live.cards WHERE id = 'card_2'; DELETE FROM live.events WHERE id = 'evt_0'")
    assert places(warehouse) == []
    assert places(warehouse, held=before) == [("lost row", "cards", "card_2", ""), ("lost row", "events", "evt_0", "")]


def test_events_older_than_the_vendor_kept_at_the_first_sync_may_be_absent(warehouse):
    older = [*THINGS, Thing("event", {**EVENT, "id": "evt_2", "created": NOW - 45 * DAY})]
    assert damages(warehouse, older, known_since=NOW) == []
    assert [each.key for each in damages(warehouse, older, known_since=NOW - 40 * DAY)] == ["evt_2"]


def test_a_removed_child_that_the_vendor_forgot_is_right_when_marked(warehouse):
    things = [thing for thing in THINGS if thing.object["id"] != "card_2"]
    assert damages(warehouse, things) == []
    warehouse.execute("UPDATE live.cards SET _deleted_at = NULL")
    assert [each.kind for each in damages(warehouse, things)] == ["wrong child"]


def test_children_go_with_a_deleted_parent(warehouse):
    things = [thing._replace(deleted_at=NOW - 30) if thing.object is ADA else thing for thing in THINGS]
    warehouse.execute("UPDATE live.customers SET _deleted_at = now()")
    assert damages(warehouse, things) == []  # the vendor says nothing of the card
    things = [thing._replace(deleted_at=NOW - 30) if thing.object is CARD else thing for thing in things]
    assert [(each.kind, each.key) for each in damages(warehouse, things)] == [("not marked deleted", "card_1")]


def test_members_may_be_numbered_from_one(warehouse):
    warehouse.execute(
        "UPDATE live.balance_transaction_fee_details SET id = 'txn_1_2' WHERE id = 'txn_1_1';"
        "UPDATE live.balance_transaction_fee_details SET id = 'txn_1_1' WHERE id = 'txn_1_0'"
    )
    assert damages(warehouse) == []


def test_a_discount_that_no_list_shows_need_not_be_there(warehouse):
    lonely = Thing("discount", {**DISCOUNT, "id": "di_2", "subscription": None, "invoice": "in_1"})
    assert damages(warehouse, [*THINGS, lonely]) == []
    warehouse.execute("DELETE FROM live.discounts")
    assert places(warehouse) == [("lost row", "discounts", "di_1", "")]


def test_an_expanded_list_of_references_is_its_ids(warehouse):
    expanded = [
        Thing("subscription", {**SUBSCRIPTION, "discounts": [DISCOUNT]}) if thing.object is SUBSCRIPTION else thing
        for thing in THINGS
    ]
    assert damages(warehouse, expanded) == []
    warehouse.execute("UPDATE live.subscriptions SET discounts = '[\"di_7\"]'")
    assert [each.column for each in damages(warehouse, expanded)] == ["discounts"]


def test_an_imitated_account_tells_its_objects_and_its_dead():
    account = Account(seed=1, now=NOW)
    for customer in (ADA, BOB):
        account.create({**customer, "metadata": {}})
    account.add_child("customer", "cus_1", "sources", CARD)
    account.add_child("customer", "cus_2", "sources", {**CARD, "id": "card_2", "customer": "cus_2"})
    account.delete("customer", "cus_2")
    told = expect(things(account), STRIPE)
    assert {key: row.deleted_at for key, row in told["customers"].items()} == {"cus_1": None, "cus_2": NOW}
    assert {key: (row.deleted_at, row.parents) for key, row in told["cards"].items()} == {
        "card_1": (None, {"customer": "cus_1"}),
        "card_2": (NOW, {"customer": "cus_2"}),
    }
    assert [row.object["type"] for row in told["events"].values()].count("customer.deleted") == 1


def test_tables_that_are_off_by_default_are_judged_where_they_exist(warehouse):
    found = compare(DuckDB(warehouse), "live", expect([], STRIPE))
    missing = {each.table for each in found if each.kind == "missing table"}
    assert "refunds" in missing
    assert "customer_balance_transactions" not in missing


def test_a_file_is_read_and_lines_are_objects(tmp_path):
    path = tmp_path / "one.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"CREATE SCHEMA live; CREATE TABLE live.reviews (id VARCHAR, object VARCHAR, rate DECIMAL(38,12){SYSTEM});"
            "INSERT INTO live.reviews VALUES ('prv_1', 'review', 1.5, now(), now(), NULL)"
        )
    line = '{"object_type": "review", "object": {"id": "prv_1", "object": "review", "rate": %s}}'
    assert verify(path, "live", from_lines([line % "1.50", "\n"]), STRIPE, tables=["reviews"]) == []
    (damage,) = verify(path, "live", from_lines([line % "1.51"]), STRIPE, tables=["reviews"])
    assert damage == Damage("wrong cell", "reviews", "prv_1", "rate", Decimal("1.51"), Decimal("1.5"))


def test_the_report_counts_and_cuts():
    many = [Damage("wrong cell", "charges", f"ch_{at}", "amount", 1, 2) for at in range(9)]
    text = report([*many, Damage("lost row", "refunds", "re_1")], each=2)
    assert text.splitlines()[:2] == ["10 damages", "wrong cell: 9 (charges.amount 9)"]
    assert "... and 7 more" in text
    assert "lost row: refunds.re_1" in text
    assert "ch_2" not in text
    assert report([]) == "no damage"


# --- its own small rules ---------------------------------------------------------------------------------------------

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
