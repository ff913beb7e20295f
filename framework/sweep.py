"""What a whole listing did not show: rows that may be gone, proved one by one, and a brake on mass deletions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.report import Fault
from framework.sight import Gone
from framework.warehouse import Warehouse

if TYPE_CHECKING:
    from framework.committer import Pending
    from framework.engine import Order
    from framework.holding import Holding

SHARE, ROWS = 0.2, 100  # the brake: more than a fifth of a table and more than a hundred rows
AT_ONCE = 400  # reads by id that are ordered together


def sweep(holding: Holding, warehouse: Warehouse, order: Order, pending: Pending) -> dict[str, Fault]:
    """Orders what the absent rows of a finished whole pass need; returns what the brake holds.

    A list that is declared complete proves a deletion by itself; otherwise each absent row is read by id.
    """
    feed, opened = holding.feed, holding.state.open
    before = feed.absent(holding.state)
    if opened is None:
        return {}
    if feed.name not in order.selected:  # read for its lists' sake: it has no rows to miss
        opened.notes["swept"] = True
        return {}
    absent = warehouse.absent(feed.name, before, since=max(order.start, opened.notes.get("since", 0)) or None)
    live = warehouse.live_rows(feed.name)
    if len(absent) > ROWS and len(absent) > SHARE * live and feed.name not in order.accept_deletes:
        opened.notes |= {"swept": True, "held": True}
        message = f"{len(absent)} of {live} rows are no longer listed; none was marked as deleted"
        hint = f"If that is right: catchment sync --accept-deletes {order.source}.{feed.name}"
        return {feed.name: Fault("data", message, hint)}
    if feed.complete:
        pending.gone += [Gone(feed.name, key, before) for key in absent]
    else:
        for key in absent[:AT_ONCE]:
            id_ = f"get/{key}"
            holding.state.slices[id_] = {"id": id_, "kind": "get", "key": key, "v": before}
    if feed.complete or len(absent) <= AT_ONCE:
        opened.notes["swept"] = True
    return {}
