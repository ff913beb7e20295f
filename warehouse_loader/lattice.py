"""The types of columns and the lattice along which a column widens without losing a value."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from framework.collection import Type

Kind = Literal["null", "bool", "bigint", "decimal", "double", "text", "timestamptz", "date", "json"]

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
SECONDS_MIN: Final = -62135596800  # 0001-01-01T00:00:00Z
SECONDS_MAX: Final = 253402300799  # 9999-12-31T23:59:59Z
PRECISION: Final = 38
SCALE: Final = 12

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EXACT = Context(prec=2 * PRECISION)  # the usual context rounds to 28 digits
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def join(a: Kind, b: Kind) -> Kind:
    """The narrowest type that holds every value of both; associative and commutative, ``null`` changes nothing."""
    if a == b or b == "null":
        return a
    if a == "null":
        return b
    if "json" in (a, b):
        return "json"
    if {a, b} == {"bigint", "decimal"}:
        return "decimal"
    return "text"


def natural(raw: bytes) -> Kind:
    """The narrowest type that holds one JSON value exactly. Only declared columns become times or floats."""
    first = raw[:1]
    if first == b"n" or not raw:
        return "null"
    if first in (b"t", b"f"):
        return "bool"
    if first == b'"':
        return "text"
    if first in (b"{", b"["):
        return "json"
    text = raw.decode()
    if not _marked(text) and INT_MIN <= int(text) <= INT_MAX:
        return "bigint"
    return "decimal" if decimal_of(text) is not None else "text"


def _marked(text: str) -> bool:
    return "." in text or "e" in text or "E" in text or len(text) > 20


def decimal_of(text: str) -> Decimal | None:
    """A number's text as a decimal, or None if DECIMAL(38,12) cannot hold it exactly."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except InvalidOperation:  # an exponent beyond what any decimal has
        return None
    if not isinstance(exponent, int):
        return None
    plain = "".join(map(str, digits)).rstrip("0")
    if not plain:
        return Decimal(0)
    exponent += len(digits) - len(plain)
    if exponent < -SCALE or len(plain) + exponent > PRECISION - SCALE:
        return None
    return Decimal((sign, tuple(map(int, plain)), exponent))


def micros_of(text: str) -> int | None:
    """An instant in ISO 8601 (without a zone: UTC) as microseconds since 1970, or None if it is none."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= len("2024-01-01") or re.search(r"[.,][0-9]{6}[0-9]*[1-9]", text):
        return None  # a bare date is no instant; what is finer than a microsecond would be lost
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    micros = (at - _EPOCH) // dt.timedelta(microseconds=1)
    return micros if SECONDS_MIN <= micros // 1_000_000 <= SECONDS_MAX else None


def parse(kind: Kind, raw: bytes, declared: bool = True) -> tuple[bool, Any]:
    """``(True, value)`` if a column of that type holds the JSON value exactly, else ``(False, None)``.

    Times come as microseconds. Text takes any scalar in its own spelling, and of an object its ``id``; decimals take
    numeric text. Not so in a column that nobody declared: there nobody said that it is a reference or a number, and the
    object or the leading zeros would be lost.
    """
    seen = natural(raw)
    if seen == "null":
        return True, None
    if not declared and join(kind, seen) != kind:
        return False, None
    value = _PARSERS[kind](seen, raw.decode())
    return value is not None, value


def _bool(seen: Kind, text: str) -> bool | None:
    return text == "true" if seen == "bool" else None


def _bigint(seen: Kind, text: str) -> int | None:
    if seen == "bigint":
        return int(text)
    exact = decimal_of(text) if seen == "decimal" else None
    return int(exact) if exact is not None and exact == int(exact) and INT_MIN <= exact <= INT_MAX else None


def _decimal(seen: Kind, text: str) -> Decimal | None:
    if seen == "text" and text[:1] == '"':
        text = json.loads(text)
    return decimal_of(text) if seen in ("bigint", "decimal", "text") else None


def _double(seen: Kind, text: str) -> float | None:
    if seen not in ("bigint", "decimal", "text") or text[:1] == '"':
        return None
    value = float(text)
    whole = not _marked(text) or text.lstrip("-").isdigit()
    exact = abs(value) != float("inf") and (not whole or int(value) == int(text))
    return value if exact else None


def _text(seen: Kind, text: str) -> str | None:
    if text[:1] == '"':
        return str(json.loads(text))
    if seen != "json":
        return text
    value = json.loads(text)
    key = value.get("id") if isinstance(value, dict) else None
    return key if isinstance(key, str) else None


def _timestamptz(seen: Kind, text: str) -> int | None:
    if seen == "text" and text[:1] == '"':
        return micros_of(json.loads(text))
    seconds = _bigint(seen, text)
    fits = seconds is not None and SECONDS_MIN <= seconds <= SECONDS_MAX
    return seconds * 1_000_000 if fits and seconds is not None else None


def _date(seen: Kind, text: str) -> dt.date | None:
    if seen != "text" or text[:1] != '"':
        return None
    value = json.loads(text)
    try:
        return dt.date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else None
    except ValueError:
        return None


def _json(_seen: Kind, text: str) -> str:
    return text


_PARSERS: dict[Kind, Callable[[Kind, str], Any]] = {
    "bool": _bool,
    "bigint": _bigint,
    "decimal": _decimal,
    "double": _double,
    "text": _text,
    "timestamptz": _timestamptz,
    "date": _date,
    "json": _json,
}


def widened(kind: Kind, raw: bytes, declared: bool = True) -> Kind:
    """The type a column of ``kind`` needs to hold one more value; itself where it holds it already."""
    return kind if kind != "null" and parse(kind, raw, declared)[0] else join(kind, natural(raw))


def render(kind: Kind, value: Any, into: Type) -> Any:
    """A value of a column as the wider column holds it (into ``decimal``, ``text`` or ``json``)."""
    if value is None or kind == into:
        return value
    if into == "decimal":
        return Decimal(value)
    if kind == "json":
        return value
    if kind == "text":
        text, bare = value, False
    elif kind == "timestamptz":
        seconds = Decimal(value).scaleb(-6, _EXACT)
        text, bare = f"{seconds.normalize(_EXACT):f}", True
    elif kind == "decimal":
        text, bare = f"{value.normalize(_EXACT):f}" if value else "0", True
    elif kind == "bool":
        text, bare = "true" if value else "false", True
    else:
        text, bare = str(value), kind in ("bigint", "double")
    return text if into == "text" or bare else json.dumps(text, ensure_ascii=False)
