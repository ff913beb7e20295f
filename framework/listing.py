"""The feed of a list endpoint: reads a collection whole, by what is new, or again when its cadence has come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import msgspec

from framework import appearing, follow, gap, lacking, page, reach, window
from framework.collection import Collection
from framework.errors import Kind, Refused
from framework.feed import CHEAP, DAY, SECOND, Answer, Pass, Request, Slice, State, Step, View
from framework.sight import Gone, Sight

FOLLOWED = 2_000  # parents whose long lists are remembered, so that listing again reads none of them twice


@dataclass(frozen=True, slots=True)
class Listing:
    """One list endpoint, newest first, and the collections that its objects and their child lists fill.

    ``keep`` says how it stays up to date after the first pass: ``events`` (a change feed tells), ``tail`` (rows only
    appear; read from the oldest one that may still change, told by ``unsettled``), ``relist`` (only the list shows).
    ``silent``: some changes make no event, so it is listed again as well, every ``cadence``.
    ``created``: the field of a row that the list is ordered by; ``filter``: the parameter that slices by it, or "".
    ``complete``: whether absence from a whole list proves a deletion; otherwise an absent row is read by id.
    """

    collection: Collection
    path: str
    keep: Literal["events", "tail", "relist"] = "events"
    silent: bool = False
    cadence: int = 7 * DAY
    params: tuple[tuple[str, str], ...] = ()
    created: str = "created"
    filter: str = "created"
    unsettled: tuple[str, str] | None = None
    complete: bool = False
    limit: int = 100
    settle: int = 60 * SECOND
    horizon: ClassVar[int] = 0
    comparable: ClassVar[bool] = False
    by_id: ClassVar[int] = 1
    overlap: ClassVar[int] = 0

    @property
    def name(self) -> str:
        return self.collection.name

    @property
    def listing(self) -> bool:
        return True

    @property
    def chained(self) -> bool:
        return not self.filter

    @property
    def bounded(self) -> bool:
        return True

    @property
    def sole(self) -> bool:
        return self.keep == "relist"

    @property
    def fills(self) -> tuple[str, ...]:
        return (self.name, *(name for child in self.collection.children for name in child.collections()))

    def wanted(self, view: View) -> list[str]:
        """Selected collections that this feed fills; an object's own list is read for its children's sake too."""
        return [name for name in dict.fromkeys(self.fills) if name in view.selected and name not in view.refused]

    def due(self, state: State, view: View) -> Pass | None:
        wanted = self.wanted(view)
        if not wanted:
            return None
        denied = set(state.memory.get("denied", ()))
        unfilled = {name for name in wanted if state.tables.get(name, "") != view.tables.get(name, "?")}
        lost = gap.lost(state, wanted)  # then also what a partly read table still shows
        if unfilled - denied and not lost:
            return Pass("first", wanted)
        if unfilled and state.memory.get("probed") != view.run:
            return Pass("probe", sorted(unfilled))
        if earlier := reach.earlier(state, view, wanted):
            return earlier
        if fill := lacking.fill(state, view, lacking.lacks(state, view, wanted)):
            if self.filter and (young := appearing.youngest(state, fill, self.name)):
                fill.notes["youngest"] = young
            return fill
        if lost:
            return Pass("gap", wanted, notes={"since": 0})
        if state.memory.get("held") and state.memory.get("judged") != view.run:
            held = state.memory["held"]
            return Pass("sweep", wanted, opened=held["opened"], notes={"since": held["since"]})
        old = bool(view.now) and view.now - state.memory.get("listed", 0) >= self._cadence(state)
        now = self.name in view.relist and self.cost(state) <= CHEAP  # a pass closed meanwhile knows it better
        if (self.keep == "relist" or self.silent) and (old or now):
            return Pass("relist", wanted, notes={"old": old})
        if self.keep == "tail" or (self.silent and not view.due):
            return Pass("tail", wanted)
        return None

    def cost(self, state: State) -> int:
        """Calls that listing again would take; 0 when that would show nothing that events and new rows do not."""
        return max(1, -(-state.memory.get("rows", 0) // self.limit)) if self.keep == "relist" or self.silent else 0

    def _cadence(self, state: State) -> int:
        return DAY if self.cost(state) <= CHEAP else self.cadence

    def slices(self, state: State, view: View) -> list[Slice]:
        opened = state.open
        lo, until = (at // SECOND for at in reach.span(opened, view))
        if until:
            return [window.first(lo, until) if self.filter else window.first(lo) | self._reached(state)]
        if opened and opened.why == "gap":
            lo = max(lo, opened.notes.get("since", 0) // SECOND)
        if opened and opened.why == "probe":
            return [{**window.first(lo), "probe": True}]
        if opened and opened.why == "sweep":
            return []  # what an earlier pass did not see needs no reading
        if opened and opened.why == "tail":
            since = min(
                state.memory.get("unsettled") or view.now, min((state.marks.get(n, 0) for n in opened.fills), default=0)
            )
            lo = max(lo, since // SECOND)
        if opened and opened.notes.get("youngest"):
            young = opened.notes["youngest"] // SECOND + 1  # what is older is asked first
            return [window.first(lo, young), window.first(max(lo, young))]
        return [window.first(lo)]

    def _reached(self, state: State) -> Slice:
        """Where a list that takes no time ended that was read up to the start date."""
        return {"after": state.memory["last"]} if state.memory.get("last") else {}

    def request(self, slice_: Slice, view: View) -> Request:
        if slice_["kind"] == "more":
            return follow.follow_request(self.collection, slice_, self.limit)
        if slice_["kind"] == "get":
            return follow.get_request(self.collection, slice_)
        params = [("limit", "1" if slice_.get("probe") else str(slice_.get("limit", self.limit))), *self.params]
        if not slice_.get("bare"):
            params += [("expand[]", f"data.{child.expand}") for child in self._expanded(view)]
        if self.filter:
            params += window.bounds(slice_, self.filter)
        if slice_.get("after"):
            params.append(("starting_after", slice_["after"]))
        return Request(self.path, params, self.path)

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        opened = state.open
        whole = opened is not None and opened.why in ("first", "gap", "earlier")
        fresh = frozenset(opened.fills) if opened and whole else frozenset[str]()
        if slice_["kind"] == "more":
            return follow.read_follow_up(self.collection, slice_, answer, view, fresh=fresh)
        if slice_["kind"] == "get":
            sights, gone = follow.read_one(
                self.collection, slice_["key"], answer.body, answer.asked - self.settle, slice_["v"]
            )
            return Step(sights, gone, rows=len(sights))
        shown = self._glance(answer.body, view) or self._heads(answer.body, view)
        rows = shown.data
        # No page is older than its pass, whatever its own clock says: the sweep judges by that.
        version = max(answer.asked, opened.opened if opened else 0) - self.settle
        step = Step(rows=len(rows))
        if slice_.get("probe"):
            return self._probed(step, rows, version, state, view)
        if rows:
            read = shown.opened if isinstance(shown, page.Rows) else None
            step.sights.append(Sight(self.name, answer.body, version, fresh=fresh, at="data", opened=read))
        self._follow(step, rows, answer.body, version, state, view)
        times = [row.f0 for row in rows if isinstance(row.f0, int)]
        if self.unsettled:
            pending = [row.f0 for row in rows if row.f1 == self.unsettled[1] and isinstance(row.f0, int)]
            step.notes["unsettled"] = min(pending, default=0) * SECOND
        over = bool(times) and not self.filter and times[-1] < slice_["lo"]
        last = next((row.key for row in reversed(rows) if row.key), "")
        if not self.filter:
            step.notes["last"] = last
        if shown.has_more and not rows:
            raise msgspec.DecodeError("an empty page that says there is more")
        if shown.has_more and rows and not over:
            if last == slice_.get("after", ""):
                raise Refused(Kind.BUG, f"{self.path} does not move past {last}: the list repeats itself")
            spare = view.spare if self.filter else 0
            oldest = times[-1] if times else 0
            step.slices += window.rest(slice_, str(last), times[0] if times else 0, oldest, born=view.born, spare=spare)
        step.notes["rows"] = len(rows)
        return step

    def refused(self, slice_: Slice, refusal: Refused, view: View) -> Sequence[Slice] | None:
        if slice_["kind"] == "get" and refusal.kind is Kind.GONE:
            return []
        if slice_["kind"] == "more" and follow.orphaned(slice_, refusal):
            return []
        if refusal.kind in (Kind.GONE, Kind.CURSOR) and slice_.get("after"):
            again = window.restart(slice_)  # the row we stood on is gone: its slice goes on from there anew
            return [again] if again else None
        if slice_["kind"] != "list":
            return None
        if refusal.kind is Kind.SHRINK:
            return window.smaller(slice_, self.limit)
        if refusal.kind in (Kind.PERMISSION, Kind.UNAVAILABLE) and not slice_.get("bare") and self._expanded(view):
            return [{**slice_, "bare": True}]  # the list may be allowed where what it was asked to carry is not
        return None

    def gone(self, slice_: Slice, asked: int) -> list[Gone]:
        """What an object's absence means when it was asked for by id."""
        return (
            [Gone(self.name, slice_["key"], max(asked - self.settle, slice_["v"]))] if slice_["kind"] == "get" else []
        )

    def absent(self, state: State) -> int:
        """The version below which a row was not seen by the whole pass that just ended; 0 when that proves nothing."""
        done = state.open
        swept = done is not None and (done.why in ("gap", "sweep") or (done.why == "relist" and self.keep == "relist"))
        return done.opened - self.settle if swept and done else 0

    def blames(self, slice_: Slice, view: View) -> Sequence[str]:
        if slice_["kind"] == "more":
            return self.collection.children[slice_["child"]].collections()
        return self.wanted(view)

    def bare(self, view: View) -> Sequence[str]:
        """The collections that go without when the list is read bare."""
        return [name for child in self._expanded(view) for name in child.collections()]

    def note(self, state: State, step: Step) -> None:
        if not state.open:
            return
        notes = state.open.notes
        notes["rows"] = notes.get("rows", 0) + step.notes.get("rows", 0)
        if "followed" in step.notes and len(notes.setdefault("followed", {})) < FOLLOWED:
            notes["followed"].update(step.notes["followed"])
        if step.notes.get("last"):
            notes["last"] = step.notes["last"]
        if step.notes.get("unsettled"):
            notes["unsettled"] = min(notes.get("unsettled") or step.notes["unsettled"], step.notes["unsettled"])

    def close(self, state: State, view: View) -> None:
        done = state.open
        if done is None:
            return
        refused = view.refused | set(done.notes.get("denied", ()))
        state.memory["denied"] = [name for name in self.fills if name in refused]
        if done.why == "probe":
            state.memory["probed"] = view.run
            return
        if done.why == "sweep" or self.absent(state):
            held = {"opened": done.opened, "since": done.notes.get("since", 0)}
            state.memory |= {"held": held if done.notes.get("held") else None, "judged": view.run}
        if done.why == "sweep":
            return
        gap.closed(state, done, refused)
        settled = done.opened - self.settle
        for name in done.fills:
            if name in refused:
                state.tables.pop(name, None)  # it is filled again when it is allowed again
            elif done.why not in ("earlier", "fill"):
                state.marks[name] = max(state.marks.get(name, 0), settled)
                state.tables[name] = view.tables.get(name, "")
        lacking.filled(state, done, refused, view.run)
        if done.why == "fill":
            return
        if done.why == "earlier":
            self._close_earlier(state, done, view)
            return
        if done.why != "tail":
            state.memory |= {"listed": done.opened, "rows": done.notes.get("rows", 0)}
            state.memory |= {"version": view.version, "start": reach.reached(done, view)}
            state.memory["followed"] = done.notes.get("followed", {})
            if not done.notes.get("since"):
                state.memory["last"] = done.notes.get("last", "")
        state.memory["unsettled"] = done.notes.get("unsettled", 0)

    def _close_earlier(self, state: State, done: Pass, view: View) -> None:
        """The tables reach further back now; what is newer is left to the other passes."""
        rows = state.memory.get("rows", 0) + done.notes.get("rows", 0)
        state.memory |= {"start": reach.reached(done, view), "rows": rows}
        state.memory["last"] = done.notes.get("last") or state.memory.get("last", "")
        oldest = [at for at in (state.memory.get("unsettled", 0), done.notes.get("unsettled", 0)) if at]
        state.memory["unsettled"] = min(oldest, default=0)

    def _expanded(self, view: View) -> list[Any]:
        return [
            child
            for child in self.collection.children
            if child.expand and any(name in view.selected and name not in view.refused for name in child.collections())
        ]

    def _glance(self, body: bytes, view: View) -> page.Rows | None:
        """The page as the loader reads it, where that shows all that steers: not which lists go on."""
        followed = follow.followed(self.collection, view.selected - view.refused)
        if view.glance is None or any(child.path for _, child in followed):
            return None
        fields = (self.collection.key, self.created, *(self.unsettled or ())[:1])
        seen = view.glance(self.name, body, "data", fields)
        return page.Rows([page.Row(*row) for row in seen.rows], seen.more, seen.opened) if seen else None

    def _heads(self, body: bytes, view: View) -> Any:
        fields = [(self.created, page.plain(int))]
        if self.unsettled:
            fields.append((self.unsettled[0], page.plain(int)))
        followed = follow.followed(self.collection, view.selected - view.refused)
        lists = tuple(child.path for _, child in followed if child.path)
        return page.read(page.heads(self.collection.key, tuple(fields), lists), body)

    def _probed(self, step: Step, rows: list[Any], version: int, state: State, view: View) -> Step:
        """A probe asks for one row, and for that row's own lists where those were refused; it loads nothing itself."""
        wanted = frozenset(state.open.fills) if state.open else frozenset[str]()
        for n, child in follow.followed(self.collection, wanted) if rows else ():
            if not child.expand:
                step.slices.append(follow.follow_up(n, child, str(rows[0].key), version, None))
        return step

    def _follow(self, step: Step, rows: list[Any], body: bytes, version: int, state: State, view: View) -> None:
        """Orders what the shown lists leave out, but not again for a parent that is still byte for byte the same."""
        at = 0
        raws: list[msgspec.Raw] | None = None
        opened = state.open
        again = opened is not None and opened.why == "relist" and not opened.notes.get("old")
        known = state.memory.get("followed", {}) if again else {}
        for n, child in follow.followed(self.collection, view.selected - view.refused):
            if not child.path:
                step.slices += [follow.follow_up(n, child, str(row.key), version, None) for row in rows]
                continue
            long = [(i, row) for i, row in enumerate(rows) if (shown := getattr(row, f"l{at}")) and shown.has_more]
            at += 1
            for i, row in long:
                raws = raws or page.RAWS.decode(page.ENVELOPE.decode(body).data)
                name, digest = f"{n}/{row.key}", hashlib.blake2b(raws[i], digest_size=6).hexdigest()
                if self.cost(state):
                    step.notes.setdefault("followed", {})[name] = digest
                if known.get(name) != digest:
                    step.slices.append(follow.follow_up(n, child, str(row.key), version, raws[i]))
