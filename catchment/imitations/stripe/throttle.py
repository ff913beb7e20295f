"""The vendor's limits: at most N calls in any one second, for the account and for each endpoint."""

from catchment.imitations import throttle
from catchment.imitations.stripe import errors
from catchment.imitations.throttle import Limit


class Throttle:
    """Both limits; either may be None and both may be changed while the server runs."""

    def __init__(self, per_second: int | None = None, per_endpoint: int | None = None) -> None:
        self.per_second = per_second
        self.per_endpoint = per_endpoint
        self._calls = throttle.Throttle()

    def admit(self, account: str, endpoint: str) -> None:
        """Let a call to an account through or raise the 429 that names the limit it broke."""
        everything = Limit(account, self.per_second)
        own = Limit(f"{account} {endpoint}", self.per_endpoint)
        broken = self._calls.admit((everything, own))
        if broken is not None:
            raise errors.rate_limited("global-rate" if broken is everything else "endpoint-rate")
