"""The feed of an event list: one walk that carries the changes of all collections, and the events themselves."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from framework import follow, lacking, page, reach, seen, window
from framework.collection import Collection
from framework.errors import Kind, Refused
from framework.feed import DAY, SECOND, Answer, Pass, Request, Slice, State, Step, View
from framework.seen import Seen
from framework.sight import RANK_CHANGED, RANK_CREATED, RANK_DELETED, Closed, Gone, Sight


class _Data(msgspec.Struct):
    object: msgspec.Raw = msgspec.Raw(b"null")
    previous_attributes: dict[str, msgspec.Raw] | None = None


class _Event(msgspec.Struct):
    id: str = ""
    type: str = ""
    created: int = 0
    data: _Data = msgspec.field(default_factory=_Data)
    api_version: str | None = None


class _Page(msgspec.Struct):
    data: list[_Event]
    has_more: bool = False


_PAGE = msgspec.json.Decoder(_Page)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class _Rows:
    raws: list[msgspec.Raw] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    deleted: list[bool] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Changes:
    """An event list, newest first, whose events carry the changed object as it was then.

    ``events``: the collection that keeps the events themselves. ``objects``: every collection an event may fill, found
    by the object type in its payload, so that a new event type needs no code. ``same_shape(version)``: whether a
    payload of that version is rendered as the pinned one would; others are read by id. ``ends``: event types ending in
    ``.deleted`` that end a life without deleting the object. ``horizon``: how long the vendor keeps events;
    ``overlap``: how late an event may become visible; one that is later still, by up to ``late``, is found too where a
    page has room for what was read before.
    """

    events: Collection
    path: str
    objects: tuple[Collection, ...]
    same_shape: Callable[[str], bool]
    ends: frozenset[str] = frozenset()
    horizon: int = 30 * DAY
    overlap: int = 120 * SECOND
    late: int = 3600 * SECOND
    settle: int = 60 * SECOND
    limit: int = 100
    complete: ClassVar[bool] = False
    comparable: ClassVar[bool] = False
    by_id: ClassVar[int] = 1

    @property
    def name(self) -> str:
        return self.events.name

    @property
    def listing(self) -> bool:
        return False

    @property
    def bounded(self) -> bool:
        return False

    @property
    def sole(self) -> bool:
        return False

    @property
    def chained(self) -> bool:
        return False

    @property
    def fills(self) -> tuple[str, ...]:
        """Follows from the shapes: whatever has an object type that events can carry, and its embedded children."""
        names = [self.name]
        for collection in self.objects:
            names.append(collection.name)
            names += [name for child in collection.children for name in child.collections()]
        return tuple(dict.fromkeys(names))

    def cost(self, state: State) -> int:
        return 0

    def bare(self, view: View) -> Sequence[str]:
        return ()

    def due(self, state: State, view: View) -> Pass | None:
        fills = [name for name in self.fills if name in view.ready]
        columns = lacking.lacks(state, view, [name for name in fills if name == self.name])
        return Pass("changes", fills, notes={"columns": columns} if columns else {}) if fills else None

    def slices(self, state: State, view: View) -> list[Slice]:
        fills = state.open.fills if state.open else []
        marks = {name: state.marks.get(name, 0) for name in fills}
        earlier = None
        if self.name in fills and state.tables.get(self.name, "") != view.tables.get(self.name, "?"):
            marks[self.name] = reach.span(state.open, view)[0]
        elif state.open and state.open.notes.get("columns"):
            marks[self.name] = state.memory.get("start", view.start)  # all that the vendor still has
        elif self.name in fills:
            earlier = reach.earlier(state, view, fills)
        mark = max(0, min(marks.values(), default=0))
        until = min(mark, earlier.notes["until"]) if earlier else 0
        older = [window.first(view.start // SECOND, until // SECOND)] if view.start < until else []
        again = mark if older else min(mark, max(Seen.of(state).reach, view.start))
        if state.open:
            state.open.notes["from"] = again
        newest = window.first(again // SECOND)
        return [{**newest, "mark": mark // SECOND} if again < mark else newest, *older]

    def request(self, slice_: Slice, view: View) -> Request:
        if slice_["kind"] == "more":
            return follow.follow_request(self._collection(slice_), slice_, self.limit)
        if slice_["kind"] == "get":
            return follow.get_request(self._collection(slice_), slice_)
        params = [("limit", str(slice_.get("limit", self.limit))), *window.bounds(slice_, "created")]
        if slice_.get("after"):
            params.append(("starting_after", slice_["after"]))
        return Request(self.path, params, self.path)

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        if slice_["kind"] == "more":
            collection, fresh = self._collection(slice_), frozenset[str]()
            return follow.read_follow_up(collection, slice_, answer, view, fresh=fresh, settle=self.settle)
        if slice_["kind"] == "get":
            collection, floor = self._collection(slice_), follow.settled_rank(slice_["v"])
            sights, gone = follow.read_one(collection, slice_["key"], answer.body, answer.asked - self.settle, floor)
            step = Step(sights, gone, rows=len(sights))
            if sights:
                self._follow(step, collection, slice_["key"], slice_["v"], None, _fields(answer.body), view)
            return step
        shown = page.read(_PAGE, answer.body)
        events = shown.data
        step = Step(rows=len(events))
        fills = frozenset(state.open.fills) if state.open else frozenset[str]()
        if self.name in fills and not self._repeated(events, state, view):
            versions = [event.created * SECOND + RANK_CHANGED for event in events]
            step.sights += lacking.shown(Sight(self.name, answer.body, versions, at="data"), state.open, self.events)
        tail = self._objects(step, events, slice_.get("tail", {}), state, view, fills)
        if shown.has_more and events and 0 < events[-1].created < slice_.get("mark", 0):
            step.notes["floor"] = events[-1].created  # what was read before is no reason for another call
        elif shown.has_more and events:
            after, oldest = next((event.id for event in reversed(events) if event.id), ""), events[-1].created
            if after == slice_.get("after", ""):
                raise Refused(Kind.BUG, f"{self.path} does not move past {after}: the list repeats itself")
            born = max(view.born, view.now - self.horizon)
            mark = slice_.get("mark", 0)
            news = {**slice_, "lo": max(slice_["lo"], mark)}  # nothing is split for what was read before
            slices = window.rest(news, after, events[0].created, oldest, born=born, spare=view.spare)
            slices[0]["tail"] = tail
            slices[-1] |= {"lo": slice_["lo"], **({"mark": mark} if mark else {})}
            step.slices += slices
        step.notes["seen"] = {event.id: event.created for event in events}
        return step

    def refused(self, slice_: Slice, refusal: Refused, view: View) -> Sequence[Slice] | None:
        if slice_["kind"] == "get" and refusal.kind is Kind.GONE:
            return []
        if slice_["kind"] == "more" and follow.orphaned(slice_, refusal):
            return []
        if refusal.kind in (Kind.GONE, Kind.CURSOR) and slice_.get("after"):
            again = window.restart(slice_)
            return [again] if again else None
        if refusal.kind is Kind.SHRINK and slice_["kind"] == "list":
            return window.smaller(slice_, self.limit)
        return None

    def gone(self, slice_: Slice, asked: int) -> list[Gone]:
        """What an object's absence means when it was asked for by id."""
        if slice_["kind"] != "get":
            return []
        return [Gone(slice_["into"], slice_["key"], max(asked - self.settle, follow.settled_rank(slice_["v"])))]

    def absent(self, state: State) -> int:
        return 0

    def blames(self, slice_: Slice, view: View) -> Sequence[str]:
        if slice_["kind"] == "list":
            return [name for name in self.fills if name in view.selected]
        if slice_["kind"] == "more":
            return self._collection(slice_).children[slice_["child"]].collections()
        return [slice_["into"]]

    def note(self, state: State, step: Step) -> None:
        if not state.open:
            return
        shown = step.notes.get("seen", {})
        seen.note(state.open, shown, overlap=self.overlap, late=self.late, most=self.limit)
        if "floor" in step.notes:
            seen.floor(state.open, step.notes["floor"])
        unknown = Counter(state.open.notes.get("not_selected", {}))
        unknown.update(step.notes.get("not_selected", {}))
        if unknown:
            state.open.notes["not_selected"] = dict(unknown)

    def close(self, state: State, view: View) -> None:
        done = state.open
        if done is None:
            return
        refused = view.refused | set(done.notes.get("denied", ()))
        if self.name in done.fills:
            state.memory["start"] = self._reached(state, done, view)
        for name in done.fills:
            if name not in refused:
                state.marks[name] = max(state.marks.get(name, 0), done.opened - self.overlap)
                if name == self.name:
                    state.tables[name] = view.tables.get(name, "")
        lacking.filled(state, done, refused, view.run)
        unserved = [name for name in state.marks if name not in done.fills or name in refused]
        state.memory |= seen.kept(done, unserved, overlap=self.overlap, late=self.late)

    def _reached(self, state: State, done: Pass, view: View) -> int:
        """How far back the events themselves are kept: a start date that moves on lets none go."""
        start = reach.reached(done, view)
        known = state.tables.get(self.name, "") == view.tables.get(self.name, "?")
        return min(start, state.memory.get("start", start)) if known else start

    def _repeated(self, events: list[_Event], state: State, view: View) -> bool:
        """Whether the table of events has all of these already."""
        before, mark = Seen.of(state), state.marks.get(self.name, 0)
        there = state.tables.get(self.name, "") == view.tables.get(self.name, "?")
        whole = there and not (state.open and state.open.notes.get("columns"))
        known = whole and before.served((self.name,), mark)
        return not events or (known and all(event.id in before.ids for event in events))

    def _objects(
        self,
        step: Step,
        events: list[_Event],
        tail: dict[str, list[Any]],
        state: State,
        view: View,
        fills: frozenset[str],
    ) -> dict[str, list[Any]]:
        """Sorts the payloads of a page by collection. Returns what lets the next page notice a tie."""
        rows: dict[str, _Rows] = defaultdict(_Rows)
        before = Seen.of(state)
        newest: dict[str, list[Any]] = dict(tail)
        ignored: Counter[str] = Counter()
        by_object = {collection.object: collection for collection in self.objects}
        # An older payload may be the last that shows a member which has been removed since.
        members = {c.name for c in self.objects if any(child.path and not child.expand for child in c.children)}
        for event in events:
            raw = event.data.object
            fields = _fields(raw)
            object_, key = _text(fields.get("object")), _text(fields.get("id"))
            collection = by_object.get(object_)
            served = _served(collection, fills) if collection else []
            if collection is None or not served:
                ignored[object_ or "?"] += 1
                continue
            mark = min(state.marks.get(name, 0) for name in served)
            at = event.created * SECOND
            if not key or at < before.floor(served, mark):
                continue
            version = at + _rank(event.type, self.ends)
            name = f"{collection.name}/{key}"
            repeated = event.id in before.ids and before.served(served, mark)
            stamp = [version, hashlib.blake2b(raw, digest_size=8).hexdigest(), repeated]
            address = _address(collection, fields)
            known = newest.get(name)
            older = known is not None and known[0] >= version
            tied = known is not None and known[0] == version and known[1] != stamp[1]
            if known and (tied or _remade(known[0], version)) and not (repeated and known[2]):
                step.slices += self._get(collection, key, version, address)  # a tie: only a re-read settles it
            if older and collection.name not in members:
                continue
            if known and older and not repeated:
                self._follow(step, collection, key, known[0], event, fields, view)
            if not older:
                newest[name] = stamp
            if repeated and at < mark:
                continue
            foreign = not self.same_shape(event.api_version or "") and address is not None
            stub = _flag(fields.get("deleted"))
            if version % 10 == RANK_DELETED:  # its members go with it, also those that were not read when it went
                members_of = [child for child in served if child != collection.name]
                step.closed += [Closed(child, collection.name, key, version) for child in members_of]
                if collection.name not in fills:
                    continue
            if stub or (foreign and version % 10 == RANK_DELETED):
                step.gone.append(Gone(collection.name, key, version))
                continue
            if foreign:
                if not repeated and not older:
                    step.slices += self._get(collection, key, version, address)
                continue
            part = rows[collection.name]
            part.raws.append(raw)
            part.versions.append(version)
            part.deleted.append(version % 10 == RANK_DELETED)
            if not older and not repeated:
                self._follow(step, collection, key, version, event, fields, view)
        for name, part in rows.items():
            deleted = part.deleted if any(part.deleted) else None
            step.sights.append(Sight(name, page.array(part.raws), part.versions, deleted))
        step.notes["not_selected"] = dict(ignored)
        last = events[-1].created * SECOND if events else 0
        # What is newer than a follow-up can be sure to see must be known when an older event asks for that list.
        unsure = view.now - self.settle
        return {
            name: stamp
            for name, stamp in newest.items()
            if stamp[0] < last + SECOND or (stamp[0] > unsure and name.partition("/")[0] in members)
        }

    def _follow(
        self,
        step: Step,
        collection: Collection,
        key: str,
        version: int,
        event: _Event | None,
        fields: dict[str, Any],
        view: View,
    ) -> None:
        """Reads a list whole where the payload shows only its beginning and this change concerns it."""
        if version % 10 == RANK_DELETED:
            return
        before = event.data.previous_attributes if event else None
        for n, child in follow.followed(collection, view.selected - view.refused):
            if child.expand and child.announced:
                continue
            if child.path and not child.expand:
                more = page.shown(fields.get(child.path))
                if not (more and more.has_more) or (before is not None and child.path not in before):
                    continue
            slice_ = follow.follow_up(n, child, key, follow.settled_rank(version), None)
            step.slices.append({**slice_, "into": collection.name})

    def _get(self, collection: Collection, key: str, version: int, address: dict[str, str] | None) -> list[Slice]:
        if address is None:
            return []
        id_ = f"get/{collection.name}/{key}"
        return [{"id": id_, "kind": "get", "into": collection.name, "key": key, "v": version, "path": address}]

    def _collection(self, slice_: Slice) -> Collection:
        return next(c for c in self.objects if c.name == slice_["into"])


def _address(collection: Collection, fields: dict[str, Any]) -> dict[str, str] | None:
    """What the path that reads an object by id needs beside its id; None when this one cannot be read so."""
    needed = [part.partition("}")[0] for part in collection.get.split("{")[1:]]
    path = {name: _text(fields.get(name)) for name in needed if name != "id"}
    return path if collection.get and all(path.values()) else None


def _served(collection: Collection, fills: frozenset[str]) -> list[str]:
    """What a payload fills: its own collection and those of its lists; one may be further behind than others."""
    lists = [name for child in collection.children for name in child.collections()]
    return [name for name in (collection.name, *lists) if name in fills]


def _fields(raw: bytes | msgspec.Raw) -> dict[str, Any]:
    try:
        return _OBJECT.decode(raw)
    except msgspec.ValidationError:
        return {}


def _text(raw: Any) -> str:
    value = msgspec.json.decode(raw) if raw is not None else ""
    return value if isinstance(value, str) else ""


def _flag(raw: Any) -> bool:
    return raw is not None and bytes(raw) == b"true"


def _remade(one: int, other: int) -> bool:
    """Whether an object was created and deleted within one second: it may live again, under an id its owner chose."""
    return one // SECOND == other // SECOND and {one % 10, other % 10} == {RANK_CREATED, RANK_DELETED}


def _rank(type_: str, ends: frozenset[str]) -> int:
    if type_.endswith(".deleted") and type_ not in ends:
        return RANK_DELETED
    return RANK_CREATED if type_.endswith(".created") else RANK_CHANGED
