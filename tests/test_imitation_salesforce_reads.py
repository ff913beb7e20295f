"""Composites, query locators and bulk query jobs of the Salesforce imitation, and what they refuse."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.imitations.salesforce import Organisation, Server, generate
from catchment.imitations.server import Ask
from tests.imitation_salesforce import DAY, ROOT, Client, code, job, opened, serve


@pytest.fixture
def org() -> Organisation:
    return generate(1, objects=300)


@pytest.fixture
def client(org: Organisation) -> Iterator[Client]:
    yield from serve(org)


# --- composites ------------------------------------------------------------------------------------------------


def test_parts_stand_for_themselves(client: Client) -> None:
    answers = client.composite("/query?q=SELECT+Id+FROM+User", "/query?q=SELECT+No+FROM+User", "/sobjects/No/describe")
    assert [answer["httpStatusCode"] for answer in answers] == [200, 400, 404]
    assert [answer["referenceId"] for answer in answers] == ["r0", "r1", "r2"]
    assert answers[1]["body"][0]["errorCode"] == "INVALID_FIELD"


def test_all_or_none_halts_the_others(client: Client) -> None:
    answers = client.composite("/limits", "/sobjects/No/describe", allOrNone=True)
    assert answers[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_headers_of_a_part_are_its_own(client: Client, org: Organisation) -> None:
    for place in range(300):
        org.insert("Note", {"Title": f"n{place}"})
    answer = client.composite("/queryAll?q=SELECT+Id+FROM+Note", headers={"Sforce-Query-Options": "batchSize=200"})[0]
    assert (len(answer["body"]["records"]), answer["body"]["done"]) == (200, False)
    more = client.composite(answer["body"]["nextRecordsUrl"].removeprefix(ROOT))[0]
    assert len(more["body"]["records"]) == answer["body"]["totalSize"] - 200
    assert more["body"]["done"]


@pytest.mark.parametrize(
    ("urls", "wanted"),
    [
        (["/limits"] * 25, 200),
        (["/limits"] * 26, 400),
        (["/query?q=SELECT+Id+FROM+User"] * 5 + ["/sobjects/User/describe"] * 20, 200),
        (["/query?q=SELECT+Id+FROM+User"] * 6, 400),
        (["/queryAll/0r8000000000000AAA-2000"] * 6, 400),
        (["/composite/sobjects/User?ids=x&fields=Id"] * 6, 400),
    ],
)
def test_a_composite_has_25_parts_of_which_5_are_queries(client: Client, urls: list[str], wanted: int) -> None:
    parts = [{"method": "GET", "url": ROOT + url, "referenceId": f"r{n}"} for n, url in enumerate(urls)]
    assert client.post("/composite", {"compositeRequest": parts}).status_code == wanted


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"method": "GET", "url": f"{ROOT}/limits"}],
        [{"method": "GET", "url": f"{ROOT}/limits", "referenceId": "a"}] * 2,
    ],
)
def test_a_composite_needs_parts_with_names_of_their_own(client: Client, parts: list[dict[str, str]]) -> None:
    assert client.post("/composite", {"compositeRequest": parts}).status_code == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(f"{ROOT}/query?q=SELECT+Id+FROM+User"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["method", "url", "referenceId", "httpHeaders", "body"]), inner)
    ),
    max_leaves=12,
)
MEMBERS = ("compositeRequest", "batchRequests", "ids", "fields", "operation", "query", "lineEnding", "columnDelimiter")
SHARED = generate(1, objects=200)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["/composite", "/composite/batch", "/composite/sobjects/User", "/jobs/query"]),
    JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON | st.just("query"), max_size=4),
)
def test_any_body_is_answered(path: str, body: Any) -> None:
    server = Server(SHARED)
    headers = {"authorization": f"Bearer {server.access_token}", "content-type": "application/json"}
    reply = server.reply(Ask("POST", ROOT + path, headers, json.dumps(body).encode()), None)
    assert reply.status in (200, 400)
    assert json.loads(reply.body)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["query", "queryAll", "sobjects", "limits", "jobs", "composite", "x"]), st.text(max_size=12))
def test_any_path_is_answered(head: str, rest: str) -> None:
    server = Server(SHARED)
    reply = server.reply(
        Ask("GET", f"{ROOT}/{head}/{quote(rest)}", {"authorization": f"Bearer {server.access_token}"}), None
    )
    assert reply.status in (200, 400, 404, 405)


def test_composites_do_not_nest(client: Client) -> None:
    assert [part["httpStatusCode"] for part in client.composite("/composite/batch", "/../limits")] == [400, 404]


def test_records_by_id_come_in_the_order_asked_for(client: Client, org: Organisation) -> None:
    ids = org.live("Contact")[:3]
    asked = [ids[2], "003000000000000AAA", ids[0]]
    answer = client.post("/composite/sobjects/Contact", {"ids": asked, "fields": ["LastName"]}).json()
    assert [one and one["Id"] for one in answer] == [ids[2], None, ids[0]]
    assert answer[0]["LastName"] == (org.row("Contact", ids[2]) or {})["LastName"]
    many = {"ids": ["x"] * 2_001, "fields": ["Id"]}
    assert client.post("/composite/sobjects/Contact", many).status_code == 400
    assert code(client.post("/composite/sobjects/Contact", {"ids": ids, "fields": ["No"]})) == (400, "INVALID_FIELD")


# --- locators --------------------------------------------------------------------------------------------------


def test_a_locator_lives_two_days(client: Client, org: Organisation) -> None:
    client.server.sessions.seconds = None
    url = opened(client, org)
    org.clock.move(2 * DAY - 60)
    assert client.get(url).ok
    assert client.get(url).ok
    org.clock.move(120)
    assert code(client.get(url)) == (400, "INVALID_QUERY_LOCATOR")


def test_the_oldest_locator_gives_way(client: Client, org: Organisation) -> None:
    client.server.api.cursors.most = 2
    first, second, third = (opened(client, org) for _ in range(3))
    assert code(client.get(first)) == (400, "INVALID_QUERY_LOCATOR")
    assert client.get(second).ok
    assert client.get(third).ok


def test_later_pages_show_records_as_they_are_then(client: Client, org: Organisation) -> None:
    url = opened(client, org, 401)
    rest = org.live("Note")
    for row_id in rest:
        org.update("Note", row_id, {"Title": "changed"})
    gone = client.get(url).json()["records"][0]["Id"]
    org.delete("Note", gone)
    org.purge("Note", gone)
    page = client.get(url).json()
    assert len(page["records"]) == 199
    assert gone not in {row["Id"] for row in page["records"]}


@pytest.mark.parametrize(("fields", "pages"), [("Id, Subject", 1), ("Id, Description", 2)])
def test_long_text_halves_the_pages(client: Client, org: Organisation, fields: str, pages: int) -> None:
    while len(org.live("Task")) < 1_500:
        org.insert("Task", {"Subject": "s", "Description": "d"})
    before = client.server.calls
    client.query(f"SELECT {fields} FROM Task")
    assert client.server.calls - before == pages


# --- jobs ------------------------------------------------------------------------------------------------------


def test_a_job_goes_through_its_states_and_keeps_the_rows_of_its_beginning(client: Client, org: Organisation) -> None:
    client.server.api.jobs.polls = 3
    made = job(client, "SELECT Id, Title FROM Note").json()
    before = sorted(org.tables["Note"].ids())
    assert made["state"] == "UploadComplete"
    path = f"/jobs/query/{made['id']}"
    assert code(client.get(path + "/results")) == (400, "INVALIDJOBSTATE")
    org.insert("Note", {"Title": "later"})
    states = [client.get(path).json()["state"] for _ in range(4)]
    assert states == ["InProgress", "InProgress", "JobComplete", "JobComplete"]
    answer = client.get(path + "/results")
    assert answer.headers["Sforce-Locator"] == "null"
    assert answer.headers["Sforce-NumberOfRecords"] == str(len(before))
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.content.startswith(b'"Id","Title"\n')
    assert all(row_id.encode() in answer.content for row_id in before)


def test_results_are_read_by_locator_or_by_pages(client: Client) -> None:
    made = job(client, "SELECT Id FROM Contact").json()
    path = f"/jobs/query/{made['id']}"
    client.get(path)
    total = client.get(path).json()["numberRecordsProcessed"]
    seen: list[str] = []
    locator: dict[str, str] = {}
    while True:
        answer = client.get(path + "/results", maxRecords=7, **locator)
        seen += answer.text.split()[1:]
        if answer.headers["Sforce-Locator"] == "null":
            break
        locator = {"locator": answer.headers["Sforce-Locator"]}
    assert len(seen) == len(set(seen)) == total
    pages: list[str] = []
    url = path + "/resultPages?maxRecords=7"
    while True:
        listed = client.get(url).json()
        assert 1 <= len(listed["resultPages"]) <= 5
        for page in listed["resultPages"]:
            pages += client.get(page["resultUrl"].removeprefix(ROOT)).text.split()[1:]
        if listed["done"]:
            break
        url = listed["nextRecordsUrl"].removeprefix(ROOT)
    assert pages == seen
    for wrong in ("x", "", "MDAwMDA5OTk5OQ"):
        assert client.get(path + "/results", locator=wrong).status_code == 400


def test_results_belong_to_the_version_of_the_job(client: Client) -> None:
    made = job(client, "SELECT Id FROM Contact").json()
    for _ in range(2):
        client.get(f"/jobs/query/{made['id']}")
    url = f"{client.server.url}/services/data/v67.0/jobs/query/{made['id']}/results"
    assert client.session.get(url, timeout=10).status_code == 409


def test_an_empty_result_is_its_header(client: Client) -> None:
    made = job(client, "SELECT Id, Name FROM Account WHERE Name = 'nobody'").json()
    for _ in range(2):
        client.get(f"/jobs/query/{made['id']}")
    answer = client.get(f"/jobs/query/{made['id']}/results", maxRecords=10)
    assert (answer.text, answer.headers["Sforce-NumberOfRecords"]) == ('"Id","Name"\n', "0")


@pytest.mark.parametrize(
    ("soql", "wanted"),
    [
        ("SELECT Id FROM CaseStatus", "INVALIDENTITY"),
        ("SELECT Id, BillingAddress FROM Account", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Id, Geo__c FROM Account", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Id, Body FROM Document", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT COUNT() FROM Account", "FEATURENOTENABLED"),
        ("SELECT Id FROM Account LIMIT 5 OFFSET 5", "FEATURENOTENABLED"),
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
    ],
)
def test_what_bulk_does_not_read_is_refused(client: Client, soql: str, wanted: str) -> None:
    assert code(job(client, soql)) == (400, wanted)


def test_jobs_fail_are_aborted_deleted_and_forgotten(client: Client, org: Organisation) -> None:
    client.server.sessions.seconds = None
    client.server.api.jobs.next_fails.append(("Aborted", "by hand"))
    path = f"/jobs/query/{job(client, 'SELECT Id FROM Contact').json()['id']}"
    client.get(path)
    assert client.get(path).json()["state"] == "Aborted"
    own = f"/jobs/query/{job(client, 'SELECT Id FROM Contact').json()['id']}"
    assert code(client.session.delete(client.root + own, timeout=10)) == (400, "INVALIDJOBSTATE")
    patched = client.session.patch(client.root + own, json={"state": "Aborted"}, timeout=10)
    assert patched.json()["state"] == "Aborted"
    assert client.session.delete(client.root + own, timeout=10).status_code == 204
    assert client.get(own).status_code == 404
    org.clock.move(7 * DAY + 60)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(("delimiter", "mark"), [("COMMA", ","), ("TAB", "\t"), ("PIPE", "|"), ("BACKQUOTE", "`")])
def test_delimiters_and_endings_are_those_asked_for(client: Client, delimiter: str, mark: str) -> None:
    made = job(client, "SELECT Id, LastName FROM Contact", columnDelimiter=delimiter, lineEnding="CRLF").json()
    for _ in range(2):
        client.get(f"/jobs/query/{made['id']}")
    assert client.get(f"/jobs/query/{made['id']}/results").text.startswith(f'"Id"{mark}"LastName"\r\n')
    assert job(client, "SELECT Id FROM Contact", columnDelimiter="SPACE").status_code == 400
