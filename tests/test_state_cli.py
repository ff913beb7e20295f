"""The commands with their state in PostgreSQL: two hosts share runs, leases and limits, and each keeps its own logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from catchment.imitations.stripe import DEFAULT_KEY, Server, generate
from catchment.testing.processes import Project, source
from tests import postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(generate(seed=3, objects=200))
    server.start()
    yield server
    server.stop()


def project(folder: Path, server: Server, state: str) -> Project:
    folder.mkdir()
    made = Project(folder)
    warehouse = f"duckdb:///{folder.parent}/warehouse.duckdb"
    made.configure({"shop": source("stripe", server.url, {"api_key": DEFAULT_KEY})}, state=state, warehouse=warehouse)
    return made


def test_two_hosts_share_one_state_database(server: Server, tmp_path: Path) -> None:
    state = postgres.new_database(16)
    one, other = (project(tmp_path / name, server, state) for name in ("one", "other"))
    first = one.sync()
    assert first["status"] == "succeeded"
    # From elsewhere: what is kept on this host follows the configuration, not the working directory.
    second = json.loads(Project(tmp_path).run("sync", "--json", "--config", "other/catchment.yaml").stdout)
    assert second["status"] == "succeeded"
    assert sum(c["inserted"] for c in second["sources"][0]["collections"]) == 0
    runs = json.loads(one.run("runs", "--json").stdout)["runs"]
    assert [run["run_id"] for run in runs] == [second["run_id"], first["run_id"]]
    for folder, document in ((one.directory, first), (other.directory, second)):
        assert [log.stem for log in (folder / ".catchment" / "logs").iterdir()] == [document["run_id"]]
    assert one.run("logs", first["run_id"]).code == 0
    assert "not on this host" in one.run("logs", second["run_id"]).stderr
    assert not (tmp_path / ".catchment").exists()


def test_a_wrong_password_is_told_with_its_place(server: Server, tmp_path: Path) -> None:
    url = postgres.server(16).url("postgres", password="hunter22")
    done = project(tmp_path / "one", server, url).run("sync", "--json")
    assert done.code == 2
    error = json.loads(done.stdout)["error"]
    assert (error["kind"], error["line"]) == ("config", 2)
    assert "password authentication failed" in error["message"]
    assert "hunter22" not in done.stdout + done.stderr
