"""The peak memory of a first sync at three sizes: it must not grow with the account."""

from collections.abc import Sequence

from benchmarks import contestants
from benchmarks.imitation import Imitation
from benchmarks.options import Options
from benchmarks.table import Bar, Section, at_most

NAME = "memory"
SMALL, LARGE, TWICE = 50_000, 1_000_000, 2_000_000
MOST_MB = {SMALL: 350.0, LARGE: 600.0}
GROWTH = 1.1


def measure(options: Options) -> Section:
    """One run at each size; memory does not depend on how busy the machine is."""
    rows: list[Sequence[str | Bar]] = []
    bounds = dict(MOST_MB)
    for objects in options.sizes(SMALL, LARGE, TWICE):
        with Imitation(objects) as imitation:
            cost = contestants.first_sync(contestants.catchment(), imitation)
        if objects == LARGE:
            bounds[TWICE] = GROWTH * cost.peak_mb
        bar = at_most(cost.peak_mb, bounds[objects], " MB") if objects in bounds else ""
        rows.append((f"{objects:,}", f"{cost.peak_mb:.0f}", bar, f"{cost.wall:.1f}", f"{cost.cpu / objects * 1e5:.2f}"))
    return Section(
        NAME,
        "Memory",
        f"Catchment only, first sync. {TWICE:,} objects may take {GROWTH:g} times what {LARGE:,} take.",
        options.command(NAME),
        ("objects", "peak MB", "bar", "wall s", "CPU s / 100k"),
        rows,
    )
