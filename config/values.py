"""The scalar types of catchment.yaml: each checks one plain value and says what would be right."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Annotated, Any, NoReturn

from pydantic import PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

from config import durations
from config.document import At
from config.selection import Choice
from config.urls import BadUrlError, http_url
from config.variables import Expanded, Missing

KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    Expanded: "a text",
    Missing: "a text",
    tuple: "a list",
    dict: "a map",
}

MOST_SETTLING = 1800.0  # seconds

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_PATTERN = re.compile(r"[^\W][\w.*?-]*|[*?][\w.*?-]*")


def fail(message: str, hint: str = "", *within: str | int, at: At = "value") -> NoReturn:
    """Refuses a value; ``within`` leads from it to the part at fault, its value or its key."""
    context = {"message": message, "hint": hint, "within": within, "at": at}
    raise PydanticCustomError("catchment", "{message}", context)


def text(value: object, *within: str | int) -> str:
    """A text that is not empty. A number is refused: 0123 would have lost its zero."""
    if not isinstance(value, str):
        fail(f"a text is due here, not {KINDS[type(value)]}", 'put it in quotes: "…"', *within)
    if not value.strip():
        fail("this text is empty", "give it a value, or remove the key", *within)
    return value


def number(value: object) -> float:
    """A finite number above zero; also one that came from a variable."""
    if isinstance(value, Expanded):
        try:
            value = float(value)
        except ValueError:
            fail("the variable holds no number", "a number is due here, such as 50")
    if isinstance(value, bool) or not isinstance(value, int | float):
        fail(f"a number is due here, not {KINDS[type(value)]}", "write one such as 50, without quotes")
    if not 0 < value < math.inf:
        fail("a number above zero is due here", "write one such as 50")
    return float(value)


def share(value: object) -> float:
    """A part of a whole: above 0, at most 1."""
    part = number(value)
    if part > 1:
        fail("a share is at most 1", "write 0.6 for 60 %")
    return part


def duration(value: object) -> float:
    """Seconds."""
    example = "write a number and a unit (ms, s, m, h, d), such as 30s, 10m or 1h30m"
    if not isinstance(value, str):
        fail(f"a duration is due here, not {KINDS[type(value)]}", example)
    try:
        return durations.parse(value)
    except ValueError as error:
        fail(str(error), example)


def settling(value: object) -> float:
    """Seconds; not so long that the marks, which name what is read again, would grow beyond measure."""
    seconds = duration(value)
    if seconds > MOST_SETTLING:
        fail("this is more than changes are waited for", "write 30m at most; what comes later needs `catchment resync`")
    return seconds


def date(value: object) -> dt.date:
    """A calendar day."""
    example = "write year-month-day, such as 2024-01-31"
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        fail("a date is due here", example)
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        fail("there is no such day", example)


def clock_time(value: object) -> dt.time:
    """A time of day, to the minute."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        fail("a time of day is due here", 'write hours and minutes, such as "02:00" or "14:30"')
    return dt.time(int(match[1]), int(match[2]))


def timezone(value: object) -> str:
    """A name of the IANA time zone database that this machine knows."""
    import zoneinfo

    name = text(value)
    if isinstance(value, Missing):
        return name
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        fail(f"there is no time zone {name!r} on this machine", "write one such as Europe/Paris or UTC")
    return name


def base_url(value: object) -> str:
    """The address of a vendor's API, without a slash at its end."""
    address = text(value)
    try:
        return http_url(address)
    except BadUrlError as error:
        fail(str(error), error.hint)


def choices(value: object) -> tuple[Choice, ...]:
    """The list form ``[default, "!events"]`` or the map form ``{charges: {exclude: [receipt_url]}}``."""
    if isinstance(value, tuple):
        return tuple(_choice(text(name, index), True, index) for index, name in enumerate(value))
    if isinstance(value, dict):
        return tuple(_choice(name, wanted, name) for name, wanted in value.items())
    fail("a list or a map of collections is due here", 'write [default, "!events"], or `charges: true` lines')


def _choice(written: str, wanted: Any, key: str | int) -> Choice:
    negated = written.startswith("!")
    name = written[negated:]
    if not _PATTERN.fullmatch(name) and not isinstance(written, Missing):
        fail(f"{written!r} is no name or pattern of a collection", "write a name, default or `invoice*`", key)
    if isinstance(wanted, Expanded) and wanted in ("true", "false"):
        wanted = wanted == "true"
    if isinstance(wanted, Missing):
        wanted = True
    if isinstance(wanted, bool):
        if negated and not wanted:
            fail(f"`{written}: false` says no twice", f"write `{name}: false`", key)
        return Choice(name, wanted and not negated, (), key)
    hint = "write true, false or {exclude: [column]}"
    if not isinstance(wanted, dict) or negated:
        fail(f"{written} is neither true nor false", hint, key)
    for option in wanted:
        if option != "exclude":
            fail(f"unknown key {option!r}", hint, key, option, at="key")
    columns = wanted.get("exclude")
    if not isinstance(columns, tuple):
        fail("a list of columns is due here", hint, key, *wanted)
    exclude = tuple(text(column, key, "exclude", index) for index, column in enumerate(columns))
    return Choice(name, True, exclude, key)


def _secret(value: object) -> SecretStr:
    return SecretStr(text(value))


Text = Annotated[str, PlainValidator(text)]
Secret = Annotated[SecretStr, PlainValidator(_secret)]
Number = Annotated[float, PlainValidator(number)]
Share = Annotated[float, PlainValidator(share)]
Duration = Annotated[float, PlainValidator(duration)]
Settling = Annotated[float, PlainValidator(settling)]
Date = Annotated[dt.date, PlainValidator(date)]
ClockTime = Annotated[dt.time, PlainValidator(clock_time)]
Timezone = Annotated[str, PlainValidator(timezone)]
BaseUrl = Annotated[str, PlainValidator(base_url)]
Choices = Annotated[tuple[Choice, ...], PlainValidator(choices)]
