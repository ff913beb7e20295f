"""Schedules of calls: every slot belongs to one caller, whoever else asks."""

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state import Limits, State
from state.limits import Schedule
from tests.state_databases import KINDS, NOW, Clock, Place, new_place, stop_server_clock

GRAIN = 1e-6  # what a float can tell apart at such times

rates = st.floats(0.01, 1000)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 20)),
        st.tuples(st.just("wait"), st.floats(0, 100)),
        st.tuples(st.just("freeze"), st.floats(-10, 100)),
    ),
    max_size=40,
)


@pytest.fixture(params=KINDS, scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return new_place(request.param, tmp_path_factory.mktemp("limits"))


@pytest.fixture(scope="module")
def state(place: Place) -> Iterator[State]:
    with place.open() as state:
        yield state


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("state.limits.time", clock)
    stop_server_clock(monkeypatch, clock)
    return clock


def taken(first: float, rate: float, count: int) -> list[float]:
    return [first + n / rate for n in range(count)]


@given(rates, steps)
def test_slots_keep_their_distance_and_never_lie_in_the_past(
    state: State, rate: float, steps: list[tuple[str, float]]
) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("state.limits.time", clock)
        stop_server_clock(patch, clock)
        bucket = str(time.perf_counter_ns())
        slots: list[float] = []
        frozen = 0.0
        for step, amount in steps:
            if step == "reserve":
                first = state.limits.reserve(bucket, rate, int(amount))
                assert first >= clock.now
                assert first >= frozen
                slots += taken(first, rate, int(amount))
            elif step == "wait":
                clock.now += amount
            else:
                state.limits.freeze(bucket, clock.now + amount)
                frozen = max(frozen, clock.now + amount)
        assert all(later - earlier >= 1 / rate - GRAIN for earlier, later in pairwise(slots))


@given(st.floats(1, 1000), st.integers(1, 20))
def test_the_whole_rate_is_given_out(rate: float, count: int) -> None:
    """Reservations follow each other without a gap: the limit is kept and also used."""
    schedule = Schedule()
    for n in range(10):
        first, schedule = schedule.reserve(NOW, rate, count)
        assert first == pytest.approx(NOW + n * count / rate, abs=GRAIN * 20)


def test_a_bucket_that_rested_gives_no_burst(state: State, clock: Clock) -> None:
    assert state.limits.reserve("rested", 10) == NOW
    clock.now += 3600
    assert [state.limits.reserve("rested", 10) for _ in range(3)] == pytest.approx(
        [clock.now, clock.now + 0.1, clock.now + 0.2], abs=GRAIN
    )


def test_a_freeze_holds_everybody_and_a_shorter_one_does_not_end_it(state: State, clock: Clock) -> None:
    state.limits.freeze("frozen", NOW + 30)
    state.limits.freeze("frozen", NOW + 5)
    assert state.limits.frozen_until("frozen") == NOW + 30
    assert state.limits.reserve("frozen", 1) == NOW + 30
    assert state.limits.reserve("other", 1) == NOW
    assert state.limits.frozen_until("other") == 0


def test_the_rate_of_each_reservation_counts(state: State, clock: Clock) -> None:
    state.limits.reserve("mixed", 2, 4)
    assert state.limits.reserve("mixed", 100) == pytest.approx(NOW + 2, abs=GRAIN)
    assert state.limits.reserve("mixed", 2) == pytest.approx(NOW + 2.01, abs=GRAIN)


def test_a_clock_set_back_stops_nobody_for_long(state: State, clock: Clock) -> None:
    clock.now = NOW + 10 * 365 * 86_400
    state.limits.reserve("wrong year", 1)
    state.limits.freeze("wrong year", clock.now + 60)
    clock.now = NOW
    assert state.limits.reserve("wrong year", 1) == pytest.approx(NOW + 60, abs=1e-3)
    assert state.limits.reserve("wrong year", 1) == pytest.approx(NOW + 61, abs=1e-3)


RESERVE = """
import random, sys, threading
from state import State
state, rate, seed = State.open(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
slots, started = [], threading.Barrier(4)
def work(seed):
    chance = random.Random(seed)
    started.wait()
    for _ in range(25):
        count = chance.randint(1, 4)
        first = state.limits.reserve("shared", rate, count)
        slots.extend(first + n / rate for n in range(count))
threads = [threading.Thread(target=work, args=(seed * 10 + n,)) for n in range(4)]
print("ready", flush=True)
sys.stdin.readline()
[thread.start() for thread in threads]
[thread.join() for thread in threads]
state.close()
print(*map(repr, slots))
"""


def test_no_second_holds_more_than_the_rate_whoever_reserves(place: Place) -> None:
    rate = 100.0
    command = [sys.executable, "-c", RESERVE, place.url, str(rate)]
    workers = [
        subprocess.Popen([*command, str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for seed in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    shares = [[float(slot) for slot in worker.communicate()[0].split()] for worker in workers]
    assert all(len(share) >= 100 for share in shares)
    slots = sorted(slot for share in shares for slot in share)
    assert all(later - earlier >= 1 / rate - GRAIN for earlier, later in pairwise(slots))
    assert slots[-1] - slots[0] > 3
    assert max(sum(1 for slot in slots if start <= slot < start + 1 - GRAIN) for start in slots) <= rate


def test_limits_are_shared_by_name(state: State, clock: Clock) -> None:
    other = Limits(state._database)
    state.limits.reserve("name", 1)
    assert other.reserve("name", 1) == NOW + 1
