"""`python -m benchmarks [--objects N] [--rounds R] [NAME ...]`: measures and rewrites docs/benchmarks.md."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    calls,
    exports,
    growth,
    latency,
    memory,
    per_row,
    postgresql_load,
    postgresql_readers,
    postgresql_sync,
    reread,
    startup,
    stripe_first_sync,
    table,
)
from benchmarks.options import Options
from benchmarks.table import Section

MEASURES: dict[str, Callable[[Options], Section]] = {
    module.NAME: module.measure
    for module in (
        *(stripe_first_sync, reread, memory, latency, calls, startup),
        *(postgresql_load, postgresql_sync, postgresql_readers),
        *(per_row, growth, exports),
    )
}


def main() -> int:
    """0 when every bar holds, 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(MEASURES)}; none: all of them")
    parser.add_argument("--objects", type=int, help="size of the account, instead of each measurement's own sizes")
    parser.add_argument("--rounds", type=int, default=Options.rounds, help="interleaved rounds (%(default)s)")
    parser.add_argument("--page", type=Path, default=table.PAGE, help="the page to write")
    given = parser.parse_args()
    if unknown := set(given.names) - set(MEASURES):
        parser.error(f"no measurement {', '.join(sorted(unknown))}: choose from {', '.join(MEASURES)}")
    if given.rounds < 1 or (given.objects is not None and given.objects < 1):
        parser.error("--rounds and --objects must be at least 1")
    missed: list[str] = []
    for name in given.names or MEASURES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        section = MEASURES[name](Options(given.objects, given.rounds))
        table.write(section, given.page)
        print(f"{section}\n", flush=True)
        missed += [f"{name}: {row}" for row in section.missed()]
    for row in missed:
        print(f"missed: {row}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
