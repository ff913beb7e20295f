"""How the imitated organisation lives: stamps, late commits, every way of deleting, merges, new fields."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.imitations.salesforce import Organisation, generate, live
from catchment.imitations.salesforce.fields import text
from catchment.imitations.salesforce.life import DEED_NAMES
from catchment.imitations.salesforce.render import moment
from catchment.imitations.salesforce.table import Values
from tests.imitation_salesforce import DAY, HOUR, MINUTE, NOW, Client, serve

SEGMENT = [
    "Account",
    "AccountContactRole",
    "AccountTag",
    "Campaign",
    "CampaignMember",
    "CampaignShare",
    "CampaignTag",
    "Case",
    "CaseComment",
    "CaseContactRole",
    "CaseSolution",
    "CaseTag",
    "Contact",
    "ContactTag",
    "Contract",
    "ContractTag",
    "Dashboard",
    "DashboardTag",
    "Document",
    "DocumentTag",
    "Event",
    "EventTag",
    "Group",
    "Lead",
    "LeadTag",
    "Name",
    "Note",
    "NoteTag",
    "Opportunity",
    "OpportunityCompetitor",
    "OpportunityContactRole",
    "OpportunityFieldHistory",
    "OpportunityLineItem",
    "OpportunityLineItemSchedule",
    "OpportunityStage",
    "OpportunityTag",
    "Period",
    "Pricebook2",
    "PricebookEntry",
    "Product2",
    "Profile",
    "Solution",
    "SolutionTag",
    "Task",
    "TaskTag",
    "User",
    "UserLogin",
    "UserRole",
]


@pytest.fixture
def org() -> Organisation:
    return generate(3, objects=400)


@pytest.fixture
def client(org: Organisation) -> Iterator[Client]:
    yield from serve(org)


def row(org: Organisation, kind: str, row_id: str) -> Values:
    found = org.row(kind, row_id)
    assert found is not None
    return found


def shows(client: Client, kind: str, row_id: str, *, deleted: bool = False) -> list[dict[str, Any]]:
    return client.query(f"SELECT Id, SystemModstamp FROM {kind} WHERE Id = '{row_id}'", deleted=deleted)


def window(org: Organisation, back: int = DAY, ahead: int = 0) -> dict[str, str]:
    return {"start": moment(org.clock.second() - back), "end": moment(org.clock.second() + ahead)}


def deleted_ids(client: Client, kind: str, **asked: str) -> set[str]:
    return {one["id"] for one in client.get(f"/sobjects/{kind}/deleted", **asked).json()["deletedRecords"]}


# --- what there is ---------------------------------------------------------------------------------------------


def test_all_48_objects_are_there_and_custom_ones(org: Organisation) -> None:
    assert len(SEGMENT) == len(set(SEGMENT)) == 48
    assert set(SEGMENT) < set(org.kinds)
    assert {"Invoice__c", "Invoice_Line__c", "Region__c"} < set(org.kinds)
    assert all(len(org.tables[name]) for name in SEGMENT if name != "Name")


def test_each_sort_of_clock_is_there(org: Organisation) -> None:
    assert {kind.clock for kind in org.kinds.values()} == {
        *("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime"),
        None,
    }


def test_the_same_seed_gives_the_same_organisation() -> None:
    def whole(seed: int) -> list[Any]:
        org = generate(seed, objects=300, now=NOW)
        live(org, seed, 40)
        return [(kind, values["Id"], values.get("Name"), gone) for kind, _, gone, values in org.walk()]

    assert whole(4) == whole(4)
    assert whole(4) != whole(5)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_every_reference_points_at_a_record_that_is_or_was_there(seed: int) -> None:
    org = generate(seed, objects=300, now=NOW)
    live(org, seed, 50, pace=20)
    org.wait()
    known = {values["Id"] for _, _, _, values in org.walk()}
    for kind, _, _, values in org.walk():
        for field in org.kinds[kind].fields:
            if field.to and values.get(field.name) and set(field.to) & set(org.kinds):
                assert values[field.name] in known, (kind, field.name)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_stamps_are_in_order_and_never_ahead_of_the_clock(seed: int) -> None:
    org = generate(seed, objects=300, now=NOW)
    live(org, seed, 50, pace=20)
    for kind, _, _, values in org.walk():
        stamps = [values[name] for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp") if name in values]
        assert stamps == sorted(stamps), kind
        assert all(stamp <= org.clock.second() for stamp in stamps)


def test_one_round_of_life_shows_everything(org: Organisation) -> None:
    done = live(org, 1, len(DEED_NAMES))
    assert set(done) == set(DEED_NAMES)


def test_people_given_are_the_first_contacts() -> None:
    org = generate(1, objects=300, people=[("Ada King Lovelace", "ada@example.com"), ("Cher", "cher@example.com")])
    first = {row["Email"]: (row["FirstName"], row["LastName"]) for row in org.tables["Contact"].rows()}
    assert first["ada@example.com"] == ("Ada King", "Lovelace")
    assert first["cher@example.com"] == (None, "Cher")


# --- late commits ----------------------------------------------------------------------------------------------


def test_a_late_record_is_stamped_before_it_can_be_seen(client: Client, org: Organisation) -> None:
    stamp = org.clock.second()
    row_id = org.insert("Lead", {"LastName": "Late"}, late=90)
    assert shows(client, "Lead", row_id) == []
    org.clock.move(91)
    assert shows(client, "Lead", row_id) == [{"Id": row_id, "SystemModstamp": moment(stamp)}]


def test_a_late_change_shows_the_old_record_until_it_is_committed(client: Client, org: Organisation) -> None:
    row_id = org.live("Lead")[0]
    before, stamp = row(org, "Lead", row_id), org.clock.second()
    org.update("Lead", row_id, {"Company": "New"}, late=90)
    assert row_id not in org.live("Lead")
    assert shows(client, "Lead", row_id)[0]["SystemModstamp"] == moment(before["SystemModstamp"])
    assert org.wait() == pytest.approx(90, abs=5)
    assert shows(client, "Lead", row_id)[0]["SystemModstamp"] == moment(stamp)


def test_deletions_are_covered_only_up_to_the_oldest_open_one(client: Client, org: Organisation) -> None:
    row_id = org.live("Note")[0]
    stamp = org.clock.second()
    org.delete("Note", row_id, late=900)
    org.clock.move(600)
    answer = client.get("/sobjects/Note/deleted", **window(org)).json()
    assert answer["latestDateCovered"] == moment(stamp // MINUTE * MINUTE)
    assert row_id not in {one["id"] for one in answer["deletedRecords"]}
    org.clock.move(400)
    later = {"start": answer["latestDateCovered"], "end": moment(org.clock.second())}
    assert row_id in deleted_ids(client, "Note", **later)


# --- deletions -------------------------------------------------------------------------------------------------


def test_a_deleted_record_moves_its_stamp_and_takes_its_children_along(client: Client, org: Organisation) -> None:
    invoice = org.insert("Invoice__c", {"Name": "I-1"})
    line = org.insert("Invoice_Line__c", {"Name": "L-1", "Invoice__c": invoice})
    org.clock.move(120)
    stamp = org.clock.second()
    org.delete("Invoice__c", invoice)
    for kind, row_id in (("Invoice__c", invoice), ("Invoice_Line__c", line)):
        assert shows(client, kind, row_id) == []
        assert shows(client, kind, row_id, deleted=True)[0]["SystemModstamp"] == moment(stamp)
    assert client.get(f"/sobjects/Invoice__c/{invoice}").json()[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_an_emptied_bin_hides_a_record_from_all_but_get_deleted(client: Client, org: Organisation) -> None:
    row_id = org.live("Contact")[0]
    org.delete("Contact", row_id)
    org.purge("Contact", row_id)
    org.clock.move(2 * MINUTE)
    assert shows(client, "Contact", row_id, deleted=True) == []
    assert row_id in deleted_ids(client, "Contact", **window(org))


def test_the_bin_empties_itself_after_15_days(client: Client, org: Organisation) -> None:
    client.server.sessions.seconds = None
    row_id = org.live("Contact")[0]
    org.delete("Contact", row_id)
    org.clock.move(15 * DAY - HOUR)
    assert shows(client, "Contact", row_id, deleted=True)
    org.clock.move(2 * HOUR)
    assert shows(client, "Contact", row_id, deleted=True) == []
    assert ("Contact", row_id) in org.gone


def test_an_undeleted_record_is_as_before_with_a_newer_stamp(client: Client, org: Organisation) -> None:
    row_id = org.live("Contact")[0]
    org.delete("Contact", row_id)
    org.clock.move(3 * MINUTE)
    assert row_id in deleted_ids(client, "Contact", **window(org))
    stamp = org.clock.second()
    org.undelete("Contact", row_id)
    assert shows(client, "Contact", row_id) == [{"Id": row_id, "SystemModstamp": moment(stamp)}]
    assert row_id not in deleted_ids(client, "Contact", **window(org))


def test_objects_of_the_set_up_have_no_bin(client: Client, org: Organisation) -> None:
    row_id = org.live("Group")[0]
    org.delete("Group", row_id)
    org.clock.move(2 * MINUTE)
    assert client.query(f"SELECT Id FROM Group WHERE Id = '{row_id}'", deleted=True) == []
    assert row_id in deleted_ids(client, "Group", **window(org))


def test_the_loser_of_a_merge_names_the_winner(client: Client, org: Organisation) -> None:
    winner, loser = org.live("Account")[:2]
    contact = org.insert("Contact", {"LastName": "Moved", "AccountId": loser})
    org.merge("Account", winner, loser)
    shown = client.query(f"SELECT IsDeleted, MasterRecordId FROM Account WHERE Id = '{loser}'", deleted=True)
    assert shown == [{"IsDeleted": True, "MasterRecordId": winner}]
    assert row(org, "Contact", contact)["AccountId"] == winner
    assert not row(org, "Contact", contact)["IsDeleted"]


# --- getDeleted and getUpdated ---------------------------------------------------------------------------------


def test_deletions_belong_to_whole_minutes_and_the_window_ends_where_it_is_covered(
    client: Client, org: Organisation
) -> None:
    org.clock.move(MINUTE - org.clock.second() % MINUTE + 30)
    row_id = org.live("Lead")[0]
    org.delete("Lead", row_id)
    at = org.clock.second()
    answer = client.get("/sobjects/Lead/deleted", **window(org)).json()
    assert answer["latestDateCovered"] == moment(at // MINUTE * MINUTE)
    assert row_id not in {one["id"] for one in answer["deletedRecords"]}
    org.clock.move(MINUTE)
    # Seconds are ignored: a window that begins after the deletion within its minute still has it.
    assert row_id in deleted_ids(client, "Lead", start=moment(at + 20), end=moment(at + 5 * MINUTE))
    client.server.api.replication.lag = 10
    assert row_id not in deleted_ids(client, "Lead", **window(org))


def test_a_deletion_on_the_minute_belongs_to_the_window_that_begins_there(client: Client, org: Organisation) -> None:
    at = org.clock.second() // MINUTE * MINUTE
    row_id = org.live("Lead")[0]
    org.delete("Lead", row_id, at=at)
    org.clock.move(5 * MINUTE)
    assert row_id in deleted_ids(client, "Lead", start=moment(at), end=moment(at + MINUTE))
    assert row_id not in deleted_ids(client, "Lead", start=moment(at - MINUTE), end=moment(at))


@pytest.mark.parametrize(
    ("back", "ahead", "code"),
    [
        (15 * DAY + 2 * MINUTE, 0, "INVALID_REPLICATION_DATE"),
        (HOUR, -HOUR, "INVALID_REPLICATION_DATE"),
        (HOUR, -2 * HOUR, "INVALID_REPLICATION_DATE"),
    ],
)
def test_windows_that_cannot_be_answered_are_refused(
    client: Client, org: Organisation, back: int, ahead: int, code: str
) -> None:
    answer = client.get("/sobjects/Lead/deleted", **window(org, back, ahead))
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_replication_needs_dates_objects_that_have_it_and_few_ids(client: Client, org: Organisation) -> None:
    def refused(kind: str, **asked: str) -> str:
        answer: requests.Response = client.get(f"/sobjects/{kind}/deleted", **asked)
        assert answer.status_code == 400
        code: str = answer.json()[0]["errorCode"]
        return code

    assert refused("Lead") == "MISSING_ARGUMENT"
    assert refused("Lead", start="yesterday", end="today") == "INVALID_REPLICATION_DATE"
    assert refused("UserLogin", **window(org)) == "INVALID_TYPE_FOR_OPERATION"
    for row_id in org.live("Lead")[:3]:
        org.delete("Lead", row_id)
    org.clock.move(2 * MINUTE)
    client.server.api.replication.most = 2
    assert refused("Lead", **window(org)) == "EXCEEDED_ID_LIMIT"


def test_a_cut_log_moves_the_earliest_date(client: Client, org: Organisation) -> None:
    client.server.api.replication.purged_at = org.clock.second() - HOUR
    answer = client.get("/sobjects/Lead/deleted", **window(org)).json()
    assert answer["earliestDateAvailable"] == moment((org.clock.second() - HOUR) // MINUTE * MINUTE)


# --- administrators --------------------------------------------------------------------------------------------


def test_a_new_field_is_filled_without_a_stamp(client: Client, org: Organisation) -> None:
    before = {row["Id"]: row["SystemModstamp"] for row in org.tables["Account"].rows()}
    modified = client.get("/sobjects").headers["Last-Modified"]
    org.clock.move(30)
    org.add_field("Account", text("Colour__c", 20), dict.fromkeys(before, "red"))
    assert {row["Id"]: row["SystemModstamp"] for row in org.tables["Account"].rows()} == before
    assert {row["Colour__c"] for row in client.query("SELECT Colour__c FROM Account", deleted=True)} == {"red"}
    assert client.get("/sobjects", headers={"If-Modified-Since": modified}).status_code == 200


def test_a_mass_update_gives_many_records_one_stamp(org: Organisation) -> None:
    live(org, 1, 1, without=set(DEED_NAMES) - {"change_many"})
    many = [row for kind in org.kinds if _stamped(org, kind) for row in org.tables[kind].rows()]
    newest = max(row["SystemModstamp"] for row in many)
    assert sum(row["SystemModstamp"] == newest for row in many) > 10


def _stamped(org: Organisation, kind: str) -> bool:
    return org.kinds[kind].has("SystemModstamp") and len(org.tables[kind]) > 0


def test_a_system_touch_moves_one_stamp_of_two(org: Organisation) -> None:
    live(org, 2, 3, without=set(DEED_NAMES) - {"stamp"})
    assert any(
        row["SystemModstamp"] >= org.clock.second() - 10 > row["LastModifiedDate"]
        for kind in ("Account", "Contact", "Lead", "Opportunity", "Case", "Task", "Event", "Note", *org.kinds)
        if org.kinds[kind].has("LastModifiedDate") and org.kinds[kind].has("SystemModstamp")
        for row in org.tables[kind].rows()
    )
