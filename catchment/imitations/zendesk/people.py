"""Users, organizations, groups and memberships: how they look when they are new, and words to fill them with."""

import random
from typing import Any

from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.shelf import Payload
from catchment.imitations.zendesk.stamps import iso

FIRST = [
    "Ada",
    "Björn",
    "Chloé",
    "Dmitri",
    "Eleni",
    "Fatima",
    "Goro",
    "Hana",
    "Inés",
    "Jürgen",
    "Kofi",
    "Lucía",
    "Mei",
    "Noah",
    "Olu",
    "Priya",
    "Quentin",
    "Rosa",
]
LAST = [
    "Adeyemi",
    "Becker",
    "Castro",
    "Dvořák",
    "Eriksen",
    "Fischer",
    "García",
    "Hansen",
    "Ito",
    "Jensen",
    "Kowalski",
    "Lefèvre",
    "Müller",
    "Núñez",
]
COMPANIES = [
    "Acorn",
    "Birch",
    "Cedar",
    "Dogwood",
    "Elm",
    "Fir",
    "Ginkgo",
    "Hazel",
    "Ivy",
    "Juniper",
    "Larch",
    "Maple",
    "Oak",
    "Pine",
    "Rowan",
    "Spruce",
    "Willow",
]
KINDS = ("Analytics", "Bakery", "Foods", "Garage", "Labs", "Logistics", "Media", "Robotics", "Studios", "Travel")
ZONES = ("America/Los_Angeles", "Asia/Tokyo", "Europe/Berlin", "Europe/Paris", "America/Sao_Paulo")
LOCALES = ((1, "en-US"), (8, "de"), (16, "fr"), (67, "ja"), (19, "pt-BR"))


def person(rng: random.Random, number: int) -> tuple[str, str]:
    """A name and an e-mail address that nobody else has."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    plain = f"{first}.{last}".encode("ascii", "ignore").decode().lower()
    return f"{first} {last}", f"{plain}.{number}@{rng.choice(COMPANIES).lower()}.example"


def user(account: Account, at: int, rng: random.Random, name: str, email: str | None, **fields: Any) -> Payload:
    """A user as the API shows a new one; an end user unless `role` says otherwise."""
    user_id = account.new_id()
    locale_id, locale = rng.choice(LOCALES)
    zone = rng.choice(ZONES)
    end_user = fields.get("role", "end-user") == "end-user"
    return {
        "id": user_id,
        "url": account.url(f"users/{user_id}"),
        "name": name,
        "email": email,
        "created_at": iso(at),
        "updated_at": iso(at),
        "time_zone": zone,
        "iana_time_zone": zone,
        "phone": f"+1415555{rng.randint(0, 9_999):04d}" if rng.random() < 0.3 else None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": locale_id,
        "locale": locale,
        "organization_id": None,
        "role": "end-user",
        "verified": rng.random() < 0.8,
        "external_id": None,
        "tags": [],
        "alias": "",
        "active": True,
        "shared": False,
        "shared_agent": False,
        "last_login_at": None if end_user else iso(at),
        "two_factor_auth_enabled": None if end_user else False,
        "signature": None if end_user else "{{agent.name}}",
        "details": "",
        "notes": "",
        "role_type": None if end_user else 4,
        "custom_role_id": None,
        "moderator": not end_user,
        "ticket_restriction": "requested" if end_user else None,
        "only_private_comments": False,
        "restricted_agent": end_user,
        "suspended": False,
        "default_group_id": None,
        "report_csv": not end_user,
        "user_fields": {},
        **fields,
    }


def organization(account: Account, at: int, rng: random.Random, number: int, **fields: Any) -> Payload:
    """An organization with a name that no other has."""
    organization_id = account.new_id()
    word, kind = rng.choice(COMPANIES), rng.choice(KINDS)
    return {
        "url": account.url(f"organizations/{organization_id}"),
        "id": organization_id,
        "name": f"{word} {kind} {number}",
        "shared_tickets": rng.random() < 0.2,
        "shared_comments": False,
        "external_id": f"crm-{number}" if rng.random() < 0.5 else None,
        "created_at": iso(at),
        "updated_at": iso(at),
        "domain_names": [f"{word.lower()}{number}.example"],
        "details": "",
        "notes": "",
        "group_id": None,
        "tags": [rng.choice(("key_account", "trial", "partner"))] if rng.random() < 0.4 else [],
        "organization_fields": {},
        "deleted_at": None,
        **fields,
    }


def group(account: Account, at: int, name: str, *, default: bool = False) -> Payload:
    group_id = account.new_id()
    return {
        "url": account.url(f"groups/{group_id}"),
        "id": group_id,
        "is_public": True,
        "name": name,
        "description": f"Everything about {name.lower()}",
        "default": default,
        "deleted": False,
        "created_at": iso(at),
        "updated_at": iso(at),
    }


def group_membership(account: Account, at: int, user_id: int, group_id: int, *, default: bool = False) -> Payload:
    membership_id = account.new_id()
    return {
        "url": account.url(f"group_memberships/{membership_id}"),
        "id": membership_id,
        "user_id": user_id,
        "group_id": group_id,
        "default": default,
        "created_at": iso(at),
        "updated_at": iso(at),
    }


def organization_membership(account: Account, at: int, user_id: int, organization: Payload) -> Payload:
    membership_id = account.new_id()
    return {
        "url": account.url(f"organization_memberships/{membership_id}"),
        "id": membership_id,
        "user_id": user_id,
        "organization_id": organization["id"],
        "default": True,
        "created_at": iso(at),
        "organization_name": organization["name"],
        "updated_at": iso(at),
        "view_tickets": True,
    }
