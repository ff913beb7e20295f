"""One feed during one run: its document, the slices that are being read, and how far it has come."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Mapping, Set

import msgspec

from framework import appearing, lacking, reach
from framework.errors import SourceError
from framework.feed import DAY, Feed, Pass, Slice, State, View
from framework.generation import Again
from framework.keys import Keys
from framework.report import Fault, SourceReport, iso
from framework.warehouse import FeedState

Young = Mapping[tuple[str, str], Mapping[str, int]]  # collection and column -> keys of rows with their versions

FORMAT = 1
MAX_DOCUMENT = 1_000_000  # bytes: a document that large means slices that breed faster than they are read


class Holding:
    """A feed with its state. Only the engine's own thread changes it."""

    def __init__(self, feed: Feed, state: State, rev: int) -> None:
        self.feed = feed
        self.state = state
        self.rev = rev
        self.flying: dict[str, Slice] = {}
        self.fresh = False  # its open pass was opened by this run
        self.done = False  # it has closed a pass that this run opened
        self.failed = False
        self.needed = False
        self.not_selected: dict[str, int] = {}
        self.document = ""
        self.seen = Keys()  # those that an open pass of comparison was shown
        self.whole: set[str] = set()  # collections that this run has read whole
        self.young: Young | None = None  # rows newer than what its pass shows; None while nobody has looked

    @classmethod
    def of(cls, feed: Feed, stored: FeedState | None) -> Holding:
        """Reads a stored document; raises SourceError when a newer Catchment wrote it."""
        if stored is None:
            return cls(feed, State(), 0)
        state = msgspec.json.decode(stored.document, type=State)
        if state.format > FORMAT:
            raise SourceError(
                "config", f"the marks of {feed.name} were written by a newer Catchment", "Upgrade Catchment."
            )
        if state.open and state.open.why == "compare":
            state.open, state.slices = None, {}  # what it was shown died with its run: it starts again
        if state.open and isinstance(feed, Again):
            state.open.notes["resumed"] = True
        return cls(feed, state, stored.rev)

    def narrow(self, selected: Set[str]) -> bool:
        """Goes on with an open pass for those of its collections alone that this run selects; whether it has any."""
        if opened := self.state.open:
            if kept := [name for name in opened.fills if name in selected]:
                opened.fills = kept
            elif selected.isdisjoint(self.feed.fills):
                self.failed = True  # it rests, its document as it is
            else:
                self.state.open, self.state.slices = None, {}  # marks and memory know what it was to read
        return self.state.open is not None and not self.failed

    @property
    def again(self) -> bool:
        """Whether it reads again what another feed keeps up to date: after all others, in nobody's way."""
        return isinstance(self.feed, Again)

    def goes_on(self, why: str, here: bool) -> bool:
        """Whether a pass that ended, opened by this run or not, may not have been all that this run has to read."""
        some = not here or why in ("probe", "sweep", "compare", "news", "earlier", "fill")
        return self.again or (self.feed.listing and some and not (why == "fill" and self.done))

    @property
    def filling(self) -> bool:
        """Whether a first listing is still under way: the change feed must wait for it."""
        first = self.state.open is not None and self.state.open.why in ("first", "gap")
        return first and not self.failed and not self.again

    @property
    def ended(self) -> bool:
        """Whether its open pass has no slice left."""
        return self.state.open is not None and not self.failed and not self.state.slices

    @property
    def sweeps(self) -> bool:
        """Whether the rows that its finished pass did not see are still to be looked at."""
        opened = self.state.open
        return opened is not None and self.ended and not opened.notes.get("swept") and self.feed.absent(self.state) > 0

    @property
    def sought(self) -> bool:
        """Whether its open pass fills columns by reading rows whole."""
        return self.state.open is not None and self.state.open.why == "fill" and not lacking.named(self.feed)

    @property
    def doubted(self) -> bool:
        """Whether its open pass fills nothing but what stored rows may not show at all: then page by page."""
        return appearing.doubted(self.state)

    @property
    def waiting(self) -> int:
        return len(self.state.slices) - len(self.flying) if self.state.open and not self.failed else 0

    def begin(self, opened: Pass, view: View) -> None:
        reach.note(opened, view)
        lacking.order(opened, self.feed, self.state, view)
        self.state.open = opened
        self.fresh = self.needed = True
        self.seen.clear()
        self.young = None
        self.state.slices = {s["id"]: s for s in self.feed.slices(self.state, view)}

    def pin(self, opened: Pass, tables: Container[str], now: int) -> bool:
        """Lets a change feed count from now on for what a listing fills that opens; whether that moved a mark."""
        pinned = False
        for name in set(opened.fills) & set(self.feed.fills):
            if opened.why == "gap" or name not in tables or name not in self.state.marks:
                self.state.marks[name] = now - self.feed.overlap
                pinned = True
        return pinned

    def ready(self, follow_ups: int) -> Slice | None:
        """The slice to read next: follow-ups before lists, and no list while too many follow-ups wait."""
        if len(self.state.slices) == len(self.flying) or (self.flying and self.doubted):
            return None
        first = None
        for slice_ in self.waits():
            if slice_["kind"] != "list":
                return slice_
            if first is None or pages_left(slice_) > pages_left(first):
                first = slice_
        return first if len(self.state.slices) < follow_ups else None

    def waits(self) -> Iterator[Slice]:
        """The slices that may be read now: not under way, and their time has come (``later``: Unix seconds)."""
        now = time.time()
        if self.failed:
            return
        for id_, slice_ in self.state.slices.items():
            if id_ not in self.flying and slice_.get("later", 0.0) <= now:
                yield slice_

    @property
    def later(self) -> float:
        """When the next slice may be read that has to wait for its own time (Unix seconds); 0 when none has."""
        if not self.state.open or self.failed:
            return 0.0
        return min((s["later"] for id_, s in self.state.slices.items() if "later" in s and id_ not in self.flying),
                   default=0.0)  # fmt: skip

    def postpone(self, slice_: Slice, until: float) -> None:
        """Leaves a slice for later (Unix seconds): the limit that it waits for concerns no other."""
        if self.state.slices.get(slice_["id"]) is slice_:
            self.state.slices[slice_["id"]] = {**slice_, "later": until}

    def replace(self, slice_: Slice, new: list[Slice]) -> None:
        """Takes a slice that was read away, unless one of its id came meanwhile, and adds what replaces it."""
        slices = self.state.slices
        if slices.get(slice_["id"]) is slice_:
            del slices[slice_["id"]]
        for add in new:
            if pause := add.pop("pause", 0.0):  # seconds: a feed has no clock
                add["later"] = time.time() + pause
            known = slices.get(add["id"])
            if known is None or add.get("v", 0) >= known.get("v", 0):
                slices[add["id"]] = add

    def deny(self, names: Iterable[str]) -> None:
        """Notes what the open pass was refused: it fills these collections no further."""
        if self.state.open:
            denied = self.state.open.notes.setdefault("denied", [])
            denied += [name for name in names if name not in denied]

    def forget(self, slice_: Slice) -> None:
        """Gives up what is like a refused slice: the same list of other parents, other objects of that collection."""

        def alike(other: Slice) -> bool:
            return all(other.get(name) == slice_.get(name) for name in ("kind", "child", "into"))

        self.state.slices = {id_: s for id_, s in self.state.slices.items() if id_ in self.flying or not alike(s)}

    def landed(self, slice_: Slice) -> bool:
        """Takes a slice whose answer has come from those under way; whether it still was one of them."""
        if self.flying.get(slice_["id"]) is not slice_:
            return False
        del self.flying[slice_["id"]]
        return True

    def put_off(self, view: View) -> bool:
        """Gives a refused filling up for this run; what of it is under way concerns nobody any more.

        Returns whether this run may have more to read.
        """
        lacking.put_off(self.state, view.run)
        self.state.open, self.state.slices = None, {}
        self.flying.clear()
        more, self.done = not self.done, True
        return more

    def drop(self) -> None:
        """Forgets the open pass: the next run asks anew."""
        self.state.open = None
        self.state.slices = {}
        self.failed = self.needed = True

    def close(self, view: View) -> None:
        if self.state.open:
            self.not_selected = dict(self.state.open.notes.get("not_selected", {}))
            self.whole |= _read_whole(self.state.open) if self.fresh else set()
        self.feed.close(self.state, view)
        self.state.open = None
        self.fresh = False

    def encode(self) -> str:
        document = msgspec.json.encode(self.state)
        if len(document) > MAX_DOCUMENT:
            raise SourceError(
                "internal",
                f"the marks of {self.feed.name} grew to {len(document)} bytes, {len(self.state.slices)} slices waiting",
                "Report this; `catchment resync` starts the collection again.",
            )
        return document.decode()

    def lost(self, selected: Set[str], now: int) -> Set[str]:
        """The collections whose changes the vendor has dropped since its marks."""
        kept, names = now - self.feed.horizon, selected & set(self.feed.fills)
        return {name for name in names if 0 < self.state.marks.get(name, 0) < kept}

    def note_gap(self, now: int, report: SourceReport) -> None:
        """Says which interval of events the vendor no longer had when we came."""
        mark = self.state.marks.get(self.feed.name, 0)
        kept = now - self.feed.horizon
        if self.feed.name in report.collections and 0 < mark < kept:
            days = self.feed.horizon // DAY
            lost = f"the vendor keeps events for {days} days; those between {iso(mark)} and {iso(kept)} are lost"
            events = report.collections[self.feed.name]
            events.status = "partial"
            events.error = Fault("data", f"{lost}; the objects they changed were listed again", "Sync more often.")


def _read_whole(done: Pass) -> set[str]:
    """The collections of which a finished pass has read every row."""
    notes = done.notes
    whole = done.why in ("first", "gap", "relist", "fill") or notes.get("whole")
    return (
        set(done.fills).difference(notes.get("denied", ()))
        if whole and not (notes.get("since") or notes.get("enough"))
        else set()
    )


def pages_left(slice_: Slice) -> float:
    """How many pages a slice still has, as far as anybody knows: the longest goes first, so that all end together."""
    return float(slice_.get("left", float("inf")))
