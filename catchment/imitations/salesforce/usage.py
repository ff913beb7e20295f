"""The organisation's daily allowance of API calls: counted over the last 24 hours, shown in a header that may lag."""

import threading
from collections import deque

from catchment.imitations.clock import DAY, Clock


class Usage:
    """Calls used and allowed. `others`: what the rest of the company has used; `lag`: calls the header is behind."""

    def __init__(self, clock: Clock, daily: int = 100_000, others: int = 0, lag: int = 0) -> None:
        self.clock = clock
        self.daily = daily
        self.others = others
        self.lag = lag
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Calls of the last 24 hours, everybody's."""
        with self._lock:
            self._age()
            return self.others + len(self._times)

    def admit(self, calls: int = 1) -> bool:
        """Count calls; False when the day's allowance is spent (and nothing is counted)."""
        with self._lock:
            self._age()
            if self.others + len(self._times) + calls > self.daily:
                return False
            self._times.extend([self.clock.now()] * calls)
            return True

    def header(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={max(0, self.used - self.lag)}/{self.daily}"

    def _age(self) -> None:
        start = self.clock.now() - DAY
        while self._times and self._times[0] < start:
            self._times.popleft()
