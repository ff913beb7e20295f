"""Tokens in the state database: encrypted, one renewal at a time, and a key that nobody else may read."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from framework.errors import SourceError
from state import State, tokens
from state.tokens import VARIABLE
from tests.oauth_vendor import state_url

NAME, SECRET = "a-credential", b"rotating-refresh-token"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def kept(folder: Path, secret: bytes = SECRET) -> bool:
    with State.open(state_url(folder)) as state, state.tokens.exclusive(NAME, time.sleep):
        return state.tokens.save(NAME, secret)


def found(folder: Path) -> bytes | None:
    with State.open(state_url(folder)) as state:
        return state.tokens.load(NAME)


def test_what_is_kept_is_found_again_and_readable_in_no_file(tmp_path: Path) -> None:
    assert found(tmp_path) is None
    assert kept(tmp_path)
    assert found(tmp_path) == SECRET
    key = (tmp_path / "state.db.key").read_bytes()
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert SECRET not in content
        assert key not in content or file.name == "state.db.key"


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    kept(tmp_path)
    file = tmp_path / "state.db.key"
    key = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert found(tmp_path) == SECRET
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (key, 0o600)
    assert sorted(f.name for f in tmp_path.glob("*.key*")) == ["state.db.key"]


def test_a_state_database_without_sessions_has_no_key(tmp_path: Path) -> None:
    with State.open(state_url(tmp_path)) as state:
        state.limits.reserve("x", 1)
    assert not (tmp_path / "state.db.key").exists()


MAKE = """
import sys, time
from state import State
state = State.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
with state.tokens.exclusive(sys.argv[2], time.sleep):
    state.tokens.save(sys.argv[2], sys.argv[2].encode())
"""


def test_processes_that_make_the_key_together_make_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, state_url(tmp_path)]
    makers = [
        subprocess.Popen([*command, f"name-{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=maker.communicate, args=("go\n",)) for maker in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with State.open(state_url(tmp_path)) as state:
        assert [state.tokens.load(f"name-{n}") for n in range(4)] == [f"name-{n}".encode() for n in range(4)]


@pytest.mark.parametrize("key", [Fernet.generate_key().decode(), "any text that is long enough to be no guess"])
def test_a_key_given_in_the_environment_needs_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(VARIABLE, key)
    kept(tmp_path)
    assert found(tmp_path) == SECRET
    assert not (tmp_path / "state.db.key").exists()
    monkeypatch.setenv(VARIABLE, Fernet.generate_key().decode())
    assert found(tmp_path) is None  # not what was kept: the configured credential begins anew
    monkeypatch.setenv(VARIABLE, f"{Fernet.generate_key().decode()}, {key}")
    assert found(tmp_path) == SECRET


def test_a_key_in_the_environment_takes_over_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path)
    monkeypatch.setenv(VARIABLE, Fernet.generate_key().decode())
    assert found(tmp_path) == SECRET
    kept(tmp_path, b"newer")
    (tmp_path / "state.db.key").unlink()
    assert found(tmp_path) == b"newer"


def test_a_key_that_can_be_guessed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "hunter22")
    with pytest.raises(SourceError, match="CATCHMENT_KEY is too short") as caught:
        kept(tmp_path)
    assert (caught.value.kind, "32 random characters" in caught.value.hint) == ("config", True)
    assert "hunter22" not in str(caught.value)


def test_one_at_a_time_over_threads_and_state_databases(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def renew() -> None:
        with State.open(state_url(tmp_path)) as state:
            for _ in range(3):
                with state.tokens.exclusive(NAME, time.sleep):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    time.sleep(0.01)
                    inside[0] -= 1

    threads = [threading.Thread(target=renew) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == ([1], [0])


def test_other_credentials_do_not_wait(tmp_path: Path) -> None:
    waits: list[float] = []
    with (
        State.open(state_url(tmp_path)) as state,
        state.tokens.exclusive(NAME, waits.append),
        state.tokens.exclusive("another", waits.append),
    ):
        assert state.tokens.save("another", b"x")
    assert waits == []


def test_a_failed_renewal_leaves_what_was_there_and_lets_others_in(tmp_path: Path) -> None:
    kept(tmp_path)
    waits: list[float] = []
    with State.open(state_url(tmp_path)) as state:
        with pytest.raises(ZeroDivisionError), state.tokens.exclusive(NAME, waits.append):
            raise ZeroDivisionError
        with state.tokens.exclusive(NAME, waits.append):
            assert state.tokens.load(NAME) == SECRET
    assert waits == []


def test_who_was_asleep_too_long_does_not_overwrite_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with State.open(state_url(tmp_path)) as slow, State.open(state_url(tmp_path)) as fast:
        with slow.tokens.exclusive(NAME, time.sleep):
            now = time.time()
            monkeypatch.setattr(tokens.time, "time", lambda: now + tokens.LEASE_S + 1)
            with fast.tokens.exclusive(NAME, time.sleep):
                assert fast.tokens.save(NAME, b"fast")
            assert not slow.tokens.save(NAME, b"slow")
        assert slow.tokens.load(NAME) == b"fast"
