"""What happens to people, organizations, fields and rules while an account lives on."""

import random

from catchment.imitations.zendesk import fields, office, people, rules
from catchment.imitations.zendesk.account import LATEST_COMMIT
from catchment.imitations.zendesk.acts import Act
from catchment.imitations.zendesk.desk import Desk
from catchment.imitations.zendesk.shelf import Payload
from catchment.imitations.zendesk.stamps import iso

_KINDS = ("tagger", "text", "integer", "checkbox", "date", "decimal")
_NEW_RULES = {"macro": rules.macro, "view": rules.view, "trigger": rules.trigger, "automation": rules.automation}


def _customer(desk: Desk, rng: random.Random) -> Payload | None:
    return desk.pick("user", rng, lambda one, row: row.deleted_at is None and one["role"] == "end-user")


def user_changed(desk: Desk, rng: random.Random, at: int) -> bool:
    found = _customer(desk, rng)
    if found is None:
        return False
    office.rewrite(desk, "user", found, at, phone=f"+49{rng.randrange(10**9)}", tags=["vip"], notes="Ruft gern an")
    return True


def user_suspended(desk: Desk, rng: random.Random, at: int) -> bool:
    found = _customer(desk, rng)
    return found is not None and bool(office.rewrite(desk, "user", found, at, suspended=not found["suspended"]))


def user_deleted(desk: Desk, rng: random.Random, at: int) -> bool:
    found = _customer(desk, rng)
    if found is None:
        return False
    found |= {"active": False, "updated_at": iso(at)}
    desk.account.put("user", found, at, deleted_at=at)
    for kind in ("organization_membership", "group_membership"):
        _leave(desk, kind, "user_id", found["id"], at)
    return True


def user_purged(desk: Desk, rng: random.Random, at: int) -> bool:
    """A deleted user is gone for good; no export tells."""
    found = desk.pick("user", rng, lambda _, row: row.deleted_at is not None)
    if found is None:
        return False
    desk.account.forget("user", found["id"], at)
    return True


def user_commits_late(desk: Desk, rng: random.Random, at: int) -> bool:
    with desk.account.late(rng.uniform(5, LATEST_COMMIT)):
        office.enrol(desk, at, rng, None)
    return True


def people_join(desk: Desk, rng: random.Random, at: int) -> bool:
    home = office.found(desk, at, rng)
    for _ in range(rng.randint(1, 3)):
        office.enrol(desk, at, rng, home)
    return True


def agent_hired(desk: Desk, rng: random.Random, at: int) -> bool:
    made = office.hire(desk, at, rng, len(desk.account.shelves["user"].rows))
    office.log(desk, at, "create", made, "user")
    return True


def agent_changes_group(desk: Desk, rng: random.Random, at: int) -> bool:
    left = desk.pick("group_membership", rng)
    if left is None or len(desk.groups) < 2:
        return False
    desk.account.forget("group_membership", left["id"], at)
    home = rng.choice(desk.groups)
    made = people.group_membership(desk.account, at, left["user_id"], home)
    desk.account.put("group_membership", made, at)
    return True


def organization_renamed(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.pick("organization", rng)
    if found is None:
        return False
    office.rewrite(desk, "organization", found, at, name=f"{found['name']} AG", details="Umbenannt")
    return True


def organization_deleted(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.pick("organization", rng)
    if found is None:
        return False
    found |= {"deleted_at": iso(at), "updated_at": iso(at)}
    desk.account.put("organization", found, at, deleted_at=at)
    _leave(desk, "organization_membership", "organization_id", found["id"], at)
    return True


def group_founded(desk: Desk, rng: random.Random, at: int) -> bool:
    made = desk.account.put("group", people.group(desk.account, at, f"Squad {rng.randrange(1_000)}"), at)
    office.log(desk, at, "create", made, "group")
    desk.refresh()
    return True


def group_deleted(desk: Desk, rng: random.Random, at: int) -> bool:
    if len(desk.groups) < 3:
        return False
    found = desk.pick("group", rng, lambda one, row: row.deleted_at is None and not one["default"])
    if found is None:
        return False
    found |= {"deleted": True, "updated_at": iso(at)}
    desk.account.put("group", found, at, deleted_at=at)
    _leave(desk, "group_membership", "group_id", found["id"], at)
    office.log(desk, at, "destroy", found, "group")
    desk.refresh()
    return True


def field_renamed(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.pick("ticket_field", rng, lambda one, _: one["removable"])
    if found is None:
        return False
    title = f"{found['title']} {rng.randrange(100)}"
    office.rewrite(desk, "ticket_field", found, at, title=title, raw_title=title)
    office.log(desk, at, "update", found, "ticket_field")
    desk.refresh()
    return True


def field_added(desk: Desk, rng: random.Random, at: int) -> bool:
    kind = rng.choice(_KINDS)
    options = ("Rot", "Grün", "Blau") if kind == "tagger" else ()
    made = fields.ticket_field(desk.account, at, kind, f"New {kind} {rng.randrange(1_000)}", options)
    desk.account.put("ticket_field", made, at)
    office.log(desk, at, "create", made, "ticket_field")
    desk.refresh()
    return True


def option_added(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.pick("ticket_field", rng, lambda one, _: one["type"] in ("tagger", "multiselect"))
    if found is None:
        return False
    new = fields.option(desk.account, f"Option {rng.randrange(1_000)}", found["title"])
    kept = [one for one in found["custom_field_options"] if rng.random() > 0.1] or found["custom_field_options"]
    office.rewrite(desk, "ticket_field", found, at, custom_field_options=[*kept, new])
    desk.refresh()
    return True


def field_removed(desk: Desk, rng: random.Random, at: int) -> bool:
    if len(desk.custom) < 6:
        return False
    found = rng.choice(desk.custom)
    desk.account.forget("ticket_field", found["id"], at)
    office.log(desk, at, "destroy", found, "ticket_field")
    desk.refresh()
    return True


def people_field_added(desk: Desk, rng: random.Random, at: int) -> bool:
    path = rng.choice(("user_fields", "organization_fields"))
    made = fields.people_field(desk.account, at, path, "text", f"Note {rng.randrange(10_000)}")
    desk.account.put(path.removesuffix("s"), made, at)
    return True


def rule_made(desk: Desk, rng: random.Random, at: int) -> bool:
    kind = rng.choice(tuple(_NEW_RULES))
    made = _NEW_RULES[kind](desk.account, at, f"Rule {rng.randrange(10_000)}")
    desk.account.put(kind, made, at)
    office.log(desk, at, "create", made, "rule")
    return True


def rule_changed(desk: Desk, rng: random.Random, at: int) -> bool:
    kind = rng.choice(tuple(_NEW_RULES))
    found = desk.pick(kind, rng)
    if found is None:
        return False
    office.rewrite(desk, kind, found, at, active=not found["active"])
    office.log(desk, at, "update", found, "rule")
    return True


def rule_deleted(desk: Desk, rng: random.Random, at: int) -> bool:
    kind = rng.choice(tuple(_NEW_RULES))
    found = desk.pick(kind, rng)
    if found is None or len(desk.account.shelves[kind].rows) < 3:
        return False
    desk.account.forget(kind, found["id"], at)
    office.log(desk, at, "destroy", found, "rule")
    return True


def settings_changed(desk: Desk, rng: random.Random, at: int) -> bool:
    """A brand, an SLA policy, a schedule, a form and a status get other names."""
    for kind, name in (
        ("brand", "name"),
        ("sla_policy", "title"),
        ("schedule", "name"),
        ("ticket_form", "name"),
        ("custom_status", "agent_label"),
    ):
        found = desk.pick(kind, rng)
        if found is not None:
            office.rewrite(desk, kind, found, at, **{name: f"{found[name].partition(' #')[0]} #{rng.randrange(100)}"})
    return True


def _leave(desk: Desk, kind: str, name: str, value: int, at: int) -> None:
    mark = f'"{name}":{value},'.encode()
    for row in list(desk.account.shelves[kind].rows.values()):
        if mark in row.body:
            desk.account.forget(kind, row.id, at)


CHANGES: tuple[Act, ...] = (
    user_changed,
    user_suspended,
    user_deleted,
    user_purged,
    user_commits_late,
    people_join,
    agent_hired,
    agent_changes_group,
    organization_renamed,
    organization_deleted,
    group_founded,
    group_deleted,
    field_renamed,
    field_added,
    option_added,
    field_removed,
    people_field_added,
    rule_made,
    rule_changed,
    rule_deleted,
    settings_changed,
)
