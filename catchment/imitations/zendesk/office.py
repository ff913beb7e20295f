"""What the people who run a support desk do: hire, found, set up rules and fields, and log it."""

import random
from typing import Any

from catchment.imitations.zendesk import fields, people, rules
from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.desk import DAY, Desk
from catchment.imitations.zendesk.shelf import Payload
from catchment.imitations.zendesk.stamps import iso

OWNER = ("Ada Admin", "ada@acme.com")
ACTIVITIES_KEPT = 30 * DAY


def furnish(desk: Desk, at: int, rng: random.Random, agents: int) -> None:
    """Everything an account has before the first customer writes."""
    account = desk.account
    owner = people.user(account, at, rng, *OWNER, role="admin")
    account.owner_id = owner["id"]
    account.put("user", owner, at)
    for category, label, shown in fields.STATUSES:
        account.put("custom_status", fields.custom_status(account, at, category, label, shown), at)
    late = fields.custom_status(account, at, "pending", "Waiting for parts", "Awaiting delivery", default=False)
    account.put("custom_status", late, at)
    for kind, title in fields.SYSTEM_FIELDS:
        account.put("ticket_field", fields.ticket_field(account, at, kind, title, system=True), at)
    for kind, title, options in fields.CUSTOM_FIELDS:
        account.put("ticket_field", fields.ticket_field(account, at, kind, title, options), at)
    for kind, title in fields.PEOPLE_FIELDS:
        for path in ("user_fields", "organization_fields"):
            made = fields.people_field(account, at, path, kind, title)
            account.put(path.removesuffix("s"), made, at)
    account.put("ticket_form", fields.ticket_form(account, at, "Default Ticket Form", default=True), at)
    account.put("ticket_form", fields.ticket_form(account, at, "Returns"), at)
    account.put("brand", rules.brand(account, at, "Acme", default=True), at)
    account.put("brand", rules.brand(account, at, "Acme Labs"), at)
    for name in ("Support", "Billing", "Engineering"):
        account.put("group", people.group(account, at, name, default=name == "Support"), at)
    for title in ("Downgrade and inform", "Customer not responding", "Ask for logs"):
        account.put("macro", rules.macro(account, at, title), at)
    for title in ("Your unsolved tickets", "Recently updated tickets"):
        account.put("view", rules.view(account, at, title), at)
    for title in ("Notify requester of received request", "Notify assignee of assignment"):
        account.put("trigger", rules.trigger(account, at, title), at)
    account.put("automation", rules.automation(account, at, "Close ticket 4 days after it is solved"), at)
    account.put("sla_policy", rules.sla_policy(account, at, "Incidents"), at)
    account.put("schedule", rules.schedule(account, at, "Office hours", "Berlin"), at)
    desk.refresh()
    for number in range(agents):
        hire(desk, at, rng, number)
    desk.refresh()


def hire(desk: Desk, at: int, rng: random.Random, number: int) -> Payload:
    """A new agent, in one group or two."""
    account = desk.account
    name, email = people.person(rng, number)
    made = people.user(account, at, rng, name, email.replace("@", f"@{account.subdomain}."), role="agent")
    homes = rng.sample(desk.groups, k=min(len(desk.groups), rng.choice((1, 1, 2))))
    made["default_group_id"] = homes[0] if homes else None
    account.put("user", made, at)
    for place, group_id in enumerate(homes):
        membership = people.group_membership(account, at, made["id"], group_id, default=place == 0)
        account.put("group_membership", membership, at)
    desk.agents.append(made)
    return made


def found(desk: Desk, at: int, rng: random.Random) -> Payload:
    """A new organization among the customers."""
    account = desk.account
    number = len(account.shelves["organization"].rows) + len(account.shelves["organization"].gone)
    made = people.organization(account, at, rng, number)
    made["organization_fields"] = _values(account, "organization_field", rng)
    return account.put("organization", made, at)


def enrol(
    desk: Desk, at: int, rng: random.Random, organization: Payload | None, known: tuple[str, str] | None = None
) -> Payload:
    """A new end user, of an organization or of none."""
    account = desk.account
    number = len(account.shelves["user"].rows) + len(account.shelves["user"].gone)
    name, email = known or people.person(rng, number)
    made = people.user(account, at, rng, name, email, user_fields=_values(account, "user_field", rng))
    if organization is not None:
        made["organization_id"] = organization["id"]
        membership = people.organization_membership(account, at, made["id"], organization)
        account.put("organization_membership", membership, at)
    return account.put("user", made, at)


def log(desk: Desk, at: int, action: str, source: Payload, kind: str) -> None:
    """The audit log tells who changed a setting."""
    account = desk.account
    owner = account.get("user", account.owner_id)
    account.put("audit_log", rules.audit_log(account, at, owner, action, source, kind), at)


def notify(desk: Desk, at: int, verb: str, actor: Payload, ticket: Payload) -> None:
    """The activity stream of the account's owner; what is older than 30 days leaves it."""
    account = desk.account
    owner = account.get("user", account.owner_id)
    account.put("activity", rules.activity(account, at, owner, actor, verb, ticket), at)
    shelf = account.shelves["activity"]
    for row in list(shelf.rows.values()):
        if row.created < at - ACTIVITIES_KEPT:
            shelf.drop(row.id)


def rewrite(desk: Desk, kind: str, payload: Payload, at: int, **changes: Any) -> Payload:
    """A setting or a person changes: `updated_at` follows."""
    payload |= changes
    payload["updated_at"] = iso(at)
    return desk.account.put(kind, payload, at)


def _values(account: Account, kind: str, rng: random.Random) -> Payload:
    made: Payload = {}
    for field_id in account.ids(kind):
        field = account.get(kind, field_id)
        made[field["key"]] = fields.value(field["type"], rng.randrange(10_000), ())
    return made
