"""The slow path of one page: what the fast decoder refused is looked at record by record, and learned from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec import Raw

from framework.collection import Path
from warehouse_loader.lattice import SECONDS_MAX, SECONDS_MIN, Kind, join, natural, widened
from warehouse_loader.layout import Layout, Leaf, Node, alias
from warehouse_loader.naming import column_name

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_LONE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"[ \t\r\n]*")
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Spelled(str):
    """A number as the vendor wrote it."""

    __slots__ = ()


def _plain(text: str) -> str:
    """Half of a surrogate pair, or a byte that is no UTF-8, as its own escape: no warehouse stores the thing itself."""
    return _LONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _dump(value: Any) -> str:
    if isinstance(value, _Spelled):
        return str(value)
    if isinstance(value, str):
        return json.dumps(_plain(value), ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_dump(name)}:{_dump(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return json.dumps(value)


# A constant that JSON does not have (NaN, Infinity) becomes its name as text.
_LENIENT = json.JSONDecoder(parse_float=_Spelled, parse_int=_Spelled, parse_constant=str, strict=False)


def clean(record: bytes) -> bytes:
    """One JSON value that any strict reader takes, unchanged if it is one already; errors as ``json`` gives them."""
    try:
        record.decode()
        msgspec.json.decode(record, type=Raw)
    except UNREADABLE:
        return _dump(_LENIENT.decode(record.decode(errors="surrogateescape"))).encode()
    return record


def inside(data: bytes, field: str) -> bytes:
    """The array in a field of a page; of a page that is no JSON, all that follows the field's name."""
    if not field:
        return data
    try:
        return bytes(msgspec.json.decode(data, type=dict[str, msgspec.Raw])[field])
    except (*UNREADABLE, KeyError):
        return data[max(0, data.find(f'"{field}"'.encode())) :]


def split(data: bytes) -> Iterator[tuple[bytes, str]]:
    """The records of a page, each with "" or the reason why it cannot be read; of a torn page, the rest as one."""
    try:
        for raw in _LIST.decode(data):
            yield clean(bytes(raw)), ""
        return
    except UNREADABLE:
        pass
    text = data.decode(errors="surrogateescape")
    at = _SPACE.match(text, text.find("[") + 1).end()  # type: ignore[union-attr]
    while at < len(text) and text[at] != "]":
        try:
            _, end = _LENIENT.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield _plain(text[at:]).encode(), f"not JSON: {error}"
            return
        yield clean(_minified(text[at:end].encode(errors="surrogateescape"))), ""
        at = _SPACE.match(text, end).end()  # type: ignore[union-attr]
        if text[at : at + 1] == ",":
            at = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]


def _minified(record: bytes) -> bytes:
    try:
        return msgspec.json.format(record, indent=-1)
    except UNREADABLE:
        return record


@dataclass(slots=True)
class _Lesson:
    """The leaves of a layout while a page teaches it."""

    leaves: dict[str, Leaf]
    news: dict[Path, str]  # a path that no leaf had -> its new column

    def note(self, path: Path, raw: bytes, kind: Kind | None = None) -> None:
        """A field that no column holds: it gets one, named for good."""
        kind = kind or natural(raw)
        name = self.news.get(path) or column_name([str(part) for part in path], self.leaves)
        known = self.leaves.get(name) or Leaf(name, path, "null", declared=False)
        wider = join(known.kind, kind)
        odd = wider == "text" and (raw[:1] not in (b'"', b"n") or known.kind not in ("null", "text"))
        self.news[path] = name
        self.leaves[name] = replace(known, kind=wider, loose=known.loose or odd)

    def widen(self, leaf: Leaf, raw: bytes) -> None:
        """A known column whose value came in another form."""
        leaf = self.leaves[leaf.name]
        kind = widened(leaf.kind, raw, leaf.declared)
        self.leaves[leaf.name] = replace(
            leaf, kind=kind, loose=leaf.kind != "null" or (kind == "text" and raw[:1] != b'"')
        )


def learn(layout: Layout, records: list[bytes]) -> Layout:
    """The layout that holds these objects too: unknown fields become columns, columns widen."""
    lesson = _Lesson(dict(layout.by_name), {})
    for record in records:
        _walk(layout.tree, _FIELDS.decode(record), (), lesson)
    leaves = tuple(lesson.leaves.values())
    return layout if leaves == layout.leaves else replace(layout, leaves=leaves)


def _walk(node: Node, fields: Mapping[str, Raw], path: Path, lesson: _Lesson) -> None:
    for name, value in fields.items():
        raw, here = bytes(value), (*path, name)
        inner = node.fields.get(name)
        if inner is None:
            lesson.note(here, raw)
        elif inner.raw:
            continue
        elif inner.fields:
            if raw[:1] == b"{":
                _walk(inner, _FIELDS.decode(raw), here, lesson)
            elif not inner.mixed and natural(raw) != "null":
                lesson.note(here, raw, kind="json")
        else:
            for leaf in inner.leaves:
                if not _fits(lesson.leaves[leaf.name], raw):
                    lesson.widen(leaf, raw)


def _fits(leaf: Leaf, raw: bytes) -> bool:
    """Whether the fast decoder takes this value as it is."""
    seen = natural(raw)
    if not leaf.strict or seen == "null":
        return True
    if leaf.kind == "text":
        return raw[:1] == b'"'
    if leaf.kind == "timestamptz":
        return seen == "bigint" and SECONDS_MIN <= int(raw) <= SECONDS_MAX
    return seen == leaf.kind


def aliased(node: Node, record: bytes) -> bytes:
    """A record whose odd field names are replaced by those that its struct has for them."""
    parts = []
    for name, value in _FIELDS.decode(record).items():
        inner, raw = node.fields.get(name), bytes(value)
        if inner is not None and inner.fields and not inner.raw and raw[:1] == b"{":
            raw = aliased(inner, raw)
        parts.append(msgspec.json.encode(alias(name)) + b":" + raw)
    return b"{" + b",".join(parts) + b"}"


def keyed(layout: Layout, record: bytes) -> str:
    """Why the record cannot be a row; empty if it can."""
    if record[:1] != b"{":
        return "not an object"
    if not layout.key.path:
        return ""
    try:
        value = bytes(_FIELDS.decode(record).get(str(layout.key.path[0]), Raw(b"null")))
    except UNREADABLE as error:
        return f"not readable: {error}"
    return "no key" if natural(value) in ("null", "bool", "json") or value == b'""' else ""
