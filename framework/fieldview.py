"""A view beside a table: one typed column for each field that an account has defined, named by the field's title."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from framework.collection import Type


@dataclass(frozen=True, slots=True)
class FieldView:
    """``name`` shows all columns of collection ``of``, and one more for every active field that ``fields`` defines.

    ``column``: the JSON column of ``of`` with the values: ``pairs`` is ``[{"id": ..., "value": ...}]``, ``map`` is
    ``{key: value}``. ``key``, ``title`` and ``kind``: columns of ``fields``: by what a value is found, what the new
    column is called (in snake case; it follows renames), and the vendor's type, which ``types`` maps to ours (text
    where it does not). ``only``: columns of ``fields`` that must be so for a field to count.
    """

    name: str
    of: str
    column: str
    fields: str
    form: Literal["pairs", "map"]
    key: str = "id"
    title: str = "title"
    kind: str = "type"
    types: Mapping[str, Type] | None = None
    only: tuple[tuple[str, bool], ...] = (("active", True),)
