"""The vendor's own clock: real time plus an offset that tests may move."""

import time
from datetime import UTC, datetime

DAY = 86_400


class Clock:
    """Vendor time in Unix seconds; independent of the clock of whoever calls the API."""

    def __init__(self, now: float | None = None) -> None:
        self.offset = 0.0 if now is None else now - time.time()

    def now(self) -> float:
        """The vendor's time in Unix seconds."""
        return time.time() + self.offset

    def second(self) -> int:
        """The vendor's time as the whole seconds that objects are stamped with."""
        return int(self.now())

    def move(self, seconds: float) -> None:
        """Move vendor time forward (or back) by `seconds`."""
        self.offset += seconds

    def http_date(self) -> str:
        """The value of the `Date` header."""
        moment = datetime.fromtimestamp(self.now(), UTC)
        return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
