"""What is selected, left and selected again: tables stay, the run says so, and what was missed alone is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catchment.imitations.stripe import DEFAULT_KEY, Server, generate, live
from catchment.imitations.zendesk import generate as desk
from catchment.testing.damage import report
from catchment.testing.processes import Project
from catchment.testing.processes import source as written
from connectors.stripe import connector as stripe
from connectors.zendesk import EXPORTS
from tests import salesforce_source
from tests.test_reach import lists
from tests.test_zendesk import SMALL, happen
from tests.vendor import Make, sources
from tests.zendesk_source import Support

DAY = 86_400


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


def refused(folder: Path, connector: str, chosen: Any) -> dict[str, Any]:
    """The error of a configuration with these collections, and the text of the line that it points at."""
    project = Project(folder)
    credentials = {"api_key": "sk_test_x"} if connector == "stripe" else {"subdomain": "acme", "access_token": "x"}
    project.configure({"shop": {"connector": connector, "credentials": credentials, "collections": chosen}})
    ended = project.run("sync", "--json")
    assert ended.code == 2, ended
    error: dict[str, Any] = json.loads(ended.stdout)["error"]
    line = (folder / "catchment.yaml").read_text().splitlines()[error["line"] - 1]
    return {**error, "at": line[error["column"] - 1 :]}


# ------------------------------------------------------------------------------------- misspelt names


@pytest.mark.parametrize(
    ("connector", "collection", "column", "near"),
    [
        ("stripe", "customers", "emial", "'email'"),
        ("stripe", "charges", "ammount", "'amount'"),
        ("zendesk", "tickets", "subjct", "'subject'"),
    ],
)
def test_a_misspelt_column_is_an_error_at_its_place(
    connector: str, collection: str, column: str, near: str, tmp_path: Path
) -> None:
    error = refused(tmp_path, connector, {"default": True, collection: {"exclude": [column]}})
    assert error["kind"] == "config"
    assert error["message"] == f"{collection} has no column {column!r}"
    assert near in error["hint"]
    assert error["at"].strip("\"' ,]}").startswith(column)


def test_a_misspelt_collection_names_what_is_like_it(tmp_path: Path) -> None:
    error = refused(tmp_path, "stripe", ["custmers"])
    assert error["hint"].startswith("did you mean 'customers'")


def test_columns_that_nobody_declared_can_be_left_out_and_the_run_says_so(tmp_path: Path) -> None:
    with Server(generate(seed=3, objects=120), DEFAULT_KEY) as server:
        project = Project(tmp_path, "catchment")
        chosen = {"coupons": {"exclude": ["warehouse_tag", "livemode"]}, "customers": {"exclude": ["address"]}}
        project.configure({"shop": written("stripe", server.url, {"api_key": DEFAULT_KEY}, collections=chosen)})
        notes = project.sync()["sources"][0]["notes"]
    assert len(notes) == 1
    assert "warehouse_tag" in notes[0]


# ---------------------------------------------------------------------------- left, and selected again


def test_what_is_no_longer_selected_keeps_its_table_and_everybody_says_so(tmp_path: Path) -> None:
    with Server(generate(seed=3, objects=300), DEFAULT_KEY) as server:
        project = Project(tmp_path, "catchment")

        def choose(*names: str) -> None:
            credentials = {"api_key": DEFAULT_KEY}
            project.configure({"shop": written("stripe", server.url, credentials, collections=list(names))})

        def told() -> list[dict[str, Any]]:
            sql = 'SELECT collection, selected, "rows" FROM catchment.collections ORDER BY 1'
            found: list[dict[str, Any]] = json.loads(project.run("sql", sql, "--format", "json").stdout)
            return found

        choose("charges", "customers")
        assert "deselected" not in project.sync()["sources"][0]
        held = told()
        assert [line["selected"] for line in held] == [True, True]
        with duckdb.connect(str(project.warehouse)) as connection:
            connection.execute("ALTER TABLE catchment.collections DROP COLUMN selected")  # as it was before
        choose("customers")
        assert project.sync()["sources"][0]["deselected"] == ["charges"]
        shown = project.run("sync").stdout
        assert "no longer selected, their tables stay as they are: charges" in shown
        assert told() == [{**held[0], "selected": False}, held[1]]
        (shop,) = project.run("status", "--json").document["sources"]
        assert {c["collection"]: c["selected"] for c in shop["collections"]} == {"charges": False, "customers": True}
        choose("charges", "customers")
        assert "deselected" not in project.run("sync", "shop.customers", "--json").document["sources"][0]
        project.sync()
        assert told() == held


def test_stripe_catches_up_from_its_events_and_marks(make: Make) -> None:
    source = make()
    everything = source.selected
    source.run()
    source.select(everything - {"charges", "balance_transactions", "customers", "invoice_lines", "events"})
    for seed in (1, 2):
        live(source.account, seed=seed, steps=60)
        source.account.clock.move(900)
        source.run()
    idle = source.run().calls
    source.select(everything)
    before = len(source.server.log)
    back = source.run()
    assert (back.status, source.differences()) == ("succeeded", [])
    asked = lists(source, before)
    assert not {"/v1/charges", "/v1/customers"} & asked.keys()
    assert "created[gte]" in asked["/v1/balance_transactions"][0]
    assert back.calls <= idle + 8  # pages of the events since, and what follows from them


def test_stripe_lists_again_what_its_events_no_longer_tell(make: Make) -> None:
    source = make()
    everything = source.selected
    source.run()
    source.select(everything - {"charges"})
    live(source.account, seed=1, steps=60)
    for _ in range(2):
        source.account.clock.move(20 * DAY)
        live(source.account, seed=2, steps=30)
        source.run()
    source.select(everything)
    before = len(source.server.log)
    assert source.run().status in ("succeeded", "partial")  # the events of the interval are told to be lost
    assert source.differences() == []
    assert "/v1/charges" in lists(source, before)
    assert "/v1/customers" not in lists(source, before)


def test_zendesk_catches_up_from_its_marks(tmp_path: Path) -> None:
    with Support(desk(7, 700), tmp_path, connector=SMALL) as support:
        everything = support.selected
        first = support.run()
        support.selected = everything - {"tickets", "ticket_metrics", "users", "ticket_comments", "groups"}
        for seed in (3, 4):
            happen(support, seed, 30)
            support.run(due=True)
        support.selected = everything
        before = len(support.server.log)
        assert support.run(due=True).status == "succeeded"
        exports = [path for path in lists(support, before) if "incremental" in path]
        assert sum(len(lists(support, before)[path]) for path in exports) < sum(
            calls for feed, calls in first.feeds.items() if feed in {"tickets", "users", "ticket_events"}
        )
        damages = support.differences(frozenset(n for e in EXPORTS for n in e.fills))
        assert not damages, report(damages)


def test_salesforce_catches_up_from_its_mark() -> None:
    source = salesforce_source.make()
    try:
        everything = source.selected
        source.run()
        source.selected = everything - {"contacts", "tasks"}
        for seed in (1, 2):
            ids = source.org.live("Contact")
            for n in range(3):
                source.org.update("Contact", ids[n + seed], {"Description": f"changed {seed}"})
            source.org.delete("Contact", ids[0])
            source.org.purge("Contact", ids[0])
            source.pass_time(700)
            idle = source.run().calls
        source.selected = everything
        back = source.run()
        assert (back.status, source.differences()) == ("succeeded", [])
        assert back["contacts"]["fetched"] <= 6
        assert back["contacts"]["deleted"] == 2
        assert back.calls <= idle + 2
    finally:
        source.server.stop()


def test_every_stripe_collection_is_declared_whole() -> None:
    """A column that is left out is looked up in the declarations, so each collection has some."""
    assert all(c.columns for c in stripe.collections)
