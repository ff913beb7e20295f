"""Real syncs, killed by SIGKILL at moments spread over their length: nothing lost or doubled, little read twice."""

from __future__ import annotations

import json
import os
import random
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catchment.testing.processes import Imitation, Project, source
from catchment.testing.stripe import STRIPE
from catchment.testing.truth import from_lines, report, verify

SEED = int(os.environ.get("CATCHMENT_KILL_SEED", "20261120"))
FIRST, CHANGED = 30, 20  # kills of first and of incremental runs
SLACK = 10  # calls that a killed and its resuming run may repeat beyond those of one commit interval


class Vendor:
    """An imitated account in a process of its own, slow enough for a run to have a middle."""

    def __init__(self, running: Imitation) -> None:
        self.url, self.key, self._control = (running.info[name] for name in ("url", "key", "control"))

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self._control}{path}") as answer:
            return bytes(answer.read())

    def post(self, path: str, **fields: Any) -> None:
        request = urllib.request.Request(f"{self._control}{path}", json.dumps(fields).encode(), method="POST")
        urllib.request.urlopen(request).close()

    @property
    def calls(self) -> int:
        return int(json.loads(self.get("/calls"))["calls"])

    def wrong(self, project: Project, since: float) -> str:
        things = from_lines(self.get("/truth").splitlines())
        damages = verify(project.warehouse, "shop", things, STRIPE, known_since=since)
        return report(damages) if damages else ""


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    with Imitation("stripe", "--objects", "4000", "--seed", "11", "--latency", "25") as running:
        yield Vendor(running)


def _project(directory: Path, vendor: Vendor) -> Project:
    project = Project(directory)
    shop = source("stripe", vendor.url, {"api_key": vendor.key}, rate_limit={"per_second": 60})
    project.configure({"shop": shop})
    return project


def _measure(project: Project, vendor: Vendor) -> tuple[float, int]:
    """Length (seconds) and calls of a whole run."""
    calls, began = vendor.calls, time.monotonic()
    assert project.sync()["status"] == "succeeded"
    return time.monotonic() - began, vendor.calls - calls


def _kill_and_resume(project: Project, vendor: Vendor, moment: float, whole: int) -> tuple[bool, int]:
    """Kills a sync after so many seconds, lets the next finish. Returns whether it died, and calls beyond a run's."""
    calls = vendor.calls
    with project.start("sync", "--json") as running:
        killed = running.kill_after(moment)
    document = project.sync()
    assert document["status"] == "succeeded", document
    return killed, vendor.calls - calls - whole


def test_first_syncs_killed_anywhere_end_exact(tmp_path: Path, vendor: Vendor) -> None:
    dice = random.Random(SEED)
    since = time.time()
    length, whole = _measure(_project_in(tmp_path / "whole", vendor), vendor)
    killed, repeated = 0, []
    for n in range(FIRST):
        project = _project_in(tmp_path / str(n), vendor)
        moment = 0.5 + (length - 0.7) * (n + dice.random()) / FIRST
        died, more = _kill_and_resume(project, vendor, moment, whole)
        killed += died
        repeated.append(more)
        assert not vendor.wrong(project, since), f"seed {SEED}, kill {n} at {moment:.2f} s"
    print(f"seed {SEED}: {killed} of {FIRST} first syncs killed, calls repeated: {sorted(repeated)}")
    assert killed >= FIRST * 0.8
    # A killed run repeats what it read since its last commit (two seconds at 60 calls a second) and what opens a run.
    assert max(repeated) <= 120 + SLACK


def test_incremental_syncs_killed_anywhere_end_exact(tmp_path: Path, vendor: Vendor) -> None:
    dice = random.Random(SEED + 1)
    since = time.time()
    project = _project_in(tmp_path / "live", vendor)
    _measure(project, vendor)
    vendor.post("/live", seed=1, steps=60)
    length, _ = _measure(project, vendor)
    killed = 0
    for n in range(CHANGED):
        vendor.post("/live", seed=n + 2, steps=60)
        moment = 0.4 + (length - 0.4) * (n + dice.random()) / CHANGED
        died, _ = _kill_and_resume(project, vendor, moment, 0)
        killed += died
        assert not vendor.wrong(project, since), f"seed {SEED}, kill {n} at {moment:.2f} s"
    print(f"seed {SEED}: {killed} of {CHANGED} incremental syncs killed")
    assert killed >= CHANGED * 0.5


def _project_in(directory: Path, vendor: Vendor) -> Project:
    directory.mkdir()
    return _project(directory, vendor)
