"""Reading a page whose list has a name of its own: the envelope's fields, and the few fields of rows that steer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from framework import page
from framework.feed import SECOND

_NULL = msgspec.Raw(b"null")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a page, seen by their fields: one value each, None (or `null`) where a row has none."""

    count: int
    fields: Mapping[str, Sequence[Any]]
    raw: Mapping[str, Sequence[msgspec.Raw]]


@cache
def _decoder(at: str, envelope: tuple[str, ...], fields: tuple[str, ...], raw: tuple[str, ...]) -> Any:
    members: list[Any] = [(f"f{n}", Any, None) for n in range(len(fields))]
    members += [(f"r{n}", msgspec.Raw, _NULL) for n in range(len(raw))]
    names = {f"f{n}": name for n, name in enumerate(fields)} | {f"r{n}": name for n, name in enumerate(raw)}
    head = msgspec.defstruct("Head", members, rename=names, gc=False)
    outer: list[Any] = [("rows", list[head])]  # type: ignore[valid-type]
    outer += [(f"e{n}", Any, None) for n in range(len(envelope))]
    names = {"rows": at} | {f"e{n}": name for n, name in enumerate(envelope)}
    return msgspec.json.Decoder(msgspec.defstruct("Page", outer, rename=names, gc=False))


def read(
    body: bytes, at: str, envelope: tuple[str, ...], fields: Iterable[str], raw: Iterable[str] = ()
) -> tuple[dict[str, Any], Rows]:
    """A page's ``envelope`` fields by name, and its rows (the list ``at``) by their ``fields`` and ``raw`` bytes.

    A row that is no object has none of them. Raises msgspec.DecodeError for a page that is none.
    """
    raw = tuple(dict.fromkeys(raw))
    plain = tuple(name for name in dict.fromkeys(fields) if name not in raw)
    decoder = _decoder(at, envelope, plain, raw)
    try:
        found = decoder.decode(body)
        rows = found.rows
        told = {name: getattr(found, f"e{n}") for n, name in enumerate(envelope)}
    except msgspec.ValidationError:
        found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if at not in found:
            raise
        (row,) = msgspec.structs.fields(decoder.type)[0].type.__args__
        rows = [_lenient(row, one) for one in page.RAWS.decode(found[at])]
        told = {name: msgspec.json.decode(found[name]) if name in found else None for name in envelope}
    raws = {name: [getattr(row, f"r{n}") for row in rows] for n, name in enumerate(raw)}
    values = {name: [getattr(row, f"f{n}") for row in rows] for n, name in enumerate(plain)}
    values |= {name: [msgspec.json.decode(one) for one in raws[name]] for name in fields if name in raw}
    return told, Rows(len(rows), values, raws)


def _lenient(type_: type[Any], raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw, type=type_)
    except msgspec.ValidationError:
        return type_()


def said(values: Sequence[Any], wanted: Any) -> list[bool]:
    """Which values are the one wanted; with ``...`` which are any value but null."""
    if wanted is ...:
        return [one is not None for one in values]
    return [one == wanted and type(one) is type(wanted) for one in values]


def micros(value: Any) -> int:
    """A vendor's time (Unix seconds, or ISO 8601) in microseconds since 1970; 0 when it is none."""
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, int | float):
        return int(value * SECOND)
    try:
        at = dt.datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return 0
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    return (at - _EPOCH) // dt.timedelta(microseconds=1)


def started(link: Any) -> int:
    """The ``start_time`` (Unix seconds) to which a link leads; 0 when it leads to none."""
    if not isinstance(link, str):
        return 0
    (found, *_) = parse_qs(urlsplit(link).query).get("start_time", [""])
    return int(found) if found.isdigit() else 0


def iso(at: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC, to the second."""
    return dt.datetime.fromtimestamp(at // SECOND, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
