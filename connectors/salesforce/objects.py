"""The objects that are synced unless left out, and the names of their tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from connectors.salesforce.columns import UNREADABLE, columns
from connectors.salesforce.describe import STAMPS
from framework.collection import Collection, Column
from framework.naming import identifier

# Table -> object, and what one row is. Tables are named as analysts of earlier loaders know them, not by one rule.
TABLES: dict[str, tuple[str, str]] = {
    "accounts": ("Account", "A company or person that the business deals with."),
    "account_contact_roles": ("AccountContactRole", "The part that a contact plays for an account."),
    "account_tags": ("AccountTag", "A tag on an account."),
    "campaigns": ("Campaign", "A marketing effort: a mailing, an event, an advertisement."),
    "campaign_members": ("CampaignMember", "A lead or contact in a campaign, and how it responded."),
    "campaign_shares": ("CampaignShare", "Who may see or change a campaign, and why."),
    "campaign_tags": ("CampaignTag", "A tag on a campaign."),
    "cases": ("Case", "A customer's issue."),
    "case_comments": ("CaseComment", "A comment on a case."),
    "case_contact_role": ("CaseContactRole", "The part that a contact plays in a case."),
    "case_solution": ("CaseSolution", "A solution attached to a case."),
    "case_tags": ("CaseTag", "A tag on a case."),
    "contacts": ("Contact", "A person at an account."),
    "contact_tags": ("ContactTag", "A tag on a contact."),
    "contracts": ("Contract", "An agreement with an account."),
    "contract_tags": ("ContractTag", "A tag on a contract."),
    "dashboards": ("Dashboard", "A page of charts over reports."),
    "dashboard_tags": ("DashboardTag", "A tag on a dashboard."),
    "documents": ("Document", "A file kept in a folder; without its content."),
    "document_tags": ("DocumentTag", "A tag on a document."),
    "events": ("Event", "An appointment in a calendar."),
    "event_tags": ("EventTag", "A tag on an appointment."),
    "_group": ("Group", "A set of users, roles and other groups; queues as well."),
    "leads": ("Lead", "A person or company that may become a customer."),
    "lead_tags": ("LeadTag", "A tag on a lead."),
    "names": ("Name", "Names of records of many kinds; the API gives no list of it."),
    "notes": ("Note", "A note on a record."),
    "note_tags": ("NoteTag", "A tag on a note."),
    "opportunities": ("Opportunity", "A sale in the making, won or lost."),
    "opportunity_competitor": ("OpportunityCompetitor", "A competitor for an opportunity."),
    "opportunity_contact_role": ("OpportunityContactRole", "The part that a contact plays for an opportunity."),
    "opportunity_field_history": ("OpportunityFieldHistory", "A change of one field of an opportunity."),
    "opportunity_product": ("OpportunityLineItem", "A product of an opportunity, with quantity and price."),
    "opportunity_line_item_schedules": ("OpportunityLineItemSchedule", "When a line's revenue or quantity is due."),
    "opportunity_stage": ("OpportunityStage", "A stage of the sales process."),
    "opportunity_tag": ("OpportunityTag", "A tag on an opportunity."),
    "period": ("Period", "A fiscal year, quarter, month or week."),
    "price_books": ("Pricebook2", "A list of prices."),
    "price_book_entries": ("PricebookEntry", "The price of a product in a price book."),
    "products": ("Product2", "What is sold."),
    "profile": ("Profile", "A set of permissions and settings that a user has."),
    "solutions": ("Solution", "A described way to solve an issue."),
    "solution_tags": ("SolutionTag", "A tag on a solution."),
    "tasks": ("Task", "Something to do, or a call or mail that was made."),
    "task_tags": ("TaskTag", "A tag on a task."),
    "users": ("User", "Somebody who can log in."),
    "user_login": ("UserLogin", "Whether a user is frozen or locked out."),
    "role": ("UserRole", "A place in the hierarchy of roles."),
}

# Every organisation with the API has these: one that is not shown is one that the user may not see.
CORE = frozenset(
    {"Account", "Contact", "Event", "Group", "Lead", "Opportunity", "Period", "Pricebook2", "PricebookEntry",
     "Product2", "Profile", "Task", "User", "UserRole"}
)  # fmt: skip

UNLISTED = frozenset({"Name"})  # of those above: its rows are shown as part of others only

_BIN = "in the recycle bin (`IsDeleted`); for good: "
_GONE = "the log of deletions, a comparison of ids where that does not reach"
_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


_TABLE_OF = {type_: table for table, (type_, _) in TABLES.items()}


def _columns(type_: str) -> tuple[Column, ...]:
    """The columns known beforehand, their references leading to tables."""
    return tuple(replace(column, references=_TABLE_OF.get(column.references, "")) for column in columns(type_))


def _collection(name: str, type_: str, description: str = "") -> Collection:
    return Collection(
        name,
        object=type_,
        columns=_columns(type_),
        drop=("attributes",),
        missing=UNREADABLE.get(type_, {}),
        description=description,
        current_by=_kept(stamp(_columns(type_)), unlisted=type_ in UNLISTED),
        deletions=_deletions(type_),
    )


def stamp(columns: Sequence[Column]) -> str:
    """The field that tells of changes, as far as it is the same everywhere; "" when there is none."""
    return next((name for name in STAMPS if name in _paths(columns)), "")


def _paths(columns: Sequence[Column]) -> set[str]:
    return {str(column.path[0]) for column in columns}


def _deletions(type_: str) -> str:
    if type_ in UNLISTED:
        return "none: it is never read"
    return f"{_BIN if 'IsDeleted' in _paths(_columns(type_)) else ''}{_GONE}"


def _kept(stamp: str, *, unlisted: bool) -> str:
    if unlisted:
        return "nothing: the API gives no list of it"
    return f"queries by `{stamp}`, with an overlap" if stamp else "its list, read whole"


COLLECTIONS = tuple(_collection(name, type_, description) for name, (type_, description) in TABLES.items())
_BY_TYPE = {collection.object.lower(): collection for collection in COLLECTIONS}


def named(name: str) -> Collection | None:
    """The collection of any other object, by its API name (`Invoice__c`); None for what can be no such name."""
    if not _API_NAME.fullmatch(name):
        return None
    known = _BY_TYPE.get(name.lower())
    return known or _collection(identifier(name), name)
