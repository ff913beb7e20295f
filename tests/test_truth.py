"""The truth comparison finds every kind of damage, names it, and finds nothing in a right warehouse."""

import pytest

from catchment.testing.damage import report
from catchment.testing.expected import expect
from catchment.testing.stripe import DAY, STRIPE
from tests.truth_shop import BIG, NOW, THINGS, damages, places, right_warehouse


@pytest.fixture
def warehouse():
    with right_warehouse() as connection:
        yield connection


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
