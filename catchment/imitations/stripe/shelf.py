"""Where the objects of one kind lie: by id, and in the order that lists show them."""

from bisect import bisect_left, insort
from collections import defaultdict
from decimal import Decimal
from typing import Any

import msgspec

from catchment.imitations.stripe.resources import LINKS, Resource

Key = tuple[int, int, str]
# Numbers with a fraction stay exactly as they were written: 1.10 is never turned into 1.1.
decode = msgspec.json.Decoder(float_hook=Decimal).decode
encode = msgspec.json.Encoder(decimal_format="number").encode


class Row:
    """One stored object: its own JSON (child lists left out), what filters look at, and rendered copies."""

    __slots__ = ("body", "expanded", "facts", "key", "page", "parent")

    def __init__(self, key: Key, payload: dict[str, Any], facts: dict[str, Any], parent: tuple[str, str, str] | None):
        self.key = key
        self.facts = facts
        self.parent = parent
        self.body: bytes = encode(payload)
        self.page: bytes | None = None
        self.expanded: dict[tuple[str, ...], tuple[int, bytes]] = {}

    @property
    def id(self) -> str:
        return self.key[2]

    def payload(self) -> dict[str, Any]:
        """A fresh copy of the object without its child lists."""
        loaded: dict[str, Any] = decode(self.body)
        return loaded


def look(payload: Any, path: str) -> Any:
    """The value at a dotted path; a list on the way yields the values of all its members."""
    value = payload
    for name in path.split("."):
        if isinstance(value, dict) and value.get("object") == "list":
            value = value["data"]
        if isinstance(value, list):
            value = [member.get(name) for member in value if isinstance(member, dict)]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value


class Shelf:
    """All objects of one kind. `order` is ascending by (created, arrival); lists read it from its end."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.rows: dict[str, Row] = {}
        self.order: list[Key] = []
        self.linked: dict[str, dict[str, list[str]]] = {
            field: defaultdict(list) for kind, field in LINKS if kind == resource.object
        }

    def put(self, row: Row) -> None:
        self.rows[row.id] = row
        insort(self.order, row.key)
        for field, ids in self.linked.items():
            if row.facts.get(field):
                ids[row.facts[field]].append(row.id)

    def remove(self, object_id: str) -> Row:
        row = self.rows.pop(object_id)
        del self.order[bisect_left(self.order, row.key)]
        for field, ids in self.linked.items():
            if row.facts.get(field):
                ids[row.facts[field]].remove(object_id)
        return row

    def span(self, low: int | None, high: int | None) -> tuple[int, int]:
        """The range of `order` whose stamps are at least `low` and below `high`."""
        first = 0 if low is None else bisect_left(self.order, (low, -1, ""))
        last = len(self.order) if high is None else bisect_left(self.order, (high, -1, ""))
        return first, last

    def place(self, object_id: str) -> int | None:
        """Where an object lies in `order`; None when it is not there."""
        row = self.rows.get(object_id)
        return None if row is None else bisect_left(self.order, row.key)
