"""A first sync of nine collections from an API without latency: what each contestant costs."""

from collections.abc import Sequence
from statistics import median

from benchmarks import contestants
from benchmarks.contestants import Contestant
from benchmarks.imitation import Imitation
from benchmarks.measure import Cost, middle
from benchmarks.options import Options
from benchmarks.table import Bar, Section, at_most

NAME = "first-sync"
SIZES = (50_000, 500_000)
CPU_OF_DLT, WALL_OF_DLT = 1 / 5, 1 / 4
LARGE = 200_000
NOTE = (
    "`dlt, its REST client` reads as dlt's documentation teaches. `dlt, reader by hand` only leaves it the loading: "
    "the pages come from the reader of `script by hand`. Both get Arrow tables and merge on the key. A ratio is the "
    "median of the ratios within each round."
)


def measure(options: Options) -> Section:
    """Every contestant once in every round; half the rounds where the account is large."""
    rows: list[Sequence[str | Bar]] = []
    for objects in options.sizes(*SIZES):
        rounds = options.rounds if objects < LARGE else (options.rounds + 1) // 2
        rows += _rows(objects, rounds, interleaved(objects, rounds))
    return Section(
        NAME,
        "First sync, no latency",
        "Nine collections into an empty DuckDB file; every object must be there once. Catchment types and flattens its "
        "rows, fills child tables and keeps versions and marks; the others store nested values as JSON text. "
        "Bars: Catchment uses at most 1/5 of the processor time and 1/4 of the wall time of dlt.",
        options.command(NAME),
        (
            *("objects", "contestant", "rounds", "CPU s", "CPU s / 100k", "wall s", "objects/s", "peak MB"),
            *("our CPU / its", "bar", "our wall / its", "bar"),
        ),
        rows,
        notes=(NOTE, f"The others run on {contestants.versions()}."),
    )


def field() -> tuple[Contestant, ...]:
    """Who takes part."""
    return contestants.catchment(), contestants.dlt_documented(), contestants.dlt_fastest(), contestants.simple()


def interleaved(objects: int, rounds: int) -> dict[str, list[Cost]]:
    """The costs of every contestant, one run each in every round."""
    found: dict[str, list[Cost]] = {}
    with Imitation(objects) as imitation:
        for _ in range(rounds):
            for contestant in field():
                found.setdefault(contestant.name, []).append(contestants.first_sync(contestant, imitation))
    return found


def _rows(objects: int, rounds: int, found: dict[str, list[Cost]]) -> list[Sequence[str | Bar]]:
    ours, rows = found["Catchment"], list[Sequence[str | Bar]]()
    for name, costs in found.items():
        cost = middle(costs)
        cpu = median(mine.cpu / its.cpu for mine, its in zip(ours, costs, strict=True))
        wall = median(mine.wall / its.wall for mine, its in zip(ours, costs, strict=True))
        against: tuple[str | Bar, ...] = ("", "", "", "")
        if name != "Catchment":
            bars = (at_most(cpu, CPU_OF_DLT), at_most(wall, WALL_OF_DLT)) if name.startswith("dlt") else ("", "")
            against = (f"{cpu:.2f}", bars[0], f"{wall:.2f}", bars[1])
        speed = (
            f"{cost.cpu:.2f}",
            f"{cost.cpu / objects * 1e5:.2f}",
            f"{cost.wall:.2f}",
            f"{objects / cost.wall:,.0f}",
        )
        rows.append((f"{objects:,}", name, str(rounds), *speed, f"{cost.peak_mb:.0f}", *against))
    return rows
