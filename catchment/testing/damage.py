"""What is wrong with a warehouse: one damage per place, and a report that a person can read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MISSING_TABLE, MISSING_COLUMN, WRONG_TYPE = "missing table", "missing column", "wrong type"
LOST, DOUBLED, GHOST = "lost row", "doubled row", "ghost row"
WRONGLY_DELETED, NOT_MARKED, WRONG_CHILD = "wrongly deleted row", "not marked deleted", "wrong child"
STALE, WRONG_CELL = "stale cell", "wrong cell"

_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Damage:
    """One place where a warehouse differs from the vendor.

    ``kind`` is one of the names above; key and column are empty where they mean nothing. A *ghost* is a row that the
    vendor never had; a *wrong child* is a row that hangs on another parent than it should, or lives though its parent
    no longer shows it; a *stale* cell holds what an earlier payload of the object said.
    """

    kind: str
    table: str
    key: str = ""
    column: str = ""
    expected: Any = None
    found: Any = None

    def __str__(self) -> str:
        place = ".".join(part for part in (self.table, str(self.key), self.column) if part)
        if self.expected is None and self.found is None:
            return f"{self.kind}: {place}"
        return f"{self.kind}: {place}: expected {_short(self.expected)}, found {_short(self.found)}"


def report(damages: Sequence[Damage], each: int = 5) -> str:
    """The damages in readable form: how many of each kind and where, and the first few of every kind."""
    if not damages:
        return "no damage"
    kinds: dict[str, list[Damage]] = defaultdict(list)
    for damage in damages:
        kinds[damage.kind].append(damage)
    lines = [f"{len(damages)} {'damage' if len(damages) == 1 else 'damages'}"]
    for kind, found in sorted(kinds.items(), key=lambda item: -len(item[1])):
        places = Counter(".".join(filter(None, (damage.table, damage.column))) for damage in found).most_common(8)
        lines.append(f"{kind}: {len(found)} ({', '.join(f'{place} {count}' for place, count in places)})")
        lines += [f"  {damage}" for damage in found[:each]]
        if len(found) > each:
            lines.append(f"  ... and {len(found) - each} more")
    return "\n".join(lines)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
