"""Runs that ended early, with another order, another selection or another key after them: nothing is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from catchment.imitations.stripe import live
from framework.warehouse import Pace
from tests.source import Mortal, Source
from tests.test_reach import PAGED, ago
from tests.vendor import sources

SHOP = frozenset({"charges", "customers", "invoices", "invoice_lines"})
LONG = 40 * 86_400  # seconds: the vendor keeps its events for 30 days


@pytest.fixture
def source() -> Iterator[Source]:
    with sources() as make:
        source = make()
        source.connector = PAGED
        source.select(SHOP)
        source.run()
        live(source.account, seed=3, steps=140)
        yield source


def kill(source: Source, nth: int, rows: int) -> None:
    """A run that dies with its commit number ``nth``, of about so many rows each."""
    source.memory.pace = Pace(rows=rows, seconds=0.0)
    source.run(warehouse=Mortal(source.memory, nth, after=True))
    source.memory.pace = Pace()
    source.account.clock.move(900)


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_walk_that_was_killed_for_one_collection_keeps_no_other_waiting(source: Source, nth: int) -> None:
    source.account.clock.move(900)
    source.select(frozenset({"charges"}))
    kill(source, nth, rows=5)
    source.select(frozenset({"customers"}))
    assert (source.run().status, source.differences()) == ("succeeded", [])
    source.select(SHOP)
    assert (source.run().status, source.differences()) == ("succeeded", [])


@pytest.mark.parametrize("nth", [1, 2])
def test_what_was_lost_is_listed_again_whichever_run_comes_between(source: Source, nth: int) -> None:
    source.account.clock.move(LONG)
    kill(source, nth, rows=20)
    source.select(frozenset({"invoice_lines"}))
    source.run()
    source.select(SHOP)
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_a_resync_of_a_part_takes_nothing_from_a_listing_that_was_killed(source: Source) -> None:
    source.account.clock.move(LONG)
    kill(source, 1, rows=20)
    source.run(again=frozenset({"invoice_lines"}))
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_a_resync_since_a_day_and_a_whole_listing_are_swept_apart(source: Source) -> None:
    source.account.clock.move(LONG)
    source.run(again=frozenset({"customers", "invoices"}), since=ago(source, 45))
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_a_key_that_is_refused_later_changes_nothing_whatever_else_is_new(source: Source) -> None:
    before = documents(source)
    source.connector = replace(source.connector, version="2030-01-01")
    source.server.faults.add("unauthorized", "/v1/", probability=1.0)
    assert source.run().status == "failed"
    assert documents(source) == before


def documents(source: Source) -> dict[str, str]:
    """What is stored beside the walk of the events, which was opened before its first call was refused."""
    return {name: feed.document for name, feed in source.memory.feeds.items() if name != "events"}
