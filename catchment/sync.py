"""`catchment sync`: claims sources, wires engine, warehouse and state together, and reports."""

from __future__ import annotations

import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catchment import registry, wiring
from catchment.choosing import chosen, misspelt, near, undeclared
from catchment.wiring import Target
from config import Settings, Source
from framework.engine import Engine
from framework.exclusion import Excluding, Exclusion, without
from framework.fieldview import FieldView
from framework.order import Order
from framework.report import CollectionReport, Fault, SourceReport, run_document
from framework.verdict import fault_of
from framework.warehouse import Commit, Warehouse, WarehouseError
from state import Busy, Claim, State
from state.redaction import redactor
from warehouse_loader import open_warehouse

RENEW_S = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for beside the sources."""

    due: bool = False
    wait: bool = False
    accept_deletes: bool = False
    again: bool = False  # resync
    since: int = 0  # microseconds, for resync


@dataclass(slots=True)
class Stop:
    """Ends a run from outside: a signal sets it, and every call that waits gives up."""

    events: list[threading.Event] = field(default_factory=list)
    signal: int = 0

    def set(self, signal: int) -> None:
        self.signal = signal
        for event in self.events:
            event.set()

    def event(self) -> threading.Event:
        event = threading.Event()
        self.events.append(event)
        if self.signal:
            event.set()
        return event


def targets(settings: Settings, names: Sequence[str]) -> list[Target]:
    """Resolves `SOURCE` and `SOURCE.COLLECTION` arguments (none: every source). Raises ConfigError."""
    wanted: dict[str, set[str]] = {}
    for name in names or list(settings.sources):
        source, _, collection = name.partition(".")
        wanted.setdefault(source, set()).add(collection)
    named = {source: set[str]() if "" in only else only for source, only in wanted.items()}
    return [_target(settings, source, named[source.name]) for source in settings.use(named).values()]


def _target(settings: Settings, source: Source, only: set[str]) -> Target:
    at = ("sources", source.name)
    if source.connector not in registry.names():
        hint = f"installed are: {', '.join(registry.names())}"
        raise settings.error((*at, "connector"), f"there is no connector {source.connector!r}", hint)
    connector = registry.connector(source.connector)
    try:
        access = connector.access(source.revealed())
    except ValueError as error:
        key, message, hint = error.args
        path = (*at, "credentials", key) if key in source.credentials else (*at, "credentials")
        raise settings.error(path, f"{key} {message}".strip(), hint) from None
    found = chosen(settings, source, connector)
    only = {one.name if (one := undeclared(connector, name)) else name for name in only}
    if unknown := sorted(only - found.selected):
        if found.connector.collection(unknown[0]) or undeclared(connector, unknown[0]):
            hint = "add it to `collections:`"
            raise settings.error(at, f"{source.name} does not select {unknown[0]!r}", hint, at="key")
        known = [collection.name for collection in connector.collections]
        hint = near(unknown[0], known) or f"`catchment catalog {source.connector}` lists them"
        raise settings.error(at, f"{source.connector} has no collection {unknown[0]!r}", hint, at="key")
    return Target(source, found.connector, access, frozenset(only or found.selected), found.excluded, found.selected)


class Run:
    """One run over several sources, side by side. ``progress`` gets each source's report as it grows."""

    def __init__(self, settings: Settings, state: State, options: Options, stop: Stop) -> None:
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
        self.started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.command = "resync" if options.again else "sync --due" if options.due else "sync"
        self._settings = settings
        self._state = state
        self._options = options
        self._stop = stop
        self._reports: dict[str, SourceReport] = {}
        self._saved_at = 0.0
        self._lock = threading.Lock()
        self._redact = redactor(())

    def run(
        self, targets: Sequence[Target], progress: Callable[[SourceReport], None] = lambda _: None
    ) -> dict[str, Any]:
        """Syncs the targets and returns the run's document."""
        self._state.runs.start(self.run_id, self.command)
        for target in targets:
            self._reports[target.source.name] = SourceReport(
                target.source.name,
                target.connector.name,
                {c.name: CollectionReport(c.name) for c in target.connector.collections if c.name in target.selected},
            )
        secrets = [secret for target in targets for secret in target.secrets]
        self._redact = redactor(secrets)
        with self._state.log(self.run_id, secrets) as log:
            beat = threading.Thread(target=self._beat, args=(done := threading.Event(),), daemon=True)
            beat.start()
            threads = [
                threading.Thread(
                    target=self._source, args=(target, log, progress), name=target.source.name, daemon=True
                )
                for target in targets[1:]
            ]
            for thread in threads:
                thread.start()
            if targets:
                self._source(targets[0], log, progress)
            for thread in threads:
                thread.join()
            done.set()
            document = self.document(finished=True)
            log.write("info", "finished", status=document["status"])
        self._state.runs.finish(self.run_id, document["status"], document)
        return document

    def document(self, *, finished: bool = False) -> dict[str, Any]:
        """The run's document as it stands."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if finished else None
        return run_document(self.run_id, self.started_at, now, [self._told(r) for r in self._reports.values()])

    def _told(self, report: SourceReport) -> dict[str, Any]:
        """A source's part of the document; an error may repeat what a vendor said, so secrets are masked in it."""
        document = report.document()
        for part in (document, *document["collections"]):
            if error := part["error"]:
                error |= {"message": self._redact(error["message"]), "hint": self._redact(error["hint"])}
        return document

    def _beat(self, done: threading.Event) -> None:
        """A sign of life for other processes; a run that was taken over stops."""
        while not done.wait(RENEW_S):
            if not self._state.runs.renew(self.run_id):
                self._stop.set(0)

    def _save(self, _: SourceReport) -> None:
        with self._lock:
            self._state.runs.save(self.run_id, self.document())

    def _source(self, target: Target, log: Any, progress: Callable[[SourceReport], None]) -> None:
        report = self._reports[target.source.name]
        name = target.source.name
        try:
            claim = self._claim(name, report)
            if claim is not None:
                self._sync(target, report, log, progress, claim.interrupted)
        except Exception as error:  # whatever it is, it belongs into the report, and the other sources go on
            report.error = fault_of(error, target.connector.permission_hint)
            if report.error.kind == "internal":
                log.write("error", "defect", source=name, trace="".join(traceback.format_exception(error)))
        finally:
            report.close()
            self._state.runs.release(name, self.run_id)
            progress(report)

    def _claim(self, name: str, report: SourceReport) -> Claim | None:
        stopped = self._stop.event()
        while True:
            try:
                return self._state.runs.claim(name, self.run_id, self.command)
            except Busy as busy:
                if self._options.wait and not stopped.wait(0.5):
                    continue
                report.error = Fault("busy", str(busy), "Wait for it, or use `--wait`.")
                return None

    def _sync(
        self, target: Target, report: SourceReport, log: Any, progress: Callable[[SourceReport], None], interrupted: str
    ) -> None:
        stop = self._stop.event()
        name = target.source.name

        def write(event: str, **fields: Any) -> None:
            log.write("info", event, source=name, **fields)

        def learn(secret: str) -> None:
            log.learn(secret)
            self._redact.learn(secret)

        door, gates = wiring.door(target, self._state, stop, write, learn)
        try:
            target = wiring.discovered(target, door, self._state)
        except BaseException:
            report.api_calls, report.feeds = door.meter.calls, Counter(door.meter.by_feed)
            door.close()
            raise
        source, connector = target.source, target.connector
        report.notes += _unknown(target)
        selected = [
            without(c, target.excluded.get(c.name, frozenset()))
            for c in connector.collections
            if c.name in target.selected
        ]
        carriers = [
            c
            for c in connector.collections
            if c.name not in target.selected
            and any(target.selected.intersection(child.collections()) for child in c.children)
        ]
        warehouse: Warehouse = open_warehouse(
            self._settings.warehouse, name, selected, scratch=self._scratch(), carriers=carriers
        )
        if target.excluded:
            whole = {c.name: c for c in connector.collections}
            warehouse = Excluding(warehouse, Exclusion(whole, target.excluded))
        accept = target.selected if self._options.accept_deletes else frozenset[str]()
        again = target.selected if self._options.again else frozenset[str]()
        order = Order(
            name, self.run_id, target.selected, target.start, self._options.due, accept, again, self._options.since,
            source.timeouts.stall, target.missing, target.excluded, target.chosen,
        )  # fmt: skip
        engine = Engine(connector, target.access, order, warehouse, door, report, stop, write, progress, self._save,
                        (gates.per_second, gates.per_endpoint))  # fmt: skip
        began = time.monotonic()
        engine.run()
        if report.deselected:
            write(
                "deselected", collections=report.deselected, message="no longer selected: the tables stay as they are"
            )
        write("source", status=report.status, calls=report.api_calls, seconds=round(time.monotonic() - began, 2))
        self._publish(warehouse, report, interrupted, connector.views)

    def _publish(
        self, warehouse: Warehouse, report: SourceReport, interrupted: str, views: Sequence[FieldView]
    ) -> None:
        """Writes the source's part of the report into the warehouse; a warehouse that cannot take it says so.

        ``interrupted``: a killed run that this one took over from, which could not write its own.
        """
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        document = run_document(self.run_id, self.started_at, now, [self._told(report)])
        try:
            if interrupted and (killed := self._state.runs.get(interrupted)):
                sources = [s for s in killed.document.get("sources", ()) if s["source"] == report.source]
                warehouse.commit(Commit(report={**killed.document, "sources": sources}))
            warehouse.commit(Commit(views=views, report=document, run=self.run_id))
        except WarehouseError as error:
            report.error = report.error or Fault(error.kind, str(error), error.hint)

    def _scratch(self) -> Path:
        folder = self._state.logs.parent / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _unknown(target: Target) -> Iterator[str]:
    """Columns to be left out that the account's collections do not have, as far as anybody knows."""
    for name in sorted(target.selected & target.excluded.keys()):
        collection = target.connector.collection(name)
        for column, meant in misspelt(collection, target.excluded[name]) if collection else ():
            asked = f" ({meant})" if meant else ""
            yield f"{name}: {column!r} in `exclude` is no column that is known; it is left out should it come{asked}"


def exit_code(documents: Iterable[dict[str, Any]], signal: int = 0) -> int:
    """The command's exit code: 0 all succeeded, 1 partial or failed, 130 or 143 after a signal."""
    if signal:
        return 128 + signal
    return 0 if all(document["status"] == "succeeded" for document in documents) else 1
