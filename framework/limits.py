"""How a process keeps to an API's limits: every call has a slot from a schedule that all processes share."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

# A schedule a little slower than the limit, so that calls which arrive late and calls which arrive on time never crowd
# into one second at the vendor: slow enough for SPREAD_S between the two, and for more on a machine that wakes late.
# A call that could leave only LATE_S after its slot gives that slot up.
SPREAD_S, SPREAD_MAX_S = 0.012, 0.036
WORST = 8  # times the usual lateness that a rare one has
LATE_S = 0.004
TRIES = 5  # slots that one call may give up: a machine that is always late must still get on
BLOCK_S = 0.04  # slots are reserved for about this long at once: one shared write instead of one a call
SLACK_S = 1.0  # a window is held open this much longer: no call's way to the vendor varies by more
PATIENCE_S = 0.25  # a full window is waited for this long where somebody else could use the thread
BURST_S = 10.0  # a window's calls may go as fast as if they were spread over this


class Limits(Protocol):
    """The shared schedules, kept by the state database. Times are Unix seconds."""

    def reserve(self, bucket: str, rate: float, count: int = 1) -> float: ...

    def freeze(self, bucket: str, until: float) -> None: ...

    def claim(self, bucket: str, count: int, per: float, before: float) -> float:
        """When a call may leave so that no ``per`` seconds hold more than ``count``; ours if not after ``before``."""
        ...

    def spent(self, bucket: str, used: int, per: float, resets: float) -> None:
        """Others' calls count too: at least ``used`` are in the window, which the vendor empties at ``resets``."""
        ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an answer's headers say of one limit. ``bucket``: its name, "" for the account's.

    ``left``: calls still allowed until ``resets_s`` seconds from now; ``total``: calls allowed in ``per_s`` seconds.
    Unknown figures are -1.
    """

    bucket: str
    left: int
    resets_s: float = -1.0
    total: int = -1
    per_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of ``count`` calls in ``per`` seconds, on the whole credential or ``each`` "endpoint" or named bucket.

    Up to a second, calls are spread evenly; above, they may go at once as long as no such span holds more.
    ``fixed``: configured by the user, so that what a vendor advertises may lower it, never raise it.
    """

    count: float
    each: str = "account"
    per: float = 1.0
    fixed: bool = False

    @property
    def per_second(self) -> float:
        return self.count / self.per

    @property
    def windowed(self) -> bool:
        return self.per > 1


class Later(Exception):
    """A named limit is spent until ``at`` (Unix seconds): meanwhile the thread has better things to do."""

    def __init__(self, bucket: str, at: float) -> None:
        super().__init__(f"the limit {bucket} is spent")
        self.bucket = bucket
        self.at = at


class Gate:
    """One evenly paced bucket in this process: ``take`` says when the next call may leave."""

    def __init__(self, limits: Limits, bucket: str, per_second: float) -> None:
        self.bucket = bucket
        self.per_second = per_second
        self._limits = limits
        self._late_s = 0.003  # how late calls leave after their slots, on average; at first by caution
        self._pace = self._rate  # of the block that is left
        self._next = 0.0  # the first slot of the block that is left, and how many there are
        self._left = 0
        self._lock = threading.Lock()

    def enter(self, wait: Callable[[float], None]) -> None:
        """Waits until a call may leave."""
        for _ in range(TRIES):
            slot = self.take()
            delay = slot - time.time()
            if delay > 0:
                wait(delay)
            late = max(0.0, time.time() - slot)
            if delay > 0:
                self._late_s += (min(late, SPREAD_MAX_S) - self._late_s) * 0.05
            if late <= LATE_S:
                break

    @property
    def _rate(self) -> float:
        return self.per_second / (1 + min(SPREAD_MAX_S, SPREAD_S + WORST * self._late_s))

    def take(self) -> float:
        """Unix time of a slot that is now ours alone. A slot that went by unused is given up, never saved."""
        with self._lock:
            gone = math.ceil((time.time() - 1.5 / self._pace - 0.002 - self._next) * self._pace)
            if gone > 0:
                self._drop(min(gone, self._left))
            if not self._left:
                self._pace = self._rate
                self._left = max(1, int(self._pace * BLOCK_S))
                self._next = self._limits.reserve(self.bucket, self._pace, self._left)
            slot = self._next
            self._drop(1)
            return slot

    def _drop(self, slots: int) -> None:
        self._left -= slots
        self._next += slots / self._pace

    def hold(self, seconds: float) -> None:
        """No call of any process for ``seconds`` from now."""
        with self._lock:
            self._left = 0
        self._limits.freeze(self.bucket, time.time() + seconds)

    def heard(self, told: Allowance) -> None:
        """Takes an advertised limit that is lower than ours, and stops when it is spent."""
        if told.total > 0 and told.total / told.per_s < self.per_second:
            with self._lock:
                self.per_second = told.total / told.per_s
                self._left = 0
        if told.left == 0 and told.resets_s > 0:
            self.hold(told.resets_s)


class Window:
    """One bucket of so many calls in any so many seconds."""

    def __init__(self, limits: Limits, bucket: str, rate: Rate) -> None:
        self.bucket = bucket
        self._limits = limits
        self._rate = rate
        self._count = int(rate.count)

    @property
    def per_second(self) -> float:
        return self._count / BURST_S

    def enter(self, wait: Callable[[float], None]) -> None:
        """Waits until a call may leave."""
        at = self.claim(math.inf)
        while (delay := at - time.time()) > 0:
            wait(delay)

    def opens(self) -> float:
        """When there is room, without taking it."""
        return self.claim(-math.inf)

    def claim(self, before: float) -> float:
        """When a call may leave: a slot of ours if that is not after ``before``."""
        return self._limits.claim(self.bucket, self._count, self._rate.per + SLACK_S, before)

    def hold(self, seconds: float) -> None:
        """No call of any process for ``seconds`` from now."""
        self._limits.freeze(self.bucket, time.time() + seconds)

    def heard(self, told: Allowance) -> None:
        """Takes over the advertised limit, and counts what others have used of it."""
        if told.total > 0:
            total = int(told.total * self._rate.per / told.per_s)
            self._count = max(1, min(total, int(self._rate.count)) if self._rate.fixed else total)
        now, per = time.time(), self._rate.per + SLACK_S
        if told.left == 0 and told.resets_s >= 0:
            self._limits.freeze(self.bucket, now + told.resets_s)
        elif told.left >= 0 and told.total > 0:
            resets = now + (told.resets_s if told.resets_s >= 0 else per)
            self._limits.spent(self.bucket, told.total - told.left, per, resets)


class Gates:
    """The gates of one credential: the account's, each endpoint's and each named bucket's, as the API limits them."""

    def __init__(self, limits: Limits, credential: str, rates: tuple[Rate, ...]) -> None:
        self._limits = limits
        self._credential = credential
        self._account = [r for r in rates if r.each == "account"]
        self._endpoint = [r for r in rates if r.each == "endpoint"]
        self._named = {r.each: r for r in rates if r.each not in ("account", "endpoint")}
        self._gates: dict[str, Gate | Window] = {}
        self._held: dict[str, float] = {}  # endpoint -> Unix time before which it is not asked
        self._lock = threading.Lock()

    @property
    def per_second(self) -> float:
        rates = (r.count / BURST_S if r.windowed else r.per_second for r in self._account)
        return min(rates, default=float("inf"))

    @property
    def per_endpoint(self) -> float:
        return min((r.per_second for r in self._endpoint), default=float("inf"))

    def of(self, endpoint: str) -> list[Gate | Window]:
        """Narrowest first: who waits for an endpoint must not hold a slot of the whole account meanwhile."""
        wanted = [(f"endpoint:{endpoint}", r) for r in self._endpoint] + [("account", r) for r in self._account]
        return [self._gate(name, rate) for name, rate in wanted]

    def named(self, bucket: str) -> Window | None:
        """The gate of a limit that the API names, where it is declared."""
        rate = self._named.get(bucket)
        found = self._gate(f"bucket:{bucket}", rate) if rate else None
        return found if isinstance(found, Window) else None

    def enter(self, endpoint: str, wait: Callable[[float], None], bucket: str = "", patient: bool = True) -> None:
        """Waits (by ``wait``, which may raise) until a call to ``endpoint`` may leave.

        Raises Later, unless ``patient``, when that is long because of a limit that does not concern every call.
        """
        window = self.named(bucket) if bucket else None
        while True:
            at = max(self._held.get(endpoint, 0.0), window.opens() if window else 0.0)
            self._await(at, bucket or endpoint, wait, patient)
            for gate in self.of(endpoint):
                gate.enter(wait)
            # Booked last: a slot must not grow old while the account is waited for.
            if window is None:
                return
            at = window.claim(time.time() + PATIENCE_S)
            if at <= time.time() + PATIENCE_S:
                self._await(at, bucket, wait, patient=True)
                return

    def hold(self, seconds: float, endpoint: str, bucket: str = "", *, narrow: bool = False) -> None:
        """The vendor said to wait: its named limit, else only ``endpoint`` when ``narrow``, else the whole account."""
        window = self.named(bucket) if bucket else None
        if window is not None:
            window.hold(seconds)
        elif not narrow:
            for gate in self.of(endpoint)[-1:]:
                gate.hold(seconds)
        elif self._endpoint:
            self.of(endpoint)[0].hold(seconds)
        else:
            self._held[endpoint] = time.time() + seconds

    def heard(self, told: Sequence[Allowance]) -> None:
        """Corrects the limits by what an answer's headers say of them."""
        for allowance in told:
            if allowance.bucket:
                window = self.named(allowance.bucket)
                if window is not None:
                    window.heard(allowance)
                continue
            for rate in self._account:
                self._gate("account", rate).heard(allowance)

    def _gate(self, name: str, rate: Rate) -> Gate | Window:
        with self._lock:
            found = self._gates.get(name)
            if found is None:
                bucket = f"{self._credential}:{name}"
                windowed = rate.windowed or name.startswith("bucket:")
                found = Window(self._limits, bucket, rate) if windowed else Gate(self._limits, bucket, rate.per_second)
                self._gates[name] = found
            return found

    def _await(self, at: float, what: str, wait: Callable[[float], None], patient: bool) -> None:
        delay = at - time.time()
        if delay > PATIENCE_S and not patient:
            raise Later(what, at)
        if delay > 0:
            wait(delay)
