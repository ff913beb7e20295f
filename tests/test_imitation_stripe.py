"""The imitation of the Stripe API, judged by the official SDK: lists, errors, events, limits, faults, signatures."""

import json
import re
import subprocess
import sys
import typing
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import stripe
from stripe import checkout, radar

from catchment.imitations.stripe import API_VERSION, Account, Key, Server, bulk, generate, live, sign
from catchment.imitations.stripe.events import previous
from catchment.imitations.stripe.faults import KINDS
from catchment.imitations.stripe.resources import BY_OBJECT, RESOURCES
from catchment.imitations.stripe.shelf import decode
from catchment.imitations.stripe.templates import billing, catalog, invoices, payments, people

NOW = 1_790_000_000
DAY = 86_400

# SDK service -> the object type that its list shows.
LISTS = {
    "accounts": "account",
    "application_fees": "application_fee",
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "checkout.sessions": "checkout.session",
    "coupons": "coupon",
    "credit_notes": "credit_note",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "invoice_items": "invoiceitem",
    "invoice_payments": "invoice_payment",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payment_links": "payment_link",
    "payment_methods": "payment_method",
    "payouts": "payout",
    "plans": "plan",
    "prices": "price",
    "products": "product",
    "promotion_codes": "promotion_code",
    "quotes": "quote",
    "radar.early_fraud_warnings": "radar.early_fraud_warning",
    "refunds": "refund",
    "reviews": "review",
    "setup_intents": "setup_intent",
    "subscription_schedules": "subscription_schedule",
    "subscriptions": "subscription",
    "tax_rates": "tax_rate",
    "topups": "topup",
    "transfers": "transfer",
}

# SDK class -> object type, and the fields that the API leaves out unless they are asked for or apply.
CLASSES: dict[str, tuple[Any, str]] = {
    "account": (stripe.Account, ""),
    "application_fee": (stripe.ApplicationFee, ""),
    "balance_transaction": (stripe.BalanceTransaction, ""),
    "bank_account": (stripe.BankAccount, ""),
    "card": (stripe.Card, "description iin issuer"),
    "charge": (stripe.Charge, "refunds"),
    "checkout.session": (checkout.Session, "line_items"),
    "coupon": (stripe.Coupon, "applies_to currency_options"),
    "credit_note": (stripe.CreditNote, ""),
    "credit_note_line_item": (stripe.CreditNoteLineItem, ""),
    "customer": (stripe.Customer, "sources subscriptions tax_ids"),
    "customer_balance_transaction": (stripe.CustomerBalanceTransaction, ""),
    "discount": (stripe.Discount, ""),
    "dispute": (stripe.Dispute, ""),
    "event": (stripe.Event, "account context"),
    "fee_refund": (stripe.ApplicationFeeRefund, ""),
    "invoice": (stripe.Invoice, "payments"),
    "invoice_payment": (stripe.InvoicePayment, ""),
    "invoiceitem": (stripe.InvoiceItem, ""),
    "item": (stripe.LineItem, "discounts taxes"),
    "line_item": (stripe.InvoiceLineItem, ""),
    "payment_intent": (stripe.PaymentIntent, ""),
    "payment_link": (stripe.PaymentLink, "line_items"),
    "payout": (stripe.Payout, ""),
    "plan": (stripe.Plan, "tiers"),
    "price": (stripe.Price, "currency_options tiers"),
    "product": (stripe.Product, ""),
    "promotion_code": (stripe.PromotionCode, ""),
    "quote": (stripe.Quote, "line_items"),
    "radar.early_fraud_warning": (radar.EarlyFraudWarning, ""),
    "refund": (stripe.Refund, ""),
    "review": (stripe.Review, ""),
    "setup_intent": (stripe.SetupIntent, ""),
    "subscription": (stripe.Subscription, ""),
    "subscription_item": (stripe.SubscriptionItem, ""),
    "subscription_schedule": (stripe.SubscriptionSchedule, ""),
    "tax_id": (stripe.TaxId, ""),
    "tax_rate": (stripe.TaxRate, ""),
    "topup": (stripe.Topup, ""),
    "transfer": (stripe.Transfer, ""),
    "transfer_reversal": (stripe.TransferReversal, ""),
}


class Client:
    """The SDK and a plain session, both pointed at a server."""

    def __init__(self, server: Server, key: str | None = None) -> None:
        self.url = server.url
        self.session = requests.Session()
        self.session.auth = None
        self.session.trust_env = False
        self.key = key or server.key
        self.http = stripe.RequestsClient(session=self.session, timeout=10)
        self.stripe = stripe.StripeClient(
            self.key, base_addresses={"api": server.url}, http_client=self.http, max_network_retries=0
        )

    def get(self, target: str, timeout: float = 5, headers: dict[str, str] | None = None) -> requests.Response:
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return self.session.get(self.url + target, headers=sent, timeout=timeout)

    def service(self, name: str) -> Any:
        found: Any = self.stripe.v1
        for part in name.split("."):
            found = getattr(found, part)
        return found


def serve(account: Any, **settings: Any) -> Iterator[tuple[Server, Client]]:
    with Server(account, **settings) as server:
        client = Client(server)
        yield server, client
        client.session.close()


@pytest.fixture(scope="module")
def lived() -> Account:
    """A generated account that has lived for a while; tests only read it."""
    account = generate(5, objects=2_500)
    live(account, 5, 90)
    return account


@pytest.fixture(scope="module")
def shown(lived: Account) -> Iterator[Client]:
    for _, client in serve(lived):
        yield client


@pytest.fixture
def account() -> Account:
    """A small account for one test, at a fixed moment."""
    return Account(seed=1, now=NOW)


@pytest.fixture
def pair(account: Account) -> Iterator[tuple[Server, Client]]:
    yield from serve(account)


def customer(account: Account, **fields: Any) -> dict[str, Any]:
    stamp = fields.pop("created", account.clock.second())
    return account.create(people.customer(id=account.new_id("cus"), created=stamp, **fields), at=stamp)


def event_types(account: Account) -> list[str]:
    return [account.get("event", event_id)["type"] for event_id in reversed(account.ids("event"))]


# --- lists ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", LISTS)
def test_paging_a_list_with_the_sdk_gives_exactly_the_truth(lived: Account, shown: Client, service: str) -> None:
    params = {"limit": 100, **({"status": "all"} if service == "subscriptions" else {})}
    rows = list(shown.service(service).list(params=params).auto_paging_iter())
    assert [row.id for row in rows] == lived.ids(LISTS[service])
    assert len(rows) > 0
    assert {row.id for row in rows} == set(lived.truth()[LISTS[service]])


def test_every_list_is_walked_by_these_tests() -> None:
    assert set(LISTS.values()) == {resource.object for resource in RESOURCES}


@pytest.mark.parametrize(
    ("parent_type", "field", "call"),
    [
        ("application_fee", "refunds", "application_fees.refunds"),
        ("checkout.session", "line_items", "checkout.sessions.line_items"),
        ("credit_note", "lines", "credit_notes.line_items"),
        ("customer", "balance_transactions", "customers.balance_transactions"),
        ("customer", "sources", "customers.payment_sources"),
        ("customer", "tax_ids", "customers.tax_ids"),
        ("invoice", "lines", "invoices.line_items"),
        ("payment_link", "line_items", "payment_links.line_items"),
        ("quote", "line_items", "quotes.line_items"),
        ("transfer", "reversals", "transfers.reversals"),
        ("account", "external_accounts", "accounts.external_accounts"),
    ],
)
def test_child_lists_page_to_their_end(lived: Account, shown: Client, parent_type: str, field: str, call: str) -> None:
    sizes = {parent_id: len(lived.lists.get((parent_id, field), ())) for parent_id in lived.ids(parent_type)}
    parent_id = max(sizes, key=lambda key: sizes[key])
    assert sizes[parent_id] > 10
    rows = shown.service(call).list(parent_id, params={"limit": 7}).auto_paging_iter()
    assert [row.id for row in rows] == [child["id"] for child in lived.children(parent_id, field)]


def test_subscription_items_are_listed_per_subscription(lived: Account, shown: Client) -> None:
    most = max(lived.ids("subscription"), key=lambda key: len(lived.lists[(key, "items")]))
    rows = shown.stripe.v1.subscription_items.list({"subscription": most, "limit": 3}).auto_paging_iter()
    assert [row.id for row in rows] == [row["id"] for row in lived.children(most, "items")]
    assert len(lived.children(most, "items")) > 10


@pytest.mark.parametrize("object_type", CLASSES)
def test_objects_have_every_field_of_the_pinned_version(lived: Account, object_type: str) -> None:
    known, left_out = CLASSES[object_type]
    wanted = {
        name
        for name, kind in known.__annotations__.items()
        if not str(kind).startswith(("typing.ClassVar", "ClassVar", "ForwardRef('ClassVar"))
    } - {"deleted", "OBJECT_NAME", *left_out.split()}
    for row in lived.truth()[object_type].values():
        assert wanted - set(row) == set()


def test_embedded_lists_show_ten_rows_and_say_that_there_is_more(lived: Account, shown: Client) -> None:
    most = max(lived.ids("invoice"), key=lambda key: len(lived.lists.get((key, "lines"), ())))
    assert len(lived.children(most, "lines")) == 130
    shown_lines = shown.get(f"/v1/invoices/{most}").json()["lines"]
    assert (len(shown_lines["data"]), shown_lines["has_more"]) == (10, True)
    assert len(shown.get(shown_lines["url"] + "?limit=100").json()["data"]) == 100
    assert len(lived.truth()["invoice"][most]["lines"]["data"]) == 130


def test_parents_come_with_lists_of_every_length() -> None:
    fresh = generate(6, objects=1_600, now=NOW)
    lengths = Counter(len(fresh.children(key, "lines")) for key in fresh.ids("invoice"))
    assert {0, 3, 11, 25, 130} <= set(lengths)


def test_a_page_backwards_is_the_page_just_before(shown: Client, lived: Account) -> None:
    ids = lived.ids("charge")
    page = shown.get(f"/v1/charges?limit=3&ending_before={ids[10]}").json()
    assert [row["id"] for row in page["data"]] == ids[7:10]
    assert page["has_more"]
    first = shown.get(f"/v1/charges?limit=5&ending_before={ids[2]}").json()
    assert ([row["id"] for row in first["data"]], first["has_more"]) == (ids[:2], False)


def test_a_page_that_holds_the_last_row_says_so(pair: tuple[Server, Client], account: Account) -> None:
    for second in range(3):
        customer(account, created=NOW + second)
    assert not pair[1].get("/v1/customers?limit=3").json()["has_more"]
    assert pair[1].get("/v1/customers?limit=2").json()["has_more"]


def test_created_bounds_include_and_exclude(pair: tuple[Server, Client], account: Account) -> None:
    made = [customer(account, created=NOW + second)["id"] for second in range(5)]

    def ids(search: str) -> list[str]:
        return [row["id"] for row in pair[1].get(f"/v1/customers?{search}").json()["data"]]

    assert ids(f"created[gte]={NOW + 2}") == [made[4], made[3], made[2]]
    assert ids(f"created[gt]={NOW + 2}") == [made[4], made[3]]
    assert ids(f"created[lte]={NOW + 2}&created[gt]={NOW}") == [made[2], made[1]]
    assert ids(f"created[lt]={NOW + 1}") == [made[0]]
    assert ids(f"created={NOW + 3}") == [made[3]]


def test_lists_filter(shown: Client, lived: Account) -> None:
    truth = lived.truth()
    some = next(one["customer"] for one in truth["charge"].values() if one["customer"] in truth["customer"])
    rows = shown.stripe.v1.charges.list({"customer": some, "limit": 2}).auto_paging_iter()
    assert {row.id for row in rows} == {key for key, one in truth["charge"].items() if one["customer"] == some}
    canceled = {key for key, one in truth["subscription"].items() if one["status"] == "canceled"}
    assert canceled
    shown_by_default = {row.id for row in shown.stripe.v1.subscriptions.list().auto_paging_iter()}
    assert shown_by_default == set(truth["subscription"]) - canceled
    only = shown.stripe.v1.subscriptions.list({"status": "canceled", "limit": 100}).auto_paging_iter()
    assert {row.id for row in only} == canceled
    first = next(iter(truth["price"].values()))
    priced = shown.stripe.v1.prices.list({"product": first["product"], "active": True}).auto_paging_iter()
    assert {row.id for row in priced} == {
        key for key, one in truth["price"].items() if one["product"] == first["product"] and one["active"]
    }


def test_events_filter_by_type_and_wildcard(shown: Client, lived: Account) -> None:
    rows = list(shown.stripe.v1.events.list({"type": "charge.*", "limit": 100}).auto_paging_iter())
    kinds = [row.type for row in rows]
    assert len(kinds) == sum(kind.startswith("charge.") for kind in event_types(lived))
    several = shown.stripe.v1.events.list({"types": ["customer.created", "refund.created"]}).auto_paging_iter()
    assert {row.type for row in several} == {"customer.created", "refund.created"}


# --- single objects and expansion ------------------------------------------------------------------------------


def test_retrieving_gives_the_row_of_the_list(shown: Client, lived: Account) -> None:
    for service, object_type in LISTS.items():
        object_id = lived.ids(object_type)[0]
        assert shown.service(service).retrieve(object_id).id == object_id
    assert shown.stripe.v1.accounts.retrieve_current().id == lived.id


def test_a_deleted_customer_answers_with_a_stub(pair: tuple[Server, Client], account: Account) -> None:
    gone = customer(account)["id"]
    account.delete("customer", gone)
    assert pair[1].get(f"/v1/customers/{gone}").json() == {"id": gone, "object": "customer", "deleted": True}
    assert pair[1].get("/v1/customers").json()["data"] == []
    assert account.deleted[("customer", gone)].deleted_at == NOW
    assert "customer" not in account.truth()


def test_expanding_lists_and_ids(shown: Client, lived: Account) -> None:
    rows = shown.stripe.v1.customers.list(
        {"limit": 100, "expand": ["data.sources", "data.tax_ids", "data.default_source"]}
    )
    owners = [row for row in rows.data if lived.children(row.id, "sources")]
    assert owners
    for row in owners:
        known = lived.children(row.id, "sources")
        sources = typing.cast(Any, row.sources)
        assert [one.id for one in sources.data] == [one["id"] for one in known[:10]]
        assert sources.has_more == (len(known) > 10)
        assert row.default_source is None or typing.cast(Any, row.default_source).last4
    refunded = next(one for one in lived.truth()["charge"].values() if one["amount_refunded"])
    deep = shown.stripe.v1.charges.retrieve(
        refunded["id"], {"expand": ["refunds.data.balance_transaction", "payment_intent.latest_charge"]}
    )
    assert deep.to_dict()["payment_intent"]["latest_charge"]["id"] == refunded["id"]
    assert deep.to_dict()["refunds"]["data"][0]["balance_transaction"]["object"] == "balance_transaction"
    plain = shown.get(f"/v1/charges/{refunded['id']}").json()
    assert "refunds" not in plain
    assert plain["payment_intent"] == refunded["payment_intent"]


def test_discounts_and_line_items_can_be_expanded_in_lists(shown: Client, lived: Account) -> None:
    rows = shown.get("/v1/subscriptions?status=all&limit=100&expand[]=data.discounts").json()["data"]
    found = [one for row in rows for one in row["discounts"]]
    assert found
    assert {one["object"] for one in found} == {"discount"}
    invoices_shown = shown.get(
        "/v1/invoices?limit=100&expand[]=data.payments&expand[]=data.total_discount_amounts"
    ).json()
    assert any(row["payments"]["data"] for row in invoices_shown["data"])
    sessions = shown.get("/v1/checkout/sessions?limit=100&expand[]=data.line_items").json()["data"]
    assert all(row["line_items"]["data"] for row in sessions)


def test_an_expanded_deleted_object_is_a_stub(pair: tuple[Server, Client], account: Account) -> None:
    payer = customer(account)["id"]
    paid = account.create(payments.charge(id="ch_1", created=NOW, customer=payer))
    account.delete("customer", payer)
    shown = pair[1].get(f"/v1/charges/{paid['id']}?expand[]=customer").json()
    assert shown["customer"] == {"id": payer, "object": "customer", "deleted": True}


# --- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "status", "code", "param"),
    [
        ("/v1/charges?limit=101", 400, "parameter_invalid_integer", "limit"),
        ("/v1/charges?limit=0", 400, "parameter_invalid_integer", "limit"),
        ("/v1/charges?limit=ten", 400, "parameter_invalid_integer", "limit"),
        ("/v1/charges?pineapple=1", 400, "parameter_unknown", "pineapple"),
        ("/v1/payment_methods?created[gte]=1", 400, "parameter_unknown", "created[gte]"),
        ("/v1/charges?created[after]=1", 400, "parameter_unknown", "created[after]"),
        ("/v1/charges?starting_after=ch_dead", 400, "resource_missing", "starting_after"),
        ("/v1/charges?ending_before=ch_dead", 400, "resource_missing", "ending_before"),
        ("/v1/charges?starting_after=a&ending_before=b", 400, None, "ending_before"),
        ("/v1/charges/ch_dead", 404, "resource_missing", "id"),
        ("/v1/charges/ch_dead?limit=1", 400, "parameter_unknown", "limit"),
        ("/v1/charges?expand[]=customer", 400, None, "expand"),
        ("/v1/charges?expand[]=data.a.b.c.d", 400, None, "expand"),
        ("/v1/subscription_items", 400, "parameter_missing", "subscription"),
        ("/v1/invoices/in_dead/lines", 404, "resource_missing", "invoice"),
        ("/v1/subscriptions?status=asleep", 400, None, "status"),
        ("/v1/nothing", 404, None, None),
    ],
)
def test_refusals_have_the_vendors_form(
    pair: tuple[Server, Client], target: str, status: int, code: str | None, param: str | None
) -> None:
    answer = pair[1].get(target)
    error = answer.json()["error"]
    assert (answer.status_code, error.get("code"), error.get("param")) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert answer.headers["Request-Id"].startswith("req_")


def test_a_property_that_cannot_be_expanded_is_refused(pair: tuple[Server, Client], account: Account) -> None:
    customer(account)
    answer = pair[1].get("/v1/customers?expand[]=data.email")
    assert (answer.status_code, "email" in answer.json()["error"]["message"]) == (400, True)


def test_more_than_twenty_event_types_are_refused(pair: tuple[Server, Client]) -> None:
    assert pair[1].get("/v1/events?" + urlencode([("types[]", f"a.{n}") for n in range(20)])).status_code == 200
    assert pair[1].get("/v1/events?" + urlencode([("types[]", f"a.{n}") for n in range(21)])).status_code == 400


def test_writing_is_not_part_of_it(pair: tuple[Server, Client]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        pair[1].stripe.v1.customers.create({"email": "a@example.com"})


@pytest.mark.fixtures
def test_lists_accept_exactly_the_parameters_of_the_pinned_version(shown: Client, fixtures_dir: Path) -> None:
    derived = fixtures_dir / "stripe" / "stripe-python-derived" / "list-endpoints.2026-10-28.endive.json"
    facts = json.loads(derived.read_text())
    nested = {"payment": "payment[type]", "recurring": "recurring[interval]", "automatic_tax": "automatic_tax[enabled]",
              "customer_details": "customer_details[email]", "types": "types[]"}  # fmt: skip
    checked = 0
    for endpoint in facts["endpoints"]:
        path = endpoint["path"].removeprefix("/v1/")
        if endpoint["kind"] != "list" or path not in {resource.path for resource in RESOURCES}:
            continue
        checked += 1
        everything = {
            "created",
            "status",
            "customer",
            "type",
            "currency",
            "active",
            "ids",
            "owner",
            *endpoint["params"],
        }
        for name in everything - {"limit", "expand", "starting_after", "ending_before"}:
            answer = shown.get(f"/v1/{path}?{nested.get(name, name)}={'1' if name != 'status' else 'active'}")
            refused = answer.status_code == 400 and answer.json()["error"].get("code") == "parameter_unknown"
            assert refused == (name not in endpoint["params"]), (path, name)
    assert checked == len(RESOURCES)


def test_keys(account: Account) -> None:
    with Server(account, Key("sk_test_mine")) as server:
        restricted = server.open(account, Key("rk_test_restricted_key", denied=frozenset({"charges", "refunds"})))
        other = server.open(Account(seed=2, livemode=True), "sk_live_other")
        mine, narrow, theirs = (Client(server, key) for key in ("sk_test_mine", restricted.secret, other.secret))
        wrong = Client(server, "sk_test_wrongwrong")
        with pytest.raises(stripe.AuthenticationError) as denied:
            wrong.stripe.v1.charges.list()
        assert "wrongwrong" not in str(denied.value)
        assert set(typing.cast(Any, denied.value.json_body)["error"]) == {"message", "type"}
        assert wrong.get("/v1/charges").headers["WWW-Authenticate"] == 'Bearer realm="Stripe"'
        assert requests.get(server.url + "/v1/charges", timeout=5).status_code == 401
        assert requests.get(server.url + "/v1/charges", auth=("sk_test_mine", ""), timeout=5).status_code == 200
        with pytest.raises(stripe.PermissionError, match="rak_charge_read") as refused:
            narrow.stripe.v1.charges.list()
        assert typing.cast(Any, refused.value.json_body)["error"]["code"] == "more_permissions_required"
        assert narrow.stripe.v1.customers.list().data == []
        assert mine.stripe.v1.accounts.retrieve_current().id != theirs.stripe.v1.accounts.retrieve_current().id
        restricted.revoked = True
        with pytest.raises(stripe.AuthenticationError):
            narrow.stripe.v1.customers.list()
        assert (
            mine.get("/v1/charges", headers={"Stripe-Account": "acct_other"}).json()["error"]["code"]
            == "account_invalid"
        )
        assert len({entry.key for entry in server.log}) > 3
        assert not any("sk_test" in entry.key for entry in server.log)
        for client in (mine, narrow, theirs, wrong):
            client.session.close()


def test_a_denied_resource_cannot_be_read_by_expansion(account: Account) -> None:
    payer = customer(account)["id"]
    account.create(payments.charge(id="ch_1", created=NOW, customer=payer))
    with Server(account, Key("rk_test_narrow", denied=frozenset({"customers"}))) as server:
        client = Client(server)
        assert client.get("/v1/charges").status_code == 200
        assert client.get("/v1/charges?expand[]=data.customer").json()["error"]["code"] == "more_permissions_required"
        client.session.close()


def test_a_feature_that_is_not_enabled_has_no_code(pair: tuple[Server, Client], account: Account) -> None:
    account.unavailable["topups"] = (400, "Your account is not set up to use top-ups.")
    with pytest.raises(stripe.InvalidRequestError, match="not set up") as refused:
        pair[1].stripe.v1.topups.list()
    assert (refused.value.http_status, refused.value.code) == (400, None)


# --- events ----------------------------------------------------------------------------------------------------


def test_changes_that_the_vendor_does_not_announce(account: Account) -> None:
    account.create(payments.payment_method(id="pm_1", created=NOW))
    account.create(payments.payment_intent(id="pi_1", created=NOW, status="requires_payment_method"))
    account.create(invoices.invoice_item(id="ii_1", date=NOW))
    assert event_types(account) == ["payment_intent.created", "invoiceitem.created"]
    account.update("payment_intent", "pi_1", {"metadata": {"a": "b"}})
    account.update("invoiceitem", "ii_1", {"description": "other"})
    account.update("payment_method", "pm_1", {"metadata": {"a": "b"}})
    assert len(event_types(account)) == 2
    account.update("payment_method", "pm_1", {"customer": "cus_1"})
    account.update("payment_method", "pm_1", {"customer": None})
    account.update("payment_intent", "pi_1", {"status": "succeeded"})
    assert event_types(account)[2:] == [
        "payment_method.attached",
        "payment_method.detached",
        "payment_intent.succeeded",
    ]


def test_changes_that_the_vendor_announces_more_than_once_or_by_another_name(account: Account) -> None:
    account.create(payments.charge(id="ch_1", created=NOW, amount=100))
    account.create(payments.refund(id="re_1", created=NOW, charge="ch_1"))
    account.update("charge", "ch_1", {"amount_refunded": 40})
    account.update("refund", "re_1", {"status": "failed"})
    account.create(payments.dispute(id="du_1", created=NOW, charge="ch_1"))
    account.create(billing.subscription(id="sub_1", created=NOW, customer="cus_1"))
    account.update("subscription", "sub_1", {"status": "canceled"})
    assert event_types(account) == [
        "charge.succeeded",
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "customer.subscription.created",
        "customer.subscription.deleted",
    ]
    assert "sub_1" in account.truth()["subscription"]


def test_sources_and_tax_ids_are_announced_under_their_customer(account: Account) -> None:
    owner = customer(account)["id"]
    account.add_child("customer", owner, "sources", payments.card(id="card_1", customer=owner))
    account.add_child("customer", owner, "tax_ids", people.tax_id(id="txi_1", created=NOW, customer=owner))
    account.delete("card", "card_1")
    account.delete("tax_id", "txi_1")
    assert event_types(account)[1:] == [
        "customer.source.created",
        "customer.tax_id.created",
        "customer.source.deleted",
        "customer.tax_id.deleted",
    ]
    assert account.deleted[("card", "card_1")].parent == ("customer", owner, "sources")
    assert account.children(owner, "sources") == []


def test_an_updated_event_says_what_was_before(pair: tuple[Server, Client], account: Account) -> None:
    owner = customer(account, name="Ada", metadata={"a": "1", "b": "2"})["id"]
    account.update("customer", owner, {"name": "Grace", "metadata": {"a": "1", "b": "3", "c": "4"}})
    event = pair[1].stripe.v1.events.list({"type": "customer.updated"}).data[0].to_dict()
    assert event["data"]["previous_attributes"] == {"name": "Ada", "metadata": {"b": "2", "c": None}}
    assert event["data"]["object"]["name"] == "Grace"
    assert (event["api_version"], event["created"], event["livemode"]) == (API_VERSION, NOW, False)


def test_a_change_inside_an_embedded_list_is_named(account: Account) -> None:
    account.create(billing.subscription(id="sub_1", created=NOW), emit=False)
    account.add_child("subscription", "sub_1", "items", billing.subscription_item(id="si_1", subscription="sub_1"))
    account.update(
        "subscription",
        "sub_1",
        remove={"items": ["si_1"]},
        add={"items": [billing.subscription_item(id="si_2", subscription="sub_1")]},
    )
    data = account.get("event", account.ids("event")[0])["data"]
    assert [row["id"] for row in data["object"]["items"]["data"]] == ["si_2"]
    assert [row["id"] for row in data["previous_attributes"]["items"]["data"]] == ["si_1"]
    account.update("subscription", "sub_1", change={"items": {"si_2": {"quantity": 9}}})
    assert account.get("subscription", "sub_1")["items"]["data"][0]["quantity"] == 9
    assert ("subscription_item", "si_1") in account.deleted


def test_a_change_beyond_the_shown_rows_is_named_too(account: Account) -> None:
    account.create(invoices.invoice(id="in_1", created=NOW), emit=False)
    for number in range(12):
        account.add_child("invoice", "in_1", "lines", invoices.invoice_line(id=f"il_{number}", invoice="in_1"))
    account.update("invoice", "in_1", remove={"lines": ["il_11"]})
    assert "lines" in account.get("event", account.ids("event")[0])["data"]["previous_attributes"]
    assert account.get("invoice", "in_1")["lines"]["has_more"]


def test_an_event_keeps_the_state_of_its_moment(account: Account) -> None:
    owner = customer(account, name="Ada")["id"]
    account.update("customer", owner, {"name": "Grace"})
    first, second = (account.get("event", key)["data"]["object"]["name"] for key in reversed(account.ids("event")))
    assert (first, second) == ("Ada", "Grace")


def test_late_and_tied_events(pair: tuple[Server, Client], account: Account) -> None:
    owner = customer(account)["id"]
    account.update("customer", owner, {"name": "late"}, at=NOW - 40)
    account.update("customer", owner, {"name": "hidden"}, hidden_for=3_000)
    account.update("customer", owner, {"name": "tie 1"})
    account.update("customer", owner, {"name": "tie 2"})

    def names() -> list[str | None]:
        return [row["data"]["object"]["name"] for row in pair[1].get("/v1/events").json()["data"]]

    assert names() == ["tie 2", "tie 1", None, "late"]
    assert pair[1].get(f"/v1/customers/{owner}").json()["name"] == "tie 2"
    account.clock.move(3_001)
    assert names() == ["tie 2", "tie 1", "hidden", None, "late"]


def test_events_vanish_after_thirty_days(pair: tuple[Server, Client], account: Account) -> None:
    customer(account)
    event_id = account.ids("event")[0]
    assert pair[1].get(f"/v1/events/{event_id}").status_code == 200
    account.clock.move(31 * DAY)
    assert pair[1].get("/v1/events").json()["data"] == []
    assert pair[1].get(f"/v1/events/{event_id}").status_code == 404
    assert pair[1].get(f"/v1/events?starting_after={event_id}").status_code == 400
    assert len(pair[1].get("/v1/customers").json()["data"]) == 1
    assert "GMT" in pair[1].get("/v1/events").headers["Date"]
    customer(account, created=NOW)
    assert event_types(account) == []


def test_events_of_an_older_version_have_another_shape(account: Account) -> None:
    account.event_version = "2024-06-20"
    account.create(billing.subscription(id="sub_1", created=NOW), emit=False)
    row = billing.subscription_item(id="si_1", subscription="sub_1", current_period_end=NOW + DAY)
    account.add_child("subscription", "sub_1", "items", row)
    account.announce("subscription", "sub_1")
    event = account.get("event", account.ids("event")[0])
    assert event["api_version"] == "2024-06-20"
    assert event["data"]["object"]["current_period_end"] == NOW + DAY
    assert "current_period_end" not in event["data"]["object"]["items"]["data"][0]
    assert "current_period_end" not in account.get("subscription", "sub_1")


def test_the_newest_event_of_every_object_shows_what_it_is_now(lived: Account) -> None:
    seen: set[tuple[str, str]] = set()
    for event_id in lived.ids("event"):
        shown = lived.get("event", event_id)["data"]["object"]
        key = (shown["object"], shown.get("id", ""))
        if key in seen or not key[1]:
            continue
        seen.add(key)
        if key not in lived.deleted:
            assert lived.get(*key) == shown
    assert len(seen) > 100


def test_life_takes_vendor_time_and_does_a_bit_of_everything() -> None:
    account = generate(7, objects=1_000, now=NOW)
    counts = live(account, 1, 60, pace=2.0)
    assert sum(counts.values()) == 60
    assert {"customer_deleted", "late_event", "tied_edits", "item_swapped", "vendor_tells"} <= set(counts)
    assert account.clock.now() >= NOW + 120
    assert {"invoice.upcoming", "balance.available", "customer.deleted"} <= set(event_types(account))
    stamps = [account.get("event", event_id)["created"] for event_id in account.ids("event")]
    assert stamps == sorted(stamps, reverse=True)


def test_what_is_deleted_is_known_with_its_last_payload(lived: Account) -> None:
    truth = lived.truth()
    assert {"customer", "invoiceitem", "product", "coupon", "subscription_item", "line_item", "tax_id"} <= {
        kind for kind, _ in lived.deleted
    }
    for (kind, object_id), gone in lived.deleted.items():
        assert object_id not in truth.get(kind, {})
        assert gone.object["id"] == object_id


# --- the generated account -------------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_account() -> None:
    one, two = (generate(9, objects=1_200, now=NOW) for _ in range(2))
    live(one, 3, 60)
    live(two, 3, 60)
    assert one.truth() == two.truth()
    assert 1_200 <= one.count() < 1_800
    assert generate(10, objects=1_200, now=NOW).truth() != generate(9, objects=1_200, now=NOW).truth()


def test_references_point_at_objects(lived: Account) -> None:
    truth = lived.truth()
    known = {key for rows in truth.values() for key in rows} | {key for _, key in lived.deleted}
    for object_type, rows in truth.items():
        for row in rows.values():
            for field in ("customer", "charge", "payment_intent", "balance_transaction", "invoice", "subscription",
                          "latest_charge", "default_source", "latest_invoice", "product"):  # fmt: skip
                if isinstance(row.get(field), str):
                    assert row[field] in known, (object_type, field)


def test_awkward_values_are_there() -> None:
    truth = generate(5, objects=2_500, now=NOW).truth()
    charges = list(truth["charge"].values())
    assert any(row["amount"] > 2**53 for row in charges)
    assert any(len(row["description"] or "") == 60_000 for row in charges)
    assert any(row.get("x_unreleased", {}).get("nested", {}).get("rate") == Decimal("1.10") for row in charges)
    assert any(len(row["metadata"]) == 50 for row in truth["customer"].values())
    assert {"jpy", "kwd", "usd"} <= {row["currency"] for row in charges}
    assert all(row["amount"] % 10 == 0 for row in charges if row["currency"] == "kwd" and row["amount"] > 10_000)
    names = "".join(row["name"] or "" for row in truth["customer"].values())
    assert re.search("[\u3040-\u9fff]", names)
    assert re.search("[\u0590-\u06ff]", names)
    assert {row["status"] for row in truth["balance_transaction"].values()} == {"available", "pending"}
    assert any(row["created"] is None for row in truth["account"].values())


def test_fractions_are_served_as_they_were_written(lived: Account, shown: Client) -> None:
    odd = next(row["id"] for row in lived.truth()["charge"].values() if "x_unreleased" in row)
    assert (
        '"rate":1.10,' in shown.get(f"/v1/charges/{odd}").text or '"rate":1.10}' in shown.get(f"/v1/charges/{odd}").text
    )
    lived.update("charge", odd, {"description": "edited"})
    assert '"rate":1.10}' in shown.get(f"/v1/charges/{odd}").text


def test_previous_attributes_of_a_vanished_field_are_kept() -> None:
    assert previous({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"c": 2, "d": 2}}) == {"a": 1, "b": {"c": 1}}


# --- server: counting, limits, faults --------------------------------------------------------------------------


def test_calls_are_counted_and_logged_whatever_the_outcome(pair: tuple[Server, Client]) -> None:
    server, client = pair
    client.get("/v1/charges?limit=1")
    client.get("/v1/nothing")
    server.faults.add("reset")
    with pytest.raises(requests.ConnectionError):
        client.get("/v1/charges")
    assert server.calls == 3
    assert [(entry.target, entry.status) for entry in server.log] == [
        ("/v1/charges?limit=1", 200),
        ("/v1/nothing", 404),
        ("/v1/charges", 0),
    ]
    assert server.log[0].at <= server.log[1].at


def test_the_version_header_is_echoed(pair: tuple[Server, Client]) -> None:
    assert pair[1].get("/v1/charges", headers={"Stripe-Version": API_VERSION}).headers["Stripe-Version"] == API_VERSION


def test_one_connection_carries_many_requests(pair: tuple[Server, Client]) -> None:
    for _ in range(5):
        assert pair[1].get("/v1/charges").headers.get("Connection") != "close"
    assert len(pair[0]._connections) == 1


def test_the_call_above_the_limit_is_refused(account: Account) -> None:
    with Server(account, limit_per_second=3) as server:
        client = Client(server)
        statuses = [client.get("/v1/charges").status_code for _ in range(4)]
        refused = client.get("/v1/customers")
        assert statuses == [200, 200, 200, 429]
        assert refused.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
        with pytest.raises(stripe.RateLimitError):
            client.stripe.v1.charges.list()
        client.session.close()


def test_each_endpoint_has_a_limit_of_its_own(account: Account) -> None:
    account.create(payments.charge(id="ch_1", created=NOW))
    with Server(account, limit_per_endpoint=1) as server:
        client = Client(server)
        assert client.get("/v1/charges").status_code == 200
        assert client.get("/v1/charges").headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
        assert client.get("/v1/charges/ch_1").status_code == 200
        assert client.get("/v1/customers").status_code == 200
        client.session.close()


def _status(expected: int, **headers: str) -> Any:
    def check(client: Client) -> None:
        answer = client.get("/v1/charges?limit=4")
        assert answer.status_code == expected
        for name, value in headers.items():
            assert answer.headers.get(name.replace("_", "-"), "") == value

    return check


def _breaks(client: Client) -> None:
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.get("/v1/charges?limit=4")


def _hangs(client: Client) -> None:
    with pytest.raises(requests.ReadTimeout):
        client.get("/v1/charges?limit=4", timeout=0.2)


def _no_json(client: Client) -> None:
    answer = client.get("/v1/charges?limit=4")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def _right(client: Client) -> None:
    assert len(client.get("/v1/charges?limit=4").json()["data"]) == 4


def _repeats(client: Client) -> None:
    first = [row["id"] for row in client.get("/v1/charges?limit=4").json()["data"]]
    second = [row["id"] for row in client.get(f"/v1/charges?limit=4&starting_after={first[-1]}").json()["data"]]
    assert second[:2] == first[2:]
    assert len(second) == 4


FAULTS: dict[str, tuple[dict[str, Any], Any]] = {
    "rate_limited": ({}, _status(429, Retry_After="", Stripe_Rate_Limited_Reason="global-concurrency")),
    "retry_after": ({"seconds": 2}, _status(429, Retry_After="2")),
    "lock_timeout": ({}, _status(429, Stripe_Should_Retry="true", Stripe_Rate_Limited_Reason="")),
    "server_error": ({"status": 503}, _status(503)),
    "conflict": ({}, _status(409)),
    "unauthorized": ({}, _status(401)),
    "reset": ({}, _breaks),
    "reset_in_body": ({}, _breaks),
    "truncated": ({}, _breaks),
    "hang": ({}, _hangs),
    "drip": ({"seconds": 0.1}, _right),
    "html": ({"status": 502}, _no_json),
    "invalid_json": ({}, _no_json),
    "empty": ({}, _no_json),
    "repeated_page": ({}, _repeats),
}


def test_every_fault_is_tried() -> None:
    assert set(FAULTS) == set(KINDS)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_fires_once_and_then_all_is_well(pair: tuple[Server, Client], account: Account, kind: str) -> None:
    for number in range(12):
        account.create(payments.charge(id=f"ch_{number:02d}", created=NOW + number))
    server, client = pair
    settings, check = FAULTS[kind]
    order = server.faults.add(kind, r"^/v1/charges", **settings)
    client.get("/v1/customers")
    assert server.faults.fired[kind] == 0
    check(client)
    assert (order.fired, server.faults.fired[kind]) == (1, 1)
    assert any(entry.fault == kind for entry in server.log)
    _right(client)


def test_faults_hit_the_nth_request_or_a_share_of_them(pair: tuple[Server, Client]) -> None:
    server, client = pair
    server.faults.add("conflict", r"charges", nth=(2, 4))
    assert [client.get("/v1/charges").status_code for _ in range(5)] == [200, 409, 200, 409, 200]
    server.faults.clear()
    order = server.faults.add("server_error", probability=0.5, seed=3, times=4)
    statuses = [client.get("/v1/charges").status_code for _ in range(30)]
    assert (statuses.count(500), order.fired) == (4, 4)
    assert 200 in statuses[: statuses.index(500) + 6]
    with pytest.raises(ValueError, match="no fault"):
        server.faults.add("earthquake")


def test_stopping_ends_hanging_requests(account: Account) -> None:
    server = Server(account)
    server.start()
    client = Client(server)
    server.faults.add("hang")
    with pytest.raises(requests.ReadTimeout):
        client.get("/v1/charges", timeout=0.1)
    server.stop()
    with pytest.raises(requests.ConnectionError):
        client.get("/v1/charges")
    client.session.close()


def test_signatures_are_accepted_by_the_sdk_and_only_over_the_same_bytes() -> None:
    payload = json.dumps({"id": "evt_1", "object": "event", "type": "charge.succeeded"}).encode()
    construct = typing.cast(Any, stripe.Webhook.construct_event)
    assert construct(payload, sign(payload, "whsec_a"), "whsec_a").id == "evt_1"
    for header in (
        sign(payload, "whsec_b"),
        sign(payload + b" ", "whsec_a"),
        sign(payload, "whsec_a", NOW - 10 * 365 * DAY),
    ):
        with pytest.raises(stripe.SignatureVerificationError):
            construct(payload, header, "whsec_a")


# --- bulk ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def big() -> Iterator[Client]:
    for _, client in serve(bulk(2_700, 4)):
        yield client


@pytest.mark.parametrize(
    "service",
    ["charges", "customers", "payment_intents", "invoices", "refunds", "balance_transactions", "subscriptions",
     "payment_methods", "prices"],
)  # fmt: skip
def test_bulk_lists_page_completely_and_have_every_field(big: Client, service: str) -> None:
    rows = [row.to_dict() for row in big.service(service).list(params={"limit": 100}).auto_paging_iter()]
    assert len({row["id"] for row in rows}) == len(rows) == 300
    assert [row["created"] for row in rows] == sorted((row["created"] for row in rows), reverse=True)
    kind = LISTS[service]
    if kind in CLASSES:
        known, left_out = CLASSES[kind]
        for row in rows[:5]:
            assert set(known.__annotations__) - set(row) <= {"deleted", "OBJECT_NAME", *left_out.split()}


def test_bulk_lists_cut_by_created_are_the_same_rows(big: Client) -> None:
    everything = [row.id for row in big.stripe.v1.charges.list({"limit": 100}).auto_paging_iter()]
    middle = big.get(f"/v1/charges/{everything[150]}").json()["created"]
    new = big.stripe.v1.charges.list({"limit": 100, "created": {"gte": middle}}).auto_paging_iter()
    old = big.stripe.v1.charges.list({"limit": 100, "created": {"lt": middle}}).auto_paging_iter()
    assert [row.id for row in new] + [row.id for row in old] == everything


def test_every_bulk_row_changes_when_it_ages() -> None:
    account = bulk(900)
    before = {(kind, n): account.render(kind, n) for kind in account.tables for n in range(100)}
    account.age()
    assert all(account.render(*key) != body for key, body in before.items())
    assert all(decode(account.render(*key))["id"] == decode(body)["id"] for key, body in before.items())


def test_bulk_children_and_empty_lists(big: Client) -> None:
    first = big.get("/v1/invoices?limit=1").json()["data"][0]
    assert big.get(first["lines"]["url"]).json()["data"] == first["lines"]["data"]
    assert big.get("/v1/events").json()["data"] == big.get("/v1/payouts").json()["data"] == []
    row = big.get("/v1/charges?limit=1&expand[]=data.refunds").json()["data"][0]
    assert [refund["charge"] for refund in row["refunds"]["data"]] == [row["id"]]
    assert big.get("/v1/charges/ch_dead").status_code == 404
    assert big.get("/v1/charges?starting_after=ch_dead").status_code == 400
    assert big.get("/v1/account").json()["object"] == "account"


# --- as a process ----------------------------------------------------------------------------------------------


def test_it_runs_as_a_process_that_others_steer() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "catchment.imitations.stripe", "--objects", "600", "--seed", "2", "--key", "sk_test_a"],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[1],
    )
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        control, auth = ready["control"], (ready["key"], "")

        def post(order: str, **body: Any) -> Any:
            return requests.post(control + order, json=body, timeout=10).json()

        assert requests.get(ready["url"] + "/v1/charges", auth=auth, timeout=5).status_code == 200
        assert sum(post("/live", seed=1, steps=40).values()) == 40
        post("/fault", kind="conflict", path="charges", nth=[1])
        assert requests.get(ready["url"] + "/v1/charges", auth=auth, timeout=5).status_code == 409
        assert requests.get(control + "/fired", timeout=5).json() == {"conflict": 1}
        assert requests.get(control + "/calls", timeout=5).json() == {"calls": 2}
        assert [entry["status"] for entry in requests.get(control + "/log", timeout=5).json()] == [200, 409]
        lines = [json.loads(line) for line in requests.get(control + "/truth", timeout=30).text.splitlines()]
        assert {"charge", "line_item", "event"} <= {line["object_type"] for line in lines}
        assert any(line["deleted_at"] for line in lines)
        parents = {line["parent"]["field"] for line in lines if line["parent"]}
        assert {"lines", "items", "sources"} <= parents
        later = post("/clock", offset=31 * DAY)["now"]
        assert requests.get(ready["url"] + "/v1/events", auth=auth, timeout=5).json()["data"] == []
        assert later > NOW
        assert "error" in post("/age")
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0
        process.stdout.close()


def test_every_filter_and_child_names_a_known_object() -> None:
    for resource in RESOURCES:
        for child in resource.children:
            assert set(child.objects) <= set(BY_OBJECT)
        for derived in resource.derived:
            assert derived.link in BY_OBJECT[derived.object].filters
    assert catalog.product()["object"] in BY_OBJECT
