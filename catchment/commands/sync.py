"""Brings sources up to date: every selected collection, or only those that are named."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from catchment import output, session

if TYPE_CHECKING:
    from catchment.sync import Options
    from state import State

AWAKE_S = 0.1
HELP = "bring sources up to date, now"
EPILOG = """The result goes to standard output, the progress to standard error.
A signal ends the run cleanly: what was read is kept. A second one ends it at once."""


def arguments(parser: ArgumentParser) -> None:
    """SOURCE[.COLLECTION]..., and how."""
    parser.add_argument("names", nargs="*", metavar="SOURCE[.COLLECTION]", help="what to sync (default: every source)")
    parser.add_argument("--due", action="store_true", help="skip lists whose cadence has not come, as schedules do")
    parser.add_argument("--wait", action="store_true", help="wait for a source that another run holds")
    parser.add_argument("--accept-deletes", action="store_true", help="also mark deletions that were held as too many")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: Namespace) -> int:
    """Runs a sync and prints its document or summary."""
    from catchment.sync import Options

    return execute(args, args.names, Options(due=args.due, wait=args.wait, accept_deletes=args.accept_deletes))


def execute(args: Namespace, names: list[str], options: Options) -> int:
    """One run over the named sources, in a thread of its own so that the main one can answer signals."""
    import sys
    from concurrent.futures import ThreadPoolExecutor, wait

    from catchment.progress import Progress
    from catchment.stopping import stopped_by_signals
    from catchment.summary import summary
    from catchment.sync import Run, Stop, exit_code, targets

    settings = session.settings(args)
    session.warehouse(settings)
    if not settings.sources:
        raise settings.error(
            ("sources",), "there is no source to sync", "add one; `catchment init` shows how", at="key"
        )
    chosen = targets(settings, names)
    stop = Stop()
    with session.state(settings) as state, stopped_by_signals(stop), ThreadPoolExecutor(1) as thread:
        if options.wait:
            _say_who_is_waited_for(state, [target.source.name for target in chosen])
        with Progress(sys.stderr) as progress:
            running = thread.submit(Run(settings, state, options, stop).run, chosen, progress)
            # Awake now and then: a signal that another thread was given is answered only when this one runs.
            while not wait([running], timeout=AWAKE_S).done:
                pass
            document = running.result()
        if args.json:
            output.document(document)
        else:
            output.say(summary(document))
        sys.stdout.flush()
    return exit_code([document], stop.signal)


def _say_who_is_waited_for(state: State, sources: list[str]) -> None:
    for source in sources:
        if holder := state.runs.holder(source):
            output.note(f"{source}: waiting for run {holder.run_id} (process {holder.pid} on {holder.host})")
