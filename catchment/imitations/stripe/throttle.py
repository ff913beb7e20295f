"""Rate limits: at most N calls in any one second, for the account and for each endpoint."""

import threading
import time
from collections import defaultdict, deque

from catchment.imitations.stripe import errors


class Throttle:
    """Sliding windows of one second over the calls that were let through."""

    def __init__(self, per_second: int | None = None, per_endpoint: int | None = None) -> None:
        self.per_second = per_second
        self.per_endpoint = per_endpoint
        self._windows: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admit(self, account: str, endpoint: str) -> None:
        """Let a call to an account through or raise the 429 that names the limit it broke."""
        if self.per_second is None and self.per_endpoint is None:
            return
        with self._lock:
            now = time.monotonic()
            everything, own = self._windows[account, ""], self._windows[account, endpoint]
            for calls, limit, reason in (
                (everything, self.per_second, "global-rate"),
                (own, self.per_endpoint, "endpoint-rate"),
            ):
                while calls and calls[0] <= now - 1.0:
                    calls.popleft()
                if limit is not None and len(calls) >= limit:
                    raise errors.rate_limited(reason)
            everything.append(now)
            own.append(now)
