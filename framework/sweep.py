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
        if holding.state.open:
            notes = holding.state.open.notes
            start = notes.get("start", order.start) if holding.feed.bounded else 0
            since = max(start, notes.get("since", 0))
            wanted[holding.feed.fills[0]] = Unseen(holding.feed.absent(holding.state), since, holding.seen)
    found = warehouse.absent(wanted) if wanted else {}
    held: dict[str, Fault] = {}
    for holding in holdings:
        held |= _sweep(holding, found.get(holding.feed.fills[0], ()), warehouse, order, pending)
    return held


def _sweep(
    holding: Holding, absent: Sequence[str], warehouse: Warehouse, order: Order, pending: Pending
) -> dict[str, Fault]:
    feed, name, opened = holding.feed, holding.feed.fills[0], holding.state.open
    before = feed.absent(holding.state)
    if opened is None:
        return {}
    # A list that is read for its members' sake alone tells of those that they name.
    told = [name] if name in order.selected else [one for one in feed.fills if one in order.selected]
    live = warehouse.live_rows(name) if len(absent) > ROWS else 0
    if len(absent) > max(ROWS, SHARE * live) and not order.accept_deletes.issuperset(told):
        opened.notes |= {"swept": True, "held": True}
        whose = "rows" if name in told else f"{name} that its rows belong to"
        message = f"{len(absent)} of {live} {whose} are no longer listed; none was marked as deleted"
        named = " ".join(f"{order.source}.{one}" for one in told)
        fault = Fault("data", message, f"If that is right: catchment sync --accept-deletes {named}")
        return dict.fromkeys(told, fault)
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
