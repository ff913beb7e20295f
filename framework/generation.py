"""Reading collections again in place, by generation, beside what keeps them up to date."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from framework import heads, page
from framework.collection import Collection
from framework.errors import Refused
from framework.feed import Answer, Feed, Pass, Request, Slice, State, Step, View
from framework.sight import Gone, Live, Sight

PREFIX = "again/"


@dataclass(frozen=True, slots=True)
class Again:
    """A feed that reads whole again what another one fills, while that one goes on: a pass and marks of its own.

    A collection's generation is a number that is raised when it is to be read again, and reached when a whole pass
    that was opened since has ended. Rows need no word of it: of equal versions the later answer wins, a newer version
    always does. ``filled``: the state of the other feed, for what it remembers. ``own``: that feed's own collection.
    """

    feed: Feed
    filled: State
    own: Collection | None
    fills: tuple[str, ...]
    horizon: ClassVar[int] = 0
    sole: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return PREFIX + self.feed.name

    @property
    def listing(self) -> bool:
        return self.feed.listing

    @property
    def chained(self) -> bool:
        return self.feed.chained

    @property
    def complete(self) -> bool:
        return self.feed.complete

    @property
    def comparable(self) -> bool:
        return self.feed.comparable

    @property
    def by_id(self) -> int:
        return self.feed.by_id

    @property
    def overlap(self) -> int:
        return self.feed.overlap

    @property
    def settle(self) -> int:
        return self.feed.settle

    @property
    def bounded(self) -> bool:
        return self.feed.bounded

    def cost(self, state: State) -> int:
        return 0

    def bare(self, view: View) -> Sequence[str]:
        return self.feed.bare(view)

    # -- generations ------------------------------------------------------------------------------------------------

    def raised(self, state: State, names: Names[str], since: int) -> None:
        """Asks for these collections anew, from ``since`` on; a pass under way starts again."""
        asked, reached = state.memory.setdefault("raised", {}), state.memory.get("reached", {})
        for name in self.fills:
            if name in names:
                number, before = asked.get(name, (0, 0))
                waits = number > reached.get(name, 0)  # what waits to be read from earlier on, still is
                asked[name] = [number + 1, min(since, before) if waits else since]
                state.open, state.slices = None, {}

    def reached(self, state: State, names: Iterable[str], raised: dict[str, int]) -> None:
        """Notes that these collections were read whole in the generation that they had then."""
        reached = state.memory.setdefault("reached", {})
        reached |= {name: raised[name] for name in names if name in raised}

    def pending(self, state: State, view: View) -> dict[str, tuple[int, int]]:
        """The collections still to be read: their generation, and from when on."""
        reached = state.memory.get("reached", {})
        return {
            name: (number, since)
            for name, (number, since) in state.memory.get("raised", {}).items()
            if name in self.fills and name in view.selected - view.refused and number > reached.get(name, 0)
        }

    def covered(self, state: State, done: Pass, view: View) -> dict[str, int]:
        """The generations that a pass of the other feed, opened since, reaches when it ends: a whole one."""
        told = done.why == "relist" and self.feed.sole and not self.comparable
        whole = told or done.why in ("first", "gap")
        names = set(done.fills) if whole else set(done.fills) & self._empty(view) if done.why == "changes" else set()
        return {name: number for name, (number, since) in self.pending(state, view).items()
                if name in names and not since}  # fmt: skip

    def _empty(self, view: View) -> set[str]:
        """The collections that the other feed has yet to fill from nothing."""
        return {name for name in self.fills if self.filled.tables.get(name, "") != view.tables.get(name, "?")}

    # -- passes -----------------------------------------------------------------------------------------------------

    def due(self, state: State, view: View) -> Pass | None:
        empty = self._empty(view)
        if pending := {name: asked for name, asked in self.pending(state, view).items() if name not in empty}:
            since = min(since for _, since in pending.values())
            now = {name: number for name, (number, from_) in pending.items() if from_ == since}
            return Pass("gap", list(now), notes={"since": since, "start": max(view.start, since), "raised": now})
        unsure = state.memory.get("unsure") or {}
        if set(unsure.get("fills", ())) & (view.selected - view.refused) and unsure.get("judged") != view.run:
            notes = {"since": unsure["since"], "keys": True}
            if self.comparable:
                return Pass("compare", unsure["fills"], notes=notes)
            return Pass("sweep", unsure["fills"], opened=unsure["opened"], notes=notes)
        return None

    def slices(self, state: State, view: View) -> list[Slice]:
        return self.feed.slices(self._inner(state), self._view(state, view))

    def request(self, slice_: Slice, view: View) -> Request:
        return self.feed.request(slice_, view)

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        step = self.feed.read(slice_, answer, self._inner(state), self._view(state, view))
        since = state.open.notes.get("since", 0) if state.open else 0
        if since:
            self._leave(step, since)
        if self.own is not None and self.own.kind == "object" and state.open:  # what happened is told as it was then
            at = (state.open.opened or answer.asked) - self.settle
            step.live = [Live(sight.collection, _living(sight, self._key), at) for sight in self._owned(step)]
        step.sights = [replace(sight, fresh=frozenset()) if sight.fresh else sight for sight in step.sights]
        step.closed = [replace(closed, fresh=False) for closed in step.closed]
        return step

    def refused(self, slice_: Slice, refusal: Refused, view: View) -> Sequence[Slice] | None:
        return self.feed.refused(slice_, refusal, view)

    def blames(self, slice_: Slice, view: View) -> Sequence[str]:
        return self.feed.blames(slice_, view)

    def gone(self, slice_: Slice, asked: int) -> Sequence[Gone]:
        return self.feed.gone(slice_, asked)

    def absent(self, state: State) -> int:
        done, own = state.open, self.own
        if done is None or own is None or own.kind == "event" or own.name not in done.fills:
            return 0
        if done.notes.get("since") and own.created is None:
            return 0  # nothing says which rows are as young as that
        found = self.feed.absent(self._inner(state))
        if not found and self.comparable and not done.notes.get("resumed"):
            found = self.feed.absent(State(open=replace(done, why="compare")))
        return found

    def note(self, state: State, step: Step) -> None:
        inner = self._inner(state)
        self.feed.note(inner, step)
        if inner.open:
            inner.open.notes.pop("not_selected", None)

    def close(self, state: State, view: View) -> None:
        done = state.open
        if done is None:
            return
        filled = [n for n in done.fills if n not in view.refused and n not in done.notes.get("denied", ())]
        self.reached(state, filled, done.notes.get("raised", {}))
        proved = self.absent(state) > 0
        held = bool(done.notes.get("held")) if proved else self._unproved(done)
        unsure = {"fills": filled, "since": done.notes.get("since", 0), "opened": done.opened}
        if self._owns(done):
            state.memory.pop("unsure", None)
        if held and filled:
            state.memory["unsure"] = {**unsure, "judged": view.run if proved else ""}

    def _unproved(self, done: Pass) -> bool:
        """Whether keys are still to be compared: those that a pass showed died with the run that it began in."""
        own = self.own
        return done.why == "gap" and self.comparable and self._owns(done) and own is not None and own.kind != "event"

    def _owns(self, done: Pass) -> bool:
        """Whether a pass read its own collection, so that absence from it may mean something."""
        return self.own is not None and self.own.name in done.fills

    # -- the other feed's world -------------------------------------------------------------------------------------

    def _inner(self, state: State) -> State:
        return State(memory=self.filled.memory, open=state.open)

    def _view(self, state: State, view: View) -> View:
        return replace(view, selected=view.selected & frozenset(state.open.fills if state.open else ()))

    @property
    def _key(self) -> str:
        """The vendor's field with the key of its own collection."""
        return self.own.identity if self.own else ""

    def _owned(self, step: Step) -> list[Sight]:
        """The sights of its own collection."""
        return [sight for sight in step.sights if self.own and sight.collection == self.own.name and not sight.parent]

    def _leave(self, step: Step, since: int) -> None:
        """Takes rows out that were created before, and what follows from them."""
        left: set[str] = set()
        own = self.own
        if own is None or (column := own.created) is None:
            return
        step.sights = [
            _younger(sight, self._key, str(column.path[0]), since, left) if sight in self._owned(step) else sight
            for sight in step.sights
        ]
        step.slices = [slice_ for slice_ in step.slices if slice_.get("parent") not in left]


def _paged(sight: Sight) -> tuple[bytes, str]:
    """The page that a sight is, and the field with its rows."""
    return (bytes(sight.data), sight.at) if sight.at else (b'{"rows":' + bytes(sight.data) + b"}", "rows")


def _living(sight: Sight, key: str) -> list[str]:
    """The keys of the objects that a sight does not show as gone."""
    _, rows = heads.read(*_paged(sight), (), (key,))
    gone = sight.deleted or ()
    return [str(one) for n, one in enumerate(rows.fields[key]) if one is not None and not (gone and gone[n])]


def _younger(sight: Sight, key: str, created: str, since: int, left: set[str]) -> Sight:
    """The sight without the rows created before an instant, whose keys go to ``left``."""
    whole, at = _paged(sight)
    _, rows = heads.read(whole, at, (), (key, created))
    times = [heads.micros(one) for one in rows.fields[created]]
    kept = [n for n, time in enumerate(times) if not time or time >= since]
    if len(kept) == rows.count:
        return sight
    left |= {str(one) for n, one in enumerate(rows.fields[key]) if n not in set(kept)}
    raws = page.RAWS.decode(msgspec.json.decode(whole, type=dict[str, msgspec.Raw])[at])
    version: Any = sight.version if isinstance(sight.version, int) else [sight.version[n] for n in kept]
    deleted = [sight.deleted[n] for n in kept] if sight.deleted is not None else None
    data = page.array([raws[n] for n in kept])
    return replace(sight, data=data, version=version, deleted=deleted, at="", opened=None)
