"""Sessions: one renewal for all, kept before it is used, and an end when it is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.errors import Kind, Refused
from framework.http import Door
from framework.session import FRUITLESS
from framework.verdict import fault_of
from state import State
from tests.oauth_vendor import ASK, CLIENT, FIRST, SECRET, Vendor, ask, door, grant, serving, state_url


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State.open(state_url(tmp_path)) as opened:
        yield opened


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    noted: list[float] = []
    monkeypatch.setattr(Door, "_wait", lambda self, seconds: noted.append(seconds))
    return noted


def at_once(work: Any, threads: int = 8) -> list[Any]:
    """What ``work`` comes to in several threads that start together."""
    together, out = threading.Barrier(threads), []

    def run() -> None:
        together.wait()
        try:
            out.append(work())
        except Exception as error:
            out.append(error)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return out


def test_a_token_is_fetched_kept_and_used_by_the_next_run(vendor: Vendor, state: State) -> None:
    with door(vendor.url, grant(), state.tokens) as first:
        assert [ask(first), ask(first)] == [200, 200]
        assert (first.meter.calls, dict(first.meter.by_feed)) == (3, {"session": 1, "things": 2})
    with door(vendor.url, grant(), state.tokens) as second:
        assert ask(second) == 200
        assert second.meter.calls == 1
    assert vendor.renewals == 1


def test_an_expired_session_is_renewed_once_and_the_call_replayed(vendor: Vendor, state: State) -> None:
    with door(vendor.url, grant(), state.tokens) as opened:
        for n in range(1, 5):
            assert ask(opened) == 200
            vendor.expire()
            assert ask(opened) == 200
            assert vendor.renewals == n + 1
    used = [fields["refresh_token"] for path, _, fields in vendor.asked if path == "/oauth/tokens"]
    assert used == [FIRST, *(f"refresh-token-{n:04}" for n in range(1, 5))]


def test_threads_with_one_expired_token_renew_it_once(vendor: Vendor, state: State) -> None:
    with door(vendor.url, grant(), state.tokens) as opened:
        assert at_once(lambda: ask(opened)) == [200] * 8
        assert vendor.renewals == 1
        vendor.expire()
        vendor.before_token = lambda: time.sleep(0.1)
        assert at_once(lambda: ask(opened)) == [200] * 8
        assert vendor.renewals == 2


CHILD = """
import sys, threading
from state import State
from tests.oauth_vendor import ask, door, grant
state = State.open(sys.argv[2])
out = []
with door(sys.argv[1], grant(), state.tokens) as opened:
    print("ready", flush=True)
    sys.stdin.readline()
    def work():
        for _ in range(int(sys.argv[3])):
            out.append(ask(opened))
    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(len(out), set(out))
"""


def children(vendor: Vendor, tmp_path: Path, count: int, calls: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", CHILD, vendor.url, state_url(tmp_path), str(calls)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    for child in started:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    return started


def test_processes_that_share_a_credential_renew_each_token_once(vendor: Vendor, tmp_path: Path) -> None:
    """A rotating refresh token that two processes used would end both: the vendor refuses the second."""
    ends = iter(range(20, 160, 20))
    left = [next(ends)]

    def expire(_: str) -> None:
        with vendor.lock:
            if left and vendor.served >= left[0]:
                vendor.valid = set()
                left[:] = [at for at in [next(ends, 0)] if at]

    vendor.on_data = expire
    running = children(vendor, tmp_path, 3, 20)
    outputs = [child.communicate("go\n")[0] for child in running]
    assert outputs == ["60 {200}\n"] * 3
    assert vendor.issued == vendor.renewals  # none was refused
    assert vendor.renewals == 8


def test_a_holder_that_died_is_no_obstacle(vendor: Vendor, state: State, tmp_path: Path) -> None:
    entered, over = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        over.wait(20)

    vendor.before_token = hang
    (child,) = children(vendor, tmp_path, 1, 1)
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()
    assert entered.wait(20)  # it is in the middle of its renewal
    child.kill()
    child.wait()
    child.stdin.close()
    assert child.stdout is not None
    child.stdout.close()
    vendor.before_token = lambda: None
    waits: list[float] = []
    with state.tokens.exclusive(grant().key(f"{vendor.url}/oauth/tokens"), waits.append):
        assert waits == []
    with door(vendor.url, grant(), state.tokens) as opened:
        assert ask(opened) == 200
    over.set()


def test_the_new_pair_is_durable_before_its_first_use(vendor: Vendor, state: State, tmp_path: Path) -> None:
    seen: list[bool] = []

    def look(token: str) -> None:
        with State.open(state_url(tmp_path)) as other:
            key = grant().key(f"{vendor.url}/oauth/tokens")
            kept = other.tokens.load(key) or b""
            seen.append(token.encode() in kept and vendor.refresh.encode() in kept)

    vendor.on_data = look
    with door(vendor.url, grant(), state.tokens) as opened:
        ask(opened)
        vendor.valid = set()
        ask(opened)
    assert seen == [True, True, True]


def test_a_refused_renewal_is_final_and_asked_once(vendor: Vendor, state: State) -> None:
    with door(vendor.url, grant(refresh_token="revoked-token-0"), state.tokens) as opened:
        errors = at_once(lambda: ask(opened))
        assert {type(error) for error in errors} == {Refused}
        assert {error.kind for error in errors} == {Kind.AUTH}
        with pytest.raises(Refused):
            ask(opened)
    assert (vendor.renewals, vendor.served) == (1, 0)
    fault = fault_of(errors[0], "")
    assert (fault.kind, fault.http_status) == ("auth", 400)
    assert fault.message.startswith("access denied: ")
    assert "expired access/refresh token" in fault.message
    assert "catchment.yaml" in fault.hint


def test_passing_trouble_at_the_login_is_asked_again(vendor: Vendor, state: State, pauses: list[float]) -> None:
    vendor.trouble = [503, 429, 500]
    with door(vendor.url, grant(), state.tokens) as opened:
        assert ask(opened) == 200
    assert (vendor.renewals, len(pauses)) == (4, 3)


def test_a_crowded_login_is_no_refusal(vendor: Vendor, state: State, pauses: list[float]) -> None:
    good = vendor.token
    crowd = iter([(400, {"error": "invalid_grant", "error_description": "login rate exceeded"})])
    vendor.token = lambda headers, fields: next(crowd, None) or good(headers, fields)  # type: ignore[method-assign]
    with door(vendor.url, grant(), state.tokens) as opened:
        assert ask(opened) == 200


def test_a_static_key_that_is_refused_is_asked_once(vendor: Vendor) -> None:
    static = door(vendor.url, None, headers={"Authorization": "Bearer nothing"})
    with static as opened, pytest.raises(Refused) as caught:
        ask(opened)
    assert (fault_of(caught.value, "").kind, vendor.served, vendor.renewals) == ("auth", 1, 0)


def test_tokens_that_are_refused_as_soon_as_they_are_new_end_it(vendor: Vendor, state: State) -> None:
    vendor.stillborn = True
    with door(vendor.url, grant(), state.tokens) as opened, pytest.raises(Refused) as caught:
        ask(opened)
    assert caught.value.kind is Kind.AUTH
    assert vendor.renewals == FRUITLESS


def test_a_token_changed_in_the_file_wins_over_the_one_kept(vendor: Vendor, state: State) -> None:
    with door(vendor.url, grant(), state.tokens) as opened:
        ask(opened)
    vendor.expire()
    vendor.refresh = "authorised-anew-00"
    with door(vendor.url, grant(), state.tokens) as opened, pytest.raises(Refused):
        ask(opened)
    with door(vendor.url, grant(refresh_token="authorised-anew-00"), state.tokens) as opened:
        assert ask(opened) == 200


def test_a_token_that_tells_its_end_is_renewed_before_it(
    vendor: Vendor, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_800_000_000.0]
    monkeypatch.setattr("framework.session.time.time", lambda: clock[0])
    for life, safe in ((7200, 7100), (30, 14)):
        vendor.expires_in = life
        vendor.expire()
        with door(vendor.url, grant(), state.tokens) as opened:
            ask(opened)
            before = vendor.renewals
            clock[0] += safe
            ask(opened)
            assert vendor.renewals == before
            clock[0] += life - safe - 1  # the vendor still takes it, and it is not asked
            ask(opened)
            assert vendor.renewals == before + 1
        clock[0] += life
    assert sum(path == "/data" for path, _, _ in vendor.asked) == vendor.served == 6


def test_a_token_without_a_refresh_token_is_fetched_again(vendor: Vendor, state: State) -> None:
    plain = grant(kind="client_credentials", refresh_token="", scope="read", encoding="json")
    with door(vendor.url, plain, state.tokens) as opened:
        ask(opened)
        vendor.expire()
        assert ask(opened) == 200
    _, headers, fields = vendor.asked[0]
    assert headers["content-type"] == "application/json"
    assert fields == {
        "grant_type": "client_credentials", "scope": "read", "client_id": CLIENT, "client_secret": SECRET,
    }  # fmt: skip
    assert vendor.renewals == 2


def test_data_are_read_from_the_host_that_the_token_names(state: State) -> None:
    with serving() as login, serving() as data:
        login.instance = data.url
        data.valid = {f"access-token-{n:04}" for n in range(1, 4)}
        named = grant(url=f"{login.url}/oauth/tokens", host="instance_url")
        with door(login.url, named, state.tokens, base_url=login.url) as opened:
            assert ask(opened) == 200
            with pytest.raises(Refused, match="refused to follow"):
                ask(opened, ASK.__class__(f"{login.url}/data"))
        assert (login.served, data.served, data.renewals) == (0, 1, 0)
        assert not any("client-secret-1" in str(asked) for asked in data.asked)


def test_a_configured_address_wins_over_the_one_that_the_token_names(state: State) -> None:
    with serving() as login, serving() as data:
        login.instance = "https://elsewhere.example"
        data.valid = {"access-token-0001"}
        named = grant(url=f"{login.url}/oauth/tokens", host="instance_url")
        with door(data.url, named, state.tokens, base_url=login.url) as opened:
            assert ask(opened) == 200


@pytest.mark.parametrize("instance", ["", "http://elsewhere.example", "ftp://127.0.0.1", "elsewhere.example"])
def test_a_host_that_would_be_read_in_the_open_is_not_used(state: State, instance: str) -> None:
    with serving() as login:
        login.instance = instance
        named = grant(host="instance_url")
        login_only = door(login.url, named, state.tokens, base_url=login.url)
        with login_only as opened, pytest.raises(Refused, match="names no host"):
            ask(opened)
        assert login.served == 0


def test_renewed_secrets_are_known_to_the_log(vendor: Vendor, state: State) -> None:
    with state.log("run-1", ["first"]) as log:
        log.write("info", "before", text="access-token-0001")
        with door(vendor.url, grant(), state.tokens, learn=log.learn) as opened:
            ask(opened)
        log.write("info", "after", text="access-token-0001 refresh-token-0001")
    lines = list(state.read_log("run-1"))
    assert lines[0]["text"] == "access-token-0001"
    assert "token" not in lines[1]["text"]


def test_a_kept_token_is_known_to_the_log_too(vendor: Vendor, state: State) -> None:
    with door(vendor.url, grant(), state.tokens) as opened:
        ask(opened)
    learned: list[str] = []
    with door(vendor.url, grant(), state.tokens, learn=learned.append) as opened:
        ask(opened)
    assert learned == ["access-token-0001", "refresh-token-0001"]


def test_no_secret_shows_in_the_representation_of_a_credential() -> None:
    shown = repr(grant(password="hunter2222", private_key="-----BEGIN"))
    assert not any(secret in shown for secret in (FIRST, "client-secret-1", "hunter2222", "BEGIN"))


def test_a_credential_that_is_a_header_needs_no_oauth(tmp_path: Path) -> None:
    code = (
        "import sys; import connectors.stripe, connectors.zendesk.access, framework.http; from state import State;"
        "State.open(sys.argv[1]).close(); print(sorted({'authlib', 'cryptography', 'joserfc'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code, state_url(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
