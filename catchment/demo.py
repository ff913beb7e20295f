"""`catchment demo`: a lifelike Stripe account on this machine, synced twice into DuckDB, and every cell verified."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catchment.testing.damage import Damage

SOURCE = "shop"
CONFIG = """\
warehouse: duckdb:///warehouse.duckdb
state: sqlite:///.catchment/state.db
sources:
  {source}:
    connector: stripe
    credentials: {{api_key: "{key}"}}
    base_url: {url}
    rate_limit: {{per_second: 2000}}
"""

# Amounts are whole numbers of a currency's smallest unit: how many of its digits are decimals is the currency's own.
EXPONENTS = """exponents(currency, digits) as (values
  ('jpy', 0), ('krw', 0), ('vnd', 0), ('clp', 0), ('xaf', 0), ('kwd', 3), ('bhd', 3), ('omr', 3), ('tnd', 3))"""

QUESTIONS = {
    "Revenue by month": f"""
        with {EXPONENTS}
        select strftime(date_trunc('month', c.created), '%Y-%m') as month, c.currency, count(*) as charges,
               sum(c.amount - c.amount_refunded) / power(10, coalesce(e.digits, 2)) as revenue
        from {SOURCE}.charges c left join exponents e using (currency)
        where c.status = 'succeeded' and c._deleted_at is null and c.amount < 1e12
        group by 1, 2, e.digits order by month desc, revenue desc limit 10""",
    "Monthly recurring revenue": f"""
        with {EXPONENTS}, terms as (
          select i.quantity * p.unit_amount
                   / (cast(p.recurring->>'$.interval_count' as int) * case p.recurring->>'$.interval'
                        when 'day' then 12 / 365.0 when 'week' then 12 / 52.0 when 'month' then 1 else 12 end
                     ) as monthly,
                 p.currency
          from {SOURCE}.subscriptions s
          join {SOURCE}.subscription_items i on i.subscription_id = s.id and i._deleted_at is null
          join {SOURCE}.prices p on p.id = i.price_id
          where s.status in ('active', 'past_due') and s._deleted_at is null)
        select currency, count(*) as items, round(sum(monthly) / power(10, coalesce(any_value(digits), 2)), 2) as mrr
        from terms left join exponents using (currency) group by currency order by mrr desc""",
    "Refund rate by country of the card": f"""
        select coalesce(payment_method_details->>'$.card.country', 'none') as country, count(*) as charges,
               count(*) filter (amount_refunded > 0) as refunded,
               round(100.0 * count(*) filter (amount_refunded > 0) / count(*), 1) as percent
        from {SOURCE}.charges where status = 'succeeded' and _deleted_at is null
        group by country order by charges desc limit 10""",
}


def main(directory: Path, objects: int, seed: int) -> int:
    """Runs the demo in ``directory``, which it empties first. Returns 1 when any cell is wrong, 0 otherwise."""
    from catchment.imitations.stripe import DEFAULT_KEY, Server, generate, live

    began = time.monotonic()
    if (directory / "catchment.yaml").exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    account = generate(seed=seed, objects=objects)
    server = Server(account)
    url = server.start()
    _say(f"A Stripe account with {_size(account):,} objects lives at {url} (an imitation, on this machine only).")
    config = directory / "catchment.yaml"
    config.write_text(CONFIG.format(source=SOURCE, key=DEFAULT_KEY, url=url), encoding="utf-8")
    started = account.clock.now()
    wrong: list[Damage] = []
    try:
        _say("\nFirst sync, into an empty DuckDB file:")
        wrong += _sync(config, account, started, server)
        steps = live(account, seed=seed + 1, steps=150)
        _say(f"\nThe account lives on: {sum(steps.values())} changes; updates, deletions, refunds, a late event ...")
        _say("Second sync, reading only what changed:")
        wrong += _sync(config, account, started, server)
        _ask(directory / "warehouse.duckdb")
    finally:
        server.stop()
    _say(f'\n{time.monotonic() - began:.1f} s in all. Ask more: catchment sql --config {config} "show all tables"')
    return 1 if wrong else 0


def _sync(config: Path, account: Any, started: float, server: Any) -> list[Damage]:
    from catchment.sync import Options, Run, Stop, targets
    from catchment.testing.damage import report
    from catchment.testing.stripe import STRIPE, things
    from catchment.testing.truth import verify
    from config import load
    from state import State

    settings = load(config, os.environ)
    calls, began = server.calls, time.monotonic()
    with State.open(settings.state) as state:
        document = Run(settings, state, Options(), Stop()).run(targets(settings, []))
    took = time.monotonic() - began
    wrong = verify(config.parent / "warehouse.duckdb", SOURCE, things(account), STRIPE, known_since=started)
    source = document["sources"][0]
    _table(source, {damage.table for damage in wrong})
    if source["error"]:
        _say(f"{source['error']['message']} {source['error']['hint']}")
    rows = sum(c["fetched"] for c in source["collections"])
    calls = server.calls - calls
    _say(f"{source['status']}: {rows:,} rows with {calls} API calls in {took:.1f} s; "
         f"{'every cell of every row is right' if not wrong else f'{len(wrong)} WRONG CELLS'}")  # fmt: skip
    if source["api_calls"] != calls or source["status"] != "succeeded":
        wrong.append(Damage("wrong report", "", "", "api_calls", calls, source["api_calls"]))
    if wrong:
        _say(report(wrong))
    return wrong


def _table(source: dict[str, Any], wrong: set[str]) -> None:
    calls = {feed["feed"]: feed["api_calls"] for feed in source["feeds"]}
    lines: list[Sequence[Any]] = [("collection", "fetched", "inserted", "updated", "deleted", "API calls", "verified")]
    for c in source["collections"]:
        name = c["collection"]
        inserted = c["inserted"] + c["appended"]
        verified = "WRONG" if name in wrong else "yes"
        lines.append((name, c["fetched"], inserted, c["updated"], c["deleted"], calls.get(name, ""), verified))
    _print(lines)


def _ask(warehouse: Path) -> None:
    import duckdb

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for question, query in QUESTIONS.items():
            _say(f"\n{question}:")
            found = connection.execute(query)
            _print([[column[0] for column in found.description or ()], *found.fetchall()])


def _print(lines: Sequence[Sequence[Any]]) -> None:
    text = [[f"{cell:,}" if isinstance(cell, int | float) else str(cell) for cell in line] for line in lines]
    widths = [max(len(line[n]) for line in text) for n in range(len(text[0]))]
    for line, cells in zip(text, [lines[1] if len(lines) > 1 else lines[0], *lines[1:]], strict=True):
        parts = [
            part.rjust(width) if isinstance(cell, int | float) else part.ljust(width)
            for part, width, cell in zip(line, widths, cells, strict=True)
        ]
        _say("  " + "  ".join(parts).rstrip())


def _size(account: Any) -> int:
    return sum(1 for _ in account.walk())


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)
