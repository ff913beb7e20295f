"""Which feeds a run reads again by generation, and when that begins and ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from framework.connector import Connector
from framework.feed import Pass, View
from framework.generation import PREFIX, Again
from framework.holding import Holding
from framework.warehouse import FeedState

Holdings = Mapping[str, Holding]


def _found(
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


def raised(
    connector: Connector,
    holdings: dict[str, Holding],
    stored: Mapping[str, FeedState],
    asked: Sequence[tuple[frozenset[str], int]],
) -> set[str]:
    """Adds what reads again to the feeds of a run, with the generations raised that are ``asked`` for, from when on.

    Returns the feeds whose documents that changed.
    """
    names = frozenset[str]().union(*(names for names, _ in asked))
    holdings.update({holding.feed.name: holding for holding in list(_found(connector, holdings, stored, names))})
    return {name for names, since in asked for name in _ask(holdings, names, since)}


def versions(holdings: Holdings) -> dict[str, str]:
    """The version of the API by which each collection was read last, as the marks of its feeds tell."""
    told = [h for h in holdings.values() if h.state.memory.get("version")]
    return {name: h.state.memory["version"] for h in told for name in h.state.tables}


def _ask(holdings: Holdings, names: frozenset[str], since: int) -> Iterator[str]:
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


def due(holdings: Holdings, view: View) -> Iterator[tuple[Holding, Pass]]:
    """The passes to read again with, but for what the open passes of the other feeds read: all were opened since."""
    for holding in holdings.values():
        if isinstance(holding.feed, Again) and (opened := _due(holding.feed, holding, holdings, view)):
            yield holding, opened


def _due(again: Again, holding: Holding, holdings: Holdings, view: View) -> Pass | None:
    other, state = holdings[again.feed.name], holding.state
    covered = again.covered(state, other.state.open, view) if other.state.open else {}
    if state.open and state.open.why == "gap" and set(state.open.fills) <= covered.keys():
        state.open, state.slices = None, {}
    opened = None if state.open else again.due(state, view)
    return None if opened and opened.why == "gap" and set(opened.fills) <= covered.keys() else opened


def reach(holding: Holding, holdings: Holdings, view: View) -> list[str]:
    """Notes which generations a feed's pass reaches that ends now; the feed whose document that changed."""
    other = holdings.get(PREFIX + holding.feed.name)
    if other is None or not holding.state.open:
        return []
    assert isinstance(other.feed, Again)
    denied = holding.state.open.notes.get("denied", ())
    found = other.feed.covered(other.state, holding.state.open, view)
    other.feed.reached(other.state, [name for name in found if name not in denied], found)
    return [other.feed.name] if found else []
