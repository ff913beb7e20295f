"""Whole runs against the imitated vendor: the same rows in the end, at the calls that were promised."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from catchment.imitations.stripe import live
from catchment.imitations.stripe.faults import KINDS
from catchment.testing.memory import Memory
from connectors.stripe import connector
from framework import committer, http
from framework.feed import State
from framework.holding import Holding
from framework.http import Timeouts
from framework.limits import Rate
from framework.warehouse import Pace
from tests.source import Mortal, Source, first_calls
from tests.vendor import Make, sources

ALL_FEEDS = {feed.name: 1 for feed in connector.feeds}


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


@pytest.fixture
def busy(make: Make) -> Source:
    """A source that commits after every page."""
    source = make()
    source.memory.pace = Pace(rows=1, seconds=0.0)
    return source


# --------------------------------------------------------------------------------- rows and calls


@pytest.mark.parametrize(("seed", "objects"), [(1, 300), (2, 1_600)])
def test_first_idle_and_incremental_runs_hold_every_row_at_the_promised_calls(
    make: Make, seed: int, objects: int
) -> None:
    source = make(seed, objects)
    first = source.run()
    assert (first.status, source.differences()) == ("succeeded", [])
    assert first.document["api_calls"] == first.calls == sum(first.feeds.values())
    assert first.calls <= 1.1 * first_calls(source.account, source.memory, first.feeds) + 5
    assert first.total("fetched") == first.total("inserted") + first.total("appended")
    assert all(c["complete_to"] for c in first.document["collections"])

    due = source.run(due=True)
    assert (due.status, due.feeds["events"]) == ("succeeded", 1)
    assert due.calls == due.document["api_calls"] <= 7
    now = source.run()
    again = [feed.name for feed in source.connector.feeds if feed.listing and (feed.silent or feed.keep != "events")]  # type: ignore[attr-defined]
    assert now.calls <= due.calls + len(again)
    for idle in (due, now):
        assert idle.total("inserted") + idle.total("updated") + idle.total("appended") + idle.total("deleted") == 0

    for round_ in range(3):
        live(source.account, seed=seed * 10 + round_, steps=60)
        later = source.run()
        assert (later.status, source.differences()) == ("succeeded", [])
        assert later.document["api_calls"] == later.calls


def test_what_changes_during_the_first_sync_is_there_at_its_end(make: Make) -> None:
    source = make()
    pages = itertools.count()

    def progress(_: object) -> None:
        if next(pages) in (5, 10, 15, 20):
            customer = source.account.ids("customer")[-1]
            source.account.update("customer", customer, {"description": f"meanwhile {next(pages)}"})

    run = source.run(progress=progress)
    assert (run.status, source.differences()) == ("succeeded", [])
    assert run["customers"]["updated"]


def test_a_change_costs_a_page_of_events_and_nothing_else(make: Make) -> None:
    source = make()
    source.run()
    idle = source.run(due=True).calls
    for n in range(250):
        customer = source.account.ids("customer")[n % 5]
        source.account.update("customer", customer, {"description": f"{n}"})
        source.account.clock.move(1)
    changed = source.run(due=True)
    events = len(source.account.ids("event"))
    assert source.differences() == []
    assert changed.calls <= idle + -(-events // 100)


def test_the_mark_moves_so_that_the_next_run_reads_little(make: Make) -> None:
    source = make()
    source.run()
    live(source.account, seed=5, steps=80)
    source.account.clock.move(300)
    source.run()
    source.account.clock.move(300)
    assert source.run(due=True)["events"]["fetched"] == 0


# ------------------------------------------------------------------------------------- kills


@pytest.mark.parametrize("after", [False, True], ids=["before it is durable", "before it is known"])
@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8, 13, 21, 34])
def test_a_run_killed_at_a_commit_is_finished_by_the_next(busy: Source, nth: int, after: bool) -> None:
    mortal = Mortal(busy.memory, nth, after)
    killed = busy.run(warehouse=mortal)
    live(busy.account, seed=nth, steps=40)
    under_way = any('"open":{' in feed.document for feed in busy.memory.feeds.values())
    resumed = busy.run()
    assert (resumed.status, busy.differences()) == ("succeeded", [])
    assert resumed.document["resumed"] == under_way
    if mortal.dead:
        assert killed.status != "succeeded"
        assert killed.document["error"]["kind"] == "internal"
        whole = first_calls(busy.account, busy.memory, ALL_FEEDS)
        changes = -(-len(busy.account.ids("event")) // 100)
        assert killed.calls + resumed.calls <= 1.1 * whole + 2 * changes + 10 + 15


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_an_incremental_run_killed_at_a_commit_is_finished_by_the_next(busy: Source, nth: int, after: bool) -> None:
    busy.run()
    live(busy.account, seed=nth, steps=120)
    mortal = Mortal(busy.memory, nth, after)
    busy.run(warehouse=mortal)
    assert mortal.dead
    live(busy.account, seed=nth + 50, steps=40)
    resumed = busy.run()
    assert (resumed.status, busy.differences()) == ("succeeded", [])


def test_a_pass_that_was_read_but_not_closed_wedges_nothing(make: Make) -> None:
    """Killed between the last page and the end of the pass: an open pass without slices is stored."""
    source = make()
    source.run()
    live(source.account, seed=1, steps=10)
    source.memory.pace = Pace(rows=1, seconds=0.0)
    for nth in range(1, 8):
        source.run(warehouse=Mortal(source.memory, nth, after=True), due=True)
    done = source.run()
    assert (done.status, source.differences()) == ("succeeded", [])


def test_one_run_after_a_kill_has_what_came_after_the_kill(make: Make) -> None:
    """A resumed pass ends at its own old top; the run that resumes it must not."""
    source = make()
    source.run()
    live(source.account, seed=1, steps=300)
    source.memory.pace = Pace(rows=1, seconds=0.0)
    source.run(warehouse=Mortal(source.memory, 2, after=True))
    stored = source.memory.feeds["events"].document
    assert '"slices":{}' not in stored  # the pass was under way
    source.account.clock.move(400)
    customer = source.account.ids("customer")[0]
    source.account.update("customer", customer, {"description": "after the kill"})
    source.account.create({**source.account.get("coupon", source.account.ids("coupon")[0]), "id": "AFTER"})
    source.run()
    assert source.differences() == []
    assert "AFTER" in source.memory.live("coupons")


def test_a_stop_keeps_what_was_read_and_the_next_run_goes_on(make: Make) -> None:
    source = make()
    stop = threading.Event()
    pages = itertools.count()

    def progress(_: object) -> None:
        if next(pages) == 12:
            stop.set()

    stopped = source.run(stop=stop, progress=progress)
    assert stopped.document["error"]["kind"] == "interrupted"
    assert stopped.status in ("partial", "failed")
    kept = sum(len(rows) for rows in source.memory.rows.values())
    assert kept > 0
    rest = source.run()
    assert (rest.status, source.differences()) == ("succeeded", [])
    assert stopped.calls + rest.calls <= 1.1 * first_calls(source.account, source.memory, ALL_FEEDS) + 5 + 10


# ---------------------------------------------------------------------------------- two at once


def test_of_two_runs_on_one_warehouse_one_stops_and_no_row_is_lost(busy: Source) -> None:
    rival = Source(busy.account, busy.server)
    rival.memory = busy.memory
    begun = False

    def progress(_: object) -> None:
        nonlocal begun
        if not begun and busy.memory.commits == 3:
            begun = True
            assert rival.run().status == "succeeded"

    loser = busy.run(progress=progress)
    assert begun
    assert loser.document["error"]["kind"] == "busy"
    assert loser.status != "succeeded"
    assert busy.differences() == []
    live(busy.account, seed=3, steps=40)
    assert busy.run().status == "succeeded"
    assert busy.differences() == []


# ----------------------------------------------------------------------------- tables come and go


def test_a_dropped_table_is_filled_again_and_the_others_are_left(make: Make) -> None:
    source = make()
    source.run()
    for name in ("charges", "invoice_lines", "events"):
        del source.memory.tables[name]
        del source.memory.rows[name]
    refilled = source.run(due=True)
    assert (refilled.status, source.differences()) == ("succeeded", [])
    assert {"charges", "invoices", "events"} <= set(refilled.feeds)
    assert "customers" not in refilled.feeds
    assert source.run(due=True).calls <= 7


def test_a_dropped_warehouse_starts_from_nothing(make: Make) -> None:
    source = make()
    source.run()
    source.memory = Memory(source.memory.collections)
    assert source.run().status == "succeeded"
    assert source.differences() == []


def test_a_collection_selected_later_is_filled_and_its_parents_lose_no_deletion(make: Make) -> None:
    source = make()
    everything = source.selected
    source.select(everything - {"customer_tax_ids", "payouts", "cards"})
    source.run()
    source.account.delete("customer", source.account.ids("customer")[0])
    live(source.account, seed=1, steps=60)
    source.account.clock.move(900)
    source.select(everything)
    later = source.run()
    assert (later.status, source.differences()) == ("succeeded", [])
    assert later["payouts"]["inserted"] == len(source.account.ids("payout"))


def test_members_of_what_was_deleted_in_a_run_without_them_go_with_the_next(make: Make) -> None:
    source = make()
    everything = source.selected
    source.run()
    customer = next(one for one in source.account.ids("customer") if source.account.children(one, "sources"))
    source.account.delete("customer", customer)
    source.select(frozenset({"customers"}))
    source.run()
    source.account.clock.move(900)
    source.select(everything)
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_a_collection_left_out_for_a_while_catches_up(make: Make) -> None:
    source = make()
    everything = source.selected
    source.run()
    source.select(everything - {"charges", "refunds"})
    live(source.account, seed=1, steps=60)
    source.account.clock.move(900)
    source.run()
    live(source.account, seed=2, steps=60)
    source.select(everything)
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_without_the_events_themselves_the_changes_still_come(make: Make) -> None:
    source = make()
    source.select(source.selected - {"events"})
    source.run()
    live(source.account, seed=1, steps=60)
    assert (source.run().status, source.differences()) == ("succeeded", [])
    assert "events" not in source.memory.rows


def test_reading_again_repairs_what_was_damaged(make: Make) -> None:
    source = make()
    source.run()
    spoiled = source.memory.rows["charges"]
    for row in list(spoiled.values())[:5]:
        assert row.payload is not None
        row.payload["amount"] = -1
    assert source.differences()
    source.account.clock.move(5)
    again = source.run(again=frozenset({"charges"}))
    assert (again.status, source.differences()) == ("succeeded", [])
    assert again["charges"]["updated"] == 5


def test_a_start_date_leaves_out_what_is_older(make: Make) -> None:
    source = make()
    start = int(source.account.clock.now()) - 200 * 86_400
    source.run(start=start * 1_000_000)
    held = source.memory.live("charges")
    assert held
    assert all(charge["created"] >= start for charge in held.values())
    assert {key for key, one in source.account.truth()["charge"].items() if one["created"] >= start} <= set(held)


def test_a_newer_order_for_the_same_list_survives_the_answer_to_the_older_one() -> None:
    holding = Holding(connector.feeds[0], State(), 0)
    older, newer = {"id": "more/1", "kind": "more", "v": 5}, {"id": "more/1", "kind": "more", "v": 7}
    page = {"id": "list/0", "kind": "list"}
    holding.replace(page, [older])
    holding.replace(page, [newer])
    holding.replace(page, [{**older, "v": 6}])
    holding.replace(older, [])
    assert holding.state.slices == {"more/1": newer}
    holding.replace(newer, [])
    assert holding.state.slices == {}


# ------------------------------------------------------------------------------------- trouble


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that nobody told us to make are short."""
    monkeypatch.setattr(http, "PAUSE_S", 0.01)
    monkeypatch.setattr(http, "PAUSE_MAX_S", 0.05)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "unauthorized"])
def test_every_fault_ends_in_the_same_rows(make: Make, hurried: None, kind: str) -> None:
    source = make(objects=1_600)
    more = {"seconds": 0.05} if kind in ("retry_after", "drip") else {}
    for path in ("/v1/charges", "/v1/invoices\\?", "/v1/events", "/v1/invoices/in_.*/lines", "starting_after"):
        source.server.faults.add(kind, path, nth=1, **more)  # type: ignore[arg-type]
    timeouts = Timeouts(1.0, 0.3) if kind == "hang" else None
    first = source.run(timeouts=timeouts)
    assert (first.status, source.differences()) == ("succeeded", []), first.failed()
    assert source.server.faults.fired[kind] >= 2
    assert first.document["api_calls"] == first.calls
    live(source.account, seed=4, steps=60)
    source.server.faults.add(kind, "/v1/events", nth=2, **more)  # type: ignore[arg-type]
    assert source.run(timeouts=timeouts).status == "succeeded"
    assert source.differences() == []


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_list_that_stays_away_is_reported_and_read_later(make: Make, hurried: None, status: int) -> None:
    source = make()
    source.server.faults.add("server_error", "/v1/charges", probability=1.0, status=status)
    first = source.run()
    assert first.status == "partial"
    ((name, (state, error)),) = first.failed().items()
    assert (name, state, error["kind"], error["http_status"]) == ("charges", "failed", "upstream", status)
    source.server.faults.clear()
    second = source.run()
    assert (second.status, source.differences()) == ("succeeded", [])
    assert "customers" not in second.feeds


def test_nothing_moving_ends_the_run_as_a_timeout(make: Make) -> None:
    source = make()
    source.server.faults.add("hang", "/v1/charges", probability=1.0)
    stalled = source.run(stall_s=0.6, timeouts=Timeouts(5.0, 30.0))
    assert stalled.document["error"]["kind"] == "timeout"
    assert stalled["charges"]["status"] == "failed"
    assert stalled["customers"]["status"] in ("succeeded", "partial")
    source.server.faults.clear()
    assert source.run().status == "succeeded"
    assert source.differences() == []


def test_a_told_wait_is_no_stall(make: Make) -> None:
    source = make()
    source.server.faults.add("retry_after", "/v1/charges", nth=1, seconds=3)
    assert source.run(stall_s=1.5).status == "succeeded"


def test_a_spent_quota_ends_the_run_cleanly_and_the_next_goes_on(make: Make) -> None:
    source = make()
    source.server.faults.add("retry_after", "/v1/invoices", nth=1, seconds=90_000)
    spent = source.run()
    assert spent.document["error"]["kind"] == "quota"
    assert spent.status in ("partial", "failed")
    source.server.faults.clear()
    rest = source.run()
    assert (rest.status, source.differences()) == ("succeeded", [])


def test_a_limit_of_the_vendor_is_never_reached(make: Make) -> None:
    source = make(limit_per_second=60)
    source.rates = (Rate(60),)
    source.limits = Metronome()
    assert source.run().status == "succeeded"
    assert source.run().document["rate_limited"] == 0
    assert not [entry for entry in source.server.log if entry.status == 429]


class Metronome:
    """A schedule for one process."""

    def __init__(self) -> None:
        self._next = 0.0
        self._lock = threading.Lock()

    def reserve(self, bucket: str, rate: float, count: int = 1) -> float:
        import time

        with self._lock:
            first = max(time.time(), self._next)
            self._next = first + count / rate
        return first

    def freeze(self, bucket: str, until: float) -> None: ...


def test_a_first_listing_is_committed_soon_and_then_at_the_warehouses_pace(make: Make) -> None:
    source = make(latency=0.02)
    source.memory.pace = Pace(rows=10**9, seconds=30.0)
    source.run()
    assert source.memory.commits <= 3 + 8
    assert committer.FIRST_S < 1
