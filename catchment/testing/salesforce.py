"""Salesforce's tables, typed apart from the connector, and what an organisation's records must become.

The columns are the organisation's own, so the rules follow from its records: every field of every record is a column
named by the rule. What the vendor no longer shows (a record deleted for good) must be marked; its values may be older
than its last moment, and a record that came and went between two syncs may have none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path as File
from typing import Any
from urllib.parse import urlsplit

from catchment.testing import damage, reading
from catchment.testing.damage import Damage
from catchment.testing.expected import Thing, expect
from catchment.testing.processes import Imitation
from catchment.testing.rules import Rules, Table, snake
from catchment.testing.truth import compare

# Table -> object type, where the name does not follow from it by the rule of naming.
_NAMED = """
    accounts=Account account_contact_roles=AccountContactRole account_tags=AccountTag campaigns=Campaign
    campaign_members=CampaignMember campaign_shares=CampaignShare campaign_tags=CampaignTag cases=Case
    case_comments=CaseComment case_contact_role=CaseContactRole case_solution=CaseSolution case_tags=CaseTag
    contacts=Contact contact_tags=ContactTag contracts=Contract contract_tags=ContractTag dashboards=Dashboard
    dashboard_tags=DashboardTag documents=Document document_tags=DocumentTag events=Event event_tags=EventTag
    _group=Group leads=Lead lead_tags=LeadTag names=Name notes=Note note_tags=NoteTag opportunities=Opportunity
    opportunity_competitor=OpportunityCompetitor opportunity_contact_role=OpportunityContactRole
    opportunity_field_history=OpportunityFieldHistory opportunity_product=OpportunityLineItem
    opportunity_line_item_schedules=OpportunityLineItemSchedule opportunity_stage=OpportunityStage
    opportunity_tag=OpportunityTag period=Period price_books=Pricebook2 price_book_entries=PricebookEntry
    products=Product2 profile=Profile solutions=Solution solution_tags=SolutionTag tasks=Task task_tags=TaskTag
    users=User user_login=UserLogin role=UserRole
"""
TABLES: Mapping[str, str] = {name: of for name, _, of in (pair.partition("=") for pair in _NAMED.split())}
UNREADABLE = frozenset({("Document", "Body"), ("Attachment", "Body")})  # files: no column holds them
UNLISTED = frozenset({"Name"})  # objects that no query shows
LOG_LAG_S = 120  # seconds until the log of deletions, which goes by whole minutes, shows one
PATIENCE_S = 120.0
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


@dataclass(frozen=True, slots=True)
class Known:
    """One record: as a thing to expect, and whether no query shows it any more."""

    thing: Thing
    gone: bool


def records(lines: Iterable[str | bytes]) -> list[Known]:
    """Records from JSON lines ``{"object_type", "object", "deleted_at", "gone"}``: numbers exact, times in seconds."""
    found = []
    for line in lines:
        if line.strip():
            read = json.loads(line, parse_float=Decimal)
            given = {name: _plain(value) for name, value in read["object"].items()}
            kept = {name: v for name, v in given.items() if (read["object_type"], name) not in UNREADABLE}
            thing = Thing(read["object_type"], {"id": kept.pop("Id"), **kept}, read["deleted_at"])
            found.append(Known(thing, read["gone"]))
    return found


def rules(known: Iterable[Known]) -> Rules:
    """The tables of these records: those that are documented, and one for each other object."""
    by_object = {object_type: name for name, object_type in TABLES.items()}
    times: dict[str, set[str]] = {object_type: set() for object_type in by_object}
    for one in known:
        instants = {name for name, value in one.thing.object.items() if isinstance(value, _Seconds)}
        times.setdefault(one.thing.object_type, set()).update(instants)
    tables = [
        Table(by_object.get(kind, snake(kind)), kind, times=frozenset(names), default=kind in by_object)
        for kind, names in times.items()
        if kind not in UNLISTED
    ]
    return Rules(tuple(tables))


def verify(
    database: str | File,
    schema: str,
    known: Collection[Known],
    *,
    tables: Collection[str] | None = None,
    now: float | None = None,
    **scope: Any,
) -> list[Damage]:
    """Compares one source's schema with an organisation's records, cell by cell.

    ``now``: the vendor's clock; deletions of the last two minutes need not be marked. Tables that are not there are
    not judged unless they are documented or ``tables`` names them.
    """
    found_rules = rules(known)
    shown = [one.thing for one in known if not one.gone]
    gone = {(found_rules.by_object[k.thing.object_type].name, str(k.thing.object["id"])): k for k in known
            if k.gone and k.thing.object_type in found_rules.by_object}  # fmt: skip
    with reading.opened(database) as reader:
        found = compare(reader, schema, expect(shown, found_rules), tables=tables, **scope)
        marks = {name: _marks(reader, schema, name) for name in {name for name, _ in gone}}
    damages = [one for one in found if one.kind != damage.GHOST or (one.table, one.key) not in gone]
    for (name, key), one in gone.items():
        recent = now is not None and (one.thing.deleted_at or 0) > now - LOG_LAG_S
        if marks[name].get(key) is False and not recent and (tables is None or name in tables):
            damages.append(Damage(damage.NOT_MARKED, name, key, "_deleted_at"))
    return damages


def _marks(reader: reading.Reader, schema: str, name: str) -> dict[str, bool]:
    types = reading.tables(reader, schema).get(name)
    if types is None:
        return {}
    found = reading.read(reader, schema, name, types)
    key, gone = found.place("id"), found.place("_deleted_at")
    return {str(row[key]): row[gone] is not None for row in found.rows}


class _Seconds(int):
    """An instant in Unix seconds, told apart from any other number."""


def _plain(value: Any) -> Any:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return _Seconds(datetime.fromisoformat(value).timestamp())
    return None if value == "" else value  # the vendor keeps no empty text


def judge(imitation: Imitation, database: str | File, schema: str, **scope: Any) -> list[Damage]:
    """What differs from the organisation that an imitation serves."""
    control = HTTPConnection(urlsplit(imitation.info["control"]).netloc, timeout=PATIENCE_S)
    try:
        control.request("GET", "/truth")
        known = records(control.getresponse())
    finally:
        control.close()
    now = float(imitation.order("/clock", offset=0)["now"])
    return verify(database, schema, known, now=now, **scope)
