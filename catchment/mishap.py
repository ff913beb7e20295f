"""What is said of an error that no command expected: one line, and where its details were written."""

from __future__ import annotations

import tempfile
import traceback
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from catchment.output import error_document


def explain(error: Exception, args: Namespace | None) -> tuple[dict[str, object], int]:
    """The error document and exit code of an exception that ended a command."""
    from config import ConfigError
    from framework.warehouse import WarehouseError
    from state import StateError

    if isinstance(error, ConfigError):
        return {"error": error.as_dict()}, 2
    if isinstance(error, StateError):
        return error_document("config", error.message, error.hint), 2
    if isinstance(error, WarehouseError):
        return error_document(error.kind, str(error), error.hint), 2 if error.kind == "config" else 1
    return _unexpected(error, args), 1


def _unexpected(error: Exception, args: Namespace | None) -> dict[str, object]:
    from state.logs import RunLog
    from state.redaction import redactor

    settings = getattr(args, "settings", None)
    secrets = [secret for source in settings.sources.values() for secret in source.secrets()] if settings else []
    message = redactor(secrets)(f"{type(error).__name__}: {error}".splitlines()[0])
    trace = "".join(traceback.format_exception(error))
    for folder in _folders(settings.state if settings else ""):
        try:
            with RunLog(folder, f"mishap-{datetime.now(UTC):%Y%m%dT%H%M%S}", secrets) as log:
                log.write("error", "defect", command=getattr(args, "command", None), trace=trace)
        except OSError:
            continue
        return error_document("internal", message, f"this is a defect of Catchment; its details are in {log.file}")
    return error_document("internal", message, "this is a defect of Catchment; its details could not be written down")


def _folders(state: str) -> list[Path]:
    """Where details may go: beside the run logs, else where temporary files go."""
    beside = [Path(state.partition("://")[2][1:]).parent / "logs"] if state.startswith("sqlite://") else []
    if state.startswith("postgresql://"):
        beside = [Path(".catchment") / "logs"]
    return [*beside, Path(tempfile.gettempdir())]
