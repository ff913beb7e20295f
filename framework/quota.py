"""A daily quota that an account shares with everybody else: we take a share of what others leave."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from framework.errors import Kind, Refused

DAY_S = 86_400.0
SHARE = 0.6  # of what others leave; `rate_limit: {daily_share}` replaces it
STALE_S = 600.0  # what others had used is asked again after this long, at the cost of a call


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's quota: ``ours`` calls in the last 24 hours, the ``oldest`` at that time, ``others`` of ``maximum``
    when the vendor last said so (``told_at``, 0: never). Times are the vendor's, in Unix seconds.
    """

    ours: int
    oldest: float = 0.0
    maximum: int = 0
    others: int = 0
    told_at: float = 0.0


class Ledger(Protocol):
    """Where calls are counted for all runs: the state database."""

    def add(self, account: str, at: float, calls: int) -> Standing: ...

    def told(self, account: str, used: int, maximum: int, at: float) -> None: ...


class Quota:
    """What one run may take of an account's daily quota. Thread-safe."""

    def __init__(self, ledger: Ledger, account: str, share: float = SHARE) -> None:
        self._ledger = ledger
        self._account = account
        self._share = share
        self._told: tuple[int, int] | None = None
        self._asked = False
        self._lock = threading.Lock()

    def take(self, now: float) -> None:
        """Counts a call that is about to leave. Raises Refused (kind ``quota``) when our share is spent."""
        standing = self._ledger.add(self._account, now, 1)
        allowed = self._share * (standing.maximum - standing.others)
        if not standing.maximum or standing.ours <= allowed:
            self._asked = True
            return
        first, self._asked = not self._asked, True
        if standing.ours <= self._share * standing.maximum and (first or now - standing.told_at > STALE_S):
            return  # only others stood in the way, before this run or long ago: this call tells
        self._ledger.add(self._account, now, -1)
        ours = standing.ours - 1
        oldest = datetime.fromtimestamp(standing.oldest + DAY_S, UTC)
        raise Refused(
            Kind.QUOTA,
            f"our share of the daily quota is spent: {ours:,} calls in 24 hours, {self._share:.0%} of the "
            f"{max(0, standing.maximum - standing.others):,} that others leave of {standing.maximum:,}",
            hint=f"The next run goes on where this one stopped; calls come free from {oldest:%Y-%m-%d %H:%M} UTC. "
            "`rate_limit: {daily_share: …}` sets the share.",
        )

    def told(self, used: int, maximum: int, now: float) -> None:
        """Takes what the vendor says of calls used by all, and of those allowed."""
        with self._lock:
            if self._told == (used, maximum):
                return
            self._told = (used, maximum)
            self._asked = True
        self._ledger.told(self._account, used, maximum, now)
