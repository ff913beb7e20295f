"""What this organisation has: the selected objects, described again only when the vendor says that they changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from email.utils import parsedate_to_datetime

import msgspec

from connectors.salesforce import composite, describe
from connectors.salesforce.answers import JUDGE
from connectors.salesforce.describe import ObjectType
from connectors.salesforce.objects import CORE, TABLES
from connectors.salesforce.query import Query
from connectors.salesforce.soql import BASE, VERSION
from framework.bundle import Part
from framework.collection import Collection
from framework.connector import Ask, Connector, Found
from framework.errors import Kind, Refused, SourceError
from framework.feed import SECOND, Request
from framework.report import Fault

SOBJECTS = f"{BASE}/sobjects"
VERSIONS = "/services/data"  # the versions that the organisation's API has
COUNTED_AT_ONCE = 400  # object types in one question for row counts: their names must fit an address
_DENIED = (Kind.PERMISSION, Kind.UNAVAILABLE, Kind.GONE, Kind.BUG)


class Known(msgspec.Struct):
    """What earlier runs learned: the descriptions, about how many rows each object has, and what those that are not
    there may be called. ``modified``: the last change that the list of all objects told of; those that no run has
    asked about since are ``behind``.
    """

    version: str = ""
    modified: str = ""
    types: dict[str, ObjectType] = {}
    behind: frozenset[str] = frozenset()
    rows: dict[str, int] = {}
    near: dict[str, list[str]] = {}


@dataclass(slots=True)
class _Described:
    """The object types, why one has none, the vendor's time of the last change to any, those that may have changed by
    then without our asking, and names like the missing.
    """

    types: dict[str, ObjectType]
    lost: dict[str, Refused]
    modified: str
    behind: frozenset[str]
    near: dict[str, list[str]]


class _Name(msgspec.Struct):
    name: str


class _Names(msgspec.Struct):
    sobjects: list[_Name] = []


class _Count(msgspec.Struct):
    name: str
    count: int


class _Version(msgspec.Struct):
    version: str


class _Error(msgspec.Struct, rename="camel"):
    error_code: str = ""
    message: str = ""


class _Counts(msgspec.Struct, rename={"counts": "sObjects"}):
    counts: list[_Count]


def discover(connector: Connector, selected: frozenset[str], known: bytes, ask: Ask) -> Found:
    """The connector with this organisation's columns and feeds. One call when nothing changed since last time."""
    before = _known(known)
    wanted = {c.name: c for c in connector.collections if c.name in selected}
    described = _described(sorted({c.object for c in wanted.values()}), before, ask)
    types, lost = described.types, described.lost
    rows = _counted([name for name in types if name not in before.rows], ask) | before.rows
    tables = {c.object: c.name for c in connector.collections}
    found, feeds, missing = {}, [], {}
    for name, declared in wanted.items():
        type_ = types.get(declared.object)
        if type_ is None:
            near = described.near.get(declared.object, ()) if name not in TABLES else ()  # nobody typed those names
            missing[name] = _absent(declared.object, lost.get(declared.object), near)
        elif not type_.queryable:
            missing[name] = Fault("config", f"{type_.name} cannot be queried: the API gives no list of its rows",
                                  f'Leave it out: `collections: [default, "!{name}"]`.')  # fmt: skip
        else:
            found[name] = describe.collection(declared, type_, tables)
            feeds.append(feed(found[name], type_, rows.get(type_.name, 0)))
    collections = tuple(found.get(c.name, c) for c in connector.collections)
    gone = {name: msgspec.structs.replace(t, gone=True) for name, t in before.types.items() if name in lost}
    every = {**before.types, **gone, **types}
    document = Known(VERSION, described.modified, every, described.behind, rows, described.near)
    return Found(
        replace(connector, collections=collections, feeds=tuple(feeds)), msgspec.json.encode(document), missing
    )


def feed(collection: Collection, type_: ObjectType, rows: int = 0) -> Query:
    """The feed of one object type."""
    fields = describe.readable(type_)
    names = {field.name for field in fields}
    return Query(
        (collection,),
        type_.name,
        fields=tuple(field.name for field in fields),
        stamp=describe.stamp(type_),
        binned="IsDeleted" in names,
        logged=type_.replicateable,
        dated="CreatedDate" in names,
        silent=any(field.calculated for field in fields),
        unasked=frozenset(field.name for field in fields if not field.filterable),
        rows=rows,
    )


def _known(document: bytes) -> Known:
    try:
        known = msgspec.json.decode(document, type=Known) if document else Known()
    except msgspec.MsgspecError:
        return Known()  # losing it costs a few calls only
    return known if known.version == VERSION else Known()


def _described(names: Sequence[str], before: Known, ask: Ask) -> _Described:
    fresh = [name for name in names if name not in before.types or before.types[name].gone]
    types = {name: before.types[name] for name in names if name not in fresh}
    lost: dict[str, Refused] = {}
    # The list of all objects tells of any change; what room its call has asks the known ones by themselves as well.
    known = sorted(types, key=lambda name: name not in before.behind)
    room = max(len(before.behind & types.keys()), composite.PARTS - 1 - len(fresh))
    asked = fresh + known[:room]
    requests = {name: _conditional(f"{SOBJECTS}/{name}/describe", types[name].modified) for name in types}
    requests |= {name: _describe(name) for name in fresh}
    # A name asked for the first time may be misspelt: the list has what it may have been meant to be.
    since = before.modified if all(name in before.near or name in before.types for name in fresh) else ""
    first, *others = _ask([_conditional(SOBJECTS, since), *(requests[name] for name in asked)], ask)
    shown = isinstance(first, Part) and first.status != 304
    told = first.headers.get("last-modified", "") if isinstance(first, Part) else ""
    changed = shown and (not told or told != before.modified)
    if changed and (rest := known[room:]):
        asked, others = asked + rest, others + _ask([requests[name] for name in rest], ask)
    for name, part in zip(asked, others, strict=True):
        if isinstance(part, Refused):
            if part.kind in _DENIED:
                types.pop(name, None)
            lost[name] = part
        elif part.status != 304:
            try:
                type_ = describe.DESCRIBE.decode(part.body)
            except msgspec.DecodeError as error:
                lost[name] = Refused(Kind.RETRY, f"its description cannot be read ({error})", http_status=part.status)
                continue
            type_.modified = part.headers.get("last-modified", "")
            types[name] = describe.merged(type_, before.types.get(name))
    behind = before.behind | (before.types.keys() if changed or isinstance(first, Refused) else frozenset())
    modified = told if changed else before.modified
    near = _near(lost, first) if isinstance(first, Part) and shown else {n: before.near.get(n, []) for n in lost}
    modified = "" if any(r.kind not in _DENIED for r in lost.values()) else modified
    return _Described(types, lost, modified, behind - set(asked), near)


def _near(lost: Iterable[str], listed: Part) -> dict[str, list[str]]:
    """What the organisation has that is called like the objects that it does not have."""
    try:
        names = {one.name.lower(): one.name for one in msgspec.json.decode(listed.body, type=_Names).sobjects}
    except msgspec.MsgspecError:
        names = {}
    return {name: [names[one] for one in get_close_matches(name.lower(), names, n=3, cutoff=0.75)] for name in lost}


def _describe(name: str) -> Request:
    return Request(f"{SOBJECTS}/{name}/describe")


def _conditional(path: str, modified: str) -> Request:
    return Request(path, headers={"If-Modified-Since": modified} if modified else {})


def _ask(requests: Sequence[Request], ask: Ask) -> list[Part | Refused]:
    """The answers to many questions, 25 in a call; a part that failed is asked for again by itself."""
    parts: list[Part | Refused] = []
    for start in range(0, len(requests), composite.PARTS):
        some = requests[start : start + composite.PARTS]
        parts += _together(some, ask) or [_alone(request, ask) for request in some]
    return parts


def _together(some: Sequence[Request], ask: Ask) -> list[Part | Refused]:
    """The answers to what one call takes; none where bundles as such are refused."""
    try:
        answer = ask(composite.wrap(some))
    except Refused as refusal:
        if refusal.kind not in _DENIED:
            raise
        _served(ask)
        return []
    try:
        answers = [_settled(part, answer.asked) for part in composite.unwrap(answer, some)]
    except msgspec.DecodeError:
        return []
    told = [_judged(request, part, ask) for request, part in zip(some, answers, strict=True)]
    if all(isinstance(part, Refused) for part in told) and not isinstance(_alone(some[0], ask), Refused):
        return []  # nothing that this bundle asks for is refused by itself
    return told


def _served(ask: Ask) -> None:
    """Raises SourceError where the organisation does not have the version of the API that is read."""
    answer = _alone(Request(VERSIONS), ask)
    if isinstance(answer, Refused):
        return
    try:
        versions = [one.version for one in msgspec.json.decode(answer.body, type=list[_Version])]
    except msgspec.DecodeError:
        return
    if versions and VERSION.removeprefix("v") not in versions:
        message = f"the API of this organisation has no version {VERSION.removeprefix('v')}, the last is {versions[-1]}"
        raise SourceError(
            "config", message, "Salesforce brings it with its next release, an update of Catchment as well."
        )


def _settled(part: Part, asked: int) -> Part:
    """A part without a `Last-Modified` of this very second, in which more may change."""
    try:
        at = parsedate_to_datetime(part.headers.get("last-modified", "")).timestamp()
    except ValueError:
        return part
    if at * SECOND < asked - 2 * SECOND:
        return part
    return replace(part, headers={name: value for name, value in part.headers.items() if name != "last-modified"})


def _judged(request: Request, part: Part, ask: Ask) -> Part | Refused:
    if part.status in (200, 304):
        return part
    try:
        (told, *_) = msgspec.json.decode(part.body, type=list[_Error])
    except msgspec.MsgspecError:
        told = _Error()
    kind = JUDGE.kind(part.status, told.error_code, told.message, part.headers)
    if kind in _DENIED and kind is not Kind.BUG:  # what is wrong in a bundle may be right by itself
        return Refused(kind, told.message, http_status=part.status, code=told.error_code)
    return _alone(request, ask)


def _alone(request: Request, ask: Ask) -> Part | Refused:
    try:
        answer = ask(request)
    except Refused as refusal:
        if refusal.kind in (Kind.AUTH, Kind.SESSION, Kind.QUOTA):
            raise
        return refusal
    return Part(answer.status, answer.headers, answer.body)


def _counted(names: Sequence[str], ask: Ask) -> dict[str, int]:
    """About how many rows each object has, so that large ones are read as jobs; nothing when that is not told."""
    counts = dict.fromkeys(names, 0)
    for start in range(0, len(names), COUNTED_AT_ONCE):
        some = names[start : start + COUNTED_AT_ONCE]
        answer = _alone(Request(f"{BASE}/limits/recordCount?sObjects={','.join(some)}"), ask)
        if isinstance(answer, Refused):
            return counts if answer.kind in _DENIED else {}  # what is never told is not asked again
        try:
            counts |= {one.name: one.count for one in msgspec.json.decode(answer.body, type=_Counts).counts}
        except msgspec.DecodeError:
            return {}
    return counts


def _absent(name: str, refusal: Refused | None, near: Sequence[str] = ()) -> Fault:
    """Why an object is not there. The API tells a hidden one and one that does not exist the same way."""
    if refusal is not None and refusal.kind not in _DENIED:
        return Fault(refusal.report, f"{name} could not be described: {refusal}",
                     "`catchment sync` asks again.", refusal.http_status)  # fmt: skip
    status = refusal.http_status if refusal else None
    told = f" ({refusal})" if refusal else ""
    if name in CORE or (refusal is not None and refusal.kind is Kind.PERMISSION):
        hint = f"Grant Read on {name} in the user's profile or a permission set, then run `catchment sync` again."
        return Fault("permission", f"the user may not see {name}{told}", hint, status)
    hint = f"If it exists, grant the user Read on {name}; if not, leave it out of `collections:`."
    if near:
        hint = f"Did you mean {' or '.join(near)}? {hint}"
    return Fault("config", f"the organisation shows no object {name} to this user{told}", hint, status)
