"""Zendesk's sync against the imitation of its API: every cell, every deletion, every call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catchment.imitations.zendesk import Account, Desk, generate, live
from catchment.testing.damage import report
from connectors.zendesk import LISTS, connector
from framework.connector import Connector
from framework.export import Export
from framework.feed import Feed
from framework.pages import Pages, Recent
from tests.source import Mortal, Outcome
from tests.zendesk_source import ALL, EXPORTS, Support

QUIET = 200  # seconds after which the exports show all that happened
PLAIN = {feed.name for feed in LISTS if not isinstance(feed, Recent)}


@pytest.fixture
def support(tmp_path: Path) -> Iterator[Support]:
    with Support(generate(7, 700), tmp_path) as made:
        yield made


def small(feed: Feed) -> Feed:
    """The same feed with small pages, so that a small account has many."""
    if isinstance(feed, Export):
        return dataclasses.replace(feed, limit=40)
    return dataclasses.replace(feed, limit=5) if isinstance(feed, Pages) else feed


SMALL: Connector = dataclasses.replace(connector, feeds=tuple(map(small, connector.feeds)))


def happen(support: Support, seed: int, steps: int = 60) -> None:
    live(support.account, seed, steps, pace=7)
    support.account.clock.move(QUIET)


def sync(support: Support, **order: Any) -> Outcome:
    outcome = support.run(**order)
    assert outcome.status == "succeeded", outcome.failed()
    return outcome


def exact(support: Support) -> None:
    damages = support.differences()
    assert not damages, report(damages)


def tickets(account: Account, want: Callable[[dict[str, Any]], bool] = lambda _: True) -> list[dict[str, Any]]:
    shown = (row.payload() for row in account.shelves["ticket"].rows.values())
    return [ticket for ticket in shown if want(ticket)]


def marked(support: Support, table: str) -> set[Any]:
    return {row[0] for row in support.rows(f"SELECT id FROM {{}}.{table} WHERE _deleted_at IS NOT NULL")}


# -- what a sync reads --------------------------------------------------------------------------------------------


def test_a_first_sync_holds_every_cell_and_asks_each_page_once(support: Support) -> None:
    outcome = sync(support)
    exact(support)
    assert outcome.statuses == dict.fromkeys(ALL, "succeeded")
    rows = {name: support.rows(f"SELECT count(*) FROM {{}}.{name}")[0][0] for name in ALL}
    pages = {feed.name: -(-rows[feed.name] // feed.limit) for feed in connector.feeds if isinstance(feed, Export)}
    for name, calls in outcome.feeds.items():
        assert calls <= pages.get(name, 1) + 1, name  # an export by time repeats its last second
    assert outcome.feeds["account"] == 1


def test_times_are_times_and_ids_are_numbers_that_join(support: Support) -> None:
    sync(support)
    connection = duckdb.connect(str(support.file), read_only=True)
    types = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'support'"
    ).fetchall()
    connection.close()
    wrong = [
        (table, column, kind)
        for table, column, kind in types
        if (column.endswith("_at") and kind != "TIMESTAMP WITH TIME ZONE")
        or (column.endswith("_id") and column not in ("external_id", "category_id", "encoded_id") and kind != "BIGINT")
    ]
    assert not wrong
    joined = """SELECT count(*) FROM {0}.ticket_comments c JOIN {0}.tickets t ON t.id = c.ticket_id
        JOIN {0}.ticket_events e ON e.id = c.ticket_event_id JOIN {0}.attachments a ON a.comment_id = c.id
        JOIN {0}.ticket_metrics m ON m.ticket_id = t.id"""
    assert support.rows(joined)[0][0] > 3


def test_nothing_new_costs_one_call_for_each_export_and_list(support: Support) -> None:
    sync(support)
    idle = sync(support)
    assert idle.feeds == dict.fromkeys(idle.feeds, 1)
    assert set(idle.feeds) == {feed.name for feed in connector.feeds}
    due = sync(support, due=True)
    assert due.feeds == dict.fromkeys(EXPORTS, 1)
    assert idle.total("updated") + idle.total("inserted") + due.total("updated") + due.total("inserted") == 0


def test_nothing_new_costs_one_call_for_an_export_of_many_pages_and_ids_are_compared_at_sync(tmp_path: Path) -> None:
    with Support(generate(7, 700), tmp_path, connector=SMALL) as support:
        sync(support)
        due = sync(support, due=True)
        assert {name: calls for name, calls in due.feeds.items() if name in EXPORTS} == dict.fromkeys(EXPORTS, 1)
        idle = sync(support)
        # What is gone for good is told by nothing, so *now* reads all ids while that takes at most ten calls.
        compared = {name for name in ("tickets", "users", "organizations") if idle.feeds[name] > 1}
        assert "tickets" in compared
        assert all(idle.feeds[name] == 1 for name in set(EXPORTS) - compared)
        assert idle.total("updated") + idle.total("inserted") + idle.total("deleted") == 0


def test_lists_wait_for_their_day_when_only_what_is_due_is_asked_for(support: Support) -> None:
    sync(support)
    support.account.clock.move(86_500)
    assert set(sync(support, due=True).feeds) == {feed.name for feed in connector.feeds}
    assert set(sync(support, due=True).feeds) == EXPORTS


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_happens_arrives_whole(tmp_path: Path, seed: int) -> None:
    """Ties, late commits, system updates, merges, scrubs, purges, renames: everything that the imitation can do."""
    with Support(generate(seed, 700), tmp_path, connector=SMALL if seed % 2 else connector) as support:
        for turn in range(2):
            sync(support)
            exact(support)
            happen(support, seed * 10 + turn)
        sync(support)
        exact(support)


def test_syncs_in_the_middle_of_what_happens_lose_nothing(support: Support) -> None:
    """No pause before a sync: changes whose stamp is older than the pass that could not see them yet."""
    sync(support)
    for turn in range(6):
        live(support.account, 300 + turn, 15, pace=5)
        sync(support, due=turn % 2 == 0)
    support.account.clock.move(QUIET)
    sync(support)
    exact(support)


def test_what_becomes_visible_late_is_read_by_a_later_run(tmp_path: Path) -> None:
    """A ticket of 12:00:00 that shows only at 12:01:14, after a run at 12:01:06 has read everything there was."""
    with Support(generate(7, 400), tmp_path, connector=SMALL) as support:
        sync(support)
        account, desk = support.account, Desk(support.account)
        with account.late(74):
            late = desk.open(account.clock.second(), account.random, account.get("user", account.owner_id))
        account.clock.move(66)
        sync(support, due=True)
        assert not support.rows(f"SELECT id FROM {{}}.tickets WHERE id = {late['id']}")
        account.clock.move(30)
        sync(support, due=True)
        assert support.rows(f"SELECT id FROM {{}}.tickets WHERE id = {late['id']}")


def test_a_start_date_leaves_older_changes_out(support: Support) -> None:
    middle = sorted(ticket["generated_timestamp"] for ticket in tickets(support.account))[20]
    sync(support, start=middle * 1_000_000)
    kept = support.rows("SELECT count(*), min(epoch(generated_timestamp)) FROM {}.tickets")[0]
    assert kept == (len(tickets(support.account, lambda one: one["generated_timestamp"] >= middle)), middle)
    sync(support)
    exact(support)  # a date that moves back brings the rest


def test_ai_agents_tickets_are_there(support: Support) -> None:
    sync(support)
    assert support.rows("SELECT count(*) FROM {}.tickets WHERE support_type = 'ai_agent'")[0][0] > 0


# -- what is selected ---------------------------------------------------------------------------------------------


def test_what_is_selected_later_is_filled_whole(support: Support) -> None:
    support.selected = frozenset({"tickets", "ticket_events"})
    sync(support)
    happen(support, 5)
    support.selected |= {"ticket_metrics", "ticket_comments", "attachments"}
    sync(support)
    exact(support)


def test_a_collection_without_the_one_that_shows_it(support: Support) -> None:
    support.selected = frozenset({"ticket_metrics", "attachments"})
    sync(support)
    exact(support)
    happen(support, 6)
    sync(support)
    exact(support)


def test_a_dropped_table_fills_itself_again(support: Support) -> None:
    sync(support)
    connection = duckdb.connect(str(support.file))
    for name in ("users", "ticket_comments", "groups"):
        connection.execute(f"DROP TABLE support.{name}")
    connection.close()
    sync(support)
    exact(support)


# -- what is gone -------------------------------------------------------------------------------------------------


def test_deleted_scrubbed_and_restored_tickets(support: Support) -> None:
    desk, account = Desk(support.account), support.account
    one, two = tickets(account, lambda ticket: ticket["status"] == "open")[:2]
    sync(support)
    at = account.clock.second()
    for ticket in (one, two):
        desk.change(ticket, at, desk.agents[0], {"status": "deleted"}, deleted_at=at)
    account.clock.move(QUIET)
    sync(support)
    assert {one["id"], two["id"]} <= marked(support, "tickets")
    subject = support.rows(f"SELECT subject FROM {{}}.tickets WHERE id = {one['id']}")[0][0]
    assert subject == one["subject"]
    assert support.rows(f"SELECT _deleted_at FROM {{}}.ticket_metrics WHERE ticket_id = {one['id']}")[0][0]
    at = account.clock.second()
    desk.touch(one, at, {"subject": "SCRUBBED", "description": "X", "tags": []}, deleted_at=at)
    desk.change(two, at, desk.agents[0], {"status": "open"})
    account.clock.move(QUIET)
    sync(support)
    found = support.rows(f"SELECT subject, description, _deleted_at IS NULL FROM {{}}.tickets WHERE id = {one['id']}")
    assert found == [("SCRUBBED", "X", False)]
    assert two["id"] not in marked(support, "tickets")
    exact(support)


def test_deleted_users_and_organizations_keep_their_values_and_suspended_ones_live(support: Support) -> None:
    account = support.account
    customers = [i for i, row in account.shelves["user"].rows.items() if b'"role":"end-user"' in row.body]
    gone, suspended, home = customers[0], customers[1], account.ids("organization")[0]
    sync(support)
    at = account.clock.second()
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for number, change in ((gone, {"active": False}), (suspended, {"suspended": True})):
        user = account.get("user", number) | {"updated_at": stamp} | change
        account.put("user", user, at, deleted_at=at if number == gone else None)
    closed = account.get("organization", home) | {"deleted_at": stamp, "updated_at": stamp}
    account.put("organization", closed, at, deleted_at=at)
    account.clock.move(QUIET)
    sync(support)
    assert marked(support, "users") == {gone}
    assert marked(support, "organizations") == {home}
    exact(support)
    back = datetime.fromtimestamp(account.clock.second(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    user = account.get("user", gone) | {"active": True, "updated_at": back}
    account.put("user", user, account.clock.second())
    account.clock.move(QUIET)
    sync(support)
    assert marked(support, "users") == set()
    exact(support)


@pytest.mark.parametrize("made", [connector, SMALL], ids=["one-page", "many-pages"])
def test_what_no_export_tells_of_is_found_by_comparing_ids(tmp_path: Path, made: Connector) -> None:
    with Support(generate(8, 600), tmp_path, connector=made) as support:
        sync(support)
        desk, account = Desk(support.account), support.account
        gone, changed = tickets(account, lambda ticket: ticket["status"] == "open")[:2]
        person = next(i for i, row in account.shelves["user"].rows.items() if b'"role":"end-user"' in row.body)
        desk.purge(gone, account.clock.second())
        account.forget("user", person, account.clock.second())
        desk.change(changed, account.clock.second(), desk.agents[0], {"priority": "urgent"})
        account.clock.move(86_500)  # by then ids are compared whether anything changed or not
        sync(support)
        assert marked(support, "users") >= {person}
        assert gone["id"] in marked(support, "tickets")
        assert gone["subject"] == support.rows(f"SELECT subject FROM {{}}.tickets WHERE id = {gone['id']}")[0][0]
        exact(support)


@pytest.mark.parametrize("made", [connector, SMALL], ids=["one-page", "many-pages"])
def test_what_is_gone_with_a_parent_that_is_not_selected_is_found_as_with_it(tmp_path: Path, made: Connector) -> None:
    chosen = frozenset({"ticket_metrics", "ticket_field_options"})
    with Support(generate(8, 600), tmp_path, connector=made, selected=chosen) as support:
        sync(support)
        desk, account = Desk(support.account), support.account
        gone = tickets(account, lambda ticket: ticket["status"] == "open")[0]
        options = support.rows("SELECT ticket_field_id FROM {}.ticket_field_options WHERE _deleted_at IS NULL LIMIT 1")
        desk.purge(gone, account.clock.second())
        account.forget("ticket_field", options[0][0], account.clock.second())
        account.clock.move(QUIET)
        outcome = sync(support)
        assert outcome["ticket_metrics"]["deleted"] == 1
        assert outcome["ticket_field_options"]["deleted"] > 0
        exact(support)
        assert sync(support).total("deleted") == 0


def test_what_came_and_went_while_only_its_members_were_read_takes_these_with_it(tmp_path: Path) -> None:
    with Support(generate(8, 600), tmp_path, selected=frozenset({"ticket_field_options"})) as support:
        sync(support)
        options = support.rows("SELECT ticket_field_id FROM {}.ticket_field_options WHERE _deleted_at IS NULL LIMIT 1")
        support.account.forget("ticket_field", options[0][0], support.account.clock.second())
        support.selected = frozenset({"ticket_fields", "ticket_field_options"})
        for _ in range(2):
            support.account.clock.move(QUIET)
            sync(support)
        exact(support)
        assert sync(support).total("deleted") == 0


def test_many_parents_that_are_gone_at_once_wait_for_a_word_about_their_members(support: Support) -> None:
    desk, account = Desk(support.account), support.account
    for number in range(200):
        at = account.clock.second() - 300
        desk.open(at, account.random, account.get("user", account.owner_id), subject=f"more {number}")
    support.selected = frozenset({"ticket_metrics"})
    sync(support)
    for ticket in tickets(account, lambda ticket: ticket["status"] != "deleted")[:150]:
        desk.purge(ticket, account.clock.second())
    account.clock.move(QUIET)
    outcome = support.run()
    assert outcome["ticket_metrics"]["status"] == "partial"
    assert "--accept-deletes support.ticket_metrics" in outcome["ticket_metrics"]["error"]["hint"]
    assert outcome["ticket_metrics"]["deleted"] == 0
    assert sync(support, accept_deletes=support.selected)["ticket_metrics"]["deleted"] == 150
    exact(support)


def test_members_follow_parents_that_were_given_up_without_them(tmp_path: Path) -> None:
    with Support(generate(8, 600), tmp_path, connector=SMALL) as support:
        sync(support)
        account = support.account
        gone = tickets(account, lambda ticket: ticket["status"] == "open")[0]
        Desk(account).purge(gone, account.clock.second())
        account.clock.move(QUIET)
        support.selected = frozenset({"tickets"})
        assert sync(support, accept_deletes=support.selected)["tickets"]["deleted"] == 1
        support.selected = ALL
        assert sync(support, due=True)["ticket_metrics"]["deleted"] == 1
        assert not support.differences(frozenset({"tickets", "ticket_metrics"}))


def test_comparing_for_the_members_sake_puts_off_no_comparison_of_the_rows_themselves(tmp_path: Path) -> None:
    with Support(generate(8, 600), tmp_path, connector=SMALL) as support:
        sync(support)
        gone = tickets(support.account, lambda ticket: ticket["status"] == "open")[0]
        Desk(support.account).purge(gone, support.account.clock.second())
        support.account.clock.move(86_500)
        support.selected = frozenset({"ticket_metrics"})
        sync(support)
        support.selected = ALL
        sync(support, due=True)
        assert gone["id"] in marked(support, "tickets")
        exact(support)


def test_many_that_are_gone_at_once_wait_for_a_word(support: Support) -> None:
    desk, account = Desk(support.account), support.account
    for number in range(200):
        at = account.clock.second() - 300
        desk.open(at, account.random, account.get("user", account.owner_id), subject=f"more {number}")
    sync(support)
    alive = tickets(account, lambda ticket: ticket["status"] != "deleted")
    for ticket in alive[:150]:
        desk.purge(ticket, account.clock.second())
    account.clock.move(QUIET)
    outcome = support.run()
    assert outcome["tickets"]["status"] == "partial"
    assert "--accept-deletes support.tickets" in outcome["tickets"]["error"]["hint"]
    assert not {ticket["id"] for ticket in alive[:150]} & marked(support, "tickets")
    sync(support, accept_deletes=frozenset({"tickets"}))
    assert {ticket["id"] for ticket in alive[:150]} <= marked(support, "tickets")
    exact(support)


def test_what_a_whole_list_no_longer_shows_is_gone(support: Support) -> None:
    sync(support)
    account = support.account
    taken = {}
    for kind in ("macro", "view", "trigger", "group_membership"):
        taken[kind] = account.ids(kind)[0]
        account.forget(kind, taken[kind], account.clock.second())
    account.clock.move(QUIET)
    sync(support)
    for kind, key in taken.items():
        assert key in marked(support, f"{kind}s")
    exact(support)


# -- who may read what --------------------------------------------------------------------------------------------


def test_wrong_credentials_are_answered_as_an_anonymous_user_and_recognised(support: Support) -> None:
    support.credentials = {"subdomain": "acme", "email": "ada@acme.com", "api_token": "wrong"}
    outcome = support.run()
    assert (outcome.status, outcome.calls) == ("failed", 1)
    assert outcome.document["error"]["kind"] == "auth"
    assert "anonymous" in outcome.document["error"]["message"]
    assert {c["status"] for c in outcome.document["collections"]} == {"failed"}


def test_a_credential_that_ends_stops_the_source_at_once(support: Support) -> None:
    sync(support)
    support.server.faults.add("unauthorized", "/users/cursor")
    outcome = support.run()
    assert outcome.document["error"]["kind"] == "auth"
    assert outcome.document["error"]["message"].startswith("access denied")


def test_an_agent_reads_what_agents_may_and_is_told_what_not(support: Support) -> None:
    for grant in support.server.credentials.tokens.values():
        grant.role = "agent"
    outcome = support.run()
    assert outcome.status == "partial"
    refused = {name for name, (_, error) in outcome.failed().items() if error["kind"] == "permission"}
    assert refused >= EXPORTS | {"ticket_metrics", "ticket_comments", "attachments", "audit_logs"}
    assert outcome["groups"]["status"] == outcome["macros"]["status"] == "succeeded"
    for grant in support.server.credentials.tokens.values():
        grant.role = "admin"
    sync(support)
    exact(support)


def test_what_a_plan_does_not_have_is_unavailable_and_no_failure(tmp_path: Path) -> None:
    with Support(generate(9, 800, plan="team"), tmp_path) as support:
        outcome = sync(support)
        lacking = {name for name, status in outcome.statuses.items() if status == "unavailable"}
        assert lacking == {"audit_logs", "satisfaction_ratings", "schedules", "sla_policies", "ticket_forms"}
        assert all(outcome[name]["error"]["kind"] == "config" for name in lacking)
        support.account.plan = "enterprise"
        outcome = sync(support)
        assert set(outcome.statuses.values()) == {"succeeded"}
        exact(support)


def test_the_credential_of_another_account_stops_before_any_row(support: Support) -> None:
    sync(support)
    with Support(generate(10, 600, subdomain="globex"), support.folder) as other:
        other.credentials = {**other.server.secrets(), "email": "", "api_token": ""}
        other.credentials = {"subdomain": "globex", "access_token": other.server.secrets()["access_token"]}
        outcome = other.run()
    assert outcome.document["error"]["kind"] == "config"
    assert "acme" in outcome.document["error"]["message"]
    assert "globex" in outcome.document["error"]["message"]
    assert outcome.calls == 1
    exact(support)


# -- what goes wrong ----------------------------------------------------------------------------------------------

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("rate_limited", {"path": "incremental"}),
    ("retry_after", {"path": "incremental", "seconds": 0.15}),
    ("maintenance", {"seconds": 0.1}),
    ("conflict", {}),
    ("server_error", {"status": 500}),
    ("server_error", {"status": 520}),
    ("server_error", {"path": "incremental", "status": 504}),
    ("server_error", {"path": "/api/v2/macros", "status": 504}),
    ("reset", {}),
    ("truncated", {}),
    ("invalid_json", {}),
    ("repeated_page", {}),
)


def test_passing_trouble_costs_no_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.http.PAUSE_S", 0.01)
    with Support(generate(11, 400), tmp_path, connector=SMALL) as support:
        sync(support)
        for turn, (kind, order) in enumerate(FAULTS):
            happen(support, 12 + turn, 20)
            support.server.faults.clear()
            fault = support.server.faults.add(kind, nth=(1, 3), **order)
            sync(support)
            assert fault.fired, kind
            damages = support.differences()
            assert not damages, f"{kind}: {report(damages)}"


@pytest.mark.parametrize("after", [False, True], ids=["before-commit", "after-commit"])
def test_a_sync_that_dies_at_any_commit_goes_on_without_losing_a_row(tmp_path: Path, after: bool) -> None:
    with Support(generate(13, 400), tmp_path, connector=SMALL) as support:
        died = 0
        for nth in (1, 2, 3, 1, 2, 4):
            mortal = Mortal(support.warehouse(), nth, after)  # type: ignore[arg-type]
            outcome = support.run(warehouse=mortal)
            assert mortal.dead == (outcome.status != "succeeded")
            died += mortal.dead
            happen(support, 100 + died, 20)
        assert died >= 3
        sync(support)
        exact(support)
