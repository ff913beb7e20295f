"""The two ports through which the engine reaches a warehouse: a codec for records and a place that commits them."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from framework.collection import Collection
from framework.fieldview import FieldView
from framework.remedy import Change
from framework.sight import Closed, Glance, Gone, Live, Sight


@dataclass(slots=True)
class Counts:
    """What one commit did to one collection, in rows. ``fetched`` is the sum of the first five."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    appended: int = 0
    quarantined: int = 0
    deleted: int = 0
    restored: int = 0

    def add(self, other: Counts) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Decoded(Protocol):
    """One sight, decoded but not yet columns: opaque to the engine but for its size."""

    rows: int
    size: int  # bytes of JSON it came from


class Codec(Protocol):
    """Turns sights into rows; learns unknown fields and wider types as they come. Thread-safe."""

    def decode(self, sight: Sight) -> Decoded: ...

    def glance(self, collection: str, data: bytes, at: str, fields: Sequence[str]) -> Glance | None:
        """Decodes a page ahead of its sight, for the feed to look at these fields of its rows.

        None where they are not to be had like that: the page holds anything unforeseen, or fields in many forms.
        """
        ...

    def pack(self, decoded: Sequence[Decoded]) -> Decoded:
        """Several decoded sights as one, in columns: far smaller, called every few pages."""
        ...

    def undeclared(self, collection: str) -> Mapping[str, str]:
        """The fields met so far that nobody declared, with their columns; "" for one that was null wherever it came.

        The same object as long as nothing more was learned of the collection.
        """
        ...


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed's document as stored: ``rev`` is 0 for one that was never written."""

    rev: int
    document: str  # JSON


@dataclass(frozen=True, slots=True)
class Stored:
    """What a source has in the warehouse: feed documents, and tables with their incarnations."""

    feeds: Mapping[str, FeedState] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)  # collection -> incarnation, existing tables only
    at: int = 0  # when the last commit was (microseconds)


@dataclass(slots=True)
class Commit:
    """Everything one transaction writes: first the compare-and-set of ``feeds``, then the rows of all collections.

    ``tables``: collections whose table must exist after it, rows or not.
    ``feeds``: feed -> (revision it was read at, new document). The stored revision becomes that plus one.
    """

    tables: Sequence[Collection] = ()
    feeds: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    decoded: Sequence[Decoded] = ()
    gone: Sequence[Gone] = ()
    closed: Sequence[Closed] = ()
    live: Sequence[Live] = ()
    views: Sequence[FieldView] = ()  # to be brought up to date with what the tables hold then
    report: Mapping[str, Any] | None = None  # the run's document (CONTRACT.md), written to schema `catchment`
    run: str = ""  # the run that commits
    changes: Sequence[Change] = ()  # of the schema, beside those that the commit itself makes
    met: Mapping[str, Names[str]] = field(default_factory=dict)  # undeclared fields that stored rows may lack


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: counts per collection, and the incarnation of each table it created."""

    counts: Mapping[str, Counts]
    tables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a destination wants in one commit: whichever comes first, so a kill loses no more than this.

    This is what is promised of one that declares nothing else.
    """

    rows: int = 20_000
    bytes: int = 64_000_000
    seconds: float = 10.0


class WarehouseError(Exception):
    """The warehouse could not be read or written; ``hint`` says what to do. Nothing of the commit was kept."""

    def __init__(self, message: str, hint: str = "", kind: str = "warehouse") -> None:
        super().__init__(message)
        self.hint = hint
        self.kind = kind


class Conflict(WarehouseError):
    """Another run has written this source's marks since we read them: this run must stop."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Rows whose version is older than ``before``; with ``since`` only those created then or later (microseconds).

    Rows whose keys a comparison was shown (``shown``, in batches) are none of them, whatever their version.
    """

    before: int
    since: int = 0
    shown: Iterable[Sequence[str]] = field(default=(), compare=False)


class Warehouse(Protocol):
    """One source's schema in one warehouse. Calls come from one thread at a time."""

    @property
    def pace(self) -> Pace: ...

    def load(self) -> Stored: ...

    def codec(self) -> Codec: ...

    def commit(self, commit: Commit) -> Committed: ...

    def live_rows(self, collection: str) -> int:
        """Rows that are not marked as deleted; of a carrier, those that its members name."""
        ...

    def absent(self, wanted: Mapping[str, Unseen]) -> Mapping[str, Sequence[str]]:
        """Per collection, the keys of live rows that a whole listing did not show, oldest version first.

        Also the keys that live members name and no row has: all those of a carrier, which has no rows of its own here,
        and of others what came and went while only its members were read.
        """
        ...

    def untouched(self, collection: str, until: int, keys: Sequence[str] | None = None) -> Mapping[str, int]:
        """Live rows that no commit after ``until`` has changed: of these keys, or else the one created last.

        With when they were created (microseconds), 0 where nothing tells.
        """
        ...

    def lacking(self, collection: str, column: str, newer: int) -> Mapping[str, int]:
        """Live rows of a newer version than that which have nothing in a column, with their versions."""
        ...
