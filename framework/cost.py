"""What a collection costs in calls, computed from its declarations: what `catalog` prints and tests hold."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping

from framework.basis import Basis
from framework.changes import Changes
from framework.collection import Child, Collection
from framework.connector import Connector
from framework.feed import CHEAP, DAY, Cost
from framework.listing import Listing


def cost(connector: Connector, collection: Collection) -> Cost:
    """The cost of one collection in words, in calls beside those that other collections cost anyway."""
    for feed in connector.feeds:
        if isinstance(feed, Basis) and collection.name in feed.fills:
            return feed.costs(collection.name)
    if connector.feeds and not any(collection.name in feed.fills for feed in connector.feeds):
        return Cost("none", "none", "none")
    own = next((feed for feed in listings(connector) if feed.name == collection.name), None)
    shown = [(feed, child) for feed in listings(connector) for child in _into(feed.collection, collection.name)]
    changes = next((feed for feed in change_feeds(connector) if collection.name in feed.fills), None)
    if changes and changes.name == collection.name:
        each = f"1 per {changes.limit} rows"
        return Cost(each, each, f"1, for all that {changes.path} tells")
    if own:
        change, idle = _kept(own, changes)
        first = [f"1 per {own.limit} rows, at least 1"]
    elif shown:
        change, idle = f"0 beside {_names(shown)}", "0"
        first = [] if all(not child.path for _, child in shown) else [f"0 beside {_names(shown)}"]
    else:
        return Cost("as its own feed asks", "as its own feed asks", "as its own feed asks")
    limit = min((feed.limit for feed, child in shown if child.path and child.url), default=0)
    if limit:
        first.append(f"1 per further {limit} of a list that shows less than it has")
    for feed, child in shown:
        if not child.path:
            first.append(f"1 per {_one(feed)}, more where there are over {feed.limit}")
            change = f"1 per new or changed {_one(feed)}"
        elif child.url and child.expand and not child.announced:
            change = f"1 per changed {_one(feed)}"
    return Cost("; ".join(first), change, idle)


def listings(connector: Connector) -> Iterator[Listing]:
    """The connector's lists."""
    return (feed for feed in connector.feeds if isinstance(feed, Listing))


def change_feeds(connector: Connector) -> Iterator[Changes]:
    """The connector's change feeds."""
    return (feed for feed in connector.feeds if isinstance(feed, Changes))


def first_sync(connector: Connector, selected: Names[str], rows: Mapping[str, int]) -> int:
    """Calls of a first sync of an account of so many ``rows`` per collection, lists that show too little left aside.

    Lists that are read side by side cost up to half a page more for each part.
    """
    calls = 1  # whose account it is
    for feed in listings(connector):
        if _wanted(feed, selected):
            calls += pages(rows.get(feed.name, 0), feed.limit)
        calls += sum(rows.get(feed.name, 0) for child in feed.collection.children if _apart(child, selected))
    for changes in change_feeds(connector):
        if set(changes.fills) & set(selected):
            calls += pages(rows.get(changes.name, 0) if changes.name in selected else 0, changes.limit)
    return calls


def idle_sync(connector: Connector, selected: Names[str], rows: Mapping[str, int], *, due: bool) -> int:
    """Calls of a sync that finds nothing new; with ``due`` of one whose lists' cadence has not come."""
    calls = sum(1 for changes in change_feeds(connector) if set(changes.fills) & set(selected))
    for feed in listings(connector):
        if not _wanted(feed, selected):
            continue
        whole = pages(rows.get(feed.name, 0), feed.limit)
        again = feed.keep == "relist" or feed.silent
        if again and not due and whole <= CHEAP:
            calls += whole
        elif feed.keep == "tail" or (feed.silent and not due):
            calls += 1
    return calls


def pages(rows: int, limit: int) -> int:
    """Calls to read a list of so many rows: an empty one must be asked for, too."""
    return max(1, -(-rows // limit))


def _kept(feed: Listing, changes: Changes | None) -> tuple[str, str]:
    """What an own list costs after the first sync: for a change, and for nothing new."""
    told = f"1 per {changes.limit} events, shared by all collections" if changes else ""
    again = f"the whole list every {_span(feed.cadence)}"
    if feed.keep == "relist":
        return "0 beside its list", f"`sync` reads the whole list while that takes at most {CHEAP} calls, else {again}"
    if feed.keep == "tail":
        return f"1 per {feed.limit} new or unsettled rows", "1"
    if feed.silent:
        now = f"`sync` reads the whole list while that takes at most {CHEAP} calls, else its newest rows with 1"
        return told, f"`sync --due` 0, and {again}; {now}"
    return told, "0"


def _into(parent: Collection, name: str) -> list[Child]:
    return [child for child in parent.children if name in child.collections()]


def _names(shown: list[tuple[Listing, Child]]) -> str:
    return " and ".join(dict.fromkeys(feed.name for feed, _ in shown))


def _one(feed: Listing) -> str:
    """What one object of a list is called."""
    return (feed.collection.object or feed.name).replace(".", " ").replace("_", " ")


def _wanted(feed: Listing, selected: Names[str]) -> bool:
    return any(name in selected for name in feed.fills)


def _apart(child: Child, selected: Names[str]) -> bool:
    """Whether a child is read by a call of its own for every parent."""
    return not child.path and any(name in selected for name in child.collections())


def _span(micros: int) -> str:
    days, rest = divmod(micros, DAY)
    if rest:
        return f"{micros // (DAY // 24)} hours"
    return "day" if days == 1 else f"{days} days"
