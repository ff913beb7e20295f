"""Faults that a test can order: which requests they hit, what happens to those, and how often it did."""

import random
import re
import threading
from collections import Counter
from dataclasses import dataclass, field

from catchment.imitations.stripe import errors

KINDS = (
    "rate_limited",  # 429 that names a reason but no time to wait
    "retry_after",  # 429 with Retry-After: `seconds`
    "lock_timeout",  # 429 of a locked object: Stripe-Should-Retry, no reason
    "server_error",  # `status` (500, 502, 503) in the vendor's error format
    "conflict",  # 409
    "unauthorized",  # 401, as if the key had just been revoked
    "reset",  # connection reset before any answer
    "reset_in_body",  # connection reset half-way through the body
    "truncated",  # Content-Length announces more than is sent, then an orderly close
    "hang",  # no answer until the client leaves or the server stops
    "drip",  # the right answer, spread over `seconds`
    "html",  # an HTML page with `status` (200 or 502)
    "invalid_json",  # 200 whose body ends in the middle of a value
    "empty",  # 200 without a body
    "repeated_page",  # a page that starts with half of the page before it
)


@dataclass
class Fault:
    """One order. Hits the `nth` matching requests (1 = first), or each with `probability`, at most `times` times."""

    kind: str
    path: str = "."
    nth: frozenset[int] = frozenset()
    probability: float = 0.0
    times: int | None = None
    status: int = 500
    seconds: float = 1.0
    seed: int = 0
    seen: int = 0
    fired: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def hits(self, target: str) -> bool:
        """Whether this request is hit; counts it as seen when it matches."""
        if not re.search(self.path, target):
            return False
        if self.kind == "repeated_page" and "starting_after=" not in target:
            return False
        self.seen += 1
        if self.times is not None and self.fired >= self.times:
            return False
        return self.seen in self.nth if self.nth else self._random.random() < self.probability


class Faults:
    """The orders of one server. `fired[kind]` counts the answers that a fault really spoiled."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self.fired: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        path: str = ".",
        *,
        nth: int | tuple[int, ...] | None = None,
        probability: float = 0.0,
        times: int | None = None,
        status: int = 500,
        seconds: float = 1.0,
        seed: int = 0,
    ) -> Fault:
        """Order a fault for the requests whose path and query match the regular expression `path`.

        Without `nth` and `probability` the first matching request is hit. ValueError for an unknown kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}: one of {', '.join(KINDS)}")
        numbers = (nth,) if isinstance(nth, int) else tuple(nth or ())
        if not numbers and not probability:
            numbers = (1,)
        fault = Fault(kind, path, frozenset(numbers), probability, times, status, seconds, seed)
        fault._random.seed(seed)
        with self._lock:
            self.orders.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all orders; the counts stay."""
        with self._lock:
            self.orders.clear()

    def pick(self, target: str) -> Fault | None:
        """The fault for this request, if any: the first order that hits, counted as fired."""
        with self._lock:
            chosen = None
            for fault in self.orders:
                if fault.hits(target) and chosen is None:
                    chosen = fault
                    fault.fired += 1
                    self.fired[fault.kind] += 1
            return chosen


def refusal(fault: Fault) -> errors.ApiError | None:
    """The error answer of a fault that is one; None for faults of the connection or the body."""
    if fault.kind == "rate_limited":
        return errors.rate_limited("global-concurrency")
    if fault.kind == "retry_after":
        refused = errors.rate_limited("global-rate")
        refused.headers["Retry-After"] = f"{fault.seconds:g}"
        return refused
    if fault.kind == "lock_timeout":
        return errors.ApiError(
            429,
            "This object cannot be accessed right now because another API request or Stripe "
            "process is currently accessing it.",
            "lock_timeout",
            headers={"Stripe-Should-Retry": "true"},
        )
    if fault.kind == "server_error":
        return errors.ApiError(fault.status, "An unknown error occurred.", type="api_error")
    if fault.kind == "conflict":
        return errors.ApiError(409, "Another request is using this resource.", "idempotency_key_in_use")
    if fault.kind == "unauthorized":
        return errors.wrong_key("sk_test_****")
    return None
