"""The daily quota: a share of what others leave, counted by all runs together, and a clean end when it is spent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.errors import Kind, Refused
from framework.quota import DAY_S, STALE_S, Quota
from framework.verdict import fault_of
from state import State
from tests.oauth_vendor import CONNECTOR, Vendor, ask, door, grant, serving, state_url

NOW = 1_800_000_000.0


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State.open(state_url(tmp_path)) as opened:
        yield opened


def taken(quota: Quota, now: float = NOW, most: int = 10_000) -> int:
    """How many calls may leave."""
    for n in range(most):
        try:
            quota.take(now)
        except Refused:
            return n
    return most


@pytest.mark.parametrize(
    ("used", "maximum", "share", "ours"),
    [(0, 100, 0.6, 60), (60, 100, 0.6, 24), (90, 100, 1.0, 10), (100, 100, 0.6, 0)],
)
def test_a_share_of_what_others_leave(state: State, used: int, maximum: int, share: float, ours: int) -> None:
    quota = Quota(state.usage, "org", share)
    quota.told(used, maximum, NOW)
    assert taken(quota) == ours
    assert taken(quota) == 0


def test_nothing_is_held_back_before_the_vendor_said_anything(state: State) -> None:
    assert taken(Quota(state.usage, "org"), most=50) == 50


def test_runs_share_it_and_organisations_do_not(state: State, tmp_path: Path) -> None:
    with State.open(state_url(tmp_path)) as other:
        mine, theirs = Quota(state.usage, "org", 0.5), Quota(other.usage, "org", 0.5)
        mine.told(0, 100, NOW)
        assert taken(mine, most=30) == 30
        assert taken(theirs) == 20
        assert taken(Quota(other.usage, "another", 0.5), most=60) == 60


def test_our_own_calls_are_no_others(state: State) -> None:
    quota = Quota(state.usage, "org", 0.6)
    quota.told(0, 100, NOW)
    for n in range(1, 61):
        quota.take(NOW)
        quota.told(max(0, n - 3), 100, NOW)  # the vendor's figure lags behind
    assert taken(quota) == 0


def test_calls_come_free_after_a_day(state: State) -> None:
    quota = Quota(state.usage, "org", 0.6)
    quota.told(0, 100, NOW)
    assert taken(quota, NOW, most=40) == 40
    assert taken(quota, NOW + DAY_S / 2) == 20
    assert taken(quota, NOW + DAY_S - 1200) == 0
    assert taken(quota, NOW + DAY_S + 600) == 40
    assert taken(quota, NOW + 1.5 * DAY_S + 600) == 20


def test_what_others_used_is_asked_again_when_it_is_old(state: State) -> None:
    quota = Quota(state.usage, "org", 0.6)
    quota.told(100, 100, NOW)
    assert taken(quota, NOW + STALE_S) == 0
    quota.take(NOW + STALE_S + 1)
    quota.told(40, 100, NOW + STALE_S + 1)
    assert taken(quota, NOW + STALE_S + 2) == 35  # with the one that asked: 0.6 of the 61 that others leave


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3000)), max_size=8), st.floats(0.1, 1.0))
def test_no_24_hours_hold_more_than_our_share(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]], share: float
) -> None:
    maximum, now, left = 30, NOW, []
    with State.open(state_url(tmp_path_factory.mktemp("quota"))) as state:
        quota = Quota(state.usage, "org", share)
        quota.told(0, maximum, now)
        for calls, minutes in steps:
            left += [now] * taken(quota, now, most=calls)
            now += minutes * 60
        for start in left:
            assert sum(start <= at < start + DAY_S for at in left) <= share * maximum


def test_threads_take_no_more_than_there_is(state: State) -> None:
    quota, counts = Quota(state.usage, "org", 0.5), []
    quota.told(0, 100, NOW)
    threads = [threading.Thread(target=lambda: counts.append(taken(quota))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 46 <= sum(counts) <= 50  # each thread's try beyond the end may hide one from another for a moment


# ------------------------------------------------------------------------------------- at the door


def usage(headers: Mapping[str, str]) -> tuple[int, int] | None:
    used, _, maximum = headers.get("usage", "").partition("/")
    return (int(used), int(maximum)) if maximum else None


METERED = replace(CONNECTOR, judge=replace(CONNECTOR.judge, usage=usage))


def test_a_run_ends_before_the_call_that_would_be_too_much(state: State) -> None:
    told = {"connector": METERED, "ledger": state.usage, "share": 0.5}
    with serving(Vendor(headers={"usage": "80/100"})) as vendor:
        with door(vendor.url, grant(), state.tokens, **told) as opened:
            for _ in range(10):
                ask(opened)
            # 80 used, the one call that told among them: others leave 21 of 100.
            with pytest.raises(Refused) as caught:
                ask(opened)
            assert opened.meter.by_feed == {"session": 1, "things": 10}  # a token costs none
        with door(vendor.url, grant(), state.tokens, **told) as opened:
            for _ in range(5):
                ask(opened)  # a new run's first call tells what others left since: now 31
            with pytest.raises(Refused, match="share"):
                ask(opened)
        assert vendor.served == 15
    fault = fault_of(caught.value, "")
    assert (caught.value.kind, fault.kind) == (Kind.QUOTA, "quota")
    assert "10 calls in 24 hours, 50% of the 21 that others leave of 100" in fault.message
    assert "The next run goes on" in fault.hint


def test_a_source_without_a_quota_counts_nothing(state: State) -> None:
    with serving() as vendor, door(vendor.url, grant(), ledger=state.usage, share=0.0001) as opened:
        assert [ask(opened) for _ in range(5)] == [200] * 5
