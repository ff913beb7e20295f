"""The state database on PostgreSQL: hosts whose clocks and keys differ, a server that goes away, bad addresses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from framework.errors import SourceError
from state import Busy, Claim, State, StateError, patience, postgresql
from state.postgresql_address import address
from state.postgresql_errors import explained
from state.tokens import VARIABLE
from tests import postgres
from tests.state_databases import Place, new_place

VERSION = 18

# A process that believes to be on another host, whose clock is wrong by some seconds.
ELSEWHERE = """
import pathlib, socket, sys, time
from state import Busy, State, processes
host, wrong = sys.argv[3], float(sys.argv[4])
true = time.time
time.time = lambda: true() + wrong
socket.gethostname = lambda: host
processes._machine = lambda: host
state = State.open(sys.argv[1], pathlib.Path(sys.argv[2]))
"""
HOLD = (
    ELSEWHERE
    + """
state.runs.claim("acme", "there", "sync")
print("held", flush=True)
for line in sys.stdin:
    print(state.runs.renew("there"), flush=True)
"""
)
RESERVE = (
    ELSEWHERE
    + """
print("ready", flush=True)
sys.stdin.readline()
slots = [state.limits.reserve("shared", 100.0) - wrong for _ in range(60)]
calls = [at for at in (state.limits.claim("window", 5, 10.0, float("inf")) - wrong for _ in range(6))]
print(*map(repr, slots))
print(*map(repr, calls))
"""
)
EXCLUSIVE = (
    ELSEWHERE
    + """
with state.tokens.exclusive("name", time.sleep):
    print("held", flush=True)
    sys.stdin.readline()
"""
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return new_place("postgresql", tmp_path, VERSION)


@pytest.fixture
def state(place: Place) -> Iterator[State]:
    with place.open() as state:
        yield state


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def there(place: Place) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process on another host, and waits for its first line."""
    children: list[subprocess.Popen[str]] = []

    def start(code: str, host: str = "there", wrong: float = 0.0) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, place.url, str(place.folder / host), host, str(wrong)]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline().strip() in {"held", "ready"}
        return child

    yield start
    for child in children:
        child.send_signal(signal.SIGCONT)
        child.kill()
        child.communicate()


def say(child: subprocess.Popen[str]) -> str:
    """What a process answers to an empty line."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("\n")
    child.stdin.flush()
    return child.stdout.readline().strip()


# ----------------------------------------------------------------------------------------------- hosts


@pytest.mark.parametrize("wrong", [0.0, -3600.0, 3600.0])
def test_a_run_on_another_host_is_judged_by_the_clock_of_the_server(
    place: Place, state: State, there: Callable[..., subprocess.Popen[str]], wrong: float
) -> None:
    child = there(HOLD, wrong=wrong)
    with pytest.raises(Busy, match=r"process \d+ on there"):
        state.runs.claim("acme", "here", "sync")
    child.kill()  # which nobody can see from here
    child.wait()
    with pytest.raises(Busy):
        state.runs.claim("acme", "here", "sync")
    place.alter("UPDATE runs SET renewed_at = renewed_at - 31")
    assert state.runs.claim("acme", "here", "sync") == Claim("acme", "here", "there")


def test_a_sign_of_life_from_another_host_counts_and_a_zombie_is_told(
    place: Place, state: State, there: Callable[..., subprocess.Popen[str]]
) -> None:
    child = there(HOLD, wrong=-3600)
    place.alter("UPDATE runs SET renewed_at = renewed_at - 31")
    assert say(child) == "True"
    with pytest.raises(Busy):
        state.runs.claim("acme", "here", "sync")
    place.alter("UPDATE runs SET renewed_at = renewed_at - 31")
    assert state.runs.claim("acme", "here", "sync").interrupted == "there"
    assert say(child) == "False"


def test_slots_belong_to_one_host_however_wrong_its_clock(there: Callable[..., subprocess.Popen[str]]) -> None:
    hosts = [there(RESERVE, f"host{n}", wrong) for n, wrong in enumerate((0.0, -5000.0, 90.0))]
    for host in hosts:
        assert host.stdin is not None
        host.stdin.write("go\n")
        host.stdin.flush()
    slots: list[float] = []
    calls: list[float] = []
    for host in hosts:
        reserved, claimed = host.communicate()[0].splitlines()
        slots += map(float, reserved.split())
        calls += map(float, claimed.split())
    slots.sort()
    calls.sort()
    # What each host takes its clock to be off by is known to the length of a round trip: single slots may move by it.
    assert len(slots) == 180
    assert slots[-1] - slots[0] > 1.7
    assert sum(later - earlier < 0.001 for earlier, later in pairwise(slots)) < 20
    assert len(calls) == 18
    assert all(calls[n + 5] - calls[n] > 9.5 for n in range(len(calls) - 5))


def test_a_freeze_told_by_one_host_holds_all(there: Callable[..., subprocess.Popen[str]], state: State) -> None:
    until = time.time() + 60
    child = there(ELSEWHERE + 'print("ready", flush=True); print(state.limits.frozen_until("x") - wrong)', wrong=7000)
    child.communicate()
    freeze = ELSEWHERE + 'state.limits.freeze("x", time.time() + 60); print("held", flush=True)'
    there(freeze, wrong=7000).communicate()
    assert until - 1 < state.limits.frozen_until("x") < time.time() + 61
    assert state.limits.reserve("x", 1) >= until - 1


def test_one_host_renews_a_token_at_a_time(place: Place, there: Callable[..., subprocess.Popen[str]]) -> None:
    child = there(EXCLUSIVE, wrong=5000)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            child.communicate("\n")

    with place.open() as state, state.tokens.exclusive("name", wait):
        assert len(waits) == 3


def test_a_token_of_another_hosts_key_is_told_and_kept(place: Place) -> None:
    first, second = Place(place.kind, place.url, place.folder / "a"), Place(place.kind, place.url, place.folder / "b")
    with first.open() as state, state.tokens.exclusive("name", time.sleep):
        assert state.tokens.save("name", b"rotating-refresh-token")
    with second.open() as state:
        with pytest.raises(SourceError, match="encrypted with another key") as caught:
            state.tokens.load("name")
        assert caught.value.kind == "config"
        for part in (VARIABLE, "state.key", str(second.key), "DELETE FROM"):
            assert part in caught.value.hint
        assert not second.key.exists()  # a key of its own would only be in the way of the right one
    second.folder.mkdir(exist_ok=True)
    second.key.write_bytes(first.key.read_bytes())
    for one in (first, second):
        with one.open() as state:
            assert state.tokens.load("name") == b"rotating-refresh-token"


def test_logs_and_key_are_in_the_projects_folder(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with State.open(place.url) as state, state.tokens.exclusive("name", time.sleep):
        state.tokens.save("name", b"x")
        with state.log("r") as log:
            log.write("info", "here")
    assert (tmp_path / ".catchment" / "logs" / "r.jsonl").is_file()
    assert (tmp_path / ".catchment" / "state.key").stat().st_mode & 0o777 == 0o600


def test_a_log_of_another_host_is_asked_for_there(place: Place, there: Callable[..., subprocess.Popen[str]]) -> None:
    there(HOLD, host="pluto")
    with place.open() as state:
        with pytest.raises(StateError, match="not on this host") as caught:
            state.read_log("there")
        assert "written on pluto" in caught.value.hint
        with pytest.raises(StateError, match="no log of a run"):
            state.read_log("absent")


def test_a_process_that_stands_still_in_a_transaction_keeps_the_others_a_while_only(
    place: Place, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    sooner = postgresql._LOCAL.replace("session_timeout = '10s'", "session_timeout = '300ms'")
    assert sooner != postgresql._LOCAL
    monkeypatch.setattr(postgresql, "_LOCAL", sooner)
    database = place.database()
    slots = []
    with pytest.raises(StateError), database.transaction("limit x"):  # which commits after it was ended
        slots.append(state.limits.reserve("x", 1.0))
    assert len(slots) == 1
    database.close()


def test_it_lives_beside_a_warehouse(place: Place) -> None:
    before = place.ask("SELECT nspname::text FROM pg_namespace ORDER BY 1")
    place.open().close()
    assert set(place.ask("SELECT nspname::text FROM pg_namespace")) - set(before) == {("catchment_state",)}


# -------------------------------------------------------------------------------------- server and addresses


@pytest.fixture
def server(tmp_path: Path) -> Iterator[postgres.Server]:
    """A server of its own, which may be stopped."""
    server = postgres.Server(VERSION)
    yield server
    server.remove()


def test_what_is_under_way_outlives_a_restart_of_the_server(server: postgres.Server, tmp_path: Path) -> None:
    with State.open(server.url("postgres"), tmp_path) as state:
        state.runs.claim("acme", "one", "sync")
        server.stop()
        back = threading.Timer(0.5, server.start)
        back.start()
        assert state.runs.renew("one")
        back.join()
        server.stop()
        server.start()  # the idle connection is broken now
        assert state.runs.finish("one", "succeeded", {"n": 1})


def test_a_server_that_stays_away_is_told(
    server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "AWAY_S", 0.3)
    with State.open(server.url("postgres"), tmp_path) as state:
        server.stop()
        with pytest.raises(StateError, match="cannot be used") as caught:
            state.limits.reserve("x", 1)
        server.start()
        assert "secret" not in str(caught.value)
        assert "start the server" in caught.value.hint
        assert state.limits.reserve("x", 1) > 0


class Cut:
    """Ends the connection right after a COMMIT, whose answer is then never seen."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        from state.postgresql_link import Link

        self.left = 0
        script = Link.script

        def cutting(link: Any, sql: str) -> None:
            script(link, sql)
            if sql == "COMMIT" and self.left:
                self.left -= 1
                postgres.execute(
                    url,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
                )
                script(link, "SELECT 1")

        monkeypatch.setattr(Link, "script", cutting)


def test_a_commit_whose_answer_was_lost_is_no_take_over(
    place: Place, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Cut(place.url, monkeypatch)
    cut.left = 1
    assert state.runs.claim("acme", "one", "sync").run_id == "one"
    cut.left = 1
    assert state.runs.finish("one", "succeeded", {"n": 1})
    assert not state.runs.finish("one", "failed", {"n": 1})
    cut.left = 1
    with state.tokens.exclusive("name", time.sleep):
        cut.left = 1
        assert state.tokens.save("name", b"kept")
    assert state.tokens.load("name") == b"kept"
    assert cut.left == 0


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (lambda url: url.replace("secret%20word", "hunter22"), "password authentication failed", "user and password"),
        (lambda url: url.rpartition("/")[0] + "/absent", 'database "absent" does not exist', "create the database"),
        (lambda url: url.replace("127.0.0.1", "nohost.invalid"), "translate host name", "correct the host"),
        (lambda url: url + "?sslmode=require", "SSL", "sslmode"),
        (lambda url: url + "?hunter=22", "cannot be read", "%40"),
    ],
)
def test_what_keeps_us_from_the_server_is_told_without_the_password(
    tmp_path: Path, change: Callable[[str], str], message: str, hint: str
) -> None:
    with pytest.raises(StateError, match=message) as caught:
        State.open(change(postgres.server(VERSION).url("postgres")), tmp_path)
    assert hint in caught.value.hint
    for secret in ("hunter", "secret", "word/@", "word%2F"):
        assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_port_that_nobody_listens_on_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("state.postgresql.OPENING_S", 0.1)
    with pytest.raises(StateError, match="Connection refused") as caught:
        State.open("postgresql://ada:hunter22@127.0.0.1:1/state", tmp_path)
    assert "start the server" in caught.value.hint
    assert "hunter22" not in str(caught.value)


def test_a_user_who_may_not_make_the_schema_is_told(place: Place) -> None:
    name = place.url.rpartition("/")[2]
    place.alter(f"CREATE USER poor_{name} PASSWORD 'hunter22'")
    url = postgres.server(VERSION).url(name, f"poor_{name}", "hunter22")
    with pytest.raises(StateError, match="permission denied") as caught:
        State.open(url, place.folder)
    assert "GRANT CREATE ON DATABASE" in caught.value.hint
    place.alter(f"CREATE SCHEMA catchment_state AUTHORIZATION poor_{name}")
    State.open(url, place.folder).close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter@22@host/db",
        "postgresql://ada:hunter/22@host/db",
        "postgresql://ada:hunter?22@host/db",
        "postgresql://ada:hunter#22@host/db",
        "postgresql://ada:22hunter@host:22hunter/db",
        "postgresql:///",
        "postgresql://ada:hunter22@",
    ],
)
def test_an_address_that_cannot_be_is_refused_unseen(url: str, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"cannot be read|names no server") as caught:
        State.open(url, tmp_path)
    assert "hunter" not in str(caught.value)
    assert "22" not in str(caught.value)


def test_an_address_is_completed_and_shown_without_secrets() -> None:
    found = address("postgres://ada:s%40cret@a,[::1]:5433/my%20db?sslmode=verify-full&connect_timeout=3&password=two")
    assert found.name == "postgresql://a,[::1]:5433/my db"
    assert found.uri.startswith("postgresql://ada:s%40cret@a,[::1]:5433/my%20db?")
    assert "connect_timeout=3&" in found.uri
    assert "sslmode=verify-full" in found.uri
    assert found.secrets == ("s%40cret", "s@cret", "two")
    assert "s%40cret" not in repr(found)
    assert address("postgresql:///db?host=/run").name == "postgresql:///run/db"


def test_an_error_shows_neither_password_nor_rows() -> None:
    found = address("postgresql://ada:s%40cret@host/db")
    text = (
        "INVALID_ARGUMENT: [libpq] Failed to execute query 'SELECT x::y': ERROR:  no s@cret, s%40cret\nDETAIL:  row 1"
    )
    assert explained(ValueError(text), found).message.endswith("cannot be used: no ••••, ••••")


def test_the_driver_is_asked_for_when_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(StateError, match="driver for PostgreSQL is not there") as caught:
        State.open("postgresql://ada:hunter22@127.0.0.1/state", tmp_path)
    assert "catchment[postgres]" in caught.value.hint


def test_a_child_process_leaves_the_connections_of_its_parent_alone(state: State) -> None:
    state.limits.reserve("x", 1)
    if (child := os.fork()) == 0:
        status = 1
        try:
            state.limits.reserve("child", 1)
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert state.limits.reserve("child", 1) > time.time()
