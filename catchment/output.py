"""What commands write: one document or text on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

_WIDEST = 60  # characters of one cell that a table shows on a terminal


class UsageError(Exception):
    """A command line that cannot be right. ``hint`` says what would be."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Failure(Exception):
    """A command that could not do its work: ``kind`` and ``hint`` as in the reports, ``code`` to exit with."""

    def __init__(self, message: str, hint: str = "", kind: str = "warehouse", code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind
        self.code = code
        self.line: int | None = None
        self.column: int | None = None


def prepare() -> None:
    """Lets standard output and error take any text, whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if not stream.isatty():
                stream.reconfigure(encoding="utf-8")
            stream.reconfigure(errors="backslashreplace")


def say(text: str = "") -> None:
    """One line, or several, on standard output."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(text + "\n")


def document(value: object) -> None:
    """The one document of a command with ``--json``."""
    say(json.dumps(value, ensure_ascii=False, indent=2))


def error_document(
    kind: str, message: str, hint: str, file: str | None = None, line: int | None = None, column: int | None = None
) -> dict[str, object]:
    """What is printed in place of a command's document when it could not do its work."""
    return {"error": {"kind": kind, "message": message, "file": file, "line": line, "column": column, "hint": hint}}


def plain(text: str) -> str:
    """The text on one line, without what would steer a terminal: vendors' words are not ours."""
    return "".join(_shown(letter) for letter in text) if not text.isprintable() else text


def _shown(letter: str) -> str:
    if letter.isprintable():
        return letter
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter) or ascii(letter)[1:-1]


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = (), indent: str = "") -> str:
    """Rows under their headers, as wide as needed; columns in ``right`` are numbers. No trailing blanks."""
    shown = [[plain(cell) for cell in row] for row in [headers, *rows]]
    if sys.stdout.isatty():
        shown = [[cell if len(cell) <= _WIDEST else cell[: _WIDEST - 1] + "…" for cell in row] for row in shown]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    numbers = frozenset(right)

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if n in numbers else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return (indent + "  ".join(padded)).rstrip()

    rule = indent + "  ".join("-" * width for width in widths)
    return "\n".join([line(shown[0]), rule, *map(line, shown[1:])])


def is_terminal(stream: TextIO) -> bool:
    """Whether lines on this stream can be drawn over."""
    import os

    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
