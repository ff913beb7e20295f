"""Organisations of any size: rows made from their number are the same rows by every way of reading them."""

import csv
import io
from typing import Any

import pytest

from catchment.imitations.salesforce import Organisation, bulk, live
from catchment.imitations.salesforce.render import moment
from catchment.imitations.salesforce.table import Table
from tests.imitation_salesforce import NOW, Client, serving

MANY = 1_200


def kept(org: Organisation, kind: str) -> None:
    """Turn an object's numbered rows into rows that are all kept."""
    table = Table()
    for row_id, values in org.tables[kind].items():
        table.put(row_id, values)
    org.tables[kind] = table


def columns(org: Organisation, kind: str) -> str:
    return ",".join(field.name for field in org.kinds[kind].fields if not field.parts_only)


def by_job(client: Client, soql: str, page: int) -> list[dict[str, Any]]:
    made = client.post("/jobs/query", {"operation": "queryAll", "query": soql}).json()
    path = f"/jobs/query/{made['id']}"
    while client.get(path).json()["state"] != "JobComplete":
        pass
    rows: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"maxRecords": page}
    while True:
        answer = client.get(path + "/results", **asked)
        rows += csv.DictReader(io.StringIO(answer.content.decode(), newline=""))
        if answer.headers["Sforce-Locator"] == "null":
            return rows
        asked["locator"] = answer.headers["Sforce-Locator"]


def order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["Id"]))


@pytest.mark.parametrize("kind", ["Contact", "Invoice__c", "Task"])
@pytest.mark.parametrize("changed", [False, True])
def test_numbered_rows_are_the_rows_that_a_plain_table_would_show(kind: str, *, changed: bool) -> None:
    org = bulk(MANY, 3, mix=kind, now=NOW)
    if changed:
        live(org, 1, 40, without=["change_many"])
        org.delete(kind, org.live(kind)[-1])
        org.wait()
    with serving(org) as client:
        soql = f"SELECT {columns(org, kind)} FROM {kind}"
        rest = [order(client.query(soql, deleted=deleted)) for deleted in (False, True)]
        rows = order(by_job(client, soql, 700))
        kept(org, kind)
        assert [order(client.query(soql, deleted=deleted)) for deleted in (False, True)] == rest
        assert order(by_job(client, soql, 700)) == rows
        assert len(rows) == len(rest[1]) > MANY - 20
        assert (len(rest[0]) < len(rest[1])) == changed


def test_windows_of_stamps_cut_the_numbered_rows() -> None:
    org = bulk(MANY, 3, mix="Contact", now=NOW)
    stamps = sorted(row["SystemModstamp"] for row in org.tables["Contact"].rows())
    low, high = stamps[100], stamps[200]
    with serving(org) as client:
        for where, wanted in (
            (f"SystemModstamp >= {_z(low)} AND SystemModstamp < {_z(high)}", 100),
            (f"SystemModstamp > {_z(low)} AND SystemModstamp <= {_z(high)}", 100),
            (f"SystemModstamp > {_z(low - 1)} AND SystemModstamp < {_z(low + 1)}", 1),
            (f"SystemModstamp > {_z(low)} AND SystemModstamp < {_z(high)}", 99),
            (f"SystemModstamp >= {_z(low)} AND SystemModstamp <= {_z(high)}", 101),
            (f"SystemModstamp = {_z(low)}", 1),
            (f"SystemModstamp >= {_z(high)} AND IsDeleted = false", MANY - 200),
            (f"SystemModstamp < {_z(low)} OR SystemModstamp >= {_z(high)}", MANY - 100),
        ):
            assert client.get("/query", q=f"SELECT COUNT() FROM Contact WHERE {where}").json()["totalSize"] == wanted
        shown = client.query(f"SELECT Id, SystemModstamp FROM Contact WHERE SystemModstamp = {_z(low)}")
        assert [row["SystemModstamp"] for row in shown] == [moment(low)]


def _z(seconds: int) -> str:
    return moment(seconds)[:-5] + "Z"


def test_a_numbered_row_can_be_changed_deleted_and_read_by_id() -> None:
    org = bulk(MANY, 3, mix="Contact", now=NOW)
    first, second, third = list(org.tables["Contact"].ids())[:3]
    org.update("Contact", first, {"Title": "Changed"})
    org.delete("Contact", second)
    org.delete("Contact", third)
    org.purge("Contact", third)
    assert len(org.tables["Contact"]) == MANY - 1
    with serving(org) as client:
        assert client.get(f"/sobjects/Contact/{first}").json()["Title"] == "Changed"
        assert client.get(f"/sobjects/Contact/{second}").json()[0]["errorCode"] == "ENTITY_IS_DELETED"
        assert client.get(f"/sobjects/Contact/{third}").json()[0]["errorCode"] == "NOT_FOUND"
        assert client.get("/limits/recordCount", sObjects="Contact").json()["sObjects"][0]["count"] == MANY - 1
        since = _z(org.clock.second() - 60)
        changed = client.query(f"SELECT Id FROM Contact WHERE SystemModstamp >= {since}", deleted=True)
        assert {row["Id"] for row in changed} == {first, second}


def test_rows_are_shared_out_equally_or_go_to_one_object() -> None:
    equal = bulk(7_000, now=NOW)
    assert {len(equal.tables[name]) for name in ("Account", "Contact", "Lead", "Case", "Task")} == {1_000}
    with pytest.raises(ValueError, match="no mix"):
        bulk(10, mix="Nothing")
