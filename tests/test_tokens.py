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
from state import tokens
from state.tokens import VARIABLE
from tests.state_databases import KINDS, Clock, Place, new_place, stop_server_clock

NAME, SECRET = "a-credential", b"rotating-refresh-token"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return new_place(request.param, tmp_path)


def kept(place: Place, secret: bytes = SECRET) -> bool:
    with place.open() as state, state.tokens.exclusive(NAME, time.sleep):
        return state.tokens.save(NAME, secret)


def found(place: Place) -> bytes | None:
    with place.open() as state:
        return state.tokens.load(NAME)


def test_what_is_kept_is_found_again_and_readable_in_no_file(place: Place) -> None:
    assert found(place) is None
    assert kept(place)
    assert found(place) == SECRET
    key = place.key.read_bytes()
    for file in place.folder.iterdir():
        content = file.read_bytes()
        assert SECRET not in content
        assert key not in content or file == place.key
    assert SECRET not in place.ask(f"SELECT secret FROM {place.table('tokens')}")[0][0]


def test_the_key_is_made_once_for_its_owner_alone(place: Place) -> None:
    kept(place)
    file = place.key
    key = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert found(place) == SECRET
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (key, 0o600)
    assert sorted(f.name for f in place.folder.glob("*.key*")) == [place.key.name]


def test_a_state_database_without_sessions_has_no_key(place: Place) -> None:
    with place.open() as state:
        state.limits.reserve("x", 1)
    assert not place.key.exists()


MAKE = """
import pathlib, sys, time
from state import State
state = State.open(sys.argv[1], pathlib.Path(sys.argv[3]))
print("ready", flush=True)
sys.stdin.readline()
with state.tokens.exclusive(sys.argv[2], time.sleep):
    state.tokens.save(sys.argv[2], sys.argv[2].encode())
"""


def test_processes_that_make_the_key_together_make_one(place: Place) -> None:
    command = [sys.executable, "-c", MAKE, place.url]
    makers = [
        subprocess.Popen(
            [*command, f"name-{n}", str(place.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(4)
    ]  # fmt: skip
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=maker.communicate, args=("go\n",)) for maker in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with place.open() as state:
        assert [state.tokens.load(f"name-{n}") for n in range(4)] == [f"name-{n}".encode() for n in range(4)]


@pytest.mark.parametrize(
    "key", ["QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=", "any text that is long enough to be no guess"]
)
def test_a_key_given_in_the_environment_needs_no_file(place: Place, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(VARIABLE, key)
    kept(place)
    assert found(place) == SECRET
    assert not place.key.exists()
    monkeypatch.setenv(VARIABLE, Fernet.generate_key().decode())
    if place.kind == "sqlite":
        assert found(place) is None  # not what was kept: the configured credential begins anew
    else:
        with pytest.raises(SourceError, match="encrypted with another key"):
            found(place)
    monkeypatch.setenv(VARIABLE, f"{Fernet.generate_key().decode()}, {key}")
    assert found(place) == SECRET


def test_a_key_in_the_environment_takes_over_from_the_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(place)
    monkeypatch.setenv(VARIABLE, Fernet.generate_key().decode())
    assert found(place) == SECRET
    kept(place, b"newer")
    place.key.unlink()
    assert found(place) == b"newer"


def test_a_key_that_can_be_guessed_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "hunter22")
    with pytest.raises(SourceError, match="CATCHMENT_KEY is too short") as caught:
        kept(place)
    assert (caught.value.kind, "32 random characters" in caught.value.hint) == ("config", True)
    assert "hunter22" not in str(caught.value)


def test_one_at_a_time_over_threads_and_state_databases(place: Place) -> None:
    inside, most = [0], [0]

    def renew() -> None:
        with place.open() as state:
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


def test_other_credentials_do_not_wait(place: Place) -> None:
    waits: list[float] = []
    with (
        place.open() as state,
        state.tokens.exclusive(NAME, waits.append),
        state.tokens.exclusive("another", waits.append),
    ):
        assert state.tokens.save("another", b"x")
    assert waits == []


def test_a_failed_renewal_leaves_what_was_there_and_lets_others_in(place: Place) -> None:
    kept(place)
    waits: list[float] = []
    with place.open() as state:
        with pytest.raises(ZeroDivisionError), state.tokens.exclusive(NAME, waits.append):
            raise ZeroDivisionError
        with state.tokens.exclusive(NAME, waits.append):
            assert state.tokens.load(NAME) == SECRET
    assert waits == []


def test_who_was_asleep_too_long_does_not_overwrite_what_came_meanwhile(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    with place.open() as slow, place.open() as fast:
        with slow.tokens.exclusive(NAME, time.sleep):
            clock.now = time.time() + tokens.LEASE_S + 1
            if place.kind == "sqlite":
                monkeypatch.setattr("state.tokens.time", clock)
            else:
                stop_server_clock(monkeypatch, clock)
            with fast.tokens.exclusive(NAME, time.sleep):
                assert fast.tokens.save(NAME, b"fast")
            assert not slow.tokens.save(NAME, b"slow")
        assert slow.tokens.load(NAME) == b"fast"
