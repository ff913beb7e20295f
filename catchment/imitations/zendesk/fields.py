"""Fields of tickets, users and organizations, ticket forms and custom statuses: how they look when they are new."""

from collections.abc import Sequence
from typing import Any

from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.shelf import Payload
from catchment.imitations.zendesk.stamps import iso

# Every account has these; they cannot be removed.
SYSTEM_FIELDS = (
    ("subject", "Subject"),
    ("description", "Description"),
    ("status", "Status"),
    ("tickettype", "Type"),
    ("priority", "Priority"),
    ("group", "Group"),
    ("assignee", "Assignee"),
)
CUSTOM_FIELDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("tagger", "Product area", ("Billing", "Shipping", "Login", "Mobile app")),
    ("multiselect", "Affected regions", ("EMEA", "Americas", "APAC")),
    ("text", "Order number", ()),
    ("integer", "Seats", ()),
    ("decimal", "Refund amount", ()),
    ("checkbox", "Escalated", ()),
    ("date", "Promised until", ()),
    ("regexp", "Serial number", ()),
)
PEOPLE_FIELDS = (("text", "CRM id"), ("checkbox", "VIP"), ("decimal", "Lifetime value"), ("date", "Customer since"))
STATUSES = (
    ("new", "New", "Open"),
    ("open", "Open", "Open"),
    ("pending", "Pending", "Awaiting your reply"),
    ("hold", "On-hold", "Open"),
    ("solved", "Solved", "Solved"),
)


def slug(title: str) -> str:
    """The key or option value that the vendor makes of a title."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in title.lower()).split())


def option(account: Account, name: str, field: str) -> Payload:
    return {
        "id": account.new_id(),
        "name": name,
        "raw_name": name,
        "value": f"{slug(field)}_{slug(name)}",
        "default": False,
    }


def ticket_field(
    account: Account, at: int, kind: str, title: str, options: Sequence[str] = (), *, system: bool = False
) -> Payload:
    field_id = account.new_id()
    made: Payload = {
        "url": account.url(f"ticket_fields/{field_id}"),
        "id": field_id,
        "type": kind,
        "title": title,
        "raw_title": title,
        "description": title,
        "raw_description": title,
        "position": len(account.ids("ticket_field")) + 1,
        "active": True,
        "required": kind == "subject",
        "collapsed_for_agents": False,
        "regexp_for_validation": "[A-Z]{2}\\d+" if kind == "regexp" else None,
        "title_in_portal": title,
        "raw_title_in_portal": title,
        "visible_in_portal": system,
        "editable_in_portal": system,
        "required_in_portal": system,
        "tag": "escalated" if kind == "checkbox" else None,
        "created_at": iso(at),
        "updated_at": iso(at),
        "removable": not system,
        "key": None,
        "agent_description": None,
    }
    if kind in ("tagger", "multiselect"):
        made["custom_field_options"] = [option(account, name, title) for name in options]
    return made


def people_field(account: Account, at: int, path: str, kind: str, title: str) -> Payload:
    """A field of users or organizations (`path`: user_fields, organization_fields)."""
    field_id = account.new_id()
    return {
        "url": account.url(f"{path}/{field_id}"),
        "id": field_id,
        "type": kind,
        "key": slug(title),
        "title": title,
        "description": "",
        "raw_title": title,
        "raw_description": "",
        "position": len(account.ids(path.removesuffix("s"))),
        "active": True,
        "system": False,
        "regexp_for_validation": None,
        "created_at": iso(at),
        "updated_at": iso(at),
        **({"tag": slug(title)} if kind == "checkbox" else {}),
    }


def ticket_form(account: Account, at: int, name: str, *, default: bool = False) -> Payload:
    form_id = account.new_id()
    return {
        "url": account.url(f"ticket_forms/{form_id}"),
        "id": form_id,
        "name": name,
        "raw_name": name,
        "display_name": name,
        "raw_display_name": name,
        "end_user_visible": True,
        "position": len(account.ids("ticket_form")) + 1,
        "ticket_field_ids": account.ids("ticket_field"),
        "active": True,
        "default": default,
        "in_all_brands": True,
        "restricted_brand_ids": [],
        "end_user_conditions": [],
        "agent_conditions": [],
        "created_at": iso(at),
        "updated_at": iso(at),
    }


def custom_status(account: Account, at: int, category: str, label: str, shown: str, *, default: bool = True) -> Payload:
    status_id = account.new_id()
    return {
        "url": account.url(f"custom_statuses/{status_id}"),
        "id": status_id,
        "status_category": category,
        "agent_label": label,
        "raw_agent_label": label,
        "end_user_label": shown,
        "raw_end_user_label": shown,
        "description": f"Tickets that are {label.lower()}",
        "raw_description": f"Tickets that are {label.lower()}",
        "end_user_description": "",
        "raw_end_user_description": "",
        "active": True,
        "default": default,
        "created_at": iso(at),
        "updated_at": iso(at),
    }


def value(kind: str, number: int, options: Sequence[Payload]) -> Any:
    """A value that a field of this kind may hold, null now and then."""
    if number % 5 == 0 and kind != "checkbox":
        return None
    if kind == "tagger":
        return options[number % len(options)]["value"]
    if kind == "multiselect":
        return [one["value"] for one in options[: number % len(options) + 1]]
    if kind == "checkbox":
        return number % 3 == 0
    texts = {
        "integer": str(number),
        "decimal": f"{number}.{number % 100:02d}",
        "date": f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        "regexp": f"SN{number}",
    }
    return texts.get(kind, f"№ {number}")
