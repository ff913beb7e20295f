"""Rows that are newer than what the list of a filling vouches for: an event told of them lately.

Such an event may be older than a field, or have come while it was left out. So these rows stay as they are, but for a
column that they lack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework import page, rows
from framework.sight import Sight

if TYPE_CHECKING:
    from framework.connector import Connector
    from framework.holding import Holding
    from framework.warehouse import Codec, Warehouse
    from framework.workers import Fetched


def mend(holding: Holding, found: Fetched, connector: Connector, codec: Codec, warehouse: Warehouse) -> None:
    """Gives them the columns of the open pass that a page shows of them. All rows known so far are written."""
    opened = holding.state.open
    versions = [sight.version for sight in found.step.sights if isinstance(sight.version, int)]
    if opened is None or not versions:
        return
    if holding.young is None:
        left = [(name, column) for name, these in opened.notes["columns"].items() for column in these]
        wanted = {(name, one) for name, column in left for one in _filled_by(connector, name, column)}
        holding.young = {place: warehouse.lacking(*place, min(versions)) for place in wanted}
    for (name, column), young in holding.young.items():
        shown = rows.shown(connector, name, found.step) if young else ()
        if these := [(row, young[key]) for key, row in shown if key in young]:
            data = page.encoded([row for row, _ in these])
            sight = Sight(name, data, [version for _, version in these], columns=frozenset({column}))
            found.step.sights.append(sight)
            found.decoded.append(codec.decode(sight))


def _filled_by(connector: Connector, name: str, column: str) -> set[str]:
    """A column, and those that are taken out of the same field."""
    collection = connector.collection(name)
    declared = {one.name: tuple(one.path) for one in collection.columns} if collection else {}
    field = declared.get(column, (column,))
    return {column, *(one for one, path in declared.items() if path[: len(field)] == field)}
