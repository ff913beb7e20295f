"""The feed of a plain list: read whole, page by page, whenever its time has come, or from a time on where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

from framework import heads, lacking, reach
from framework.basis import Basis
from framework.collection import Collection
from framework.errors import Kind, Refused
from framework.feed import CHEAP, DAY, SECOND, Answer, Cost, Pass, Request, Slice, State, Step, View
from framework.sight import Sight

_ENVELOPE = ("meta", "next_page")
_RESTARTS = 3  # of one pass whose page token dies again and again
_SMALLEST = 5  # rows of a page below which an answer that is too large is the vendor's trouble


@dataclass(frozen=True)
class Pages(Basis):
    """One list and the collections that its rows fill; the first is its own. Only the list shows its changes.

    ``at``: the field of a page that holds the rows. ``paged``: whether the list takes a page size and cursor
    (``page[size]``, ``page[after]``); a list that answers without ``meta`` is followed by ``next_page``.
    ``deleted``: a field and the value that says a row is gone (``...``: any value but null).
    """

    collections: tuple[Collection, ...]
    path: str
    at: str = ""
    paged: bool = True
    params: tuple[tuple[str, str], ...] = ()
    deleted: tuple[str, Any] | None = None
    bucket: str = ""
    settle: int = 60 * SECOND
    cadence: int = DAY
    limit: int = 100
    page: ClassVar[str] = ""
    relisted: ClassVar[bool] = True

    @property
    def bounded(self) -> bool:
        return False

    @property
    def starts(self) -> bool:
        return not self.relisted

    def due(self, state: State, view: View) -> Pass | None:
        found = super().due(state, view)
        if found and found.why == "fill" and self.relisted:
            found.why = "relist"  # it costs no more, and tells all that is new as well
        return found

    def slices(self, state: State, view: View) -> list[Slice]:
        if state.open and state.open.why == "sweep":
            return []  # what an earlier pass did not see needs no reading
        return [{"id": "list", "kind": "list"}]

    def request(self, slice_: Slice, view: View) -> Request:
        params = [*self.params, *self._window(slice_)]
        if slice_.get("number"):
            params.append(("page", str(slice_["number"])))
            if slice_.get("size"):  # the vendor's own: numbers count pages of the size that the first one had
                params.append(("per_page", slice_["size"]))
        elif self.paged:
            params.append(("page[size]", str(slice_.get("limit", self.limit))))
            if slice_.get("after"):
                params.append(("page[after]", slice_["after"]))
        return Request(self.path, params, self.path, bucket=self.bucket)

    def _window(self, slice_: Slice) -> list[tuple[str, str]]:
        return []

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        opened = state.open
        at = self.at or self.name
        envelope, rows = heads.read(answer.body, at, _ENVELOPE, self.deleted[:1] if self.deleted else ())
        # No page is older than its pass, whatever its own clock says: the sweep judges by that.
        version = max(answer.asked, opened.opened if opened else 0) - self.settle
        step = Step(rows=rows.count)
        if rows.count:
            fresh = frozenset(opened.fills) if opened and opened.why in ("first", "gap") else frozenset[str]()
            gone = heads.said(rows.fields[self.deleted[0]], self.deleted[1]) if self.deleted else None
            sight = Sight(self.name, answer.body, version, gone, fresh=fresh, at=at)
            step.sights += lacking.shown(sight, opened, self.collections[0])
        step.slices = self._next(slice_, envelope)
        if any(one.get("number") for one in step.slices):
            step.notes["drifts"] = True
        return step

    def _next(self, slice_: Slice, envelope: dict[str, Any]) -> list[Slice]:
        meta, link = envelope["meta"], envelope["next_page"]
        if isinstance(meta, dict):
            if meta.get("has_more") is not True:
                return []
            after = meta.get("after_cursor")
            if not isinstance(after, str) or after == slice_.get("after"):
                raise Refused(Kind.BUG, f"{self.path} says that it has more and shows no way there")
            return [{**slice_, "after": after}]
        if not isinstance(link, str):
            return []
        query = parse_qs(urlsplit(link).query)
        (number, *_), (size, *_) = query.get("page", [""]), query.get("per_page", [""])
        if not number.isdigit() or int(number) <= slice_.get("number", 1):
            raise Refused(Kind.BUG, f"{self.path} says that it has more and shows no way there")
        return [{**slice_, "number": int(number), "after": number, "size": size}]

    def refused(self, slice_: Slice, refusal: Refused, view: View) -> Sequence[Slice] | None:
        if refusal.kind in (Kind.CURSOR, Kind.GONE) and slice_.get("after"):
            if slice_.get("again", 0) >= _RESTARTS:
                return None
            kept = {name: value for name, value in slice_.items() if name not in ("after", "number", "size")}
            return [{**kept, "again": slice_.get("again", 0) + 1}]
        limit, again = slice_.get("limit", self.limit), slice_.get("again", 0)
        if refusal.kind is not Kind.SHRINK:
            return None
        if self.paged and not slice_.get("number") and limit > _SMALLEST:
            return [{**slice_, "limit": limit // 2}]
        return [{**slice_, "again": again + 1}] if again < _RESTARTS else None

    def absent(self, state: State) -> int:
        # Numbered pages shift while they are read, so that a row can slip between two of them.
        return 0 if state.open and state.open.notes.get("drifts") else super().absent(state)

    def note(self, state: State, step: Step) -> None:
        super().note(state, step)
        if state.open and step.notes.get("drifts"):
            state.open.notes["drifts"] = True


@dataclass(frozen=True)
class Recent(Pages):
    """A list of what happened, which can be asked from a time on: read from its mark less ``again`` (microseconds).

    ``since``: the parameter that takes the time, ``form`` how: Unix seconds, ISO 8601, or both ends as a range.
    ``until``: the parameter that takes an end, "" where there is none. ``whole``: how often it is read whole, because
    older rows change too; more often while that is cheap. Rows that it no longer shows stay.
    """

    since: str = "start_time"
    until: str = ""
    form: Literal["unix", "iso", "range"] = "unix"
    again: int = 0
    whole: int = 0
    relisted: ClassVar[bool] = False

    @property
    def sole(self) -> bool:
        return True

    def due(self, state: State, view: View) -> Pass | None:
        found = super().due(state, view)
        if found and found.why == "earlier" and not (self.until or self.form == "range"):
            return Pass("first", found.fills)  # it takes no end: all of it is read
        if found is None or found.why != "tail":
            return found
        if view.due and view.now - state.memory.get("asked", 0) < self.cadence:
            return None
        old = bool(view.now) and view.now - state.memory.get("listed", 0) >= self.whole
        if self.whole and (old or (not view.due and self._calls(state) <= CHEAP)):
            found.why = "relist"
        return found

    def _calls(self, state: State) -> int:
        return max(1, -(-int(state.memory.get("rows", 0)) // self.limit))

    def costs(self, name: str) -> Cost:
        if name != self.name:
            return super().costs(name)
        each = f"1 per {self.limit}"
        days = f"the last {self.again // DAY} days" if self.again >= DAY else "the last minutes"
        late = f"{each} rows of {days}, at least 1; `sync --due` once a day"
        if self.whole:
            late += f"; the whole list while that takes at most {CHEAP} calls, else every {self.whole // DAY} days"
        return Cost(f"{each} rows, at least 1", late, late)

    def slices(self, state: State, view: View) -> list[Slice]:
        opened = state.open
        since, until = reach.span(opened, view)
        if until:
            return [{"id": "list", "kind": "list", "since": since, "until": until, "ends": True}]
        if opened and opened.why == "gap":
            since = max(since, opened.notes.get("since", 0))
        elif opened and opened.why == "tail":
            mark = min((state.marks.get(name, 0) for name in opened.fills), default=0)
            since = max(since, mark - self.again)
        return [{"id": "list", "kind": "list", "since": since, "until": view.now}]

    def _window(self, slice_: Slice) -> list[tuple[str, str]]:
        since, until = slice_["since"], slice_["until"]
        if not since and not slice_.get("ends"):
            return []
        if self.form == "range":
            return [(self.since, heads.iso(since)), (self.since, heads.iso(until or since + 100 * 365 * DAY))]
        ends = [(self.until, self._time(until))] if slice_.get("ends") else []
        return [(self.since, self._time(since)), *ends]

    def _time(self, at: int) -> str:
        return str(at // SECOND) if self.form == "unix" else heads.iso(at)

    def close(self, state: State, view: View) -> None:
        done = state.open
        super().close(state, view)
        if done and done.why not in ("earlier", "fill"):
            state.memory["asked"] = done.opened
