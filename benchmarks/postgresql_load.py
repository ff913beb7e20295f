"""The load step into PostgreSQL: what a commit costs beside a bare COPY and merge of the same rows."""

import json
import sys
from statistics import median

from benchmarks.imitation import Imitation
from benchmarks.measure import run
from benchmarks.options import Options
from benchmarks.postgresql_server import running
from benchmarks.table import Section, at_most

NAME = "postgresql-load"
SIZE = 50_000
OF_BARE = 1 / 0.85


def measure(options: Options) -> Section:
    """Both in every round, taking turns in who is first; the ratios are the medians of the rounds'."""
    rows = []
    for objects in options.sizes(SIZE):
        with Imitation(objects) as imitation, running() as databases:
            program = (sys.executable, "-m", "benchmarks.postgresql_merge")
            told = run((*program, imitation.url, imitation.key, databases.new(), str(options.rounds))).output
        rounds = [json.loads(line) for line in told.splitlines()]
        for at, what in enumerate(("wall", "CPU, ours and the server's")):
            ours, bare = (median(one[name][at] for one in rounds) for name in ("ours", "bare"))
            ratio = median(one["ours"][at] / one["bare"][at] for one in rounds)
            bar = at_most(ratio, OF_BARE)
            rows.append(
                (f"{objects:,}", f"{rounds[0]['rows']:,}", what, f"{ours:.2f}", f"{bare:.2f}", f"{ratio:.2f}", bar)
            )
    return Section(
        NAME,
        "PostgreSQL: the load step",
        "Decoded Stripe objects of nine collections, and the child rows in them, into empty tables of PostgreSQL 18, "
        "in the commits that a sync makes of them. Beside it, as little as brings the same rows in: a binary COPY into "
        "a temporary table, `INSERT ... ON CONFLICT` if newer, COMMIT. Catchment moves marks, closes the lists "
        "of parents, counts what changed and keeps an index on the parents' keys besides.",
        options.command(NAME),
        ("objects", "rows", "seconds of", "Catchment", "bare", "ratio", "bar"),
        rows,
    )
