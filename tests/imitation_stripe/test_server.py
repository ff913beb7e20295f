"""The server of the Stripe imitation: counting, limits, faults, signatures, bulk accounts, and it as a process."""

import json
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from catchment.imitations.stripe import API_VERSION, Account, Server, bulk, sign
from catchment.imitations.stripe.faults import KINDS
from catchment.imitations.stripe.resources import BY_OBJECT, RESOURCES
from catchment.imitations.stripe.shelf import decode
from catchment.imitations.stripe.templates import catalog, payments
from tests.imitation_stripe import CLASSES, DAY, LISTS, NOW, Client, serve

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
