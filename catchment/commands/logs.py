"""Prints the log of one run: calls that were repeated, refusals, waits, and how it ended."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from catchment import output, session

HELP = "print the log of one run"
EPILOG = "Credentials are masked in logs."
_FIRST = ("time", "level", "event")


def arguments(parser: ArgumentParser) -> None:
    """RUN."""
    parser.add_argument("run", metavar="RUN", help="a run that `catchment runs` lists")


def run(args: Namespace) -> int:
    """Prints a line for each entry."""
    with session.state(session.settings(args)) as state:
        for entry in state.read_log(args.run):
            output.say(_line(entry))
    return 0


def _line(entry: dict[str, Any]) -> str:
    trace = str(entry.pop("trace", "")).rstrip()
    head = [output.plain(str(entry.get(name, ""))) for name in _FIRST]
    fields = [f"{name}={_value(value)}" for name, value in entry.items() if name not in _FIRST and value is not None]
    below = [f"    {output.plain(line)}" for line in trace.splitlines()]
    return "\n".join([" ".join([*head, *fields]), *below])


def _value(value: object) -> str:
    import json

    if isinstance(value, str) and value and value.isprintable() and " " not in value:
        return value
    return output.plain(json.dumps(value, ensure_ascii=False))
