"""The truth comparison knows what may be absent from a warehouse, and what may stay in it."""

from decimal import Decimal

import duckdb
import pytest

from catchment.imitations.stripe import Account
from catchment.testing.damage import Damage, report
from catchment.testing.expected import Thing, expect, from_lines
from catchment.testing.reading import DuckDB
from catchment.testing.stripe import DAY, STRIPE, things
from catchment.testing.truth import compare, held, verify
from tests.truth_shop import (
    ADA,
    BOB,
    CARD,
    DISCOUNT,
    EVENT,
    NOW,
    SUBSCRIPTION,
    SYSTEM,
    THINGS,
    damages,
    places,
    right_warehouse,
)


@pytest.fixture
def warehouse():
    with right_warehouse() as connection:
        yield connection


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
