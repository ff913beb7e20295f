"""Reading again by generation: beside what keeps tables up to date, until a whole pass has ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catchment.imitations.stripe import live
from catchment.imitations.zendesk import generate
from connectors.salesforce import jobs, query
from framework import http
from framework.collection import Collection, Column
from framework.feed import DAY, SECOND, Answer, Pass, State, View
from framework.generation import Again
from framework.listing import Listing
from framework.pages import Pages
from framework.sight import Sight
from framework.warehouse import Pace
from tests.salesforce_source import make as organisation
from tests.source import Mortal, Source
from tests.vendor import Make, sources
from tests.zendesk_source import Support
from warehouse_loader.codec import RecordCodec
from warehouse_loader.registry import Registry

CHARGES = frozenset({"charges"})


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


@pytest.fixture
def harmed(make: Make) -> Source:
    """Synced, then harmed in its charges; the account lives on."""
    source = make()
    source.run()
    for row in list(source.memory.rows["charges"].values())[:5]:
        assert row.payload is not None
        row.payload["amount"] = -1
    live(source.account, seed=1, steps=60)
    source.account.clock.move(900)
    return source


def again(source: Source, name: str = "again/charges") -> dict[str, Any]:
    state: dict[str, Any] = json.loads(source.memory.feeds[name].document)
    return state


def test_changes_go_on_while_a_generation_cannot(harmed: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PAUSE_S", 0.01)
    monkeypatch.setattr(http, "PAUSE_MAX_S", 0.05)
    harmed.server.faults.add("server_error", "/v1/charges", probability=1.0, status=503)
    stuck = harmed.run(again=CHARGES)
    assert set(stuck.failed()) == {"charges"}
    assert {text.split()[0] for text in harmed.differences()} <= {"charges"}
    live(harmed.account, seed=2, steps=60)
    harmed.account.clock.move(900)
    assert set(harmed.run().failed()) == {"charges"}, "a plain sync tries again"
    assert -1 in [row.payload["amount"] for row in harmed.memory.rows["charges"].values() if row.payload]
    harmed.server.faults.clear()
    done = harmed.run()
    assert (done.status, harmed.differences()) == ("succeeded", [])
    assert done.feeds["again/charges"] > 0
    assert "again/charges" not in harmed.run().feeds


def test_a_generation_that_is_killed_anywhere_goes_on(harmed: Source) -> None:
    harmed.memory.pace = Pace(rows=50, seconds=0.0)
    everything: frozenset[str] = harmed.selected
    harmed.run(warehouse=Mortal(harmed.memory, 3, after=True), again=everything)
    for nth in (1, 2, 4):
        live(harmed.account, seed=nth, steps=20)
        harmed.account.clock.move(200)
        harmed.run(warehouse=Mortal(harmed.memory, nth, after=True))
    read = harmed.run()
    assert (read.status, harmed.differences()) == ("succeeded", [])
    behind = [name for name in harmed.memory.feeds if name.startswith("again/") and again(harmed, name)["open"]]
    assert behind == []


def test_it_goes_on_for_what_is_selected_and_waits_for_the_rest(harmed: Source) -> None:
    everything = harmed.selected
    harmed.memory.pace = Pace(rows=50, seconds=0.0)
    harmed.run(
        warehouse=Mortal(harmed.memory, 2, after=True), again=frozenset({"charges", "invoices", "invoice_lines"})
    )
    harmed.select(frozenset({"invoice_lines", "customers"}))
    harmed.memory.unselected = [c for c in harmed.connector.collections if c.name == "invoices"]
    some = harmed.run()
    assert "again/charges" not in some.feeds
    assert again(harmed, "again/invoices")["memory"]["reached"] == {"invoice_lines": 1}
    harmed.select(everything)
    done = harmed.run()
    assert (done.status, harmed.differences()) == ("succeeded", [])
    assert {"again/charges", "again/invoices"} <= set(done.feeds)


def test_a_first_sync_that_was_killed_rests_where_it_is_not_selected(make: Make) -> None:
    source = make()
    everything = source.selected
    source.memory.pace = Pace(rows=20, seconds=0.0)
    source.run(warehouse=Mortal(source.memory, 4, after=True))
    source.select(CHARGES)
    assert source.run().status == "succeeded"
    source.select(everything)
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_a_resync_of_what_was_never_whole_starts_it_again_and_reads_it_once(make: Make) -> None:
    source = make()
    source.memory.pace = Pace(rows=20, seconds=0.0)
    source.run(warehouse=Mortal(source.memory, 4, after=True))
    read = {f"again/{name}" for name, feed in source.memory.feeds.items() if json.loads(feed.document).get("tables")}
    done = source.run(again=source.selected)
    assert (done.status, source.differences()) == ("succeeded", [])
    assert {name for name in done.feeds if name.startswith("again/")} <= read


def test_asked_for_again_it_starts_again(harmed: Source) -> None:
    harmed.memory.pace = Pace(rows=20, seconds=0.0)
    harmed.run(warehouse=Mortal(harmed.memory, 3, after=True), again=CHARGES)
    assert again(harmed)["open"]
    harmed.run(again=CHARGES)
    assert again(harmed)["memory"] == {"raised": {"charges": [2, 0]}, "reached": {"charges": 2}}
    assert harmed.differences() == []


def test_the_events_themselves_are_read_again_as_far_as_the_vendor_keeps_them(harmed: Source) -> None:
    harmed.run(again=CHARGES)
    events = harmed.memory.rows["events"]
    for key in list(events)[:10]:
        del events[key]
    changed = next(row for row in events.values() if row.payload)
    assert changed.payload
    changed.payload["type"] = "was.told.otherwise"
    done = harmed.run(again=frozenset({"events"}))
    assert done["events"]["appended"] == 10
    assert changed.payload["type"] == "was.told.otherwise", "what happened is never changed"
    changed.payload["type"] = harmed.account.truth()["event"][changed.payload["id"]]["type"]
    assert harmed.differences() == []


# ------------------------------------------------------------------------------------------ what it leaves

NOW = 1_700_000_000
THINGS = Collection("things", object="thing", columns=(Column("id", "text"), Column("created", "timestamptz")))


def thing(n: int) -> dict[str, Any]:
    return {"id": f"t{n}", "object": "thing", "created": NOW - n * 86_400}


def test_from_a_day_on_older_rows_are_left_alone_though_the_list_shows_them() -> None:
    feed = Again(Pages((THINGS,), "/things"), State(), THINGS, ("things",))
    since = NOW * SECOND - 2 * DAY
    state = State(open=Pass("gap", ["things"], notes={"since": since, "raised": {"things": 1}}))
    view = View(frozenset({"things"}), {"things": "t"}, now=NOW * SECOND)
    page = {"things": [thing(n) for n in range(5)], "meta": {"has_more": False}}
    step = feed.read(
        {"id": "list", "kind": "list"}, Answer(200, json.dumps(page).encode(), {}, NOW * SECOND), state, view
    )
    (sight,) = step.sights
    assert [row["id"] for row in json.loads(bytes(sight.data))] == ["t0", "t1", "t2"]
    assert [(one.collection, list(one.keys), one.at) for one in step.live] == [
        ("things", ["t0", "t1", "t2"], NOW * SECOND - 60 * SECOND)
    ]
    nameless = Collection("things", columns=(Column("id", "text"),))
    state.open = Pass("gap", ["things"], opened=NOW * SECOND, notes={"since": since})
    assert feed.absent(state) > 0
    assert Again(Pages((nameless,), "/things"), State(), nameless, ("things",)).absent(state) == 0


def test_from_a_day_on_older_rows_are_left_alone_though_the_loader_has_read_the_page() -> None:
    feed = Again(Listing(THINGS, "/things", filter=""), State(), THINGS, ("things",))
    codec, since = RecordCodec(Registry([THINGS])), NOW * SECOND - 2 * DAY
    state = State(open=Pass("gap", ["things"], notes={"since": since, "raised": {"things": 1}}))
    view = View(frozenset({"things"}), {"things": "t"}, now=NOW * SECOND, glance=codec.glance)
    body = json.dumps({"data": [thing(n) for n in range(5)], "has_more": False}).encode()
    codec.decode(Sight("things", body, 1, at="data"))  # teaches it `object`: only pages without news are read ahead
    slice_ = {"id": "list", "kind": "list", "lo": since // SECOND, "hi": NOW}
    step = feed.read(slice_, Answer(200, body, {}, NOW * SECOND), state, view)
    assert [codec.decode(sight).rows for sight in step.sights] == [3]


def test_a_list_that_is_read_whole_anyway_is_read_once() -> None:
    view = View(frozenset({"things"}), {"things": "t"})
    for feed, why, covered in (
        (Listing(THINGS, "/things", keep="relist"), "relist", {"things": 1}),
        (Listing(THINGS, "/things"), "relist", {}),
        (Listing(THINGS, "/things"), "first", {"things": 1}),
        (Listing(THINGS, "/things", keep="tail"), "tail", {}),
        (Pages((THINGS,), "/things"), "relist", {"things": 1}),
    ):
        again, state = Again(feed, State(), THINGS, ("things",)), State()
        again.raised(state, {"things"}, 0)
        assert again.covered(state, Pass(why, ["things"]), view) == covered
        since = State()
        again.raised(since, {"things"}, 5)
        assert again.covered(since, Pass(why, ["things"]), view) == {}, "not where older rows are to be left alone"
        again.raised(state, {"things"}, 5)
        assert again.pending(state, view) == {"things": (2, 0)}, "what waits to be read whole still is"


def test_what_an_export_no_longer_shows_is_held_until_it_is_accepted(tmp_path: Path) -> None:
    with Support(generate(seed=4, objects=900), tmp_path, frozenset({"tickets"})) as support:
        support.run()
        ((live_,),) = support.rows('SELECT count(*) FROM {}."tickets" WHERE _deleted_at IS NULL')
        import duckdb

        with duckdb.connect(str(support.file)) as connection:
            ghosts = f"SELECT * REPLACE (id + 990000000 AS id) FROM {'support'}.tickets WHERE _deleted_at IS NULL"
            for shift in range(1 + 101 // max(1, live_)):
                connection.execute(f"INSERT INTO support.tickets {ghosts} AND id < 990000000 + {shift}")
        support.account.clock.move(900)
        held = support.run(again=frozenset({"tickets"}))
        assert held.failed()["tickets"][1]["hint"] == (
            "If that is right: catchment sync --accept-deletes support.tickets"
        )
        count = 'SELECT count(*) FROM {}."tickets" WHERE id >= 990000000 AND _deleted_at IS NULL'
        ((before,),) = support.rows(count)
        assert before > 100
        assert support.run(due=True).failed()["tickets"][0] == "partial"
        assert support.run(due=True, accept_deletes=frozenset({"tickets"})).status == "succeeded"
        assert support.rows(count) == [(0,)]
        assert support.run(due=True).calls == 1


@pytest.mark.parametrize("nth", [2, 5, 9])
def test_jobs_of_a_generation_that_is_killed_go_on_and_keys_alone_tell_what_is_gone(
    nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("POLL_S", 0.01), ("PAGE_MIN", 7), ("PAGE_MAX", 7)):
        monkeypatch.setattr(jobs, name, value)
    monkeypatch.setattr(query, "BULK_ABOVE", 10)
    source = organisation(seed=5, objects=300)
    try:
        source.select("leads", "accounts")
        assert source.run().status == "succeeded"
        rows = source.memory.rows["leads"]
        lost, wrong, marked = [key for key, row in rows.items() if row.live][:3]
        rows["ghost"] = replace(rows[lost], version=rows[lost].version)
        del rows[lost]
        rows[wrong].payload = {**(rows[wrong].payload or {}), "LastName": "harmed"}
        source.pass_time(900)
        rows[marked].deleted_at = int(source.org.clock.now() - 600) * SECOND
        source.memory.pace = Pace(rows=1, seconds=0.0)
        source.run(warehouse=lambda memory: Mortal(memory, nth, after=True), again=frozenset({"leads"}))
        source.org.insert("Lead", {"LastName": "born after the kill", "Company": "C"})
        source.pass_time(400)
        done = source.run()
        assert done.status == "succeeded", str(done.failed())[:900]
        assert not rows.pop("ghost").live
        assert source.differences() == []
        assert source.run().calls <= done.calls
        assert not [name for name in source.run().feeds if name.startswith("again/")]
    finally:
        source.server.stop()
