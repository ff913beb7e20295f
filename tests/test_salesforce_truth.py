"""Salesforce as a user runs it: commands against an imitation in a process of its own, every cell compared."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catchment.testing import salesforce
from catchment.testing.kit import stamps, unwell
from catchment.testing.processes import Imitation, Project
from catchment.testing.truth import report

SOURCE = "trial"
COLLECTIONS = ["default", "Invoice__c"]
LATE = 700  # seconds after which everything is visible and in the log of deletions


@contextmanager
def running(*arguments: str) -> Iterator[Imitation]:
    with Imitation("salesforce", *arguments) as imitation:
        yield imitation


def project(directory: Path, info: Mapping[str, Any], **settings: Any) -> Project:
    directory.mkdir(parents=True, exist_ok=True)
    keys = ("login_url", "client_id", "client_secret", "refresh_token")
    credentials = {name: info[name] for name in keys}
    source = {"connector": "salesforce", "credentials": credentials, "base_url": info["url"],
              "collections": COLLECTIONS, "rate_limit": {"per_second": 200}, **settings}  # fmt: skip
    made = Project(directory)
    made.configure({SOURCE: source})
    return made


def synced(project: Project) -> dict[str, Any]:
    document = project.sync()
    assert document["status"] == "succeeded", unwell(document)
    return dict(document["sources"][0])


def exact(imitation: Imitation, project: Project, hint: object = "", **scope: Any) -> None:
    damages = salesforce.judge(imitation, project.warehouse, SOURCE, **scope)
    assert not damages, f"{hint}\n{report(damages)}"


def test_every_cell_is_right_after_every_change(tmp_path: Path) -> None:
    with running("--objects", "1000", "--seed", "5") as imitation:
        one = project(tmp_path, imitation.info)
        synced(one)
        exact(imitation, one, "first")
        for turn in range(2):
            imitation.order("/live", seed=turn, steps=60, pace=11)
            synced(one)
            imitation.order("/clock", offset=LATE)
            synced(one)
            exact(imitation, one, turn)
        before = stamps(one)
        idle = synced(one)
        assert stamps(one) == before
        assert idle["api_calls"] <= 12
        assert {c["status"] for c in idle["collections"]} == {"succeeded", "unavailable"}


def test_a_wrong_cell_is_noticed(tmp_path: Path) -> None:
    with running("--objects", "300") as imitation:
        one = project(tmp_path, imitation.info)
        synced(one)
        exact(imitation, one)
        with duckdb.connect(str(one.warehouse)) as connection:
            connection.execute(
                f"UPDATE {SOURCE}.leads SET company = 'nobody' WHERE id = (SELECT min(id) FROM {SOURCE}.leads)"
            )
            connection.execute(f"DELETE FROM {SOURCE}.contacts WHERE id = (SELECT min(id) FROM {SOURCE}.contacts)")
        kinds = {(one.table, one.column) for one in salesforce.judge(imitation, one.warehouse, SOURCE)}
        assert kinds == {("leads", "company"), ("contacts", "")}


@pytest.mark.parametrize("seed", range(2))
def test_killed_runs_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with running("--objects", "2000", "--seed", str(seed), "--latency", "20") as imitation:
        one = project(tmp_path, imitation.info)
        for turn in range(4):
            with one.start("sync", "--json") as process:
                time.sleep(dice.uniform(0.8, 3.0))
                process.process.send_signal(signal.SIGKILL)
                process.process.wait()
            imitation.order("/live", seed=turn, steps=30, pace=5)
        synced(one)
        imitation.order("/clock", offset=LATE)
        synced(one)
        exact(imitation, one, seed)


FAULTS: dict[str, dict[str, Any]] = {
    "server_error": {"status": 503},
    "reset": {},
    "truncated": {},
    "html": {"status": 502},
    "invalid_json": {},
    "expired_session": {},
}


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_every_fault_is_survived(tmp_path: Path, kind: str) -> None:
    with running("--objects", "600") as imitation:
        one = project(tmp_path, imitation.info, timeouts={"connect": "5s", "read": "2s"})
        imitation.order("/fault", kind=kind, path="composite", nth=[1, 3], **FAULTS[kind])
        synced(one)
        exact(imitation, one, kind)
        assert imitation.ask("/fired").get(kind, 0) >= 2


@pytest.mark.parametrize("status", [500, 503])
def test_a_part_that_fails_is_asked_for_alone(tmp_path: Path, status: int) -> None:
    with running("--objects", "600") as imitation:
        one = project(tmp_path, imitation.info)
        imitation.order("/part_fault", kind="server_error", path="query", nth=[1, 4, 9], status=status)
        synced(one)
        exact(imitation, one)
        assert imitation.ask("/part_fired")


def test_a_spent_allowance_ends_the_run_cleanly_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with running("--objects", "600", "--daily", "60") as imitation:
        one = project(tmp_path, imitation.info, rate_limit={"daily_share": 0.15})
        document = one.sync()
        assert document["status"] == "partial"
        assert document["sources"][0]["error"]["kind"] == "quota"
        assert imitation.ask("/usage")["used"] <= 9
        one = project(tmp_path, imitation.info, rate_limit={"daily_share": 0.9})
        synced(one)
        imitation.order("/clock", offset=LATE)
        synced(one)
        exact(imitation, one)
