"""Waiting for others: something is tried again until it works or patience ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class HeldError(Exception):
    """Somebody is in the way; ``step``: seconds until it is worth another attempt."""

    def __init__(self, message: str, hint: str, step: float) -> None:
        super().__init__(message)
        self.hint = hint
        self.step = step


def patiently(work: Callable[[], T], patience: float) -> T:
    """What ``work`` gives, tried again while it raises HeldError, ``patience`` seconds at most; then raises that.

    Says once whom it waits for.
    """
    try:
        return work()
    except HeldError as held:
        log.warning("waiting: %s", held)
    import backoff  # only those who wait pay for it

    polled = backoff.on_exception(
        backoff.runtime,
        HeldError,
        value=lambda held: held.step,
        max_time=patience,
        jitter=None,
        logger=None,
    )(work)
    return polled()
