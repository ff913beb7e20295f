"""Query locators: where a query's later pages are kept, for two days and not too many at once."""

import itertools
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from catchment.imitations.clock import DAY, Clock
from catchment.imitations.salesforce import errors
from catchment.imitations.salesforce.fields import Field
from catchment.imitations.salesforce.ids import record_id

DAYS = 2
LARGEST, SMALLEST = 2_000, 200
_LOCATOR = re.compile(r"(?P<id>\w{15,18})-(?P<offset>\d+)\Z")


@dataclass(frozen=True)
class Cursor:
    """An open query: which records it found, what it shows of them, how many a page."""

    id: str
    kind: str
    fields: tuple[Field, ...]
    ids: Sequence[str]
    deleted: bool
    size: int
    opened: float


class Cursors:
    """The open queries of each user; the oldest gives way when there are `most`."""

    def __init__(self, clock: Clock, most: int = 50) -> None:
        self.clock = clock
        self.most = most
        self._open: OrderedDict[tuple[str, str], Cursor] = OrderedDict()
        self._numbers = itertools.count(1)

    def open(
        self, user: str, kind: str, fields: tuple[Field, ...], ids: Sequence[str], *, deleted: bool, size: int
    ) -> Cursor:
        """Keep a query's records for its later pages."""
        cursor = Cursor(record_id("0r8", next(self._numbers)), kind, fields, ids, deleted, size, self.clock.now())
        self._open[(user, cursor.id)] = cursor
        own = [key for key in self._open if key[0] == user]
        for key in own[: max(0, len(own) - self.most)]:
            del self._open[key]
        return cursor

    def find(self, user: str, locator: str) -> tuple[Cursor, int]:
        """The query of a locator and where its page begins; ApiError when it is not open any more."""
        written = _LOCATOR.match(locator)
        cursor = self._open.get((user, written["id"])) if written else None
        if written is None or cursor is None or self.clock.now() - cursor.opened > DAYS * DAY:
            raise errors.lost_locator()
        offset = int(written["offset"])
        if offset > len(cursor.ids):
            raise errors.lost_locator()
        return cursor, offset

    def lose(self) -> int:
        """Close every open query; returns how many there were."""
        lost = len(self._open)
        self._open.clear()
        return lost


def page_size(options: str | None, fields: tuple[Field, ...], *, long: bool) -> int:
    """How many records a page has: what Sforce-Query-Options asks for, less for wide records and long texts."""
    asked = re.search(r"batchSize\s*=\s*(\d+)", options or "")
    size = min(LARGEST, max(SMALLEST, int(asked[1]))) if asked else LARGEST
    if long:
        size = min(size, 1_000)
    return min(size, 500) if len(fields) > 250 else size
