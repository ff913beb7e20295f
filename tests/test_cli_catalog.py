"""`catchment catalog` and the costs that it prints: from the declarations alone, and true of them."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from catchment import cli, registry
from framework.collection import Child, Collection
from framework.connector import Access, Connector, Identity, Judge
from framework.cost import cost, first_sync, idle_sync
from framework.feed import DAY
from framework.listing import Listing


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """`catalog stripe --json`, in a directory without a configuration, on a machine without a network."""

    def no_network(*_: object) -> None:
        raise AssertionError("the catalog reached for the network")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "socket", no_network)
    assert cli.main(["catalog", "stripe", "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert list(tmp_path.iterdir()) == []
    return document


def test_the_document_is_the_declarations(catalog: dict[str, Any]) -> None:
    (connector,) = catalog["connectors"]
    declared = registry.connector("stripe").collections
    assert connector["connector"] == "stripe"
    assert [c["collection"] for c in connector["collections"]] == [c.name for c in declared]
    for shown, collection in zip(connector["collections"], declared, strict=True):
        assert {"kind", "default", "key", "current_by", "deletions", "calls"} <= shown.keys()
        assert (shown["kind"], shown["key"]) == (collection.kind, collection.key)
        assert shown["default"] is collection.default
        assert all(shown[name] for name in ("current_by", "deletions", "calls"))
        assert [(c["name"], c["type"]) for c in shown["columns"]] == [(c.name, c.type) for c in collection.columns]
        assert {c["name"]: c["references"] for c in shown["columns"]} == {
            c.name: c.references or None for c in collection.columns
        }
        assert {m["name"]: m["reason"] for m in shown["missing"]} == dict(collection.missing)


def test_what_exists_under_each_parent_only_is_off_and_states_its_cost(catalog: dict[str, Any]) -> None:
    shown = {c["collection"]: c for c in catalog["connectors"][0]["collections"]}["customer_balance_transactions"]
    assert shown["default"] is False
    assert "1 per new or changed customer" in shown["calls"]


def test_people_see_columns_of_the_connector_that_they_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["catalog"]) == 0
    short = capsys.readouterr().out
    assert cli.main(["catalog", "stripe"]) == 0
    full = capsys.readouterr().out
    for text in (short, full):
        assert "\ncustomers (object, key id)\n" in text
        assert "\nevents (event, key id)\n" in text
    assert "amount_refunded" in full
    assert "amount_refunded" not in short


# ----------------------------------------------------------------------------------------- costs

ORDERS = Collection(
    "orders",
    object="sales.order",
    children=(Child("lines", "lines", "order_id", url="/orders/{id}/lines"), Child("", "notes", "order_id", url="/n")),
)
LINES, NOTES, RATES, LEDGER = Collection("lines"), Collection("notes"), Collection("rates"), Collection("ledger")


def connector(*feeds: Listing) -> Connector:
    access = Access({}, "", ())
    every = (ORDERS, LINES, NOTES, RATES, LEDGER)
    return Connector("shop", "https://x", lambda _: access, every, feeds, Judge({}), Identity("/me"))


SHOP = connector(
    Listing(ORDERS, "/orders", limit=50),
    Listing(RATES, "/rates", keep="relist", cadence=2 * DAY),
    Listing(LEDGER, "/ledger", keep="tail"),
)
ALL = {"orders", "lines", "notes", "rates", "ledger"}


@pytest.mark.parametrize(
    ("selected", "rows", "calls"),
    [
        (set(), {}, 1),
        ({"rates"}, {}, 2),
        ({"rates"}, {"rates": 100}, 2),
        ({"rates"}, {"rates": 101}, 3),
        ({"orders"}, {"orders": 101, "notes": 7}, 4),
        ({"lines"}, {"orders": 50}, 2),
        ({"notes"}, {"orders": 50}, 52),
        (ALL, {"orders": 1, "rates": 1, "ledger": 1}, 5),
    ],
)
def test_calls_of_a_first_sync(selected: set[str], rows: dict[str, int], calls: int) -> None:
    assert first_sync(SHOP, selected, rows) == calls


@pytest.mark.parametrize(
    ("selected", "rows", "due", "now"),
    [
        ({"orders", "notes"}, {"orders": 10_000}, 0, 0),
        ({"ledger"}, {"ledger": 10_000}, 1, 1),
        ({"rates"}, {"rates": 0}, 0, 1),
        ({"rates"}, {"rates": 1_000}, 0, 10),
        ({"rates"}, {"rates": 1_001}, 0, 0),
        (ALL, {"rates": 5}, 1, 2),
    ],
)
def test_calls_of_a_sync_that_finds_nothing_new(selected: set[str], rows: dict[str, int], due: int, now: int) -> None:
    assert idle_sync(SHOP, selected, rows, due=True) == due
    assert idle_sync(SHOP, selected, rows, due=False) == now


def test_costs_in_words() -> None:
    assert "1 per 50 rows" in cost(SHOP, ORDERS).first
    assert cost(SHOP, LINES).change == "0 beside orders"
    assert "further 50" in cost(SHOP, LINES).first
    assert cost(SHOP, NOTES).first.startswith("1 per sales order")
    assert cost(SHOP, NOTES).change == "1 per new or changed sales order"
    assert "every 2 days" in cost(SHOP, RATES).idle
    assert cost(SHOP, LEDGER).idle == "1"
    assert "its own feed" in str(cost(connector(), ORDERS))


def test_the_promised_calls_of_an_idle_stripe_account() -> None:
    stripe = registry.connector("stripe")
    selected = {c.name for c in stripe.collections if c.default}
    assert idle_sync(stripe, selected, {}, due=True) <= 1 + 6
    silent = [feed for feed in stripe.feeds if isinstance(feed, Listing) and (feed.silent or feed.keep != "events")]
    assert idle_sync(stripe, selected, {}, due=False) <= 1 + len(silent)
