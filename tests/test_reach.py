"""A start date that moves back has only the older part read; one that moves on deletes nothing and reads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from catchment.imitations.stripe import live
from catchment.imitations.zendesk import generate
from catchment.testing.damage import report
from connectors.stripe import connector as stripe
from framework.feed import DAY, SECOND, Pass, State, View
from framework.holding import Holding
from framework.listing import Listing
from tests import salesforce_source
from tests.source import BY_NAME, Mortal, Source
from tests.test_zendesk import SMALL, tickets
from tests.vendor import Make, sources
from tests.zendesk_source import Support

PAGED = replace(stripe, feeds=tuple(replace(feed, limit=10) for feed in stripe.feeds))  # type: ignore[type-var]
ORDERS = Listing(BY_NAME["charges"], "/v1/charges")


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


def ago(source: Source, days: int) -> int:
    return (int(source.account.clock.now()) - days * 86_400) * SECOND


def lists(source: Source | Support, since: int) -> dict[str, list[dict[str, str]]]:
    """What was asked of each list: path -> parameters."""
    asked: dict[str, list[dict[str, str]]] = {}
    for entry in source.server.log[since:]:
        path, _, query = entry.target.partition("?")
        asked.setdefault(path, []).append(dict(parse_qsl(query)))
    return asked


# ------------------------------------------------------------------------------------------ stripe


def test_stripe_reads_only_what_was_created_before(make: Make) -> None:
    source, whole = make(), make()
    source.connector = whole.connector = PAGED
    source.run(start=(middle := ago(source, 200)))
    live(source.account, seed=3, steps=40)
    source.account.clock.move(900)
    idle = source.run(start=middle).calls
    before = len(source.server.log)
    back = source.run(start=(older := ago(source, 500)))
    assert back.status == "succeeded"
    cost = whole.run(start=ago(whole, 500)).calls
    alone = whole.run(start=ago(whole, 200), again=source.selected).calls  # the newer part by itself
    assert back.calls - idle < cost - alone / 2
    for query in lists(source, before)["/v1/charges"]:
        assert older // SECOND <= int(query["created[gte]"])
        assert int(query["created[lt]"]) <= middle // SECOND
    rest = source.run()
    assert (rest.status, source.differences()) == ("succeeded", [])
    assert "charges" not in source.run(due=True).feeds


def test_the_events_themselves_reach_back_too(make: Make) -> None:
    source = make()
    live(source.account, seed=1, steps=60)
    source.account.clock.move(6 * 86_400)
    live(source.account, seed=2, steps=60)
    source.account.clock.move(900)
    source.run(start=(middle := ago(source, 5)))
    source.run(start=ago(source, 2))
    held = set(source.memory.rows["events"])
    assert held == {key for key, one in source.account.truth()["event"].items() if one["created"] * SECOND >= middle}
    back = source.run(start=ago(source, 20))
    assert set(source.memory.rows["events"]) == set(source.account.truth()["event"])
    assert back["events"]["fetched"] <= len(source.memory.rows["events"]) - len(held) + 1


def test_a_list_that_takes_no_time_goes_on_where_it_ended(make: Make) -> None:
    source = make()
    source.run(start=ago(source, 200))
    before = len(source.server.log)
    source.run(due=True, start=ago(source, 300))
    (first, *_) = lists(source, before)["/v1/payment_methods"]
    assert first["starting_after"]


@pytest.mark.parametrize("nth", [2, 3, 5])
def test_stripe_killed_on_the_way_goes_on(make: Make, nth: int) -> None:
    source = make()
    source.memory.pace = type(source.memory.pace)(rows=1, seconds=0.0)
    source.run(start=ago(source, 200))
    source.run(start=ago(source, 500), warehouse=Mortal(source.memory, nth))
    live(source.account, seed=nth, steps=30)
    source.account.clock.move(900)
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_a_start_date_that_moves_on_deletes_and_reads_nothing(make: Make) -> None:
    source = make()
    source.run()
    source.run()
    held = {name: set(source.memory.live(name)) for name in source.selected}
    idle = source.run().calls
    assert source.run(start=ago(source, 200)).calls <= idle
    assert {name: set(source.memory.live(name)) for name in source.selected} == held


def test_a_pass_keeps_the_start_date_that_it_was_opened_under() -> None:
    view = View(frozenset({"charges"}), {"charges": "c1"}, now=9 * DAY, start=5 * DAY)
    holding = Holding(ORDERS, State(), 0)
    holding.begin(Pass("first", ["charges"]), view)
    view.start = 2 * DAY
    holding.close(view)
    again = ORDERS.due(holding.state, view)
    assert again == Pass("earlier", ["charges"], notes={"until": 5 * DAY})
    holding.begin(again, view)
    (slice_,) = holding.state.slices.values()
    assert (slice_["lo"], slice_["hi"]) == (2 * DAY // SECOND, 5 * DAY // SECOND)
    marks = dict(holding.state.marks)
    holding.state.open.opened = 10 * DAY  # type: ignore[union-attr]
    holding.close(view)
    assert holding.state.marks == marks  # what is newer was not read by it
    assert ORDERS.due(holding.state, view) is None


# ----------------------------------------------------------------------------------------- zendesk


def test_zendesk_reads_only_what_changed_before(tmp_path: Path) -> None:
    with Support(generate(7, 700), tmp_path, connector=SMALL) as support:
        stamps = sorted(ticket["generated_timestamp"] for ticket in tickets(support.account))
        middle = stamps[len(stamps) * 2 // 3]
        support.run(start=middle * SECOND)
        support.account.clock.move(200)
        support.run(due=True, start=middle * SECOND)
        before = len(support.server.log)
        back = support.run(due=True)
        assert back.status == "succeeded"
        asked = lists(support, before)
        older = sum(stamp < middle for stamp in stamps)
        assert older // 40 < len(asked["/api/v2/incremental/tickets/cursor"]) <= older // 40 + 2
        assert asked["/api/v2/satisfaction_ratings"][0]["end_time"] == str(middle)
        damages = support.differences()
        assert not damages, report(damages)
        again = support.run(due=True, start=middle * SECOND)
        assert again.calls <= 5


# -------------------------------------------------------------------------------------- salesforce


def test_salesforce_reads_only_what_was_created_before() -> None:
    source = salesforce_source.make()
    try:
        born = sorted(row["CreatedDate"] for kind, _, _, row in source.org.walk() if kind == "Contact")
        middle, older = int(born[len(born) * 2 // 3]), int(born[len(born) // 3])
        source.run(start=middle * SECOND)
        first = len(source.memory.rows["contacts"])
        back = source.run(start=older * SECOND)
        assert back.status == "succeeded"
        assert back["contacts"]["inserted"] == sum(older <= at < middle for at in born)
        assert back["contacts"]["fetched"] < len(born) // 2
        assert len(source.memory.rows["contacts"]) == first + back["contacts"]["inserted"]
        source.run()
        assert source.differences() == []
        held = {name: len(rows) for name, rows in source.memory.rows.items()}
        idle = source.run().calls
        assert source.run(start=middle * SECOND).calls <= idle
        assert {name: len(rows) for name, rows in source.memory.rows.items()} == held
    finally:
        source.server.stop()
