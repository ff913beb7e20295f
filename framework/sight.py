"""What a feed hands over: sights of objects as bytes, and deletions that came without a payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# The lowest digit of a version (microseconds) ranks sights within one vendor second: a read proves only what came
# before that second, so it stands below the second's events; a re-read that settles a tie stands above them all.
RANK_READ, RANK_CREATED, RANK_CHANGED, RANK_DELETED, RANK_SETTLED = 0, 1, 2, 3, 9


@dataclass(frozen=True, slots=True)
class Sight:
    """Objects of one collection as the vendor showed them: a JSON array of whole objects.

    ``at``: the field of ``data`` that holds that array; "" when ``data`` is the array itself.

    ``version``: microseconds since 1970 on the collection's one scale, one for all or one each.
    ``deleted``: per object, whether this sight says that it is gone (its payload is kept all the same).
    ``parent``/``parent_key``: set when the objects are children shown inside that parent: the parent's collection and
    key. (Embedded lists need no sight of their own: the codec cuts them out of the parent's payload.)
    ``fresh``: names of child collections that this pass fills for the first time, so that a parent already stored with
    a newer version must not make the loader drop them.
    ``columns``: a partial sight, of these columns alone. It makes no row: it gives them to rows that are there in this
    very version (events are never changed, so any version of one is the same), and to no other.
    ``opened``: what the loader made of ``data`` when the feed glanced at it.
    """

    collection: str
    data: bytes | memoryview
    version: int | Sequence[int]
    deleted: Sequence[bool] | None = None
    parent: str = ""
    parent_key: str = ""
    fresh: frozenset[str] = frozenset()
    at: str = ""
    columns: frozenset[str] = frozenset()
    opened: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Glance:
    """A page as the loader reads it: whether there is more, and of each row the values of the fields asked for."""

    more: bool
    rows: Sequence[tuple[Any, ...]]
    opened: Any


@dataclass(frozen=True, slots=True)
class Gone:
    """A deletion without payload: ``at`` is its version (microseconds)."""

    collection: str
    key: str
    at: int


@dataclass(frozen=True, slots=True)
class Live:
    """Objects that a read showed alive as of ``at``: what marked them as deleted before then was wrong, or is over.

    Needed where versions are the objects' own stamps, for coming back moves no stamp. It counts for those of these
    objects, and of the children in them, that the same commit brings.
    """

    collection: str
    keys: Sequence[str]
    at: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The list of one parent was read to its end at ``version``: its members with an older version are gone.

    ``fresh``: the members were loaded whatever the parent's stored version, so this counts as well.
    """

    collection: str
    parent: str
    parent_key: str
    version: int
    fresh: bool = False
