"""How far marks stay behind the vendor's clock, where the configuration says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catchment.testing.kit import SOURCE
from tests.trials import TRIALS


@pytest.mark.parametrize("name", TRIALS)
def test_marks_stay_as_far_behind_as_a_source_asks(name: str, tmp_path: Path) -> None:
    with TRIALS[name].running() as vendor:
        own, asked = vendor.project(tmp_path / "own"), vendor.project(tmp_path / "asked", settle="25m")
        for project in (own, asked):
            vendor.sync(project)
        vendor.exact(asked)
    assert 15 * 60 < newest_mark(own) - newest_mark(asked) < 30 * 60


def newest_mark(project: Any) -> float:
    """The mark furthest on, in Unix seconds."""
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        found = connection.execute(f"SELECT document FROM {SOURCE}._catchment_state WHERE kind = 'feed'").fetchall()
    return float(max(mark for (text,) in found for mark in json.loads(text).get("marks", {}).values())) / 1e6
