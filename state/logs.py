"""The log of each run: a file beside the state database, one JSON object a line."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from state.errors import StateError
from state.redaction import redactor

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


class RunLog:
    """Appends to the log of ``run_id`` under ``folder``; safe from many threads, on disk line by line.

    ``secrets`` are masked wherever they turn up in a line. Raises OSError when the file cannot be written.
    """

    def __init__(self, folder: Path, run_id: str, secrets: Iterable[str] = ()) -> None:
        self.file = _file(folder, run_id)
        self._redact = redactor(secrets)
        self._lock = threading.Lock()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.file.open("a", encoding="utf-8", errors="backslashreplace")

    def write(self, level: str, event: str, **fields: Any) -> None:
        """One line: ``time`` (UTC), ``level``, ``event`` and the fields. After ``close`` it does nothing."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, "event": event} | fields | {"time": now}
        text = json.dumps(self._redact(line), ensure_ascii=False, default=str)
        with self._lock:
            if not self._stream.closed:
                self._stream.write(text + "\n")
                self._stream.flush()

    def learn(self, *secrets: str) -> None:
        """Masks these too from now on."""
        self._redact.learn(*secrets)

    def close(self) -> None:
        with self._lock:
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def read(folder: Path, run_id: str) -> Iterator[dict[str, Any]]:
    """The lines of a run's log, in order. Raises StateError if there is none.

    A last line that a kill cut off is left out.
    """
    file = _file(folder, run_id)
    if not file.is_file():
        raise StateError(f"there is no log of a run {run_id!r}", "`catchment runs` lists the runs")
    return _lines(file)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield json.loads(line)


def _file(folder: Path, run_id: str) -> Path:
    if not _RUN_ID.fullmatch(run_id):
        raise StateError(f"{run_id!r} is no run", "`catchment runs` lists the runs")
    return folder / f"{run_id}.jsonl"
