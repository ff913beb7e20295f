"""Rate limits: at most N calls in any window of so many seconds, for as many named buckets as a vendor has."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """At most `most` calls in any `seconds` for everything that counts against `bucket`; no `most`: no limit."""

    bucket: str
    most: int | None
    seconds: float = 1.0


@dataclass(frozen=True)
class Usage:
    """How a bucket stands: calls that are left, and seconds until its oldest call no longer counts."""

    left: int
    resets: float


class Throttle:
    """Sliding windows over the calls that were let through, by bucket, in monotonic time."""

    def __init__(self) -> None:
        self._windows: dict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admit(self, limits: Sequence[Limit]) -> Limit | None:
        """Let a call through and count it against all `limits`, or return the first that it would break."""
        if all(limit.most is None for limit in limits):
            return None
        with self._lock:
            now = time.monotonic()
            for limit in limits:
                calls = self._pruned(limit, now)
                if limit.most is not None and len(calls) >= limit.most:
                    return limit
            for limit in limits:
                self._windows[limit.bucket].append(now)
            return None

    def usage(self, limit: Limit) -> Usage:
        """How the bucket stands now; a bucket without a limit has nothing left to tell and shows 0."""
        with self._lock:
            now = time.monotonic()
            calls = self._pruned(limit, now)
            resets = calls[0] + limit.seconds - now if calls else 0.0
            return Usage(max(0, (limit.most or 0) - len(calls)), resets)

    def forget(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._windows.clear()

    def _pruned(self, limit: Limit, now: float) -> deque[float]:
        calls = self._windows[limit.bucket]
        while calls and calls[0] <= now - limit.seconds:
            calls.popleft()
        return calls
