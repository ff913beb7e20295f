"""What the Salesforce imitation's server grants and refuses: sessions, allowance, composites, jobs, faults, orders."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from catchment.imitations.salesforce import API_VERSION, App, Organisation, generate
from catchment.imitations.salesforce.control import Control
from catchment.imitations.salesforce.render import moment
from tests.imitation_salesforce import DAY, HOUR, ROOT, Client, code, job, opened, serve, serving


@pytest.fixture
def org() -> Organisation:
    return generate(1, objects=300)


@pytest.fixture
def client(org: Organisation) -> Iterator[Client]:
    yield from serve(org)


# --- OAuth and sessions ----------------------------------------------------------------------------------------


def test_a_token_answer_has_what_the_vendor_gives_and_no_lifetime(client: Client, org: Organisation) -> None:
    answer = client.token(grant_type="client_credentials").json()
    assert {"access_token", "instance_url", "id", "token_type", "issued_at", "signature", "scope"} == set(answer)
    assert answer["instance_url"] == client.server.url
    who = requests.get(
        f"{client.server.url}/services/oauth2/userinfo",
        headers={"Authorization": f"Bearer {answer['access_token']}"},
        timeout=10,
    ).json()
    assert (who["organization_id"], who["user_id"]) == (org.id, org.admin)
    assert client.server.usage.used == 0


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "other"}, "invalid_grant"),
        ({"grant_type": "client_credentials", "client_id": "other"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_secret": "other"}, "invalid_client"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "invalid_grant"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}, "invalid_grant"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials_are_refused_as_the_vendor_does(client: Client, form: dict[str, str], error: str) -> None:
    answer = client.token(**form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize("assertion", ["", "a", "a.b.c", "e30.e30.", "e30.e30.AAAA", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"])
def test_forged_assertions_are_refused(org: Organisation, assertion: str) -> None:
    from catchment.imitations.salesforce.assertions import GRANT, key_pair

    with serving(org, app=App(public_key=key_pair()[1])) as client:
        answer = client.token(grant_type=GRANT, assertion=assertion)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_rotating_refresh_token_works_once(org: Organisation) -> None:
    with serving(org, app=App(rotates=True)) as client:
        old = client.server.app.refresh_token
        first = client.token(grant_type="refresh_token", refresh_token=old).json()
        assert first["refresh_token"] != old
        again = client.token(grant_type="refresh_token", refresh_token=old)
        assert again.json() == {"error": "invalid_grant", "error_description": "expired access/refresh token"}
        second = client.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
        assert second["refresh_token"] not in (old, first["refresh_token"])
        client.server.sessions.revoke()
        assert not client.token(grant_type="refresh_token", refresh_token=second["refresh_token"]).ok


def test_a_refresh_token_that_does_not_rotate_is_not_given_again(client: Client) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": client.server.app.refresh_token}
    answers = [client.token(**form).json() for _ in range(2)]
    assert all("refresh_token" not in answer for answer in answers)
    assert answers[0]["access_token"] != answers[1]["access_token"]


def test_a_session_ends_after_two_hours_of_rest_but_not_of_use(client: Client, org: Organisation) -> None:
    for _ in range(4):
        org.clock.move(HOUR)
        assert client.get("/limits").ok
    org.clock.move(2 * HOUR + 1)
    answer = client.get("/limits")
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    assert answer.status_code == 401
    assert "Sforce-Limit-Info" not in answer.headers
    who = client.session.get(f"{client.server.url}/services/oauth2/userinfo", timeout=10)
    assert (who.status_code, who.text) == (403, "Bad_OAuth_Token")


# --- the day's allowance ---------------------------------------------------------------------------------------


def test_calls_count_for_24_hours_and_are_then_refused_until_they_age_out(org: Organisation) -> None:
    with serving(org, daily=100, used=95) as client:
        client.server.sessions.seconds = None
        shown = [client.get("/limits").headers["Sforce-Limit-Info"] for _ in range(5)]
        assert shown == [f"api-usage={n}/100" for n in range(96, 101)]
        refused = client.get("/limits")
        assert code(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert refused.json()[0]["message"] == "TotalRequests Limit exceeded."
        assert "Retry-After" not in refused.headers
        org.clock.move(DAY + 1)
        assert client.get("/limits").headers["Sforce-Limit-Info"] == "api-usage=96/100"


def test_too_many_calls_in_a_second_are_refused_until_it_has_passed(client: Client) -> None:
    client.server.per_second = 2
    answers = [client.get("/limits") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 403, 403]
    assert code(answers[2]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "Concurrent" in answers[2].json()[0]["message"]
    assert answers[3].headers["Sforce-Limit-Info"] == answers[1].headers["Sforce-Limit-Info"]  # and counted not
    client.server.per_second = None
    assert client.get("/limits").ok


def test_the_header_may_lag(org: Organisation) -> None:
    with serving(org, used=10, lag=3) as client:
        assert client.get("/limits").headers["Sforce-Limit-Info"] == "api-usage=8/100000"


def test_a_composite_is_one_call_and_each_part_of_a_batch_is_one(client: Client) -> None:
    client.composite("/limits", "/sobjects", "/sobjects/Account/describe")
    assert client.server.usage.used == 1
    parts = [{"method": "GET", "url": f"v{API_VERSION}/limits"}] * 4
    answer = client.post("/composite/batch", {"batchRequests": parts}).json()
    assert [result["statusCode"] for result in answer["results"]] == [200] * 4
    assert not answer["hasErrors"]
    assert client.server.usage.used == 5


# --- versions, addresses, sizes --------------------------------------------------------------------------------


def test_versions_are_listed_without_a_session_and_old_ones_are_retired(client: Client) -> None:
    listed = requests.get(f"{client.server.url}/services/data", timeout=10).json()
    assert listed[-1] == {"label": "Winter '27", "url": ROOT, "version": API_VERSION}
    assert listed[0]["version"] == "31.0"
    for version, status in (("31.0", 200), ("59.0", 200), ("30.0", 410), ("69.0", 404), ("x", 404)):
        url = f"{client.server.url}/services/data/v{version}/limits"
        assert client.session.get(url, timeout=10).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/sobjects/Nothing/describe", 404),
        ("GET", "/sobjects/Account/describe/layouts", 404),
        ("DELETE", "/query", 405),
        ("GET", "/composite", 405),
        ("GET", "/query", 400),
        ("GET", "/jobs/query/750000000000000AAA", 404),
    ],
)
def test_what_is_not_there_is_refused(client: Client, method: str, path: str, status: int) -> None:
    answer = client.session.request(method, client.root + path, timeout=10)
    assert answer.status_code == status
    assert answer.json()[0].keys() == {"message", "errorCode"}


def test_a_post_needs_json(client: Client) -> None:
    answer = client.session.post(client.root + "/composite", data=b"x", timeout=10)
    assert code(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    headers = {"Content-Type": "application/json"}
    answer = client.session.post(client.root + "/composite", data=b"{", headers=headers, timeout=10)
    assert code(answer) == (400, "JSON_PARSER_ERROR")


def test_the_query_of_a_wide_object_fits_no_address_but_a_job(org: Organisation) -> None:
    wide = generate(1, objects=300, wide=450)
    with serving(wide) as client:
        names = [field.name for field in wide.kinds["Account"].fields if not field.parts_only]
        soql = f"SELECT {','.join(names)} FROM Account"
        answer = client.get("/query", q=soql)
        assert (answer.status_code, answer.headers["Content-Type"][:9]) == (414, "text/html")
        assert client.composite(f"/query?q={soql.replace(' ', '+')}")[0]["httpStatusCode"] == 414
        assert client.post("/jobs/query", {"operation": "query", "query": soql}).ok
        half = f"SELECT {','.join(names[:200])} FROM Account"
        assert client.get("/query", q=half).ok


# --- describe --------------------------------------------------------------------------------------------------


def test_metadata_is_sent_again_only_when_it_changed(client: Client, org: Organisation) -> None:
    first = client.get("/sobjects")
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert first.headers["ETag"]
    for path in ("/sobjects", "/sobjects/Account/describe"):
        answer = client.get(path, headers=since)
        assert (answer.status_code, answer.content) == (304, b"")
    inside = client.composite("/sobjects/Account/describe", "/sobjects/Lead/describe", headers=since)
    assert [part["httpStatusCode"] for part in inside] == [304, 304]
    assert inside[0]["body"] is None
    assert inside[0]["httpHeaders"]["Last-Modified"] == first.headers["Last-Modified"]
    org.rename("Account", "Rating", "Warmth")
    again = client.get("/sobjects/Account/describe", headers=since)
    assert again.status_code == 200
    assert {field["label"] for field in again.json()["fields"] if field["name"] == "Rating"} == {"Warmth"}


def test_two_changes_of_metadata_never_have_the_same_time(org: Organisation) -> None:
    seen = []
    for name in ("A", "B", "C"):
        org.rename("Account", "Rating", name)
        seen.append(org.metadata_at)
    assert len(set(seen)) == 3


# --- faults ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "wanted"),
    [
        ("server_error", 500, "UNKNOWN_EXCEPTION"),
        ("not_acceptable", 406, "NOT_ACCEPTABLE"),
        ("throttled", 420, "UNKNOWN_EXCEPTION"),
        ("crowded", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("spent", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("disabled", 403, "API_DISABLED_FOR_ORG"),
        ("forbidden", 403, "INSUFFICIENT_ACCESS"),
        ("query_timeout", 400, "QUERY_TIMEOUT"),
        ("too_large", 400, "OPERATION_TOO_LARGE"),
        ("invalid_field", 400, "INVALID_FIELD"),
        ("locked_row", 400, "UNABLE_TO_LOCK_ROW"),
    ],
)
def test_ordered_refusals_hit_one_request(client: Client, kind: str, status: int, wanted: str) -> None:
    client.server.faults.add(kind, "/limits")
    assert client.get("/sobjects").ok
    assert code(client.get("/limits")) == (status, wanted)
    assert client.get("/limits").ok
    assert client.server.faults.fired[kind] == 1


def test_ordered_faults_hit_one_part_of_a_composite(client: Client) -> None:
    client.server.parts.add("server_error", "FROM.User", status=503)
    urls = ("/query?q=SELECT+Id+FROM+User", "/query?q=SELECT+Id+FROM+Lead")
    assert [part["httpStatusCode"] for part in client.composite(*urls)] == [503, 200]
    assert [part["httpStatusCode"] for part in client.composite(*urls)] == [200, 200]


def test_an_expired_session_stays_expired(client: Client) -> None:
    client.server.faults.add("expired_session")
    assert code(client.get("/limits")) == (401, "INVALID_SESSION_ID")
    assert code(client.get("/limits")) == (401, "INVALID_SESSION_ID")
    token = client.token(grant_type="client_credentials").json()["access_token"]
    client.session.headers["Authorization"] = f"Bearer {token}"
    assert client.get("/limits").ok


def test_gateway_faults_have_no_json(client: Client) -> None:
    client.server.faults.add("maintenance", "/limits")
    client.server.faults.add("empty_500", "/sobjects")
    answer = client.get("/limits")
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (503, "text/html")
    answer = client.get("/sobjects")
    assert (answer.status_code, answer.content) == (500, b"")


def test_a_lost_locator_hits_later_pages_only(client: Client, org: Organisation) -> None:
    client.server.faults.add("lost_locator")
    url = opened(client, org)
    assert code(client.get(url)) == (400, "INVALID_QUERY_LOCATOR")
    assert client.get(url).ok


def test_the_token_endpoint_can_be_out_for_a_moment(client: Client) -> None:
    client.server.faults.add("oauth_error", "/oauth2/token", status=503)
    assert client.token(grant_type="client_credentials").status_code == 503
    assert client.token(grant_type="client_credentials").ok


# --- the control port and the command --------------------------------------------------------------------------


@pytest.fixture
def control(client: Client) -> str:
    return Control(client.server).start()


def order(control: str, what: str, **given: Any) -> Any:
    answer = requests.post(control + what, json=given, timeout=20)
    assert answer.ok, answer.text
    return answer.json()


def truth(control: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in requests.get(control + "/truth", timeout=20).text.splitlines()]


def test_the_truth_is_what_query_all_shows_and_what_is_gone(client: Client, control: str, org: Organisation) -> None:
    order(control, "/live", seed=1, steps=60)
    order(control, "/settle")
    rows = truth(control)
    assert any(row["gone"] for row in rows)
    for name in ("Contact", "Invoice__c", "Task"):
        own = [row for row in rows if row["object_type"] == name and not row["gone"]]
        fields = [field.name for field in org.kinds[name].fields if not field.parts_only]
        shown = client.query(f"SELECT {','.join(fields)} FROM {name}", deleted=True)
        assert sorted(shown, key=lambda row: str(row["Id"])) == sorted(
            (row["object"] for row in own), key=lambda row: str(row["Id"])
        )
        assert {row["object"]["Id"] for row in own if row["deleted_at"] is not None} == {
            row["Id"] for row in shown if row["IsDeleted"]
        }


def test_orders_change_records_fields_and_sight(client: Client, control: str) -> None:
    row_id = order(control, "/insert", object="Account", values={"Name": "Ordered"})["id"]
    order(control, "/update", object="Account", id=row_id, values={"Rating": "Hot"})
    order(control, "/field", object="Account", name="Colour__c", type="string", length=9, values={row_id: "red"})
    soql = f"SELECT Name, Rating, Colour__c FROM Account WHERE Id = '{row_id}'"
    assert client.query(soql) == [{"Name": "Ordered", "Rating": "Hot", "Colour__c": "red"}]
    order(control, "/hide", names=["Account.Colour__c", "Contract"])
    assert code(client.get("/query", q=soql)) == (400, "INVALID_FIELD")
    assert client.get("/sobjects/Contract/describe").status_code == 404
    order(control, "/hide", names=[])
    order(control, "/delete", object="Account", id=row_id)
    assert client.query(soql) == []
    order(control, "/undelete", object="Account", id=row_id)
    assert client.query(soql)
    order(control, "/delete", object="Account", id=row_id, hard=True)
    assert client.query(soql, deleted=True) == []
    order(control, "/remove", object="Account", name="Colour__c")
    assert code(client.get("/query", q=soql)) == (400, "INVALID_FIELD")
    order(control, "/remove", object="AccountTag")
    assert client.get("/sobjects/AccountTag/describe").status_code == 404


def test_orders_change_limits_and_sessions(client: Client, control: str, org: Organisation) -> None:
    order(control, "/usage", daily=50, others=48)
    assert client.get("/limits").headers["Sforce-Limit-Info"] == "api-usage=49/50"
    order(control, "/usage", daily=5_000, lag=0)
    order(control, "/limit", uri=200)
    assert client.get("/query", q="x" * 300).status_code == 414
    order(control, "/limit", uri=16_384, ids=0)
    window = {"start": moment(org.clock.second() - DAY * 14), "end": moment(org.clock.second())}
    assert code(client.get("/sobjects/Contact/deleted", **window)) == (400, "EXCEEDED_ID_LIMIT")
    order(control, "/jobs", polls=1, refused=["Lead"], fail=[["Failed", "why"]])
    assert code(job(client, "SELECT Id FROM Lead")) == (400, "INVALIDENTITY")
    made = job(client, "SELECT Id FROM Contact").json()
    assert client.get(f"/jobs/query/{made['id']}").json()["errorMessage"] == "why"
    order(control, "/part_fault", kind="forbidden", path="limits")
    assert client.composite("/limits")[0]["httpStatusCode"] == 403
    order(control, "/rotate")
    assert client.server.app.rotates
    order(control, "/expire_sessions")
    assert client.get("/limits").status_code == 401
    order(control, "/revoke")
    assert not client.token(grant_type="refresh_token", refresh_token=client.server.app.refresh_token).ok
    assert requests.post(control + "/live", json={"without": ["nothing"]}, timeout=10).status_code == 400


def test_the_command_serves_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "catchment.imitations.salesforce", "--objects", "100", "--used", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {told['access_token']}"}
        answer = requests.get(f"{told['instance_url']}{ROOT}/limits", headers=headers, timeout=10)
        assert answer.headers["Sforce-Limit-Info"] == "api-usage=8/100000"
        form = {name: told[name] for name in ("client_id", "client_secret", "refresh_token")}
        granted = requests.post(
            told["login_url"] + "/services/oauth2/token", data={"grant_type": "refresh_token", **form}, timeout=10
        )
        assert granted.json()["id"].split("/")[-2] == told["organisation"]
        assert requests.get(told["control"] + "/usage", timeout=10).json() == {"used": 8, "daily": 100_000}
        process.terminate()
        assert process.wait(10) == 0
