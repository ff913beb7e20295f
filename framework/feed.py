"""What a feed is: a pure state machine that opens slices, asks one request for each, and reads the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from framework.errors import Refused
from framework.sight import Closed, Glance, Gone, Live, Sight

Slice = dict[str, Any]
"""A request that still has to be made, as JSON. ``id`` is unique in its feed: a second of that id replaces it."""

SECOND = 1_000_000  # every time of the framework is in microseconds since 1970, by the vendor's clock
DAY = 86_400 * SECOND
CHEAP = 10  # calls: a list that costs no more may be read again whenever somebody asks for *now*


@dataclass(frozen=True, slots=True)
class Request:
    """A call on the source's host.

    ``endpoint`` names the bucket of the vendor's per-endpoint limit, ``bucket`` a limit of the API's own beside that
    and the account's. ``headers`` come on top of the connector's; ``body`` is JSON. ``common``: every account has what
    it asks for, so that a refusal without a word is about who asks.
    """

    path: str
    params: Sequence[tuple[str, str]] = ()
    endpoint: str = ""
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    bucket: str = ""
    common: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer. ``asked`` is the vendor's time when it began to answer, at the latest by its `Date` header."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    asked: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What one collection adds to a first sync, to a sync that finds a change, and to one that finds nothing new."""

    first: str
    change: str
    idle: str

    def __str__(self) -> str:
        if self.first == self.change == self.idle:
            return self.first
        return f"first sync: {self.first}; changes: {self.change}; nothing new: {self.idle}"


@dataclass(slots=True)
class Pass:
    """One way through a feed, from its opening to the slice that leaves none. ``opened``: 0 until the first answer."""

    why: str  # first, changes, tail, relist, gap, probe, sweep, compare
    fills: list[str]
    opened: int = 0
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """A feed's document: how far it has brought each collection, and the slices of a pass that is still open.

    ``marks``: collection -> time up to which this feed has brought it. ``tables``: collection -> incarnation of the
    table that its last complete pass filled: another one, or none, means that it starts again. ``memory`` is the
    feed's own.
    """

    marks: dict[str, int] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    open: Pass | None = None
    slices: dict[str, Slice] = field(default_factory=dict)
    format: int = 1


@dataclass(slots=True)
class View:
    """All that a feed may know of the world: no clock but the vendor's, no I/O.

    ``now``: the vendor's time, 0 before the first answer. ``born``: before it nothing exists. ``spare``: slices that
    could be read at once beside those that are. ``relist``: listings that this run affords to read again. ``ready``:
    collections that a change feed may fill (their listing is complete). ``excluded``: columns that are stored nowhere.
    ``glance``: reads a page as the loader will, so that it is read but once (Codec.glance). ``met``: collections with
    columns that have appeared and that stored rows may lack.
    """

    selected: frozenset[str]
    tables: Mapping[str, str]
    now: int = 0
    born: int = 0
    start: int = 0
    due: bool = False
    spare: int = 0
    relist: frozenset[str] = frozenset()
    ready: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    excluded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    version: str = ""
    run: str = ""
    glance: Callable[[str, bytes, str, Sequence[str]], Glance | None] | None = None
    met: frozenset[str] = frozenset()


@dataclass(slots=True)
class Step:
    """What reading one slice gave. ``slices`` replace the one read: none = done, one = next page, more = split.

    ``seen``: the keys shown by a pass that compares what the vendor has with what we hold (``why`` compare, and gap
    where the feed is ``comparable``). ``live``: what a reading in place showed alive; no feed need tell.
    ``lost``: what the vendor has and does not show, in words: the collections that it concerns are not whole.
    """

    sights: list[Sight] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    rows: int = 0
    seen: Sequence[str] = ()
    lost: str = ""
    notes: dict[str, Any] = field(default_factory=dict)  # merged into the pass by `Feed.note`


class Feed(Protocol):
    """Fills one or more collections. Holds no session, no clock and no state: those are arguments."""

    @property
    def name(self) -> str: ...

    @property
    def fills(self) -> tuple[str, ...]:
        """Its collections, its own first."""
        ...

    @property
    def listing(self) -> bool:
        """Whether it can fill a collection from nothing (a change feed cannot)."""
        ...

    @property
    def chained(self) -> bool:
        """Whether its pages can only be read one after the other."""
        ...

    @property
    def complete(self) -> bool:
        """Whether absence from its whole list proves a deletion."""
        ...

    @property
    def comparable(self) -> bool:
        """Whether absence shows by keys alone: versions are the rows' own stamps, and a pass ``compare`` reads keys."""
        ...

    @property
    def by_id(self) -> int:
        """How many absent rows one call reads by id, where absence proves nothing."""
        ...

    @property
    def horizon(self) -> int:
        """How long the vendor keeps what it reads (microseconds); 0: for ever."""
        ...

    @property
    def overlap(self) -> int:
        """How late a change may become visible to it (microseconds)."""
        ...

    @property
    def settle(self) -> int:
        """How late a change may become visible to a list or a read by id (microseconds)."""
        ...

    @property
    def bounded(self) -> bool:
        """Whether a start date bounds its whole list, so that absence of an older row says nothing."""
        ...

    @property
    def sole(self) -> bool:
        """Whether nothing but its own list shows its changes, so that *now* means to read it again."""
        ...

    def cost(self, state: State) -> int:
        """Calls that listing again would take; 0 when that would show nothing new."""
        ...

    def bare(self, view: View) -> Sequence[str]:
        """Collections that go without when its list is read bare."""
        ...

    def due(self, state: State, view: View) -> Pass | None:
        """The pass that this run must make, or None when there is nothing to read."""
        ...

    def slices(self, state: State, view: View) -> list[Slice]:
        """The first slices of the pass just opened."""
        ...

    def request(self, slice_: Slice, view: View) -> Request: ...

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        """Called by many threads at once: reads ``state``, never changes it."""
        ...

    def refused(self, slice_: Slice, refusal: Refused, view: View) -> Sequence[Slice] | None:
        """Slices to read instead, or None: the refusal stands."""
        ...

    def blames(self, slice_: Slice, view: View) -> Sequence[str]:
        """The collections that a standing refusal of this slice concerns."""
        ...

    def gone(self, slice_: Slice, asked: int) -> Sequence[Gone]:
        """What it means that the vendor does not know what this slice asked for by id."""
        ...

    def absent(self, state: State) -> int:
        """After a whole pass: the version below which a live row was not seen; 0 when absence proves nothing."""
        ...

    def note(self, state: State, step: Step) -> None:
        """Takes a step's notes into the open pass."""
        ...

    def close(self, state: State, view: View) -> None:
        """Moves the marks of what the finished pass has filled."""
        ...
