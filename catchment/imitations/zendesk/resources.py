"""What the API has: one line per kind of object with its list, paging, readers and limit; and the exports."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["admin", "agent", "end-user"]
PLANS = ("team", "growth", "professional", "enterprise", "enterprise_plus")
PER_MINUTE = {"team": 200, "growth": 400, "professional": 400, "enterprise": 700, "enterprise_plus": 2_500}


@dataclass(frozen=True)
class Resource:
    """One kind of object.

    `key`: the list's name in an answer; `paged`: by cursor or by offset as the caller wishes, else all in one answer;
    `newest_first`: the order of the list; `reader`: the least role that may read it; `dangling`: `links.next` is set
    even on the last page; `plan`: the least plan that has it, else the answer is `gate`.
    """

    kind: str
    path: str
    key: str = ""
    paged: bool = True
    newest_first: bool = False
    reader: Role = "agent"
    bucket: str = ""
    dangling: bool = False
    plan: str = "team"
    gate: Literal["missing", "page", "title"] = "missing"
    show_many: bool = False
    scope: str = ""

    @property
    def name(self) -> str:
        """The key of the list in an answer."""
        return self.key or self.path

    @property
    def right(self) -> str:
        """The OAuth resource whose `:read` scope opens it."""
        return self.scope or self.path.partition("/")[0]


RESOURCES = (
    Resource("user", "users", show_many=True, dangling=True),
    Resource("group", "groups"),
    Resource("organization", "organizations", show_many=True),
    Resource("ticket", "tickets", show_many=True, bucket="tickets-index"),
    Resource("ticket_field", "ticket_fields", paged=False, bucket="ticket-fields-index"),
    Resource("ticket_form", "ticket_forms", paged=False, plan="growth"),
    Resource("ticket_metric", "ticket_metrics", newest_first=True),
    Resource("ticket_skip", "skips", scope="tickets"),
    Resource("satisfaction_rating", "satisfaction_ratings", dangling=True, plan="professional", gate="title"),
    Resource("activity", "activities", newest_first=True),
    Resource("organization_membership", "organization_memberships", dangling=True),
    Resource("group_membership", "group_memberships"),
    Resource("audit_log", "audit_logs", newest_first=True, reader="admin", plan="enterprise", gate="page"),
    Resource("brand", "brands"),
    Resource("macro", "macros"),
    Resource("view", "views"),
    Resource("trigger", "triggers"),
    Resource("automation", "automations"),
    Resource("sla_policy", "slas/policies", "sla_policies", paged=False, reader="admin", plan="professional"),
    Resource("schedule", "business_hours/schedules", "schedules", paged=False, plan="professional"),
    Resource("tag", "tags", bucket="tags-index"),
    Resource("organization_field", "organization_fields"),
    Resource("user_field", "user_fields"),
    Resource("custom_status", "custom_statuses", paged=False, reader="end-user"),
)
BY_PATH = {resource.path: resource for resource in RESOURCES}
BY_KIND = {resource.kind: resource for resource in RESOURCES}
# Not listed, only exported.
EXPORTED = ("ticket_event", "ticket_metric_event")
KINDS = (*BY_KIND, *EXPORTED)


@dataclass(frozen=True)
class Export:
    """One incremental export: its rows come in the order of their stamps."""

    path: str
    kind: str
    key: str
    cursor: bool
    includes: frozenset[str] = frozenset()

    @property
    def bucket(self) -> str:
        """The limit it counts against: cursor exports have one of their own."""
        return "incremental-exports-cursor" if self.cursor else "incremental-exports"


TICKET_INCLUDES = frozenset(
    [
        "users",
        "groups",
        "organizations",
        "metric_sets",
        "dates",
        "sharing_agreements",
        "comment_count",
        "incident_counts",
        "ticket_forms",
        "metric_events",
        "slas",
        "brands",
    ]
)
USER_INCLUDES = frozenset(["organizations", "groups", "roles", "identities", "abilities"])
EXPORTS = (
    Export("tickets/cursor", "ticket", "tickets", True, TICKET_INCLUDES),
    Export("tickets", "ticket", "tickets", False, TICKET_INCLUDES),
    Export("users/cursor", "user", "users", True, USER_INCLUDES),
    Export("users", "user", "users", False, USER_INCLUDES),
    Export("organizations", "organization", "organizations", False),
    Export("ticket_events", "ticket_event", "ticket_events", False, frozenset({"comment_events"})),
    Export("ticket_metric_events", "ticket_metric_event", "ticket_metric_events", False),
)
BY_EXPORT = {export.path: export for export in EXPORTS}
BUCKETS = {
    "incremental-exports": 10,
    "incremental-exports-cursor": 20,
    "ticket-fields-index": 20,
    "tickets-index": 100,
    "tags-index": 100,
    "deleted-tickets-index": 10,
}
