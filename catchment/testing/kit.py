"""The kit that judges a connector: real syncs against an imitation of its vendor, disturbed in every way, cell by cell.

An author describes a connector and its imitation as a :class:`Trial` and calls the checks from tests of his own. Each
check raises AssertionError with what is wrong.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catchment.testing.damage import Damage, report
from catchment.testing.processes import Imitation, Project
from catchment.testing.rules import Rules
from catchment.testing.truth import verify
from state import State

SOURCE = "trial"
SECOND = 1.0
TOO_MANY = (403, 429)  # how vendors answer it
EARLY = 1 / 8  # the part of all kills that come before the first commit
FIRST_CALLS = 0.02  # of a sync's calls: so few are sure to come before its first commit
MOST = 0.9  # of a sync's calls: the last kill comes then


@dataclass(frozen=True, slots=True)
class Trial:
    """A connector and the imitation of its vendor.

    ``vendor``: module of the imitation under ``catchment.imitations``, or a whole module path; ``arguments``: its
    command line. ``source``: what stands in catchment.yaml, made from the line by which the imitation says where it is.
    ``judge``: what differs between an imitation and a schema of a warehouse file (``by(rules)`` for the usual one); it
    also gets ``known_since``, the vendor's time when the source was made. ``faults``: what the imitation can do wrong
    on order and a sync must survive, with what each order needs beside its kind. ``paths``: regular expressions of the
    calls to hit.
    ``deeds``: what `POST /live` takes beside seed and steps. ``settled``: orders that follow it, after which all that
    happened can be seen. Of an imitation whose `POST /limit` takes `per_second`, that many calls pass in any second.
    """

    vendor: str
    arguments: tuple[str, ...]
    source: Callable[[Mapping[str, Any]], dict[str, Any]]
    judge: Callable[..., list[Damage]]
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    paths: tuple[str, ...] = (".",)
    deeds: Mapping[str, Any] = field(default_factory=dict)
    settled: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    @contextmanager
    def running(self) -> Iterator[Vendor]:
        """The imitation in a process of its own."""
        with Imitation(self.vendor, *self.arguments) as imitation:
            vendor = Vendor(self, imitation)
            vendor.settle()
            yield vendor


@dataclass(slots=True)
class Vendor:
    """A running imitation and the seeds of its life so far."""

    trial: Trial
    imitation: Imitation
    lives: int = 0
    since: dict[Path, float] = field(default_factory=dict)  # the vendor's time when a project was made

    @property
    def calls(self) -> int:
        return int(self.imitation.ask("/calls")["calls"])

    def live(self, steps: int) -> None:
        """Lets the account live on."""
        self.lives += 1
        self.imitation.order("/live", seed=self.lives, steps=steps, **self.trial.deeds)
        self.settle()

    def settle(self) -> None:
        """Lets all become visible that has happened."""
        for path, order in self.trial.settled:
            self.imitation.order(path, **order)

    def project(self, directory: Path, **settings: Any) -> Project:
        """A project whose one source is this account; ``settings`` go beside the source's own."""
        directory.mkdir(parents=True, exist_ok=True)
        project = Project(directory)
        project.configure({SOURCE: {**self.trial.source(self.imitation.info), **settings}})
        self.since[directory] = float(self.imitation.order("/clock", offset=0)["now"])
        return project

    def exact(self, project: Project, hint: object = "") -> None:
        """Every cell of every row is as the vendor has it."""
        since = self.since[project.directory]
        damages = self.trial.judge(self.imitation, project.warehouse, SOURCE, known_since=since)
        assert not damages, f"{hint}\n{report(damages)}"

    def sync(self, project: Project, *arguments: str) -> dict[str, Any]:
        """A sync that must succeed, with no call that it does not report; returns its source's part."""
        calls = self.calls
        document = project.sync(*arguments)
        assert document["status"] == "succeeded", unwell(document)
        source = dict(document["sources"][0])
        assert source["api_calls"] == self.calls - calls, "the report counts other calls than the vendor"
        return source


def by(rules: Rules) -> Callable[..., list[Damage]]:
    """The usual judge: the imitation's objects, flattened by these rules."""

    def judge(imitation: Imitation, warehouse: Path, schema: str, **scope: Any) -> list[Damage]:
        return verify(warehouse, schema, imitation.truth(), rules, **scope)

    return judge


def unwell(document: Mapping[str, Any]) -> list[Any]:
    """What did not succeed in a run, with its cause."""
    found: list[Any] = [source["error"] for source in document["sources"] if source["error"]]
    for source in document["sources"]:
        found += [(c["collection"], c["status"], c["error"]) for c in source["collections"] if c["error"]]
    return found


def keeps_up(vendor: Vendor, directory: Path, *, rounds: int = 3, steps: int = 150) -> None:
    """The first sync and those after every change hold every cell; one that finds nothing new writes nothing."""
    project = vendor.project(directory)
    vendor.sync(project)
    vendor.exact(project, "after the first sync")
    for turn in range(rounds):
        vendor.live(steps)
        vendor.sync(project)
        vendor.exact(project, f"after change {turn + 1}")
    vendor.sync(project)  # what came late is there now
    before = stamps(project)
    quiet = vendor.sync(project)
    moved = [table for table, rows in stamps(project).items() if rows != before[table]]
    assert not moved, f"a sync that finds nothing new moved rows of {', '.join(moved)}"
    touched = {c["collection"] for c in quiet["collections"] if c["inserted"] + c["updated"] + c["deleted"]}
    assert not touched, f"a sync that finds nothing new reports changes of {sorted(touched)}"


def survives(vendor: Vendor, directory: Path, kind: str) -> None:
    """A fault of the vendor, often and everywhere, costs no row."""
    project = vendor.project(directory, timeouts={"connect": "5s", "read": "2s"})
    fired = Counter(vendor.imitation.ask("/fired"))
    try:
        for path in vendor.trial.paths:
            vendor.imitation.order("/fault", kind=kind, path=path, nth=[1, 4], **vendor.trial.faults[kind])
        vendor.sync(project)
        vendor.exact(project, f"{kind} in a first sync")
        vendor.live(40)
        vendor.imitation.order("/fault", kind=kind, path=".", nth=[2], **vendor.trial.faults[kind])
        vendor.sync(project)
        vendor.exact(project, f"{kind} in an incremental sync")
    finally:
        vendor.imitation.order("/faults/clear")
    assert Counter(vendor.imitation.ask("/fired"))[kind] - fired[kind] >= 2, f"{kind} never happened"


@dataclass(slots=True)
class Kills:
    """What killing came to: runs that died, those that did so between their first and last commit, calls repeated."""

    ordered: int = 0
    died: int = 0
    between: int = 0
    repeated: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        most = f", at most {max(self.repeated)} calls repeated" if self.repeated else ""
        return f"{self.died} of {self.ordered} killed, {self.between} between first and last commit{most}"


def killed_first(vendor: Vendor, directory: Path, kills: int, seed: int, **settings: Any) -> Kills:
    """First syncs killed by SIGKILL: one in eight before the first commit, the others between that and the last."""
    dice, found = random.Random(seed), Kills(kills)
    before = vendor.calls
    vendor.sync(vendor.project(directory / "whole", **settings))
    whole = vendor.calls - before
    for n in range(kills):
        project = vendor.project(directory / str(n), **settings)
        found.repeated.append(_kill(vendor, project, whole, (n + dice.random()) / kills, found) - whole)
        vendor.exact(project, f"seed {seed}, first sync {n} of {kills}")
    return found


def killed_incremental(
    vendor: Vendor, directory: Path, kills: int, seed: int, *, steps: int = 60, **settings: Any
) -> Kills:
    """The same for syncs that find changes."""
    dice, found = random.Random(seed), Kills(kills)
    project = vendor.project(directory, **settings)
    vendor.sync(project)
    vendor.live(steps)
    before = vendor.calls
    vendor.sync(project)
    whole = vendor.calls - before
    for n in range(kills):
        vendor.live(steps)
        _kill(vendor, project, whole, (n + dice.random()) / kills, found)
        vendor.exact(project, f"seed {seed}, incremental sync {n} of {kills}")
    return found


def shares(vendor: Vendor, directory: Path, per_second: int) -> None:
    """Two processes with one credential and one state database never meet a hard limit together."""
    imitation = vendor.imitation
    state = f"sqlite:///{directory / 'state.db'}"
    source = {**vendor.trial.source(imitation.info), "rate_limit": {"per_second": per_second}}
    projects = [Project(directory / name) for name in ("one", "other")]
    for project in projects:  # each source has a name of its own, for one source runs once at a time
        project.directory.mkdir()
        project.configure({project.directory.name: source}, state=state)
    seen = len(imitation.ask("/log"))
    imitation.order("/limit", per_second=per_second)
    try:
        with projects[0].start("sync", "--json") as one, projects[1].start("sync", "--json") as two:
            ended = [one.wait(300).document, two.wait(300).document]
    finally:
        imitation.order("/limit", per_second=None)
    assert [document["status"] for document in ended] == ["succeeded"] * 2, [unwell(one) for one in ended]
    log = imitation.ask("/log")[seen:]
    assert not [entry for entry in log if entry["status"] in TOO_MANY], "the vendor had to refuse calls"
    times = sorted(entry["at"] for entry in log)
    most = max(sum(1 for at in times if start <= at < start + SECOND) for start in times)
    assert most <= per_second, f"{most} calls in one second, {per_second} are allowed"


def stamps(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """A digest of every row and its `_synced_at`, `_version` left aside."""
    import duckdb

    rows = "SELECT md5(t::VARCHAR), epoch_us(_synced_at) FROM (SELECT * EXCLUDE (_version) FROM {}) t ORDER BY ALL"
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        return {
            table: connection.execute(rows.format(f'"{SOURCE}"."{table}"')).fetchall() for table in _tables(connection)
        }


def _tables(connection: Any) -> list[str]:
    query = "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? AND table_name NOT LIKE '\\_%' ESCAPE '\\'"
    return [row[0] for row in connection.execute(query, [SOURCE]).fetchall()]


def _kill(vendor: Vendor, project: Project, whole: int, place: float, found: Kills) -> int:
    """Kills a sync at a place (0 to 1) of its course, and has the next one finish. Returns the calls of both.

    ``whole``: the calls of a sync. Its last commit follows its last call, so what has committed and is short of calls
    is between its first commit and its last.
    """
    calls, began = vendor.calls, time.time()
    early = place < EARLY
    share = FIRST_CALLS * place / EARLY if early else MOST * (place - EARLY) / (1 - EARLY)
    wanted = calls + int(whole * share)
    with project.start("sync", "--json") as running:
        reached = running.reaches(lambda: vendor.calls >= wanted and (early or _commits(project)))
        died = reached and running.kill_after(0)
    found.died += died
    found.between += died and _unfinished(project, began)
    document = project.sync()
    assert document["status"] == "succeeded", unwell(document)
    return vendor.calls - calls


def _commits(project: Project) -> bool:
    """Whether the run that is under way has committed: it notes what it did after each commit."""
    if not project.state.exists():
        return False
    with State.open(f"sqlite:///{project.state}") as state:
        newest = state.runs.recent(1)
    return (
        bool(newest) and newest[0].status == "running" and any(s["collections"] for s in newest[0].document["sources"])
    )


def _unfinished(project: Project, began: float) -> bool:
    """Whether a run that began then has committed something and not yet its last: the report comes with that."""
    import duckdb

    if not project.warehouse.exists():
        return False
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        schemas = {row[0] for row in connection.execute("SELECT schema_name FROM duckdb_tables()").fetchall()}
        if SOURCE not in schemas:
            return False
        last = connection.execute(f'SELECT max(epoch_us(updated_at)) FROM "{SOURCE}"._catchment_state').fetchall()
        told = connection.execute("SELECT max(epoch_us(started_at)) FROM catchment.runs").fetchall()
    return (last[0][0] or 0) > began * 1e6 and (told[0][0] or 0) < (began - 1) * 1e6
