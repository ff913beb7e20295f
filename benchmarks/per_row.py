"""The processor time and memory of a row: Zendesk's and Salesforce's beside Stripe's, in the same rounds."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

from benchmarks.options import Options
from benchmarks.readers import SALESFORCE, STRIPE, ZENDESK, Read, Reader
from benchmarks.table import Bar, Section, at_most

NAME = "per-row"
LARGE, SMALL = 500_000, 60_000  # rows; of six objects of Salesforce, the smaller ones are below the size of a job
OF_STRIPE = 1.5
BULK, REST = replace(SALESFORCE, name="Salesforce, bulk jobs"), replace(SALESFORCE, name="Salesforce, REST queries")


def measure(options: Options) -> Section:
    """Every connector once in every round, at both sizes."""
    rows: list[Sequence[str | Bar]] = []
    for size in options.sizes(LARGE, SMALL):
        readers = (STRIPE, ZENDESK, BULK if size > SMALL else REST)
        rows += _rows(interleaved(readers, size, (options.rounds + 1) // 2))
    return Section(
        NAME,
        "What a row costs, by connector",
        "First syncs without latency and without limits. A ticket and its metrics are two rows.",
        options.command(NAME),
        ("rows", "connector", "rounds", "calls", "CPU s", "CPU s / 100k", "peak MB", "CPU a row / Stripe's", "bar"),
        rows,
    )


def interleaved(readers: Sequence[Reader], rows: int, rounds: int) -> dict[str, list[Read]]:
    """What each read, one run each in every round."""
    found: dict[str, list[Read]] = {}
    with ExitStack() as running:
        served = [(reader, running.enter_context(reader.serving(rows))) for reader in readers]
        for _ in range(rounds):
            for reader, imitation in served:
                found.setdefault(reader.name, []).append(reader.first_sync(imitation))
    return found


def _rows(found: dict[str, list[Read]]) -> list[Sequence[str | Bar]]:
    stripe, rows = found[STRIPE.name], list[Sequence[str | Bar]]()
    for name, reads in found.items():
        ratio = median(its.per_row / ours.per_row for its, ours in zip(reads, stripe, strict=True))
        against = ("", "") if name == STRIPE.name else (f"{ratio:.2f}", at_most(ratio, OF_STRIPE))
        rows.append(
            (
                *(f"{reads[0].rows:,}", name, str(len(reads)), f"{reads[0].calls:,}"),
                f"{median(read.cost.cpu for read in reads):.2f}",
                f"{median(read.per_row for read in reads):.2f}",
                f"{median(read.cost.peak_mb for read in reads):.0f}",
                *against,
            )
        )
    return rows
