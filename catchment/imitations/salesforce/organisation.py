"""An organisation: its objects, its records, its recycle bin, and changes that become visible after their stamp."""

import heapq
import itertools
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catchment.imitations.clock import DAY, Clock
from catchment.imitations.salesforce.catalog import KINDS
from catchment.imitations.salesforce.fields import Field
from catchment.imitations.salesforce.ids import record_id
from catchment.imitations.salesforce.kinds import Kind
from catchment.imitations.salesforce.table import Table, Values

BIN_DAYS = 15
Key = tuple[str, str]


@dataclass(frozen=True)
class Gone:
    """A record that no query shows any more: when it was deleted and how it looked last."""

    deleted_at: int
    values: Values


class Organisation:
    """What the API shows. Times are whole Unix seconds of the vendor's clock; hold `lock` for several steps."""

    def __init__(self, seed: int = 0, *, now: float | None = None, kinds: Mapping[str, Kind] | None = None) -> None:
        self.clock = Clock(now)
        self.id = record_id("00D", 4_096 + seed)
        self.kinds: dict[str, Kind] = dict(KINDS if kinds is None else kinds)
        self.tables: dict[str, Table] = {name: Table() for name in self.kinds}
        self.lock = threading.RLock()
        self.bin: dict[Key, int] = {}
        self.deletions: dict[str, dict[str, int]] = defaultdict(dict)
        self.gone: dict[Key, Gone] = {}
        self.busy: Counter[Key] = Counter()
        self.metadata_at = self.clock.second() - 30 * DAY
        self.admin = ""
        self._later: list[tuple[float, int, int, bool, Key, Callable[[], None]]] = []
        self._turn = itertools.count()
        self._numbers: Counter[str] = Counter()

    # Reading ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Make visible what was committed by now, and empty the recycle bin of what lay there for 15 days."""
        now = self.clock.now()
        while self._later and self._later[0][0] <= now:
            _, _, _, _, key, commit = heapq.heappop(self._later)
            self.busy[key] -= 1
            if key[0] in self.kinds:
                commit()
        for key in [key for key, at in self.bin.items() if at < now - BIN_DAYS * DAY]:
            self.purge(*key)

    def wait(self) -> float:
        """Move the clock until every open transaction is committed; returns by how many seconds."""
        moved = max((at - self.clock.now() + 0.001 for at, *_ in self._later), default=0.0)
        self.clock.move(max(0.0, moved))
        self.settle()
        return moved

    def kind(self, name: str) -> Kind | None:
        """An object by its name in any case."""
        found = self.kinds.get(name)
        return found or next((kind for known, kind in self.kinds.items() if known.lower() == name.lower()), None)

    def row(self, kind: str, row_id: str) -> Values | None:
        """A record, also one in the recycle bin."""
        return self.tables[kind].get(row_id)

    def live(self, kind: str) -> list[str]:
        """The ids of an object's records that are not deleted and that no open transaction holds."""
        return [
            row_id
            for row_id in self.tables[kind].ids()
            if (kind, row_id) not in self.bin and not self.busy[(kind, row_id)]
        ]

    def count(self) -> int:
        """How many records there are, those in the recycle bin included."""
        return sum(len(table) for table in self.tables.values())

    def walk(self) -> Iterator[tuple[str, int | None, bool, Values]]:
        """Every record there is or was: object, when it was deleted, whether it is gone for good, values."""
        with self.lock:
            self.settle()
            rows = [(kind, table.items()) for kind, table in self.tables.items()]
            dead = dict(self.bin)
            gone = list(self.gone.items())
        for kind, items in rows:
            for row_id, values in items:
                yield kind, dead.get((kind, row_id)), False, values
        for (kind, _), past in gone:
            yield kind, past.deleted_at, True, past.values

    def oldest_open(self, kind: str) -> int | None:
        """When the longest open transaction that deletes records of this object began."""
        return min((stamp for _, _, stamp, deletes, key, _ in self._later if deletes and key[0] == kind), default=None)

    # Writing ---------------------------------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        """An id that no record has."""
        self._numbers[kind] += 1
        return record_id(self.kinds[kind].prefix, self._numbers[kind])

    def insert(self, kind: str, values: Mapping[str, Any], *, at: int | None = None, late: float = 0.0) -> str:
        """Create a record stamped `at` (now); with `late` it becomes visible so many seconds later."""
        stamp = self.clock.second() if at is None else at
        row_id = values.get("Id") or self.new_id(kind)
        whole: Values = {field.name: None for field in self.kinds[kind].fields if not field.parts_only}
        whole |= {field.name: False for field in self.kinds[kind].fields if field.type == "boolean"}
        whole |= {"CreatedDate": stamp, "CreatedById": self.admin, **values, "Id": row_id}
        self._commit(kind, row_id, lambda: self._put(kind, row_id, whole, stamp, values), stamp, late)
        return str(row_id)

    def update(
        self, kind: str, row_id: str, changes: Mapping[str, Any], *, at: int | None = None, late: float = 0.0
    ) -> None:
        """Change a record and stamp it."""
        stamp = self.clock.second() if at is None else at

        def commit() -> None:
            self._put(kind, row_id, {**self._had(kind, row_id), **changes}, stamp, {})

        self._commit(kind, row_id, commit, stamp, late)

    def rewrite(self, kind: str, row_id: str, changes: Mapping[str, Any]) -> None:
        """Change a record without a stamp, as a formula, a backfill or a cross-object value does."""
        self.tables[kind].put(row_id, {**self._had(kind, row_id), **changes})

    def delete(self, kind: str, row_id: str, *, at: int | None = None, late: float = 0.0, deep: bool = True) -> None:
        """Put a record and its children in the recycle bin; without one (set-up objects) it is gone at once."""
        stamp = self.clock.second() if at is None else at
        if deep:
            for child, field in self.kinds[kind].children:
                for child_id in [found for found in self.live(child) if self._had(child, found).get(field) == row_id]:
                    self.delete(child, child_id, at=stamp, late=late)
        self._commit(kind, row_id, lambda: self._bin(kind, row_id, stamp), stamp, late, deletes=True)

    def undelete(self, kind: str, row_id: str, *, at: int | None = None) -> None:
        """Take a record out of the recycle bin."""
        del self.bin[(kind, row_id)]
        self.deletions[kind].pop(row_id, None)
        self.update(kind, row_id, {"IsDeleted": False}, at=at)

    def purge(self, kind: str, row_id: str) -> None:
        """Empty a record out of the recycle bin: no query shows it any more."""
        deleted_at = self.bin.pop((kind, row_id))
        self.gone[(kind, row_id)] = Gone(deleted_at, self.tables[kind].drop(row_id))

    def merge(self, kind: str, winner: str, loser: str) -> None:
        """Merge two records: what belonged to the loser belongs to the winner, the loser is deleted."""
        stamp = self.clock.second()
        for other in self.kinds.values():
            for field in other.fields:
                if field.name == "MasterRecordId" or kind not in field.to:
                    continue
                for row_id in self.live(other.name):
                    if row_id != winner and self._had(other.name, row_id).get(field.name) == loser:
                        self.update(other.name, row_id, {field.name: winner}, at=stamp)
        self.update(kind, winner, {}, at=stamp)
        self.rewrite(kind, loser, {"MasterRecordId": winner})
        self.delete(kind, loser, at=stamp, deep=False)

    def add_field(self, kind: str, field: Field, values: Mapping[str, Any] | None = None) -> None:
        """Add a field; `values` (by record id) are backfilled without a stamp."""
        with self.lock:
            self.kinds[kind] = self.kinds[kind].having(field)
            for row_id, value in (values or {}).items():
                self.rewrite(kind, row_id, {field.name: value})
            self.touch_metadata()

    def add_kind(self, kind: Kind) -> None:
        """Add an object."""
        with self.lock:
            self.kinds[kind.name] = kind
            self.tables[kind.name] = Table()
            self.touch_metadata()

    def rename(self, kind: str, field: str, label: str) -> None:
        """Change the label of a field."""
        with self.lock:
            self.kinds[kind] = self.kinds[kind].with_label(field, label)
            self.touch_metadata()

    def remove_field(self, kind: str, name: str) -> None:
        """Delete a field: no describe shows it, no query may name it."""
        with self.lock:
            self.kinds[kind] = self.kinds[kind].without(name)
            self.touch_metadata()

    def remove_kind(self, name: str) -> None:
        """Take an object away, as when a feature is switched off."""
        with self.lock:
            del self.kinds[name], self.tables[name]
            self.touch_metadata()

    def replace(self, kind: str, table: Table) -> None:
        """Give an object other records, as if the old ones had never been."""
        with self.lock:
            self.tables[kind] = table
            self._numbers[kind] = len(table)
            for key in [key for key in self.bin if key[0] == kind]:
                del self.bin[key]
            self.deletions.pop(kind, None)

    def touch_metadata(self) -> None:
        """The organisation's metadata has changed: never twice with the same time."""
        self.metadata_at = max(self.clock.second(), self.metadata_at + 1)

    # Inner -----------------------------------------------------------------------------------------------------

    def _commit(
        self, kind: str, row_id: str, commit: Callable[[], None], stamp: int, late: float, *, deletes: bool = False
    ) -> None:
        if late <= 0:
            commit()
            return
        self.busy[(kind, row_id)] += 1
        entry = (self.clock.now() + late, next(self._turn), stamp, deletes, (kind, row_id), commit)
        heapq.heappush(self._later, entry)

    def _had(self, kind: str, row_id: str) -> Values:
        values = self.tables[kind].get(row_id)
        if values is None:
            raise KeyError(f"no {kind} {row_id}")
        return values

    def _put(self, kind: str, row_id: str, values: Values, stamp: int, given: Mapping[str, Any]) -> None:
        declared = self.kinds[kind]
        stamped = {"LastModifiedDate": stamp, "LastModifiedById": self.admin, "SystemModstamp": stamp}
        for name, value in stamped.items():
            if declared.has(name) and name not in given:
                values[name] = value
        known = {field.name for field in declared.fields}
        values = {name: value for name, value in values.items() if name in known}
        self.tables[kind].put(row_id, computed(kind, values))

    def _bin(self, kind: str, row_id: str, stamp: int) -> None:
        self.deletions[kind][row_id] = stamp
        if not self.kinds[kind].has("IsDeleted"):
            self.gone[(kind, row_id)] = Gone(stamp, self.tables[kind].drop(row_id))
            return
        self._put(kind, row_id, {**self._had(kind, row_id), "IsDeleted": True}, stamp, {})
        self.bin[(kind, row_id)] = stamp


def computed(kind: str, values: Values) -> Values:
    """The record with its formula fields."""
    if kind == "Opportunity":
        amount, chance = values.get("Amount"), values.get("Probability")
        expected = None if amount is None or chance is None else (amount * chance / 100).quantize(Decimal("0.01"))
        return {**values, "ExpectedRevenue": expected}
    if kind == "Account":
        revenue = values.get("AnnualRevenue") or 0
        return {**values, "Health__c": "Strong" if revenue > 5_000_000 else "Fair"}
    return values
