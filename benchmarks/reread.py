"""Every object changes and everything is read again: what an update of all rows costs beside their first load."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import contestants
from benchmarks.imitation import Imitation
from benchmarks.measure import Cost, middle, run
from benchmarks.options import Options
from benchmarks.table import Section, at_most

NAME = "reread"
SIZE = 50_000
OF_FIRST = 1.2


def measure(options: Options) -> Section:
    """A first sync and a `resync` of the changed account in every round; the ratio is the median of the rounds'."""
    rows = []
    for objects in options.sizes(SIZE):
        with Imitation(objects) as imitation:
            pairs = [_pair(imitation) for _ in range(options.rounds)]
        ratio = median(again.cpu / first.cpu for first, again in pairs)
        first, again = (middle(costs) for costs in zip(*pairs, strict=True))
        rows.append((f"{objects:,}", f"{first.cpu:.2f}", f"{again.cpu:.2f}", f"{ratio:.2f}", at_most(ratio, OF_FIRST)))
    return Section(
        NAME,
        "Everything read again, every row newer",
        "Catchment only: a first sync, then every object changes, then `catchment resync SOURCE`.",
        options.command(NAME),
        ("objects", "CPU s, first", "CPU s, again", "ratio", "bar"),
        rows,
    )


def _pair(imitation: Imitation) -> tuple[Cost, Cost]:
    contestant = contestants.catchment()
    with TemporaryDirectory(prefix="catchment-bench-") as name:
        folder = Path(name)
        first = run(contestant.command(imitation, folder))
        imitation.age()
        again = run((contestants.OURS, "resync", contestants.SOURCE, "--config", folder / "catchment.yaml"))
        contestants.check(contestant, imitation, folder)
        return first, again
