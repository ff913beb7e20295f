"""Runs a command as a whole process and says what it cost: wall time, processor time, peak memory."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import ROOT

DEADLINE_S = 3_600.0


@dataclass(frozen=True)
class Cost:
    """What one process used, start-up and the children it waited for included.

    `wall` and `cpu` (user and system) in seconds, `peak_mb` the largest resident set in MiB.
    """

    wall: float
    cpu: float
    peak_mb: float
    status: int = 0
    output: str = ""


class CommandError(RuntimeError):
    """A measured command failed; the message ends with what it wrote last."""


def run(command: Sequence[str | Path]) -> Cost:
    """Run `command` in the repository's folder and wait for it; CommandError when it does not end with 0.

    A child's peak begins at what its parent held when it forked, so the measuring process stays small:
    it must not import pyarrow or duckdb.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=output, stderr=errors)
        guard = threading.Timer(DEADLINE_S, process.kill)
        guard.daemon = True
        guard.start()
        try:
            cost = waited(process, started)
        finally:
            guard.cancel()
        output.seek(0)
        errors.seek(0)
        if cost.status:
            told = (errors.read() + output.read()).decode(errors="replace").strip()
            raise CommandError(f"{' '.join(map(str, command))} ended with {cost.status}:\n{told[-2_000:]}")
        return Cost(cost.wall, cost.cpu, cost.peak_mb, output=output.read().decode())


def waited(process: "subprocess.Popen[bytes]", started: float) -> Cost:
    """Wait for the end of a process that started at `started` (monotonic seconds)."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1_024, process.returncode)


def middle(costs: Sequence[Cost]) -> Cost:
    """The medians of several runs, each figure on its own."""
    return Cost(
        median(cost.wall for cost in costs),
        median(cost.cpu for cost in costs),
        median(cost.peak_mb for cost in costs),
    )
