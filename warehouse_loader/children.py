"""Child lists cut out of their parents: whose members they are, of which collection, and whether the list was whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET, Raw, UnsetType

from framework.collection import Child
from warehouse_loader.registry import Registry
from warehouse_loader.relearn import UNREADABLE


class _Envelope(msgspec.Struct, gc=False):
    """A list as an object: whole unless it says that it has more."""

    data: list[Raw] | UnsetType | None = UNSET
    has_more: bool | None = None


class _Typed(msgspec.Struct, gc=False):
    object: str = ""


_LISTS = msgspec.json.Decoder(list[_Envelope | list[Raw] | None])
_ENVELOPES = msgspec.json.Decoder(list[_Envelope])
_ARRAYS = msgspec.json.Decoder(list[list[Raw]])
_TYPES = msgspec.json.Decoder(list[_Typed])


@dataclass(slots=True)
class Cut:
    """The members of one collection in the lists of a page.

    ``owners`` and ``places``: per member, which parent it came from and where it stood in that list.
    ``closed``: the parents whose list was whole; ``named``: of those that name their members and show none, the ids.
    """

    collection: str
    members: list[Raw] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    named: dict[int, list[str]] = field(default_factory=dict)


def cut(child: Child, raws: Sequence[Raw], registry: Registry) -> Iterator[Cut]:
    """What a page's lists hold, one cut for each collection they fill; ``raws`` is the field, parent by parent."""
    cuts = {name: Cut(name) for name in child.collections() if name in registry}
    everything = Cut("")
    for owner, members, whole in _lists(child, raws):
        for place, member in enumerate(members):
            if memoryview(member)[0] == 0x7B:
                everything.members.append(member)
                everything.owners.append(owner)
                everything.places.append(place)
            elif memoryview(member)[0] == 0x22:  # an id instead of an object is no row
                everything.named.setdefault(owner, []).append(msgspec.json.decode(member))
            else:
                whole = False
        if not members and child.expand and memoryview(raws[owner])[0] == 0x5B:
            everything.named[owner] = []
        if whole:
            everything.closed.append(owner)
    for name, part in cuts.items():
        part.closed, part.named = everything.closed, everything.named
        if isinstance(child.into, str) and child.into == name:
            part.members, part.owners, part.places = everything.members, everything.owners, everything.places
    if not isinstance(child.into, str):
        for at, kind in enumerate(_kinds(everything.members)):
            chosen = cuts.get(child.into.get(kind, ""))
            if chosen is not None:
                chosen.members.append(everything.members[at])
                chosen.owners.append(everything.owners[at])
                chosen.places.append(everything.places[at])
    yield from cuts.values()


def _kinds(members: list[Raw]) -> list[str]:
    try:
        return [one.object for one in _TYPES.decode(b"[" + b",".join(members) + b"]")]
    except UNREADABLE:
        return [""] * len(members)


def _lists(child: Child, raws: Sequence[Raw]) -> Iterator[tuple[int, list[Raw], bool]]:
    """Per parent that shows a list: its members and whether that is all of them."""
    owners = [owner for owner, size in enumerate(map(len, raws)) if size]
    try:
        lists = _LISTS.decode(b"[" + b",".join([raws[owner] for owner in owners]) + b"]")
    except UNREADABLE:
        yield from _odd_lists(child, raws)
        return
    for owner, shown in zip(owners, lists, strict=True):
        if isinstance(shown, _Envelope):
            if isinstance(shown.data, list):
                yield owner, shown.data, shown.has_more is False
            else:
                yield owner, [raws[owner]], True
        elif shown is not None:
            yield owner, shown, True
        elif not child.expand:
            yield owner, [], True  # a single object that is not there


def _odd_lists(child: Child, raws: Sequence[Raw]) -> Iterator[tuple[int, list[Raw], bool]]:
    """The same where a list has another form in some parent."""
    objects, arrays = [], []
    for owner, raw in enumerate(raws):
        first = bytes(memoryview(raw)[:1])
        if first == b"{":
            objects.append(owner)
        elif first == b"[":
            arrays.append(owner)
        elif first == b"n" and not child.expand:
            yield owner, [], True  # a single object that is not there
    if arrays:
        lists = _ARRAYS.decode(b"[" + b",".join([raws[owner] for owner in arrays]) + b"]")
        yield from ((owner, members, True) for owner, members in zip(arrays, lists, strict=True))
    for owner, envelope in zip(objects, _envelopes([raws[owner] for owner in objects]), strict=True):
        if isinstance(envelope.data, list):
            yield owner, envelope.data, envelope.has_more is False
        else:
            yield owner, [raws[owner]], True


def _envelopes(raws: list[Raw]) -> list[_Envelope]:
    if not raws:
        return []
    try:
        return _ENVELOPES.decode(b"[" + b",".join(raws) + b"]")
    except UNREADABLE:
        return [_envelope(raw) for raw in raws]


def _envelope(raw: Raw) -> _Envelope:
    try:
        return msgspec.json.decode(raw, type=_Envelope)
    except UNREADABLE:
        return _Envelope()
