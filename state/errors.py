"""What can go wrong with the state database."""

from __future__ import annotations

import datetime as dt


class StateError(Exception):
    """The state database (or a log beside it) cannot be used; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} ({hint})")
        self.message = message
        self.hint = hint


class Passing(StateError):
    """The server of the state database does not answer now; the same may work in a moment."""


class Busy(Exception):
    """The source is held by another run that is alive: process ``pid`` on ``host``, since ``started_at``."""

    def __init__(self, source: str, run_id: str, pid: int, host: str, started_at: dt.datetime) -> None:
        since = started_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        super().__init__(f"{source} is held by run {run_id}, process {pid} on {host}, since {since}")
        self.source = source
        self.run_id = run_id
        self.pid = pid
        self.host = host
        self.started_at = started_at
