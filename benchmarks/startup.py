"""How soon Catchment answers `--help`, and what it has used when its first request arrives."""

import socket
import subprocess
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import ROOT, contestants
from benchmarks.imitation import Imitation
from benchmarks.measure import Cost, run, waited
from benchmarks.options import Options
from benchmarks.table import Section, at_most

NAME = "startup"
HELP_S, REQUEST_CPU_S = 0.3, 0.6
PATIENCE_S = 60.0


def measure(options: Options) -> Section:
    """Each as often as there are rounds, after one run that fills the caches."""
    asked = [run((contestants.OURS, "--help")) for _ in range(options.rounds + 1)][1:]
    first = [to_first_request() for _ in range(options.rounds + 1)][1:]
    wall, cpu = median(cost.wall for cost in asked), median(cost.cpu for cost in first)
    return Section(
        NAME,
        "Start-up",
        "A `sync` is ended from outside when its first request arrives; what it used by then is its start-up.",
        options.command(NAME),
        ("what", "figure", "bar"),
        (
            ("`catchment --help`, wall", f"{wall:.3f} s", at_most(wall, HELP_S, " s")),
            ("`catchment sync` to its first request, CPU", f"{cpu:.3f} s", at_most(cpu, REQUEST_CPU_S, " s")),
        ),
    )


def to_first_request() -> Cost:
    """What a `sync` in an empty folder has used when its first request is at the server, which never answers."""
    with TemporaryDirectory(prefix="catchment-bench-") as name, socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        nobody = Imitation(0)
        nobody.url, nobody.key = f"http://127.0.0.1:{server.getsockname()[1]}", "sk_test_startup"
        config = contestants.configure(nobody, Path(name))
        started = time.monotonic()
        process = subprocess.Popen(
            [contestants.OURS, "sync", "--config", config],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(PATIENCE_S)
                connection.recv(1)
        finally:
            process.kill()
            cost = waited(process, started)
        return cost
