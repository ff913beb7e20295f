"""Tables of any size: rows are made from their number and a few patterns, so that only changed ones are kept."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from catchment.imitations.salesforce.ids import number_of, record_id
from catchment.imitations.salesforce.kinds import Kind
from catchment.imitations.salesforce.render import moment
from catchment.imitations.salesforce.table import Table, Values

_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_MARK = "-the-id-of-the-row-"
Item = int | Values


class Numbered(Table):
    """Row n (from 0) looks like pattern n modulo their number, and was stamped at `first + n * spacing`."""

    def __init__(self, kind: Kind, patterns: Sequence[Values], many: int, first: int, spacing: int) -> None:
        super().__init__()
        self.kind = kind
        self.patterns = list(patterns)
        self.many = many
        self.first = first
        self.spacing = spacing
        self._away: set[int] = set()
        self._forms: dict[tuple[Any, ...], list[bytes]] = {}

    def __len__(self) -> int:
        return self.many - len(self._away) + len(self._rows)

    def made(self, number: int) -> Values:
        """Row `number` as it was made."""
        stamp = self.first + number * self.spacing
        values = dict(self.patterns[number % len(self.patterns)])
        values["Id"] = self.row_id(number)
        for name in _STAMPS:
            if name in values:
                values[name] = stamp
        return values

    def row_id(self, number: int) -> str:
        return record_id(self.kind.prefix, number + 1)

    def number(self, row_id: str) -> int | None:
        """The number of a row that is still as it was made; None for any other."""
        if len(row_id) != 18 or not row_id.isalnum() or not row_id.startswith(self.kind.prefix):
            return None
        number = number_of(row_id) - 1
        return number if 0 <= number < self.many and number not in self._away else None

    def get(self, row_id: str) -> Values | None:
        kept = self._rows.get(row_id)
        if kept is not None:
            return kept
        number = self.number(row_id)
        return None if number is None else self.made(number)

    def put(self, row_id: str, values: Values) -> None:
        number = self.number(row_id)
        if number is not None:
            self._away.add(number)
        super().put(row_id, values)

    def drop(self, row_id: str) -> Values:
        number = self.number(row_id)
        if number is None:
            return super().drop(row_id)
        self._away.add(number)
        return self.made(number)

    def sample(self) -> Sequence[str]:
        return self.between(None, None, lambda values: True).ids()

    def ids(self) -> Iterator[str]:
        return iter(self.sample())

    def items(self) -> Iterator[tuple[str, Values]]:
        return ((values["Id"], values) for values in self.between(None, None, lambda values: True))

    def rows(self) -> Iterator[Values]:
        return (values for _, values in self.items())

    def between(self, low: int | None, high: int | None, keep: Callable[[Values], bool]) -> "Found":
        """The rows stamped from `low` up to before `high`; of the changed ones those that `keep` tells."""
        start = 0 if low is None else max(0, -((self.first - low) // self.spacing))
        end = self.many if high is None else min(self.many, -((self.first - high) // self.spacing))
        numbers: list[Item] = [number for number in range(start, end) if number not in self._away]
        return Found(self, numbers + [values for values in list(self._rows.values()) if keep(values)])

    def written(self, key: tuple[Any, ...], item: Item, write: Callable[[Values], bytes]) -> bytes:
        """A row as `write` writes it; unchanged ones from a form that is written once per pattern and `key`."""
        if not isinstance(item, int):
            return write(item)
        forms = self._forms.get(key)
        if forms is None:
            forms = self._forms[key] = [_form(pattern, write) for pattern in self.patterns]
        stamp = moment(self.first + item * self.spacing).encode()
        holes = {b"Id": self.row_id(item).encode(), b"rest": stamp, b"csv": stamp[:-5] + b"Z"}
        return forms[item % len(forms)] % holes


def _form(pattern: Values, write: Callable[[Values], bytes]) -> bytes:
    """A pattern as it is written, with holes where the id and the stamps go."""
    probe = {**pattern, "Id": _MARK, **{name: 1 for name in _STAMPS if name in pattern}}
    rest = moment(1).encode()
    shown = write(probe).replace(b"%", b"%%").replace(_MARK.encode(), b"%(Id)s")
    return shown.replace(rest, b"%(rest)s").replace(rest[:-5] + b"Z", b"%(csv)s")


class Found(Sequence[Values]):
    """Rows that a query found: those still as they were made by number, the others as they are."""

    def __init__(self, table: Numbered, items: list[Item]) -> None:
        self.table = table
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, place: int) -> Values: ...
    @overload
    def __getitem__(self, place: slice) -> "Found": ...
    def __getitem__(self, place: int | slice) -> "Values | Found":
        if isinstance(place, slice):
            return Found(self.table, self.items[place])
        item = self.items[place]
        return self.table.made(item) if isinstance(item, int) else item

    def ids(self) -> "Ids":
        """The ids of the rows, made when they are looked at."""
        return Ids(self)

    def written(self, key: tuple[Any, ...], write: Callable[[Values], bytes]) -> list[bytes]:
        """All rows as `write` writes them."""
        return [self.table.written(key, item, write) for item in self.items]


class Ids(Sequence[str]):
    """The ids of found rows."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "Ids": ...
    def __getitem__(self, place: int | slice) -> "str | Ids":
        if isinstance(place, slice):
            return Ids(self.found[place])
        item = self.found.items[place]
        return self.found.table.row_id(item) if isinstance(item, int) else str(item["Id"])

    def now(self, *, deleted: bool) -> Found:
        """The rows as they look now, without those that are gone, or (unless `deleted`) in the recycle bin."""
        table = self.found.table
        items: list[Item] = []
        for item in self.found.items:
            row_id = table.row_id(item) if isinstance(item, int) else str(item["Id"])
            if isinstance(item, int) and item not in table._away:
                items.append(item)
            elif (values := table.get(row_id)) is not None and (deleted or not values.get("IsDeleted")):
                items.append(values)
        return Found(table, items)
