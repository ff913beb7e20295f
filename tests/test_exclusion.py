"""Columns that are left out are stored nowhere: not as columns, not inside JSON, events or quarantine."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.testing.processes import Project
from connectors.stripe import connector
from framework.exclusion import Exclusion, unexcludable
from framework.sight import Sight
from tests.trials import TRIALS

BY_NAME = {c.name: c for c in connector.collections}


def applied(collection: str, excluded: dict[str, list[str]], *rows: object, at: str = "") -> list[dict[str, object]]:
    exclusion = Exclusion(BY_NAME, {name: frozenset(columns) for name, columns in excluded.items()})
    data = json.dumps({at: rows} if at else rows).encode()
    found = json.loads(bytes(exclusion.applied(Sight(collection, data, 1, at=at)).data))
    read: list[dict[str, object]] = found[at] if at else found
    return read


def test_declared_flattened_and_unknown_columns_go() -> None:
    row = {"id": "cus_1", "object": "customer", "email": "a@b", "address": {"city": "X", "line1": "Y"}, "Odd Name": 1}
    (found,) = applied("customers", {"customers": ["email", "odd_name", "address_city"]}, row, at="data")
    assert found == {"id": "cus_1", "object": "customer", "address": {"line1": "Y"}}


def test_whole_objects_inside_events_and_expanded_fields_lose_them_too() -> None:
    customer = {"id": "cus_1", "object": "customer", "email": "a@b", "name": "A"}
    event = {
        "id": "evt_1",
        "object": "event",
        "data": {"object": customer, "previous_attributes": {"email": "old@b", "name": "O"}},
    }
    (found,) = applied("events", {"customers": ["email"]}, event)
    assert "@b" not in json.dumps(found)
    assert found["data"]["previous_attributes"] == {"name": "O"}  # type: ignore[index]
    (charge,) = applied("charges", {"customers": ["email"]}, {"id": "ch_1", "object": "charge", "customer": customer})
    assert charge["customer"] == {"id": "cus_1", "object": "customer", "name": "A"}


def test_members_of_lists_lose_the_columns_of_their_own_collection() -> None:
    line = {"id": "il_1", "object": "line_item", "description": "secret", "amount": 1}
    invoice = {"id": "in_1", "object": "invoice", "lines": {"object": "list", "data": [line], "has_more": False}}
    (found,) = applied("invoices", {"invoice_lines": ["description"]}, invoice)
    assert found["lines"]["data"] == [{"id": "il_1", "object": "line_item", "amount": 1}]  # type: ignore[index]


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False))
def test_every_number_stays_as_it_was_written(number: object) -> None:
    written = str(number).replace("E+", "E") if "E" in str(number) else str(number)
    exclusion = Exclusion(BY_NAME, {"customers": frozenset({"email"})})
    data = f'[{{"id":"x","email":"a@b","n":{written}}}]'.encode()
    assert bytes(exclusion.applied(Sight("customers", data, 1)).data) == f'[{{"id":"x","n":{written}}}]'.encode()


def test_keys_cannot_be_left_out() -> None:
    parents = [child for c in connector.collections for child in c.children if child.into == "invoice_lines"]
    assert unexcludable(BY_NAME["customers"], [], frozenset({"email", "id"})) == "id"
    assert unexcludable(BY_NAME["invoice_lines"], parents, frozenset({"invoice_id"})) == "invoice_id"
    assert unexcludable(BY_NAME["customers"], [], frozenset({"email"})) == ""


def test_a_source_never_stores_what_it_leaves_out(tmp_path: Path) -> None:
    with TRIALS["stripe"].running() as vendor:
        chosen = {"default": True, "customers": {"exclude": ["email", "name"]}}
        project = vendor.project(tmp_path, collections=chosen)
        vendor.sync(project)
        vendor.live(150)
        vendor.sync(project)
        addresses = {thing.object["email"] for thing in vendor.imitation.truth() if thing.object_type == "customer"}
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        assert not {"email", "name"} & columns(connection, "customers")
        assert "phone" in columns(connection, "customers")
        told = "SELECT data->>'$.object.email' FROM trial.events WHERE type LIKE 'customer.%' AND type NOT LIKE '%.%.%'"
        emails = connection.execute(told).fetchall()
        assert emails
        assert not {email for (email,) in emails} & addresses
        assert {email for (email,) in emails} == {None}
        named = connection.execute("SELECT count(*) FROM catchment.columns WHERE collection = 'customers'"
                                   " AND column_name IN ('email', 'name')").fetchall()  # fmt: skip
        assert named == [(0,)]


@pytest.mark.parametrize("column", ["id"])
def test_leaving_out_a_key_is_an_error_with_its_place(tmp_path: Path, column: str) -> None:
    project = Project(tmp_path)
    source = {"connector": "stripe", "credentials": {"api_key": "sk_test_x"}}
    project.configure({"shop": {**source, "collections": {"customers": {"exclude": [column]}}}})
    ended = project.run("sync", "--json")
    assert ended.code == 2
    error = json.loads(ended.stdout)["error"]
    assert (error["kind"], error["line"] > 0) == ("config", True)
    assert "cannot be left out" in error["message"]


def columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    query = "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'trial' AND table_name = ?"
    return {name for (name,) in connection.execute(query, [table]).fetchall()}
