"""`generate`: an organisation of linked, lifelike records, the same for the same seed."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from catchment.imitations.salesforce import samples
from catchment.imitations.salesforce.fields import Field, text
from catchment.imitations.salesforce.ids import record_id
from catchment.imitations.salesforce.kinds import Kind
from catchment.imitations.salesforce.organisation import Organisation

HISTORY = 63_072_000
QUIET = 900


def generate(
    seed: int = 0,
    objects: int = 2_000,
    *,
    now: float | None = None,
    wide: int = 0,
    people: Sequence[tuple[str, str]] = (),
    without: Iterable[str] = (),
) -> Organisation:
    """An organisation of about `objects` records.

    `wide`: custom text fields that Account gets in addition, so that its query fits no URL. `people`: (name, e-mail)
    of the first contacts, which makes them the people of other sources. `without`: objects that it lacks.
    """
    org = Organisation(seed, now=now)
    for name in without:
        del org.kinds[name], org.tables[name]
    for place in range(wide):
        org.kinds["Account"] = org.kinds["Account"].having(text(f"Additional_Information_Number_{place:04d}__c", 80))
    fill(org, random.Random(seed), objects, people)
    return org


def fill(org: Organisation, rng: random.Random, objects: int, people: Sequence[tuple[str, str]] = ()) -> None:
    """Create the first records of an organisation."""
    total = sum(kind.share for kind in org.kinds.values() if kind.few is None)
    last = org.clock.second() - QUIET
    imports = [last - rng.randrange(HISTORY) for _ in range(3)]
    org.admin = record_id(org.kinds["User"].prefix, 1)
    for kind in sorted(org.kinds.values(), key=lambda kind: kind.name not in _FIRST):
        many = max(2, round(objects * kind.share / total)) if kind.few is None or kind.share != 1.0 else kind.few
        for place in range(min(many, kind.few) if kind.few is not None else many):
            created = rng.choice(imports) if rng.random() < 0.3 else last - rng.randrange(HISTORY)
            values = record(org, rng, kind, created)
            if kind.name == "Contact" and place < len(people):
                values |= named(*people[place])
            if kind.name == "Organization":
                values["Id"] = org.id
            org.insert(kind.name, {**values, **history(org, rng, kind, created, last)})
    for name in [name for name, kind in org.kinds.items() if kind.has("IsDeleted")]:
        for row_id in rng.sample(list(org.tables[name].ids()), len(org.tables[name]) // 25):
            if row_id in org.live(name):
                org.delete(name, row_id, at=last - rng.randrange(10 * 86_400), deep=False)


def record(org: Organisation, rng: random.Random, kind: Kind, now: int) -> dict[str, Any]:
    """Values for a new record, linked to records that are there."""
    values: dict[str, Any] = {}
    for field in kind.fields:
        if field.name in _AUDITED or field.parts_only or field.calculated:
            continue
        values[field.name] = linked(org, rng, field) if field.to else samples.value(field, rng, now)
    if kind.has("FirstName"):
        values["Name"] = " ".join(part for part in (values["FirstName"], values["LastName"]) if part)
        if values.get("Email"):
            values["Email"] = f"user.{rng.randrange(10**9)}@example.com"
    if kind.archives:
        values["IsArchived"] = rng.random() < 0.05
    for name in ("CaseNumber", "ContractNumber", "SolutionNumber"):
        if name in values:
            values[name] = f"{len(org.tables[kind.name]) + 1_000:08d}"
    if "Username" in values:
        values["Username"] = f"user{len(org.tables[kind.name])}@{org.id[:15].lower()}.example"
    if "MasterRecordId" in values:
        values["MasterRecordId"] = None
    if kind.name == "Account":
        values["Name"] = f"{rng.choice(samples.FIRMS)} {samples.words(rng, 2)}"
    return values


def named(name: str, email: str) -> dict[str, Any]:
    """The name fields of a person."""
    first, _, family = name.rpartition(" ")
    return {"FirstName": first or None, "LastName": family, "Name": name, "Email": email}


def linked(org: Organisation, rng: random.Random, field: Field) -> str | None:
    """The id of a record that a reference may point at."""
    known = [name for name in field.to if org.tables.get(name)]
    if not known or (field.nillable and rng.random() < 0.3):
        return None if field.nillable else org.admin
    return rng.choice(org.tables[rng.choice(known)].sample())


def history(org: Organisation, rng: random.Random, kind: Kind, created: int, last: int) -> dict[str, Any]:
    """Who made a record and when it was changed since; the system's stamp may be later than the last change."""
    changed = created if rng.random() < 0.4 else min(last, created + rng.randrange(20_000_000))
    stamped = changed if rng.random() < 0.8 else min(last, changed + rng.randrange(400_000))
    found = {
        "CreatedDate": created,
        "CreatedById": org.admin,
        "LastModifiedDate": changed,
        "LastModifiedById": org.admin,
        "SystemModstamp": stamped,
    }
    return {name: value for name, value in found.items() if kind.has(name)}


_FIRST = ("UserRole", "Profile", "User")
_AUDITED = frozenset(
    ("Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
)
