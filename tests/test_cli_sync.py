"""The commands that meet a vendor or a warehouse, as real processes against an imitation: output and exit codes."""

import json
import re
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catchment import registry
from catchment.imitations.stripe import DEFAULT_KEY, Key, Server, generate
from catchment.testing.processes import Finished, Project, Running, collections, source
from framework.cost import first_sync, idle_sync

RESTRICTED = "rk_test_restricted000000000000"
WRONG = "sk_test_wrong0000000000000000"
FAST = {"per_second": 100_000}
DEFAULT = {c.name for c in registry.connector("stripe").collections if c.default}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """An account of a few hundred objects with a full key, and a key that may read neither charges nor payouts."""
    made = Server(generate(seed=3, objects=600), DEFAULT_KEY)
    made.open(made.main.account, Key(RESTRICTED, denied=frozenset({"charges", "payouts"})))  # type: ignore[attr-defined]
    with made:
        yield made


def project(folder: Path, server: Server, key: str = DEFAULT_KEY, **settings: Any) -> Project:
    made = Project(folder, "catchment")
    made.configure({"shop": source("stripe", server.url, {"api_key": key}, rate_limit=FAST, **settings)})
    return made


@pytest.fixture(scope="module")
def synced(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Finished, int]:
    """A project after its first sync: the project, the sync, and the calls that the vendor counted."""
    made = project(tmp_path_factory.mktemp("synced"), server)
    before = server.calls
    done = made.run("sync", "--json")
    return made, done, server.calls - before


def under_way(running: Running, server: Server, calls: int = 3) -> None:
    """Waits until a run has sent a few more calls."""
    before = server.calls
    while server.calls < before + calls:
        assert not running.is_over(0.01), running.stderr


# ------------------------------------------------------------------------------------------ sync


def test_the_document_of_a_sync(synced: tuple[Project, Finished, int]) -> None:
    _, done, calls = synced
    assert done.code == 0
    document = done.document
    assert list(document) == ["run_id", "status", "started_at", "finished_at", "sources"]
    assert document["status"] == "succeeded"
    (shop,) = document["sources"]
    assert shop["api_calls"] == calls == sum(feed["api_calls"] for feed in shop["feeds"])
    assert {c["collection"] for c in shop["collections"]} == DEFAULT
    for each in shop["collections"]:
        parts = ("inserted", "updated", "unchanged", "appended", "quarantined")
        assert each["fetched"] == sum(each[name] for name in parts)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each["complete_to"])
        assert each["error"] is None


def test_costs_are_what_catalog_says(synced: tuple[Project, Finished, int], server: Server) -> None:
    made, done, _ = synced
    stripe = registry.connector("stripe")
    lists = {getattr(feed, "path", "") for feed in stripe.feeds} | {stripe.identity.path}
    calls = sum(entry.target.partition("?")[0] in lists for entry in server.log[: synced[2]])
    rows = {name: each["fetched"] for name, each in collections(done.document, "shop").items()}
    assert calls <= first_sync(stripe, DEFAULT, rows) * 1.1 + 5
    assert made.sync("--due")["sources"][0]["api_calls"] == idle_sync(stripe, DEFAULT, rows, due=True)
    assert made.sync()["sources"][0]["api_calls"] == idle_sync(stripe, DEFAULT, rows, due=False)


def test_people_get_a_table_and_progress_apart_from_it(synced: tuple[Project, Finished, int]) -> None:
    made, *_ = synced
    done = made.run("sync", "shop.customers", "shop.charges")
    assert done.code == 0
    assert re.search(r"^  charges +succeeded ", done.stdout, re.MULTILINE)
    assert "products" not in done.stdout
    assert re.fullmatch(r"shop  [\d,]+ rows  [\d,]+ calls  .*succeeded\n", done.stderr)


def test_a_resync_reads_again_in_place(synced: tuple[Project, Finished, int]) -> None:
    made, *_ = synced
    done = made.run("resync", "shop.customers", "--json")
    assert done.code == 0
    (shop,) = done.document["sources"]
    (customers,) = shop["collections"]
    assert customers["fetched"] == customers["unchanged"] > 0
    later = made.run("resync", "shop.customers", "--since", "2026-01-01", "--json").document
    assert later["sources"][0]["collections"][0]["status"] == "succeeded"
    told = made.run("sql", "SELECT * FROM catchment.schema_changes WHERE collection = 'customers'", "--format", "json")
    first, *others = json.loads(told.stdout)
    assert (first["change"], first["after"] > "1", first["run_id"] != "") == ("table_created", True, True)
    assert {one["change"] for one in others} <= {"column_added"}


def test_a_wrong_key_ends_at_once(server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server, WRONG)
    before = server.calls
    done = made.run("sync", "--json")
    assert done.code == 1
    assert server.calls == before + 1
    (shop,) = done.document["sources"]
    assert shop["error"]["kind"] == "auth"
    assert {c["status"] for c in shop["collections"]} == {"failed"}
    assert {c["error"]["kind"] for c in shop["collections"]} == {"auth"}
    checked = made.run("check", "--json")
    assert checked.code == 1
    assert checked.document["sources"][0]["error"]["kind"] == "auth"
    assert not made.warehouse.exists() or made.run("status").code == 0
    everything = "".join(path.read_text("utf-8") for path in (tmp_path / ".catchment" / "logs").iterdir())
    for text in (done.stdout, done.stderr, checked.stdout, checked.stderr, everything):
        assert WRONG not in text


def test_an_account_that_is_not_the_keys_is_named_and_the_key_is_not(server: Server, tmp_path: Path) -> None:
    made = Project(tmp_path, "catchment")
    credentials = {"api_key": WRONG, "account": "acct_of_somebody_else"}
    with Server(generate(seed=4, objects=50), WRONG) as other:
        made.configure({"shop": source("stripe", other.url, credentials, rate_limit=FAST)})
        for command in ("sync", "check"):
            done = made.run(command, "--json")
            (shop,) = done.document["sources"]
            assert "acct_of_somebody_else" in shop["error"]["message"]
            assert WRONG not in done.stdout + done.stderr


def test_a_restricted_key_reports_each_refusal_and_loads_the_rest(server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server, RESTRICTED)
    done = made.run("sync")
    assert done.code == 1
    assert re.search(r"^  charges +failed ", done.stdout, re.MULTILINE)
    assert re.search(r"^  customers +succeeded ", done.stdout, re.MULTILINE)
    assert "rak_charge_read" in done.stdout
    shown = made.run("status", "--json").document["sources"][0]["collections"]
    refused = {c["collection"]: c["error"]["kind"] for c in shown if c["error"]}
    assert refused == {"charges": "permission", "payouts": "permission"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_sync_cleanly(number: signal.Signals, code: int, server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server)
    server.latency = 0.4
    try:
        with made.start("sync", "--json") as running:
            under_way(running, server)
            running.send(number)
            done = running.wait(30)
    finally:
        server.latency = 0.0
    assert done.code == code
    document = done.document
    assert document["sources"][0]["error"]["kind"] == "interrupted"
    assert {c["collection"] for c in document["sources"][0]["collections"]} == DEFAULT
    assert "Traceback" not in done.stderr
    assert made.run("runs", document["run_id"], "--json").document == document
    assert made.run("sync").code == 0


def test_a_second_signal_ends_it_at_once_and_the_run_stands_as_interrupted(server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server)
    server.faults.add("hang", "/v1/charges", times=1)
    try:
        with made.start("sync") as running:
            under_way(running, server, 1)
            running.send(signal.SIGINT)
            while "stopping" not in running.stderr and not running.is_over(0.01):
                pass
            running.send(signal.SIGINT)
            done = running.wait(30)
    finally:
        server.faults.clear()
    assert done.code == 130
    (run,) = made.run("runs", "--json").document["runs"]
    assert run["status"] in ("interrupted", "failed", "partial")


def test_one_run_a_source_at_a_time(server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server)
    server.latency = 3.0  # longer than two commands take on a busy machine
    try:
        with made.start("sync", "--json") as first:
            under_way(first, server, 1)
            with made.start("sync", "--wait", "--json", "shop.coupons") as waiting:
                while "waiting for run" not in waiting.stderr:
                    assert not first.is_over(0.01)
                busy = made.run("sync", "--json")
                status = made.run("status", "--json").document["sources"][0]
                assert not first.is_over()
                server.latency = 0.0
                first_done, waited = first.wait(), waiting.wait()
    finally:
        server.latency = 0.0
    run_id = first_done.document["run_id"]
    assert busy.code == 1
    error = busy.document["sources"][0]["error"]
    assert error["kind"] == "busy"
    assert run_id in error["message"]
    assert str(first.pid) in error["message"]
    assert status["running"] is True
    assert (first_done.code, waited.code) == (0, 0)
    assert run_id in waited.stderr
    assert made.run("status", "--json").document["sources"][0]["running"] is False


# ------------------------------------------------------------------------------- check, status, runs


def test_check_tells_each_collection_and_writes_no_warehouse(server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server, RESTRICTED, collections=["default", "customer_balance_transactions"])
    before = server.calls
    done = made.run("check", "--json")
    asked = [entry.target for entry in server.log[before:]]
    assert done.code == 1
    document = done.document
    assert document["warehouse"] == {"ok": True, "exists": False, "error": None}
    assert not made.warehouse.exists()
    (shop,) = document["sources"]
    assert shop["account"] == server.main.id
    assert (shop["ok"], shop["error"]) == (False, None)
    refused = {c["collection"]: c["error"] for c in shop["collections"] if not c["readable"]}
    assert set(refused) == {"charges", "payouts"}
    assert "rak_payout_read" in refused["payouts"]["message"]
    assert all(c["error"] is None for c in shop["collections"] if c["readable"])
    assert {c["collection"] for c in shop["collections"]} == DEFAULT | {"customer_balance_transactions"}
    assert all("limit=1" in re.split("[?&]", target) for target in asked if "?" in target)
    assert any("/balance_transactions" in target and "/customers/" in target for target in asked)


def test_check_of_an_account_that_may_all_be_read(synced: tuple[Project, Finished, int], server: Server) -> None:
    made, *_ = synced
    before = made.warehouse.read_bytes()
    done = made.run("check", "shop")
    assert done.code == 0
    assert f"shop (stripe): ok, account {server.main.id}" in done.stdout
    assert made.warehouse.read_bytes() == before


def test_check_finds_a_credential_of_another_account(
    synced: tuple[Project, Finished, int], server: Server, tmp_path: Path
) -> None:
    made, *_ = synced
    with Server(generate(seed=4, objects=50), "sk_test_another0000000000000") as other:
        made.configure({"shop": source("stripe", other.url, {"api_key": other.key}, rate_limit=FAST)})
        done = made.run("check", "--json")
    project(made.directory, server)
    assert done.code == 1
    error = done.document["sources"][0]["error"]
    assert error["kind"] == "config"
    assert server.main.id in error["message"]
    assert other.main.id in error["message"]


def test_status_before_and_after_the_first_sync(
    server: Server, synced: tuple[Project, Finished, int], tmp_path: Path
) -> None:
    (never,) = project(tmp_path, server).run("status", "--json").document["sources"]
    assert (never["running"], never["last_run"]) == (False, None)
    assert {c["collection"] for c in never["collections"]} == DEFAULT
    assert all((c["status"], c["rows"], c["complete_to"], c["error"]) == (None,) * 4 for c in never["collections"])
    assert not (tmp_path / "warehouse.duckdb").exists()
    made, *_ = synced
    (now,) = made.run("status", "--json").document["sources"]
    listed = made.run("runs", "--json").document["runs"]
    assert now["last_run"] == listed[0]["run_id"]
    counted = json.loads(made.run("sql", "SELECT count(*) AS n FROM shop.charges", "--format", "json").stdout)
    charges = next(c for c in now["collections"] if c["collection"] == "charges")
    assert (charges["status"], charges["rows"]) == ("succeeded", counted[0]["n"])
    assert charges["complete_to"] >= collections(synced[1].document, "shop")["charges"]["complete_to"]


def test_status_survives_the_loss_of_the_state_database(synced: tuple[Project, Finished, int], tmp_path: Path) -> None:
    made, *_ = synced
    copy = Project(tmp_path, "catchment")
    (tmp_path / "catchment.yaml").write_bytes((made.directory / "catchment.yaml").read_bytes())
    copy.warehouse.write_bytes(made.warehouse.read_bytes())
    (shop,) = copy.run("status", "--json").document["sources"]
    assert shop["last_run"] is None
    assert {c["status"] for c in shop["collections"]} == {"succeeded"}
    assert all(c["complete_to"] for c in shop["collections"])


def test_status_of_a_warehouse_that_another_program_holds(
    synced: tuple[Project, Finished, int], tmp_path: Path
) -> None:
    made, *_ = synced
    (tmp_path / "catchment.yaml").write_bytes((made.directory / "catchment.yaml").read_bytes())
    held = Project(tmp_path, "catchment")
    held.warehouse.write_bytes(made.warehouse.read_bytes())
    code = "import duckdb, time; c = duckdb.connect('warehouse.duckdb'); print(1, flush=True); time.sleep(60)"
    with Running([sys.executable, "-c", code], tmp_path) as foreign:
        foreign.first_line()
        shown, asked, checked = held.run("status", "--json"), held.run("sql", "SELECT 1"), held.run("check", "--json")
    assert shown.code == 0
    assert str(foreign.pid) in shown.stderr
    assert {c["collection"] for c in shown.document["sources"][0]["collections"]} == DEFAULT
    for done in (asked, checked):
        assert done.code == 1
        assert str(foreign.pid) in done.stderr
    assert checked.document["warehouse"]["error"]["kind"] == "warehouse"
    assert checked.document["sources"][0]["ok"] is True


def test_runs_and_logs(synced: tuple[Project, Finished, int]) -> None:
    made, first, _ = synced
    runs = made.run("runs", "--json").document["runs"]
    assert [run["started_at"] for run in runs] == sorted((run["started_at"] for run in runs), reverse=True)
    run_id = first.document["run_id"]
    assert runs[-1]["run_id"] == run_id
    assert runs[-1]["sources"][0]["source"] == "shop"
    assert made.run("runs", run_id, "--json").document == first.document
    assert f"run {run_id}: succeeded" in made.run("runs", run_id).stdout
    assert run_id in made.run("runs").stdout
    logged = made.run("logs", run_id)
    assert logged.code == 0
    assert re.search(r"^\S+Z info finished status=succeeded$", logged.stdout, re.MULTILINE)


def test_the_warehouse_answers_during_a_sync(server: Server, synced: tuple[Project, Finished, int]) -> None:
    made, *_ = synced
    server.latency = 0.2
    try:
        with made.start("resync", "shop") as running:
            under_way(running, server)
            answered = made.run("sql", "SELECT count(*) AS n FROM shop.customers", "--format", "json")
            assert not running.is_over()
            server.latency = 0.0
            assert running.wait().code == 0
    finally:
        server.latency = 0.0
    assert answered.code == 0, answered.stderr
    assert json.loads(answered.stdout)[0]["n"] > 0


def test_no_secret_is_written_anywhere(synced: tuple[Project, Finished, int]) -> None:
    made, done, _ = synced
    assert DEFAULT_KEY not in done.stdout + done.stderr
    for path in (made.directory / ".catchment").rglob("*"):
        assert not path.is_file() or DEFAULT_KEY.encode() not in path.read_bytes(), path
    assert DEFAULT_KEY.encode() not in made.warehouse.read_bytes()


def test_a_broken_state_database_is_told_with_its_place(server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server)
    (tmp_path / ".catchment").mkdir()
    (tmp_path / ".catchment" / "state.db").write_text("this is no database, not at all" * 100)
    done = made.run("sync", "--json")
    assert done.code == 2
    assert done.document["error"]["line"] == 2
    with pytest.raises(sqlite3.DatabaseError), sqlite3.connect(tmp_path / ".catchment" / "state.db") as connection:
        connection.execute("SELECT 1 FROM runs")
