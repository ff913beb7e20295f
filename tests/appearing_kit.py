"""Accounts whose vendor adds fields, synced into a real warehouse by engines of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from catchment.imitations.stripe import Account, Server, generate
from catchment.testing.damage import Damage
from catchment.testing.expected import Thing
from catchment.testing.stripe import STRIPE
from catchment.testing.truth import verify
from framework.limits import Rate
from framework.warehouse import Warehouse
from tests.source import DEFAULT, Outcome
from tests.source import Source as Engines
from tests.warehouse_kit import Place
from warehouse_loader import open_warehouse

Wrapped = Callable[[Warehouse], Any]


@dataclass
class Shop:
    """A Stripe account and the schema ``shop`` of a warehouse."""

    place: Place
    engines: Engines
    since: float
    goods: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def opened(cls, place: Place, *, objects: int = 600, selected: frozenset[str] = DEFAULT) -> Shop:
        account = generate(seed=5, objects=objects)
        server = Server(account)
        server.start()
        one_by_one = (Rate(1),)  # by one thread: nothing is cut into parts, so that calls can be counted
        shop = cls(place, Engines(account, server, selected, rates=one_by_one), account.clock.now())
        for one in ("charge", "balance_transaction"):
            shop.goods[one] = account.get(one, account.ids(one)[-1])
            shop.goods[one].pop("refunds", None)
        return shop

    @property
    def account(self) -> Account:
        return self.engines.account

    def run(self, wrapped: Wrapped = lambda house: house, *, later: float = 900, **order: Any) -> Outcome:
        """One run as a process of its own does it, so many seconds later: 900 are more than a list cannot vouch for."""
        self.account.clock.move(later)
        house = open_warehouse(
            self.place.url,
            "shop",
            [c for c in self.engines.connector.collections if c.name in self.engines.selected],
            scratch=self.place.folder / "scratch",
        )
        return self.engines.run(warehouse=wrapped(house), **order)

    def sell(self, many: int, apart: int = 0, object_type: str = "charge") -> None:
        """So many objects more, like the first there was, each so many seconds older than the one before."""
        for n in range(many):
            at = self.account.clock.second() - n * apart
            self.account.create({**self.goods[object_type], "id": self.account.new_id("new"), "created": at}, at=at)

    def damages(self, tables: Collection[str] | None = None) -> list[Damage]:
        """Everything in which the schema differs from the account, cell by cell."""
        address = self.place.url if self.place.url.startswith("postgres") else self.place.folder / "warehouse.duckdb"
        tables = tables or (None if self.engines.selected == DEFAULT else self.engines.selected)
        return verify(address, "shop", things(self.account), STRIPE, known_since=self.since, tables=tables)

    def changes(self, column: str = "") -> list[tuple[str, str, str, str]]:
        """What `catchment.schema_changes` tells of columns: collection, what happened, column, action."""
        told = "SELECT collection, change, column_name, action FROM catchment.schema_changes WHERE source = 'shop'"
        rows = self.place.rows(f"{told} AND column_name IS NOT NULL ORDER BY changed_at")
        return [row for row in rows if column in ("", row[2])]


def things(account: Account) -> Iterator[Thing]:
    for object_type, payload, parent in account.walk():
        yield Thing(object_type, payload, None, parent)
    for (object_type, _), gone in list(account.deleted.items()):
        yield Thing(object_type, gone.object, gone.deleted_at, gone.parent)
