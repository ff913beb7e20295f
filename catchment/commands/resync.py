"""Reads a source or a collection again, in place: from the beginning, or from a date on."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from catchment import output
from catchment.commands.sync import execute

HELP = "read a source or collection again, in place"
EPILOG = """Rows stay readable meanwhile; those that are gone at the vendor are marked as deleted.
An interrupted resync goes on with the next `catchment sync`."""


def arguments(parser: ArgumentParser) -> None:
    """SOURCE[.COLLECTION] and how far back."""
    parser.add_argument("name", metavar="SOURCE[.COLLECTION]", help="what to read again")
    parser.add_argument("--since", metavar="DATE", help="only what was created from DATE (YYYY-MM-DD, UTC) on")
    parser.add_argument("--wait", action="store_true", help="wait for a source that another run holds")
    parser.add_argument("--json", action="store_true", help="print one JSON document, as `sync` does")


def run(args: Namespace) -> int:
    """Runs a sync that reads everything again."""
    from catchment.sync import Options

    since = _micros(args.since) if args.since else 0
    return execute(args, [args.name], Options(wait=args.wait, again=True, since=since))


def _micros(text: str) -> int:
    from datetime import UTC, date, datetime, time

    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise output.UsageError(f"{text!r} is no date", "write it as 2026-01-31") from None
    if day > datetime.now(UTC).date():
        raise output.UsageError(f"{text} is in the future", "name a day that has begun")
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000
