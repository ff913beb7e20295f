"""What an organisation has: columns from its descriptions, asked again only when something changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.salesforce import connector, describe
from connectors.salesforce.describe import Field, ObjectType
from connectors.salesforce.discovery import discover
from connectors.salesforce.objects import TABLES, named
from connectors.salesforce.query import Query
from connectors.salesforce.soql import micros
from framework.connector import Connector, Found
from framework.errors import Kind, Refused
from framework.feed import Answer, Request

MONDAY, TUESDAY = "Mon, 16 Nov 2026 10:00:00 GMT", "Tue, 17 Nov 2026 10:00:00 GMT"
NOW = micros("2026-11-20T10:00:00Z")


def field(name: str, type_: str = "string", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": type_,
        "label": f"The {name}",
        "scale": 0,
        "filterable": True,
        "referenceTo": [],
        **more,
    }


STANDARD = (
    field("Id", "id"),
    field("IsDeleted", "boolean"),
    field("CreatedDate", "datetime"),
    field("SystemModstamp", "datetime"),
)


class Organisation:
    """A vendor that answers what discovery asks: `types` by name, and `modified`, the time of the last change."""

    def __init__(self, **types: list[dict[str, Any]]) -> None:
        self.types = types
        self.flags: dict[str, dict[str, Any]] = {}
        self.modified = MONDAY
        self.rows: dict[str, int] = {}
        self.paths: list[str] = []
        self.calls = 0
        self.broken: dict[str, int] = {}

    def ask(self, request: Request) -> Answer:
        self.calls += 1
        if request.path.endswith("/composite"):
            parts = [self.part(p) for p in json.loads(request.body)["compositeRequest"]]
            return Answer(200, json.dumps({"compositeResponse": parts}).encode(), {}, NOW)
        if "/limits/recordCount?sObjects=" in request.path:
            names = request.path.rpartition("=")[2].split(",")
            counts = [{"name": name, "count": self.rows[name]} for name in names if name in self.rows]
            return Answer(200, json.dumps({"sObjects": counts}).encode(), {}, NOW)
        raise Refused(Kind.RETRY, "no answer", http_status=503)

    def part(self, asked: dict[str, Any]) -> dict[str, Any]:
        path = asked["url"]
        self.paths.append(path)
        if self.broken.get(path):
            self.broken[path] -= 1
            return self._made(asked, 500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "boom"}])
        since = asked.get("httpHeaders", {}).get("If-Modified-Since")
        if since == self.modified:
            return self._made(asked, 304, None)
        if path.endswith("/sobjects"):
            return self._made(asked, 200, {"sobjects": [{"name": name, "label": name} for name in self.types]})
        name = path.split("/")[-2]
        if name not in self.types:
            error = {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}
            return self._made(asked, 404, [error])
        flags = {"name": name, "label": name, "queryable": True, "replicateable": True, **self.flags.get(name, {})}
        return self._made(asked, 200, {**flags, "fields": self.types[name]})

    def _made(self, asked: dict[str, Any], status: int, body: Any) -> dict[str, Any]:
        headers = {"Last-Modified": self.modified}
        return {"referenceId": asked["referenceId"], "httpStatusCode": status, "httpHeaders": headers, "body": body}


def found(organisation: Organisation, *names: str, known: bytes = b"", of: Connector = connector) -> Found:
    organisation.calls = 0
    organisation.paths.clear()
    return discover(of, frozenset(names), known, organisation.ask)


def columns(result: Found, name: str) -> dict[str, str]:
    collection = result.connector.collection(name)
    assert collection is not None
    return {column.name: column.type for column in collection.columns}


def feed(result: Found, name: str) -> Query:
    (one,) = [one for one in result.connector.feeds if one.name == name]
    assert isinstance(one, Query)
    return one


def test_the_columns_are_the_accounts_own() -> None:
    account = [
        *STANDARD,
        field("ARR__c", "currency", scale=2),
        field("Geo__Latitude__s", "double", scale=15),
        field("Geo__c", "location"),
        field("BillingAddress", "address"),
        field("Photo", "base64"),
        field("NumberOfEmployees", "int"),
        field("ParentId", "reference", referenceTo=["Account"]),
        field("Ref__c", "reference", referenceTo=["Account", "Contact"]),
        field("SLAExpirationDate__c", "date"),
        field("Score__c", "double", calculated=True, filterable=False),
    ]
    result = found(Organisation(Account=account), "accounts")
    assert columns(result, "accounts") == {
        "id": "text",
        "is_deleted": "bool",
        "created_date": "timestamptz",
        "system_modstamp": "timestamptz",
        "arr_c": "decimal",
        "geo_latitude_s": "decimal",
        "number_of_employees": "bigint",
        "parent_id": "text",
        "ref_c": "text",
        "slaexpiration_date_c": "date",
        "score_c": "decimal",
    }
    accounts = result.connector.collection("accounts")
    assert accounts is not None
    by_name = {column.name: column for column in accounts.columns}
    assert by_name["parent_id"].references == "accounts"
    assert by_name["ref_c"].references == ""
    assert "Account or Contact" in by_name["ref_c"].description
    assert "formula" in by_name["score_c"].description
    assert list(accounts.missing) == ["photo"]
    query = feed(result, "accounts")
    assert {"Photo", "BillingAddress", "Geo__c"}.isdisjoint(query.fields)
    assert query.unasked == {"Score__c"}
    assert (query.stamp, query.binned, query.logged, query.dated) == ("SystemModstamp", True, True, True)


@pytest.mark.parametrize(
    ("names", "stamp"),
    [
        (("LoginTime", "CreatedDate", "LastModifiedDate", "SystemModstamp"), "SystemModstamp"),
        (("LoginTime", "CreatedDate", "LastModifiedDate"), "LastModifiedDate"),
        (("LoginTime", "CreatedDate"), "CreatedDate"),
        (("LoginTime",), "LoginTime"),
        ((), ""),
    ],
)
def test_the_stamp_is_the_best_one_that_the_object_has(names: tuple[str, ...], stamp: str) -> None:
    fields = [field("Id", "id"), *(field(name, "datetime") for name in names)]
    query = feed(found(Organisation(Period=fields), "period"), "period")
    assert query.stamp == stamp
    assert not query.binned


def test_names_that_meet_get_columns_of_their_own_for_good() -> None:
    organisation = Organisation(Account=[*STANDARD, field("CustomField__c")])
    first = found(organisation, "accounts")
    organisation.types["Account"] = [*STANDARD, field("Custom_Field__c"), field("CustomField__c")]
    organisation.modified = TUESDAY
    second = found(organisation, "accounts", known=first.document)
    accounts = second.connector.collection("accounts")
    assert accounts is not None
    paths = {column.path[0]: column.name for column in accounts.columns}
    assert paths["CustomField__c"] == "custom_field_c"
    assert paths["Custom_Field__c"].startswith("custom_field_c_")


def test_a_field_that_vanished_keeps_its_column_and_is_asked_no_more() -> None:
    organisation = Organisation(Account=[*STANDARD, field("Secret__c")])
    first = found(organisation, "accounts")
    organisation.types["Account"], organisation.modified = list(STANDARD), TUESDAY
    second = found(organisation, "accounts", known=first.document)
    assert "secret_c" in columns(second, "accounts")
    assert "Secret__c" not in feed(second, "accounts").fields
    organisation.types["Account"], organisation.modified = [*STANDARD, field("Secret__c")], MONDAY
    third = found(organisation, "accounts", known=second.document)
    assert "Secret__c" in feed(third, "accounts").fields


def test_nothing_new_costs_one_call_however_many_objects() -> None:
    organisation = Organisation(**{type_: list(STANDARD) for type_, _ in TABLES.values()})
    organisation.rows = {type_: 7 for type_, _ in TABLES.values()}
    first = found(organisation, *TABLES)
    assert organisation.calls == 3  # 49 questions in two calls, and all row counts in one
    again = found(organisation, *TABLES, known=first.document)
    assert organisation.calls == 1
    assert len(organisation.paths) == 25
    assert again.connector == first.connector
    assert {one.rows for one in again.connector.feeds if isinstance(one, Query)} == {7}


def test_what_changed_is_described_again() -> None:
    organisation = Organisation(Account=list(STANDARD), Contact=list(STANDARD))
    first = found(organisation, "accounts", "contacts")
    organisation.types["Contact"] = [*STANDARD, field("New__c")]
    organisation.modified = TUESDAY
    second = found(organisation, "accounts", "contacts", known=first.document)
    assert organisation.calls == 1  # there was room for both
    assert "new_c" in columns(second, "contacts")
    found(organisation, "accounts", "contacts", known=second.document)
    assert organisation.calls == 1


def test_what_changed_while_a_run_asked_for_others_is_described_again() -> None:
    organisation = Organisation(**{type_: list(STANDARD) for type_, _ in TABLES.values()})
    first = found(organisation, *TABLES)
    for type_ in organisation.types:
        organisation.types[type_] = [*STANDARD, field("New__c")]
    organisation.modified = TUESDAY
    second = found(organisation, "accounts", known=first.document)
    last = found(organisation, *TABLES, known=second.document)
    assert all("new_c" in columns(last, name) for name in TABLES)
    found(organisation, *TABLES, known=last.document)
    assert organisation.calls == 1


@pytest.mark.parametrize("refused", [True, False])
def test_without_a_list_that_tells_of_changes_every_object_is_asked(refused: bool) -> None:
    organisation = Organisation(**{type_: list(STANDARD) for type_, _ in TABLES.values()})
    answer = organisation.part

    def part(asked: dict[str, Any]) -> dict[str, Any]:
        made = answer(asked)
        if not asked["url"].endswith("/sobjects"):
            return made
        error = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no list"}]
        return {**made, "httpHeaders": {}, **({"httpStatusCode": 403, "body": error} if refused else {})}

    organisation.part = part  # type: ignore[method-assign]
    known = found(organisation, *TABLES).document
    for type_ in organisation.types:
        organisation.types[type_] = [*STANDARD, field("New__c")]
    organisation.modified = TUESDAY
    for _ in range(2):  # one that tells of nothing says so only afterwards
        last = found(organisation, *TABLES, known=known)
        known = last.document
    assert all("new_c" in columns(last, name) for name in TABLES)


def test_an_object_selected_later_is_described_in_the_same_call() -> None:
    organisation = Organisation(Account=list(STANDARD), Contact=list(STANDARD))
    first = found(organisation, "accounts")
    second = found(organisation, "accounts", "contacts", known=first.document)
    assert organisation.calls == 2  # the second is for its row count
    assert len(second.connector.feeds) == 2


def test_a_document_of_another_version_or_of_nobody_is_ignored() -> None:
    organisation = Organisation(Account=list(STANDARD))
    for known in (b"{", b"[]", b'{"version":"v1.0","types":{"Account":{"name":"Account"}}}'):
        assert len(columns(found(organisation, "accounts", known=known), "accounts")) == 4


def test_objects_that_are_not_there_say_so_and_cost_nothing_more() -> None:
    organisation = Organisation(Account=list(STANDARD), Name=[field("Id", "id")])
    organisation.flags["Name"] = {"queryable": False}
    first = found(organisation, "accounts", "contacts", "account_tags", "names")
    kinds = {name: fault.kind for name, fault in first.missing.items()}
    assert kinds == {"contacts": "permission", "account_tags": "config", "names": "config"}
    assert "does not exist" in first.missing["contacts"].message
    assert [one.name for one in first.connector.feeds] == ["accounts"]
    again = found(organisation, "accounts", "contacts", "account_tags", "names", known=first.document)
    assert organisation.calls == 1
    assert again.missing == first.missing


def test_a_misspelt_object_is_told_with_what_it_may_be_called() -> None:
    organisation = Organisation(
        Account=list(STANDARD), AccountTags=list(STANDARD), Invoice__c=list(STANDARD), Invoice_Line__c=list(STANDARD)
    )
    (wrong,) = [one for one in [named("Invioce__c")] if one]
    of = replace(connector, collections=(*connector.collections, wrong))
    before = found(organisation, "accounts", "account_tags")
    assert "Did you mean" not in before.missing["account_tags"].hint
    for known, paths in ((before.document, 2), (b"", 2)):
        result = found(organisation, "accounts", wrong.name, known=known, of=of)
        fault = result.missing[wrong.name]
        assert fault.kind == "config"
        assert fault.hint.startswith("Did you mean Invoice__c")
        again = found(organisation, "accounts", wrong.name, known=result.document, of=of)
        assert again.missing == result.missing
        assert organisation.calls == 1
        assert len(organisation.paths) == paths + 1


def test_an_object_hidden_later_comes_back_with_its_columns() -> None:
    organisation = Organisation(Contact=[*STANDARD, field("Custom_Field__c"), field("CustomField__c")])
    first = found(organisation, "contacts")
    hidden, organisation.types, organisation.modified = organisation.types, {}, TUESDAY
    second = found(organisation, "contacts", known=first.document)
    assert second.missing["contacts"].kind == "permission"
    organisation.types = hidden
    third = found(organisation, "contacts", known=second.document)
    assert columns(third, "contacts") == columns(first, "contacts")
    assert not third.missing


def test_a_description_that_could_not_be_had_is_asked_for_by_the_next_run() -> None:
    organisation = Organisation(Account=list(STANDARD), Contact=list(STANDARD))
    path = "/services/data/v68.0/sobjects/Contact/describe"
    organisation.broken[path] = 1
    first = found(organisation, "accounts", "contacts")
    assert first.missing["contacts"].kind == "upstream"
    second = found(organisation, "accounts", "contacts", known=first.document)
    assert not second.missing


def test_any_other_object_is_selected_by_its_name() -> None:
    placeholder = named("Invoice__c")
    assert placeholder is not None
    assert (placeholder.name, placeholder.object) == ("invoice_c", "Invoice__c")
    assert named("account") == connector.collection("accounts")
    assert named("no such name") is None
    of = replace(connector, collections=(*connector.collections, placeholder))
    organisation = Organisation(Invoice__c=[*STANDARD, field("Amount__c", "currency", scale=2)])
    result = found(organisation, "invoice_c", of=of)
    assert columns(result, "invoice_c")["amount_c"] == "decimal"
    assert feed(result, "invoice_c").type == "Invoice__c"


def test_the_documented_tables_are_declared() -> None:
    assert len(connector.collections) == 48
    by_name = {c.name: c for c in connector.collections}
    assert by_name["opportunity_product"].object == "OpportunityLineItem"
    assert by_name["role"].object == "UserRole"
    assert "annual_revenue" in {column.name for column in by_name["accounts"].columns}
    known = set(by_name)
    assert {column.references for c in connector.collections for column in c.columns} - known == {""}


@pytest.mark.fixtures
@pytest.mark.parametrize(
    "path", ["force-toolkit-net/UserObjectDescribeMetadata.json", "swiftly-salesforce/MockAccountMetadata.json"]
)
def test_recorded_descriptions_become_columns(path: str, fixtures_dir: Path) -> None:
    recorded = (fixtures_dir / "salesforce" / path).read_bytes().removeprefix(b"\xef\xbb\xbf")
    type_ = describe.merged(describe.DESCRIBE.decode(recorded), None)
    assert describe.stamp(type_) == "SystemModstamp"
    assert type_.replicateable
    names = [one.column for one in type_.fields]
    assert len(set(names)) == len(names) > 50
    kinds = {describe.column_type(one) for one in describe.readable(type_)}
    assert {"text", "bool", "timestamptz", "decimal"} <= kinds


def test_a_field_is_kept_in_few_bytes() -> None:
    """The document is written at each run: 48 objects of hundreds of fields must stay small."""
    kept = Field("Custom_Field_Number_1__c", "string", "Custom", column="custom_field_number_1_c")
    one = ObjectType("Account", fields=[kept])
    assert len(msgspec.json.encode(one)) < 200
