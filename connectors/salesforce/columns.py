"""The columns that standard objects have everywhere, for the catalogue; an account's own come from its describe."""

from __future__ import annotations

import re

from framework.collection import Column, Type
from framework.naming import identifier

# Field[:type][>object type]; a time is told by its name. Every object: what the platform keeps of each row.
_SYSTEM = (
    "IsDeleted:bool CreatedDate:timestamptz CreatedById>User LastModifiedDate:timestamptz LastModifiedById>User "
    "SystemModstamp:timestamptz"
)
_ADDRESS = "{0}Street {0}City {0}State {0}PostalCode {0}Country {0}Latitude:decimal {0}Longitude:decimal"
_PERSON = "LastName FirstName Salutation Name Title Phone MobilePhone Email OwnerId>User"
UNREADABLE = {"Document": {"body": "a file's content: the API gives it one file at a time"}}
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ACTIVITY = "WhoId WhatId Subject Description OwnerId>User AccountId>Account"
_TAG = "ItemId TagDefinitionId Name Type"

_FIELDS: dict[str, str] = {
    "Account": "MasterRecordId>Account Name Type ParentId>Account AccountNumber Phone Website Industry "
    "AnnualRevenue:decimal NumberOfEmployees:bigint Description OwnerId>User "
    + _ADDRESS.format("Billing") + " " + _ADDRESS.format("Shipping"),
    "AccountContactRole": "AccountId>Account ContactId>Contact Role IsPrimary:bool",
    "Campaign": "Name ParentId>Campaign Type Status StartDate:date EndDate:date ExpectedRevenue:decimal "
    "BudgetedCost:decimal ActualCost:decimal IsActive:bool Description OwnerId>User",
    "CampaignMember": "CampaignId>Campaign LeadId>Lead ContactId>Contact Status HasResponded:bool "
    "FirstRespondedDate:date",
    "CampaignShare": "CampaignId>Campaign UserOrGroupId CampaignAccessLevel RowCause",
    "Case": "MasterRecordId>Case CaseNumber ContactId>Contact AccountId>Account ParentId>Case SuppliedEmail Type "
    "Status Reason Origin Subject Priority Description IsClosed:bool ClosedDate:timestamptz OwnerId",
    "CaseComment": "ParentId>Case IsPublished:bool CommentBody",
    "CaseContactRole": "CasesId>Case ContactId>Contact Role",
    "CaseSolution": "CaseId>Case SolutionId>Solution",
    "Contact": "MasterRecordId>Contact AccountId>Account ReportsToId>Contact LeadSource Department Birthdate:date "
    "HasOptedOutOfEmail:bool Description " + _PERSON + " " + _ADDRESS.format("Mailing"),
    "Contract": "AccountId>Account OwnerId>User StartDate:date EndDate:date ContractTerm:bigint Status "
    "ContractNumber Description",
    "Dashboard": "FolderId Title DeveloperName Description RunningUserId>User",
    "Document": "FolderId Name DeveloperName ContentType Type IsPublic:bool BodyLength:bigint "
    "Description AuthorId>User",
    "Event": _ACTIVITY + " Location IsAllDayEvent:bool ActivityDateTime:timestamptz ActivityDate:date "
    "DurationInMinutes:bigint StartDateTime:timestamptz EndDateTime:timestamptz IsPrivate:bool",
    "Group": "Name DeveloperName RelatedId Type OwnerId DoesSendEmailToMembers:bool",
    "Lead": "MasterRecordId>Lead Company LeadSource Status Industry Rating AnnualRevenue:decimal "
    "NumberOfEmployees:bigint IsConverted:bool ConvertedDate:date ConvertedAccountId>Account "
    "ConvertedContactId>Contact ConvertedOpportunityId>Opportunity Website Description " + _PERSON + " "
    + _ADDRESS.format(""),
    "Note": "ParentId Title IsPrivate:bool Body OwnerId>User",
    "Opportunity": "AccountId>Account IsPrivate:bool Name Description StageName Amount:decimal Probability:decimal "
    "ExpectedRevenue:decimal CloseDate:date Type NextStep LeadSource IsClosed:bool IsWon:bool ForecastCategory "
    "CampaignId>Campaign Pricebook2Id>Pricebook2 OwnerId>User FiscalQuarter:bigint FiscalYear:bigint",
    "OpportunityCompetitor": "OpportunityId>Opportunity CompetitorName Strengths Weaknesses",
    "OpportunityContactRole": "OpportunityId>Opportunity ContactId>Contact Role IsPrimary:bool",
    "OpportunityFieldHistory": "OpportunityId>Opportunity Field OldValue NewValue",
    "OpportunityLineItem": "OpportunityId>Opportunity SortOrder:bigint PricebookEntryId>PricebookEntry "
    "Product2Id>Product2 Name Quantity:decimal TotalPrice:decimal UnitPrice:decimal ListPrice:decimal "
    "ServiceDate:date Description",
    "OpportunityLineItemSchedule": "OpportunityLineItemId>OpportunityLineItem Type Revenue:decimal Quantity:decimal "
    "Description ScheduleDate:date",
    "OpportunityStage": "MasterLabel ApiName IsActive:bool SortOrder:bigint IsClosed:bool IsWon:bool "
    "ForecastCategory DefaultProbability:decimal Description",
    "Period": "Type StartDate:date EndDate:date IsForecastPeriod:bool Number:bigint",
    "Pricebook2": "Name IsActive:bool IsStandard:bool Description",
    "PricebookEntry": "Name Pricebook2Id>Pricebook2 Product2Id>Product2 UnitPrice:decimal IsActive:bool "
    "UseStandardPrice:bool ProductCode",
    "Product2": "Name ProductCode Description IsActive:bool Family",
    "Profile": "Name UserType Description",
    "Solution": "SolutionNumber SolutionName IsPublished:bool Status OwnerId>User SolutionNote TimesUsed:bigint",
    "Task": _ACTIVITY + " ActivityDate:date Status Priority IsClosed:bool IsHighPriority:bool "
    "CallDurationInSeconds:bigint",
    "User": "Username LastName FirstName Name CompanyName Division Department Title Email Phone Alias IsActive:bool "
    "TimeZoneSidKey UserRoleId>UserRole ProfileId>Profile UserType LanguageLocaleKey ManagerId>User "
    "LastLoginDate:timestamptz " + _ADDRESS.format(""),
    "UserLogin": "UserId>User IsFrozen:bool IsPasswordLocked:bool",
    "UserRole": "Name ParentRoleId>UserRole RollupDescription DeveloperName",
    **{f"{of}Tag": _TAG for of in ("Account", "Campaign", "Case", "Contact", "Contract", "Dashboard", "Document",
                                   "Event", "Lead", "Note", "Opportunity", "Solution", "Task")},
}  # fmt: skip

# What the platform does not keep of these objects' rows.
_CHANGE = "LastModifiedDate LastModifiedById"
_WITHOUT: dict[str, str] = {
    **dict.fromkeys((*(t for t in _FIELDS if t.endswith("Tag")), "CaseSolution"), _CHANGE),
    **dict.fromkeys(("Group", "OpportunityStage", "Profile", "User"), "IsDeleted"),
    "CampaignShare": "CreatedDate CreatedById SystemModstamp",
    "Name": f"IsDeleted CreatedDate CreatedById {_CHANGE} SystemModstamp",
    "OpportunityFieldHistory": f"{_CHANGE} SystemModstamp",
    "Period": f"IsDeleted CreatedDate CreatedById {_CHANGE}",
    "UserLogin": "IsDeleted CreatedDate CreatedById SystemModstamp",
    "UserRole": "IsDeleted CreatedDate CreatedById",
}


def _column(text: str) -> tuple[str, Type, str]:
    name, _, target = text.partition(">")
    name, _, type_ = name.partition(":")
    return name, type_ or "text", target  # type: ignore[return-value]


def label(name: str) -> str:
    """A field's name as people read it: `AnnualRevenue` is the annual revenue."""
    words = _WORD.sub(" ", name.removesuffix("Id") if len(name) > len("Id") else name)
    return words[:1] + words[1:].lower()


def columns(type_: str) -> tuple[Column, ...]:
    """An object's columns as far as they are the same everywhere; references still name object types."""
    found = {"Id": Column("id", "text", "Identifies the row, 18 characters", ("Id",))}
    for text in f"{_FIELDS.get(type_, '')} {_SYSTEM}".split():
        name, kind, target = _column(text)
        if name in _WITHOUT.get(type_, "").split():
            continue
        found[name] = Column(identifier(name), kind, label(name), (name,), target)
    return tuple(found.values())
