"""Where the records of one object lie."""

from collections.abc import Iterator, Sequence
from typing import Any

Values = dict[str, Any]


class Table:
    """Records by id. A record is never changed in place: a new one takes its place, so a reader may keep the old."""

    def __init__(self) -> None:
        self._rows: dict[str, Values] = {}
        self._known: list[str] = []

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, row_id: str) -> Values | None:
        return self._rows.get(row_id)

    def put(self, row_id: str, values: Values) -> None:
        if row_id not in self._rows:
            self._known.append(row_id)
        self._rows[row_id] = values

    def drop(self, row_id: str) -> Values:
        return self._rows.pop(row_id)

    def sample(self) -> Sequence[str]:
        """Ids to choose from, some of which may be gone."""
        return self._known

    def ids(self) -> Iterator[str]:
        return iter(list(self._rows))

    def items(self) -> Iterator[tuple[str, Values]]:
        return iter(list(self._rows.items()))

    def rows(self) -> Iterator[Values]:
        return iter(list(self._rows.values()))
