"""`bulk`: accounts of millions of objects whose rows are rendered from their number, so that none is kept."""

from collections.abc import Mapping

import msgspec

from catchment.imitations.stripe import api, errors, query, samples
from catchment.imitations.stripe.clock import Clock
from catchment.imitations.stripe.resources import BY_OBJECT, Child, Derived, Resource

HISTORY = 60_000_000
YOUNGEST = 3_600
_MIXES: Mapping[str, Mapping[str, int]] = {
    "equal": dict.fromkeys(samples.PATTERNS, 1),
    "charges": {**dict.fromkeys(samples.PATTERNS, 1), "charge": 10},
}


class Table:
    """One collection: row n (0 is the oldest) was created at `first + n * spacing` seconds."""

    def __init__(self, object_type: str, rows: int, last: int) -> None:
        self.resource = BY_OBJECT[object_type]
        self.rows = rows
        self.spacing = max(1, HISTORY // max(1, rows))
        self.first = last - rows * self.spacing
        self.prefix = samples.PREFIX[object_type]
        self.formats = samples.formats(object_type)

    def number(self, object_id: str) -> int | None:
        """The row number in an id; None when there is no such row."""
        digits = object_id.removeprefix(self.prefix)
        known = digits != object_id and len(digits) == samples.DIGITS and digits.isdigit() and int(digits) < self.rows
        return int(digits) if known else None

    def created(self, number: int) -> int:
        return self.first + number * self.spacing

    def span(self, low: int | None, high: int | None) -> tuple[int, int]:
        """The row numbers stamped at least `low` and below `high`."""
        start = 0 if low is None else -((self.first - low) // self.spacing)
        end = self.rows if high is None else -((self.first - high) // self.spacing)
        return max(0, start), min(self.rows, end)


class Bulk:
    """Serves lists and retrieves of nine collections; every other list is there and empty, as are events.

    Rows all match `status`; other filters are refused. Expanding a list that a row does not show adds it; expanding a
    single id leaves the id.
    """

    def __init__(self, objects: int, seed: int = 0, *, mix: str = "equal", now: float | None = None) -> None:
        self.clock = Clock(now)
        self.id = f"acct_1Bulk{seed:010d}"
        self.seed = seed
        self.generation = 0
        shares = _MIXES[mix]
        last = self.clock.second() - YOUNGEST
        self.tables = {
            name: Table(name, objects * share // sum(shares.values()), last) for name, share in shares.items()
        }
        self._counts = [(mark.encode(), max(1, self.tables[name].rows)) for mark, name in samples.REFERENCES.items()]

    def age(self) -> int:
        """Every row changes at once: each comes back with another revision from now on; returns it."""
        self.generation += 1
        return self.generation

    def count(self) -> int:
        """How many objects there are."""
        return sum(table.rows for table in self.tables.values())

    def render(self, object_type: str, number: int) -> bytes:
        """Row `number` of a collection as JSON."""
        table = self.tables[object_type]
        marks = {mark: number % rows for mark, rows in self._counts}
        marks[b"n"] = number
        marks[b"created"] = table.created(number)
        marks[b"amount"] = 500 + (number * 7_919 + self.seed) % 99_991
        marks[b"g"] = self.generation
        return table.formats[number % len(table.formats)] % marks

    def answer(self, ask: api.Ask) -> bytes:
        """The body of a 200; every refusal is an ApiError."""
        resource, rest = api.route(ask.path)
        if resource is None:
            raise errors.unknown_url("GET", ask.path)
        ask.refuse(resource)
        if not rest:
            return self._list(resource, ask)
        if resource.object == "account" and rest[0] in ("account", self.id):
            return msgspec.json.encode(samples.profile(self.id))
        table = self.tables.get(resource.object)
        number = table.number(rest[0]) if table is not None else None
        if table is None or number is None:
            raise errors.missing_object(resource.noun, rest[0])
        if len(rest) > 1:
            return self._children(table, number, rest[1], ask)
        names = [path[0] for path in query.only_expand(ask.params)]
        return self._expanded(resource, number, names)

    def _list(self, resource: Resource, ask: api.Ask) -> bytes:
        params, _ = api.special(resource, ask.params)
        chosen = query.selection(
            params,
            created=resource.created,
            filters=resource.filters,
            ranges=resource.ranges,
            required=resource.required,
        )
        if chosen.tests:
            raise errors.invalid_value(next(iter(chosen.given), "filter"), "This account does not filter its lists.")
        table = self.tables.get(resource.object)
        if table is None:
            return api.envelope([], False, f"/v1/{resource.path}")
        low, high = table.span(chosen.low, chosen.high)
        cursor = chosen.starting_after or chosen.ending_before
        if cursor is not None:
            number = table.number(cursor)
            if number is None:
                name = "starting_after" if chosen.starting_after is not None else "ending_before"
                raise errors.missing_object(resource.noun, cursor, name, 400)
            if chosen.starting_after is not None:
                high = min(high, number + ask.again)
            else:
                low = max(low, number + 1)
        top = min(high, low + chosen.limit) if chosen.ending_before is not None else high
        names = [api.in_list(path)[0] for path in chosen.expand]
        pages = [
            self._expanded(resource, number, names) for number in range(top - 1, max(low, top - chosen.limit) - 1, -1)
        ]
        return api.envelope(pages, high - low > chosen.limit, f"/v1/{resource.path}")

    def _expanded(self, resource: Resource, number: int, names: list[str]) -> bytes:
        row = self.render(resource.object, number)
        for name in names:
            hidden = [child for child in resource.children if child.field == name and not child.embedded]
            lists: list[Child | Derived] = [*hidden, *(one for one in resource.derived if one.field == name)]
            for listed in lists:
                kind = getattr(listed, "object", "")
                table = self.tables.get(kind)
                rows = [self.render(kind, number)] if table is not None and number < table.rows else []
                object_id = self.tables[resource.object].prefix + f"{number:0{samples.DIGITS}d}"
                shown = api.envelope(rows, False, listed.url.format(id=object_id))
                row = b"%s,%s:%s}" % (row[:-1], msgspec.json.encode(name), shown)
        return row

    def _children(self, table: Table, number: int, name: str, ask: api.Ask) -> bytes:
        child = next((child for child in table.resource.children if child.field == name), None)
        if child is None:
            raise errors.unknown_url("GET", ask.path)
        query.selection(ask.params, created=child.created, filters=child.filters, ranges={})
        whole = msgspec.json.decode(self.render(table.resource.object, number))
        rows = (whole.get(name) or {}).get("data", [])
        return api.envelope([msgspec.json.encode(row) for row in rows], False, child.url.format(id=whole["id"]))


def bulk(objects: int, seed: int = 0, *, mix: str = "equal", now: float | None = None) -> Bulk:
    """An account of `objects` objects in nine collections, of equal size or (`mix="charges"`) mostly charges."""
    return Bulk(objects, seed, mix=mix, now=now)
