"""The pinned API version, and which other versions render an object the same way."""

from __future__ import annotations

PINNED = "2026-10-28.endive"

# Releases that change shapes carry a name; the monthly ones between them keep the name of the last and only add.
# Before the first name every dated version could change shapes. Source: the vendor's changelog.
BREAKING = ("2024-09-30", "2025-03-31", "2025-09-30", "2026-03-25", "2026-10-28")


def same_shape(version: str) -> bool:
    """Whether a payload of this version looks as the pinned one would render it: no breaking release lies between."""
    date, _, name = version.partition(".")
    if not name:
        return False
    low, high = sorted((date, PINNED.partition(".")[0]))
    if name != PINNED.partition(".")[2] and date > BREAKING[-1]:
        return False  # a newer named release than we know
    return not any(low < release <= high for release in BREAKING)
