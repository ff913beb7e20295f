"""The vendor's limits: calls per minute for the account and for some endpoints, and how answers tell them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from catchment.imitations.throttle import Limit, Throttle
from catchment.imitations.zendesk import errors
from catchment.imitations.zendesk.resources import BUCKETS

GENERATIONS = ("x-rate-limit", "rate-limit", "ratelimit", "all")


@dataclass
class Limits:
    """What may be called how often; all of it may be changed while the server runs.

    `account`: calls per minute, None for no limit at all; `per_second`: calls in any second, a limit that no header
    tells; `buckets`: calls per minute of single endpoints; `minute`:
    how many seconds of waiting a minute has (tests that cannot wait shorten it); `generation`: which of the three
    generations of headers tells the account's limit, or `all` (first and last, as the vendor does today).
    """

    account: int | None
    buckets: dict[str, int] = field(default_factory=lambda: dict(BUCKETS))
    minute: float = 60.0
    generation: str = "all"
    per_second: int | None = None
    _calls: Throttle = field(default_factory=Throttle, repr=False)

    def admit(self, bucket: str) -> dict[str, str]:
        """Count a call and return the headers that tell how the limits stand; ApiError 429 when one is spent."""
        sudden = Limit("second", self.per_second)
        if self._calls.admit([sudden]) is not None:
            raise errors.rate_limited(_whole(self._calls.usage(sudden).resets))
        if self.account is None:
            return {}
        limits = [Limit("account", self.account, self.minute)]
        if bucket in self.buckets:
            limits.append(Limit(bucket, self.buckets[bucket], self.minute))
        broken = self._calls.admit(limits)
        headers = self._headers(limits)
        if broken is not None:
            refused = errors.rate_limited(_whole(self._calls.usage(broken).resets))
            refused.headers |= headers
            raise refused
        return headers

    def change(self, given: Mapping[str, object]) -> None:
        """`account`, `per_second`, `minute`, `generation` or a bucket, and its new value. ValueError for others."""
        for name, value in given.items():
            if name in ("account", "per_second"):
                setattr(self, name, None if value is None else int(str(value)))
            elif name == "minute":
                self.minute = float(str(value))
            elif name == "generation" and value in GENERATIONS:
                self.generation = str(value)
            elif name in BUCKETS:
                self.buckets.pop(name, None)
                if value is not None:
                    self.buckets[name] = int(str(value))
            else:
                known = ", ".join(("account", "per_second", "minute", "generation", *BUCKETS))
                raise ValueError(f"no limit {name!r} = {value!r}: {known}")
        self._calls.forget()

    def _headers(self, limits: list[Limit]) -> dict[str, str]:
        headers: dict[str, str] = {}
        account, *others = limits
        usage = self._calls.usage(account)
        if self.generation in ("x-rate-limit", "all"):
            headers |= {"X-Rate-Limit": str(account.most), "X-Rate-Limit-Remaining": str(usage.left)}
        if self.generation == "rate-limit":
            headers |= {
                "rate-limit": str(account.most),
                "rate-limit-remaining": str(usage.left),
                "rate-limit-reset": str(_whole(usage.resets)),
            }
        if self.generation in ("ratelimit", "all"):
            headers |= {
                "ratelimit-limit": str(account.most),
                "ratelimit-remaining": str(usage.left),
                "ratelimit-reset": str(_whole(usage.resets)),
            }
        spelling = "zendesk-rate-limit-" if self.generation == "rate-limit" else "zendesk-ratelimit-"
        for limit in others:
            own = self._calls.usage(limit)
            headers[spelling + limit.bucket] = f"total={limit.most}; remaining={own.left}; resets={_whole(own.resets)}"
        return headers


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
