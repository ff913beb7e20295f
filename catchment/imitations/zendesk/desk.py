"""What people at a support desk do: open, answer, solve and delete tickets; the account shows it everywhere."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from catchment.imitations.zendesk import fields, tickets
from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.shelf import Payload, Row
from catchment.imitations.zendesk.stamps import iso, unix

DAY = 86_400
ARCHIVED_AFTER = 120 * DAY
_LOOKS = 200
_CLOCKS = ("agent_work_time", "requester_wait_time", "reply_time")


class Desk:
    """An account at work. Every method stores the whole truth of what it does: ticket, metric, event, clocks, tags."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.agents: list[Payload] = []
        self.groups: list[int] = []
        self.custom: list[Payload] = []
        self.statuses: dict[str, int] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look again at what settings and agents there are."""
        account = self.account
        self.agents = []
        for row in list(account.shelves["user"].rows.values()):
            if row.deleted_at is None and b'"role":"end-user"' not in row.body:
                self.agents.append(row.payload())
        self.groups = [int(one) for one in account.ids("group")]
        every = [account.get("ticket_field", one) for one in account.ids("ticket_field")]
        self.custom = [one for one in every if one["removable"] and one["active"]]
        self.statuses = {}
        for status_id in account.ids("custom_status"):
            status = account.get("custom_status", status_id)
            self.statuses.setdefault(status["status_category"], status["id"])

    def pick(
        self, kind: str, rng: random.Random, fits: Callable[[Payload, Row], Any] = lambda _, row: row.deleted_at is None
    ) -> Payload | None:
        """A random object that fits and whose changes are all visible, among up to 200 looked at."""
        shelf = self.account.shelves[kind]
        ids = shelf.ids()
        for row_id in rng.sample(ids, min(_LOOKS, len(ids))):
            if self.account.waits(kind, row_id):
                continue
            found = shelf.rows[row_id].payload()
            if fits(found, shelf.rows[row_id]):
                return found
        return None

    def ticket(self, rng: random.Random, *statuses: str) -> Payload | None:
        """A random ticket in one of these states."""
        return self.pick("ticket", rng, lambda one, row: one["status"] in statuses and not _scrubbed(one))

    # --- tickets ----------------------------------------------------------------------------------------------

    def open(self, at: int, rng: random.Random, requester: Payload, **given: Any) -> Payload:
        """A ticket comes in."""
        account = self.account
        made = tickets.ticket(account, at, rng, requester, **given)
        made["custom_fields"] = self.values(rng)
        made["fields"] = made["custom_fields"]
        made["tags"] = sorted({tag for one in made["custom_fields"] for tag in self.tags_of(one)})
        made["ticket_form_id"] = next(iter(account.ids("ticket_form")), None)
        made["brand_id"] = next(iter(account.ids("brand")), None)
        made["custom_status_id"] = self.statuses.get("new")
        files = [tickets.attachment(account, rng, name) for name in _files(rng)]
        children = [
            tickets.change(account, "Create", "status", "new"),
            tickets.change(account, "Create", "subject", made["subject"]),
            tickets.comment(account, at, requester, made["description"], public=True, files=files),
        ]
        metric = tickets.metric(account, at, made["id"])
        self._save(made, metric, at)
        self._tell(made["id"], at, requester, children)
        for name in _CLOCKS:
            self._clock(made["id"], at, name, "activate")
        if made["type"] == "incident":
            self._clock(made["id"], at, "reply_time", "apply_sla")
        return made

    def change(
        self,
        ticket: Payload,
        at: int,
        actor: Payload,
        changes: dict[str, Any],
        comment: str | None = None,
        *,
        public: bool = True,
        files: Sequence[Payload] = (),
        deleted_at: int | None = None,
    ) -> Payload:
        """Change properties of a ticket, with a comment or without; metrics and clocks follow."""
        account = self.account
        children = [
            tickets.change(account, "Change", name, value, ticket[name])
            for name, value in changes.items()
            if ticket[name] != value
        ]
        if comment is not None:
            children.append(tickets.comment(account, at, actor, comment, public=public, files=files))
        metric = account.get("ticket_metric", account.metric_of[ticket["id"]])
        _measure(ticket, metric, changes, at, actor, comment is not None and public)
        was = ticket["status"]
        ticket |= changes
        ticket["fields"] = ticket["custom_fields"]
        if "status" in changes and ticket["status"] in self.statuses:
            ticket["custom_status_id"] = self.statuses[ticket["status"]]
        ticket["updated_at"] = iso(at)
        self._save(ticket, metric, at, deleted_at)
        self._tell(ticket["id"], at, actor, children)
        self._tick(ticket, was, at, answered=comment is not None and public and actor["role"] != "end-user")
        return ticket

    def touch(self, ticket: Payload, at: int, changes: dict[str, Any], deleted_at: int | None = None) -> Payload:
        """The system rewrites a ticket: the export shows it again, `updated_at` stays, nobody did anything."""
        metric = self.account.get("ticket_metric", self.account.metric_of[ticket["id"]])
        ticket |= changes
        self._save(ticket, metric, at, deleted_at)
        return ticket

    def purge(self, ticket: Payload, at: int) -> None:
        """A ticket is gone for good, with all that belonged to it; no export tells."""
        account, number = self.account, ticket["id"]
        account.forget("ticket", number, at)
        account.forget("ticket_metric", account.metric_of.pop(number), at)
        for event_id in account.events_of.pop(number, []):
            account.forget("ticket_event", event_id, at)
        for event_id in account.metric_events_of.pop(number, []):
            account.forget("ticket_metric_event", event_id, at)

    def _save(self, ticket: Payload, metric: Payload, at: int, gone: int | None = None) -> None:
        account, number = self.account, ticket["id"]
        ticket["generated_timestamp"] = at
        archives_at = unix(ticket["updated_at"]) + ARCHIVED_AFTER if ticket["status"] == "closed" else None
        created = unix(ticket["created_at"])
        account.put(
            "ticket",
            ticket,
            at,
            created=created,
            deleted_at=gone,
            scope=ticket["support_type"],
            archives_at=archives_at,
        )
        account.put(
            "ticket_metric",
            metric,
            at,
            created=created,
            deleted_at=gone,
            scope=ticket["support_type"],
            parent=number,
            archives_at=archives_at,
        )

    def _tell(self, number: int, at: int, actor: Payload, children: Sequence[Payload]) -> None:
        if children:
            made = tickets.event(self.account, at, number, actor, children)
            self.account.put("ticket_event", made, at, parent=number)

    def _clock(self, number: int, at: int, name: str, kind: str, instance: int = 1) -> None:
        made = tickets.metric_event(self.account, at, number, name, kind, instance)
        self.account.put("ticket_metric_event", made, at, parent=number)

    def _tick(self, ticket: Payload, was: str, at: int, *, answered: bool) -> None:
        number, status = ticket["id"], ticket["status"]
        if answered:
            self._clock(number, at, "reply_time", "fulfill")
            self._clock(number, at, "reply_time", "update_status")
        if status == was:
            return
        if status == "pending":
            self._clock(number, at, "requester_wait_time", "pause")
        elif status == "solved":
            for name in _CLOCKS[:2]:
                self._clock(number, at, name, "fulfill")
        elif status == "open":
            self._clock(number, at, "requester_wait_time", "activate")

    def values(self, rng: random.Random) -> list[Payload]:
        """A value for every custom field of a ticket."""
        return [
            {"id": one["id"], "value": fields.value(one["type"], rng.randrange(10_000), _options(one))}
            for one in self.custom
        ]

    def tags_of(self, value: Payload) -> list[str]:
        """The tags that the value of a custom field puts on its ticket."""
        kind = next((one["type"] for one in self.custom if one["id"] == value["id"]), "")
        if kind not in ("tagger", "multiselect") or not value["value"]:
            return []
        return value["value"] if isinstance(value["value"], list) else [value["value"]]


def _scrubbed(ticket: Payload) -> bool:
    return bool(ticket["subject"] == "SCRUBBED")


def _options(field: Payload) -> list[Payload]:
    return list(field.get("custom_field_options") or ())


def _files(rng: random.Random) -> tuple[str, ...]:
    return rng.choice(((), (), (), ("screenshot.png",), ("log.txt", "Bildschirmfoto 1.png")))


def _measure(ticket: Payload, metric: Payload, changes: dict[str, Any], at: int, actor: Payload, said: bool) -> None:
    """Bring a ticket's metrics up to date with what is about to change."""
    stamp = iso(at)
    minutes = max(0, (at - unix(ticket["created_at"])) // 60)
    spent = {"calendar": minutes, "business": minutes // 3}
    metric["updated_at"] = stamp
    if said:
        metric["latest_comment_added_at"] = stamp
        if actor["role"] == "end-user":
            metric["requester_updated_at"] = stamp
        else:
            metric["replies"] += 1
            metric["assignee_updated_at"] = stamp
            if metric["reply_time_in_minutes"]["calendar"] is None:
                metric["reply_time_in_minutes"] = spent
                metric["reply_time_in_seconds"] = {"calendar": minutes * 60}
    if changes.get("assignee_id", ticket["assignee_id"]) != ticket["assignee_id"]:
        metric["assignee_stations"] += 1
        metric["assigned_at"] = stamp
        metric["initially_assigned_at"] = metric["initially_assigned_at"] or stamp
    if changes.get("group_id", ticket["group_id"]) != ticket["group_id"]:
        metric["group_stations"] += 1
    status = changes.get("status", ticket["status"])
    if status == ticket["status"]:
        return
    metric["status_updated_at"] = metric["custom_status_updated_at"] = stamp
    metric["agent_wait_time_in_minutes"] = spent if status == "pending" else metric["agent_wait_time_in_minutes"]
    if status == "solved":
        metric["solved_at"] = stamp
        if metric["first_resolution_time_in_minutes"]["calendar"] is None:
            metric["first_resolution_time_in_minutes"] = spent
        metric["full_resolution_time_in_minutes"] = metric["requester_wait_time_in_minutes"] = spent
    elif ticket["status"] == "solved" and status == "open":
        metric["reopens"] += 1
        metric["solved_at"] = None
