"""Durations as people write them: ``10s``, ``3h``, ``1h30m``, ``0.5s``."""

from __future__ import annotations

import re

UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
LONGEST_DAYS = 366

_PART = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(d|h|ms|m|s)", re.ASCII)


def parse(text: str) -> float:
    """The seconds in ``text``: numbers with a unit each (d, h, m, s, ms), the largest unit first.

    Raises ValueError, with a message for the user, for anything else, for zero and for more than 366 days.
    """
    parts = list(_PART.finditer(text))
    units = [list(UNITS).index(part[2]) for part in parts]
    if not parts or "".join(part[0] for part in parts) != text or units != sorted(set(units)):
        raise ValueError(f"{text!r} is not a duration")
    seconds = sum(float(part[1]) * UNITS[part[2]] for part in parts)
    if not 0 < seconds <= LONGEST_DAYS * UNITS["d"]:
        raise ValueError(f"{text!r} is not more than zero and at most {LONGEST_DAYS} days")
    return seconds


def show(seconds: float) -> str:
    """``seconds`` as ``parse`` reads it, to the millisecond: 5400 is ``1h30m``."""
    rest = max(1, round(seconds * 1000))
    shown = []
    for unit, size in UNITS.items():
        count, rest = divmod(rest, round(size * 1000))
        if count:
            shown.append(f"{count}{unit}")
    return "".join(shown)
