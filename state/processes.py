"""Which process this is, and whether another is still there: a pid alone is reused."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """``start`` tells it from others that had or will have its pid; ``machine`` is where that pid means it.

    A machine is one boot and one pid namespace: two containers may share a host name, not this.
    """

    pid: int
    start: str
    machine: str
    host: str

    def gone(self) -> bool | None:
        """Whether it has ended; None when that cannot be told from here."""
        if not self.start or not self.machine or self.machine != _machine():
            return None
        return _start(self.pid) != self.start


def this_process() -> Process:
    pid = os.getpid()
    return Process(pid, _start(pid), _machine(), socket.gethostname())


@cache
def _machine() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()} {os.name}"


def _start(pid: int) -> str:
    """When ``pid`` was started; "" if there is no such process, or only its remains."""
    if (_PROC / "self/stat").exists():
        try:
            stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        state, *fields = stat[stat.rindex(")") + 2 :].split()  # the name before it may hold anything
        return "" if state in "ZX" else fields[18]
    return _start_by_ps(pid)


def _start_by_ps(pid: int) -> str:
    """As POSIX systems without /proc tell it."""
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    )
    state, _, start = answer.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else " ".join(start.split())
