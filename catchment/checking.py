"""`catchment check`: whether a source's credential opens its account, and which collections it may read."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from msgspec import DecodeError

from catchment import wiring
from catchment.wiring import Target
from framework import page
from framework.bundle import Bundle, Part
from framework.errors import Kind, Refused, SourceError
from framework.feed import Feed, Pass, Request, Slice, View
from framework.feed import State as Document
from framework.follow import follow_request
from framework.identity import Remembered, recognise
from framework.listing import Listing
from framework.report import Fault
from framework.verdict import fault_of
from framework.warehouse import FeedState
from state.redaction import redactor

if TYPE_CHECKING:
    from state import State

_THREADS = 8
SIZES = ("limit", "per_page", "page[size]")  # parameters that say how many rows a page has


@dataclass(slots=True)
class Found:
    """What the calls of one source came to. A collection may be readable by one feed and refused to another."""

    account: str = ""
    error: Fault | None = None
    readable: set[str] = field(default_factory=set)
    faults: dict[str, Fault] = field(default_factory=dict)


def check(target: Target, known: FeedState | None, state: State, log: Callable[..., None]) -> dict[str, Any]:
    """One source: a call that names the account, then one that asks a single row of each list and change feed.

    ``known``: the account that the warehouse remembers for this source. Writes nothing anywhere.
    """
    stop = threading.Event()
    found = Found()
    try:
        _Probe(target, state, stop, log, found).run(known)
    except Exception as error:
        found.error = fault_of(error, target.connector.permission_hint)
    finally:
        stop.set()
    document: dict[str, Any] = redactor(target.secrets)(_document(target, found))
    return document


class _Probe:
    """The calls for one source."""

    def __init__(
        self, target: Target, state: State, stop: threading.Event, log: Callable[..., None], found: Found
    ) -> None:
        self._target, self._state = target, state
        self._door, _ = wiring.door(target, state, stop, log)
        self._view = View(target.selected, defaultdict(str))
        self._stop = stop
        self._found = found

    def run(self, known: FeedState | None) -> None:
        """Raises what ends the whole source: a refused credential, or one of another account."""
        target = self._target
        remembered = Remembered(known).account
        account, self._view.now = recognise(target.connector, target.access, remembered, target.source.name, self._door)
        self._found.account = account.account
        if target.connector.discover:
            target = self._discover()
        feeds = [feed for feed in target.connector.feeds if set(feed.fills) & (target.selected - set(target.missing))]
        if target.connector.bundle:
            return self._bundled(feeds, target.connector.bundle)
        with ThreadPoolExecutor(_THREADS) as threads:
            try:
                for done in [threads.submit(self._feed, feed) for feed in feeds]:
                    done.result()
            except BaseException:
                self._stop.set()  # the others give up too
                raise

    def _discover(self) -> Target:
        """What the account says of itself: what it does not show needs no call."""
        target = wiring.discovered(self._target, self._door, self._state)
        self._found.faults |= target.missing
        return target

    def _first(self, feed: Feed) -> Slice:
        document = Document(open=Pass("probe", [name for name in feed.fills if name in self._target.selected]))
        return feed.slices(document, self._view)[0]

    def _bundled(self, feeds: Sequence[Feed], bundle: Bundle) -> None:
        """Asks for a row of each, as many of them in a call as the API takes."""
        waiting = [(feed, slice_, feed.request(slice_, self._view)) for feed in feeds for slice_ in [self._first(feed)]]
        while waiting:
            some, later = waiting[:1], waiting[:0]
            for one in waiting[1:]:
                (some if bundle.fits([*(request for *_, request in some), one[2]]) else later).append(one)
            told = self._together([request for *_, request in some], bundle)
            for (feed, slice_, request), answer in zip(some, told, strict=True):
                self._part(feed, slice_, request, answer)
            waiting = later

    def _together(self, asked: Sequence[Request], bundle: Bundle) -> list[tuple[Part, int] | None]:
        """The answers to what goes in one call, with the vendor's time; None where bundles are refused."""
        try:
            answer = self._door.send("check", bundle.wrap(asked), lambda answer: answer)
            return [(part, answer.asked) for part in bundle.unwrap(answer, asked)]
        except Refused as refusal:
            if refusal.kind in (Kind.AUTH, Kind.SESSION, Kind.QUOTA):
                raise
        except DecodeError:
            pass
        return [None] * len(asked)

    def _part(self, feed: Feed, slice_: Slice, request: Request, answer: tuple[Part, int] | None) -> None:
        """Notes what one part of a bundle came to; what it does not tell is asked alone."""
        try:
            told = self._door.part(request, *answer) if answer else None
        except Refused as refusal:
            self._refused(feed, slice_, refusal)
            return
        if told:
            self._found.readable.update(feed.fills)
        else:
            self._ask(feed, slice_)

    def _feed(self, feed: Feed) -> None:
        slice_ = self._first(feed)
        body = self._ask(feed, slice_)
        apart = _apart(feed, self._target.selected)
        if body is None or not isinstance(feed, Listing):
            return
        rows = page.MEMBERS.decode(page.ENVELOPE.decode(body).data)
        for n in apart if rows else ():  # what exists under each parent only is tried on the first
            self._ask(feed, {"id": "more", "kind": "more", "child": n, "parent": rows[0].id, "v": 0, "after": ""})

    def _ask(self, feed: Feed, slice_: Slice) -> bytes | None:
        """Sends a slice for a single row and notes whom its answer concerns."""
        if slice_["kind"] == "more" and isinstance(feed, Listing):
            request = follow_request(feed.collection, slice_, 1)
            concerned = list(feed.collection.children[slice_["child"]].collections())
        else:
            request = _single(feed.request(slice_, self._view))
            without = {n for child in _apart(feed, self._target.selected).values() for n in child}
            without |= set(feed.bare(self._view)) if isinstance(feed, Listing) and slice_.get("bare") else set()
            concerned = [name for name in feed.fills if name not in without] if feed.listing else [feed.name]
        try:
            body = self._door.send(feed.name, request, lambda answer: answer.body)
        except Refused as refusal:
            return self._refused(feed, slice_, refusal)
        self._found.readable.update(concerned)
        return body

    def _refused(self, feed: Feed, slice_: Slice, refusal: Refused) -> bytes | None:
        if refusal.kind in (Kind.AUTH, Kind.SESSION):
            hint = "Put a valid credential into catchment.yaml."
            raise SourceError("auth", f"access denied: {refusal}", hint, refusal.http_status) from None
        fault = fault_of(refusal, self._target.connector.permission_hint)
        replaced = feed.refused(slice_, refusal, self._view)
        bare = [new for new in replaced or () if new.get("bare")]
        blamed = feed.bare(self._view) if bare and isinstance(feed, Listing) else feed.blames(slice_, self._view)
        for name in blamed:
            told = self._found.faults.get(name)
            if told is None or told.kind == "config":  # of what is not there and what is refused the refusal counts
                self._found.faults[name] = fault
        return self._ask(feed, bare[0]) if bare else None


def _apart(feed: Feed, selected: frozenset[str]) -> dict[int, tuple[str, ...]]:
    """The children that exist under each parent only, by their number, with their collections."""
    if not isinstance(feed, Listing):
        return {}
    children = enumerate(feed.collection.children)
    return {n: c.collections() for n, c in children if not c.path and selected & set(c.collections())}


def _single(request: Request) -> Request:
    """The same request for one row."""
    params = [(name, "1" if name in SIZES else value) for name, value in request.params]
    return replace(request, params=params)


def _document(target: Target, found: Found) -> dict[str, Any]:
    collections = []
    ok = found.error is None
    for collection in target.connector.collections:
        name = collection.name
        if name not in target.selected:
            continue
        fault = found.error or found.faults.get(name)
        readable = found.error is None and name in found.readable
        ok = ok and (fault is None or (fault.kind == "config" and not found.error and not readable))
        collections.append({"collection": name, "readable": readable, "error": fault.document() if fault else None})
    return {
        "source": target.source.name,
        "connector": target.connector.name,
        "ok": ok,
        "account": found.account or None,
        "error": found.error.document() if found.error else None,
        "collections": collections,
    }
