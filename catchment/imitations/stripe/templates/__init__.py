"""Templates of the vendor's objects: every field that the pinned API version returns, with realistic nulls."""

from typing import Any

Payload = dict[str, Any]

# The children of embedded lists are kept apart; the store fills this place when it shows the parent.
LISTED = None


def nulls(names: str) -> Payload:
    """A hash whose named fields are all null."""
    return dict.fromkeys(names.split())


def address(**known: str | None) -> Payload:
    """A postal address; parts that are not given are null."""
    return {**nulls("city country line1 line2 postal_code state"), **known}
