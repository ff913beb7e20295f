"""Where the objects of one kind lie: by id for lists, and by stamp and id for exports."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import msgspec

Id = int | str
Key = tuple[int, Id]
Payload = dict[str, Any]
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


class Row:
    """One stored object: its JSON, the second an export sorts it by, what lists look at without decoding it."""

    __slots__ = ("archives_at", "body", "created", "deleted_at", "group", "id", "parent", "scope", "stamp")

    def __init__(
        self,
        row_id: Id,
        body: bytes,
        stamp: int,
        *,
        created: int,
        deleted_at: int | None = None,
        scope: str = "agent",
        group: int | None = None,
        parent: Id | None = None,
        archives_at: int | None = None,
    ) -> None:
        self.id = row_id
        self.body = body
        self.stamp = stamp
        self.created = created
        self.deleted_at = deleted_at
        self.scope = scope
        self.group = group
        self.parent = parent
        self.archives_at = archives_at

    @property
    def key(self) -> Key:
        return self.stamp, self.id

    def payload(self) -> Payload:
        """A fresh copy of the object."""
        loaded: Payload = decode(self.body)
        return loaded


class Shelf:
    """All objects of one kind that the API still knows, and what it has forgotten (`gone`: last sight, since when)."""

    def __init__(self) -> None:
        self.rows: dict[Id, Row] = {}
        self.gone: dict[Id, tuple[Row, int]] = {}
        self._ids: list[Any] = []
        self._keys: list[Any] = []
        self._sorted = True

    def put(self, row: Row) -> None:
        """Store a new object or a new state of one."""
        known = self.rows.get(row.id)
        if known is None or known.stamp != row.stamp:
            self._sorted = False
        self.rows[row.id] = row
        self.gone.pop(row.id, None)

    def forget(self, row_id: Id, at: int) -> None:
        """Take an object away for good."""
        self.gone[row_id] = (self.drop(row_id), at)

    def drop(self, row_id: Id) -> Row:
        """Take an object away because the vendor keeps it no longer, which is no deletion."""
        self._sorted = False
        return self.rows.pop(row_id)

    def ids(self) -> list[Any]:
        """All ids, ascending."""
        self._sort()
        return self._ids

    def after(self, key: Key | tuple[int], last: int) -> Iterator[Row]:
        """The rows beyond `key` in the order of an export, up to those stamped `last`."""
        self._sort()
        keys = self._keys
        for place in range(bisect_left(keys, key), len(keys)):
            if keys[place][0] > last:
                return
            if keys[place] != key:
                yield self.rows[keys[place][1]]

    def before(self, key: Key, count: int) -> Key | tuple[int]:
        """The key that lies `count` rows further back; below all others at the start."""
        self._sort()
        place = bisect_left(self._keys, key) - count
        found: Key | tuple[int] = self._keys[place] if place >= 0 else (0,)
        return found

    def _sort(self) -> None:
        if not self._sorted:
            self._ids = sorted(self.rows)
            self._keys = sorted(row.key for row in self.rows.values())
            self._sorted = True
