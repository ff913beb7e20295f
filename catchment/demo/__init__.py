"""`catchment demo`: an invented business in three apps on this machine, synced twice, and every cell verified."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catchment.demo.place import FILE, claim
from catchment.testing.damage import Damage

if TYPE_CHECKING:
    from catchment.demo.accounts import Imitated

SOURCES = ("shop", "support", "crm")
RATE = 2_000  # calls a second: imitations on this machine need no sparing


def main(directory: Path, objects: int, seed: int, warehouse: str = "") -> int:
    """Runs the demo in ``directory``, which it empties first. Returns 1 when any cell is wrong, 0 otherwise.

    ``warehouse``: the address of a PostgreSQL database; none: a DuckDB file in the directory. Raises UsageError.
    """
    from catchment.demo.accounts import accounts

    began = time.monotonic()
    place = claim(warehouse, SOURCES) if warehouse else "an empty DuckDB file"
    if (directory / "catchment.yaml").exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    imitated = accounts(objects, seed)
    for one in imitated:
        _say(f"{one.title} with {one.size:,} objects lives at {one.server.url} (an imitation, on this machine only).")
    config = directory / "catchment.yaml"
    _configure(config, imitated, warehouse or FILE)
    wrong: list[Damage] = []
    try:
        _say(f"\nFirst sync, into {place}:")
        wrong += _sync(config, imitated)
        steps = sum(one.live(seed + 1, 150) for one in imitated)
        _say(f"\nThe business goes on: {steps} changes; updates, deletions, refunds, merged contacts, a late event ...")
        _say("Second sync, reading only what changed:")
        wrong += _sync(config, imitated)
        _ask(config)
    finally:
        for one in imitated:
            one.server.stop()
    _say(f'\n{time.monotonic() - began:.1f} s in all. Ask more: catchment sql --config {config} "show all tables"')
    return 1 if wrong else 0


def _configure(config: Path, imitated: Sequence[Imitated], warehouse: str) -> None:
    import yaml

    sources = {
        one.source: {"connector": one.connector, **one.settings, "rate_limit": {"per_second": RATE}} for one in imitated
    }
    settings = {
        "warehouse": warehouse.replace("${", "$${"),
        "state": "sqlite:///.catchment/state.db",
        "sources": sources,
    }
    config.touch(mode=0o600)  # the address may have a password in it
    config.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _sync(config: Path, imitated: Sequence[Imitated]) -> list[Damage]:
    from catchment.sync import Options, Run, Stop, targets
    from catchment.testing.damage import report
    from config import load
    from state import State

    settings = load(config, os.environ)
    before, began = [one.server.calls for one in imitated], time.monotonic()
    with State.open(settings.state) as state:
        document = Run(settings, state, Options(), Stop()).run(targets(settings, []))
    took = time.monotonic() - began
    wrong: list[Damage] = []
    for one, calls, source in zip(imitated, before, document["sources"], strict=True):
        found = one.wrong(settings.warehouse.removeprefix("duckdb:///"))
        calls = one.server.calls - calls
        _say(f"\n{one.source} ({one.connector})")
        _table(source, {damage.table for damage in found})
        if source["error"]:
            _say(f"{source['error']['message']} {source['error']['hint']}")
        rows = sum(c["fetched"] for c in source["collections"])
        _say(f"{source['status']}: {rows:,} rows with {calls} API calls; "
             f"{'every cell of every row is right' if not found else f'{len(found)} WRONG CELLS'}")  # fmt: skip
        if source["api_calls"] != calls or source["status"] != "succeeded":
            found.append(Damage("wrong report", "", "", "api_calls", calls, source["api_calls"]))
        if found:
            _say(report(found))
        wrong += found
    _say(f"\nAll three, side by side, in {took:.1f} s.")
    return wrong


def _table(source: dict[str, Any], wrong: set[str]) -> None:
    calls = {feed["feed"]: feed["api_calls"] for feed in source["feeds"]}
    lines: list[Sequence[Any]] = [("collection", "fetched", "inserted", "updated", "deleted", "API calls", "verified")]
    for c in source["collections"]:
        name = c["collection"]
        inserted = c["inserted"] + c["appended"]
        verified = "WRONG" if name in wrong else "yes"
        lines.append((name, c["fetched"], inserted, c["updated"], c["deleted"], calls.pop(name, ""), verified))
    for shared, count in calls.items():
        lines.append((f"({shared}: for several)", "", "", "", "", count, ""))
    _print(lines)


def _ask(config: Path) -> None:
    from catchment import session
    from catchment.demo.questions import QUESTIONS
    from config import load

    for question, query in QUESTIONS.items():
        _say(f"\n{question}")
        with session.answering(load(config, os.environ)) as (answer, _):
            columns, batches = answer(query)
            _print([[column.name for column in columns], *(row for batch in batches for row in batch)])


def _print(lines: Sequence[Sequence[Any]]) -> None:
    text = [[f"{cell:,}" if isinstance(cell, int | float | Decimal) else str(cell) for cell in line] for line in lines]
    widths = [max(len(line[n]) for line in text) for n in range(len(text[0]))]
    for line, cells in zip(text, [lines[1] if len(lines) > 1 else lines[0], *lines[1:]], strict=True):
        parts = [
            part.rjust(width) if isinstance(cell, int | float | Decimal) else part.ljust(width)
            for part, width, cell in zip(line, widths, cells, strict=True)
        ]
        _say("  " + "  ".join(parts).rstrip())


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)
