"""Syncs of imitated accounts under random disturbance for as long as wanted; the end must be right, cell by cell.

`python -m tests.soak [--seconds S] [--seed N] [--app NAME] [--postgresql VERSION]`. Each round is an account, a project
and a course of random steps, all from its seed: the account lives on, syncs are killed, the vendor fails, collections
are named, left out and wanted again, read again. At its end the account settles, and two syncs must leave every row as
the vendor has it. What went wrong is told with the seed that repeats it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from catchment.testing import reading
from catchment.testing.damage import Damage, report
from catchment.testing.kit import SOURCE, Trial, Vendor, unwell
from catchment.testing.processes import Project
from tests.postgres import Server, execute
from tests.trials import TRIALS

STEPS = (4, 12)  # of a round's course
OBJECTS = (150, 2_500)
KEEPS = ("succeeded", "partial", "failed", "running")  # how a disturbed run may end


@dataclass(slots=True)
class Round:
    """One account, one project, and the dice."""

    vendor: Vendor
    project: Project
    dice: random.Random
    settings: dict[str, Any]
    names: Sequence[str]
    usual: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    done: list[str] = field(default_factory=list)

    def step(self) -> None:
        """One random disturbance or piece of life."""
        twice = self._live, self._race, self._sync, self._kill
        once = self._due, self._fail, self._few, self._select, self._exclude, self._both, self._resync
        deed: Callable[[], str] = self.dice.choice((*twice, *twice, *once))
        self.done.append(deed())

    def begin(self) -> None:
        """The first sync, now and then killed before; what is deleted later must be known as deleted."""
        self._configure()
        self.vendor.since[self.project.directory] = float(self.vendor.imitation.order("/clock", offset=0)["now"])
        for _ in range(self.dice.choice((0, 0, 1, 3))):
            self.done.append(self._kill(first=True))
        self.done.append(self._sync())

    def end(self, where: str | Path) -> list[Any]:
        """Everything is wanted again and settles; what is wrong then."""
        self.vendor.imitation.order("/faults/clear")
        self._configure()
        self.vendor.settle()
        for _ in range(2):
            document = self.project.sync("--accept-deletes", timeout=300)
            if document["status"] != "succeeded":
                return [f"the last sync: {document['status']} {unwell(document)}"]
        since = self.vendor.since[self.project.directory]
        found = self.vendor.trial.judge(self.vendor.imitation, where, SOURCE, known_since=since)
        return [one for one in found if not (self.lacks and self._lost(one, where))]

    @property
    def lacks(self) -> bool:
        """Whether columns were left out for a while."""
        return any(deed.startswith("without") for deed in self.done)

    def _lost(self, one: Damage, where: str | Path) -> bool:
        """Whether it is a value that was left out and that nothing brings back: in copies, and in what is deleted."""
        if one.kind != "wrong cell":
            return False
        copies = one.expected if isinstance(one.expected, list) else [one.expected]
        if any(isinstance(copy, dict) and "object" in copy for copy in copies):
            return True
        with reading.opened(where) as reader:
            types = reading.tables(reader, SOURCE)[one.table]
            found = reading.read(reader, SOURCE, one.table, types)
        key, gone = found.place(reading.KEY), found.place("_deleted_at")
        return one.found is None and any(str(row[key]) == one.key and row[gone] is not None for row in found.rows)

    def _live(self) -> str:
        steps = self.dice.choice((1, 10, 60, 200))
        self.vendor.lives = self.dice.randrange(1_000_000)
        self.vendor.live(steps)
        return f"lived {steps}"

    def _sync(self, *arguments: str) -> str:
        document = self.project.sync(*arguments, timeout=300)
        if "error" in document:  # what the dice have wished cannot be, as a row without its key
            return str(document["error"]["message"])
        if document["status"] not in KEEPS:
            raise AssertionError(document)
        return f"sync {' '.join(arguments)}: {document['status']} {unwell(document)[:2] or ''}"

    def _race(self) -> str:
        """The account lives while it is read."""
        calls = self.vendor.calls
        arguments = self.dice.choice((("sync",), ("sync",), ("resync", SOURCE)))
        with self.project.start(*arguments, "--json") as running:
            for wanted in sorted(self.dice.sample(range(60), 4)):
                if not running.reaches(lambda: self.vendor.calls >= calls + wanted, timeout=60):  # noqa: B023
                    break
                self._live()
            document = running.wait(300).document
        return f"{arguments[0]} of an account that lives: {document['status']}"

    def _due(self) -> str:
        return self._sync("--due")

    def _few(self) -> str:
        chosen = self.dice.sample(self.names, self.dice.randint(1, min(4, len(self.names))))
        return self._sync(*(f"{SOURCE}.{name}" for name in chosen))

    def _kill(self, first: bool = False) -> str:
        arguments = ("sync",) if first else self.dice.choice((("sync",), ("sync",), ("resync", SOURCE)))
        calls, wanted = self.vendor.calls, self.dice.choice((0, 1, 3, 8, 20, 40))
        with self.project.start(*arguments, "--json") as running:
            wait = self.dice.choice((0.0, 0.0, 0.05, 0.2, 0.5))
            reached = running.reaches(lambda: self.vendor.calls >= calls + wanted, timeout=60)
            died = reached and running.kill_after(wait)
        return f"{arguments[0]} {'killed' if died else 'not killed'} at {wanted} calls + {wait} s"

    def _fail(self) -> str:
        kind = self.dice.choice(sorted(self.vendor.trial.faults))
        path = self.dice.choice((*self.vendor.trial.paths, "."))
        nth = sorted(self.dice.sample(range(1, 30), self.dice.choice((1, 3, 25))))
        more = self.vendor.trial.faults[kind]
        self.vendor.imitation.order("/fault", kind=kind, path=path, nth=nth, **more)
        told = self._sync()
        self.vendor.imitation.order("/faults/clear")
        return f"{kind} on {path} at {nth}: {told}"

    def _select(self) -> str:
        chosen = self.dice.sample(self.names, self.dice.randint(1, len(self.names)))
        wanted = chosen if self.dice.random() < 0.5 else [*self.usual, *(f"!{name}" for name in chosen[:6])]
        self._configure(collections=wanted)
        told = self._sync()
        if self.dice.random() < 0.7:
            self._live()
            told += f"; lived; {self._sync()}"
        self._configure()
        return f"only {wanted}: {told}"

    def _exclude(self) -> str:
        """Columns are left out for a while; what was stored without them must be filled."""
        chosen = self.dice.sample(self.names, min(3, len(self.names)))
        out = {name: {"exclude": self.dice.sample(self.columns[name], 2)} for name in chosen if self.columns[name][2:]}
        self._configure(collections={**{name.lstrip("!"): not name.startswith("!") for name in self.usual}, **out})
        told = f"{self._sync()}; {self._live()}; {self._sync()}"
        self._configure()
        return f"without {out}: {told}"

    def _both(self) -> str:
        """Two runs at once: one waits for the other."""
        arguments = "sync", "--json", "--wait"
        with self.project.start(*arguments) as one, self.project.start(*arguments) as two:
            return f"two at once: {[run.wait(300).document['status'] for run in (one, two)]}"

    def _resync(self) -> str:
        name = self.dice.choice((SOURCE, *(f"{SOURCE}.{name}" for name in self.names)))
        since = ("--since", "2026-06-01") if self.dice.random() < 0.3 else ()
        document = self.project.run("resync", name, *since, "--json", timeout=300).document
        return f"resync {name} {' '.join(since)}: {document.get('status', document)}"

    def _configure(self, **more: Any) -> None:
        source = {**self.vendor.trial.source(self.vendor.imitation.info), **self.settings["source"], **more}
        self.project.configure({SOURCE: source}, **self.settings["project"])


@contextmanager
def begun(trial: Trial, seed: int, server: Server | None) -> Iterator[tuple[Round, str | Path]]:
    """A round before its first step, and where its warehouse is."""
    dice = random.Random(seed)
    size = str(int(dice.triangular(*OBJECTS, 500)))
    arguments = list(trial.arguments)
    arguments[arguments.index("--objects") + 1] = size
    arguments[arguments.index("--seed") + 1] = str(seed)
    timeouts = {"connect": "5s", "read": "2s"}
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        replace(trial, arguments=tuple(arguments)).running() as v,
    ):
        project = v.project(Path(folder) / "project", timeouts=timeouts)
        where: str | Path = project.warehouse
        settings: dict[str, Any] = {"source": {"timeouts": timeouts}, "project": {}}
        if server:
            name = f"soak_{seed}_{time.monotonic_ns()}"
            execute(server.url("postgres"), f"CREATE DATABASE {name}")
            where = server.url(name)
            settings["project"]["warehouse"] = where
        source = trial.source(v.imitation.info)
        told = project.run("catalog", source["connector"], "--json").document
        usual = tuple(source.get("collections", ("default",)))
        listed = {c["collection"]: c for c in told["connectors"][0]["collections"]}
        names = [name for name, one in listed.items() if one["default"] and f"!{name}" not in usual]
        columns = {name: [c["name"] for c in one["columns"] if c["name"] != one["key"] and not c["references"]]
                   for name, one in listed.items()}  # fmt: skip
        yield Round(v, project, dice, settings, names, usual, columns), where


def soak(app: str, seed: int, server: Server | None) -> bool:
    """One round; prints what was wrong, if anything was."""
    with begun(TRIALS[app], seed, server) as (one, where):
        try:
            one.begin()
            for _ in range(one.dice.randint(*STEPS)):
                one.step()
            wrong = one.end(where)
        except Exception as error:
            wrong = [repr(error)]
        if wrong:
            print(f"WRONG {app} seed {seed}{' on PostgreSQL' if server else ''}", *one.done, sep="\n  ")
            print(report(wrong) if not isinstance(wrong[0], str) else wrong, flush=True)
    return not wrong


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--app", choices=sorted(TRIALS))
    parser.add_argument("--rounds", type=int, default=sys.maxsize)
    parser.add_argument("--postgresql", type=int, metavar="VERSION")
    given = parser.parse_args(arguments)
    server = Server(given.postgresql) if given.postgresql else None
    ends, rounds, wrong = time.monotonic() + given.seconds, 0, 0
    try:
        while time.monotonic() < ends and rounds < given.rounds:
            apps = [given.app] if given.app else sorted(TRIALS)
            seed = given.seed + rounds
            wrong += not soak(apps[seed % len(apps)], seed, server)
            rounds += 1
    finally:
        if server:
            server.remove()
    print(f"{rounds} rounds, {wrong} of them wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
