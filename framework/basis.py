"""What most feeds answer alike that fill collections of their own and keep them up to date by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from framework import gap, lacking, reach
from framework.collection import Collection
from framework.errors import Refused
from framework.feed import CHEAP, DAY, SECOND, Answer, Cost, Pass, Request, Slice, State, Step, View
from framework.sight import Gone


class Basis:
    """The answers of a feed without a change feed beside it: its own reading tells what is new.

    Its passes: ``first`` fills tables from nothing, ``tail`` reads what is new since its marks, ``relist`` reads a list
    again whose changes nothing else shows, ``compare`` reads keys only to find what is gone, ``gap`` reads all of it
    again, ``earlier`` reads what lies before the start date so far, ``fill`` the columns that rows lack. A subclass is
    a frozen dataclass with ``collections`` (its own first), and says how it opens slices, asks and reads.
    """

    collections: tuple[Collection, ...]
    settle: int = 60 * SECOND  # how late a change may become visible (microseconds)
    cadence: int = DAY  # how often ``--due`` reads a list again whose changes nothing else shows
    limit: int = 100  # rows of a page
    page: ClassVar[str] = ""
    relisted: ClassVar[bool] = False  # whether the whole list is read again each time: it tells of no changes

    @property
    def name(self) -> str:
        return self.collections[0].name

    @property
    def fills(self) -> tuple[str, ...]:
        own = [collection.name for collection in self.collections]
        shown = [n for c in self.collections for child in c.children for n in child.collections()]
        return tuple(dict.fromkeys([*own, *shown]))

    @property
    def listing(self) -> bool:
        return True

    @property
    def chained(self) -> bool:
        return True

    @property
    def complete(self) -> bool:
        return True

    @property
    def comparable(self) -> bool:
        return False

    @property
    def by_id(self) -> int:
        return 1

    @property
    def horizon(self) -> int:
        return 0

    @property
    def overlap(self) -> int:
        return 0

    @property
    def bounded(self) -> bool:
        return False

    @property
    def starts(self) -> bool:
        """Whether a start date bounds what it reads."""
        return True

    @property
    def sole(self) -> bool:
        return self.relisted

    def wanted(self, view: View) -> list[str]:
        """Selected collections that this feed fills and is not refused."""
        return [name for name in self.fills if name in view.selected and name not in view.refused]

    def cost(self, state: State) -> int:
        return max(1, -(-state.memory.get("rows", 0) // self.limit)) if self.relisted else 0

    def costs(self, name: str) -> Cost:
        """What this feed spends on one of its collections, in words, for `catalog` and the docs."""
        beside = "" if name == self.name else f"0 beside {self.name}"
        each = beside or f"1 per {self.limit} rows, at least 1"
        if self.relisted:
            idle = beside or f"`sync` reads the whole list while that takes at most {CHEAP} calls, else once a day"
            return Cost(each, beside or "0 beside its list", idle)
        return Cost(each, beside or f"1 per {self.limit} changed rows", beside or "1")

    def bare(self, view: View) -> Sequence[str]:
        return ()

    def due(self, state: State, view: View) -> Pass | None:
        wanted = self.wanted(view)
        if not wanted:
            return None
        unfilled = any(state.tables.get(name, "") != view.tables.get(name, "?") for name in wanted)
        if unfilled:
            return Pass("first", wanted)
        if self.starts and (earlier := reach.earlier(state, view, wanted)):
            return earlier
        if fill := lacking.fill(state, view, self.lacks(state, view, wanted)):
            return fill
        if gap.lost(state, wanted):
            return Pass("gap", wanted, notes={"since": 0})
        if state.memory.get("held") and state.memory.get("judged") != view.run:
            held = state.memory["held"]
            if held.get("compared"):
                return Pass("compare", wanted)  # the keys seen then are not kept
            return Pass("sweep", wanted, opened=held["opened"], notes={"since": held["since"]})
        if self.compares(state, view) and state.memory.get("judged") != view.run:
            return Pass("compare", wanted)
        if self.relisted:
            old = bool(view.now) and view.now - state.memory.get("listed", 0) >= self.cadence
            return Pass("relist", wanted) if old or self.name in view.relist else None
        return Pass("tail", wanted)

    def lacks(self, state: State, view: View, names: Sequence[str]) -> dict[str, list[str]]:
        """Columns that stored rows lack, by collection."""
        return lacking.lacks(state, view, names)

    def compares(self, state: State, view: View) -> bool:
        """Whether it is time to look for what disappeared without a word, by comparing keys."""
        return False

    def refused(self, slice_: Slice, refusal: Refused, view: View) -> Sequence[Slice] | None:
        return None

    def blames(self, slice_: Slice, view: View) -> Sequence[str]:
        return self.wanted(view)

    def gone(self, slice_: Slice, asked: int) -> Sequence[Gone]:
        return ()

    def absent(self, state: State) -> int:
        done = state.open
        swept = done is not None and (
            done.why in ("compare", "sweep") or (self.relisted and done.why not in ("first", "fill"))
        )
        return done.opened - self.settle if done and swept else 0

    def note(self, state: State, step: Step) -> None:
        if state.open:
            state.open.notes["rows"] = state.open.notes.get("rows", 0) + step.rows

    def close(self, state: State, view: View) -> None:
        done = state.open
        if done is None:
            return
        if self.absent(state):
            held = {"opened": done.opened, "since": done.notes.get("since", 0), "compared": done.why == "compare"}
            state.memory |= {"held": held if done.notes.get("held") else None, "judged": view.run}
        if done.why in ("sweep", "compare"):
            return
        refused = view.refused | set(done.notes.get("denied", ()))
        gap.closed(state, done, refused)
        for name in done.fills:
            if name in refused:
                state.tables.pop(name, None)  # it is filled again when it is allowed again
            elif done.why not in ("earlier", "fill"):
                state.marks[name] = max(state.marks.get(name, 0), self.covered(state, done))
                state.tables[name] = view.tables.get(name, "")
        lacking.filled(state, done, refused, view.run)
        if done.why == "fill":
            return
        if done.why == "earlier":
            state.memory |= {"start": reach.reached(done, view), "rows": self._more(state, done)}
        elif done.why != "tail":
            state.memory |= {"listed": done.opened, "rows": done.notes.get("rows", 0)}
            state.memory |= {"version": view.version, "start": reach.reached(done, view)}

    def _more(self, state: State, done: Pass) -> int:
        return int(state.memory.get("rows", 0) + done.notes.get("rows", 0))

    def covered(self, state: State, done: Pass) -> int:
        """The time up to which a finished pass surely has read all there is."""
        return done.opened - self.settle

    def slices(self, state: State, view: View) -> list[Slice]:
        """The first slices of the pass just opened."""
        raise AttributeError(f"{type(self).__name__} does not say how it opens a pass")

    def request(self, slice_: Slice, view: View) -> Request:
        """The call that reads a slice."""
        raise AttributeError(f"{type(self).__name__} does not say what it asks")

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        """What an answer holds."""
        raise AttributeError(f"{type(self).__name__} does not say how it reads")
