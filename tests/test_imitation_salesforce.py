"""The imitation of the Salesforce API, judged by `simple-salesforce` and by recorded answers."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from catchment.imitations.salesforce import API_VERSION, App, Organisation, generate, live
from catchment.imitations.salesforce.assertions import key_pair
from catchment.imitations.salesforce.render import double, java_double, moment
from tests.conftest import FIXTURES
from tests.imitation_salesforce import Client, serve, serving


@pytest.fixture(scope="module")
def lived() -> Organisation:
    """A generated organisation that has lived for a while; tests only read it."""
    org = generate(5, objects=3_000)
    live(org, 5, 80)
    org.wait()
    return org


@pytest.fixture(scope="module")
def client(lived: Organisation) -> Iterator[Client]:
    yield from serve(lived)


@pytest.fixture(scope="module")
def sdk(client: Client) -> Salesforce:
    return client.sdk()


def columns(described: Any) -> list[str]:
    return [field["name"] for field in described["fields"] if field["type"] not in ("address", "location", "base64")]


def expected(org: Organisation, kind: str, names: list[str]) -> dict[str, dict[str, Any]]:
    """What REST has to show of an object's records, as the store has them."""
    fields = org.kinds[kind].by_name
    shown = {}
    for row_id, values in org.tables[kind].items():
        shown[row_id] = {}
        for name in names:
            value = values.get(name)
            if fields[name.lower()].type == "datetime" and value is not None:
                value = moment(value)
            shown[row_id][name] = float(value) if isinstance(value, Decimal) else value
    return shown


# --- the SDK ---------------------------------------------------------------------------------------------------


def test_every_object_is_described_and_read_whole_by_the_sdk(lived: Organisation, sdk: Salesforce) -> None:
    listed = {one["name"]: one for one in sdk.describe()["sobjects"]}
    assert set(listed) == set(lived.kinds)
    for name, one in listed.items():
        if not one["queryable"] or lived.kinds[name].must:
            continue
        names = columns(getattr(sdk, name).describe())
        rows = sdk.query_all(f"SELECT {','.join(names)} FROM {name}", include_deleted=True)["records"]
        found = {row["Id"]: {key: row[key] for key in names} for row in rows}
        assert found == expected(lived, name, names), name
        assert len(rows) == len(found)


def test_plain_queries_leave_out_what_is_deleted_or_archived(lived: Organisation, sdk: Salesforce) -> None:
    for name in ("Account", "Task", "Event", "User"):
        rows = lived.tables[name].items()
        shown = {i for i, row in rows if not row.get("IsDeleted") and not row.get("IsArchived")}
        assert {row["Id"] for row in sdk.query_all(f"SELECT Id FROM {name}")["records"]} == shown
    assert any(row.get("IsArchived") for row in lived.tables["Task"].rows())


def test_the_sdk_walks_pages_by_locator() -> None:
    org = generate(2, objects=20)
    for place in range(450):
        org.insert("Contact", {"LastName": f"Person {place}"})
    with serving(org) as client:
        sdk = client.sdk()
        wanted = {"Sforce-Query-Options": "batchSize=200"}
        first = sdk.query("SELECT Id FROM Contact WHERE LastName != null", headers=wanted)
        assert (len(first["records"]), first["done"]) == (200, False)
        assert first["totalSize"] >= 450
        seen = [row["Id"] for row in first["records"]]
        answer = first
        while not answer["done"]:
            answer = sdk.query_more(answer["nextRecordsUrl"], identifier_is_url=True)
            seen += [row["Id"] for row in answer["records"]]
        assert len(seen) == len(set(seen)) == first["totalSize"]


@pytest.mark.parametrize("kind", ["Invoice__c", "Opportunity", "Contact", "Case", "Task", "CampaignShare"])
def test_bulk_jobs_read_by_the_sdk_carry_the_values_of_rest(lived: Organisation, sdk: Salesforce, kind: str) -> None:
    names = columns(getattr(sdk, kind).describe())
    pages = list(getattr(sdk.bulk2, kind).query(f"SELECT {','.join(names)} FROM {kind}", max_records=20, wait=0))
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page, newline=""))]
    assert len(pages) == max(1, -(-len(rows) // 20))
    by_rest = {row["Id"]: row for row in sdk.query_all(f"SELECT {','.join(names)} FROM {kind}")["records"]}
    assert {row["Id"] for row in rows} == set(by_rest)
    fields = lived.kinds[kind].by_name
    for row in rows:
        for name in names:
            assert _as_rest(fields[name.lower()].type, row[name]) == by_rest[row["Id"]][name], name


def _as_rest(kind: str, cell: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}[cell]
    if cell == "":
        return None
    if kind == "int":
        return int(cell)
    if kind in ("double", "currency", "percent"):
        return float(cell)
    if kind == "datetime":
        assert cell.endswith(".000Z")
        return cell.replace("Z", "+0000")
    return cell


def test_a_bulk_job_that_fails_is_an_error_of_the_sdk(client: Client, sdk: Salesforce) -> None:
    client.server.api.jobs.next_fails.append(("Failed", "InternalServerError : try again"))
    with pytest.raises(SalesforceOperationError, match="try again"):
        list(sdk.bulk2.Account.query("SELECT Id FROM Account", wait=0))


def test_deleted_and_updated_are_read_by_the_sdk(lived: Organisation, sdk: Salesforce) -> None:
    now = datetime.fromtimestamp(lived.clock.now(), UTC)
    start, end = now - timedelta(days=14), now + timedelta(minutes=1)
    gone = sdk.Contact.deleted(start, end)
    top = datetime.fromisoformat(gone["latestDateCovered"]).timestamp()
    wanted = {i: moment(at) for i, at in lived.deletions["Contact"].items() if start.timestamp() <= at < top}
    assert {one["id"]: one["deletedDate"] for one in gone["deletedRecords"]} == wanted
    assert wanted
    changed = sdk.Contact.updated(now - timedelta(days=29), end)
    assert changed["ids"]
    assert set(changed["ids"]) <= set(lived.tables["Contact"].ids())


def test_composite_by_the_sdk_is_one_call_with_five_queries(client: Client, sdk: Salesforce) -> None:
    before, used = client.server.calls, client.server.usage.used
    queries = [f"/services/data/v{API_VERSION}/queryAll?q=SELECT+Id+FROM+{name}" for name in ("User", "Lead", "Case")]
    parts = [{"method": "GET", "url": url, "referenceId": f"q{n}"} for n, url in enumerate(queries)]
    answers = sdk.restful("composite", method="POST", json={"compositeRequest": parts})["compositeResponse"]
    assert [answer["httpStatusCode"] for answer in answers] == [200, 200, 200]
    assert [answer["body"]["records"][0]["attributes"]["type"] for answer in answers] == ["User", "Lead", "Case"]
    assert (client.server.calls - before, client.server.usage.used - used) == (1, 1)


def test_refusals_are_the_errors_of_the_sdk(client: Client, sdk: Salesforce) -> None:
    for soql, code in (
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Id FORM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Name", "INVALID_TYPE_FOR_OPERATION"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2024-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY"),
    ):
        with pytest.raises(SalesforceMalformedRequest) as refused:
            sdk.query(soql)
        assert refused.value.content[0]["errorCode"] == code
    with pytest.raises(SalesforceResourceNotFound):
        sdk.Account.get("001000000000000AAA")
    with pytest.raises(SalesforceMalformedRequest) as lost:
        sdk.query_more("0r88d000000000zAAA-2000")
    assert lost.value.content[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    other = Salesforce(instance="acme.my.salesforce.com", session_id="gone", session=client.session)
    with pytest.raises(SalesforceExpiredSession):
        other.query("SELECT Id FROM Account")


def test_the_sdk_logs_in_by_every_grant(lived: Organisation) -> None:
    private, public = key_pair()
    with serving(lived, app=App(public_key=public)) as client:
        app = client.server.app
        common: dict[str, Any] = {"consumer_key": app.client_id, "session": client.session, "version": API_VERSION}
        secret = {"consumer_secret": app.client_secret}
        for way in (
            {"username": app.username, "password": app.password + app.security_token, **secret},
            {"domain": "acme.my", **secret},
            {"username": app.username, "privatekey": private},
        ):
            assert Salesforce(**common, **way).query("SELECT Id FROM Organization")["records"][0]["Id"] == lived.id
        with pytest.raises(SalesforceAuthenticationFailed, match="invalid_grant"):
            Salesforce(username=app.username, password="wrong", **secret, **common)


def test_the_daily_allowance_is_an_error_of_the_sdk(lived: Organisation) -> None:
    with serving(lived, daily=15_000, used=14_999) as client:
        sdk = client.sdk()
        assert sdk.limits()["DailyApiRequests"] == {"Max": 15_000, "Remaining": 0}
        assert sdk.api_usage["api-usage"] == (15_000, 15_000)
        with pytest.raises(SalesforceRefusedRequest, match="TotalRequests Limit exceeded"):
            sdk.limits()


SAME = (
    *("type", "soapType", "compoundFieldName", "precision", "scale", "nillable", "referenceTo", "custom"),
    *("relationshipName", "filterable", "sortable", "aggregatable", "nameField", "queryByDistance", "extraTypeInfo"),
)


# --- recorded answers ------------------------------------------------------------------------------------------


def recorded(name: str) -> Any:
    path: Path = FIXTURES / "salesforce" / name
    if not path.exists():
        pytest.skip("the recorded answers are not on this machine")
    return json.loads(path.read_text())


def test_describes_have_the_members_of_a_recorded_one(sdk: Salesforce) -> None:
    real = recorded("swiftly-salesforce/MockAccountMetadata.json")
    ours = sdk.Account.describe()
    assert set(real) - set(ours) == set()
    known = {field["name"]: field for field in real["fields"]}
    for field in ours["fields"]:
        assert set(field) == set(real["fields"][0])
        if (there := known.get(field["name"])) is not None:
            assert {name: field[name] for name in SAME} == {name: there[name] for name in SAME}, field["name"]


def test_records_have_the_members_of_a_recorded_one(client: Client, lived: Organisation) -> None:
    real = recorded("swiftly-salesforce/MockAccount.json")
    row_id = next(row["Id"] for row in lived.tables["Account"].rows() if row["BillingCity"] and not row["IsDeleted"])
    ours = client.get(f"/sobjects/Account/{row_id}").json()
    assert {name for name in real if "__" not in name} - set(ours) <= {"JigsawCompanyId", "RecordTypeId"}
    assert set(ours["BillingAddress"]) == set(real["BillingAddress"])
    assert set(ours["attributes"]) == set(real["attributes"])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("restforce/raw/sobject/get_deleted_success_response.json", "deleted"),
        ("restforce/raw/sobject/get_updated_success_response.json", "updated"),
    ],
)
def test_replication_answers_have_the_members_of_recorded_ones(
    client: Client, lived: Organisation, name: str, path: str
) -> None:
    now = lived.clock.now()
    window = {"start": moment(int(now) - 86_400), "end": moment(int(now))}
    assert set(client.get(f"/sobjects/Contact/{path}", **window).json()) == set(recorded(name))


def test_jobs_have_the_members_of_a_recorded_one(client: Client) -> None:
    made = client.post("/jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"}).json()
    assert set(made) == set(recorded("amp-labs/test/bulk/read-launch-job-account.json"))


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("restforce/raw/expired_session_response.json", {"headers": {"Authorization": "Bearer gone"}}),
        ("amp-labs/test/unknown-field.json", {"q": "SELECT AccountNumer FROM Account"}),
        ("amp-labs/test/unknown-object.json", {"q": "SELECT Name,BillingCity,IsDeleted FROM Accout"}),
    ],
)
def test_errors_have_the_members_of_recorded_ones(client: Client, name: str, ask: dict[str, Any]) -> None:
    ours, real = client.get("/query", **{"q": "SELECT Id FROM Account", **ask}).json(), recorded(name)
    assert [set(one) for one in ours] == [set(one) for one in real]
    assert [one["errorCode"] for one in ours] == [one["errorCode"] for one in real]


# --- values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "json_text", "csv_text"),
    [
        ("0", "0.0", "0.0"),
        ("1.10", "1.1", "1.1"),
        ("300", "300.0", "300.0"),
        ("9999999", "9999999.0", "9999999.0"),
        ("10000000", "10000000.0", "1.0E7"),
        ("-123456789.25", "-123456789.25", "-1.2345678925E8"),
        ("0.001", "0.001", "0.001"),
        ("0.00025", "0.00025", "2.5E-4"),
    ],
)
def test_numbers_are_written_plainly_by_rest_and_as_java_does_by_bulk(
    value: str, json_text: str, csv_text: str
) -> None:
    assert f"{double(Decimal(value)):f}" == json_text
    assert java_double(Decimal(value)) == csv_text
    assert Decimal(csv_text) == Decimal(value)
