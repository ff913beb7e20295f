"""The memory of Zendesk's export and Salesforce's bulk jobs at two sizes: it must not grow with the account."""

from collections.abc import Sequence

from benchmarks.options import Options
from benchmarks.per_row import BULK
from benchmarks.readers import ZENDESK
from benchmarks.table import Bar, Section, at_most

NAME = "growth"
SMALL, LARGE = 1_000_000, 2_000_000
GROWTH = 1.1


def measure(options: Options) -> Section:
    """One run at each size; memory does not depend on how busy the machine is."""
    rows: list[Sequence[str | Bar]] = []
    for reader in (ZENDESK, BULK):
        bound = 0.0
        for size in options.sizes(SMALL, LARGE):
            with reader.serving(size) as imitation:
                read = reader.first_sync(imitation)
            peak = read.cost.peak_mb
            rows.append((reader.name, f"{read.rows:,}", f"{peak:.0f}", at_most(peak, bound, " MB") if bound else ""))
            bound = GROWTH * peak
    return Section(
        NAME,
        "Memory, by connector",
        f"First syncs. {LARGE:,} rows may take {GROWTH:g} times what {SMALL:,} take.",
        options.command(NAME),
        ("connector", "rows", "peak MB", "bar"),
        rows,
    )
