"""What a run is asked to do with a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from framework.exclusion import Excluded
from framework.report import Fault


@dataclass(frozen=True, slots=True)
class Order:
    """One run's order. ``start``, ``since``: microseconds before which nothing is read, 0 for all."""

    source: str
    run_id: str
    selected: frozenset[str]
    start: int = 0
    due: bool = False
    accept_deletes: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()  # collections to read again in place, from ``since`` on
    since: int = 0
    stall_s: float = 600.0
    missing: Mapping[str, Fault] = field(default_factory=dict)  # selected, but the account does not have it
    excluded: Excluded = field(default_factory=dict)  # columns that are stored nowhere
    chosen: frozenset[str] = frozenset()  # all that the source selects, of which this run may read a part
