"""How many calls a first sync, an idle `sync --due` and an idle `sync` make, beside what the declarations allow."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl, urlencode

from benchmarks import contestants
from benchmarks.imitation import Call, Imitation
from benchmarks.measure import run
from benchmarks.options import Options
from benchmarks.table import Bar, Section, at_most

NAME = "calls"
BULK, LIVING = 50_000, 20_000
PAGE = 100
SHOWN = 10
EVENTS = "/v1/events"
_PAGING = re.compile(r"limit|starting_after|ending_before|created(\[\w+\])?|expand(\[\w*\])?")
_TWO_WORDS = ("checkout/", "radar/")
_EMBEDDED_TOP = "subscription_items"


def measure(options: Options) -> Section:
    """Both kinds of account, the default collections, three runs each."""
    bulk = options.objects or BULK
    rows = [*_rows("rows only", bulk, bulk=True), *_rows("lifelike", options.objects or LIVING, bulk=False)]
    return Section(
        NAME,
        "Calls",
        "The default collections, counted by the imitation. First sync: one call per 100 rows of every list read, at "
        "least one a list, and one per further 100 of an embedded list that shows less than it has; plus 10 %, plus 5. "
        f"Idle `sync --due`: one for `{EVENTS}` and six others. Idle `sync`: one more per collection without "
        "dependable events.",
        options.command(NAME),
        ("account", "objects", "run", "calls", f"of them `{EVENTS}`", "bar"),
        rows,
    )


def allowed(imitation: Imitation, calls: Iterable[Call]) -> int:
    """The bound of a first sync that read the lists in `calls`; counts their rows by reading them again."""
    needed = 0
    for place in sorted({listed(call.target) for call in calls} - {""}):
        rows = sum(imitation.pages(place))
        needed += -(-max(0, rows - SHOWN) // PAGE) if embedded(place) else max(1, -(-rows // PAGE))
    return int(needed * 1.1) + 5


def listed(target: str) -> str:
    """The list a call reads, without where in the list it is; empty for a single object."""
    path, _, search = target.partition("?")
    if path == "/v1/account" or len(words(path)) % 2 == 0:
        return ""
    kept = [(name, value) for name, value in parse_qsl(search) if not _PAGING.fullmatch(name)]
    return f"{path}?{urlencode(kept)}" if kept else path


def embedded(place: str) -> bool:
    """Says whether a list lies under one object."""
    found = words(place.partition("?")[0])
    return len(found) > 1 or found[0] == _EMBEDDED_TOP


def words(path: str) -> list[str]:
    """`/v1/LIST/ID/LIST` as its parts; lists whose path has two words count as one."""
    name = path.removeprefix("/v1/")
    for start in _TWO_WORDS:
        if name.startswith(start):
            name = name.replace("/", ".", 1)
    return name.split("/")


def undependable() -> int:
    """How many lists the connector declares as not kept current by events alone."""
    from connectors.stripe import LISTINGS

    return sum(one.silent or one.keep != "events" for one in LISTINGS if one.collection.default)


def _rows(account: str, objects: int, *, bulk: bool) -> list[Sequence[str | Bar]]:
    due = 1 + 6
    found: list[Sequence[str | Bar]] = []
    with TemporaryDirectory(prefix="catchment-bench-") as name, Imitation(objects, bulk=bulk) as imitation:
        config = contestants.configure(imitation, Path(name))
        for title, options, bound in (
            ("first sync", (), None), ("idle `sync --due`", ("--due",), due), ("idle `sync`", (), due + undependable()),
        ):  # fmt: skip
            before = imitation.calls()
            run((contestants.OURS, "sync", "--config", config, "--json", *options))
            calls = imitation.log(before)
            events = sum(call.path == EVENTS for call in calls)
            most = allowed(imitation, calls) if bound is None else bound
            bar = at_most(len(calls), most)
            if options:
                bar = Bar(f"{bar.text}, 1 for events", bar.holds and events == 1)
            found.append((account, f"{imitation.count():,}", title, str(len(calls)), str(events), bar))
    return found
