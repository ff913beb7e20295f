"""Reading the envelope of a page and the few fields of its rows that steer a feed, without decoding the rows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec


class Envelope(msgspec.Struct):
    """A page of a list: ``data`` stays bytes."""

    data: msgspec.Raw
    has_more: bool = False


class Shown(msgspec.Struct):
    """A list shown inside an object, as far as a feed cares."""

    has_more: bool = False
    url: str = ""


class Row(msgspec.Struct, gc=False):
    """Of a row, its key and two more fields that steer."""

    key: Any
    f0: Any = None
    f1: Any = None


class Rows(msgspec.Struct, gc=False):
    """A page of rows that the loader has read; ``opened`` goes with its sight."""

    data: list[Row]
    has_more: bool
    opened: Any


class Member(msgspec.Struct):
    """The identity of one object."""

    id: str = ""
    object: str = ""


_ESCAPE = re.compile(  # a whole surrogate pair; half of one, caught; any other escape
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

ENVELOPE = msgspec.json.Decoder(Envelope)
MEMBERS = msgspec.json.Decoder(list[Member])
RAWS = msgspec.json.Decoder(list[msgspec.Raw])


@cache
def heads(key: str, fields: tuple[tuple[str, Any], ...], lists: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """A decoder of a page that reads of every row only these fields: attributes ``key``, ``f0..`` and ``l0..``."""
    members: list[Any] = [("key", str | int | None, None)]
    names = {"key": key}
    for n, (name, type_) in enumerate(fields):
        members.append((f"f{n}", type_ | None, None))
        names[f"f{n}"] = name
    for n, name in enumerate(lists):
        members.append((f"l{n}", Shown | None, None))
        names[f"l{n}"] = name
    head = msgspec.defstruct("Head", members, rename=names, gc=False)
    page = msgspec.defstruct("Page", [("data", list[head]), ("has_more", bool, False)], gc=False)  # type: ignore[valid-type]
    return msgspec.json.Decoder(page)


def plain(type_: Any) -> Any:
    """The type of a steering field that may come in any form: anything but the expected one is as good as absent."""
    return type_ | str | float | bool


def array(raws: Sequence[msgspec.Raw]) -> bytes:
    """Several objects as one JSON array."""
    return b"[" + b",".join(raws) + b"]"


def mended(body: bytes) -> bytes:
    """The body with each half surrogate pair as the text of its escape: no strict reader takes the thing itself."""
    return _ESCAPE.sub(lambda found: b"\\\\" + found[1] if found[1] else found[0], body)


class _Number:  # no dataclass: those the encoder knows by itself
    """A number as it was written: 1.10 stays 1.10, and no digit is lost."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def exact(data: bytes | memoryview) -> Any:
    """What the JSON says, for ``encoded`` to say the same: slow, but to be changed in between."""
    return json.loads(mended(bytes(data)).decode(), parse_float=_Number, parse_int=_number)


def encoded(value: Any) -> bytes:
    """A value that ``exact`` gave, as JSON."""
    return msgspec.json.encode(value, enc_hook=_raw)


def _number(text: str) -> int | _Number:
    return int(text) if len(text) < 18 and text != "-0" else _Number(text)


def _raw(value: _Number) -> msgspec.Raw:
    return msgspec.Raw(value.text.encode())


def read(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """A page of rows. Where one has an odd form, all are read field by field: what does not fit is as good as absent.

    So one odd record costs neither its page nor its collection; the loader says what becomes of it.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        envelope = ENVELOPE.decode(body)
        (row,) = msgspec.structs.fields(decoder.type)[0].type.__args__
        return decoder.type([_lenient(row, raw) for raw in RAWS.decode(envelope.data)], envelope.has_more)


def members(data: bytes | msgspec.Raw) -> list[Member]:
    """The identities in a list of objects; of an odd one what fits."""
    try:
        return MEMBERS.decode(data)
    except msgspec.ValidationError:
        return [_lenient(Member, raw) for raw in RAWS.decode(data)]


def shown(raw: bytes | msgspec.Raw | None) -> Shown | None:
    """A list shown inside an object; None for anything else."""
    try:
        return msgspec.json.decode(raw, type=Shown | None) if raw is not None else None
    except msgspec.ValidationError:
        return None


def _lenient(type_: type[Any], raw: bytes | msgspec.Raw) -> Any:
    try:
        fields = _FIELDS.decode(raw)
    except msgspec.ValidationError:
        return type_()
    found = {}
    for field in msgspec.structs.fields(type_):
        if (value := fields.get(field.encode_name)) is None:
            continue
        try:
            found[field.name] = msgspec.json.decode(value, type=field.type)
        except msgspec.ValidationError:
            if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
                found[field.name] = _lenient(field.type, value)
    return type_(**found)
