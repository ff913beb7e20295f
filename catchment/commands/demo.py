"""Syncs an invented business out of three imitated apps into a warehouse, twice, and verifies every cell."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from catchment import output

if TYPE_CHECKING:
    from pathlib import Path

HELP = "sync three invented accounts and verify every cell"
EPILOG = "Needs no account and no network. The warehouse stays in the directory, to be queried."
_OURS = {"catchment.yaml", "warehouse.duckdb", "warehouse.duckdb.wal", "warehouse.duckdb.lock", ".catchment"}


def arguments(parser: ArgumentParser) -> None:
    """Where, how much, and which invention."""
    parser.add_argument(
        "--directory", default="catchment-demo", metavar="PATH", help="where (default: ./catchment-demo)"
    )
    parser.add_argument(
        "--warehouse", metavar="ADDRESS", help="a PostgreSQL database, postgresql://… (default: a DuckDB file there)"
    )
    parser.add_argument(
        "--objects", type=_count, default=20_000, metavar="N", help="size of all three accounts (default: 20000)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another business (default: 1)")


def run(args: Namespace) -> int:
    """Runs the demo in a directory of its own."""
    from pathlib import Path

    from catchment.demo import main

    directory = Path(args.directory)
    if not _free(directory):
        raise output.UsageError(f"{directory} holds something else than a demo", "name another place with --directory")
    if args.warehouse is not None and not args.warehouse.startswith("postgresql://"):
        raise output.UsageError("--warehouse is no address of a PostgreSQL database", "write postgresql://USER@HOST/DB")
    return main(directory, args.objects, args.seed, args.warehouse or "")


def _free(directory: Path) -> bool:
    """Whether the demo may empty it: it holds nothing, or an earlier demo alone."""
    if not directory.exists():
        return True
    if not directory.is_dir():
        return False
    held = {entry.name for entry in directory.iterdir()}
    config = directory / "catchment.yaml"
    return not held or (held <= _OURS and config.is_file() and "sk_test_imitation" in config.read_text("utf-8"))


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number of objects")
    return int(text)
