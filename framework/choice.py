"""What a run reads next: which lists it affords to read again, which slice goes first, and what goes in one call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from framework.bundle import Bundle
from framework.feed import CHEAP, Slice, View
from framework.holding import Holding, pages_left

FOLLOW_UPS = 500  # slices of one feed that may wait before its lists pause: its document stays far below 1 MB
SPARE_CALLS = 5  # calls beyond one for each list that only shows its changes when it is read again


def affordable(listings: Sequence[Holding]) -> frozenset[str]:
    """The lists that are read again because somebody wants *now*.

    Of those whose changes nothing else shows, each that costs at most ten calls. Of those whose changes are mostly
    told, the cheapest, about one call each: ten pages are worth it once, not for ten such lists at every sync.
    """
    costs = sorted((h.feed.cost(h.state), h.feed.name) for h in listings if not h.feed.sole)
    costs = [(cost, name) for cost, name in costs if 0 < cost <= CHEAP]
    left = len(costs) + SPARE_CALLS
    chosen = {h.feed.name for h in listings if h.feed.sole and 0 < h.feed.cost(h.state) <= CHEAP}
    for cost, name in costs:
        left -= cost
        if left >= 0:
            chosen.add(name)
    return frozenset(chosen)


def ready(holdings: Iterable[Holding], cap: int) -> tuple[Holding, Slice] | None:
    """What keeps tables up to date goes before what reads them again. Of either follow-ups first, so that documents
    stay small; then lists that must be read in one chain, for they end last; then the slice with the most pages left,
    so that all end together.
    """
    best: tuple[tuple[bool, bool, bool, float, int], Holding, Slice] | None = None
    for holding in holdings:
        if holding.failed or not holding.state.open or len(holding.flying) >= cap:
            continue
        found = holding.ready(FOLLOW_UPS)
        if found is None:
            continue
        later = found["kind"] == "list", not holding.feed.chained, -pages_left(found), len(holding.flying)
        rank = (holding.again, *later)
        if best is None or rank < best[0]:
            best = (rank, holding, found)
    return best and best[1:]


def together(
    first: tuple[Holding, Slice], holdings: Collection[Holding], bundle: Bundle, view: View
) -> list[tuple[Holding, Slice]]:
    """A slice and all other ready ones that go in one call with it."""
    requests = [first[0].feed.request(first[1], view)]
    chosen = [first]
    if not bundle.fits(requests):
        return chosen
    for holding in holdings:
        if holding.failed or not holding.state.open:
            continue
        for slice_ in holding.waits():
            request = holding.feed.request(slice_, view)
            if slice_ is not first[1] and bundle.fits([*requests, request]):
                requests.append(request)
                chosen.append((holding, slice_))
    return chosen
