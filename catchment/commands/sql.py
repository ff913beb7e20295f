"""Runs one query on the warehouse and prints the answer. Never writes, also during a sync."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from catchment import output, session

if TYPE_CHECKING:
    from catchment.query import Column
    from catchment.session import Answer, Rows

HELP = "query the warehouse"
EPILOG = 'Times are in UTC. In CSV, NULL is an empty field, an empty text is "". In JSON, numbers keep every digit.'
_IN_MEMORY = 32_000_000  # characters of an answer; the rest waits in a temporary file


def arguments(parser: ArgumentParser) -> None:
    """The query and how to print its answer."""
    parser.add_argument("query", metavar="SQL", help='one query, such as "SHOW ALL TABLES"')
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="table if not said")


def run(args: Namespace) -> int:
    """Prints the rows once all of them are read, so that a slow reader never holds the warehouse."""
    import shutil
    import sys
    import tempfile

    settings = session.settings(args)
    with tempfile.SpooledTemporaryFile(
        _IN_MEMORY, "w+", encoding="utf-8", errors="backslashreplace", newline=""
    ) as spool:
        with session.answering(settings) as (answer, interrupt):
            _answered(answer, interrupt, args, spool)
        spool.seek(0)
        shutil.copyfileobj(spool, sys.stdout)
    return 0


def _answered(answer: Answer, interrupt: Callable[[], None], args: Namespace, spool: IO[str]) -> None:
    """Writes the answer, from a thread of its own: DuckDB would keep a signal waiting until the query is done."""
    from concurrent.futures import ThreadPoolExecutor, wait

    def work() -> None:
        columns, rows = answer(args.query)
        _WRITERS[args.format](columns, rows, spool)

    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(work)
        try:
            working.result()
        except KeyboardInterrupt:
            while not working.done():
                interrupt()
                wait([working], timeout=0.1)
            raise


def _table(columns: list[Column], rows: Rows, out: IO[str]) -> None:
    from catchment.query import as_text

    shown = [
        ["NULL" if value is None else as_text(value, column) for value, column in zip(row, columns, strict=True)]
        for batch in rows
        for row in batch
    ]
    if columns and columns[0].form == "lines":  # a plan is drawn, not tabled
        out.write("\n".join(cell for row in shown for cell in row[1:]) + "\n")
        return
    if columns:
        numbers = [n for n, column in enumerate(columns) if column.number]
        out.write(output.table([column.name for column in columns], shown, numbers) + "\n")
    out.write(f"({len(shown)} row{'' if len(shown) == 1 else 's'})\n")


def _csv(columns: list[Column], rows: Rows, out: IO[str]) -> None:
    from catchment.query import as_text

    out.write(",".join(_field(column.name) for column in columns) + "\n")
    for batch in rows:
        for row in batch:
            fields = ("" if v is None else _field(as_text(v, c)) for v, c in zip(row, columns, strict=True))
            out.write(",".join(fields) + "\n")


def _field(text: str) -> str:
    if not text or any(letter in text for letter in ',"\n\r') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def _json(columns: list[Column], rows: Rows, out: IO[str]) -> None:
    import json

    from catchment.query import as_json

    names = [json.dumps(column.name, ensure_ascii=False) for column in columns]
    between = "[\n"
    for batch in rows:
        for row in batch:
            fields = (f"{n}: {as_json(v, c)}" for n, v, c in zip(names, row, columns, strict=True))
            out.write(between + "  {" + ", ".join(fields) + "}")
            between = ",\n"
    out.write("[]\n" if between == "[\n" else "\n]\n")


_WRITERS = {"table": _table, "csv": _csv, "json": _json}
