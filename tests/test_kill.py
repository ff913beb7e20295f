"""Real syncs, killed by SIGKILL at moments spread over their length: nothing lost or doubled, little read twice."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from catchment.testing import kit
from tests.trials import TRIALS

SEED = int(os.environ.get("CATCHMENT_KILL_SEED", "20261120"))
FIRST, CHANGED = 30, 20  # kills of first and of incremental runs
SLACK = 10  # calls that a killed and its resuming run may repeat beyond those of one commit interval
STRIPE = dataclasses.replace(TRIALS["stripe"], arguments=("--objects", "1500", "--seed", "11", "--latency", "25"))


def test_syncs_killed_anywhere_end_exact(tmp_path: Path) -> None:
    with STRIPE.running() as vendor:
        first = kit.killed_first(vendor, tmp_path / "first", FIRST, SEED, rate_limit={"per_second": 60})
        print(f"seed {SEED}, first syncs: {first}")
        vendor.imitation.order("/latency", seconds=0.1)
        changed = kit.killed_incremental(
            vendor, tmp_path / "changed", CHANGED, SEED + 1, steps=250, rate_limit={"per_second": 20}
        )
        print(f"seed {SEED}, incremental syncs: {changed}")
    # A killed run repeats what it read since its last commit (two seconds at 60 calls a second) and what opens a run.
    assert max(first.repeated) <= 120 + SLACK
    assert first.between + changed.between >= 0.8 * (FIRST + CHANGED)


@pytest.mark.parametrize("connector", ["zendesk", "salesforce"])
def test_other_connectors_end_exact_too(tmp_path: Path, connector: str) -> None:
    trial = TRIALS[connector]
    with dataclasses.replace(trial, arguments=(*trial.arguments, "--latency", "50")).running() as vendor:
        first = kit.killed_first(vendor, tmp_path / "first", 6, SEED)
        changed = kit.killed_incremental(vendor, tmp_path / "changed", 6, SEED + 1, steps=150)
    print(f"seed {SEED}, {connector}: first syncs: {first}; incremental syncs: {changed}")
    assert first.died + changed.died >= 6
    # All of its calls lie within one commit interval; the new run reads the lists that only show themselves once more.
    assert max(first.repeated) <= 31 + 2 * SLACK
