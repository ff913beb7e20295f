"""Writes a first catchment.yaml, to be filled in."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from catchment import output

HELP = "write a first catchment.yaml"
EPILOG = "Never overwrites a file. Then: set the variables that it names, and `catchment check`."


def arguments(parser: ArgumentParser) -> None:
    """None but those of all commands."""


def run(args: Namespace) -> int:
    """Writes the template and says what comes next."""
    from pathlib import Path

    from config import TEMPLATE

    file = Path(args.config or os.environ.get("CATCHMENT_CONFIG") or "catchment.yaml")
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(TEMPLATE)
    except FileExistsError:
        raise output.UsageError(f"{file} exists already", "edit it, or name another file with --config") from None
    except OSError as error:
        raise output.UsageError(
            f"{file} cannot be written: {error.strerror}", "name another file with --config"
        ) from error
    output.say(f"Wrote {file}. Next: set STRIPE_API_KEY (or edit the file), then run `catchment check`.")
    return 0
