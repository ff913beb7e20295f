"""What a change feed has shown lately: read again it starts nothing twice, and what turns up late is noticed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from framework.feed import SECOND, Pass, State

NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Seen:
    """The changes that the pass before has read: all of them from ``reach`` on, by id.

    ``since``: the mark that it left; a collection whose mark is older was not served then, nor were the ``unserved``.
    """

    ids: frozenset[str]
    since: int
    reach: int
    unserved: frozenset[str] = frozenset()

    @classmethod
    def of(cls, state: State) -> Seen:
        memory = state.memory
        ids, unserved = frozenset(memory.get("seen", ())), frozenset(memory.get("unserved", ()))
        return cls(ids, memory.get("since", 0), memory.get("reach", NEVER), unserved)

    def served(self, names: Collection[str], mark: int) -> bool:
        """Whether the pass before filled these collections, of which the one furthest back has this mark."""
        return mark >= self.since and self.unserved.isdisjoint(names)

    def floor(self, names: Collection[str], mark: int) -> int:
        """From when on these collections need what they have not seen: what became visible late, too."""
        return min(mark, self.reach) if self.served(names, mark) else mark


def note(opened: Pass, shown: Mapping[str, int], *, overlap: int, late: int, most: int) -> None:
    """Takes what a page has shown (id -> second) into the pass: the overlap whole, and some of what is older."""
    seen: dict[str, int] = opened.notes.setdefault("seen", {})
    since = opened.opened - overlap
    seen.update({id_: at for id_, at in shown.items() if at * SECOND >= since - late})
    older = sorted(((at, id_) for id_, at in seen.items() if at * SECOND < since), reverse=True)
    if len(older) > most:
        floor(opened, older[most][0])
        for _, id_ in older[most:]:
            del seen[id_]


def floor(opened: Pass, second: int) -> None:
    """Notes that of this second not all is known: only later ones count as read."""
    opened.notes["reach"] = max(opened.notes.get("reach", 0), (second + 1) * SECOND)


def kept(done: Pass, unserved: Collection[str], *, overlap: int, late: int) -> dict[str, Any]:
    """What the next pass is to know of this one; ``unserved``: the collections whose marks it did not move."""
    since = done.opened - overlap
    reach = min(since, max(done.notes.get("reach", 0), done.notes.get("from", 0), since - late))
    ids = sorted(id_ for id_, at in done.notes.get("seen", {}).items() if at * SECOND >= reach)
    return {"seen": ids, "since": since, "reach": reach, "unserved": sorted(unserved)}
