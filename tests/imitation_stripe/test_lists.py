"""The imitation of the Stripe API, judged by the official SDK: lists, fields, expansion, refusals."""

import json
import typing
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import stripe

from catchment.imitations.stripe import Account, Key, Server, generate
from catchment.imitations.stripe.resources import RESOURCES
from catchment.imitations.stripe.templates import payments
from tests.imitation_stripe import CLASSES, LISTS, NOW, Client, customer, event_types

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
    ended = shown.stripe.v1.subscriptions.list({"status": "ended", "limit": 100}).auto_paging_iter()
    assert {row.id for row in ended} == canceled
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
