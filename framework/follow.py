"""Slices that follow from a row: the rest of a list it shows only the beginning of, and one object read by id."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from framework.collection import Child, Collection
from framework.errors import Kind, Refused
from framework.feed import Answer, Request, Slice, Step, View
from framework.page import ENVELOPE, RAWS, array
from framework.page import members as identities
from framework.sight import RANK_SETTLED, Closed, Gone, Sight


def followed(collection: Collection, selected: frozenset[str]) -> list[tuple[int, Child]]:
    """The children of a collection whose lists may have more than they show, and that are wanted."""
    return [
        (n, child)
        for n, child in enumerate(collection.children)
        if child.url and any(name in selected for name in child.collections())
    ]


def follow_up(n: int, child: Child, parent: str, version: int, data: bytes | memoryview | None) -> Slice:
    """The slice that reads what a parent's list does not show, from its last shown member on; without data all."""
    after = ""
    if data is not None and child.path:
        shown: Any = msgspec.json.decode(data)
        for name in child.path.split("."):
            shown = shown.get(name) if isinstance(shown, dict) else None
        members = (shown or {}).get("data") or []
        after = members[-1]["id"] if members else ""
    return {"id": f"more/{n}/{parent}", "kind": "more", "child": n, "parent": parent, "v": version, "after": after}


def members(
    collection: Collection, child: Child, parent: str, version: int, body: bytes, view: View, fresh: frozenset[str]
) -> tuple[list[Sight], list[Closed], str, int]:
    """A page of a parent's list: sights by collection, what is complete now, the token of the next page, rows."""
    envelope = ENVELOPE.decode(body)
    found = identities(envelope.data)
    parts: dict[str, bytes] = {}
    if isinstance(child.into, str):
        if found:
            parts[child.into] = bytes(envelope.data)
    else:
        raws = RAWS.decode(envelope.data)
        for object_, into in child.into.items():
            part = [raw for raw, member in zip(raws, found, strict=True) if member.object == object_]
            if part:
                parts[into] = array(part)
    sights = [
        Sight(into, data, version, parent=collection.name, parent_key=parent, fresh=fresh)
        for into, data in parts.items()
        if into in view.selected
    ]
    if envelope.has_more and found:
        return sights, [], next((member.id for member in reversed(found) if member.id), ""), len(found)
    wanted = [name for name in child.collections() if name in view.selected]
    closed = [Closed(name, collection.name, parent, version, name in fresh) for name in wanted]
    return sights, closed, "", len(found)


def follow_request(collection: Collection, slice_: Slice, limit: int) -> Request:
    """The next page of a parent's list."""
    child = collection.children[slice_["child"]]
    path, _, query = child.url.partition("?")
    params = [("limit", str(limit))]
    if query:
        params.append((query.partition("=")[0], slice_["parent"]))
    if slice_["after"]:
        params.append(("starting_after", slice_["after"]))
    return Request(path.replace("{id}", quote(slice_["parent"], safe="")), params, path)


def read_follow_up(
    collection: Collection, slice_: Slice, answer: Answer, view: View, *, fresh: frozenset[str], settle: int = -1
) -> Step:
    """A page of a parent's list and, unless it was the last, the slice of the next.

    A list read whole, apart from its parent, is as new as its first page (``settle`` says how new an answer is);
    the rest of a list that a parent shows the beginning of is as new as that parent.
    """
    child = collection.children[slice_["child"]]
    version: int = slice_.get("at") or slice_["v"]
    if settle >= 0 and not slice_["after"]:
        version = max(version, answer.asked - settle)
    sights, closed, after, rows = members(
        collection, child, slice_["parent"], version, answer.body, view, fresh & set(child.collections())
    )
    if after and after == slice_["after"]:
        raise Refused(Kind.BUG, f"{child.url} of {slice_['parent']} does not move past {after}: it repeats itself")
    following = [{**slice_, "after": after, "at": version}] if after else []
    return Step(sights, closed=closed, slices=following, rows=rows)


def orphaned(slice_: Slice, refusal: Refused) -> bool:
    """Whether the vendor no longer knows the parent whose list was asked for, rather than the member we stood on."""
    return refusal.kind is Kind.GONE and not (slice_["after"] and slice_["after"] in str(refusal))


def get_request(collection: Collection, slice_: Slice) -> Request:
    """One object by id. ``path`` holds what its address needs beside the id."""
    path = collection.get
    for name, value in {**slice_.get("path", {}), "id": slice_["key"]}.items():
        path = path.replace("{" + name + "}", quote(str(value), safe=""))
    return Request(path, (), collection.get)


def settled_rank(version: int) -> int:
    """The version of a re-read that settles sights of ``version``: just above all of that vendor second."""
    return version - version % 10 + RANK_SETTLED


def read_one(collection: Collection, key: str, body: bytes, asked: int, floor: int) -> tuple[list[Sight], list[Gone]]:
    """One object read by id at ``asked`` (already less the settling time): its sight, or that it is gone."""
    fields = msgspec.json.decode(body)
    version = max(asked, floor)
    if fields.get("deleted") is True:
        return [], [Gone(collection.name, key, version)]
    return [Sight(collection.name, b"[" + body + b"]", version)], []
