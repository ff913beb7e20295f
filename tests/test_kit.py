"""The kit over our own connectors: they keep up, survive every fault, share a limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catchment.testing import kit
from catchment.testing.kit import Vendor
from tests.trials import TRIALS


@pytest.fixture(scope="module", params=sorted(TRIALS))
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    with TRIALS[request.param].running() as running:
        yield running


def test_every_cell_is_right_after_every_sync(vendor: Vendor, tmp_path: Path) -> None:
    kit.keeps_up(vendor, tmp_path)


@pytest.mark.parametrize("kind", sorted({kind for trial in TRIALS.values() for kind in trial.faults}))
def test_every_fault_is_survived(vendor: Vendor, tmp_path: Path, kind: str) -> None:
    if kind in vendor.trial.faults:
        kit.survives(vendor, tmp_path, kind)


def test_a_hard_limit_is_shared(vendor: Vendor, tmp_path: Path) -> None:
    few = vendor.trial.vendor == "salesforce"  # a sync is so few calls that a higher limit would never be met
    kit.shares(vendor, tmp_path, per_second=4 if few else 20)
