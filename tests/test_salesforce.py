"""The Salesforce connector against the imitated API: whole runs, every record compared, every call counted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from catchment.imitations.salesforce import Organisation
from catchment.imitations.salesforce.fields import Field
from connectors.salesforce import deleted, jobs, query
from framework.feed import SECOND
from tests.salesforce_source import DEFAULT, Source, make
from tests.source import Killed, Mortal

Make = Callable[..., Source]
DAY = 86_400


@pytest.fixture
def vendor() -> Iterator[Make]:
    sources: list[Source] = []

    def new(**more: Any) -> Source:
        sources.append(make(**more))
        return sources[-1]

    yield new
    for source in sources:
        source.server.stop()


def exact(source: Source, hint: object = "") -> None:
    found = source.differences()
    assert not found, (hint, len(found), found[:8])


def good(source: Source, killed: int = 0, **order: Any) -> Any:
    """A run that must succeed, unavailable collections aside, and that reports every call it made.

    ``killed``: calls of a killed run that may come in during this one.
    """
    outcome = source.run(**order)
    failed = {name: why for name, why in outcome.failed().items() if why[0] != "unavailable"}
    assert not failed, failed
    assert outcome.document["error"] is None
    assert outcome.document["api_calls"] <= outcome.calls <= outcome.document["api_calls"] + killed
    return outcome


def live(org: Organisation, rng: random.Random, steps: int = 40) -> None:
    """Records come, change, move to the bin, come back, are merged and vanish; some of it becomes visible late."""
    for _ in range(steps):
        kind = rng.choice(["Account", "Contact", "Lead", "Opportunity", "Case", "Task"])
        ids = org.live(kind)
        deed = rng.randrange(10)
        if deed < 2 or len(ids) < 5:
            org.insert(kind, {"Description": f"new {rng.random()}"}, late=rng.choice([0, 0, 40, 200]))
        elif deed < 5:
            org.update(
                kind, rng.choice(ids), {"Description": f"changed {rng.random()}"}, late=rng.choice([0, 0, 0, 120])
            )
        elif deed < 6:
            stamp = org.clock.second()
            for row_id in ids[: rng.randrange(1, len(ids))]:
                org.update(kind, row_id, {"Description": f"bulk {stamp}"}, at=stamp)
        elif deed < 7:
            org.delete(kind, rng.choice(ids))
        elif deed < 8:
            org.delete(kind, victim := rng.choice(ids))
            org.purge(kind, victim)
        elif deed < 9:
            binned = [row_id for of, row_id in org.bin if of == kind]
            if binned:
                org.undelete(kind, rng.choice(binned))
        elif kind in ("Account", "Contact", "Lead"):
            org.merge(kind, *rng.sample(ids, 2))
        org.clock.move(rng.choice([0, 1, 7, 31]))


# ----------------------------------------------------------------------------------------- keeping up


def test_a_first_sync_holds_every_record(vendor: Make) -> None:
    source = vendor()
    outcome = good(source)
    exact(source)
    assert outcome.calls <= 8
    idle = good(source)
    assert idle.total("inserted") + idle.total("updated") + idle.total("deleted") == 0
    assert idle.calls <= 5


@pytest.mark.parametrize("seed", range(4))
def test_every_change_arrives_and_nothing_is_lost(vendor: Make, seed: int) -> None:
    source, rng = vendor(seed=seed), random.Random(seed)
    good(source)
    for turn in range(4):
        live(source.org, rng)
        good(source)
        source.pass_time(600)  # what was committed late is visible, what was purged is in the log
        good(source)
        exact(source, (seed, turn))


def test_thousands_of_equal_stamps_are_read_once_each(vendor: Make) -> None:
    source = vendor(objects=50)
    good(source)
    stamp = source.org.clock.second()
    for n in range(4_500):
        source.org.insert("Lead", {"LastName": f"L{n}", "Company": "C"}, at=stamp)
    outcome = good(source)
    exact(source)
    assert outcome["leads"]["inserted"] == 4_500


def test_a_long_transaction_is_seen_when_it_ends(vendor: Make) -> None:
    source = vendor(objects=50)
    good(source)
    account = source.org.live("Account")[0]
    source.org.update("Account", account, {"Description": "committed late"}, late=290)
    for _ in range(4):
        good(source)
        source.pass_time(100)
    good(source)
    exact(source)


def test_undeleted_rows_are_live_again_and_merged_ones_name_their_master(vendor: Make) -> None:
    source = vendor(objects=100)
    good(source)
    first, second, third = source.org.live("Account")[:3]
    source.org.delete("Account", first)
    source.org.merge("Account", second, third)
    source.pass_time(120)
    good(source)
    rows = source.memory.rows["accounts"]
    assert not rows[first].live
    assert not rows[third].live
    assert (rows[third].payload or {})["MasterRecordId"] == second
    source.org.undelete("Account", first)
    outcome = good(source)
    assert rows[first].live
    assert outcome["accounts"]["restored"] >= 1
    source.pass_time(120)
    good(source)
    exact(source)


# ----------------------------------------------------------------------------------------- deletions


def purge(source: Source, kind: str, row_id: str) -> None:
    source.org.delete(kind, row_id)
    if (kind, row_id) in source.org.bin:
        source.org.purge(kind, row_id)


def test_a_record_deleted_for_good_is_marked_by_the_log(vendor: Make) -> None:
    source = vendor(objects=100)
    good(source)
    lead = source.org.live("Lead")[0]
    purge(source, "Lead", lead)
    source.pass_time(61)
    outcome = good(source)
    assert outcome["leads"]["deleted"] == 1
    assert (source.memory.rows["leads"][lead].payload or {})["Id"] == lead
    exact(source)


def test_a_source_that_slept_for_weeks_compares_ids(vendor: Make) -> None:
    source = vendor(objects=300)
    good(source)
    purge(source, "Lead", source.org.live("Lead")[0])
    source.pass_time(40 * DAY)
    outcome = good(source)
    exact(source)
    assert outcome["leads"]["deleted"] == 1
    calls = good(source).calls
    assert calls <= 6  # the log is enough again


def test_a_log_that_was_cut_is_replaced_by_a_comparison(vendor: Make) -> None:
    source = vendor(objects=300)
    good(source)
    purge(source, "Contact", source.org.live("Contact")[0])
    source.server.api.replication.purged_at = source.org.clock.second() + 1
    source.pass_time(120)
    good(source)
    exact(source)


def test_too_many_deletions_are_read_in_parts(vendor: Make) -> None:
    source = vendor(objects=300)
    good(source)
    source.server.api.replication.most = 3
    for _ in range(8):
        purge(source, "Contact", source.org.live("Contact")[0])
        source.pass_time(3600)
    good(source)
    exact(source)


def test_a_mass_deletion_that_was_only_inferred_is_held(vendor: Make) -> None:
    source = vendor(objects=50)
    for n in range(300):
        source.org.insert("Lead", {"LastName": f"L{n}", "Company": "C"})
    good(source)
    for lead in source.org.live("Lead")[:200]:
        purge(source, "Lead", lead)
    source.pass_time(40 * DAY)
    for _ in range(2):
        held = source.run()
        assert held["leads"]["status"] == "partial"
        assert "--accept-deletes" in held["leads"]["error"]["hint"]
        assert len(source.memory.live("leads")) > 200
    good(source, accept_deletes=frozenset({"leads"}))
    exact(source)


# ----------------------------------------------------------------------------------------- large reads


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs for all but the smallest objects, in small pages, looked at often."""
    monkeypatch.setattr(query, "BULK_ABOVE", 10)
    monkeypatch.setattr(jobs, "POLL_S", 0.01)
    monkeypatch.setattr(jobs, "PAGE_MIN", 7)
    monkeypatch.setattr(jobs, "PAGE_MAX", 7)


@pytest.mark.usefixtures("impatient")
def test_jobs_bring_the_same_values_as_queries(vendor: Make) -> None:
    now = time.time()
    source, plain = vendor(seed=3, now=now), vendor(seed=3, now=now)
    good(source)
    exact(source)
    assert any("jobs/query" in str(entry) for entry in source.server.log)
    query.BULK_ABOVE = 10_000
    good(plain)
    for name, rows in plain.memory.rows.items():
        assert rows.keys() == source.memory.rows[name].keys()
        for key, row in rows.items():
            other = source.memory.rows[name][key]
            assert other.live == row.live
            assert other.version == row.version or name in ("opportunity_field_history", "period"), (name, key)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("nth", range(2, 14, 3))
def test_a_run_killed_within_its_jobs_goes_on_from_there(vendor: Make, nth: int) -> None:
    source = vendor(seed=5)
    source.memory.pace = type(source.memory.pace)(rows=1, seconds=0)
    outcome = source.run(warehouse=lambda memory: Mortal(memory, nth))
    assert outcome.document["error"]["message"].startswith(Killed.__name__)
    source.org.insert("Lead", {"LastName": "born after the kill", "Company": "C"})
    good(source, killed=2)
    source.pass_time(400)
    good(source)
    exact(source, nth)


# ----------------------------------------------------------------------------------------- fields and objects


def test_a_new_field_appears_with_its_past_values(vendor: Make) -> None:
    source = vendor(objects=300)
    good(source)
    leads = source.org.live("Lead")
    values = {row_id: f"tier {n}" for n, row_id in enumerate(leads) if n % 2}
    source.org.add_field("Lead", Field("Tier__c", "string", named="Tier"), values)
    outcome = good(source)
    assert outcome["leads"]["updated"] == len(values)
    rows = source.memory.rows["leads"]
    assert {key: (rows[key].payload or {}).get("Tier__c") for key in values} == values
    assert good(source)["leads"]["updated"] == 0


def test_a_field_that_vanished_stops_nothing(vendor: Make) -> None:
    source = vendor(objects=300)
    good(source)
    source.org.kinds["Lead"] = source.org.kinds["Lead"].without("Industry")  # and no description says so
    source.org.update("Lead", source.org.live("Lead")[0], {"Description": "after it"})
    outcome = good(source)
    assert outcome["leads"]["updated"] == 1
    assert outcome["leads"]["status"] == "succeeded"


def test_a_custom_object_is_synced_by_its_name(vendor: Make) -> None:
    source = vendor(objects=300)
    source.select("Invoice__c", "accounts")
    good(source)
    exact(source)
    assert source.memory.rows["invoice_c"]


def test_all_48_collections_cost_few_calls_when_idle(vendor: Make) -> None:
    source = vendor(objects=1_000)
    source.select(*DEFAULT)
    first = good(source)
    exact(source)
    idle = good(source)
    assert idle.statuses["names"] == "unavailable"
    assert idle.total("inserted") + idle.total("updated") + idle.total("deleted") == 0
    assert first.calls <= 16
    assert idle.calls <= 12


def test_logs_that_no_bundle_takes_cost_no_call_each(vendor: Make) -> None:
    source = vendor(objects=300)
    source.select(*DEFAULT)
    good(source)
    source.server.parts.add("invalid_field", "/deleted/", probability=1.0)
    assert good(source).calls <= 24
    assert source.server.parts.fired["invalid_field"]
    exact(source)


def test_a_wide_object_is_read_by_its_ids(vendor: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_S", 0.01)
    source = vendor(objects=100)
    for n in range(400):
        source.org.add_field("Account", Field(f"A_field_with_quite_a_long_name_{n:04}__c", "string", named=f"F{n}"))
    source.select("accounts")
    good(source)
    source.org.update("Account", source.org.live("Account")[0], {"Description": "wide"})
    outcome = good(source)
    assert outcome["accounts"]["updated"] == 1
    exact(source)
    assert not any("jobs/query" in str(entry) for entry in source.server.log)
    idle = good(source)
    assert idle["accounts"]["fetched"] >= len(source.org.live("Account"))  # for its formulas' sake
    assert not any("jobs/query" in str(entry) for entry in source.server.log)
    source.org.delete("Account", source.org.live("Account")[1])  # no read by id shows what lies in the bin
    assert good(source)["accounts"]["deleted"] == 1
    exact(source)


def test_the_log_reaches_back_as_far_as_the_vendor_keeps_it() -> None:
    assert deleted.KEPT < 15 * DAY * SECOND


def test_rows_without_a_moving_stamp_come_back_from_the_bin(vendor: Make) -> None:
    source = vendor(objects=600)
    good(source)
    history = source.org.live("OpportunityFieldHistory")[0]
    rows = source.memory.rows["opportunity_field_history"]
    source.org.delete("OpportunityFieldHistory", history)
    for age, live in ((120, False), (600, True)):
        source.pass_time(age)
        good(source)
        assert rows[history].live is live
        if not live:
            source.org.undelete("OpportunityFieldHistory", history)
    exact(source)


def test_what_happens_within_one_second_ends_as_it_is_shown(vendor: Make) -> None:
    source = vendor(objects=300)
    good(source)
    account, at = source.org.live("Account")[0], source.org.clock.second()
    for _ in range(2):
        source.org.delete("Account", account, at=at)
        assert good(source)["accounts"]["deleted"] == 1
        source.org.undelete("Account", account, at=at)
        assert good(source)["accounts"]["restored"] == 1
        exact(source)


def test_formulas_are_right_although_they_move_no_stamp(vendor: Make) -> None:
    source = vendor(objects=300)
    good(source)
    account = source.org.live("Account")[0]
    source.org.rewrite("Account", account, {"Health__c": "Excellent"})
    good(source)
    assert (source.memory.rows["accounts"][account].payload or {})["Health__c"] == "Excellent"


def test_what_the_user_may_not_see_is_reported_and_the_rest_goes_on(vendor: Make) -> None:
    source = vendor(objects=300)
    source.server.user.hidden |= {"Contact", "CampaignShare", "Account.Industry"}
    outcome = source.run()
    failed = {name: (status, error["kind"]) for name, (status, error) in outcome.failed().items()}
    assert failed == {"contacts": ("failed", "permission"), "campaign_shares": ("unavailable", "config")}
    assert "Industry" not in (next(iter(source.memory.rows["accounts"].values())).payload or {})
    source.server.user.hidden.clear()
    source.org.touch_metadata()
    good(source)
    exact(source)


def test_an_object_hidden_later_is_reported_until_it_is_back(vendor: Make) -> None:
    source = vendor(objects=300)
    good(source)
    source.server.user.hidden |= {"Contact", "Lead.Company"}
    source.org.update("Lead", source.org.live("Lead")[0], {"Description": "meanwhile"})
    for _ in range(2):
        outcome = source.run()
        assert {name: (s, e["kind"]) for name, (s, e) in outcome.failed().items()} == {
            "contacts": ("failed", "permission")
        }
        assert "Contact" in outcome["contacts"]["error"]["message"]
    source.server.user.hidden.clear()
    good(source)
    exact(source)
