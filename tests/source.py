"""A Stripe source wired by hand: imitated account, server, state database, warehouse in memory, engine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catchment.imitations.stripe import DEFAULT_KEY, Account, Server
from catchment.testing.memory import Memory, Row
from connectors.stripe import connector
from framework.connector import Access, Connector
from framework.engine import Engine
from framework.errors import Stopped
from framework.http import Door, Timeouts
from framework.limits import Gates, Rate
from framework.order import Order
from framework.report import CollectionReport, SourceReport
from framework.warehouse import Warehouse
from state import State

DEFAULT = frozenset(c.name for c in connector.collections if c.default)
FAST = (Rate(100_000),)
BY_NAME = {c.name: c for c in connector.collections}
BY_OBJECT = {c.object: c for c in connector.collections if c.object}
# Stay live in the warehouse although the vendor calls their end a deletion.
IMMORTAL = frozenset({"subscriptions"})


class Free:
    """No limit at all, and no state database."""

    def reserve(self, bucket: str, rate: float, count: int = 1) -> float:
        return 0.0

    def freeze(self, bucket: str, until: float) -> None: ...


@dataclass
class Outcome:
    """A run's document, what the server counted meanwhile, and the log."""

    document: dict[str, Any]
    calls: int
    log: list[tuple[str, dict[str, Any]]]

    def __getitem__(self, name: str) -> dict[str, Any]:
        return next(c for c in self.document["collections"] if c["collection"] == name)

    def total(self, count: str) -> int:
        """A count over all collections."""
        return sum(c[count] for c in self.document["collections"])

    @property
    def status(self) -> str:
        return str(self.document["status"])

    @property
    def feeds(self) -> dict[str, int]:
        return {feed["feed"]: feed["api_calls"] for feed in self.document["feeds"]}

    @property
    def statuses(self) -> dict[str, str]:
        return {c["collection"]: c["status"] for c in self.document["collections"]}

    def failed(self) -> dict[str, Any]:
        """The collections that are not simply succeeded, with their errors."""
        others = [c for c in self.document["collections"] if c["status"] != "succeeded"]
        return {c["collection"]: (c["status"], c["error"]) for c in others}


@dataclass
class Source:
    """One account, its server, and the warehouse that it is synced into."""

    account: Account
    server: Server
    selected: frozenset[str] = DEFAULT
    key: str = DEFAULT_KEY
    connector: Connector = connector
    limits: Any = field(default_factory=Free)
    rates: tuple[Rate, ...] = FAST
    memory: Memory = field(init=False)
    runs: int = 0

    def __post_init__(self) -> None:
        self.memory = Memory(self._selection(self.selected))

    def _selection(self, selected: frozenset[str]) -> list[Any]:
        return [c for c in self.connector.collections if c.name in selected]

    def select(self, selected: frozenset[str]) -> None:
        """Another choice of collections, for the runs to come."""
        self.selected = selected
        self.memory.collections = self._selection(selected)
        lists = [c for c in self.connector.collections if c.name not in selected]
        self.memory.unselected = [c for c in lists if any(selected & set(child.collections()) for child in c.children)]

    def run(
        self,
        *,
        warehouse: Warehouse | None = None,
        stop: threading.Event | None = None,
        timeouts: Timeouts | None = None,
        progress: Callable[[SourceReport], None] = lambda _: None,
        **order: Any,
    ) -> Outcome:
        """One run of a fresh engine; ``order`` is what :class:`Order` takes beyond the selection."""
        self.runs += 1
        stop = stop or threading.Event()
        log: list[tuple[str, dict[str, Any]]] = []
        access: Access = self.connector.access({"api_key": self.key})
        gates = Gates(self.limits, f"stripe:{access.fingerprint}", self.rates)
        door = Door(
            self.connector, access, self.server.url, gates, timeouts or Timeouts(5.0, 5.0), stop,
            lambda event, **fields: log.append((event, fields)),
        )  # fmt: skip
        report = SourceReport("shop", "stripe", {name: CollectionReport(name) for name in sorted(self.selected)})
        before = self.server.calls
        Engine(
            self.connector, access, Order("shop", f"run-{self.runs}", self.selected, **order),
            warehouse or self.memory, door, report, stop, lambda event, **fields: log.append((event, fields)),
            progress, lambda _: None, (gates.per_second, gates.per_endpoint),
        ).run()  # fmt: skip
        return Outcome(report.document(), self.server.calls - before, log)

    def differences(self) -> list[str]:
        """Everything in which the warehouse differs from the account."""
        return list(differences(self.account, self.memory, self.selected))


def differences(account: Account, memory: Memory, selected: frozenset[str] = DEFAULT) -> Iterator[str]:
    """Rows that are lost, stale, wrongly live or wrongly deleted: every object of every type against its row."""
    expected: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in selected}
    for object_type, payload, parent in account.walk():
        collection = BY_OBJECT.get(object_type)
        if collection is None or collection.name not in selected or _stranger(object_type, parent):
            continue
        expected[collection.name][payload["id"]] = payload
        if collection.name == "balance_transactions" and "balance_transaction_fee_details" in selected:
            for n, fee in enumerate(payload["fee_details"]):
                expected["balance_transaction_fee_details"][f"{payload['id']}_{n}"] = fee
    for name, objects in expected.items():
        rows = memory.rows.get(name, {})
        for key, payload in objects.items():
            yield from _judge(name, key, payload, rows.get(key), account)
        if name == "events":
            continue  # what the vendor no longer keeps stays
        for key in set(rows) - set(objects):
            if rows[key].live and name not in IMMORTAL and rows[key].payload is not None:
                yield f"{name} {key}: the vendor has it no more, and it is not marked"


def _judge(name: str, key: str, payload: Mapping[str, Any], row: Row | None, account: Account) -> Iterator[str]:
    if row is None or row.payload is None:
        if name != "discounts" or _shown(account, payload):
            yield f"{name} {key}: not there"
        return
    if not row.live:
        yield f"{name} {key}: marked as deleted, and it lives"
    collection = BY_NAME[name]
    hidden = {child.path for child in collection.children} | set(collection.drop)
    wrong = {
        field
        for field in payload.keys() - hidden
        if row.payload.get(field, "nothing") != json.loads(json.dumps(payload[field], default=float))
    }
    if wrong:
        yield f"{name} {key}: stale or wrong: {sorted(wrong)}"


def _stranger(object_type: str, parent: tuple[str, str, str] | None) -> bool:
    """Rows of lists that no collection takes."""
    return object_type == "item" and (parent is None or parent[0] != "checkout.session")


def _shown(account: Account, discount: Mapping[str, Any]) -> bool:
    """Whether a living customer or subscription still shows this discount."""
    customer = account.shelves["customer"].rows.get(str(discount.get("customer")))
    return customer is not None and (customer.payload().get("discount") or {}).get("id") == discount["id"]


def first_calls(account: Account, memory: Memory, feeds: Mapping[str, int]) -> int:
    """The issue's bound on the calls of a first sync, beside 10 % and 5."""
    lists = sum(max(1, -(-len(memory.rows.get(name, {})) // 100)) for name in feeds if name != "account")
    more = 0
    for name in feeds:
        for child in BY_NAME[name].children if name in BY_NAME else ():
            if child.url and child.path:
                for object_id in account.ids(BY_NAME[name].object):
                    length = len(account.children(object_id, child.path))
                    more += -(-max(0, length - 10) // 100)
    return lists + more


class Killed(Exception):
    """The process is gone: nothing that comes after is written."""


@dataclass
class Mortal:
    """A warehouse whose process dies at its ``nth`` commit, just before it or just after."""

    memory: Memory
    nth: int
    after: bool = False
    dead: bool = False
    seen: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)

    def commit(self, commit: Any) -> Any:
        """Passes a commit on, unless the process died."""
        self.seen += 1
        if self.dead or self.seen == self.nth:
            if not self.dead and self.after:
                self.memory.commit(commit)
            self.dead = True
            raise Killed(f"at commit {self.seen}")
        return self.memory.commit(commit)


def state_in(folder: Path) -> State:
    """A state database of the test's own."""
    return State.open(f"sqlite:///{folder / 'state.db'}")


__all__ = [
    "BY_NAME", "DEFAULT", "FAST", "Free", "Killed", "Mortal", "Outcome", "Source", "Stopped", "differences",
    "first_calls", "state_in",
]  # fmt: skip
