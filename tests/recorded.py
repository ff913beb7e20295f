"""Stripe objects as they were recorded, wherever an answer shows one, as the bytes they came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from connectors.stripe import connector

BY_OBJECT = {one.object: one for one in connector.collections if one.object}
BY_NAME = {one.name: one for one in connector.collections}

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
# One recorder hid each "1" and "x" that happened to be an id of its configuration; nothing else stood for them.
_HIDDEN = {"<VENDOR_ID>": "1", "<VENDOR_AUTH_CODE>": "x"}


class _Exchange(msgspec.Struct):
    """One line of a file of recorded exchanges."""

    url: str
    status: int
    json: Raw = Raw(b"null")
    text: str | None = None


class _Published(msgspec.Struct):
    id: str
    type: str
    created: int
    object: str


@dataclass(frozen=True, slots=True)
class Thing:
    """One recorded object: ``raw`` is its text, ``where`` the file or address that showed it.

    ``key``: "" if it has none; ``gone``: it says of itself that it is deleted; ``stub``: and shows nothing else.
    """

    collection: str
    key: str
    raw: bytes
    where: str
    gone: bool
    stub: bool

    def __repr__(self) -> str:
        return f"{self.collection} {self.key} of {self.where}"


@dataclass(slots=True)
class Recorded:
    """All that was found: ``things`` each once, and the number of what was left out, by reason."""

    things: list[Thing] = field(default_factory=list)
    events: list[Thing] = field(default_factory=list)
    shown: int = 0
    errors: int = 0
    untyped: int = 0
    homeless: Counter[str] = field(default_factory=Counter)  # object types that have no collection

    def __str__(self) -> str:
        counts = Counter(thing.collection for thing in (*self.things, *self.events))
        return (
            f"{self.shown} objects shown, {counts.total()} different ones of {len(counts)} collections: "
            f"{_named(counts)}\n"
            f"left out: {self.errors} error bodies, {self.untyped} answers without an object type, and "
            f"{self.homeless.total()} objects of {len(self.homeless)} types without a collection: "
            f"{_named(self.homeless)}"
        )


def _named(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


@cache
def recorded(folder: Path) -> Recorded:
    """Every object of every recorded Stripe answer under ``folder``, in the order of the files."""
    found, seen = Recorded(), set[bytes]()
    for where, body in _bodies(folder / "stripe"):
        fields = _FIELDS.decode(body) if body[:1] == b"{" else {}
        if "error" in fields:
            found.errors += 1
        elif not fields.keys() & {"object", "resources"}:
            found.untyped += 1
        else:
            for raw in _objects(body):
                _take(found, seen, raw, where)
    return found


def _bodies(folder: Path) -> Iterator[tuple[str, bytes]]:
    exchange = msgspec.json.Decoder(_Exchange)
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            one = exchange.decode(line)
            if "stripe.com" in one.url:
                text = one.text or ""
                for hidden, plain in _HIDDEN.items():
                    text = text.replace(hidden, plain)
                yield one.url, bytes(one.json) if bytes(one.json) != b"null" else text.encode()
    for path in sorted(folder.rglob("*.json")):
        if "derived" not in path.parent.name:  # facts about the API, no answer of it
            yield str(path.relative_to(folder)), path.read_bytes().strip()


def _objects(raw: bytes) -> Iterator[bytes]:
    """An object and all objects inside it that name their type."""
    if raw[:1] == b"{":
        fields = _FIELDS.decode(raw)
        if text(fields.get("object")) not in ("", "list", "search_result"):
            yield raw
        for inner in fields.values():
            yield from _objects(bytes(inner))
    elif raw[:1] == b"[":
        for inner in _LIST.decode(raw):
            yield from _objects(bytes(inner))


def _take(found: Recorded, seen: set[bytes], raw: bytes, where: str) -> None:
    fields = _FIELDS.decode(raw)
    object_ = text(fields["object"])
    collection = BY_OBJECT.get(object_)
    found.shown += 1
    if collection is None:
        found.homeless[object_] += 1
        return
    plain = msgspec.json.format(raw, indent=-1)
    if plain in seen:
        return
    seen.add(plain)
    gone = bytes(fields.get("deleted", b"")) == b"true"
    stub = gone and fields.keys() <= {"id", "object", "deleted", "currency"}
    thing = Thing(collection.name, text(fields.get("id")), raw, where, gone, stub)
    (found.events if collection.kind == "event" else found.things).append(thing)


def text(raw: Any) -> str:
    """A JSON string's value; "" for anything else."""
    value = msgspec.json.decode(raw) if raw is not None and bytes(raw)[:1] == b'"' else ""
    return value if isinstance(value, str) else ""


def renamed(raw: bytes, key: str) -> bytes:
    """The object under another id, every other byte as it was."""
    fields = _FIELDS.decode(raw)
    return msgspec.json.encode({**fields, "id": Raw(msgspec.json.encode(key))})


def inside(raw: bytes, *path: str) -> bytes:
    """The text of one value inside an object; b"" when it is not there."""
    for name in path:
        fields = _FIELDS.decode(raw) if raw[:1] == b"{" else {}
        raw = bytes(fields.get(name, b""))
    return raw
