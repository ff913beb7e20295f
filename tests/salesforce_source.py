"""A Salesforce source wired by hand: imitated organisation, server, warehouse in memory, engine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from catchment.imitations.salesforce import Organisation, Server, generate
from catchment.testing.memory import Memory
from connectors.salesforce import connector
from connectors.salesforce.objects import named
from framework.connector import Connector
from framework.engine import Engine
from framework.feed import Answer, Request
from framework.http import Door, Timeouts
from framework.limits import Gates, Rate
from framework.order import Order
from framework.report import CollectionReport, SourceReport
from framework.warehouse import Warehouse
from tests.source import FAST, Free, Outcome

MAIN = frozenset(
    {"accounts", "contacts", "leads", "opportunities", "opportunity_product", "opportunity_field_history", "cases",
     "tasks", "users", "role", "profile", "period", "products", "campaigns", "campaign_members", "campaign_shares"}
)  # fmt: skip
DEFAULT = frozenset(c.name for c in connector.collections)
COMPOUND = ("address", "location", "base64")


class Unlimited(Free):
    """No limit of any kind."""

    def claim(self, bucket: str, count: int, per: float, before: float) -> float:
        return 0.0

    def spent(self, bucket: str, used: int, per: float, resets: float) -> None: ...


@dataclass
class Source:
    """One organisation, its server, and the warehouse that it is synced into."""

    org: Organisation
    server: Server
    selected: frozenset[str] = MAIN
    connector: Connector = connector
    memory: Memory = field(init=False)
    rates: tuple[Rate, ...] = FAST
    runs: int = 0
    known: bytes = b""

    def __post_init__(self) -> None:
        self.memory = Memory([])

    def select(self, *names: str) -> None:
        """Another choice of collections, objects of any name among them."""
        extra = [found for name in names if (found := named(name))]
        known = {c.name for c in self.connector.collections}
        more = tuple(c for c in extra if c.name not in known and c.object in names)
        self.connector = replace(self.connector, collections=(*self.connector.collections, *more))
        by_object = {c.object: c.name for c in self.connector.collections}
        self.selected = frozenset(by_object.get(name, name) for name in names)

    def run(
        self,
        *,
        warehouse: Callable[[Memory], Warehouse] = lambda memory: memory,
        stop: threading.Event | None = None,
        timeouts: Timeouts | None = None,
        **order: Any,
    ) -> Outcome:
        """One run of a fresh engine on what the organisation has; ``order`` is what :class:`Order` takes beside."""
        self.runs += 1
        stop = stop or threading.Event()
        log: list[tuple[str, dict[str, Any]]] = []
        before = self.server.calls
        if self.server.sessions.user(self.server.access_token) is None:
            self.server.access_token = self.server.sessions.begin().token
        access = connector.access({"access_token": self.server.access_token, "instance_url": self.server.url})
        gates = Gates(Unlimited(), f"salesforce:{access.fingerprint}", self.rates)

        def write(event: str, **fields: Any) -> None:
            log.append((event, fields))

        door = Door(self.connector, access, self.server.url, gates, timeouts or Timeouts(5.0, 5.0), stop, write)

        def ask(request: Request) -> Answer:
            return door.send("catalogue", request, lambda answer: answer)

        assert self.connector.discover is not None
        found = self.connector.discover(self.connector, self.selected, self.known, ask)
        self.known = found.document
        self.memory.collections = [c for c in found.connector.collections if c.name in self.selected]
        report = SourceReport("crm", "salesforce", {name: CollectionReport(name) for name in sorted(self.selected)})
        todo = Order("crm", f"run-{self.runs}", self.selected, missing=found.missing, **order)
        Engine(
            found.connector, access, todo, warehouse(self.memory), door, report, stop, write,
            lambda _: None, lambda _: None, (gates.per_second, gates.per_endpoint),
        ).run()  # fmt: skip
        return Outcome(report.document(), self.server.calls - before, log)

    def pass_time(self, seconds: float) -> None:
        """Lets the vendor's clock run on."""
        self.org.clock.move(seconds)

    def differences(self) -> list[str]:
        """Everything in which the warehouse differs from the organisation."""
        return list(differences(self))


def differences(source: Source) -> Iterator[str]:
    """Rows that are lost, stale, wrongly live or wrongly deleted: every record against its row."""
    tables = {c.object: c for c in source.connector.collections if c.name in source.selected}
    known: dict[str, set[str]] = {c.name: set() for c in tables.values()}
    for kind, deleted_at, gone, values in source.org.walk():
        if kind not in tables or kind not in source.org.kinds or not source.org.kinds[kind].queryable:
            continue
        name, key = tables[kind].name, str(values["Id"])
        known[name].add(key)
        row = source.memory.rows.get(name, {}).get(key)
        if row is None or row.payload is None:
            if not gone and deleted_at is None:
                yield f"{name} {key}: not there"
            continue
        if row.live != (deleted_at is None and not gone):
            yield f"{name} {key}: {'live' if row.live else 'marked'}, at the vendor {deleted_at} {gone}"
        if gone:
            continue  # it keeps the values that were seen last
        types = {f.name: f.type for f in source.org.kinds[kind].fields}
        for field_, value in values.items():
            if types.get(field_, "address") in COMPOUND:
                continue
            found = row.payload.get(field_)  # a new field that is null in this row was not read for its sake
            if not same(types[field_], found, value):
                yield f"{name} {key}: {field_} is {found!r}, at the vendor {value!r}"
    for name, keys in known.items():
        yield from (f"{name} {key}: nobody has that" for key in set(source.memory.rows.get(name, {})) - keys)


def same(type_: str, found: Any, value: Any) -> bool:
    """Whether a payload's value is the vendor's; times are seconds there."""
    if type_ == "datetime" and found is not None and value is not None:
        return bool(datetime.fromisoformat(found).astimezone(UTC).timestamp() == value)
    if isinstance(found, int | float) and not isinstance(found, bool) and value is not None:
        return Decimal(str(found)) == Decimal(str(value))
    return bool(found == value) or (value == "" and found is None)


def make(seed: int = 7, objects: int = 400, now: float | None = None, **more: Any) -> Source:
    """A source over a new organisation, as it is by now; its server runs."""
    org = generate(seed=seed, objects=objects, now=now)
    server = Server(org, **more)
    server.start()
    return Source(org, server)


def parts(source: Source) -> list[str]:
    """What was asked for: paths, those inside composites among them."""
    return [json.dumps(entry) for entry in source.server.log]
