"""Reading the envelope of a page and the few fields of its rows that steer a feed, without decoding the rows."""

from __future__ import annotations

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


class Member(msgspec.Struct):
    """The identity of one object."""

    id: str = ""
    object: str = ""


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
