"""The Zendesk imitation: its account, how that lives, and the guarantees of its exports."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catchment.imitations.zendesk import LATEST_COMMIT, Account, Desk, generate, live
from catchment.imitations.zendesk.acts import ACTS
from catchment.imitations.zendesk.changes import CHANGES
from catchment.imitations.zendesk.resources import RESOURCES
from catchment.imitations.zendesk.stamps import unix
from tests.imitation_zendesk import NOW, Client, served

ALL = "start_time=0&support_type_scope=all"
slow = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def account() -> Account:
    """A small account for one test, at a fixed moment."""
    return generate(1, 900, now=NOW)


@pytest.fixture
def client(account: Account) -> Iterator[Client]:
    with served(account) as (_, client):
        yield client


def truth(account: Account) -> list[tuple[str, Any, int | None, bool]]:
    return list(account.truth())


# --- the account ------------------------------------------------------------------------------------------------


def test_the_same_seed_and_time_make_the_same_account() -> None:
    one, same, other = (generate(seed, 700, now=NOW) for seed in (4, 4, 5))
    assert truth(one) == truth(same)
    assert truth(one) != truth(other)
    assert 600 < one.count() < 1_200


def test_an_account_shares_its_customers_with_another_system() -> None:
    people = [(f"Customer {number}", f"customer{number}@shared.example") for number in range(12)]
    account = generate(1, 700, now=NOW, people=people)
    users = {payload["email"]: payload for kind, payload, *_ in truth(account) if kind == "user"}
    assert [users[email]["name"] for _, email in people] == [name for name, _ in people]
    requesters = {payload["requester_id"] for kind, payload, *_ in truth(account) if kind == "ticket"}
    assert requesters & {users[email]["id"] for _, email in people}


def test_the_same_seed_lives_the_same_life() -> None:
    lives = []
    for _ in range(2):
        account = generate(4, 700, now=NOW)
        # The clock runs on while things happen; what they are does not depend on it.
        lives.append((live(account, 7, 90), [kind for kind, *_ in truth(account)]))
    assert lives[0] == lives[1]


def test_everything_there_is_happens_in_the_first_steps(account: Account) -> None:
    done = live(account, seed=3, steps=2 * len(ACTS + CHANGES))
    assert set(done) == {act.__name__ for act in ACTS + CHANGES}


def test_all_ids_lead_somewhere(account: Account) -> None:
    live(account, seed=2, steps=200)
    account.clock.move(LATEST_COMMIT + 1)
    known: dict[str, set[Any]] = {}
    for kind, payload, *_ in truth(account):
        known.setdefault(kind, set()).add(payload.get("id"))
    links = {
        "requester_id": "user",
        "assignee_id": "user",
        "user_id": "user",
        "group_id": "group",
        "organization_id": "organization",
        "ticket_id": "ticket",
        "brand_id": "brand",
        "ticket_form_id": "ticket_form",
        "custom_status_id": "custom_status",
    }
    wrong = [
        (kind, payload["id"], field)
        for kind, payload, *_ in truth(account)
        for field, target in links.items()
        if payload.get(field) is not None and payload[field] not in known[target]
    ]
    assert wrong == []


def test_every_kind_of_object_is_there(account: Account) -> None:
    live(account, seed=2, steps=120)
    assert {kind for kind, *_ in truth(account)} >= {resource.kind for resource in RESOURCES}


def test_deletions_are_told_in_every_form(account: Account) -> None:
    live(account, seed=3, steps=250)
    gone = [(kind, payload, forever) for kind, payload, at, forever in truth(account) if at is not None]
    soft = {kind: payload for kind, payload, forever in gone if not forever}
    assert soft["ticket"]["status"] == "deleted"
    assert soft["user"]["active"] is False
    assert soft["organization"]["deleted_at"] is not None
    assert soft["group"]["deleted"] is True
    forever = {kind for kind, _, forever in gone if forever}
    assert {"ticket", "user", "ticket_event", "ticket_metric", "ticket_field", "group_membership"} <= forever
    scrubbed = [payload for kind, payload, _ in gone if kind == "ticket" and payload["subject"] == "SCRUBBED"]
    assert scrubbed
    assert all(one["description"] == "X" and one["tags"] == [] and one["custom_fields"] == [] for one in scrubbed)


def test_the_system_moves_the_generated_timestamp_alone(account: Account) -> None:
    live(account, seed=3, steps=120)
    tickets = [payload for kind, payload, *_ in truth(account) if kind == "ticket"]
    behind = [one for one in tickets if one["generated_timestamp"] > unix(one["updated_at"])]
    assert behind
    assert all(one["generated_timestamp"] >= unix(one["updated_at"]) for one in tickets)


def test_metrics_follow_their_tickets(account: Account) -> None:
    live(account, seed=5, steps=150)
    account.clock.move(LATEST_COMMIT + 1)
    tickets = {payload["id"]: payload for kind, payload, *_ in truth(account) if kind == "ticket"}
    metrics = {payload["ticket_id"]: payload for kind, payload, *_ in truth(account) if kind == "ticket_metric"}
    assert tickets.keys() == metrics.keys()
    solved = [number for number, one in tickets.items() if one["status"] == "solved"]
    assert solved
    assert all(metrics[number]["solved_at"] for number in solved)


def test_tags_are_counted_over_the_tickets_that_are_not_deleted(account: Account) -> None:
    live(account, seed=8, steps=200)
    account.clock.move(LATEST_COMMIT + 1)
    found = Counter(
        tag
        for kind, payload, deleted_at, _ in truth(account)
        if kind == "ticket" and deleted_at is None
        for tag in payload["tags"]
    )
    tags = [(payload, deleted_at) for kind, payload, deleted_at, _ in truth(account) if kind == "tag"]
    assert {tag["name"]: tag["count"] for tag, deleted_at in tags if deleted_at is None} == found


def test_each_late_change_shows_at_its_own_time(account: Account) -> None:
    desk = Desk(account)
    late = []
    for seconds in (70, 30):
        with account.late(seconds):
            late.append(desk.open(account.clock.second(), account.random, desk.agents[0])["id"])
    shown = []
    for _ in range(3):
        account.settle()
        shown.append([number for number in late if account.find("ticket", number)])
        account.clock.move(40)
    assert shown == [[], late[1:], late]


# --- exports ----------------------------------------------------------------------------------------------------


@slow
@given(seed=st.integers(0, 50), size=st.integers(1, 60), steps=st.integers(0, 60))
def test_a_cursor_export_is_a_keyset(seed: int, size: int, steps: int) -> None:
    account = generate(seed, 500, now=NOW)
    live(account, seed, steps, pace=0.3)
    with served(account) as (_, client):
        pages = list(client.cursor_pages(f"incremental/tickets/cursor.json?{ALL}&per_page={size}"))
        settled = account.clock.second() - 60
    rows = [(row["generated_timestamp"], row["id"]) for page in pages for row in page["tickets"]]
    shown = account.shelves["ticket"].rows.values()
    assert rows == sorted(row.key for row in shown if row.stamp <= settled)
    assert [len(page["tickets"]) for page in pages[:-1]] == [size] * (len(pages) - 1)


@slow
@given(seed=st.integers(0, 50), size=st.integers(3, 40), path=st.sampled_from(["tickets/cursor", "users/cursor"]))
def test_a_cursor_export_misses_nothing_that_changes_meanwhile(seed: int, size: int, path: str) -> None:
    account = generate(seed, 500, now=NOW)
    kind = path.partition("s/")[0]
    seen: dict[Any, Any] = {}
    late: set[Any] = set()
    with served(account) as (_, client):
        target = f"incremental/{path}?{ALL}&per_page={size}"
        turn = 0
        while True:
            page = client.get(target)
            seen |= {row["id"]: row for row in page[f"{kind}s"]}
            if turn < 5:
                live(account, seed + turn, 6)
                late |= {row_id for changed, row_id in account._waiting if changed == kind}
                account.clock.move(200)
            elif page["end_of_stream"]:
                break
            target = page["after_url"] or target
            turn += 1
    rows = account.shelves[kind].rows
    # What became visible behind the cursor is the one thing that a cursor loses.
    assert [one for one in rows if seen.get(one) != rows[one].payload() and one not in late] == []


def test_the_export_of_an_idle_account_has_no_cursors(client: Client) -> None:
    last = list(client.cursor_pages(f"incremental/tickets/cursor?{ALL}"))[-1]
    after = client.get(last["after_url"])
    assert after == {
        "tickets": [],
        "after_url": None,
        "before_url": None,
        "after_cursor": None,
        "before_cursor": None,
        "end_of_stream": True,
    }


def test_the_last_minute_is_invisible(account: Account, client: Client) -> None:
    desk = Desk(account)
    before = {row["id"] for row in client.get(f"incremental/tickets/cursor?{ALL}")["tickets"]}
    made = desk.open(account.clock.second(), account.random, desk.agents[0])
    assert client.get(f"tickets/{made['id']}")["ticket"]["id"] == made["id"]
    account.clock.move(50)
    assert {row["id"] for row in client.get(f"incremental/tickets/cursor?{ALL}")["tickets"]} == before
    account.clock.move(15)
    assert {row["id"] for row in client.get(f"incremental/tickets/cursor?{ALL}")["tickets"]} == before | {made["id"]}


def test_what_commits_late_lies_behind_the_cursor(account: Account, client: Client) -> None:
    desk = Desk(account)
    at = account.clock.second()
    with account.late(70):
        late = desk.open(at, account.random, desk.agents[0])
    early = desk.open(at + 1, account.random, desk.agents[0])
    account.clock.move(65)
    first = client.get(f"incremental/tickets/cursor?start_time={at - 10}")
    assert [row["id"] for row in first["tickets"]] == [early["id"]]
    assert client.ask(f"tickets/{late['id']}").status_code == 404
    account.clock.move(10)
    assert client.get(first["after_url"])["tickets"] == []
    again = client.get(f"incremental/tickets/cursor?start_time={at - 10}")
    assert [row["id"] for row in again["tickets"]] == [late["id"], early["id"]]
    assert {row["name"] for row in client.get("tags")["tags"]} >= set(late["tags"])


@slow
@given(seed=st.integers(0, 30), size=st.integers(1, 60))
def test_a_time_export_keeps_seconds_whole(seed: int, size: int) -> None:
    account = generate(seed, 500, now=NOW)
    with served(account) as (_, client):
        page = client.get(f"incremental/ticket_events?start_time=0&per_page={size}")
        rows = account.shelves["ticket_event"].rows.values()
    stamps = [row["timestamp"] for row in page["ticket_events"]]
    assert stamps == sorted(stamps)
    assert page["count"] == len(stamps) >= size
    assert page["end_time"] == stamps[-1]
    assert len(stamps) == sum(row.stamp <= stamps[-1] for row in rows)


def test_a_time_export_repeats_its_last_second_and_ends(client: Client, account: Account) -> None:
    pages = list(client.time_pages("incremental/ticket_events?start_time=0&per_page=40&include=comment_events"))
    assert len(pages) > 3
    for one, following in pairwise(pages):
        repeated = {row["id"] for row in one["ticket_events"]} & {row["id"] for row in following["ticket_events"]}
        assert repeated
    assert {row["id"] for page in pages for row in page["ticket_events"]} == set(account.shelves["ticket_event"].rows)
    assert pages[-1]["next_page"]


def test_a_time_export_stands_still_on_a_second_with_more_rows_than_a_page(account: Account, client: Client) -> None:
    ties = Counter(row.stamp for row in account.shelves["ticket_event"].rows.values()).most_common(1)[0]
    assert ties[1] > 3
    page = client.get(f"incremental/ticket_events?start_time={ties[0]}&per_page=2")
    assert page["count"] == ties[1]
    assert page["end_time"] == ties[0]


def test_organizations_and_metric_events_are_exported(account: Account, client: Client) -> None:
    live(account, seed=1, steps=90)
    account.clock.move(200)
    found = {
        row["id"]: row
        for page in client.time_pages("incremental/organizations?start_time=0")
        for row in page["organizations"]
    }
    assert found == {row.id: row.payload() for row in account.shelves["organization"].rows.values()}
    assert any(row["deleted_at"] for row in found.values())
    clocks = client.get("incremental/ticket_metric_events?start_time=0")["ticket_metric_events"]
    assert {row["metric"] for row in clocks} == {"agent_work_time", "requester_wait_time", "reply_time"}
    assert {"activate", "pause", "fulfill", "apply_sla", "update_status"} <= {row["type"] for row in clocks}


def test_metric_events_also_come_by_page(account: Account, client: Client) -> None:
    rows = client.listed("incremental/ticket_metric_events?start_time=0", "ticket_metric_events", 37)
    assert [row["id"] for row in rows] == [row.id for row in account.shelves["ticket_metric_event"].after((0,), NOW)]


def test_sideloads_come_with_the_tickets(client: Client) -> None:
    include = "users,groups,organizations,metric_sets,dates,comment_count,ticket_forms,slas,metric_events"
    page = client.get(f"incremental/tickets/cursor?{ALL}&include={include}&per_page=20")
    people = {row["id"] for row in page["users"]}
    for ticket in page["tickets"]:
        assert ticket["metric_set"]["ticket_id"] == ticket["id"]
        assert ticket["dates"]["solved_at"] == ticket["metric_set"]["solved_at"]
        assert ticket["comment_count"] >= 1
        assert ticket["requester_id"] in people
    assert "metric_set" not in client.get(f"incremental/tickets/cursor?{ALL}")["tickets"][0]


def test_comments_come_only_when_asked_for(client: Client) -> None:
    def comments(search: str) -> list[Any]:
        events = client.get(f"incremental/ticket_events?start_time=0{search}")["ticket_events"]
        return [one for event in events for one in event["child_events"] if one["event_type"] == "Comment"]

    bare, whole = comments(""), comments("&include=comment_events")
    assert len(bare) == len(whole) > 5
    assert not any("body" in one for one in bare)
    assert all(one["comment_present"] for one in bare)
    assert all(one["body"] and one["audit_id"] for one in whole)
    assert any(one["attachments"] for one in whole)


def test_tickets_of_ai_agents_are_left_out_unless_asked_for(client: Client) -> None:
    ids = {
        scope: {
            row["id"]
            for row in client.get(f"incremental/tickets/cursor?start_time=0&support_type_scope={scope}")["tickets"]
        }
        for scope in ("agent", "ai_agent", "all")
    }
    assert ids["ai_agent"]
    assert ids["agent"] | ids["ai_agent"] == ids["all"]
    default = client.get("incremental/tickets/cursor?start_time=0")["tickets"]
    assert {row["id"] for row in default} == ids["agent"]
