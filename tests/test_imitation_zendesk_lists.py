"""The lists of the Zendesk imitation, what it refuses, and its judges: `zenpy` and recorded answers."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from zenpy.lib.exception import (  # type: ignore[import-untyped]
    APIException,
    RecordNotFoundException,
    TooManyValuesException,
)

from catchment.imitations.zendesk import LATEST_COMMIT, Account, Desk, generate, live
from catchment.imitations.zendesk.resources import RESOURCES
from catchment.imitations.zendesk.stamps import iso, unix
from tests.imitation_zendesk import NOW, Client, served

ALL = "start_time=0&support_type_scope=all"


@pytest.fixture
def account() -> Account:
    """A small account for one test, at a fixed moment."""
    return generate(1, 900, now=NOW)


@pytest.fixture
def client(account: Account) -> Iterator[Client]:
    with served(account) as (_, client):
        yield client


# --- lists ------------------------------------------------------------------------------------------------------


def _shown(account: Account, kind: str) -> set[Any]:
    now = account.clock.second()
    rows = account.shelves[kind].rows.values()
    alive = [row for row in rows if row.deleted_at is None and (row.archives_at is None or row.archives_at > now)]
    return {row.id for row in alive if kind not in ("ticket", "ticket_metric") or row.scope == "agent"}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.kind)
def test_a_list_shows_all_there_is(account: Account, client: Client, resource: Any) -> None:
    live(account, seed=6, steps=160)
    account.clock.move(LATEST_COMMIT + 1)
    identity = "name" if resource.kind == "tag" else "id"
    by_cursor = [row[identity] for row in client.listed(resource.path, resource.name, 7)]
    expected = _shown(account, resource.kind)
    if resource.kind == "ticket_skip":
        expected = {row for row in expected if row in by_cursor}
        assert expected
    assert sorted(by_cursor) == sorted(expected)
    whole = client.get(resource.path)
    assert [row[identity] for row in whole[resource.name]] == by_cursor[:100]
    assert ("meta" in client.get(f"{resource.path}?page[size]=1")) == resource.paged


def test_a_cursor_list_does_not_drift_where_an_offset_list_does(account: Account, client: Client) -> None:
    ids = sorted(account.ids("organization"))
    first = client.get("organizations?page[size]=3")
    offset = client.get("organizations?per_page=3")
    account.forget("organization", ids[0], account.clock.second())
    second = client.get(first["links"]["next"])
    assert [row["id"] for row in second["organizations"]] == ids[3:6]
    assert [row["id"] for row in client.get(offset["next_page"])["organizations"]] == ids[4:7]


def test_some_lists_have_a_next_link_even_at_their_end(client: Client) -> None:
    page = client.get("organization_memberships?page[size]=100")
    assert page["meta"]["has_more"] is False
    assert client.get(page["links"]["next"])["organization_memberships"] == []
    assert client.get("groups?page[size]=100")["links"]["next"] is None


def test_lists_leave_out_what_is_archived(account: Account, client: Client) -> None:
    exported = {row["id"] for row in client.get(f"incremental/tickets/cursor?{ALL}")["tickets"]}
    old = {row.id for row in account.shelves["ticket"].rows.values() if (row.archives_at or NOW) < NOW}
    assert old
    assert old <= exported
    for path, name, field in (("tickets", "tickets", "id"), ("ticket_metrics", "ticket_metrics", "ticket_id")):
        assert old.isdisjoint(row[field] for row in client.listed(path, name))
    assert client.get(f"tickets/{min(old)}")["ticket"]["status"] == "closed"


def test_filters_of_lists(account: Account, client: Client) -> None:
    logs = client.listed("audit_logs", "audit_logs")
    stamp = logs[0]["created_at"]
    bounds = f"filter[created_at][]={stamp}&filter[created_at][]={iso(NOW)}"
    assert {row["created_at"] for row in client.listed(f"audit_logs?{bounds}", "audit_logs")} == {stamp}
    ratings = client.listed("satisfaction_ratings", "satisfaction_ratings")
    middle = unix(ratings[len(ratings) // 2]["created_at"])
    since = client.listed(f"satisfaction_ratings?start_time={middle}", "satisfaction_ratings")
    assert {row["id"] for row in since} == {row["id"] for row in ratings if unix(row["created_at"]) >= middle}
    account.put("group", {**account.get("group", account.ids("group")[2]), "deleted": True}, NOW, deleted_at=NOW)
    assert len(client.get("groups?exclude_deleted=false")["groups"]) == len(client.get("groups")["groups"]) + 1
    roles = {row["role"] for row in client.get("users?role[]=agent&role[]=admin")["users"]}
    assert roles == {"agent", "admin"}


def test_activities_are_kept_for_thirty_days(account: Account, client: Client) -> None:
    live(account, seed=1, steps=60)
    assert client.get("activities")["count"] > 0
    account.clock.move(31 * 86_400)
    live(account, seed=2, steps=60)
    assert all(
        unix(row["created_at"]) > account.clock.now() - 31 * 86_400 for row in client.get("activities")["activities"]
    )


def test_objects_are_shown_by_their_ids(account: Account, client: Client) -> None:
    live(account, seed=3, steps=120)
    account.clock.move(LATEST_COMMIT + 1)
    ids = [row.id for row in account.shelves["ticket"].rows.values()][:100]
    many = client.get(f"tickets/show_many?ids={','.join(map(str, ids))},99999")
    alive = [one for one in ids if account.shelves["ticket"].rows[one].deleted_at is None]
    assert [row["id"] for row in many["tickets"]] == alive
    users = [row for row in account.shelves["user"].rows.values() if row.deleted_at]
    assert client.get(f"users/show_many?ids={users[0].id}")["users"][0]["active"] is False
    assert client.get(f"users/{users[0].id}.json")["user"]["active"] is False
    comments = client.get(f"tickets/{alive[0]}/comments")["comments"]
    assert {one["type"] for one in comments} == {"Comment"}
    assert client.get(f"tickets/{alive[0]}/metrics")["ticket_metric"]["ticket_id"] == alive[0]
    assert client.get(f"tickets/{alive[0]}/audits")["audits"]
    desk = Desk(account)
    found = desk.ticket(account.random, "open", "new")
    assert found
    desk.change(found, account.clock.second(), desk.agents[0], {"status": "deleted"}, deleted_at=account.clock.second())
    assert found["id"] in {row["id"] for row in client.get("deleted_tickets")["deleted_tickets"]}
    assert client.ask(f"tickets/{found['id']}").status_code == 404
    account.clock.move(31 * 86_400)
    assert client.get("deleted_tickets")["deleted_tickets"] == []


@pytest.mark.parametrize(
    ("target", "status", "error"),
    [
        ("nothing", 404, "InvalidEndpoint"),
        ("tickets/99999", 404, "RecordNotFound"),
        ("tickets/99999/comments", 404, "RecordNotFound"),
        ("incremental/nothing?start_time=0", 404, "InvalidEndpoint"),
        ("incremental/tickets/cursor", 400, "Invalid attribute"),
        ("incremental/tickets/cursor?start_time=x", 400, "Invalid attribute"),
        ("incremental/tickets/cursor?cursor=x", 400, "Invalid attribute"),
        ("incremental/tickets/cursor?start_time=0&include=last_audits", 400, "Invalid attribute"),
        ("incremental/tickets/cursor?start_time=0&support_type_scope=some", 400, "Invalid attribute"),
        ("incremental/tickets/cursor?start_time=0&per_page=1001", 400, "Invalid attribute"),
        (f"incremental/users/cursor?start_time={NOW - 30}", 422, "StartTimeTooRecent"),
        (f"incremental/organizations?start_time={NOW + 90}", 422, "StartTimeTooRecent"),
        ("users?page[size]=101", 400, "InvalidPaginationParameter"),
        ("users?page[size]=0", 400, "InvalidPaginationParameter"),
        ("users?page[size]=10&page[after]=x", 400, "InvalidCursor"),
        ("users?page=101&per_page=100", 400, "InvalidPaginationDepth"),
        ("users/show_many?ids=" + ",".join(map(str, range(101))), 400, "TooManyValues"),
        ("users/show_many?ids=x", 400, "Invalid attribute"),
        ("groups/show_many?ids=1", 404, "InvalidEndpoint"),
    ],
)
def test_it_refuses_what_the_vendor_refuses(client: Client, target: str, status: int, error: str) -> None:
    answer = client.ask(target)
    assert answer.status_code == status
    body = answer.json()
    told = body["errors"][0]["code"] if "errors" in body else body["error"]
    assert (told["title"] if isinstance(told, dict) else told) == error


# --- the judges -------------------------------------------------------------------------------------------------


def test_the_sdk_reads_the_lists(account: Account, client: Client) -> None:
    live(account, seed=3, steps=90)
    account.clock.move(LATEST_COMMIT + 1)
    sdk = client.zenpy()
    assert sdk.users.me().name == "Ada Admin"
    lists = {
        "user": sdk.users(cursor_pagination=9),
        "group": sdk.groups(cursor_pagination=2),
        "organization": sdk.organizations(cursor_pagination=5),
        "ticket": sdk.tickets(cursor_pagination=7),
        "macro": sdk.macros(cursor_pagination=True),
        "trigger": sdk.triggers(cursor_pagination=True),
        "automation": sdk.automations(cursor_pagination=True),
        "brand": sdk.brands(cursor_pagination=1),
        "ticket_field": sdk.ticket_fields(),
        "ticket_form": sdk.ticket_forms(),
        "organization_membership": sdk.organization_memberships(cursor_pagination=4),
        "group_membership": sdk.group_memberships(cursor_pagination=3),
        "satisfaction_rating": sdk.satisfaction_ratings(cursor_pagination=3),
        "user_field": sdk.user_fields(),
        "organization_field": sdk.organization_fields(),
        "ticket_metric": sdk.ticket_metrics(),
        "sla_policy": sdk.sla_policies(),
        "custom_status": sdk.custom_statuses(),
    }
    for kind, rows in lists.items():
        assert {row.id for row in rows} == _shown(account, kind), kind
    ticket = next(iter(sdk.tickets()))
    assert ticket.requester.id == ticket.requester_id
    assert [comment.type for comment in sdk.tickets.comments(ticket=ticket.id)][:1] == ["Comment"]
    assert len(list(sdk.tickets(ids=list(_shown(account, "ticket"))[:5]))) == 5


def test_the_sdk_reads_the_exports(account: Account, client: Client) -> None:
    sdk = client.zenpy()
    tickets = list(sdk.tickets.incremental(start_time=0, paginate_by_time=False, per_page=10, include=["users"]))
    assert {row.id for row in tickets} == {
        row.id for row in account.shelves["ticket"].rows.values() if row.scope == "agent"
    }
    users = list(sdk.users.incremental(start_time=0, paginate_by_time=False, per_page=10))
    assert {row.id for row in users} == set(account.shelves["user"].rows)
    homes = list(sdk.organizations.incremental(start_time=0))
    assert {row.id for row in homes} >= set(account.shelves["organization"].rows)
    events = list(sdk.tickets.events(start_time=0))
    assert {row.id for row in events} == set(account.shelves["ticket_event"].rows)


def test_the_sdk_understands_the_errors(client: Client) -> None:
    sdk = client.zenpy()
    with pytest.raises(RecordNotFoundException):
        sdk.tickets(id=99_999)
    with pytest.raises(APIException, match="StartTimeTooRecent"):
        list(sdk.organizations.incremental(start_time=NOW + 500))
    with pytest.raises(TooManyValuesException):
        list(sdk.users(ids=list(range(101))))
    with pytest.raises(APIException, match="Couldn't authenticate you"):
        list(client.zenpy(email="ada@acme.com", token="wrong").groups())
    assert client.zenpy(email="ada@acme.com", token="wrong").users.me().id is None


RECORDED = {
    "ticket": ("amp-labs/test/read/incremental/tickets.json", "tickets"),
    "user": ("amp-labs/test/read/incremental/users-1-first-page.json", "users"),
    "organization": ("amp-labs/test/read/incremental/organizations.json", "organizations"),
    "trigger": ("amp-labs/test/read/triggers-1-first-page.json", "triggers"),
    "ticket_form": ("go-zendesk/raw/GET/ticket_form.json", "ticket_form"),
    "automation": ("go-zendesk/raw/GET/automation.json", "automation"),
    "macro": ("go-zendesk/raw/GET/macro.json", "macro"),
    "sla_policy": ("go-zendesk/raw/GET/sla_policy.json", "sla_policy"),
    "brand": ("go-zendesk/raw/GET/brand.json", "brand"),
    "group_membership": ("go-zendesk/raw/GET/group_memberships.json", "group_memberships"),
    "organization_membership": ("go-zendesk/raw/GET/organization_memberships.json", "organization_memberships"),
    "user_field": ("go-zendesk/raw/GET/user_fields.json", "user_fields"),
    "ticket_field": ("amp-labs/test/read/custom_fields/ticket_fields.json", "ticket_fields"),
}
# Fields that recordings have and this account does not use.
UNUSED = {"user": {"chat_only"}, "ticket_field": {"custom_statuses", "sub_type_id", "system_field_options"}}


@pytest.mark.fixtures
@pytest.mark.parametrize("kind", RECORDED)
def test_objects_have_the_fields_of_recorded_ones(account: Account, fixtures_dir: Path, kind: str) -> None:
    name, key = RECORDED[kind]
    text = (fixtures_dir / "zendesk" / name).read_text()
    found = json.loads(text)[key]
    recorded = found[0] if isinstance(found, list) else found
    ours = {field for row in account.shelves[kind].rows.values() for field in row.payload()}
    assert set(recorded) - UNUSED.get(kind, set()) <= ours


@pytest.mark.fixtures
def test_pages_have_the_fields_of_recorded_ones(client: Client, fixtures_dir: Path) -> None:
    folder = fixtures_dir / "zendesk" / "amp-labs/test/read/incremental"
    for name, target in (
        ("tickets", f"incremental/tickets/cursor?{ALL}"),
        ("users-1-first-page", "incremental/users/cursor?start_time=0"),
        ("organizations", "incremental/organizations?start_time=0"),
    ):
        recorded = json.loads((folder / f"{name}.json").read_text())
        page = client.get(target)
        assert page.keys() == recorded.keys()
        cursor = recorded.get("after_cursor")
        if cursor:
            assert re.fullmatch(r"\d+\.0\|\|\d+\|", _decoded(cursor))
            assert re.fullmatch(r"\d+\.0\|\|\d+\|", _decoded(page["after_cursor"]))


def _decoded(cursor: str) -> str:
    return base64.b64decode(cursor).decode()
