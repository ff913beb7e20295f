"""Zendesk's tables as documented, typed apart from the connector, and what an account's objects must become.

A word of a column list is a column of the field's own name, ``column=path.to.value`` one filled from elsewhere. What
the vendor forgot altogether (a ticket deleted for good) must be marked; its values may be older than its last moment.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path as File
from typing import Any

from catchment.testing import damage, reading
from catchment.testing.damage import Damage
from catchment.testing.expected import Thing, expect
from catchment.testing.rules import Child, Path, Rules, Table
from catchment.testing.truth import compare

_MINUTES = tuple(
    f"{name}_in_minutes"
    for name in (
        "reply_time",
        "first_resolution_time",
        "full_resolution_time",
        "agent_wait_time",
        "requester_wait_time",
        "on_hold_time",
    )
)
ARCHIVED_AFTER = 120 * 86_400  # seconds that a closed ticket takes to leave the lists
_TIMES = frozenset({"generated_timestamp", "timestamp"})
COMMENTS = ("Comment", "VoiceComment")
# What happened stays, whatever becomes of what it happened to; lists that show the latest only forget by themselves.
_HISTORY = frozenset({"ticket_events", "ticket_comments", "attachments", "ticket_metric_events", "audit_logs"})
_FORGETFUL = frozenset({"activities", "ticket_skips", "satisfaction_ratings"})


def _paths(words: str) -> dict[str, Path]:
    pairs = (word.partition("=") for word in words.split())
    return {name: tuple((path or name).split(".")) for name, _, path in pairs}


def _table(name: str, kind: str, columns: str, *, flat: str = "", **more: Any) -> Table:
    flattened = frozenset((path,) for path in flat.split())
    mortal = name not in _HISTORY | _FORGETFUL
    return Table(name, kind, _paths(columns), flattened=flattened, times=_TIMES, mortal=mortal, **more)


def _clocks() -> str:
    return " ".join(f"{name}_{kind}={name}.{kind}" for name in _MINUTES for kind in ("calendar", "business"))


_STAMPS = " created_at updated_at"
ZENDESK = Rules(
    (
        _table(
            "tickets",
            "ticket",
            "url external_id type subject raw_subject description priority status recipient requester_id submitter_id "
            "assignee_id organization_id group_id collaborator_ids forum_topic_id problem_id has_incidents due_at tags "
            "sharing_agreement_ids ticket_form_id custom_fields generated_timestamp" + _STAMPS,
        ),
        _table(
            "ticket_metrics",
            "ticket_metric",
            "ticket_id group_stations assignee_stations reopens replies assignee_updated_at requester_updated_at "
            "status_updated_at initially_assigned_at assigned_at latest_comment_added_at " + _clocks() + _STAMPS,
            flat=" ".join(_MINUTES),
        ),
        _table("ticket_metric_events", "ticket_metric_event", "ticket_id metric instance_id type time"),
        _table(
            "ticket_events",
            "ticket_event",
            "ticket_event_id=id ticket_id timestamp updater_id via ticket_event_via=via event_type child_events "
            "context_client=system.client context_location=system.location context_latitude=system.latitude "
            "context_longitude=system.longitude context_ip_address=system.ip_address",
            opened=frozenset({"system"}),
        ),
        _table(
            "ticket_comments",
            "ticket_comment",
            "ticket_event_id ticket_id type body public author_id via created_at",
            children=(Child("attachments", {"": "attachments"}, "comment_id"),),
        ),
        _table("attachments", "attachment", "file_name content_url content_type inline size"),
        _table(
            "users",
            "user",
            "url name email time_zone phone locale_id locale organization_id role verified external_id alias active "
            "shared last_login_at two_factor_auth_enabled signature details notes custom_role_id moderator "
            "ticket_restriction only_private_comments restricted_agent suspended chat_only user_fields updated_at",
        ),
        _table(
            "organizations",
            "organization",
            "external_id url name details notes group_id shared_tickets shared_comments organization_fields deleted_at"
            + _STAMPS,
        ),
        _table("groups", "group", "url deleted name" + _STAMPS),
        _table("group_memberships", "group_membership", "url group_id user_id" + _STAMPS),
        _table(
            "organization_memberships",
            "organization_membership",
            "url user_id organization_id organization_name" + _STAMPS,
        ),
        _table("brands", "brand", "url name subdomain active" + _STAMPS),
        _table(
            "ticket_fields",
            "ticket_field",
            "url type title raw_title description raw_description position active required collapsed_for_agents "
            "regexp_for_validation title_in_portal raw_title_in_portal visible_in_portal editable_in_portal "
            "required_in_portal tag removable" + _STAMPS,
            children=(Child("custom_field_options", {"": "ticket_field_options"}, "ticket_field_id"),),
        ),
        _table("ticket_field_options", "ticket_field_option", "name raw_name value default"),
        _table(
            "ticket_forms",
            "ticket_form",
            "active end_user_visible name restricted_brand_ids ticket_field_ids url display_name in_all_brands "
            "position raw_display_name raw_name default" + _STAMPS,
        ),
        _table("user_fields", "user_field", "key type title active" + _STAMPS),
        _table("organization_fields", "organization_field", "key type title active" + _STAMPS),
        _table("custom_statuses", "custom_status", "status_category agent_label end_user_label active" + _STAMPS),
        _table("tags", "tag", "count", key="name"),
        _table("macros", "macro", "title active actions position" + _STAMPS),
        _table("views", "view", "title active conditions execution position" + _STAMPS),
        _table("triggers", "trigger", "title active actions conditions position" + _STAMPS),
        _table("automations", "automation", "title active actions conditions position" + _STAMPS),
        _table("sla_policies", "sla_policy", "title position filter policy_metrics" + _STAMPS),
        _table("schedules", "schedule", "name time_zone intervals" + _STAMPS),
        _table(
            "satisfaction_ratings",
            "satisfaction_rating",
            "url assignee_id group_id requester_id ticket_id score" + _STAMPS,
        ),
        _table("ticket_skips", "ticket_skip", "ticket_id user_id reason" + _STAMPS),
        _table("activities", "activity", "url verb title" + _STAMPS),
        _table(
            "audit_logs",
            "audit_log",
            "url actor_id source_id source_type source_label action change_description ip_address action_label "
            "created_at",
        ),
    )
)

Truth = tuple[str, Mapping[str, Any], float | None, bool]


def things(truth: Iterable[Truth]) -> Iterator[Thing]:
    """All raw objects of an imitated account, living, deleted and forgotten."""
    for kind, seen, deleted_at, forgotten in truth:
        yield Thing(kind, seen, deleted_at, None, forgotten)


def _with_comments(objects: Iterable[Thing]) -> Iterator[Thing]:
    """The objects, each comment with what its update says of it."""
    for thing in objects:
        if thing.object_type == "ticket_comment":
            continue  # its update has it
        yield thing
        for child in thing.object.get("child_events", ()) if thing.object_type == "ticket_event" else ():
            if child.get("event_type") in COMMENTS:
                given = {"ticket_event_id": thing.object["id"], "ticket_id": thing.object["ticket_id"], **child}
                yield Thing("ticket_comment", given, None, None, thing.forgotten)


def verify(
    database: str | File,
    schema: str,
    objects: Iterable[Thing],
    rules: Rules = ZENDESK,
    *,
    tables: Collection[str] | None = None,
    **scope: Any,
) -> list[Damage]:
    """Compares one source's schema with an account's objects, cell by cell.

    ``database``: a DuckDB file, or the address of a PostgreSQL database.
    """
    known: list[Thing] = []
    forgotten: dict[str, set[str]] = {}
    objects = list(_with_comments(objects))
    now = scope.get("now") or time.time()
    archived = {one.object["id"] for one in objects if one.object_type == "ticket" and _unlisted(one, now)}
    for thing in objects:
        if thing.object_type == "ticket_skip" and thing.object["ticket_id"] in archived:
            continue  # the list leaves out skips of tickets that are archived or gone
        table = rules.by_object.get(thing.object_type)
        if not thing.forgotten:
            known.append(thing)
        if not thing.forgotten or table is None:
            continue
        forgotten.setdefault(table.name, set()).add(str(thing.object[table.key]))
        for child in table.children:
            inside = {str(one["id"]) for one in thing.object.get(child.field) or ()}
            forgotten.setdefault(child.tables[""], set()).update(inside)
    with reading.opened(database) as reader:
        found = compare(reader, schema, expect(known, rules), tables=tables, **scope)
        for name in list(forgotten):
            for child in ZENDESK.by_name[name].children:
                inside = _members(reader, schema, child.tables[""], child.parent, forgotten[name])
                forgotten.setdefault(child.tables[""], set()).update(inside)
        marked = {name: _marked(reader, schema, name) for name in forgotten if tables is None or name in tables}
    damages = [one for one in found if not _past(one, forgotten)]
    for name, rows in marked.items():
        alive = {key for key, gone in rows.items() if not gone} & forgotten[name]
        if ZENDESK.by_name[name].mortal:
            damages += [Damage(damage.NOT_MARKED, name, key, "_deleted_at") for key in sorted(alive)]
    return damages


def _unlisted(thing: Thing, now: float) -> bool:
    """Whether the lists may leave a ticket out: gone, or archived."""
    if thing.forgotten or thing.object["status"] != "closed":
        return thing.forgotten or thing.object["status"] == "deleted"
    closed = datetime.fromisoformat(thing.object["updated_at"]).timestamp()
    return closed + ARCHIVED_AFTER <= now


def _past(one: Damage, forgotten: Mapping[str, set[str]]) -> bool:
    """Whether a row that the vendor no longer shows is there because it once was."""
    if one.kind not in (damage.GHOST, damage.WRONG_CHILD):
        return False
    return one.key in forgotten.get(one.table, ()) or one.table in _FORGETFUL


def _members(reader: reading.Reader, schema: str, name: str, link: str, parents: Collection[str]) -> set[str]:
    """The rows that hang on one of these parents: what a forgotten parent once showed is forgotten with it."""
    types = reading.tables(reader, schema).get(name, {})
    if link not in types:
        return set()
    found = reading.read(reader, schema, name, types)
    key, owner = found.place(ZENDESK.by_name[name].key), found.place(link)
    return {str(row[key]) for row in found.rows if str(row[owner]) in parents}


def _marked(reader: reading.Reader, schema: str, name: str) -> dict[str, bool]:
    types = reading.tables(reader, schema).get(name)
    if types is None:
        return {}
    found = reading.read(reader, schema, name, types)
    key, gone = found.place(ZENDESK.by_name[name].key), found.place("_deleted_at")
    return {str(row[key]): row[gone] is not None for row in found.rows}
