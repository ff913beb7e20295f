"""Columns that stored rows lack are filled: taken back from `exclude`, or new, by the cheapest reading there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catchment.imitations.salesforce.fields import Field
from catchment.imitations.stripe import billing, selling
from catchment.imitations.stripe.shop import Shop
from catchment.testing.damage import report
from catchment.testing.kit import SOURCE
from catchment.testing.processes import Project
from connectors.salesforce import jobs, query
from framework import lacking
from framework.basis import Basis
from framework.collection import Collection
from framework.feed import DAY, Pass, State, View
from framework.holding import Holding
from framework.warehouse import Pace
from tests import salesforce_source
from tests.salesforce_source import Source
from tests.source import Mortal
from tests.test_salesforce_feed import FEED, FIELDS
from tests.test_verdict import allow, restrict
from tests.trials import TRIALS
from tests.vendor import sources

LEFT: dict[str, dict[str, list[str]]] = {
    "stripe": {
        "customers": ["email", "address_city"],
        "invoice_lines": ["description", "amount"],
        "charges": ["amount"],
        "payment_methods": ["type"],
        "balance_transactions": ["fee"],
        "accounts": ["country"],
    },
    "zendesk": {
        "tickets": ["subject", "custom_fields"],
        "ticket_metrics": ["reopens"],
        "users": ["phone"],
        "ticket_events": ["child_events"],
        "ticket_comments": ["body"],
        "groups": ["name"],
        "audit_logs": ["action"],
        "satisfaction_ratings": ["score"],
    },
    "salesforce": {
        "accounts": ["description", "name"],
        "leads": ["email"],
        "opportunity_field_history": ["new_value"],
        "users": ["username"],
        "invoice_c": ["name"],
    },
}


def choose(vendor: Any, project: Project, **more: Any) -> None:
    settings = vendor.trial.source(vendor.imitation.info)
    names = settings.pop("collections", ["default"])
    chosen = {name.lstrip("!"): not name.startswith("!") for name in names}
    project.configure({SOURCE: {**settings, "collections": {**chosen, **more}}})


# ------------------------------------------------------------------------------ taken back from `exclude`


@pytest.mark.parametrize("name", TRIALS)
def test_a_column_that_is_taken_back_is_filled_in_every_row(name: str, tmp_path: Path) -> None:
    without: dict[str, Any] = {one: {"exclude": columns} for one, columns in LEFT[name].items()}
    if name == "salesforce":
        without["Invoice__c"] = without.pop("invoice_c")
    with TRIALS[name].running() as vendor:
        project = vendor.project(tmp_path)
        choose(vendor, project, **without)
        vendor.sync(project)
        vendor.live(60)
        vendor.sync(project)
        vendor.live(30)
        choose(vendor, project)
        back = vendor.sync(project)
        since = vendor.since[project.directory]
        damages = vendor.trial.judge(vendor.imitation, project.warehouse, SOURCE, known_since=since)
        # Events carry whole objects: those that are stored stay as they came.
        assert not [one for one in damages if one.table != "events"], report(damages)
        filled = {c["collection"] for c in back["collections"] if c["updated"]}
        assert LEFT[name].keys() - {"audit_logs", "accounts", "groups"} <= filled | {"accounts"}
        quiet = vendor.sync(project)
        assert quiet["api_calls"] < back["api_calls"]
        assert not [c for c in quiet["collections"] if c["updated"]]


def test_a_column_that_is_taken_back_at_once_is_filled_in_what_an_event_told_of_lately(tmp_path: Path) -> None:
    """Such rows are newer than what a list vouches for, and the event is not read again."""
    with TRIALS["stripe"].running() as vendor:
        project = vendor.project(tmp_path)
        choose(vendor, project)
        vendor.sync(project)
        choose(vendor, project, subscription_items={"exclude": ["price", "tax_rates"]})
        vendor.live(60)
        vendor.sync(project)
        choose(vendor, project)
        vendor.sync(project)
        since = vendor.since[project.directory]
        damages = vendor.trial.judge(vendor.imitation, project.warehouse, SOURCE, known_since=since)
        assert not [one for one in damages if one.table != "events"], report(damages)


def test_the_events_of_stripe_get_their_columns_back(tmp_path: Path) -> None:
    with TRIALS["stripe"].running() as vendor:
        project = vendor.project(tmp_path)
        choose(vendor, project, events={"exclude": ["type", "pending_webhooks"]})
        vendor.sync(project)
        vendor.live(20)
        choose(vendor, project)
        back = vendor.sync(project)
        vendor.exact(project)
        assert {c["collection"] for c in back["collections"] if c["updated"]} >= {"events"}
        assert "charges" not in {feed["feed"] for feed in back["feeds"]}


def test_columns_that_a_filling_was_refused_are_filled_when_they_are_allowed() -> None:
    with sources() as make:
        source = make(objects=300)
        shop, at = Shop.of(source.account), source.account.clock.second()
        billing.subscribe(shop, selling.customer(shop, at), at, coupon=shop.coupons[0])
        source.account.clock.move(600)
        source.run(excluded={"discounts": frozenset({"start"}), "subscriptions": frozenset({"status"})})
        for row in (*source.memory.rows["discounts"].values(), *source.memory.rows["subscriptions"].values()):
            if row.payload:  # as a warehouse has them that leaves columns out
                row.payload.pop("start", None)
                row.payload.pop("status", None)
        billing.subscribe(shop, selling.customer(shop, at), at, coupon=shop.coupons[0])
        source.account.clock.move(600)
        restrict(source, "discount")
        refused = source.run()
        assert {name: error["kind"] for name, (_, error) in refused.failed().items()} == {"discounts": "permission"}
        assert not [one for one in source.differences() if one.startswith("subscriptions")]
        allow(source)
        assert source.run().status == "succeeded"
        assert source.differences() == []


# ------------------------------------------------------------------------------------ salesforce's fields


@pytest.fixture
def source() -> Iterator[Source]:
    made = salesforce_source.make(objects=300)
    made.run()
    yield made
    made.server.stop()


def add(source: Source, kind: str, name: str, rows: int) -> dict[str, str]:
    ids = source.org.live(kind)
    values = {row_id: f"{name} {n}" for n, row_id in enumerate(ids) if n % rows == 0}
    source.org.add_field(kind, Field(name, "string", named=name), values)
    return values


def held(source: Source, table: str, field: str) -> dict[str, Any]:
    found = {key: (row.payload or {}).get(field) for key, row in source.memory.rows[table].items()}
    return {key: value for key, value in found.items() if value is not None}


def test_new_fields_cost_a_call_for_several_objects_and_their_own_columns_alone(source: Source) -> None:
    idle = source.run().calls
    leads, tasks = add(source, "Lead", "Tier__c", 2), add(source, "Task", "Mood__c", 3)
    back = source.run()
    assert (held(source, "leads", "Tier__c"), held(source, "tasks", "Mood__c")) == (leads, tasks)
    assert back["leads"]["updated"] == len(leads)
    assert back.calls <= idle + 2  # one for the descriptions that changed, one for the columns of both
    assert source.run().calls == idle


def test_rows_that_change_meanwhile_come_whole(source: Source) -> None:
    values = add(source, "Lead", "Tier__c", 1)
    ids = list(values)
    source.org.update("Lead", ids[0], {"Description": "changed", "Tier__c": "other"})
    source.org.delete("Lead", ids[1])
    source.org.delete("Lead", ids[2])
    source.org.purge("Lead", ids[2])
    source.pass_time(700)
    source.run()
    assert source.differences() == []
    assert held(source, "leads", "Tier__c")[ids[0]] == "other"
    assert ids[2] not in held(source, "leads", "Tier__c") or not source.memory.rows["leads"][ids[2]].live


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("after", [True, False])
def test_a_run_killed_while_it_fills_goes_on(source: Source, nth: int, after: bool) -> None:
    values = add(source, "Lead", "Tier__c", 2)
    source.memory.pace = Pace(rows=1, seconds=0.0)
    source.run(warehouse=lambda memory: Mortal(memory, nth, after=after))
    source.pass_time(30)
    source.run()
    assert held(source, "leads", "Tier__c") == values
    assert source.differences() == []


@pytest.mark.parametrize("columns", [1, 30])
def test_large_objects_are_filled_by_a_job(source: Source, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_S", 0.01)
    values = {f"Tier{n}__c": add(source, "Lead", f"Tier{n}__c", 1) for n in range(columns)}
    monkeypatch.setattr(query, "BULK_ABOVE", 5)
    source.run()
    assert {name: held(source, "leads", name) for name in values} == values
    assert source.differences() == []
    assert any("jobs/query" in str(entry) for entry in source.server.log)


def test_new_columns_too_many_for_an_address_are_read_by_id(source: Source) -> None:
    names = [f"A_field_with_quite_a_long_name_{n:04}__c" for n in range(300)]
    values = {name: add(source, "Lead", name, 3) for name in names}
    source.org.delete("Lead", source.org.live("Lead")[0])
    source.run()
    assert source.run().status == "succeeded"
    assert {name: held(source, "leads", name) for name in values} == values
    assert source.differences() == []


def test_objects_whose_stamp_does_not_move_are_read_whole(source: Source) -> None:
    values = add(source, "OpportunityFieldHistory", "Why__c", 2)
    source.run()
    assert held(source, "opportunity_field_history", "Why__c") == values


def test_a_field_that_was_hidden_for_a_while_is_filled_when_it_is_seen_again(source: Source) -> None:
    values = add(source, "Lead", "Tier__c", 2)
    source.run()
    lead, source.known = next(iter(values)), b""
    source.org.kinds["Lead"] = source.org.kinds["Lead"].without("Tier__c")
    source.org.update("Lead", lead, {"Description": "while it was hidden"})
    source.run()
    assert lead not in held(source, "leads", "Tier__c")
    source.known = b""
    add(source, "Lead", "Tier__c", 2)
    source.run()
    assert held(source, "leads", "Tier__c") == values


# ------------------------------------------------------------------------------------------- what is kept

THINGS = Collection("things")
TABLES = {"things": "t1"}


class Things(Basis):
    """A feed that reads rows whole."""

    collections = (THINGS,)


def view(run: str, *excluded: str) -> View:
    left = {"things": frozenset(excluded)} if excluded else {}
    return View(frozenset(TABLES), TABLES, now=9 * DAY, run=run, excluded=left)


def test_what_a_run_leaves_out_is_noted_before_it_reads_and_forgotten_when_it_was_read() -> None:
    feed, state = Things(), State(tables=dict(TABLES), marks={"things": DAY})
    assert lacking.note(feed, state, view("r1", "a", "b"))
    assert not lacking.note(feed, state, view("r2", "a"))  # nothing new: no commit for its sake
    assert feed.due(state, view("r2", "a")) == Pass(
        "fill", ["things"], notes={"columns": {"things": ["b"]}, "start": 0}
    )
    state.open = feed.due(state, view("r3"))
    assert lacking.note(feed, state, view("r4", "a"))  # left out again while it is being filled
    feed.close(state, view("r4", "a"))
    state.open = None
    again = feed.due(state, view("r5"))
    assert again is not None
    assert again.notes["columns"] == {"things": ["a"]}
    state.open = again
    feed.close(state, view("r5"))
    assert "left" not in state.memory
    assert state.marks == {"things": DAY}


def test_a_field_that_is_no_longer_asked_for_is_lacking_from_then_on() -> None:
    feed = replace(FEED, fields=tuple(name for name in FIELDS if name != "ARR__c"))
    state = State(memory={"columns": list(FIELDS)}, open=Pass("first", ["accounts"], notes={"fields": list(FIELDS)}))
    assert lacking.note(feed, state, view("r1"))
    assert state.open is not None
    assert "ARR__c" not in {*state.memory["columns"], *state.open.notes["fields"]}
    assert not lacking.note(FEED, state, view("r2"))  # it is back: until it was read, rows lack it
    FEED.close(state, view("r2"))
    assert "ARR__c" not in state.memory["columns"]


def test_a_filling_that_is_refused_holds_up_nothing_else() -> None:
    feed = Things()
    holding = Holding(feed, State(tables=dict(TABLES), memory={"left": {"things": ["a"]}}), 0)
    due = feed.due(holding.state, view("r1"))
    assert due is not None
    holding.state.open = due
    holding.put_off(view("r1"))
    now, later = feed.due(holding.state, view("r1")), feed.due(holding.state, view("r2"))
    assert now is not None
    assert later is not None
    assert (now.why, later.why) == ("tail", "fill")
