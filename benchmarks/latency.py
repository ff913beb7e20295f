"""An API that takes 100 ms and allows 100 calls a second: how much of that a first sync uses."""

from bisect import bisect_left
from collections.abc import Sequence

from benchmarks import contestants
from benchmarks.contestants import Contestant
from benchmarks.imitation import Call, Imitation
from benchmarks.options import Options
from benchmarks.table import Bar, Section

NAME = "latency"
SIZE = 50_000
LATENCY_MS, ALLOWED = 100, 100
SHARE = 0.95


def measure(options: Options) -> Section:
    """One round in five, since only calls are looked at."""
    rows: list[Sequence[str | Bar]] = []
    for objects in options.sizes(SIZE):
        for _ in range(max(1, options.rounds // 5)):
            rows += [_row(contestant, objects) for contestant in field()]
    return Section(
        NAME,
        f"First sync, {LATENCY_MS} ms a call, {ALLOWED} calls/s allowed",
        "The share is of the allowed rate between the first and the last page, by the imitation's own log; it answers "
        f"429 to call {ALLOWED + 1} within any one second. Most objects are charges.",
        options.command(NAME),
        (
            "contestant",
            "objects",
            "calls",
            "wall s",
            "objects/s",
            "calls/s",
            "most in a second",
            "429s",
            "share",
            "bar",
        ),
        rows,
    )


def field() -> tuple[Contestant, ...]:
    """Who takes part; dlt reads the collections side by side here."""
    return (
        contestants.catchment(per_second=ALLOWED),
        contestants.dlt_documented("--parallel"),
        contestants.dlt_fastest("--parallel"),
        contestants.simple(),
    )


def rate(calls: Sequence[Call]) -> float:
    """Calls per second between the first page and the last."""
    lists = {f"/v1/{name}" for name in contestants.NINE}
    pages = [call.at for call in calls if call.path in lists and call.status == 200]
    within = sum(pages[0] <= call.at <= pages[-1] for call in calls if call.status == 200)
    return (within - 1) / (pages[-1] - pages[0])


def busiest(calls: Sequence[Call]) -> int:
    """The most calls that arrived within any one second."""
    stamps = sorted(call.at for call in calls)
    return max(place - bisect_left(stamps, at - 1.0) + 1 for place, at in enumerate(stamps))


def _row(contestant: Contestant, objects: int) -> Sequence[str | Bar]:
    with Imitation(objects, "--mix", "charges", "--latency", str(LATENCY_MS), "--limit", str(ALLOWED)) as imitation:
        cost = contestants.first_sync(contestant, imitation)
        calls = sorted(imitation.log(), key=lambda call: call.at)
    refused = sum(call.status == 429 for call in calls)
    used = rate(calls)
    share = used / ALLOWED
    ours = contestant.name == "Catchment"
    bar = Bar(f"at least {SHARE:.0%}, no 429", share >= SHARE and not refused) if ours else ""
    speed = (f"{cost.wall:.1f}", f"{objects / cost.wall:,.0f}", f"{used:.1f}", str(busiest(calls)))
    return (contestant.name, f"{objects:,}", str(len(calls)), *speed, str(refused), f"{share:.1%}", bar)
