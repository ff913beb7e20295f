"""Which feeds a run reads again by generation, and when that begins and ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from framework.connector import Connector
from framework.feed import Pass, View
from framework.generation import PREFIX, Again
from framework.holding import Holding
from framework.warehouse import FeedState

Holdings = Mapping[str, Holding]


def found(
    connector: Connector, holdings: Holdings, stored: Mapping[str, FeedState], asked: frozenset[str]
) -> Iterator[Holding]:
    """What reads again what the other feeds fill: where that is asked for now, or was at any time.

    A change feed can read again only the collection that no list fills.
    """
    listed = {name for feed in connector.feeds if feed.listing for name in feed.fills}
    for feed in connector.feeds:
        fills = feed.fills if feed.listing else tuple(name for name in feed.fills[:1] if name not in listed)
        again = Again(feed, holdings[feed.name].state, connector.collection(feed.fills[0]), fills)
        if again.name in stored or asked & set(fills):
            yield Holding.of(again, stored.get(again.name))


def ask(holdings: Holdings, names: frozenset[str], since: int) -> Iterator[str]:
    """Raises the generation of collections; the feeds whose documents that changed.

    What was read of a pass under way may be what is wrong, so it starts again as well.
    """
    for name, holding in holdings.items():
        if isinstance(holding.feed, Again) and names & set(holding.feed.fills):
            holding.feed.raised(holding.state, names, since)
            other = holdings[holding.feed.feed.name]
            other.state.open, other.state.slices = None, {}
            yield name
            yield other.feed.name


def due(holding: Holding, holdings: Holdings, view: View) -> Pass | None:
    """The pass to read again with, unless the one that the other feed has just opened reads all of that too."""
    again, state = holding.feed, holding.state
    assert isinstance(again, Again)
    other = holdings[again.feed.name]
    covered = again.covered(state, other.state.open, view) if other.state.open and other.fresh else {}
    if state.open and state.open.why == "gap" and set(state.open.fills) <= covered.keys():
        state.open, state.slices = None, {}
    opened = None if state.open else again.due(state, view)
    return None if opened and opened.why == "gap" and set(opened.fills) <= covered.keys() else opened


def reach(holding: Holding, holdings: Holdings, view: View) -> str:
    """Notes which generations a feed's pass reaches that ends now; the feed whose document that changed, or ""."""
    other = holdings.get(PREFIX + holding.feed.name)
    if other is None or not holding.fresh or not holding.state.open:
        return ""
    assert isinstance(other.feed, Again)
    denied = holding.state.open.notes.get("denied", ())
    found = other.feed.covered(other.state, holding.state.open, view)
    other.feed.reached(other.state, [name for name in found if name not in denied], found)
    return other.feed.name if found else ""
