"""Faults that a test can order: which requests they hit, what happens to those, and how often it did."""

import random
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# What befalls the connection or the body, the same for every vendor. Refusals are the vendor's own.
CONNECTION = (
    "reset",  # connection reset before any answer
    "reset_in_body",  # connection reset half-way through the body
    "truncated",  # Content-Length announces more than is sent, then an orderly close
    "hang",  # no answer until the client leaves or the server stops
    "drip",  # the right answer, spread over `seconds`
    "html",  # an HTML page with `status` (200 or 502)
    "invalid_json",  # 200 whose body ends in the middle of a value
    "empty",  # 200 without a body
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
    only: str = ""
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def hits(self, target: str) -> bool:
        """Whether this request is hit; counts it as seen when it matches."""
        if not (re.search(self.path, target) and re.search(self.only, target)):
            return False
        self.seen += 1
        if self.times is not None and self.fired >= self.times:
            return False
        return self.seen in self.nth if self.nth else self._random.random() < self.probability


class Faults:
    """The orders of one server. `fired[kind]` counts the answers that a fault really spoiled.

    `kinds`: what may be ordered; `only`: for a kind that makes sense on some requests only, the regular expression
    that their path and query must match.
    """

    def __init__(self, kinds: Sequence[str] = CONNECTION, only: Mapping[str, str] | None = None) -> None:
        self.kinds = tuple(kinds)
        self.only = dict(only or {})
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
        if kind not in self.kinds:
            raise ValueError(f"no fault {kind!r}: one of {', '.join(self.kinds)}")
        numbers = (nth,) if isinstance(nth, int) else tuple(nth or ())
        if not numbers and not probability:
            numbers = (1,)
        only = self.only.get(kind, "")
        fault = Fault(kind, path, frozenset(numbers), probability, times, status, seconds, seed, only=only)
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
