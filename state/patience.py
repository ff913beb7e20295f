"""Waits for the server of the state database while it is away, and asks again."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from state.errors import Passing

P = ParamSpec("P")
T = TypeVar("T")

OPENING_S = 3.0  # a server may be starting up; a wrong address should be told soon
AWAY_S = 45.0  # a restart or a fail-over takes less
_STEPS = (0.05, 0.2, 0.5, 1.0)  # seconds between two attempts


def enduring(work: Callable[P, T]) -> Callable[P, T]:
    """``work``, called again while it raises Passing, for up to ``AWAY_S``.

    What was in a transaction then is undone, or was committed unseen just before the connection broke: only for
    work that may be done twice.
    """

    @functools.wraps(work)
    def endures(*args: P.args, **kwargs: P.kwargs) -> T:
        return patiently(lambda: work(*args, **kwargs), AWAY_S)

    return endures


def patiently(work: Callable[[], T], patience: float) -> T:
    """What ``work`` gives, tried again while it raises Passing, ``patience`` seconds at most; then raises that."""
    end = None
    attempt = 0
    while True:
        try:
            return work()
        except Passing:
            now = time.monotonic()
            end = now + patience if end is None else end
            if now >= end:
                raise
        time.sleep(_STEPS[min(attempt, len(_STEPS) - 1)])
        attempt += 1
