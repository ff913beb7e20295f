"""Limits of so many calls in any so many seconds: kept by all together, corrected by headers, in nobody's way."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import limits
from framework.errors import Kind, Refused
from framework.feed import Request
from framework.http import ATTEMPTS, Door
from framework.limits import PATIENCE_S, SLACK_S, Allowance, Gates, Later, Rate
from state import State
from tests.oauth_vendor import CONNECTOR, ask, door, serving, state_url

NOW = 1_800_000_000.0
EXPORT = Request("/export", (), "/export", bucket="exports")
LIST = Request("/list", (), "/list")
RATES = (Rate(100, per=60), Rate(3, each="exports", per=60))


class Clock:
    """Stands still until somebody waits."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    return State.open(state_url(tmp_path_factory.mktemp("windows")))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return stopped(monkeypatch)


def stopped(patch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    patch.setattr("state.limits.time", clock)
    patch.setattr(limits, "time", clock)
    return clock


def name() -> str:
    return str(time.perf_counter_ns())


def busiest(calls: list[float], per: float) -> int:
    return max(sum(start <= at < start + per for at in calls) for start in calls)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.floats(0, 200)),
        st.tuples(st.just("wait"), st.floats(0, 90)),
        st.tuples(st.just("freeze"), st.floats(0, 90)),
        st.tuples(st.just("others"), st.floats(0, 60)),
    ),
    max_size=40,
)


@given(st.integers(1, 5), steps)
def test_no_span_holds_more_than_its_count_whatever_comes(
    state: State, count: int, steps: list[tuple[str, float]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock, bucket, taken, frozen = stopped(patch), name(), [], 0.0
        for step, amount in steps:
            if step == "claim":
                at = state.limits.claim(bucket, count, 60, clock.now + amount)
                assert at >= max(clock.now, frozen)
                if at <= clock.now + amount:
                    taken.append(at)
            elif step == "wait":
                clock.now += amount
            elif step == "freeze":
                state.limits.freeze(bucket, clock.now + amount)
                frozen = max(frozen, clock.now + amount)
            else:
                state.limits.spent(bucket, count, 60, clock.now + amount)
        assert not taken or busiest(taken, 60) <= count


def test_all_may_go_at_once_and_the_next_waits_for_the_first(state: State, clock: Clock) -> None:
    bucket = name()
    assert [state.limits.claim(bucket, 10, 60, NOW) for _ in range(10)] == [NOW] * 10
    clock.now += 20
    assert state.limits.claim(bucket, 10, 60, clock.now) == NOW + 60  # told, and not taken
    assert state.limits.claim(bucket, 10, 60, NOW + 60) == NOW + 60
    clock.now = NOW + 61
    assert state.limits.claim(bucket, 10, 60, clock.now) == clock.now


def test_a_clock_set_back_stops_nobody(state: State, clock: Clock) -> None:
    bucket = name()
    clock.now = NOW + 10 * 365 * 86_400
    state.limits.claim(bucket, 1, 60, clock.now)
    state.limits.freeze(bucket, clock.now + 60)
    clock.now = NOW
    assert state.limits.claim(bucket, 1, 60, NOW) == NOW


CLAIM = """
import sys, time
from state import State
state = State.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(40):
    print(repr(state.limits.claim("shared", 7, 1.0, float("inf"))))
"""


def test_processes_share_a_window(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLAIM, state_url(tmp_path)]
    claimers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for claimer in claimers:
        assert claimer.stdout is not None
        assert claimer.stdout.readline() == "ready\n"
    for claimer in claimers:
        assert claimer.stdin is not None
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    taken = sorted(float(line) for claimer in claimers for line in claimer.communicate()[0].split())
    assert len(taken) == 120
    assert busiest(taken, 0.999) == 7


# --------------------------------------------------------------------------------------- the gates


def test_a_full_named_limit_is_left_for_later_and_the_rest_goes_on(state: State, clock: Clock) -> None:
    gates = Gates(state.limits, name(), RATES)
    for _ in range(3):
        gates.enter("/export", clock.wait, "exports", patient=False)
    with pytest.raises(Later) as caught:
        gates.enter("/export", clock.wait, "exports", patient=False)
    assert caught.value.at == pytest.approx(NOW + 60 + SLACK_S)
    for _ in range(97):  # the account's slots: none was taken by who is to come later
        gates.enter("/list", clock.wait)
    assert clock.now == NOW
    gates.enter("/list", clock.wait)
    assert clock.now == pytest.approx(NOW + 60 + SLACK_S)


def test_a_patient_call_waits_for_its_named_limit(state: State, clock: Clock) -> None:
    gates = Gates(state.limits, name(), RATES)
    left = []
    for _ in range(9):
        gates.enter("/export", clock.wait, "exports")
        left.append(clock.now)
    assert busiest(left, 60) == 3
    assert left[-1] - NOW == pytest.approx(2 * (60 + SLACK_S))


def test_a_slot_of_a_named_limit_is_taken_when_the_call_leaves(state: State, clock: Clock) -> None:
    """The account may be waited for meanwhile: a slot taken before would be old when the call leaves."""
    gates = Gates(state.limits, name(), (Rate(1, per=60), Rate(2, each="exports", per=60)))
    left = []
    for _ in range(6):
        gates.enter("/export", clock.wait, "exports")
        left.append(clock.now)
    assert busiest(left, 60) == 1


def test_named_limits_that_are_not_declared_are_none(state: State, clock: Clock) -> None:
    gates = Gates(state.limits, name(), (Rate(100, per=60),))
    for _ in range(20):
        gates.enter("/export", clock.wait, "exports", patient=False)
    assert clock.now == NOW


def test_threads_are_wanted_for_a_burst(state: State) -> None:
    assert Gates(state.limits, name(), RATES).per_second == 10


# -------------------------------------------------------------------------------- what headers say


def test_an_advertised_total_replaces_ours(state: State, clock: Clock) -> None:
    gates = Gates(state.limits, name(), RATES)
    gates.heard([Allowance("exports", 5, 60, 5), Allowance("", 699, 60, 700), Allowance("unknown", 1, 1, 1)])
    for _ in range(5):
        gates.enter("/export", clock.wait, "exports", patient=False)
    with pytest.raises(Later):
        gates.enter("/export", clock.wait, "exports", patient=False)
    for _ in range(600):
        gates.enter("/list", clock.wait)
    assert clock.now == NOW


def test_a_configured_limit_is_lowered_and_never_raised(state: State, clock: Clock) -> None:
    for total, count in ((700, 100), (40, 40)):
        gates = Gates(state.limits, name(), (Rate(100, per=60, fixed=True),))
        gates.heard([Allowance("", total, 60, total)])
        before = clock.now
        for _ in range(count):
            gates.enter("/list", clock.wait)
        assert clock.now == before
        gates.enter("/list", clock.wait)
        assert clock.now > before


def test_an_advertised_limit_slows_an_even_pace(state: State, clock: Clock) -> None:
    gates = Gates(state.limits, name(), (Rate(50, fixed=True),))
    gates.heard([Allowance("", 100, 60, 120)])
    left = []
    for _ in range(10):
        gates.enter("/list", clock.wait)
        left.append(clock.now)
    assert left[-1] - left[0] >= 9 / 2


def test_what_others_use_counts(state: State, clock: Clock) -> None:
    gates = Gates(state.limits, name(), RATES)
    gates.enter("/list", clock.wait)
    gates.heard([Allowance("", 9, 30, 100)])  # 91 used, one of them ours
    for _ in range(9):
        gates.enter("/list", clock.wait)
    assert clock.now == NOW
    gates.enter("/list", clock.wait)
    assert clock.now == pytest.approx(NOW + 30)


def test_what_others_use_counts_where_no_reset_is_told(state: State, clock: Clock) -> None:
    gates = Gates(state.limits, name(), RATES)
    gates.heard([Allowance("", 0, -1, 100)])
    gates.enter("/list", clock.wait)
    assert clock.now == pytest.approx(NOW + 60 + SLACK_S)


def test_our_own_calls_under_way_are_not_counted_twice(state: State, clock: Clock) -> None:
    gates = Gates(state.limits, name(), RATES)
    for _ in range(50):
        gates.enter("/list", clock.wait)
    gates.heard([Allowance("", 60, 30, 100)])  # an answer from before the last ten arrived
    for _ in range(50):
        gates.enter("/list", clock.wait)
    assert clock.now == NOW


@pytest.mark.parametrize("bucket", ["", "exports"])
def test_a_spent_limit_holds_until_its_reset(state: State, clock: Clock, bucket: str) -> None:
    credential = name()
    gates, others = Gates(state.limits, credential, RATES), Gates(state.limits, credential, RATES)
    gates.heard([Allowance(bucket, 0, 45)])
    for each in (gates, others):  # a second process holds as well
        clock.now = NOW
        each.enter("/export", clock.wait, "exports")
        assert clock.now == pytest.approx(NOW + 45)


# ------------------------------------------------------------------------------------- at the door


def allowance(headers: object) -> list[Allowance]:
    left = headers.get("left", "")  # type: ignore[attr-defined]
    return [Allowance("", int(left), 30, 100)] if left else []


LIMITED = replace(
    CONNECTOR,
    judge=replace(CONNECTOR.judge, table={(429, ""): Kind.WAIT, (401, ""): Kind.WAIT}, allowance=allowance),
)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    noted: list[float] = []
    monkeypatch.setattr(Door, "_wait", lambda self, seconds: noted.append(seconds))
    return noted


class Held:
    """Limits without a limit, which note what was held."""

    def __init__(self) -> None:
        self.frozen: dict[str, float] = {}

    def reserve(self, bucket: str, rate: float, count: int = 1) -> float:
        return 0.0

    def freeze(self, bucket: str, until: float) -> None:
        self.frozen[bucket] = round(until - time.time())

    def claim(self, bucket: str, count: int, per: float, before: float) -> float:
        return 0.0

    def spent(self, bucket: str, used: int, per: float, resets: float) -> None: ...


@pytest.mark.parametrize(
    ("headers", "request_", "held"),
    [
        ({"Retry-After": "20"}, LIST, {"c:account": 20}),
        ({"Retry-After": "20"}, EXPORT, {"c:bucket:exports": 20}),
        ({"Retry-After": "20", "left": "50"}, EXPORT, {"c:bucket:exports": 20}),
        ({"Retry-After": "20", "left": "0"}, EXPORT, {"c:account": 20}),
        ({"left": "0"}, LIST, {"c:account": 30}),
        ({"Retry-After": "20", "left": "50"}, LIST, {}),  # that address alone, in this process
        ({"Retry-After": "20.6 seconds"}, LIST, {"c:account": 21}),
    ],
)
def test_a_refusal_holds_what_it_is_about(
    pauses: list[float], headers: dict[str, str], request_: Request, held: dict[str, int]
) -> None:
    kept = Held()
    with serving() as vendor, door(vendor.url, connector=LIMITED, gates=Gates(kept, "c", RATES)) as opened:
        vendor.headers = headers
        with pytest.raises(Refused):
            ask(opened, request_)
        assert kept.frozen == held
        assert min(pauses) > 19.9


def test_a_told_wait_that_concerns_one_limit_is_left_for_later_but_not_for_ever(pauses: list[float]) -> None:
    with serving() as vendor, door(vendor.url, connector=LIMITED, gates=Gates(Held(), "c", RATES)) as opened:
        vendor.headers = {"Retry-After": "20"}
        for _ in range(ATTEMPTS):
            with pytest.raises(Later) as caught:
                opened.send("things", EXPORT, lambda answer: answer.status, patient=False)
            assert caught.value.at >= time.time() + 20 - 5
        with pytest.raises(Refused):
            opened.send("things", EXPORT, lambda answer: answer.status, patient=False)
    assert PATIENCE_S < 1
