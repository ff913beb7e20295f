"""Columns that nobody declared and that appear once a table is full: whether stored rows lack them.

A field that no row had before may be one that the vendor shows in some rows only, in new ones only, or in all from now
on. One page of rows as they are now tells: when rows that have not changed since show it, they are read again, as
columns are that rows lack (lacking.py); when they do not, there is nothing to fill. It is asked once for each column
and list. Where a run reads a whole list anyway, that has asked already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Names
from typing import TYPE_CHECKING, Any

import msgspec

from framework import lacking, remedy, rows, young
from framework.feed import CHEAP, Pass, Slice, State, Step, View
from framework.generation import PREFIX, Again
from framework.naming import parts
from framework.remedy import Change
from framework.warehouse import Codec, Stored, Warehouse

if TYPE_CHECKING:
    from framework.connector import Connector
    from framework.holding import Holding
    from framework.order import Order
    from framework.workers import Fetched

FEW = 100  # rows that one page of any list shows

Holdings = Mapping[str, "Holding"]


class Known(msgspec.Struct):
    """The fields of a collection that nobody declared.

    ``settled``: stored rows were read with them, or were asked for them. ``met``: those that came once the table was
    full, each with the commit (microseconds) up to which rows were stored without it.
    """

    settled: list[str] = []
    met: dict[str, int] = {}


class Appearing:
    """The document of such fields, kept beside the feeds' marks and moved with the rows that teach them."""

    FEED = "_fields"

    def __init__(self, stored: Stored, codec: Codec, connector: Connector, order: Order, holdings: Holdings) -> None:
        document = stored.feeds.get(self.FEED)
        self.rev = document.rev if document else 0
        self.changes: list[Change] = []
        self._known = msgspec.json.decode(document.document, type=dict[str, Known]) if document else {}
        self._codec, self._connector, self._at = codec, connector, stored.at
        self._seen: dict[str, Mapping[str, str]] = {}
        wanted = order.selected - set(order.missing)
        self._names = [c.name for c in connector.collections if c.kind == "object" and c.name in wanted]
        self._full = {name for name in self._names if _full(name, holdings, stored.tables)}
        self._new = {name for name in self._names if name not in stored.tables}
        for name in self._names:
            if name in self._new and (known := self._known.get(name)):  # it is filled anew, with all that there is
                self._known[name] = Known([*known.settled, *known.met])
            elif name not in self._known and (fields := codec.undeclared(name)):  # never noted: taken as it is
                self._known[name] = Known(list(fields))

    def encode(self) -> str:
        return msgspec.json.encode(self._known).decode()

    @property
    def met(self) -> dict[str, Names[str]]:
        """The fields that stored rows may lack, by collection."""
        return {name: known.met for name, known in self._known.items() if known.met}

    def take(self) -> list[Change]:
        """The changes that the next commit tells of, once."""
        taken, self.changes = self.changes, []
        return taken

    def note(self, view: View) -> set[str]:
        """Takes what pages have taught the loader: of a table that this run has made, all rows are read with it.

        Not so where an earlier run has filled a part of it. Returns the documents that this changed. It must be durable
        with the first row that has a field. Feeds are told which collections have columns that stored rows may lack.
        """
        changed = False
        for name in self._names:
            fields = self._codec.undeclared(name)
            if fields is self._seen.get(name):
                continue
            self._seen[name] = fields
            known = self._known.get(name) or Known()
            if news := [field for field in fields if field not in known.settled and field not in known.met]:
                changed, self._known[name] = True, known
                if name in self._new:
                    known.settled += news
                else:
                    known.met |= dict.fromkeys(news, self._at)
        view.met = frozenset(name for name in self.met if name in self._full and self._columns(name))
        return {self.FEED} if changed else set()

    # -- asking -----------------------------------------------------------------------------------------------------

    def waiting(self, holdings: Holdings, view: View) -> list[str]:
        """The collections with columns that stored rows are to be asked for, by lists that have nothing else to do."""
        found = []
        for name in self._full if any(known.met for known in self._known.values()) else ():
            lists = _lists(name, holdings)
            if self._columns(name) and lists and all(_free(holding, holdings, name, view) for holding in lists):
                found.append(name)
        return sorted(found)

    def ask(self, names: Sequence[str], holdings: Holdings, view: View, warehouse: Warehouse) -> list[Holding]:
        """Has these collections asked for their columns; the lists that are to do so, their documents changed.

        All rows that are known so far are committed.
        """
        asked = []
        for name in names:
            columns, known = self._columns(name), self._known[name]
            lists = [holding for holding in _lists(name, holdings) if name not in _read(holding, holdings)]
            old = warehouse.untouched(name, max(known.met[field] for field in columns.values())) if lists else {}
            if not old and warehouse.live_rows(name) > FEW:
                lists = []  # all that many rows have come again since
            lists = lists or [one for one in _lists(name, holdings) if _late(one, name, columns, view, warehouse)]
            for column, field in columns.items():
                since = known.met.pop(field)
                known.settled.append(field)
                for holding in lists:
                    _lacks(holding.state, name, column, [field, since, max(old.values(), default=0)])
                if not lists:
                    self.changes.append(remedy.sought(name, column, "read"))
            asked += [holding for holding in lists if holding not in asked]
        return asked

    def _columns(self, name: str) -> dict[str, str]:
        """The columns that wait, with their fields: one that was only ever null is none yet."""
        fields, met = self._codec.undeclared(name), (self._known.get(name) or Known()).met
        return {column: field for field, column in fields.items() if column and field in met}

    def look(
        self, holding: Holding, slice_: Slice, found: Fetched, warehouse: Warehouse, settle: Callable[[], None]
    ) -> None:
        """Takes what a page shows of columns that its pass is to fill. ``settle``: waits while anything is written."""
        if holding.young is None or doubted(holding.state):
            settle()
        if doubted(holding.state):
            self._judge(holding, slice_, found.step, warehouse)
        young.mend(holding, found, self._connector, self._codec, warehouse)

    def _judge(self, holding: Holding, slice_: Slice, step: Step, warehouse: Warehouse) -> None:
        """Looks at rows that have not changed since, and ends a pass that has nothing to fill."""
        state, opened = holding.state, holding.state.open
        assert opened is not None
        for name in list(opened.notes["columns"]):
            shown = dict(rows.shown(self._connector, name, step))
            old: dict[int, Names[str]] = {}
            for column in list(opened.notes["columns"][name]):
                field, since, _ = state.memory["appeared"][name][column]
                if since not in old:
                    old[since] = warehouse.untouched(name, since, list(shown)) if shown else ()
                if any(_shows(shown[key], parts(field)) for key in old[since]):
                    state.memory["appeared"][name][column] = []
                    self.changes.append(remedy.sought(name, column, "shown"))
                elif old[since]:
                    _forget(state, opened, name, column)
                    self.changes.append(remedy.sought(name, column, "hidden"))
        if not opened.notes["columns"]:
            opened.notes["enough"] = True
            step.slices.clear()
            state.slices = {slice_["id"]: slice_}

    def ended(self, holding: Holding) -> None:
        """Tells what a pass has filled that ends now."""
        opened, memory = holding.state.open, holding.state.memory
        if opened is None or "appeared" not in memory:
            return
        for name, columns in opened.notes.get("columns", {}).items():
            for column in columns:
                if (told := memory["appeared"].get(name, {}).pop(column, None)) is not None:
                    self.changes.append(remedy.sought(name, column, "read") if told else remedy.filled(name, column))
        memory["appeared"] = {name: columns for name, columns in memory["appeared"].items() if columns}
        if not memory["appeared"]:
            del memory["appeared"]


def doubted(state: State) -> bool:
    """Whether the open pass fills nothing but columns that stored rows may not show at all."""
    if state.open is None or state.open.why != "fill":
        return False
    columns, appeared = state.open.notes.get("columns", {}), state.memory.get("appeared", {})
    told = [appeared.get(name, {}).get(column) for name, these in columns.items() for column in these]
    return bool(told) and all(told)


def youngest(state: State, fill: Pass, name: str) -> int:
    """When the youngest row was created that is to be asked for the columns of a pass; 0 where nothing tells."""
    appeared = state.memory.get("appeared", {}).get(name, {})
    found = [appeared.get(column) for column in fill.notes["columns"].get(name, ())]
    return max((told[2] for told in found), default=0) if len(fill.notes["columns"]) == 1 and all(found) else 0


def _full(name: str, holdings: Holdings, tables: Mapping[str, str]) -> bool:
    """Whether all lists that may fill a table have filled it."""
    lists = _lists(name, holdings)
    return bool(lists) and all(one.state.tables.get(name) == tables.get(name, "?") for one in lists)


def _lists(name: str, holdings: Holdings) -> list[Holding]:
    """The lists that show a collection's rows whole; one that was refused shows none."""
    lists = [h for h in holdings.values() if h.feed.listing and not h.again and name in h.feed.fills]
    return [h for h in lists if name not in h.state.memory.get("denied", ()) and not lacking.named(h.feed)]


def _free(holding: Holding, holdings: Holdings, name: str, view: View) -> bool:
    """Whether a list could be asked now: nothing else is to be read of it, and it was not refused."""
    again = holdings.get(PREFIX + holding.feed.name)
    if again is not None and isinstance(again.feed, Again) and name in again.feed.pending(again.state, view):
        return False
    busy = holding.failed or holding.state.open is not None or name in view.refused
    return not busy and holding.state.memory.get("unfilled") != view.run


def _read(holding: Holding, holdings: Holdings) -> set[str]:
    """The collections that this run has read whole, by a list or by what reads it again."""
    again = holdings.get(PREFIX + holding.feed.name)
    return holding.whole | (again.whole if again else set())


def _late(holding: Holding, name: str, columns: Names[str], view: View, warehouse: Warehouse) -> bool:
    """Whether rows lack a column that are newer than a list can vouch for, one that costs little to read again."""
    if holding.feed.comparable or not 0 < holding.feed.cost(holding.state) <= CHEAP:
        return False
    return any(warehouse.lacking(name, column, view.now - holding.feed.settle) for column in columns)


def _lacks(state: State, name: str, column: str, told: list[Any]) -> None:
    left = state.memory.setdefault("left", {})
    left[name] = sorted({column, *left.get(name, ())})
    state.memory.setdefault("appeared", {}).setdefault(name, {})[column] = told


def _forget(state: State, opened: Pass, name: str, column: str) -> None:
    """Stored rows do not lack the column: no pass is to fill it."""
    for place in (opened.notes["columns"], state.memory["left"], state.memory["appeared"]):
        kept = place[name]
        kept.pop(column) if isinstance(kept, dict) else kept.remove(column)
        if not kept:
            del place[name]


def _shows(row: Any, path: Sequence[str]) -> bool:
    """Whether a row has a field, null or not."""
    for part in path:
        if not isinstance(row, dict) or part not in row:
            return False
        row = row[part]
    return True
