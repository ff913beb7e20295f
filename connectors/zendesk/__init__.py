"""Zendesk, declared: its exports, its lists, its limits and what its answers mean.

Sources of the facts: the vendor's API reference and its machine-readable description, and recorded answers.
`quirks.md` tells what of it matters to a reader of the tables.
"""

from __future__ import annotations

from connectors.zendesk.access import access
from connectors.zendesk.answers import JUDGE, account
from connectors.zendesk.collections import COLLECTIONS
from connectors.zendesk.guide import GUIDE
from framework.collection import Type
from framework.connector import Connector, Identity
from framework.export import Export, Part
from framework.feed import DAY
from framework.fieldview import FieldView
from framework.pages import Pages, Recent
from framework.sideload import Beside

_BY_NAME = {collection.name: collection for collection in COLLECTIONS}
_ALL = (("support_type_scope", "all"),)  # without it the tickets of AI agents are left out
_BY_TIME = "incremental-exports"
_BY_CURSOR = "incremental-exports-cursor"


def _export(name: str, path: str, *others: str, **more: object) -> Export:
    into = tuple(_BY_NAME[one] for one in (name, *others))
    bucket = _BY_CURSOR if more.get("cursor") else _BY_TIME
    return Export(into, f"/api/v2/incremental/{path}", bucket=bucket, **more)  # type: ignore[arg-type]


def _list(name: str, path: str = "", **more: object) -> Pages:
    return Pages((_BY_NAME[name],), f"/api/v2/{path or name}", **more)  # type: ignore[arg-type]


def _recent(name: str, path: str = "", **more: object) -> Recent:
    return Recent((_BY_NAME[name],), f"/api/v2/{path or name}", **more)  # type: ignore[arg-type]


EXPORTS = (
    _export(
        "tickets",
        "tickets/cursor",
        cursor=True,
        stamps=("generated_timestamp",),
        deleted=("status", "deleted"),
        ids="/api/v2/tickets",
        params=_ALL,
        include=(("metric_sets", ("ticket_metrics",)),),
        beside=Beside("metric_sets", "ticket_id", "metric_set"),
    ),
    _export("users", "users/cursor", cursor=True, deleted=("active", False), ids="/api/v2/users"),
    _export(
        "organizations",
        "organizations",
        stamps=("updated_at", "deleted_at"),
        deleted=("deleted_at", ...),
        ids="/api/v2/organizations",
        rest="/api/v2/organizations",
    ),
    _export(
        "ticket_events",
        "ticket_events",
        "ticket_comments",
        stamps=("timestamp",),
        include=(("comment_events", ("ticket_events", "ticket_comments", "attachments")),),
        parts=(
            Part(
                "child_events",
                "ticket_comments",
                where=("event_type", ("Comment", "VoiceComment")),
                copy=(("id", "ticket_event_id"), ("ticket_id", "ticket_id"), ("created_at", "created_at")),
            ),
        ),
    ),
    _export(
        "ticket_metric_events",
        "ticket_metric_events",
        stamps=("time",),
        rest="/api/v2/incremental/ticket_metric_events",
    ),
)

LISTS = (
    _list("groups", params=(("exclude_deleted", "false"),), deleted=("deleted", True)),
    _list("group_memberships"),
    _list("organization_memberships"),
    _list("brands", deleted=("is_deleted", True)),
    _list("ticket_fields", bucket="ticket-fields-index"),
    _list("ticket_forms"),
    _list("user_fields"),
    _list("organization_fields"),
    _list("custom_statuses", paged=False),
    _list("tags", bucket="tags-index"),
    _list("macros"),
    _list("views"),
    _list("triggers"),
    _list("automations"),
    _list("sla_policies", "slas/policies", paged=False),
    _list("schedules", "business_hours/schedules", paged=False),
    _recent("satisfaction_ratings", until="end_time", again=30 * DAY, whole=7 * DAY),
    _recent("ticket_skips", "skips", at="skips", again=7 * DAY),
    _recent("activities", since="since", form="iso", again=2 * DAY),
    _recent("audit_logs", since="filter[created_at][]", form="range", again=DAY // 24),
)

_TYPES: dict[str, Type] = {
    "checkbox": "bool",
    "date": "date",
    "decimal": "decimal",
    "integer": "bigint",
    "multiselect": "json",
}
_ACTIVE = ("active", True)

VIEWS = (
    FieldView(
        "tickets_with_fields",
        "tickets",
        "custom_fields",
        "ticket_fields",
        "pairs",
        types=_TYPES,
        only=(_ACTIVE, ("removable", True)),
    ),
    *(
        FieldView(
            f"{of}_with_fields", of, fields, fields, "map", "key", types=_TYPES, only=(_ACTIVE, ("system", False))
        )
        for of, fields in (("users", "user_fields"), ("organizations", "organization_fields"))
    ),
)

connector = Connector(
    name="zendesk",
    base_url="",  # every account has a host of its own: `subdomain` names it
    access=access,
    collections=COLLECTIONS,
    feeds=(*EXPORTS, *LISTS),
    judge=JUDGE,
    identity=Identity("/api/v2/users/me", account=account),
    views=VIEWS,
    version="v2",
    docs="https://developer.zendesk.com/api-reference/",
    guide=GUIDE,
    permission_hint="Use the credential of an administrator, or of an agent who may read it, then sync again.",
)
