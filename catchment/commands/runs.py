"""Lists the runs, newest first, or shows what one of them did."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from catchment import output, session

if TYPE_CHECKING:
    from state import Run

HELP = "list runs, or show one"
EPILOG = "A run that was killed is shown as interrupted, with what it had done until then."
LIMIT = 50


def arguments(parser: ArgumentParser) -> None:
    """RUN and --json."""
    parser.add_argument("run", nargs="?", metavar="RUN", help=f"one run, in full (default: the last {LIMIT}, in short)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: Namespace) -> int:
    """Prints the list, or one run's document."""
    with session.state(session.settings(args)) as state:
        if args.run:
            return _one(state.runs.get(args.run), args)
        runs = [_brief(each) for each in state.runs.recent(LIMIT)]
    if args.json:
        output.document({"runs": runs})
    elif runs:
        rows = [_row(each) for each in runs]
        output.say(output.table(("run", "command", "status", "started (UTC)", "finished", "sources"), rows))
    else:
        output.say("There is no run yet: `catchment sync` makes the first.")
    return 0


def _one(run: Run | None, args: Namespace) -> int:
    from catchment.summary import summary

    if run is None:
        raise output.UsageError(f"there is no run {args.run!r}", "`catchment runs` lists them")
    if args.json:
        output.document(run.document)
    else:
        output.say(summary(run.document))
        output.say(f"log: catchment logs {run.run_id}")
    return 0


def _brief(run: Run) -> dict[str, Any]:
    """A run without its collections."""
    document = run.document
    return {
        "run_id": run.run_id,
        "command": run.command,
        "status": run.status,
        "started_at": document["started_at"],
        "finished_at": document["finished_at"],
        "pid": run.pid,
        "host": run.host,
        "sources": [{k: v for k, v in s.items() if k not in ("collections", "feeds")} for s in document["sources"]],
    }


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    from catchment.summary import instant

    sources = ", ".join(f"{source['source']} {source['status']}" for source in run["sources"])
    return (
        run["run_id"],
        run["command"],
        run["status"],
        instant(run["started_at"]),
        instant(run["finished_at"]),
        sources,
    )
