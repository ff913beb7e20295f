"""Progress of a run on standard error: lines redrawn on a terminal, elsewhere a plain line every few seconds."""

from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING, Self, TextIO

from catchment.output import is_terminal

if TYPE_CHECKING:
    from framework.report import SourceReport

REDRAW_S, REPEAT_S = 0.2, 5.0
_READ = ("inserted", "updated", "unchanged", "appended", "quarantined")


class Progress:
    """Called with a source's report after each page and commit; cheap when it is too early to say anything."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = is_terminal(stream)
        self._pause = REDRAW_S if self._live else REPEAT_S
        self._began = time.monotonic()
        self._next = self._began + self._pause
        self._reports: dict[str, SourceReport] = {}
        self._ended: dict[str, float] = {}
        self._drawn = 0
        self._lock = threading.Lock()

    def __call__(self, report: SourceReport) -> None:
        """Notes the report of a source, which changes in place, and says so if it is time."""
        ended = bool(report.status) and report.source not in self._ended
        now = time.monotonic()
        if not ended and now < self._next and report.source in self._reports:
            return
        with self._lock:
            self._reports[report.source] = report
            if ended:
                self._ended[report.source] = now
            if self._live:
                self._draw(now)
            elif ended:
                self._write([_line(report, now - self._began)])
            elif now >= self._next:
                self._next = now + self._pause
                going = [r for name, r in self._reports.items() if name not in self._ended]
                self._write([_line(r, now - self._began) for r in going])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._live:
                self._draw(time.monotonic())

    def _draw(self, now: float) -> None:
        self._next = now + self._pause
        width = shutil.get_terminal_size().columns - 1
        lines = [
            _line(report, self._ended.get(name, now) - self._began)[:width] for name, report in self._reports.items()
        ]
        back = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._drawn = len(lines)
        self._stream.write(back + "".join(f"\x1b[2K{line}\n" for line in lines))
        self._stream.flush()

    def _write(self, lines: list[str]) -> None:
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()


def _line(report: SourceReport, seconds: float) -> str:
    """One source: rows that are safe in the warehouse, calls, calls a second, time."""
    rows = sum(getattr(each.counts, name) for each in report.collections.values() for name in _READ)
    rate = report.api_calls / seconds if seconds > 0 else 0.0
    limited = f"  {report.rate_limited} rate limited" if report.rate_limited else ""
    state = f"  {report.status}" if report.status else ""
    return (
        f"{report.source}  {rows:,} rows  {report.api_calls:,} calls  {rate:.1f} calls/s{limited}"
        f"  {int(seconds) // 60}:{int(seconds) % 60:02}{state}"
    )
