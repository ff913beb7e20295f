"""Keeping to a vendor's limits: every call has a slot of its own, whichever process sends it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from catchment.imitations.stripe import Server, generate
from framework import limits
from framework.limits import Gate, Gates, Rate
from state.limits import Schedule

NOW = 1_800_000_000.0
LIMIT = 40


class Clock:
    """Stands still until somebody waits."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


class Shared:
    """The shared schedule by the same algorithm, in memory, noting what was asked of it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.schedules: dict[str, Schedule] = {}
        self.asked: list[tuple[str, float, int]] = []

    def reserve(self, bucket: str, rate: float, count: int = 1) -> float:
        self.asked.append((bucket, rate, count))
        schedule = self.schedules.get(bucket, Schedule())
        first, self.schedules[bucket] = schedule.reserve(self.clock.now, rate, count)
        return first

    def freeze(self, bucket: str, until: float) -> None:
        old = self.schedules.get(bucket, Schedule())
        self.schedules[bucket] = Schedule(old.next_at, max(old.frozen_until, until))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    return clock


@pytest.fixture
def shared(clock: Clock) -> Shared:
    return Shared(clock)


@pytest.mark.parametrize("rate", [0.5, 1.0, 25.0, 100.0, 10_000.0])
def test_calls_leave_no_faster_than_allowed_and_hardly_slower(clock: Clock, shared: Shared, rate: float) -> None:
    gates = Gates(shared, "c", (Rate(rate),))
    left = []
    for _ in range(200):
        gates.enter("/v1/charges", clock.wait)
        left.append(clock.now)
    span = left[-1] - left[0]
    assert 199 / rate <= span <= 1.1 * 199 / rate
    assert all(later - earlier >= 1 / rate - 1e-3 for earlier, later in pairwise(left))


def test_slots_are_reserved_in_blocks_of_a_moment(clock: Clock, shared: Shared) -> None:
    gate = Gate(shared, "b", 1_000)
    slots = [gate.take() for _ in range(100)]
    assert 2 <= len(shared.asked) <= 4
    assert slots == sorted(set(slots))
    assert slots[-1] - slots[0] == pytest.approx(99 / 1_000, rel=limits.SPREAD_MAX_S)
    assert Gate(shared, "slow", 2).take() == NOW
    bucket, rate, count = shared.asked[-1]
    assert (bucket, count) == ("slow", 1)
    assert 2 / (1 + limits.SPREAD_MAX_S) <= rate <= 2 / (1 + limits.SPREAD_S)


def test_a_slot_that_went_by_is_given_up_and_never_saved(clock: Clock, shared: Shared) -> None:
    gate = Gate(shared, "b", 1_000)
    gate.take()
    clock.now += 60
    slots = [gate.take() for _ in range(50)]
    assert slots[0] >= clock.now - 0.01
    assert slots[-1] - slots[0] >= 49 / 1_000 - 1e-3


def test_a_told_wait_holds_every_gate_of_that_bucket(clock: Clock, shared: Shared) -> None:
    mine, theirs, other = Gate(shared, "b", 100), Gate(shared, "b", 100), Gate(shared, "x", 100)
    mine.take()
    mine.hold(30)
    assert mine.take() >= NOW + 30
    assert theirs.take() >= NOW + 30
    assert other.take() == NOW


def test_a_call_that_could_only_leave_late_gives_its_slot_up(clock: Clock, shared: Shared) -> None:
    """Nothing crowds: what a busy machine kept past its slot leaves in the next one."""
    gates = Gates(shared, "key", (Rate(10),))
    overslept = iter([0.2, 0.0, 0.0])

    def wait(seconds: float) -> None:
        clock.now += seconds + next(overslept)

    left = []
    for _ in range(3):
        gates.enter("/v1/charges", wait)
        left.append(clock.now)
    assert left[1] - left[0] > 0.2
    assert left[2] - left[1] >= 1 / 10


def test_a_machine_that_is_always_late_gets_on(clock: Clock, shared: Shared) -> None:
    gates = Gates(shared, "key", (Rate(10),))
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.now += seconds + 1

    gates.enter("/v1/charges", wait)
    gates.enter("/v1/charges", wait)
    assert len(waits) <= limits.TRIES


def test_a_machine_that_wakes_late_keeps_further_from_the_limit(clock: Clock, shared: Shared) -> None:
    paces = []
    for late in (0.0, 0.001, 0.01):
        gates = Gates(shared, f"late by {late}", (Rate(100),))

        def wait(seconds: float, late: float = late) -> None:
            clock.now += seconds + late

        for _ in range(200):
            gates.enter("/v1/charges", wait)
        paces.append(shared.asked[-1][1])
    assert paces == pytest.approx(
        [
            100 / (1 + limits.SPREAD_S),
            100 / (1 + limits.SPREAD_S + limits.WORST * 0.001),
            100 / (1 + limits.SPREAD_MAX_S),
        ],
        rel=1e-3,
    )


def test_an_endpoint_has_its_own_limit_and_is_waited_for_first(clock: Clock, shared: Shared) -> None:
    gates = Gates(shared, "key", (Rate(100), Rate(10, each="endpoint")))
    assert [gate.bucket for gate in gates.of("/v1/charges")] == ["key:endpoint:/v1/charges", "key:account"]
    assert gates.of("/v1/charges")[0] is gates.of("/v1/charges")[0]
    assert gates.of("/v1/charges")[1] is gates.of("/v1/events")[1]
    assert (gates.per_second, gates.per_endpoint) == (100, 10)
    for _ in range(21):
        gates.enter("/v1/charges", clock.wait)
    assert clock.now - NOW >= 2
    began = clock.now
    gates.enter("/v1/events", clock.wait)
    assert clock.now - began < 0.1


def test_no_declared_limit_is_no_wait(clock: Clock, shared: Shared) -> None:
    gates = Gates(shared, "key", ())
    gates.enter("/v1/charges", clock.wait)
    assert (clock.now, gates.per_second, gates.per_endpoint) == (NOW, float("inf"), float("inf"))


def test_a_wait_that_is_broken_off_sends_nothing(clock: Clock, shared: Shared) -> None:
    class Over(Exception):
        pass

    def stop(seconds: float) -> None:
        raise Over

    gates = Gates(shared, "key", (Rate(1),))
    gates.enter("/v1/charges", clock.wait)
    with pytest.raises(Over):
        gates.enter("/v1/charges", stop)


# ------------------------------------------------------------------------------------ two processes

SYNC = """
import sys
from pathlib import Path
from types import SimpleNamespace
from framework.limits import Rate
from tests.source import Source, state_in
state = state_in(Path(sys.argv[2]))
source = Source(None, SimpleNamespace(url=sys.argv[1], calls=0))
source.limits, source.rates = state.limits, (Rate(float(sys.argv[3])),)
print("ready", flush=True)
sys.stdin.readline()
runs = [source.run() for _ in range(3)]
state.close()
print(*[f"{run.status}/{run.document['rate_limited']}/{run.document['api_calls']}" for run in runs])
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(generate(seed=3, objects=300), limit_per_second=LIMIT) as running:
        yield running


def test_two_processes_on_one_credential_keep_a_hard_limit_together(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SYNC, server.url, str(tmp_path), str(LIMIT)]
    pair = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in pair:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outcomes: list[str] = []
    threads = [threading.Thread(target=lambda p=one: outcomes.append(p.communicate("go\n")[0])) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = [run.split("/") for line in outcomes for run in line.split()]
    assert len(runs) == 6
    assert {(status, limited) for status, limited, _ in runs} == {("succeeded", "0")}
    assert sum(int(calls) for _, _, calls in runs) == server.calls
    assert not [entry for entry in server.log if entry.status == 429]
    at = sorted(entry.at for entry in server.log)
    assert len(at) > 2 * LIMIT
    assert max(sum(1 for one in at if start <= one < start + 1) for start in at) <= LIMIT
