"""What happens to records: made, changed, deleted in every way, seen late, merged."""

import random
from collections.abc import Callable
from typing import Any

from catchment.imitations.salesforce import generator, samples
from catchment.imitations.salesforce.organisation import Organisation

Deed = Callable[[Organisation, random.Random], bool]
BUSY = (
    *("Account", "Contact", "Lead", "Opportunity", "OpportunityLineItem", "Case", "CaseComment", "Task", "Event"),
    *("Campaign", "CampaignMember", "Contract", "Note", "Product2", "Invoice__c", "Invoice_Line__c", "Solution"),
)
STILL = frozenset(("Id", "IsDeleted", "IsArchived", "MasterRecordId", "Username"))


def make(org: Organisation, rng: random.Random) -> bool:
    """A few new records with one stamp."""
    kind = one_of(org, rng)
    for _ in range(rng.randint(1, 3)):
        org.insert(kind, fresh(org, rng, kind))
    return True


def make_late(org: Organisation, rng: random.Random) -> bool:
    """A record whose transaction takes long: stamped now, seen later."""
    kind = one_of(org, rng)
    org.insert(kind, fresh(org, rng, kind), late=rng.uniform(20, 200))
    return True


def change(org: Organisation, rng: random.Random) -> bool:
    """A record changes."""
    kind, row_id = any_record(org, rng)
    if row_id:
        org.update(kind, row_id, changes(org, rng, kind))
    return bool(row_id)


def change_late(org: Organisation, rng: random.Random) -> bool:
    """A change that is stamped now and seen later."""
    kind, row_id = any_record(org, rng)
    if row_id:
        org.update(kind, row_id, changes(org, rng, kind), late=rng.uniform(20, 200))
    return bool(row_id)


def stamp(org: Organisation, rng: random.Random) -> bool:
    """The system touches a record: SystemModstamp moves, LastModifiedDate does not."""
    kind, row_id = any_record(org, rng)
    if row_id:
        org.rewrite(kind, row_id, {"SystemModstamp": org.clock.second()})
    return bool(row_id)


def change_many(org: Organisation, rng: random.Random) -> bool:
    """A mass update: up to 5,000 records with one stamp."""
    kind = rng.choice(("Contact", "Opportunity", "Task", "Invoice__c"))
    now = org.clock.second()
    for row_id in org.live(kind)[:5_000]:
        org.update(kind, row_id, {"OwnerId": org.admin}, at=now)
    return True


def throw_away(org: Organisation, rng: random.Random) -> bool:
    """A record goes to the recycle bin, its children with it."""
    kind, row_id = any_record(org, rng)
    if row_id:
        org.delete(kind, row_id)
    return bool(row_id)


def throw_away_late(org: Organisation, rng: random.Random) -> bool:
    """A deletion that is stamped now and seen later."""
    kind, row_id = any_record(org, rng, ("Task", "Note", "CaseComment", "Invoice_Line__c"))
    if row_id:
        org.delete(kind, row_id, late=rng.uniform(20, 200))
    return bool(row_id)


def destroy(org: Organisation, rng: random.Random) -> bool:
    """A record is deleted and the recycle bin emptied at once."""
    kind, row_id = any_record(org, rng, ("Task", "Contact", "Note", "Invoice_Line__c", "Lead", "CaseComment"))
    if row_id:
        org.delete(kind, row_id)
        org.purge(kind, row_id)
    return bool(row_id)


def empty_bin(org: Organisation, rng: random.Random) -> bool:
    """Some of what lies in the recycle bin goes for good."""
    lying = [key for key in org.bin if not org.busy[key]]
    for key in rng.sample(lying, min(3, len(lying))):
        org.purge(*key)
    return bool(lying)


def delete_setup(org: Organisation, rng: random.Random) -> bool:
    """A public group is deleted: there is no recycle bin for it."""
    if len(groups := org.live("Group")) < 3:
        return False
    org.delete("Group", rng.choice(groups))
    return True


def bring_back(org: Organisation, rng: random.Random) -> bool:
    """A record comes back from the recycle bin."""
    lying = [key for key in org.bin if not org.busy[key] and not (org.row(*key) or {}).get("MasterRecordId")]
    if lying:
        org.undelete(*rng.choice(lying))
    return bool(lying)


def merge(org: Organisation, rng: random.Random) -> bool:
    """Two records become one."""
    kind = rng.choice([name for name, kind in org.kinds.items() if kind.mergeable])
    if len(rows := org.live(kind)) < 2:
        return False
    org.merge(kind, *rng.sample(rows, 2))
    return True


def stage(org: Organisation, rng: random.Random) -> bool:
    """A deal moves on, which its field history keeps."""
    rows = org.live("Opportunity")
    if not rows:
        return False
    row_id = rng.choice(rows)
    before = (org.row("Opportunity", row_id) or {}).get("StageName")
    after = rng.choice(org.kinds["Opportunity"].by_name["stagename"].choices)
    org.update("Opportunity", row_id, {"StageName": after, "IsClosed": after.startswith("Closed")})
    if "OpportunityFieldHistory" in org.kinds:
        history = {"OpportunityId": row_id, "Field": "StageName", "DataType": "DynamicEnum"}
        org.insert("OpportunityFieldHistory", {**history, "OldValue": before, "NewValue": after})
    return True


def freeze(org: Organisation, rng: random.Random) -> bool:
    """A user is frozen, or thawed: no deletion."""
    rows = org.live("UserLogin") if "UserLogin" in org.kinds else []
    if not rows:
        return False
    row_id = rng.choice(rows)
    org.update("UserLogin", row_id, {"IsFrozen": not (org.row("UserLogin", row_id) or {}).get("IsFrozen")})
    return True


def archive(org: Organisation, rng: random.Random) -> bool:
    """An old task is archived: only queryAll shows it."""
    rows = org.live("Task")
    if rows:
        org.update("Task", rng.choice(rows), {"IsArchived": True})
    return bool(rows)


def one_of(org: Organisation, rng: random.Random) -> str:
    return rng.choice([kind for kind in BUSY if kind in org.kinds])


def any_record(org: Organisation, rng: random.Random, kinds: tuple[str, ...] = ()) -> tuple[str, str]:
    """A record that is not deleted and that no open transaction holds; an empty id when there is none."""
    kind = rng.choice([one for one in kinds if one in org.kinds]) if kinds else one_of(org, rng)
    rows = org.live(kind)
    return (kind, rng.choice(rows)) if rows else (kind, "")


def fresh(org: Organisation, rng: random.Random, kind: str) -> dict[str, Any]:
    return generator.record(org, rng, org.kinds[kind], org.clock.second())


def changes(org: Organisation, rng: random.Random, kind: str) -> dict[str, Any]:
    """New values for a few fields."""
    able = [
        field
        for field in org.kinds[kind].fields
        if not (field.to or field.calculated or field.parts_only or field.name in STILL or field.type == "datetime")
    ]
    chosen = rng.sample(able, min(len(able), rng.randint(1, 4)))
    return {field.name: samples.value(field, rng, org.clock.second()) for field in chosen}


DEEDS: tuple[Deed, ...] = (
    *(make, make_late, change, change_late, stamp, change_many, throw_away, throw_away_late, destroy),
    *(empty_bin, delete_setup, bring_back, merge, stage, freeze, archive),
)
