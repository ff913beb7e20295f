"""A limit with a name of its own holds the feeds that it concerns, and no thread that others could use."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.stripe import connector
from framework.feed import Request, Slice, View
from framework.limits import PATIENCE_S, Rate
from framework.listing import Listing
from tests.source import FAST, Free
from tests.vendor import Make, sources

EACH_S = 2 * PATIENCE_S  # a charge call may leave this often: longer than a thread waits


class Named(Listing):
    """A list whose calls have a limit of their own."""

    def request(self, slice_: Slice, view: View) -> Request:
        return replace(Listing.request(self, slice_, view), bucket="charges")


class Spent(Free):
    """One call with that name in EACH_S, and any number of others."""

    def __init__(self) -> None:
        self.free_at = 0.0
        self.asked = 0

    def claim(self, bucket: str, count: int, per: float, before: float) -> float:
        if "bucket:charges" not in bucket:
            return 0.0
        now = time.time()
        at = max(now, self.free_at)
        self.asked += before > -math.inf
        if at <= before:
            self.free_at = at + EACH_S
        return at

    def spent(self, *_: Any) -> None: ...


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


def test_feeds_that_wait_for_their_limit_keep_no_thread_from_the_others(make: Make) -> None:
    source = make(objects=600)
    (charges,) = (feed for feed in connector.feeds if feed.name == "charges")
    assert isinstance(charges, Listing)
    named = Named(charges.collection, charges.path, limit=10)
    source.connector = replace(connector, feeds=tuple(named if f is charges else f for f in connector.feeds))
    source.limits, source.rates = Spent(), (*FAST, Rate(1, each="charges", per=EACH_S))
    outcome = source.run()
    assert outcome.status == "succeeded"
    assert source.differences() == []
    pages = [entry.at for entry in source.server.log if entry.target.startswith("/v1/charges?")]
    others = [entry.at for entry in source.server.log if not entry.target.startswith("/v1/charges?")]
    assert len(pages) > 4
    assert source.limits.asked == len(pages)  # who would wait long does not even try
    assert sum(at < pages[1] for at in others) > 0.9 * sum(at < pages[-1] for at in others)
    assert outcome.document["waited_s"] < EACH_S
