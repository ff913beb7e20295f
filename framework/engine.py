"""Runs one source: opens its feeds, reads their slices side by side, and commits rows and marks together."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from framework import gap, lacking, resync
from framework.appearing import Appearing
from framework.choice import affordable, ready, together
from framework.committer import Pending, Writer, Written
from framework.connector import Access, Connector
from framework.errors import Kind, Refused, SourceError, Stopped
from framework.feed import Pass, Slice, View
from framework.holding import Holding
from framework.http import Door
from framework.identity import Remembered, recognise
from framework.limits import Later
from framework.order import Order
from framework.remedy import read_again
from framework.report import Fault, SourceReport
from framework.shapes import Shapes
from framework.sweep import sweep
from framework.verdict import LOST, blame, conclude, fault_of, met
from framework.warehouse import Commit, Warehouse
from framework.workers import Fetched, Task, Workers

KEEPS = (SourceError, Refused, Stopped)  # errors after which what was read is sound, and kept
DROPPED = (Kind.PERMISSION, Kind.UNAVAILABLE, Kind.BUG, Kind.CURSOR)  # asking the same again would not help


class Engine:
    """One run of one source. ``run`` returns when every feed has closed a pass that this run opened.

    ``progress`` is called after each page and commit with the report so far; ``saved`` after each commit.
    """

    def __init__(
        self,
        connector: Connector,
        access: Access,
        order: Order,
        warehouse: Warehouse,
        door: Door,
        report: SourceReport,
        stop: threading.Event,
        log: Callable[..., None],
        progress: Callable[[SourceReport], None],
        saved: Callable[[SourceReport], None],
        per_second: tuple[float, float],
    ) -> None:
        self.report = report
        self._connector = connector
        self._access = access
        self._order = order
        self._warehouse = warehouse
        self._door = door
        self._stop = stop
        self._log = log
        self._progress = progress
        self._saved = saved
        self._out: queue.SimpleQueue[list[Fetched] | Written] = queue.SimpleQueue()
        self._codec = warehouse.codec()
        self._pending = Pending(self._codec, warehouse.pace)
        self._writer = Writer(warehouse, self._out)
        self._workers = Workers(door, self._codec, self._out, per_second[0], connector.bundle)
        self._per_endpoint = per_second[1]
        self._holdings: dict[str, Holding] = {}
        self._tables: dict[str, str] = {}
        self._view = View(order.selected, self._tables, start=order.start, due=order.due, run=order.run_id)
        self._view.glance = self._codec.glance
        self._view.version, self._view.excluded = connector.version, order.excluded
        self._faults = dict(order.missing)  # collection -> the refusal that concerns it
        self._unavailable = {name for name, fault in order.missing.items() if fault.kind == "config"}
        self._dirty: set[str] = set()
        self._committed_at = time.monotonic()
        self._error: Exception | None = None

    def run(self) -> SourceReport:
        """Never raises for what a source or warehouse does: the report tells. Raises only our own defects."""
        try:
            self._load()
            self._introduce()
            self._open()
            self._loop()
        except Exception as error:
            self._fail(error)
        try:
            if self._error is None or isinstance(self._error, KEEPS):
                self._flush()
        except Exception as error:
            self._fail(error)
        finally:
            self._workers.close()
            self._writer.close()
            self._door.close()
        self._measure()
        conclude(self.report, self._holdings, self._tables, self._faults, self._unavailable)
        return self.report

    # -- opening ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        stored = self._warehouse.load()
        self._tables.update(stored.tables)
        for feed in self._connector.feeds:
            self._holdings[feed.name] = Holding.of(feed, stored.feeds.get(feed.name))
        self._account = Remembered(stored.feeds.get(Remembered.FEED))
        self._door.after(self._account.account.latest)
        self._shapes = Shapes(stored.feeds.get(Shapes.FEED))
        changed = self._shapes.compared(self._connector, self._order, self._tables, resync.versions(self._holdings))
        asked = ((read_again(changed), 0), (self._order.again, self._order.since))
        noted = self._shapes.dirty | resync.raised(self._connector, self._holdings, stored.feeds, asked)
        self._appearing = Appearing(stored, self._codec, self._connector, self._order, self._holdings)
        others = (self._account, self._shapes, self._appearing)
        self._others: dict[str, Remembered | Shapes | Appearing] = {one.FEED: one for one in others}
        noted |= {
            name for name, h in self._holdings.items() if not h.again and lacking.note(h.feed, h.state, self._view)
        }
        self._noted = noted  # written once an answer came: a refused key changes nothing
        self.report.leave(stored.tables, self._order.chosen)
        self.report.resumed = sum(holding.narrow(self._order.selected) for holding in self._holdings.values()) > 0

    def _introduce(self) -> None:
        """Asks whose data the credential opens when it is a new one, and learns the vendor's time when it must."""
        self._view.relist = frozenset() if self._order.due else affordable(self._listings())
        opening = [h.state.open or self._due(h) for h in self._listings()]
        first = any(opened and opened.why in ("first", "gap", "probe") for opened in opening)
        if self._account.account.fingerprint != self._access.fingerprint or first:
            self._recognise()
        self._view.born = self._account.account.born

    def _recognise(self) -> None:
        known = self._account.account
        found, self._view.now = recognise(self._connector, self._access, known, self._order.source, self._door)
        if found != known:
            self._account.account = found
            self._dirty.add(Remembered.FEED)

    def _open(self) -> None:
        """Opens the listings, pins the change feeds for what they will fill, and makes that durable before any page."""
        if not self._view.now:
            self._learn_time()
        self._dirty |= self._noted | self._appearing.note(self._view)
        self._notice_gap()
        for holding in self._listings():
            if not holding.state.open and (opened := self._due(holding)):
                self._begin(holding, opened)
        for holding, again in resync.due(self._holdings, self._view):
            self._begin(holding, again)
        wanted = self._shapes.tables(self._connector, self._order, self._tables)
        if wanted or self._shapes.changes or any(h.fresh and (h.filling or h.again) for h in self._holdings.values()):
            self._commit(wanted)
            self._await_writer()

    def _learn_time(self) -> None:
        """The first answer of a change feed, or of a list to be read anyway, tells the vendor's time.

        So an idle run needs no call for it. A catalogue that was asked for just now has told it already.
        """
        if self._door.meter.calls:
            self._view.now = self._door.now()
        for holding in (*self._changes(), *self._listings()):
            if self._view.now:
                return
            if not holding.feed.listing:
                self._open_changes(holding)
            elif not holding.state.open and (opened := self._due(holding)):
                self._begin(holding, opened)
            if first := next(holding.waits(), None):
                self._submit(*self._bundled((holding, first)))
                while holding.flying and not self._view.now:
                    self._handle(self._out.get())
        if not self._view.now:
            self._recognise()

    def _notice_gap(self) -> None:
        """Lists again what a change feed can no longer bring up to date: the vendor has dropped the changes since."""
        if lost := gap.noticed(self._listings(), self._changes(), self._view, self.report):
            self._dirty |= {h.feed.name for h in self._listings() if lost & set(h.feed.fills)}
            message = "the vendor no longer keeps these changes: listing again"
            self._log("gap", collections=sorted(lost), message=message)

    def _due(self, holding: Holding) -> Pass | None:
        return holding.feed.due(holding.state, self._view)

    def _begin(self, holding: Holding, opened: Pass) -> None:
        holding.begin(opened, self._view)
        self._dirty.add(holding.feed.name)
        if not holding.filling:
            return
        # Changes count from now on; but a table that stays as it is still needs the deletions since its mark, also one
        # of which an earlier listing read only a part.
        self._dirty |= {h.feed.name for h in self._changes() if h.pin(opened, self._tables, self._view.now)}

    def _open_changes(self, holding: Holding) -> None:
        """A change feed fills what its listings have filled: collections whose base is complete."""
        filled = [(n, table) for h in self._listings() for n, table in h.state.tables.items()]
        ready = {n for n, table in filled if table == self._tables.get(n)}
        listed = {n for h in self._listings() for n in h.feed.fills}
        own = {n for n in holding.feed.fills if n not in listed}
        self._view.ready = frozenset((ready | own) & self._order.selected) - self._view.refused
        if not holding.state.open and not holding.failed and not holding.done and (opened := self._due(holding)):
            self._begin(holding, opened)

    def _listings(self) -> list[Holding]:
        return [h for h in self._holdings.values() if h.feed.listing and not h.again]

    def _changes(self) -> list[Holding]:
        return [h for h in self._holdings.values() if not h.feed.listing and not h.again]

    # -- the loop ---------------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while True:
            if self._stop.is_set():
                raise Stopped
            # All lists are swept with one look at the warehouse, when none has more to read.
            more = any(next(h.waits(), None) for h in self._holdings.values())
            idle = not (self._workers.busy or self._writer.busy or more)
            ended = [h for h in self._holdings.values() if h.ended and (idle or not h.sweeps)]
            if unseen := [h for h in ended if h.sweeps]:
                if not self._pending.empty:
                    self._flush()
                self._faults.update(sweep(unseen, self._warehouse, self._order, self._pending))
            for holding in ended:
                if not holding.state.slices:
                    self._end(holding)
            if not any(h.filling for h in self._listings()):
                for holding in self._changes():
                    self._open_changes(holding)
            self._dispatch()
            if self._workers.busy or self._writer.busy:
                self._handle(self._next())
            elif until := min((h.later for h in self._holdings.values() if h.later), default=0.0):
                self._rest(until)
            elif not any(h.ended for h in self._holdings.values()) and not self._seek():
                return

    def _seek(self) -> bool:
        """When all else is read: opens what asks stored rows for columns that have appeared, if anything is to ask."""
        self._dirty |= self._appearing.note(self._view)
        if not (names := self._appearing.waiting(self._holdings, self._view)):
            return False
        self._flush()
        asked = self._appearing.ask(names, self._holdings, self._view, self._warehouse)
        self._dirty |= {Appearing.FEED, *(holding.feed.name for holding in asked)}
        return sum(self._again(holding) for holding in asked) > 0

    def _rest(self, until: float) -> None:
        """Nothing can be asked before a slice's own time: a job at the vendor goes on meanwhile."""
        if self._stop.wait(max(0.01, min(until - time.time(), 0.5))):
            raise Stopped
        self._progress(self.report)

    def _next(self) -> list[Fetched] | Written:
        while True:
            try:
                return self._out.get(timeout=0.5)
            except queue.Empty:
                if self._stop.is_set():
                    raise Stopped from None
                self._progress(self.report)
                quiet = time.monotonic() - max(self._door.meter.active, self._committed_at)
                if quiet > self._order.stall_s and not self._writer.busy:
                    raise SourceError(
                        "timeout",
                        f"nothing moved for {quiet:.0f} s",
                        "Check the network; `catchment sync` goes on from here. `timeouts.stall` sets the bound.",
                    ) from None

    def _dispatch(self) -> None:
        if not self._writer.busy and self._pending.due(time.monotonic(), self._committed_at):
            self._commit()
        if self._pending.full:
            return  # the writer is behind: let the calls under way come in, ask for no more
        cap = self._workers.cap(self._per_endpoint)
        holdings = self._holdings.values()
        while self._workers.busy < self._workers.want and (found := ready(holdings, cap)):
            self._submit(*self._bundled(found))

    def _bundled(self, found: tuple[Holding, Slice]) -> Sequence[tuple[Holding, Slice]]:
        """What goes in one call with a slice."""
        bundle = self._connector.bundle
        return together(found, self._holdings.values(), bundle, self._view) if bundle else (found,)

    def _submit(self, *chosen: tuple[Holding, Slice]) -> None:
        for holding, slice_ in chosen:
            holding.flying[slice_["id"]] = slice_
        waiting = sum(h.waiting for h in self._holdings.values())
        self._view.spare = max(0, self._workers.slices - self._workers.busy - 1 - waiting)
        self._workers.submit([Task(holding.feed, slice_, holding.state, self._view) for holding, slice_ in chosen])

    def _handle(self, message: list[Fetched] | Written) -> None:
        if isinstance(message, Written):
            self._written(message)
        else:
            self._workers.busy -= 1
            for fetched in message:
                self._fetched(fetched)
        self._progress(self.report)

    def _fetched(self, message: Fetched) -> None:
        holding = self._holdings[message.task.feed.name]
        slice_ = message.task.slice_
        if not holding.landed(slice_):
            return  # its pass was given up meanwhile
        if isinstance(message.error, Later):
            holding.postpone(slice_, message.error.at)
            return
        if message.error is not None:
            self._refused(holding, slice_, message)
            return
        self._view.now = max(self._view.now, message.asked)
        if not holding.state.open:
            return  # its feed was refused meanwhile: what came late is left
        if not holding.state.open.opened:
            holding.state.open.opened = message.asked
        if holding.sought:
            self._appearing.look(holding, slice_, message, self._warehouse, self._await_writer)
        holding.replace(slice_, message.step.slices)
        holding.seen.add(message.step.seen)
        holding.feed.note(holding.state, message.step)
        if message.step.lost:
            for name in holding.feed.blames(slice_, self._view):
                self._faults.setdefault(name, Fault("upstream", message.step.lost, LOST))
        self._pending.add(message)
        self._dirty.add(holding.feed.name)

    def _refused(self, holding: Holding, slice_: Slice, message: Fetched) -> None:
        error = message.error
        if isinstance(error, Stopped) or self._error is not None:
            return  # the run is over: what fails now adds nothing, and must not keep what was read from its commit
        if not isinstance(error, Refused):
            raise error or AssertionError
        if error.kind in (Kind.AUTH, Kind.SESSION, Kind.QUOTA):
            raise error
        feed, filling = holding.feed, holding.state.open is not None and holding.state.open.why == "fill"
        error = met(error, slice_, filling=filling)
        if error.kind is Kind.GONE and slice_["kind"] == "get":
            message.step.gone += feed.gone(slice_, self._view.now)
        replaced = feed.refused(slice_, error, self._view)
        bare = any(new.get("bare") for new in replaced or ())  # a part is refused, what else there is goes on
        blamed = feed.bare(self._view) if bare else feed.blames(slice_, self._view) if replaced is None else ()
        if blamed:
            self._log("refused", feed=feed.name, kind=error.kind, status=error.http_status, message=str(error))
            own = bare or not filling  # a filling that is refused is put off as a whole
            self._blame(holding, blamed, error, exclude=own and (feed.listing or slice_["kind"] != "list"))
        if replaced is None and not filling and error.kind not in DROPPED:
            holding.failed = True  # its slices stay: the next run goes on from them
            return
        self._dirty.add(feed.name)
        if replaced is not None:
            holding.replace(slice_, list(replaced))
            self._pending.add(message)
        elif filling:
            if holding.put_off(self._view):
                self._again(holding)
        elif slice_["kind"] != "list":
            holding.replace(slice_, [])
            if error.kind is not Kind.BUG:
                holding.forget(slice_)
        else:
            holding.drop()

    def _blame(self, holding: Holding, names: Iterable[str], error: Refused, *, exclude: bool) -> None:
        """Reports a refusal on what it concerns; another list that fills the same collection goes on doing so."""
        fault = fault_of(error, self._connector.permission_hint)
        blame(self._order.selected & set(names), error.kind, fault, self._faults, self._unavailable)
        if error.kind in DROPPED and exclude:
            holding.deny(names)
            others = {n for h in self._listings() if h is not holding for n in h.feed.fills}
            self._view.refused |= frozenset(names) - others

    # -- ends and commits -------------------------------------------------------------------------------------------

    def _end(self, holding: Holding) -> None:
        """Closes a pass that has no slice left, or finds more to read in the rows that it did not see."""
        here, why = holding.fresh, holding.state.open.why if holding.state.open else ""
        self._dirty |= {holding.feed.name, *resync.reach(holding, self._holdings, self._view)}
        self._dirty |= self._appearing.note(self._view)
        self._appearing.ended(holding)
        holding.close(self._view)
        if not (holding.goes_on(why, here) and self._again(holding)):
            holding.done = here or holding.again

    def _again(self, holding: Holding) -> bool:
        """Opens another pass of a feed, if one is due."""
        if again := self._due(holding):
            self._begin(holding, again)
        return again is not None

    def _commit(self, tables: Iterable[Any] = ()) -> None:
        decoded, gone, closed, live = self._pending.take()
        self._dirty |= self._appearing.note(self._view)
        feeds = {}
        if self._account.asked(self._view.now):
            self._dirty.add(Remembered.FEED)
        for name in sorted(self._dirty):
            holding = self._others.get(name) or self._holdings[name]
            feeds[name] = (holding.rev, holding.encode())
            holding.rev += 1
        self._dirty.clear()
        changes = [*(self._shapes.take() if Shapes.FEED in feeds else ()), *self._appearing.take()]
        run, met = self._order.run_id, self._appearing.met
        self._writer.submit(
            Commit(tuple(tables), feeds, decoded, gone, closed, live, run=run, changes=changes, met=met)
        )

    def _await_writer(self) -> None:
        while self._writer.busy:
            self._handle(self._out.get())

    def _flush(self) -> None:
        self._await_writer()
        if self._dirty or not self._pending.empty:
            self._commit()
            self._await_writer()

    def _written(self, message: Written) -> None:
        self._writer.busy = False
        self._committed_at = time.monotonic()
        if message.error is not None:
            raise message.error
        if message.done:
            self._tables.update(message.done.tables)
            for name, counts in message.done.counts.items():
                if name in self.report.collections:
                    self.report.collections[name].counts.add(counts)
        self._measure()
        self._saved(self.report)

    def _measure(self) -> None:
        meter = self._door.meter
        self.report.api_calls, self.report.rate_limited = meter.calls, meter.rate_limited
        self.report.waited_s, self.report.feeds = meter.waited, Counter(meter.by_feed)

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._stop.set()  # calls that wait give up; none is sent any more
        fault = fault_of(error, self._connector.permission_hint)
        if fault.kind == "internal":
            self._log("defect", trace="".join(traceback.format_exception(error)))
        self.report.error = self.report.error or fault
        self._log("stopped", kind=fault.kind, message=fault.message)
