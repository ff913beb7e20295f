"""The feed of one Salesforce object: what was modified, what was deleted, and what a large read takes as a job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from connectors.salesforce import deleted, filling, jobs, rendering, soql, wide
from connectors.salesforce.describe import MOVING
from connectors.salesforce.soql import ALONE, LONGEST_PATH, PAGE
from framework import reach
from framework.basis import Basis
from framework.collection import Collection
from framework.errors import Kind, Refused
from framework.feed import CHEAP, DAY, SECOND, Answer, Cost, Pass, Request, Slice, State, Step, View
from framework.sight import Gone, Sight

# A row gets its stamp when it is written and becomes visible when its transaction ends. The mark stays this far
# behind the vendor's clock, and as much again is read anew: safe against transactions of ten minutes.
SETTLE = 300 * SECOND
OVERLAP = 300 * SECOND
BULK_ABOVE = 10_000  # rows: from here on a job costs fewer calls than pages of 2,000 do
RESTARTS = 3
WITHOUT = 50  # columns that one read may lose to INVALID_FIELD
_COLUMN = re.compile(r"No such column '([^']+)'")
_OLDEST = soql.micros("1999-01-01T00:00:00Z")  # before any organisation's first row
_NEVER = "1970-01-01T00:00:00Z"
_OPTIONS = {"Sforce-Query-Options": f"batchSize={PAGE}"}


@dataclass(frozen=True, slots=True)
class Query(Basis):
    """One object type, read by queries.

    ``stamp``: the field by which changes are found, "" when the whole list is read again. ``binned``: it has a recycle
    bin (`IsDeleted`). ``logged``: the vendor keeps a log of its deletions; otherwise ids are compared. ``dated``: it
    has `CreatedDate`. ``unasked``: fields that no condition may name. ``silent``: some changes move
    no stamp (values of formulas). ``rows``: about how many there are.
    """

    collections: tuple[Collection, ...]
    type: str
    fields: tuple[str, ...] = ("Id",)
    stamp: str = "SystemModstamp"
    binned: bool = True
    logged: bool = True
    dated: bool = True
    unasked: frozenset[str] = frozenset()
    silent: bool = False
    rows: int = 0
    settle: int = SETTLE
    cadence: int = DAY
    limit: int = PAGE

    @property
    def starts(self) -> bool:
        return self.dated

    @property
    def sole(self) -> bool:
        return not self.stamp or self._moves

    @property
    def comparable(self) -> bool:
        return bool(self.stamp)

    def cost(self, state: State) -> int:
        pages = max(1, -(-self._rows(state) // PAGE))
        if not self.stamp:
            return pages
        return pages if self._moves and pages > 1 else 0  # a single page costs no more than its changes

    def costs(self, name: str) -> Cost:
        first = f"1 per {PAGE} rows, 5 objects in one call; above {BULK_ABOVE} rows a job of about 10 calls"
        if not self.stamp:
            again = f"the whole list again, by `sync` while that takes at most {CHEAP} calls, else once a day"
            return Cost(first, "0 beside its list", again)
        return Cost(first, f"1 per {PAGE} changed rows", "1 for 5 objects, deletions included")

    # -- opening ----------------------------------------------------------------------------------------------------

    def due(self, state: State, view: View) -> Pass | None:
        if not view.now or state.memory.get("run") == view.run:
            return None  # deletions are asked for up to the vendor's now; a comparison reads all that is new as well
        due = Basis.due(self, state, view)
        if due is None or due.why not in ("tail", "sweep"):
            if due and due.why == "fill" and not self.stamp:
                due.why = "relist"  # its whole list is read: that tells all that is new as well
            return due
        if self.stamp:  # which rows a held comparison did not see is not kept: it is made again
            if due.why == "sweep" or self._compares(state, view):
                return Pass("compare", due.fills)
            due.notes["whole"] = self._moves and (self.name in view.relist or self._stale(state, view))
            return due
        if due.why == "sweep":
            return due
        old = view.now - state.memory.get("listed", 0) >= self.cadence
        return Pass("relist", due.fills) if old or self.name in view.relist else None

    def _compares(self, state: State, view: View) -> bool:
        """Whether only a comparison of ids tells of deletions: no log of them, or one that no longer reaches back."""
        if self.logged:
            return bool(state.memory.get("deleted", 0) < view.now - deleted.KEPT)
        cheap = self._small(state) or (not view.due and self._rows(state) <= CHEAP * PAGE)
        return cheap or view.now - state.memory.get("compared", 0) >= self.cadence

    @property
    def _moves(self) -> bool:
        """Whether rows change without their stamp: formulas do, and so do rows that go to the bin and come back."""
        return self.silent or (self.binned and self.stamp not in MOVING)

    def _stale(self, state: State, view: View) -> bool:
        """Whether rows are read whole for their silent changes' sake: a single page always, for that costs no more."""
        pages = -(-self._rows(state) // PAGE)
        every = 0 if pages <= 1 else self.cadence if pages <= CHEAP else 7 * self.cadence
        return bool(view.now - state.memory.get("listed", 0) >= every)

    def _small(self, state: State) -> bool:
        return self._rows(state) <= PAGE

    def _rows(self, state: State) -> int:
        return int(state.memory.get("rows", self.rows))

    def slices(self, state: State, view: View) -> list[Slice]:
        slices = self._slices(state, view)
        if self.dated:
            born = list(reach.span(state.open, view))
            whole = [slice_["kind"] in ("list", "job") and slice_.get("want") != "ids" for slice_ in slices]
            slices = [{**one, "born": born} if rows else one for one, rows in zip(slices, whole, strict=True)]
        if not state.memory.get("live") or (state.open and state.open.why == "first"):
            return slices
        return [slice_ if slice_["kind"] == "deleted" else {**slice_, "live": True} for slice_ in slices]

    def _slices(self, state: State, view: View) -> list[Slice]:
        opened = state.open
        if opened is None or opened.why == "sweep":
            return []
        if opened.why == "probe":
            return [{"id": "probe", "kind": "list", "want": "one", "live": True}]
        if opened.why in ("first", "relist"):
            return [self._all(state)]
        if opened.why == "earlier":
            return [{"id": "list", "kind": "list", "lo": 0}]  # how many rows, its first answer tells
        if opened.why == "fill":
            return [filling.first(self, opened.notes["columns"].get(self.name, ()), self._all(state))]
        if opened.why == "gap":
            return [{**self._all(state), "seen": True}]
        if opened.notes.get("keys"):
            return [dict(deleted.IDS)]
        bounded = self.dated and view.start  # what was created earlier is not read, which says nothing of its presence
        if opened.why == "compare" and not self.logged and self._small(state) and not bounded:
            return [{**self._all(state), "seen": True}]
        mark = min((state.marks.get(name, 0) for name in opened.fills), default=0)
        slices: list[Slice] = [{"id": "list", "kind": "list", "lo": max(0, mark - OVERLAP)}]
        if opened.notes.get("whole"):
            # What went to the bin earlier has been read, with the fields that there were.
            known = slices[0]["lo"] if self.stamp in MOVING else 0
            slices = [{**self._all(state), "since": known}]
        if opened.why == "compare":
            slices = [{**slice_, "seen": True} for slice_ in slices]
            slices.append(dict(deleted.IDS))
        return [*slices, *self._log(state, view)]

    def _all(self, state: State) -> Slice:
        """The slice of every row: a job when there are many."""
        return {"id": "list", "kind": "job" if self._rows(state) > BULK_ABOVE else "list", "lo": 0}

    def _log(self, state: State, view: View) -> list[Slice]:
        since = state.memory.get("deleted", 0)
        if not self.logged or since < view.now - deleted.KEPT:
            return []
        return [deleted.first(since, view.now, small=self._small(state), alone=bool(state.memory.get("alone")))]

    def lacks(self, state: State, view: View, names: Sequence[str]) -> dict[str, list[str]]:
        columns = filling.lacks(self, state, view) if self.name in names else []
        return {self.name: columns} if columns else {}

    # -- asking -----------------------------------------------------------------------------------------------------

    def request(self, slice_: Slice, view: View) -> Request:
        if slice_["kind"] == "deleted":
            return deleted.request(slice_, self.type)
        if slice_["kind"] == "more":
            return wide.request(slice_, self.type, self._fields(slice_))
        if slice_["kind"] != "list":
            text = self._text(slice_, view)
            return jobs.request(slice_, text, all_rows=self._all_rows(slice_), columns=len(self.fields))
        if slice_.get("after"):
            return Request(slice_["after"], endpoint=ALONE if slice_.get("alone") else "query", headers=_OPTIONS)
        slice_ = {**slice_, "want": "keys"} if self._wide(slice_, view) else slice_
        return Request(self._path(slice_, view), endpoint=ALONE if slice_.get("alone") else "query", headers=_OPTIONS)

    def _path(self, slice_: Slice, view: View) -> str:
        return soql.query_path(self._text(slice_, view), all_rows=self._all_rows(slice_))

    def _all_rows(self, slice_: Slice) -> bool:
        """Whether a read asks for the rows in the bin as well."""
        return self.binned and not slice_.get("live")

    def _wide(self, slice_: Slice, view: View) -> bool:
        """Whether a read asks for keys first, for its columns do not fit an address."""
        if slice_.get("want"):
            return False
        return bool(slice_.get("wide")) or len(self._path(slice_, view)) > LONGEST_PATH

    def _fields(self, slice_: Slice) -> list[str]:
        fields = [name for name in slice_.get("fill", self.fields) if name not in slice_.get("without", ())]
        keys = ["Id", *(["IsDeleted"] if self.binned else []), *([self.stamp] if self.stamp else [])]
        if slice_.get("want") == "keys":
            return keys
        return [*keys, *(name for name in fields if name not in keys)] if slice_.get("fill") else fields

    def _text(self, slice_: Slice, view: View) -> str:
        if slice_.get("want") == "one":
            return f"{soql.select(['Id'], self.type)} LIMIT 1"
        if slice_.get("want") == "ids":
            return soql.select(["Id"], self.type, everything=not self._all_rows(slice_))
        start, until = slice_.get("born") or (view.start if self.dated else 0, 0)
        conditions = [
            soql.since(self.stamp, slice_.get("lo", 0)) if self.stamp else "",
            soql.before(self.stamp, slice_.get("hi", 0)) if self.stamp else "",
            soql.since("CreatedDate", start),
            soql.before("CreatedDate", until),
            filling.condition(self, slice_),
        ]
        return soql.select(self._fields(slice_), self.type, conditions, deleted=slice_.get("bin", False))

    # -- reading ----------------------------------------------------------------------------------------------------

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        kind = slice_["kind"]
        if kind == "deleted":
            told = deleted.read(self.name, answer)
            lost = [dict(deleted.IDS)] if told.kept > slice_["lo"] else []
            return Step(gone=told.gone, slices=lost, notes={"covered": told.covered, "alone": slice_.get("alone")})
        if kind in ("job", "poll"):
            return Step(slices=[jobs.watched(slice_, answer)])
        if kind == "results":
            return self._results(slice_, answer, state)
        if kind == "more":
            data = wide.records(answer)
            rows = _decoder(self.stamp).decode(b'{"records":' + data + b"}").records
            return Step([self._sight(slice_, data, rows, answer, state)] if rows else [], notes=filling.lost(slice_))
        return self._page(slice_, answer, state, self._wide(slice_, view))

    def _page(self, slice_: Slice, answer: Answer, state: State, keys_only: bool) -> Step:
        found = _decoder(self.stamp).decode(answer.body)
        if found.total > BULK_ABOVE and not slice_.get("after") and not slice_.get("rest"):
            return Step(slices=[{**slice_, "kind": "job"}])
        step = Step(rows=len(found.records), notes={"live": slice_.get("live"), **filling.lost(slice_)})
        keys = [row.key for row in found.records]
        if slice_.get("want") == "ids":
            step.seen, step.rows, step.notes = keys, 0, {**step.notes, "compare": True}
        elif keys:
            step.seen = keys if slice_.get("seen") else ()
            if keys_only and slice_.get("bin"):
                # No job reads these rows, and no read by id shows them: they keep their values, and are gone.
                step.gone += [Gone(self.name, row.key, soql.micros(row.stamp or _NEVER)) for row in found.records]
            elif keys_only:
                live = [row.key for row in found.records if not row.gone]
                since = slice_.get("since", 0)
                binned = any(row.gone and soql.micros(row.stamp or _NEVER) >= since for row in found.records)
                step.slices += wide.follow_ups(slice_, live, binned)
            else:
                step.sights.append(self._sight(slice_, answer.body, found.records, answer, state, at="records"))
        if not found.done:
            if not found.next or found.next == slice_.get("after"):
                raise msgspec.DecodeError("a page that is not the last and names no next one")
            step.slices.append({**slice_, "after": found.next})
        return step

    def _sight(
        self, slice_: Slice, data: bytes, rows: Sequence[Any], answer: Answer, state: State, at: str = ""
    ) -> Sight:
        versions = self._versions([row.stamp for row in rows], answer, state)
        if columns := filling.brought(self, slice_):
            return Sight(self.name, data, versions, at=at, columns=columns)
        return Sight(self.name, data, versions, [row.gone for row in rows] if self.binned else None, at=at)

    def _results(self, slice_: Slice, answer: Answer, state: State) -> Step:
        step, count = Step(notes=filling.lost(slice_)), 0
        for columns in rendering.pages(answer.body, self._types):
            keys = list(columns["Id"])
            step.rows += len(keys)
            count += len(keys)
            if slice_.get("want") == "ids":
                step.seen, step.rows, step.notes = [*step.seen, *keys], 0, {"compare": True}
                continue
            stamps = columns[self.stamp] if self.stamp else ()
            gone = [bytes(raw) == b"true" for raw in columns["IsDeleted"]] if self.binned else None
            sight = Sight(self.name, rendering.array(columns), self._versions(stamps, answer, state), gone)
            if brought := filling.brought(self, slice_):
                sight = replace(sight, deleted=None, columns=brought)
            step.sights.append(sight)
            step.seen = [*step.seen, *keys] if slice_.get("seen") else ()
        jobs.whole(answer, count)
        following = jobs.next_page(slice_, answer)
        step.slices = [following] if following else []
        return step

    def _versions(self, stamps: Sequence[str | None], answer: Answer, state: State) -> int | list[int]:
        """Each row's stamp; where changes do not move it, the time whose changes this answer surely shows."""
        read = max(answer.asked, state.open.opened if state.open else 0) - self.settle
        if self.stamp not in MOVING:
            return read
        times = {text: soql.micros(text) if text else read for text in set(stamps)}  # thousands may share one
        return [times[text] for text in stamps]

    @property
    def _types(self) -> dict[str, Any]:
        types = {str(column.path[0]): column.type for column in self.collections[0].columns}
        return {name: types[name] for name in self.fields}

    # -- refusals and ends ------------------------------------------------------------------------------------------

    def refused(self, slice_: Slice, refusal: Refused, view: View) -> Sequence[Slice] | None:
        if slice_["kind"] == "deleted":
            return deleted.refused(slice_, refusal, view.now)
        lost = _COLUMN.search(str(refusal)) if refusal.code == "INVALID_FIELD" else None
        without = [*slice_.get("without", ()), lost[1]] if lost else []
        if lost and lost[1] in self.fields and len(without) <= WITHOUT:
            return [filling.without(slice_, without)]
        if slice_["kind"] == "more":
            return wide.refused(slice_, refusal)
        if slice_["kind"] != "list":
            following = jobs.refused(slice_, refusal)
            return [following] if following else None
        if slice_.get("new") and refusal.kind in (Kind.BUG, Kind.SHRINK, Kind.UNAVAILABLE):
            return [{**jobs.plain(slice_), "new": []}]  # no condition on these columns: every row tells
        if refusal.kind is Kind.BUG and refusal.code != "INVALID_FIELD" and not slice_.get("alone"):
            return [{**slice_, "alone": True}]  # what is wrong in a bundle may be right by itself
        if refusal.kind is Kind.BUG and refusal.code != "INVALID_FIELD" and self._all_rows(slice_):
            return [{**jobs.plain(slice_), "live": True}]  # perhaps it is the bin that this object does not show
        if slice_.get("fill") and refusal.kind is Kind.BUG:
            return [filling.whole(slice_)]
        if refusal.kind in (Kind.CURSOR, Kind.GONE) and slice_.get("after"):
            return self._restarted(slice_, refusal, view)
        return self._smaller(slice_, refusal, view) if refusal.kind is Kind.SHRINK else None

    def _smaller(self, slice_: Slice, refusal: Refused, view: View) -> list[Slice] | None:
        """A read that was too much: keys first, half the time each, or a job, which has no such limits."""
        if refusal.http_status in (414, 431):
            return None if slice_.get("wide") or slice_.get("want") else [{**jobs.plain(slice_), "wide": True}]
        halves = self._halves(slice_, view) if slice_.get("lo") else None
        return halves or (None if slice_.get("rest") else [{**jobs.plain(slice_), "kind": "job"}])

    def _halves(self, slice_: Slice, view: View) -> list[Slice] | None:
        """Half the time each."""
        low, high = slice_.get("lo", 0) or _OLDEST, slice_.get("hi") or view.now
        middle = (low + high) // 2 // SECOND * SECOND
        if not self.stamp or slice_.get("want") == "ids" or not low < middle < high:
            return None
        start = jobs.plain(slice_)
        return [{**start, "hi": middle}, {**start, "id": f"{slice_['id']}/{middle}", "lo": middle}]

    def _restarted(self, slice_: Slice, refusal: Refused, view: View) -> list[Slice] | None:
        """A list whose next page is gone: by itself, if a bundle was refused it; from its start; in halves of time."""
        again = slice_.get("again", 0)
        if refusal.kind is Kind.GONE and not slice_.get("alone"):
            return [{**slice_, "alone": True}]
        if again and (halves := self._halves(slice_, view)):
            return halves  # each with fewer pages, until they come faster than the vendor forgets them
        return [{**jobs.plain(slice_), "again": again + 1}] if again < RESTARTS else None

    def note(self, state: State, step: Step) -> None:
        if state.open is None:
            return
        Basis.note(self, state, step)
        notes = state.open.notes
        if step.notes.get("compare"):
            state.open.why = "compare"  # the log of deletions was refused: the ids that are there tell
        if covered := step.notes.get("covered"):
            notes["covered"] = min(notes.get("covered", covered), covered)
        if lost := step.notes.get("lost"):
            notes["lost"] = sorted({*notes.get("lost", ()), *lost})
        if step.notes.get("alone"):
            notes["alone"] = True  # a bundle is refused it: not tried again
        if step.notes.get("live"):
            notes["live"] = True  # queries are refused its bin, of which the log or a comparison tells

    def absent(self, state: State) -> int:
        done = state.open
        compared = done is not None and done.why in ("compare", "sweep")
        reread = done is not None and not self.stamp and done.why in ("relist", "gap")
        return done.opened - self.settle if done and (compared or reread) else 0

    def close(self, state: State, view: View) -> None:
        done = state.open
        if done is None:
            return
        small = not self.logged and self._small(state)
        memory = state.memory
        filling.read(self, state, done, view)
        Basis.close(self, state, view)
        if done.why in ("sweep", "earlier", "fill"):
            return
        settled = done.opened - self.settle
        if done.why == "compare":
            memory |= {"compared": settled, "run": view.run}
            for name in done.fills:
                state.marks[name] = max(state.marks.get(name, 0), settled)
            if small:
                memory["rows"] = done.notes.get("rows", 0)
        if done.notes.get("whole"):
            memory |= {"listed": done.opened, "rows": done.notes.get("rows", 0)}
        memory |= {name: True for name in ("alone", "live") if done.notes.get(name)}
        if done.why == "first" or (done.why == "compare" and "covered" not in done.notes):
            memory["deleted"] = memory["compared"] = settled
        elif "covered" in done.notes:
            memory["deleted"] = max(memory.get("deleted", 0), min(done.notes["covered"], settled))


def _decoder(stamp: str) -> msgspec.json.Decoder[Any]:
    """A decoder of a page that reads of every row its key, its stamp and whether it lies in the bin."""
    if stamp not in _DECODERS:
        fields: list[Any] = [("key", str), ("stamp", str | None, None), ("gone", bool, False)]
        names = {"key": "Id", "gone": "IsDeleted", **({"stamp": stamp} if stamp else {})}
        head = msgspec.defstruct("Head", fields, rename=names, gc=False)
        page = msgspec.defstruct(
            "Page",
            [("records", list[head]), ("total", int, 0), ("done", bool, True), ("next", str | None, "")],  # type: ignore[valid-type]
            rename={"total": "totalSize", "next": "nextRecordsUrl"},
            gc=False,
        )
        _DECODERS[stamp] = msgspec.json.Decoder(page)
    return _DECODERS[stamp]


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {}
