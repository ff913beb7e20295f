"""What a whole listing did not show: rows that may be gone, proved one by one, and a brake on mass deletions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from framework.report import Fault
from framework.sight import Gone
from framework.warehouse import Unseen, Warehouse

if TYPE_CHECKING:
    from framework.committer import Pending
    from framework.holding import Holding
    from framework.order import Order

SHARE, ROWS = 0.2, 100  # the brake: more than a fifth of a table and more than a hundred rows
AT_ONCE = 400  # reads by id that are ordered together


def sweep(holdings: Sequence[Holding], warehouse: Warehouse, order: Order, pending: Pending) -> dict[str, Fault]:
    """Orders what the absent rows of finished whole passes need; returns what the brake holds, by collection.

    A list that is declared complete proves a deletion by itself; otherwise each absent row is read by id.
    What reads a collection again has bounds of its own, so it is looked at apart.
    """
    apart = [holding for holding in holdings if holding.again]
    if 0 < len(apart) < len(holdings):
        usual = [holding for holding in holdings if not holding.again]
        return sweep(usual, warehouse, order, pending) | sweep(apart, warehouse, order, pending)
    wanted = {}
    for holding in holdings:
        own = holding.feed.fills[0]
        if holding.state.open and own in order.selected:
            notes = holding.state.open.notes
            start = notes.get("start", order.start) if holding.feed.bounded else 0
            since = max(start, notes.get("since", 0))
            wanted[own] = Unseen(holding.feed.absent(holding.state), since)
    found = warehouse.absent(wanted) if wanted else {}
    held: dict[str, Fault] = {}
    for holding in holdings:
        # A list that is read for its members' sake alone has no rows to miss.
        absent = [key for key in found.get(holding.feed.fills[0], ()) if key not in holding.seen]
        held |= _sweep(holding, absent, warehouse, order, pending)
    return held


def _sweep(
    holding: Holding, absent: Sequence[str], warehouse: Warehouse, order: Order, pending: Pending
) -> dict[str, Fault]:
    feed, name, opened = holding.feed, holding.feed.fills[0], holding.state.open
    before = feed.absent(holding.state)
    if opened is None:
        return {}
    live = warehouse.live_rows(name) if len(absent) > ROWS else 0
    if len(absent) > max(ROWS, SHARE * live) and name not in order.accept_deletes:
        opened.notes |= {"swept": True, "held": True}
        message = f"{len(absent)} of {live} rows are no longer listed; none was marked as deleted"
        hint = f"If that is right: catchment sync --accept-deletes {order.source}.{name}"
        return {name: Fault("data", message, hint)}
    if feed.complete:
        pending.gone += [Gone(name, key, before) for key in absent]
    else:
        for n in range(0, min(len(absent), AT_ONCE), feed.by_id):
            keys = list(absent[n : min(n + feed.by_id, AT_ONCE)])
            id_ = f"get/{keys[0]}"
            holding.state.slices[id_] = {"id": id_, "kind": "get", "key": keys[0], "v": before}
            if len(keys) > 1:
                holding.state.slices[id_]["keys"] = keys
    if feed.complete or len(absent) <= AT_ONCE:
        opened.notes["swept"] = True
    return {}
