"""A Zendesk source wired by hand: imitated account, server, DuckDB file, engine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from catchment.imitations.zendesk import Account, Limits, Server
from catchment.testing import zendesk as truth
from catchment.testing.damage import Damage
from connectors.zendesk import connector
from framework.connector import Connector
from framework.engine import Engine
from framework.http import Door, Timeouts
from framework.limits import Gates, Rate
from framework.order import Order
from framework.report import CollectionReport, SourceReport
from framework.warehouse import Warehouse
from tests.source import Free, Outcome
from warehouse_loader import open_warehouse

ALL = frozenset(c.name for c in connector.collections)
EXPORTS = frozenset({"tickets", "users", "organizations", "ticket_events", "ticket_metric_events"})
SCHEMA = "support"


@dataclass
class Support:
    """One account, its server, and the file that it is synced into."""

    account: Account
    folder: Path
    selected: frozenset[str] = ALL
    credentials: Mapping[str, str] | None = None
    connector: Connector = connector
    rates: tuple[Rate, ...] = (Rate(100_000),)
    limits: Any = field(default_factory=Free)
    server: Server = field(init=False)
    runs: int = 0
    since: float = 0.0

    def __post_init__(self) -> None:
        self.server = Server(self.account, limits=Limits(None))

    def __enter__(self) -> Support:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    @property
    def file(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def warehouse(self) -> Warehouse:
        """The warehouse as a fresh process opens it."""
        chosen = [c for c in self.connector.collections if c.name in self.selected]
        carriers = [
            c
            for c in self.connector.collections
            if c.name not in self.selected and any(set(child.collections()) & self.selected for child in c.children)
        ]
        return open_warehouse(f"duckdb:///{self.file}", SCHEMA, chosen, scratch=self.folder / "s", carriers=carriers)

    def run(self, *, warehouse: Warehouse | None = None, stop: threading.Event | None = None, **order: Any) -> Outcome:
        """One run of a fresh engine; ``order`` is what :class:`Order` takes beyond the selection."""
        self.runs += 1
        self.since = self.since or self.account.clock.now()
        stop = stop or threading.Event()
        log: list[tuple[str, dict[str, Any]]] = []
        secrets = self.server.secrets()
        access = self.connector.access(
            self.credentials or {name: secrets[name] for name in ("subdomain", "email", "api_token")}
        )
        gates = Gates(self.limits, f"zendesk:{access.fingerprint}", self.rates)

        def write(event: str, **fields: Any) -> None:
            log.append((event, fields))

        door = Door(self.connector, access, self.server.url, gates, Timeouts(5.0, 5.0), stop, write)
        report = SourceReport(SCHEMA, "zendesk", {name: CollectionReport(name) for name in sorted(self.selected)})
        before = self.server.calls
        Engine(
            self.connector, access, Order(SCHEMA, f"run-{self.runs}", self.selected, **order),
            warehouse or self.warehouse(), door, report, stop, write,
            lambda _: None, lambda _: None, (gates.per_second, gates.per_endpoint),
        ).run()  # fmt: skip
        return Outcome(report.document(), self.server.calls - before, log)

    def differences(self, tables: frozenset[str] | None = None) -> list[Damage]:
        """Everything in which the file differs from the account, cell by cell."""
        return truth.verify(
            self.file, SCHEMA, truth.things(self.account.truth()), tables=tables or self.selected,
            known_since=self.since, now=self.account.clock.now(),
        )  # fmt: skip

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query of the file answers; ``{}`` stands for the schema."""
        connection = duckdb.connect(str(self.file), read_only=True)
        try:
            return connection.execute(sql.format(SCHEMA)).fetchall()
        finally:
            connection.close()
