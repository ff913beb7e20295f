"""Who is measured: Catchment, dlt and a hand-written script; how each is started, and whether it loaded everything."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import ROOT, measure
from benchmarks.imitation import Imitation

OURS = Path(sys.executable).with_name("catchment")
THEIRS = ROOT / ".venv-bench" / "bin" / "python"
SOURCE = "stripe_live"
NINE = (
    "balance_transactions", "charges", "customers", "invoices", "payment_intents", "payment_methods", "prices",
    "refunds", "subscriptions",
)  # fmt: skip
_COUNT = """
import sys, duckdb
warehouse, schema, *tables = sys.argv[1:]
with duckdb.connect(warehouse, read_only=True) as connection:
    for table in tables:
        print(*connection.execute(f"SELECT count(*), count(DISTINCT id) FROM {schema}.{table}").fetchone())
"""

Command = Callable[[Imitation, Path], Sequence[str | Path]]


@dataclass(frozen=True)
class Contestant:
    """One way to bring the nine collections into `warehouse.duckdb` of a folder; `schema` is where they land."""

    name: str
    command: Command
    schema: str


def configure(
    imitation: Imitation, folder: Path, *, per_second: int = 100_000, only: Sequence[str] = (), warehouse: str = ""
) -> Path:
    """Write a `catchment.yaml` for the imitation; returns its path. `warehouse`: not a file in the folder."""
    source: dict[str, Any] = {
        "connector": "stripe",
        "credentials": {"api_key": imitation.key},
        "base_url": imitation.url,
        "rate_limit": {"per_second": per_second, "per_endpoint": per_second},
    }
    if only:
        source["collections"] = list(only)
    path = folder / "catchment.yaml"
    # JSON is YAML too.
    settings = {"warehouse": warehouse or "duckdb:///warehouse.duckdb", "sources": {SOURCE: source}}
    path.write_text(json.dumps(settings, indent=2))
    return path


def catchment(per_second: int = 100_000) -> Contestant:
    """Ours, allowed `per_second` calls a second."""

    def command(imitation: Imitation, folder: Path) -> Sequence[str | Path]:
        config = configure(imitation, folder, per_second=per_second, only=NINE)
        return (OURS, "sync", "--config", config, "--json")

    return Contestant("Catchment", command, SOURCE)


def dlt_documented(*options: str) -> Contestant:
    """dlt as its documentation teaches: its own REST client reads."""
    return Contestant("dlt, its REST client", _peer("dlt_stripe", "--reader", "dlt", *options), SOURCE)


def dlt_fastest(*options: str) -> Contestant:
    """dlt with a reader written by hand: it only loads."""
    return Contestant("dlt, reader by hand", _peer("dlt_stripe", "--reader", "own", *options), SOURCE)


def simple() -> Contestant:
    """The script without a framework."""
    return Contestant("script by hand", _peer("simple"), "main")


def versions() -> str:
    """What the others run on."""
    if not THEIRS.exists():
        return ""
    ask = "from importlib.metadata import version as v; print('dlt', v('dlt') + ', DuckDB', v('duckdb'))"
    return subprocess.run([THEIRS, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def _peer(module: str, *options: str) -> Command:
    def command(imitation: Imitation, folder: Path) -> Sequence[str | Path]:
        if not THEIRS.exists():
            raise RuntimeError(f"{THEIRS.relative_to(ROOT)} is missing, where dlt lives: run `make bench`")
        return (
            THEIRS,
            "-m",
            f"benchmarks.peers.{module}",
            imitation.url,
            imitation.key,
            folder / "warehouse.duckdb",
            *options,
        )

    return command


def first_sync(contestant: Contestant, imitation: Imitation) -> measure.Cost:
    """One first sync into an empty folder; RuntimeError when rows are missing or doubled."""
    with TemporaryDirectory(prefix="catchment-bench-") as name:
        folder = Path(name)
        cost = measure.run(contestant.command(imitation, folder))
        check(contestant, imitation, folder)
        return cost


def check(contestant: Contestant, imitation: Imitation, folder: Path) -> None:
    """Every object of the account is there once; RuntimeError otherwise."""
    told = subprocess.run(
        [sys.executable, "-c", _COUNT, str(folder / "warehouse.duckdb"), contestant.schema, *NINE],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    numbers = [int(number) for number in told.split()]
    rows, different = sum(numbers[::2]), sum(numbers[1::2])
    expected = imitation.count()
    if (rows, different) != (expected, expected):
        raise RuntimeError(f"{contestant.name} loaded {rows} rows with {different} ids of {expected} objects")
