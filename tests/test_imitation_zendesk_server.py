"""The server of the Zendesk imitation: credentials, roles, plans, limits, faults, and it as a process."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from catchment.imitations.zendesk import KINDS, Account, Bulk, Grant, Limits, Server, generate, live
from catchment.testing.processes import Imitation
from tests.imitation_zendesk import NOW, Client, served

Pair = tuple[Server, Client]
EXPORT = "incremental/tickets/cursor?start_time=0"


@pytest.fixture(scope="module")
def shared() -> Account:
    """An account that no test changes."""
    return generate(1, 700, now=NOW)


@pytest.fixture
def pair(shared: Account) -> Iterator[Pair]:
    shared.plan = "enterprise"
    with served(shared) as pair:
        yield pair


# --- who calls --------------------------------------------------------------------------------------------------


def test_wrong_credentials_are_an_anonymous_user(pair: Pair) -> None:
    _, client = pair
    assert client.get("users/me.json")["user"]["role"] == "admin"
    for wrong in (("ada@acme.com/token", "wrong"), ("bob@acme.com/token", "x"), ("ada@acme.com", "x"), None):
        client.auth = wrong
        me = client.ask("users/me.json")
        assert (me.status_code, me.json()["user"]["id"], me.json()["user"]["name"]) == (200, None, "Anonymous user")
        refused = client.ask("groups")
        assert (refused.status_code, refused.json()) == (401, {"error": "Couldn't authenticate you"})


def test_an_oauth_token_opens_the_account(pair: Pair) -> None:
    server, client = pair
    client.auth = None
    answer = client.ask("users/me", Authorization=f"Bearer {server.secrets()['access_token']}")
    assert answer.json()["user"]["email"] == "ada@acme.com"
    refused = client.ask("users/me", Authorization="Bearer wrong")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


def test_refreshing_rotates_both_tokens_and_ends_the_old_pair(pair: Pair) -> None:
    server, client = pair
    keys = server.secrets()
    ask = {"client_id": keys["client_id"], "client_secret": keys["client_secret"], "grant_type": "refresh_token"}
    fresh = client.token(**ask, refresh_token=keys["refresh_token"]).json()
    assert fresh["access_token"] != keys["access_token"]
    assert fresh["refresh_token"] != keys["refresh_token"]
    assert client.ask("groups", Authorization=f"Bearer {keys['access_token']}").status_code == 401
    assert client.ask("groups", Authorization=f"Bearer {fresh['access_token']}").status_code == 200
    again = client.token(**ask, refresh_token=keys["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert client.token(**ask, refresh_token=fresh["refresh_token"]).status_code == 200
    assert client.ask("groups", Authorization=f"Bearer {fresh['access_token']}").status_code == 401


def test_client_credentials_give_a_token_that_expires(pair: Pair) -> None:
    server, client = pair
    keys = server.secrets()
    ask = {"client_id": keys["client_id"], "client_secret": keys["client_secret"]}
    fresh = client.token(**ask, grant_type="client_credentials", scope="read", expires_in=600).json()
    assert (fresh["expires_in"], fresh["scope"], "refresh_token" in fresh) == (600, "read", False)
    bearer = f"Bearer {fresh['access_token']}"
    assert client.ask("groups", Authorization=bearer).status_code == 200
    server.account.clock.move(601)
    assert client.ask("groups", Authorization=bearer).json()["error"] == "invalid_token"
    wrong = client.token(**{**ask, "client_secret": "x"}, grant_type="client_credentials")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert client.token(**ask, grant_type="password").json()["error"] == "unsupported_grant_type"


def test_tokens_reach_as_far_as_their_scopes(pair: Pair) -> None:
    server, client = pair
    server.credentials.access["narrow"] = Grant(server.account.owner_id, "admin", frozenset({"users:read"}))
    assert client.ask("users", Authorization="Bearer narrow").status_code == 200
    assert client.ask("incremental/users/cursor?start_time=0", Authorization="Bearer narrow").status_code == 200
    for path in ("tickets", EXPORT, "macros"):
        refused = client.ask(path, Authorization="Bearer narrow")
        assert refused.status_code == 403
        assert "scope" in refused.json()["description"]


def test_a_revoked_token_is_refused(pair: Pair) -> None:
    server, client = pair
    assert server.credentials.revoke(server.secrets()["api_token"])
    assert client.ask("groups").status_code == 401
    assert not server.credentials.revoke("nothing")


def test_agents_export_nothing_and_are_shown_fewer_tickets(pair: Pair) -> None:
    server, client = pair
    whole = client.get("tickets")["count"]
    agent = next(row.id for row in server.account.shelves["user"].rows.values() if b'"role":"agent"' in row.body)
    for grant in server.credentials.tokens.values():
        grant.role, grant.user_id = "agent", int(agent)
    for path in (EXPORT, "incremental/organizations?start_time=0", "audit_logs", "slas/policies"):
        refused = client.ask(path)
        assert (refused.status_code, refused.json()["error"]["title"]) == (403, "Forbidden")
    assert 0 < client.get("tickets")["count"] < whole
    assert client.get("macros")["count"] > 0


def test_a_plan_has_not_everything(pair: Pair) -> None:
    server, client = pair
    server.account.plan = "team"
    forms, logs, ratings = (client.ask(path) for path in ("ticket_forms", "audit_logs", "satisfaction_ratings"))
    assert (forms.status_code, forms.json()["error"]) == (404, "InvalidEndpoint")
    assert (logs.status_code, logs.content, logs.headers["Content-Type"][:9]) == (403, b"", "text/html")
    assert (ratings.status_code, ratings.json()["error"]["title"]) == (403, "Forbidden")
    server.account.plan = "enterprise"
    server.gates |= {"macros": "forbidden", "incremental/ticket_events": "missing"}
    assert client.ask("macros").status_code == 403
    assert client.ask("incremental/ticket_events?start_time=0").status_code == 404
    assert client.ask("views").status_code == 200


def test_nothing_is_written(pair: Pair) -> None:
    server, client = pair
    for path in ("/api/v2/tickets", "/api/v2/tickets/1"):
        assert client.session.post(server.url + path, json={}, auth=client.auth, timeout=5).status_code == 404
    assert client.session.get(server.url + "/oauth/tokens", timeout=5).status_code == 404


def test_links_lead_where_the_caller_came_from(pair: Pair) -> None:
    server, client = pair
    page = client.get("users?page[size]=2")
    assert page["links"]["next"].startswith(server.url)
    assert page["users"][0]["url"].startswith("https://acme.zendesk.com/api/v2/users/")


def test_no_secret_is_in_the_log(pair: Pair) -> None:
    server, client = pair
    client.get("users/me")
    client.ask("groups", Authorization="Bearer wrong-secret")
    assert server.calls == 2
    assert not any(
        secret in str(server.log) for secret in (*server.secrets().values(), "wrong-secret") if len(secret) > 9
    )


# --- limits -----------------------------------------------------------------------------------------------------


def test_each_kind_of_export_has_a_limit_of_its_own(shared: Account) -> None:
    with served(shared, Limits(700)) as (server, client):
        by_time = [client.ask("incremental/organizations?start_time=0") for _ in range(11)]
        assert [answer.status_code for answer in by_time] == [200] * 10 + [429]
        assert by_time[0].headers["zendesk-ratelimit-incremental-exports"].startswith("total=10; remaining=9; resets=")
        assert 0 < int(by_time[-1].headers["Retry-After"]) <= 60
        assert by_time[-1].json()["error"] == "APIRateLimitExceeded"
        assert client.ask("incremental/ticket_events?start_time=0").status_code == 429
        by_cursor = [client.ask(f"{EXPORT}&per_page=1").status_code for _ in range(21)]
        assert by_cursor == [200] * 20 + [429]
        assert client.ask("groups").status_code == 200
        assert client.ask("tickets/1").status_code in (200, 404)
        assert sum(entry.status == 429 for entry in server.log) == 3


def test_a_limit_of_calls_in_a_second_is_told_by_its_refusals_only(shared: Account) -> None:
    with served(shared, Limits(None, per_second=2)) as (_, client):
        answers = [client.ask("groups") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["Retry-After"] == "1"
        assert not [name for name in answers[1].headers if "limit" in name.lower()]


def test_the_account_has_a_limit_and_waiting_helps(shared: Account) -> None:
    with served(shared, Limits(3, minute=0.5)) as (_, client):
        assert [client.ask("groups").status_code for _ in range(4)] == [200, 200, 200, 429]
        told = client.ask("users").headers["Retry-After"]
        assert told == "1"
        threading.Event().wait(float(told))
        assert client.ask("groups").status_code == 200


@pytest.mark.parametrize(
    ("generation", "there", "missing"),
    [
        ("x-rate-limit", {"X-Rate-Limit", "X-Rate-Limit-Remaining"}, {"ratelimit-limit", "rate-limit"}),
        (
            "rate-limit",
            {"rate-limit", "rate-limit-remaining", "rate-limit-reset", "zendesk-rate-limit-incremental-exports-cursor"},
            {"X-Rate-Limit", "ratelimit-limit", "zendesk-ratelimit-incremental-exports-cursor"},
        ),
        ("ratelimit", {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}, {"X-Rate-Limit", "rate-limit"}),
        (
            "all",
            {"X-Rate-Limit", "ratelimit-remaining", "zendesk-ratelimit-incremental-exports-cursor"},
            {"rate-limit"},
        ),
    ],
)
def test_limits_are_told_by_each_generation_of_headers(
    shared: Account, generation: str, there: set[str], missing: set[str]
) -> None:
    with served(shared, Limits(400, generation=generation)) as (_, client):
        headers = client.ask(EXPORT).headers
        assert there <= set(headers)
        assert missing.isdisjoint(headers)
        assert {headers[name] for name in there if name.lower().endswith("remaining")} == {"399"}


def test_what_may_be_called_follows_the_plan(shared: Account) -> None:
    shared.plan = "team"
    with Server(shared) as server:
        client = Client(server)
        assert client.ask("groups").headers["X-Rate-Limit"] == "200"
        client.session.close()
    shared.plan = "enterprise"


# --- faults -----------------------------------------------------------------------------------------------------


def _status(expected: int, **headers: str) -> Any:
    def check(client: Client) -> None:
        answer = client.ask("groups")
        assert answer.status_code == expected
        for name, value in headers.items():
            assert answer.headers.get(name.replace("_", "-"), "").startswith(value)
            assert value or name.replace("_", "-") not in answer.headers

    return check


def _breaks(client: Client) -> None:
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.ask("groups")


def _hangs(client: Client) -> None:
    with pytest.raises(requests.ReadTimeout):
        client.ask("groups", timeout=0.2)


def _no_json(client: Client) -> None:
    with pytest.raises(requests.JSONDecodeError):
        client.ask("groups").json()


def _right(client: Client) -> None:
    assert len(client.get("groups")["groups"]) == 3


def _repeats(client: Client) -> None:
    for first, key in ((f"{EXPORT}&per_page=4", "tickets"), ("users?page[size]=4", "users")):
        page = client.get(first)
        following = client.get(page["after_url"] if "after_url" in page else page["links"]["next"])
        assert [row["id"] for row in following[key]][:2] == [row["id"] for row in page[key]][2:]


FAULTS: dict[str, tuple[dict[str, Any], Any]] = {
    "rate_limited": ({}, _status(429, Retry_After="", Content_Type="text/plain")),
    "retry_after": ({"seconds": 2.5}, _status(429, Retry_After="2.5")),
    "server_error": ({"status": 504}, _status(504)),
    "maintenance": ({"seconds": 3}, _status(503, Retry_After="3", Content_Type="text/html")),
    "conflict": ({}, _status(409, Content_Type="text/plain")),
    "unauthorized": ({}, _status(401)),
    "reset": ({}, _breaks),
    "reset_in_body": ({}, _breaks),
    "truncated": ({}, _breaks),
    "hang": ({}, _hangs),
    "drip": ({"seconds": 0.1}, _right),
    "html": ({"status": 502}, _no_json),
    "invalid_json": ({}, _no_json),
    "empty": ({}, _no_json),
    "repeated_page": ({"nth": (1, 2)}, _repeats),
}


def test_every_fault_is_tried() -> None:
    assert set(FAULTS) == set(KINDS)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_fires_as_ordered_and_then_all_is_well(pair: Pair, kind: str) -> None:
    server, client = pair
    settings, check = FAULTS[kind]
    server.faults.add(kind, **settings)
    check(client)
    assert server.faults.fired[kind] == len(settings.get("nth", (1,)))
    assert any(entry.fault == kind for entry in server.log)
    _right(client)


# --- as a process -----------------------------------------------------------------------------------------------


def test_it_runs_as_a_process_that_others_steer() -> None:
    with Imitation("zendesk", "--objects", "600", "--seed", "2", "--limit", "50", "--minute", "0.1") as vendor:
        info = vendor.info
        assert {"url", "subdomain", "email", "api_token", "access_token", "refresh_token", "control"} <= info.keys()
        auth = (f"{info['email']}/token", info["api_token"])

        def ask(path: str) -> requests.Response:
            return requests.get(f"{vendor.url}/api/v2/{path}", auth=auth, timeout=5)

        assert ask("groups").headers["X-Rate-Limit"] == "50"
        assert sum(vendor.order("/live", seed=1, steps=80).values()) == 80
        vendor.order("/fault", kind="conflict", path="groups", nth=[1])
        assert ask("groups").status_code == 409
        assert vendor.ask("/fired") == {"conflict": 1}
        assert vendor.ask("/calls") == {"calls": 2}
        assert [entry["status"] for entry in vendor.ask("/log")] == [200, 409]
        vendor.order("/clock", offset=200)
        things = list(vendor.truth())
        assert vendor.ask("/count")["objects"] > 500
        assert {"ticket", "ticket_comment", "attachment", "ticket_field_option", "tag"} <= {one[0] for one in things}
        tickets = {one.object["id"]: one for one in things if one.object_type == "ticket" and one.deleted_at is None}
        shown = ask("incremental/tickets/cursor?start_time=0&support_type_scope=all").json()["tickets"]
        assert {row["id"]: row for row in shown if row["status"] != "deleted"} == {
            number: one.object for number, one in tickets.items()
        }
        vendor.order("/reveal", object_type="group", field="mood")
        assert all("mood" in group for group in ask("groups").json()["groups"])
        vendor.order("/limit", account=None)
        assert "X-Rate-Limit" not in ask("groups").headers
        vendor.order("/limit", account=100, generation="rate-limit")
        assert ask("groups").headers["rate-limit"] == "100"
        vendor.order("/gate", path="macros", gate="missing")
        assert ask("macros").status_code == 404
        vendor.order("/gate", path="macros", gate=None)
        assert ask("macros").status_code == 200
        vendor.order("/plan", plan="team")
        assert ask("audit_logs").status_code == 403
        vendor.order("/role", role="agent")
        assert ask(EXPORT).status_code == 403
        vendor.order("/token", token="short", scopes=["groups:read"], expires_in=60)
        bearer = {"Authorization": "Bearer short"}
        assert requests.get(f"{vendor.url}/api/v2/groups", headers=bearer, timeout=5).status_code == 200
        assert vendor.order("/revoke", token=info["api_token"]) == {"revoked": True}
        assert ask("groups").status_code == 401
        with pytest.raises(AssertionError, match="no limit"):
            vendor.order("/limit", nothing=1)


def test_it_lives_while_it_is_read() -> None:
    account = generate(3, 600, now=NOW)
    with served(account) as (_, client):
        for turn in range(6):
            live(account, turn, 15)
            assert client.get("incremental/users/cursor?start_time=0")["end_of_stream"] in (True, False)
            assert client.get("tags")["count"] > 0


# --- any size ---------------------------------------------------------------------------------------------------


def test_a_bulk_account_exports_every_ticket_with_its_metric() -> None:
    account = Bulk(1, 2_500, now=NOW)
    with served(account) as (server, client):
        pages = list(client.cursor_pages(f"{EXPORT}&include=metric_sets"))
        assert server.calls == 3
        rows = [row for page in pages for row in page["tickets"]]
        assert [row["id"] for row in rows] == list(range(1, 2_501))
        assert all(row["metric_set"]["ticket_id"] == row["id"] for row in rows)
        assert [row["generated_timestamp"] for row in rows] == sorted(row["generated_timestamp"] for row in rows)
        users = {row["id"] for row in client.listed("users", "users")}
        assert {row["requester_id"] for row in rows} <= users
        many = client.get("tickets/show_many?ids=7,2500,2501")["tickets"]
        assert many == [{k: v for k, v in rows[n].items() if k != "metric_set"} for n in (6, 2_499)]
        account.age()
        changed = [row for page in client.cursor_pages(EXPORT) for row in page["tickets"]]
        assert [row["id"] for row in changed] == list(range(1, 2_501))
        assert all(
            new["generated_timestamp"] > old["generated_timestamp"] for new, old in zip(changed, rows, strict=True)
        )
        middle = changed[1_000]
        tail = list(client.cursor_pages(f"incremental/tickets/cursor?start_time={middle['generated_timestamp']}"))
        assert middle["id"] in {row["id"] for row in tail[0]["tickets"]}
    assert sum(1 for kind, *_ in account.truth() if kind == "ticket") == 2_500
