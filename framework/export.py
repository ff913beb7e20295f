"""The feed of an incremental export: everything that changed since a time, in order of change, deletions among it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from framework import heads, lacking, page, proof, reach
from framework.basis import Basis
from framework.collection import Collection
from framework.errors import Kind, Refused
from framework.feed import CHEAP, DAY, SECOND, Answer, Cost, Pass, Request, Slice, State, Step, View
from framework.sideload import Beside, embed
from framework.sight import Gone, Sight

_ENVELOPE = ("after_cursor", "end_of_stream", "end_time", "next_page", "meta")
_SMALLEST = 10  # rows of a page below which an answer that is too large is the vendor's trouble
_PAUSE_S, _PAUSE_MAX_S = 0.5, 30.0  # before an answer that came too late for the vendor is asked for again
_RESTARTS = 3  # of one pass whose cursor dies again and again
_LISTED = 100  # rows of a page of a list by cursor


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of another collection in a list inside each row.

    ``path``: the list; ``where``: field of a member and the values of it that count; ``copy``: fields of the row that
    each member gets, under the name beside it, unless it has one of that name itself.
    """

    path: str
    into: str
    where: tuple[str, tuple[str, ...]] | None = None
    copy: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Export(Basis):
    """One export and the collections that its rows fill; the first is its own.

    ``at``: the field of a page that holds the rows. ``stamps``: fields of a row whose latest is its version; by the
    first the export is ordered.
    ``deleted``: a field and the value that says a row is gone (``...``: any value but null). ``cursor``: pages follow
    each other by an opaque token, else by time (``start_time`` = the last page's ``end_time``). ``include``: asked for
    when any of those collections is wanted; ``beside``: where a page has it, if not inside its rows. ``youngest``: how
    old ``start_time`` must be (microseconds). ``ids``: the address under which its rows are read by id: the export
    leaves out a row that changed within the last minute, at its old place too, so absence alone proves nothing.
    ``rest``: a list by cursor that shows the same rows, those of one second among them that fit on no page of an
    export by time.
    """

    collections: tuple[Collection, ...]
    path: str
    at: str = ""
    stamps: tuple[str, ...] = ("updated_at",)
    deleted: tuple[str, Any] | None = None
    cursor: bool = False
    params: tuple[tuple[str, str], ...] = ()
    include: tuple[tuple[str, tuple[str, ...]], ...] = ()
    parts: tuple[Part, ...] = ()
    beside: Beside | None = None
    bucket: str = ""
    ids: str = ""
    rest: str = ""
    settle: int = 120 * SECOND
    youngest: int = 61 * SECOND
    limit: int = 1000
    weekly: int = 7 * DAY
    page: ClassVar[str] = ""

    @property
    def bounded(self) -> bool:
        return False  # what it is asked from is a time of change, and rows only move forward

    @property
    def complete(self) -> bool:
        return not self.ids

    @property
    def by_id(self) -> int:
        return proof.MANY if self.ids else 1

    @property
    def comparable(self) -> bool:
        """Whether rows can vanish from it without a word: what happened once does not."""
        return self.collections[0].kind == "object"

    def costs(self, name: str) -> Cost:
        if name not in {collection.name for collection in self.collections[:1]}:
            beside = f"0 beside {self.name}"
            return Cost(beside, beside, beside)
        each = f"1 per {self.limit} rows"
        if not self.comparable:
            return Cost(f"{each}, at least 1", f"{each} that are new", "1")
        cheap = (
            f"all ids are read again, after changes by `sync` and once a day, while that takes at most {CHEAP} calls"
        )
        return Cost(f"{each}, at least 1", f"{each} that changed", f"1; {cheap}, else once a week")

    # -- passes -----------------------------------------------------------------------------------------------------

    def due(self, state: State, view: View) -> Pass | None:
        found = super().due(state, view)
        if found is None:
            return None
        read = state.memory.get("read") == view.run
        whole = not read and not view.due and self._comparing(view) and self._calls(state) <= 1
        if found.why in ("compare", "tail") and whole:
            found = Pass("compare", found.fills, notes={"whole": True})  # one page either way: all of it tells more
        elif found.why == "compare" and view.met.intersection(found.fills):
            found.notes["whole"] = True  # stored rows may lack a column: the pages that show their keys show it as well
        elif found.why == "tail":
            if read:
                return None
            found.why = "news"
        found.notes["run"] = view.run
        return found

    def compares(self, state: State, view: View) -> bool:
        """After the news: whenever somebody asks for *now* and it is cheap, else when its time has come."""
        if not self._comparing(view) or state.memory.get("read") != view.run:
            return False
        compared = [state.memory.get("compared", 0)]
        if self.name not in view.selected:
            compared.append(state.memory.get("members", 0))
        age: int = view.now - max(compared)
        if self._calls(state) > CHEAP:
            return age >= self.weekly
        return age >= DAY or not view.due

    def _comparing(self, view: View) -> bool:
        return self.comparable and self._wants(self.name, view)

    def _calls(self, state: State) -> int:
        return max(1, -(-int(state.memory.get("rows", 0)) // self.limit))

    def slices(self, state: State, view: View) -> list[Slice]:
        opened = state.open
        why = opened.why if opened else "first"
        since, until = reach.span(opened, view)
        if opened is None:
            return []
        if until:
            return [{"id": "export", "kind": "list", "since": since // SECOND, "until": until // SECOND}]
        if why == "gap":
            since = max(since, opened.notes.get("since", 0))
        elif why == "compare":
            since = state.memory.get("start", 0)
        elif why == "news":
            mark = min((state.marks.get(name, 0) for name in opened.fills), default=0)
            since = max(since, min(mark, state.memory.get("last") or mark))
        return [{"id": "export", "kind": "list", "since": since // SECOND}]

    def request(self, slice_: Slice, view: View) -> Request:
        if slice_.get("kind") == "get" and proof.way(slice_) != "news":
            return proof.request(slice_, self.ids, "")
        if slice_.get("kind") == "rest":
            return self._rest(slice_)
        params = [("per_page", str(slice_.get("limit", self.limit))), *self.params]
        wanted = view.selected - view.refused
        asked = [name for name, into in self.include if wanted & set(into)]
        if asked:
            params.append(("include", ",".join(asked)))
        if slice_.get("after"):
            params.append(("cursor", slice_["after"]))
        else:
            since = slice_["since"] if "since" in slice_ else (slice_["v"] - self.settle) // SECOND
            if view.now:
                since = min(since, (view.now - self.youngest) // SECOND)
            params.append(("start_time", str(max(0, since))))
        return Request(self.path, params, self.path, bucket=self.bucket, common=True)

    # -- reading ----------------------------------------------------------------------------------------------------

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        if slice_.get("kind") == "get":
            return self._proved(slice_, answer)
        opened = state.open
        why = opened.why if opened else "first"
        key, at = self.collections[0].key, self.at or self.name
        fields = [key, *self.stamps, *([self.deleted[0]] if self.deleted else [])]
        raws = [name for part in self.parts for name in (part.path, *(given for given, _ in part.copy))]
        envelope, rows = heads.read(answer.body, at, _ENVELOPE, fields, raws)
        stamps = [map(heads.micros, rows.fields[name]) for name in self.stamps]
        told = [max(found) for found in zip(*stamps, strict=True)]
        versions = [found or answer.asked - self.settle for found in told]
        top = max(told, default=0)
        step = Step(rows=rows.count, notes={"top": top, "ties": told.count(top)})
        whole = opened is not None and bool(opened.notes.get("whole"))
        keys = [str(one) for one in rows.fields[key]]
        if why in ("compare", "gap"):
            step.seen = keys
        if rows.count and (why != "compare" or whole):
            fresh = frozenset(opened.fills) if opened and why in ("first", "gap", "earlier") else frozenset[str]()
            gone = heads.said(rows.fields[self.deleted[0]], self.deleted[1]) if self.deleted else None
            if self._wants(self.name, view):
                rows_only = embed(answer.body, at, key, self.beside) if self.beside else None
                data, where = (answer.body, at) if rows_only is None else (rows_only, "")
                sight = Sight(self.name, data, versions, gone, fresh=fresh, at=where)
                step.sights += lacking.shown(sight, opened, self.collections[0])
            for part in self.parts:
                if self._wants(part.into, view):
                    step.sights += _members(part, rows, versions)
        if slice_.get("kind") == "rest":
            self._listed(slice_, envelope["meta"], step)
        elif envelope["end_of_stream"] is not True:
            self._on(slice_, envelope, step, max(map(heads.micros, rows.fields[self.stamps[0]]), default=0))
        return step

    def _proved(self, slice_: Slice, answer: Answer) -> Step:
        if proof.way(slice_) == "one":
            return proof.judge(slice_, self.name, {slice_["key"]})
        key, at = self.collections[0].key, self.at or self.name
        _, rows = heads.read(answer.body, at, (), [key])
        sure = proof.way(slice_) == "many" or rows.count < self.limit
        return proof.judge(slice_, self.name, {str(one) for one in rows.fields[key]}, sure=sure)

    def _wants(self, name: str, view: View) -> bool:
        """Whether a collection is to be filled, or one whose members are inside its objects."""
        collection = next(c for c in self.collections if c.name == name)
        into = {name, *(one for child in collection.children for one in child.collections())}
        return bool(into & (view.selected - view.refused))

    def _on(self, slice_: Slice, envelope: dict[str, Any], step: Step, order: int) -> None:
        """The next page of an export that is not at its end; none where it shows no other, or only what was read.

        ``order``: the latest of the stamps by which the vendor orders its rows. ``until`` in the slice: from there on
        it was read under the start date so far. What stops on an empty page is taken for its end, but no mark passes
        the last row: what comes later is not lost.
        Raises Refused where a cursor stops on rows: from a time on it may move again.
        """
        follow = {name: value for name, value in slice_.items() if name not in ("limit", "shown")}
        since, top, until = slice_["since"], step.notes["top"] // SECOND, slice_.get("until", 0)
        if self.cursor:
            after = envelope["after_cursor"]  # null on an empty page
            if isinstance(after, str) and after and after != slice_.get("after"):
                if not 0 < until <= order // SECOND:
                    step.slices = [{**follow, "after": after, "since": max(since, top)}]
                return
            if step.rows and slice_.get("again", 0) < _RESTARTS and slice_.get("after"):
                raise Refused(Kind.CURSOR, f"{self.path} does not move past {heads.iso(since * SECOND)}")
            step.lost = f"{self.path} stopped at {heads.iso(max(since, top) * SECOND)}" if step.rows else ""
        else:
            end = heads.micros(envelope["end_time"]) // SECOND or heads.started(envelope["next_page"]) or top
            if 0 < until <= end:
                return
            if end > since:
                step.slices = [{**follow, "since": end}]
                return
            self._full(slice_, follow, step, more=envelope["end_of_stream"] is False)
        step.notes["stopped"] = not step.slices and envelope["end_of_stream"] is False

    def _full(self, slice_: Slice, follow: Slice, step: Step, *, more: bool) -> None:
        """How it goes on from a page by time that did not move: all of it is of one second.

        The vendor shows all rows of one second on one page, however few are asked for. Where it does not, asking for
        half of them shows fewer, and the second's other rows are on no page.
        """
        limit, shown = slice_.get("limit", self.limit), slice_.get("shown", 0)
        if step.rows > limit or step.rows >= shown > 0:
            step.slices = [{**follow, "since": slice_["since"] + 1}]
        elif shown:
            step.slices = [{**follow, "since": slice_["since"] + 1}]
            if self.rest:
                step.slices.append({"id": f"rest/{slice_['since']}", "kind": "rest", "since": slice_["since"]})
            else:
                step.lost = self._crowded(slice_)
        elif step.rows and (more or step.rows == limit):
            step.slices = [{**follow, "limit": max(1, step.rows // 2), "shown": step.rows}]

    def _crowded(self, slice_: Slice) -> str:
        second = heads.iso(slice_["since"] * SECOND)
        return f"{self.path} has more rows of the second {second} than a page holds, and shows no others of them"

    def _rest(self, slice_: Slice) -> Request:
        """A page of the list that shows what is on no page of the export."""
        params = [("page[size]", str(_LISTED))]
        if self.rest == self.path:
            params.append(("start_time", str(slice_["since"])))
        if slice_.get("after"):
            params.append(("page[after]", slice_["after"]))
        return Request(self.rest, params, self.rest, bucket=self.bucket if self.rest == self.path else "")

    def _listed(self, slice_: Slice, meta: Any, step: Step) -> None:
        """The list's next page, until it ends or, where it is the export itself, has left the second."""
        more, after = (meta.get("has_more"), meta.get("after_cursor")) if isinstance(meta, dict) else (None, None)
        if more is None or (more is True and (not after or after == slice_.get("after"))):
            step.lost = self._crowded(slice_)
        elif more is True and not (self.rest == self.path and step.notes["top"] >= (slice_["since"] + 1) * SECOND):
            step.slices = [{**slice_, "after": after}]

    def gone(self, slice_: Slice, asked: int) -> Sequence[Gone]:
        return proof.gone(slice_, self.name)

    def refused(self, slice_: Slice, refusal: Refused, view: View) -> Sequence[Slice] | None:
        if slice_.get("kind") == "get":
            return proof.refused(slice_, refusal)
        if refusal.kind in (Kind.CURSOR, Kind.GONE) and slice_.get("after"):
            if slice_.get("again", 0) >= _RESTARTS:
                return None  # it goes on from the time of the last row that was read, as often as that helps
            kept = {name: value for name, value in slice_.items() if name != "after"}
            return [{**kept, "again": slice_.get("again", 0) + 1}]
        if refusal.kind is not Kind.SHRINK:
            return None
        limit, again = slice_.get("limit", self.limit), slice_.get("again", 0)
        pause = min(_PAUSE_MAX_S, _PAUSE_S * self.limit / limit * 2**again)
        if limit > _SMALLEST:
            return [{**slice_, "limit": max(_SMALLEST, limit // 2), "pause": pause}]
        return [{**slice_, "again": again + 1, "pause": pause}] if again < _RESTARTS else None

    # -- ends -------------------------------------------------------------------------------------------------------

    def note(self, state: State, step: Step) -> None:
        super().note(state, step)
        top, notes = step.notes.get("top", 0), state.open.notes if state.open else {}
        if top and top >= notes.get("top", 0):
            notes["ties"] = step.notes["ties"] + (notes["ties"] if top == notes.get("top") else 0)
            notes["top"] = top
        notes["stopped"] = notes.get("stopped", False) or step.notes.get("stopped", False)

    def covered(self, state: State, done: Pass) -> int:
        """Not past the last row of an export that stopped without saying that it ended."""
        sure = super().covered(state, done)
        return min(sure, done.notes.get("top", 0)) if done.notes.get("stopped") else sure

    def close(self, state: State, view: View) -> None:
        done, before = state.open, dict(state.memory)
        super().close(state, view)
        if done is None or done.why == "fill":
            return
        memory, rows = state.memory, done.notes.get("rows", 0)
        memory["rows"] = before.get("rows", 0) + rows if done.why in ("news", "gap", "earlier") else rows
        if done.why in ("first", "compare"):
            # Compared for its members' sake alone, its own rows still are to be.
            memory["compared" if self.name in done.fills else "members"] = done.opened
        memory["start"] = min(before.get("start", view.start), reach.reached(done, view))
        if done.why == "earlier":
            return
        if done.notes.get("whole"):
            for name in set(done.fills) - view.refused:
                state.marks[name] = max(state.marks.get(name, 0), self.covered(state, done))
        if done.why != "compare" or done.notes.get("whole"):
            memory["read"] = done.notes.get("run", "")
            memory["last"] = self._last(done, before.get("last", 0))

    def _last(self, done: Pass, last: int) -> int:
        """The stamp from which the next pass reads if that is before its marks, 0 for those alone.

        What an export shows may be older than its clock says, never older than what it showed before. So the last rows
        are read again, unless they are many: those cost calls that bring nothing.
        """
        top, many = done.notes.get("top", 0), self.limit // 2
        if top > last:
            return int(top) + (SECOND if done.notes["ties"] > many else 0)
        return 0 if done.notes.get("rows", 0) > many and done.why == "news" else last


def _members(part: Part, rows: heads.Rows, versions: Sequence[int]) -> list[Sight]:
    """The members of every row's list that count, with what they get from their row."""
    data: list[msgspec.Raw] = []
    stamps: list[int] = []
    for n, listed in enumerate(rows.raw[part.path]):
        found = _chosen(listed, part.where)
        if found:
            given = b",".join(b'"' + name.encode() + b'":' + bytes(rows.raw[field][n]) for field, name in part.copy)
            data += [_with(given, member) for member in found]
            stamps += [versions[n]] * len(found)
    return [Sight(part.into, page.array(data), stamps)] if data else []


def _chosen(raw: msgspec.Raw, where: tuple[str, tuple[str, ...]] | None) -> list[msgspec.Raw]:
    try:
        members = page.RAWS.decode(raw)
    except msgspec.ValidationError:
        return []
    if where is None:
        return members
    field, values = where
    kinds = [_field(member, field) for member in members]
    return [member for member, kind in zip(members, kinds, strict=True) if kind in values]


def _field(member: msgspec.Raw, field: str) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.decode(member, type=dict[str, msgspec.Raw])[field])
    except (msgspec.ValidationError, KeyError):
        return None


def _with(given: bytes, member: msgspec.Raw) -> msgspec.Raw:
    """An object with fields put before its own, which stay the last word."""
    rest = bytes(member).lstrip()[1:].lstrip()
    return msgspec.Raw(b"{" + given + (b"}" if rest.startswith(b"}") else (b"," if given else b"") + rest))
