"""The read side of the API: from a path and its parameters to the JSON that answers it, or a refusal."""

from dataclasses import dataclass, field

from catchment.imitations.zendesk import errors, exports, lists
from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.auth import Grant
from catchment.imitations.zendesk.query import Query
from catchment.imitations.zendesk.resources import BY_EXPORT, BY_KIND, BY_PATH, PLANS, Resource
from catchment.imitations.zendesk.shelf import Payload, encode

ROOT = "/api/v2/"
_ANONYMOUS: Payload = {
    "id": None,
    "url": None,
    "name": "Anonymous user",
    "email": "invalid@example.com",
    "created_at": None,
    "updated_at": None,
    "time_zone": "Pacific Time (US & Canada)",
    "phone": None,
    "photo": None,
    "locale_id": 1,
    "locale": "en-US",
    "organization_id": None,
    "role": "end-user",
    "verified": False,
    "tags": [],
    "active": True,
    "suspended": False,
    "user_fields": {},
}


@dataclass(frozen=True)
class Call:
    """One request as the API sees it: `path` below the root without `.json`, `base` for links, who asks."""

    path: str
    query: Query
    base: str
    grant: Grant | None
    again: int = 0


@dataclass
class Api:
    """An account and what of it is shut: `gates` names list paths that are refused, and how."""

    account: Account
    gates: dict[str, str] = field(default_factory=dict)

    def answer(self, call: Call) -> bytes:
        """The body of a 200; every refusal is an ApiError."""
        self.account.settle()
        with self.account.lock:
            return self._answer(call)

    def _answer(self, call: Call) -> bytes:
        account, path = self.account, call.path
        if path == "users/me":
            user = account.get("user", call.grant.user_id) if call.grant else _ANONYMOUS
            return encode({"user": user})
        if call.grant is None:
            raise errors.unauthenticated()
        if path == "account/settings":
            return encode({"settings": {"branding": {"header_color": "03363D"}, "statistics": {"forum": True}}})
        if path.startswith("incremental/"):
            return self._export(call, path.removeprefix("incremental/"), call.grant)
        if path in ("deleted_tickets", "deleted_users"):
            self._check(BY_KIND["ticket"], call.grant)
            return lists.deleted(account, path.removeprefix("deleted_")[:-1], call.query, call.base)
        resource, rest = route(path)
        if resource is None:
            raise errors.no_endpoint()
        self._check(resource, call.grant)
        if not rest:
            return lists.answer(account, resource, call.query, call.base, call.grant, call.again)
        if rest == ["show_many"] and resource.show_many:
            return lists.show_many(account, resource, call.query, call.grant)
        if len(rest) == 1 and rest[0].isdigit():
            return lists.show(account, resource, int(rest[0]), call.grant)
        if len(rest) == 2 and resource.kind == "ticket" and rest[0].isdigit():
            return self._of_ticket(int(rest[0]), rest[1], call.grant)
        raise errors.no_endpoint()

    def _export(self, call: Call, path: str, grant: Grant) -> bytes:
        export = BY_EXPORT.get(path)
        if export is None:
            raise errors.no_endpoint()
        if not grant.may("admin"):
            raise errors.forbidden()
        self._scope("tickets" if export.kind.startswith("ticket") else export.key, grant)
        self._gate(f"incremental/{path}")
        return exports.answer(self.account, export, call.query, call.base, call.again)

    def _of_ticket(self, number: int, what: str, grant: Grant) -> bytes:
        """The comments, audits or metrics of one ticket."""
        account = self.account
        lists.show(account, BY_KIND["ticket"], number, grant)
        if what == "metrics":
            return encode({"ticket_metric": account.get("ticket_metric", account.metric_of[number])})
        events = [account.get("ticket_event", one) for one in account.events_of.get(number, ())]
        if what == "audits":
            return encode({"audits": events, "next_page": None, "previous_page": None, "count": len(events)})
        if what == "comments":
            said = [one for event in events for one in event["child_events"] if one["event_type"] == "Comment"]
            return encode({"comments": said, "next_page": None, "previous_page": None, "count": len(said)})
        raise errors.no_endpoint()

    def _check(self, resource: Resource, grant: Grant) -> None:
        """Refuse what the plan lacks, what is shut, and what the caller may not read."""
        if PLANS.index(self.account.plan) < PLANS.index(resource.plan):
            raise errors.not_in_plan(resource.gate)
        self._gate(resource.path)
        if not grant.may(resource.reader):
            raise errors.forbidden()
        self._scope(resource.right, grant)

    def _gate(self, path: str) -> None:
        if path in self.gates:
            raise errors.forbidden() if self.gates[path] == "forbidden" else errors.not_in_plan(self.gates[path])

    def _scope(self, right: str, grant: Grant) -> None:
        if not grant.reads(right):
            raise errors.missing_scope(right)


def route(path: str) -> tuple[Resource | None, list[str]]:
    """The resource a path belongs to and what follows its list path; None for paths the API does not have."""
    parts = path.split("/")
    for length in (2, 1):
        resource = BY_PATH.get("/".join(parts[:length]))
        if resource is not None:
            return resource, parts[length:]
    return None, []


def bucket(path: str) -> str:
    """The limit of its own that a path counts against; empty when there is none."""
    export = BY_EXPORT.get(path.removeprefix("incremental/")) if path.startswith("incremental/") else None
    if export is not None:
        return export.bucket
    if path == "deleted_tickets":
        return "deleted-tickets-index"
    resource, rest = route(path)
    return resource.bucket if resource is not None and not rest else ""
