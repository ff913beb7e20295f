"""How a process keeps to an API's limits: slots reserved in blocks from a schedule that all processes share."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

# A schedule a little slower than the limit, so that calls which leave late and calls which leave on time never
# crowd into one second at the vendor. A call that could leave only LATE_S after its slot gives that slot up.
HEADROOM = 0.965
LATE_S = 0.004
TRIES = 5  # slots that one call may give up: a machine that is always late must still get on
BLOCK_S = 0.04  # slots are reserved for about this long at once: one shared write instead of one a call


class Limits(Protocol):
    """The shared schedule: one row per bucket, kept by the state database."""

    def reserve(self, bucket: str, rate: float, count: int = 1) -> float: ...

    def freeze(self, bucket: str, until: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of ``per_second`` calls, on the whole credential or (``each`` = "endpoint") on each endpoint."""

    per_second: float
    each: str = "account"


class Gate:
    """One bucket in this process: ``take`` says when the next call may leave."""

    def __init__(self, limits: Limits, bucket: str, per_second: float) -> None:
        self.bucket = bucket
        self.per_second = per_second
        self._limits = limits
        self._rate = per_second * HEADROOM
        self._next = 0.0  # the first slot of the block that is left, and how many there are
        self._left = 0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Unix time of a slot that is now ours alone. A slot that went by unused is given up, never saved."""
        with self._lock:
            gone = math.ceil((time.time() - 1.5 / self._rate - 0.002 - self._next) * self._rate)
            if gone > 0:
                self._drop(min(gone, self._left))
            if not self._left:
                self._left = max(1, int(self._rate * BLOCK_S))
                self._next = self._limits.reserve(self.bucket, self._rate, self._left)
            slot = self._next
            self._drop(1)
            return slot

    def _drop(self, slots: int) -> None:
        self._left -= slots
        self._next += slots / self._rate

    def hold(self, seconds: float) -> None:
        """No call of any process for ``seconds`` from now."""
        with self._lock:
            self._left = 0
        self._limits.freeze(self.bucket, time.time() + seconds)


class Gates:
    """The gates of one credential: the account's, and each endpoint's when the API limits those too."""

    def __init__(self, limits: Limits, credential: str, rates: tuple[Rate, ...]) -> None:
        self._limits = limits
        self._credential = credential
        self._account = [r for r in rates if r.each == "account"]
        self._endpoint = [r for r in rates if r.each == "endpoint"]
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()

    @property
    def per_second(self) -> float:
        return min((r.per_second for r in self._account), default=float("inf"))

    @property
    def per_endpoint(self) -> float:
        return min((r.per_second for r in self._endpoint), default=float("inf"))

    def of(self, endpoint: str) -> list[Gate]:
        """Narrowest first: who waits for an endpoint must not hold a slot of the whole account meanwhile."""
        wanted = [(f"endpoint:{endpoint}", r.per_second) for r in self._endpoint]
        wanted += [("account", r.per_second) for r in self._account]
        with self._lock:
            return [
                self._gates.setdefault(name, Gate(self._limits, f"{self._credential}:{name}", rate))
                if name not in self._gates
                else self._gates[name]
                for name, rate in wanted
            ]

    def enter(self, endpoint: str, wait: Callable[[float], None]) -> None:
        """Waits (by ``wait``, which may raise) until a call to ``endpoint`` may leave."""
        for gate in self.of(endpoint):
            for _ in range(TRIES):
                slot = gate.take()
                delay = slot - time.time()
                if delay > 0:
                    wait(delay)
                if time.time() - slot <= LATE_S:
                    break
