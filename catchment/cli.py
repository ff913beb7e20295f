"""The command line: finds the command, runs it, and turns whatever happens into a message and an exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType, ModuleType
from typing import NoReturn

from catchment import output, siblings

COMMANDS = ("demo", "init", "check", "sync", "resync", "status", "runs", "logs", "catalog", "sql")

_DESCRIPTION = "Syncs cloud apps into a warehouse that you query in SQL."
_EPILOG = """`catchment COMMAND --help` tells more.
Exit codes: 0 succeeded, 1 partial or failed, 2 wrong use or configuration."""
_CONFIG = "the configuration (default: CATCHMENT_CONFIG, else ./catchment.yaml)"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise output.UsageError(message, f"see `{self.prog} --help`")


def command(name: str) -> ModuleType:
    """The module of a command: ``HELP``, ``arguments(parser)`` and ``run(args) -> int``."""
    return import_module(f"catchment.commands.{name}")


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    form = argparse.RawDescriptionHelpFormatter
    top = _Parser(prog="catchment", description=_DESCRIPTION, epilog=_EPILOG, allow_abbrev=False, formatter_class=form)
    top.add_argument("--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands", prog="catchment")
    for name in COMMANDS:
        module = command(name)
        one = commands.add_parser(
            name, help=module.HELP, description=module.__doc__, epilog=module.EPILOG, allow_abbrev=False,
            formatter_class=form,
        )  # fmt: skip
        module.arguments(one)
        one.add_argument("--config", metavar="PATH", help=_CONFIG)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; what it writes to a reader that has gone is dropped."""
    given = list(sys.argv[1:] if argv is None else argv)
    output.prepare()
    with _signals() as received:
        try:
            code = _guarded(given)
            sys.stdout.flush()
            return code
        except KeyboardInterrupt:
            return 128 + (received[0] if received else signal.SIGINT)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1


def _guarded(given: Sequence[str]) -> int:
    json = "--json" in given
    args: argparse.Namespace | None = None
    try:
        if wrong := siblings.complaint():
            raise output.UsageError(*wrong)
        args = parser().parse_args(given)
        json = json or getattr(args, "format", "") == "json"
        return _run(args)
    except SystemExit as exit_:  # argparse, after --help
        return exit_.code if isinstance(exit_.code, int) else 2
    except BrokenPipeError:
        raise
    except output.UsageError as error:
        return _failed(json, output.error_document("config", error.message, error.hint), 2)
    except output.Failure as error:
        shown = output.error_document(error.kind, error.message, error.hint, None, error.line, error.column)
        return _failed(json, shown, error.code)
    except Exception as error:
        from catchment.mishap import explain

        document, code = explain(error, args)
        return _failed(json, document, code)


def _run(args: argparse.Namespace) -> int:
    if args.version:
        from catchment import __version__

        output.say(f"catchment {__version__}")
        return 0
    if not args.command:
        raise output.UsageError("no command was given", f"one of: {', '.join(COMMANDS)}; see `catchment --help`")
    code: int = command(args.command).run(args)
    return code


def _failed(json: bool, document: dict[str, object], code: int) -> int:
    """Says what went wrong: one line (and a hint) for people, the document for programs."""
    error = document["error"]
    assert isinstance(error, dict)
    place = ":".join(str(error[part]) for part in ("file", "line", "column") if error[part] is not None)
    text = f"{place}: {error['message']}" if error["file"] else error["message"]
    output.note(f"catchment: {output.plain(text)}")
    if error["hint"]:
        output.note(f"  {output.plain(error['hint'])}")
    if json:
        output.document(document)
        sys.stdout.flush()
    return code


@contextmanager
def _signals() -> Iterator[list[int]]:
    """SIGINT and SIGTERM end any command with the exit code that says so; `sync` puts its own handlers over these."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        received.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
