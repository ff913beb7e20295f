"""Runs and leases: one run per source at a time, and what stands of a run that was killed."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state import Busy, Claim, State, processes
from state.interruption import interrupted
from state.processes import Process, this_process
from tests.state_databases import KINDS, Place, new_place

DOCUMENT: dict[str, Any] = {
    "run_id": "killed",
    "status": "running",
    "started_at": "2026-11-20T10:00:00Z",
    "finished_at": None,
    "sources": [
        {
            "source": "acme",
            "status": "running",
            "error": None,
            "collections": [
                {"collection": "charges", "status": "succeeded", "fetched": 5, "error": None},
                {"collection": "refunds", "status": "running", "fetched": 3, "error": None},
                {"collection": "events", "status": "pending", "fetched": 0, "error": None},
            ],
        }
    ],
}

HOLD = """
import json, sys
from state import State
state = State.open(sys.argv[1])
claim = state.runs.claim("acme", "killed", "sync")
if len(sys.argv) > 2:
    state.runs.save("killed", json.loads(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return new_place(request.param, tmp_path)


@pytest.fixture
def state(place: Place) -> Iterator[State]:
    with place.open() as state:
        yield state


def alter(place: Place, assignment: str) -> None:
    """Changes every run behind the back of the one who wrote it."""
    place.alter(f"UPDATE runs SET {assignment}")


@pytest.fixture
def hold(place: Place) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process whose run holds the source `acme`."""
    children: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, place.url, *arguments]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


# ---------------------------------------------------------------------------------------------- leases


def test_a_source_is_held_by_one_run(state: State) -> None:
    assert state.runs.claim("acme", "one", "sync") == Claim("acme", "one")
    with pytest.raises(Busy, match=f"acme is held by run one, process {os.getpid()} on ") as caught:
        state.runs.claim("acme", "two", "sync")
    assert (caught.value.source, caught.value.run_id, caught.value.pid) == ("acme", "one", os.getpid())
    assert dt.datetime.now(dt.UTC) - caught.value.started_at < dt.timedelta(hours=1)
    assert state.runs.get("two") is None
    assert state.runs.claim("other", "two", "sync").run_id == "two"


def test_a_run_may_claim_its_source_again_and_hold_many(state: State) -> None:
    state.runs.claim("acme", "one", "sync")
    assert state.runs.claim("acme", "one", "sync") == Claim("acme", "one")
    state.runs.claim("other", "one", "sync")
    state.runs.finish("one", "succeeded", {})
    for source in ("acme", "other"):
        assert state.runs.claim(source, "two", "sync") == Claim(source, "two")


def test_a_released_source_is_free_while_its_run_goes_on(state: State) -> None:
    state.runs.claim("acme", "one", "sync")
    state.runs.release("acme", "someone else")
    with pytest.raises(Busy):
        state.runs.claim("acme", "two", "sync")
    state.runs.release("acme", "one")
    assert state.runs.holder("acme") is None
    assert state.runs.claim("acme", "two", "sync").interrupted == ""
    assert state.runs.renew("one")


def test_a_killed_run_is_taken_over_at_once(state: State, hold: Callable[..., subprocess.Popen[str]]) -> None:
    child = hold()
    with pytest.raises(Busy) as caught:
        state.runs.claim("acme", "next", "sync")
    assert caught.value.pid == child.pid
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    assert state.runs.claim("acme", "next", "sync") == Claim("acme", "next", "killed")
    child.wait()
    killed = state.runs.get("killed")
    assert killed is not None
    assert killed.status == "interrupted"
    assert killed.finished_at is not None
    assert killed.finished_at >= killed.started_at


def test_a_killed_run_is_shown_as_interrupted_before_and_after_it_is_taken_over(
    state: State, hold: Callable[..., subprocess.Popen[str]]
) -> None:
    child = hold(json.dumps(DOCUMENT))
    running = state.runs.get("killed")
    assert running is not None
    assert (running.status, running.finished_at, running.document) == ("running", None, DOCUMENT)
    assert state.runs.holder("acme") == running
    child.kill()
    child.wait()
    before = state.runs.get("killed")
    assert state.runs.holder("acme") is None
    assert state.runs.recent(5) == state.runs.recent(5, "acme") == [before]
    state.runs.claim("acme", "next", "sync")
    assert state.runs.get("killed") == before
    assert before is not None
    assert before.status == before.document["status"] == "interrupted"
    statuses = [c["status"] for c in before.document["sources"][0]["collections"]]
    assert statuses == ["succeeded", "partial", "failed"]


def test_all_that_a_killed_run_held_is_freed_with_the_first_source(
    state: State, hold: Callable[..., subprocess.Popen[str]]
) -> None:
    child = hold()
    alter_sources = "INSERT INTO leases VALUES ('other', 'killed')"
    with state._database.transaction() as connection:
        connection.execute(alter_sources)
    child.kill()
    child.wait()
    state.runs.claim("acme", "next", "sync")
    assert state.runs.claim("other", "next", "sync").interrupted == ""


def test_a_pid_used_again_is_another_process(state: State, place: Place) -> None:
    state.runs.claim("acme", "one", "sync")
    alter(place, "process_start = process_start || '0'")
    assert state.runs.claim("acme", "two", "sync").interrupted == "one"


@pytest.mark.parametrize(("silence", "free"), [(0, False), (25, False), (31, True)])
def test_a_run_elsewhere_is_judged_by_its_lease(state: State, place: Place, silence: int, free: bool) -> None:
    state.runs.claim("acme", "one", "sync")
    alter(place, f"machine = 'elsewhere', pid = 1, renewed_at = renewed_at - {silence}")
    if free:
        assert state.runs.claim("acme", "two", "sync").interrupted == "one"
    else:
        with pytest.raises(Busy):
            state.runs.claim("acme", "two", "sync")


@pytest.mark.parametrize("sign", ["renew", "save"])
def test_a_sign_of_life_keeps_a_lease(state: State, place: Place, sign: str) -> None:
    state.runs.claim("acme", "one", "sync")
    alter(place, "machine = 'elsewhere', renewed_at = renewed_at - 31")
    assert state.runs.renew("one") if sign == "renew" else state.runs.save("one", {})
    with pytest.raises(Busy):
        state.runs.claim("acme", "two", "sync")


def test_a_live_process_keeps_its_source_however_silent(state: State, place: Place) -> None:
    state.runs.claim("acme", "one", "sync")
    alter(place, "renewed_at = renewed_at - 3600")
    with pytest.raises(Busy):
        state.runs.claim("acme", "two", "sync")


def test_a_zombie_changes_nothing_after_it_was_taken_over(state: State, place: Place) -> None:
    state.runs.claim("acme", "one", "sync")
    state.runs.save("one", DOCUMENT)
    alter(place, "machine = 'elsewhere', renewed_at = renewed_at - 31")
    state.runs.claim("acme", "two", "sync")
    stands = state.runs.get("one")
    assert not state.runs.renew("one")
    assert not state.runs.save("one", {"late": True})
    assert not state.runs.finish("one", "succeeded", {"late": True})
    state.runs.release("acme", "one")
    assert state.runs.get("one") == stands
    holder = state.runs.holder("acme")
    assert holder is not None
    assert holder.run_id == "two"


RACE = """
import os, sys
from state import Busy, State
state = State.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
won = []
for n in range(20):
    try:
        state.runs.claim(f"source{n}", sys.argv[2], "sync")
        won.append(str(n))
    except Busy:
        pass
print(*won, flush=True)
sys.stdin.read()
"""


def test_of_processes_that_claim_at_once_exactly_one_wins(place: Place) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, place.url, f"run{n}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(3)
    ]  # fmt: skip
    lines = []
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        assert racer.stdout is not None
        lines.append(racer.stdout.readline().split())
    for racer in racers:
        racer.communicate()
    assert sorted(int(n) for won in lines for n in won) == list(range(20))


# ------------------------------------------------------------------------------------------------ runs


def test_a_run_from_start_to_end(state: State) -> None:
    state.runs.start("one", "sync --due")
    state.runs.start("one", "something else")
    started = state.runs.get("one")
    assert started is not None
    assert (started.command, started.status, started.pid) == ("sync --due", "running", os.getpid())
    assert started.document["sources"] == []
    assert state.runs.save("one", {"run_id": "one", "name": "é\u0000\U0001f600"})
    assert state.runs.finish("one", "partial", {"run_id": "one", "status": "partial"})
    ended = state.runs.get("one")
    assert ended is not None
    assert (ended.status, ended.document) == ("partial", {"run_id": "one", "status": "partial"})
    assert ended.finished_at is not None
    assert not state.runs.finish("one", "failed", {})
    assert not state.runs.renew("one")


def test_a_run_that_saved_nothing_is_still_told(state: State) -> None:
    state.runs.claim("acme", "one", "sync")
    run = state.runs.get("one")
    assert run is not None
    assert [s["source"] for s in run.document["sources"]] == ["acme"]
    assert run.document["started_at"].endswith("Z")


def test_runs_are_listed_newest_first(state: State) -> None:
    for n in range(5):
        state.runs.claim("even" if n % 2 == 0 else "odd", f"run{n}", "sync")
        state.runs.finish(f"run{n}", "succeeded", {"n": n})
    assert [run.run_id for run in state.runs.recent(3)] == ["run4", "run3", "run2"]
    assert [run.run_id for run in state.runs.recent(9, "odd")] == ["run3", "run1"]
    last = state.runs.last("odd")
    assert last is not None
    assert last.document == {"n": 3}
    assert state.runs.last("never") is None
    assert state.runs.get("never") is None


# ------------------------------------------------------------------------------------ cut-off documents


AT = dt.datetime(2026, 11, 20, 10, 5, tzinfo=dt.UTC)

statuses = st.sampled_from(["pending", "running", "succeeded", "partial", "failed", "unavailable"])
collections = st.lists(
    st.builds(
        lambda status, fetched: {"status": status, "fetched": fetched, "error": None}, statuses, st.integers(0, 2)
    )
)
sources = st.lists(st.builds(lambda status, inner: {"status": status, "collections": inner}, statuses, collections))


def test_a_cut_off_run_keeps_what_had_ended() -> None:
    cut = interrupted(DOCUMENT, AT)
    charges, refunds, events = cut["sources"][0]["collections"]
    assert (cut["status"], cut["finished_at"]) == ("interrupted", "2026-11-20T10:05:00Z")
    assert (cut["sources"][0]["status"], cut["sources"][0]["error"]["kind"]) == ("partial", "interrupted")
    assert charges == DOCUMENT["sources"][0]["collections"][0]
    assert (refunds["status"], refunds["error"]["kind"]) == ("partial", "interrupted")
    assert (events["status"], events["error"]["kind"]) == ("failed", "interrupted")
    assert events["error"]["hint"]
    assert DOCUMENT["sources"][0]["collections"][1]["status"] == "running"


def test_a_source_of_which_nothing_succeeded_has_failed() -> None:
    source = {"source": "a", "status": "running", "collections": [{"status": "running", "fetched": 9}]}
    assert interrupted({"sources": [source]}, AT)["sources"][0]["status"] == "failed"
    assert interrupted({"sources": [{"source": "a"}]}, AT)["sources"][0]["status"] == "failed"


@given(sources)
def test_nothing_is_left_unended(sources: list[dict[str, Any]]) -> None:
    cut = interrupted({"sources": sources}, AT)
    ended = {"succeeded", "partial", "failed", "unavailable"}
    for before, after in zip(sources, cut["sources"], strict=True):
        assert after["status"] in ended
        for was, collection in zip(before["collections"], after["collections"], strict=True):
            assert collection["status"] in ended
            assert (collection == was) == (was["status"] in ended)
    assert interrupted(cut, AT) == cut


# ------------------------------------------------------------------------------------------- processes


def test_this_process_is_there() -> None:
    assert this_process().gone() is False
    assert this_process() == this_process()


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    here = this_process()
    process = Process(child.pid, processes._start(child.pid), here.machine, here.host)
    assert process.gone() is False
    child.kill()
    child.communicate()
    assert process.gone() is True


@pytest.mark.parametrize("change", [{"machine": "elsewhere"}, {"machine": ""}, {"start": ""}])
def test_of_what_cannot_be_looked_at_nothing_is_said(change: dict[str, str]) -> None:
    here = this_process()
    known = {"pid": here.pid, "start": here.start, "machine": here.machine, "host": here.host}
    assert Process(**{**known, **change}).gone() is None  # type: ignore[arg-type]


def test_a_process_is_known_without_proc_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on systems that have `ps` only: played here with one that answers as POSIX says."""
    ps = tmp_path / "ps"
    ps.write_text(
        '#!/bin/sh\n[ "$4" = 77 ] && echo "Ss   Fri Nov 20 10:00:00 2026"; [ "$4" = 78 ] && echo "Z  Fri Nov"\n'
    )
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(processes, "_PROC", tmp_path / "none")
    assert processes._start(77) == "Fri Nov 20 10:00:00 2026"
    assert processes._start(78) == ""
    assert processes._start(79) == ""
