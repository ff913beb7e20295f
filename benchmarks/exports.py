"""A large ticket export under Zendesk's own limit: how many calls it takes, and whether any minute has too many."""

from bisect import bisect_left
from collections.abc import Sequence

from benchmarks.options import Options
from benchmarks.readers import ZENDESK
from benchmarks.table import Bar, Section, at_most

NAME = "exports"
TICKETS, CALLS = 100_000, 110
A_MINUTE, SPAN_S = 20, 60.0


def measure(options: Options) -> Section:
    """One run: the limit decides how long it takes, five minutes."""
    (tickets,) = options.sizes(TICKETS)
    with ZENDESK.serving(tickets * 2, limited=True) as imitation:
        read = ZENDESK.first_sync(imitation)
        log = imitation.log()
    times = [call.at for call in log if "/incremental/" in call.path]
    refused = sum(call.status == 429 for call in log)
    most = busiest(times)
    bars: Sequence[str | Bar] = (at_most(read.calls, CALLS * tickets / TICKETS), at_most(most + refused, A_MINUTE))
    return Section(
        NAME,
        "The ticket export under its limit",
        f"Tickets with their metrics, {A_MINUTE} calls of the export in any {SPAN_S:.0f} seconds, enforced and counted "
        "by the imitation. It takes as long as that limit lets it.",
        options.command(NAME),
        ("tickets", "rows", "calls", "bar", "most in a minute", "429s", "bar", "wall s", "CPU s"),
        [
            (
                *(f"{tickets:,}", f"{read.rows:,}", str(read.calls), bars[0], str(most), str(refused), bars[1]),
                *(f"{read.cost.wall:.0f}", f"{read.cost.cpu:.2f}"),
            )
        ],
    )


def busiest(times: Sequence[float]) -> int:
    """The most calls within any span of a minute."""
    ordered = sorted(times)
    return max((at + 1 - bisect_left(ordered, one - SPAN_S) for at, one in enumerate(ordered)), default=0)
