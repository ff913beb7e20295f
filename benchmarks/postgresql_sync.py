"""A first sync into PostgreSQL from an API without latency: Catchment beside dlt."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import contestants
from benchmarks.imitation import Imitation
from benchmarks.measure import Cost, middle, run
from benchmarks.options import Options
from benchmarks.postgresql_server import Databases, running
from benchmarks.table import Bar, Section, at_most

NAME = "postgresql-sync"
SIZE = 50_000
OF_DLT = 1 / 5
NOTE = (
    "dlt gets Arrow tables and merges on the key; Parquet goes into PostgreSQL by ADBC, CSV by COPY. A ratio is the "
    "median of the ratios within each round."
)
_COUNT = """
import sys
from adbc_driver_postgresql import dbapi
url, schema, *tables = sys.argv[1:]
with dbapi.connect(url) as connection, connection.cursor() as cursor:
    for table in tables:
        cursor.execute(f"SELECT count(*), count(DISTINCT id) FROM {schema}.{table}")
        print(*cursor.fetchall()[0])
"""

Command = Callable[[Imitation, Path, str], Sequence[str | Path]]


@dataclass(frozen=True)
class Loaded:
    """What one sync cost, and the server's processes meanwhile (seconds)."""

    cost: Cost
    server: float


def ours(imitation: Imitation, folder: Path, warehouse: str) -> Sequence[str | Path]:
    config = contestants.configure(imitation, folder, only=contestants.NINE, warehouse=warehouse)
    return (contestants.OURS, "sync", "--config", config, "--json")


def dlt(*options: str) -> Command:
    def command(imitation: Imitation, folder: Path, warehouse: str) -> Sequence[str | Path]:
        program = (contestants.THEIRS, "-m", "benchmarks.peers.dlt_stripe")
        return (*program, imitation.url, imitation.key, warehouse, "--folder", folder, *options)

    return command


FIELD: dict[str, Command] = {
    "Catchment": ours,
    "dlt, its REST client, Parquet": dlt("--reader", "dlt"),
    "dlt, reader by hand, Parquet": dlt("--reader", "own"),
    "dlt, reader by hand, CSV": dlt("--reader", "own", "--format", "csv"),
}


def measure(options: Options) -> Section:
    """Every contestant once in every round."""
    rows: list[Sequence[str | Bar]] = []
    for objects in options.sizes(SIZE):
        found: dict[str, list[Loaded]] = {}
        with Imitation(objects) as imitation, running() as databases:
            for _ in range(options.rounds):
                for name, command in FIELD.items():
                    found.setdefault(name, []).append(synced(command, imitation, databases))
        rows += _rows(objects, options.rounds, found)
    return Section(
        NAME,
        "PostgreSQL: first sync, no latency",
        "Nine collections into an empty database of PostgreSQL 18; every object must be there once. What the server "
        "uses is counted apart. Catchment types and flattens its rows, fills child tables, keeps versions and marks; "
        "dlt stores nested values as JSON text.",
        options.command(NAME),
        (
            *("objects", "contestant", "rounds", "CPU s", "wall s", "server's CPU s", "objects/s", "peak MB"),
            *("our CPU / its", "bar", "our wall / its", "bar"),
        ),
        rows,
        notes=(NOTE, f"The others run on {contestants.versions()}."),
    )


def synced(command: Command, imitation: Imitation, databases: Databases) -> Loaded:
    """One first sync into an empty database; RuntimeError when rows are missing or doubled."""
    warehouse = databases.new()
    with TemporaryDirectory(prefix="catchment-bench-") as name:
        before = databases.cpu()
        cost = run(command(imitation, Path(name), warehouse))
        server = databases.cpu() - before
    told = subprocess.run(
        [sys.executable, "-c", _COUNT, warehouse, contestants.SOURCE, *contestants.NINE],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    numbers = [int(number) for number in told.split()]
    expected = imitation.count()
    if (sum(numbers[::2]), sum(numbers[1::2])) != (expected, expected):
        raise RuntimeError(f"{sum(numbers[::2])} rows with {sum(numbers[1::2])} ids of {expected} objects")
    return Loaded(cost, server)


def _rows(objects: int, rounds: int, found: dict[str, list[Loaded]]) -> list[Sequence[str | Bar]]:
    mine, rows = found["Catchment"], list[Sequence[str | Bar]]()
    for name, loaded in found.items():
        cost = middle([one.cost for one in loaded])
        against: tuple[str | Bar, ...] = ("", "", "", "")
        if name != "Catchment":
            cpu = median(a.cost.cpu / b.cost.cpu for a, b in zip(mine, loaded, strict=True))
            wall = median(a.cost.wall / b.cost.wall for a, b in zip(mine, loaded, strict=True))
            against = (f"{cpu:.2f}", at_most(cpu, OF_DLT), f"{wall:.2f}", at_most(wall, OF_DLT))
        figures = (f"{cost.cpu:.2f}", f"{cost.wall:.2f}", f"{median(one.server for one in loaded):.2f}")
        speed = (f"{objects / cost.wall:,.0f}", f"{cost.peak_mb:.0f}")
        rows.append((f"{objects:,}", name, str(rounds), *figures, *speed, *against))
    return rows
