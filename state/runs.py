"""What ran, what runs, and that no source is held by two runs at a time."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from state.database import Connection, Database
from state.errors import Busy
from state.interruption import interrupted, stamp
from state.patience import enduring
from state.processes import Process, this_process

LEASE_S = 30.0  # without a sign of life for so long, a process that we cannot look at counts as gone

_HOLDER = "SELECT runs.* FROM leases JOIN runs USING (run_id) WHERE source = ?"


@dataclass(frozen=True, slots=True)
class Claim:
    """A source held by a run. ``interrupted``: the run that it was taken over from, "" if it was free."""

    source: str
    run_id: str
    interrupted: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it stands. ``status``: running, succeeded, partial, failed or interrupted."""

    run_id: str
    command: str
    status: str
    pid: int
    host: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    document: dict[str, Any] = field(repr=False)


class Runs:
    """The runs in one state database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @enduring
    def start(self, run_id: str, command: str) -> None:
        """Records that this process runs ``run_id``. Repeating it changes nothing."""
        with self._database.transaction("runs") as connection:
            _start(connection, run_id, command, self._now(connection))

    @enduring
    def claim(self, source: str, run_id: str, command: str) -> Claim:
        """Takes ``source`` for the run ``run_id`` of this process, which it starts if need be.

        A holder whose process is gone is interrupted and replaced. Raises Busy when it is alive.
        """
        with self._database.transaction("runs") as connection:
            now = self._now(connection)
            holder = connection.execute(_HOLDER, (source,)).fetchone()
            if holder is not None and holder["run_id"] == run_id:
                return Claim(source, run_id)
            if holder is not None:
                if not _gone(holder, now):
                    raise Busy(
                        source,
                        holder["run_id"],
                        holder["pid"],
                        holder["host"],
                        _instant(holder["started_at"]),
                    )
                _interrupt(connection, holder)
            _start(connection, run_id, command, now)
            connection.execute("INSERT INTO leases VALUES (?, ?)", (source, run_id))
            connection.execute("INSERT INTO run_sources VALUES (?, ?) ON CONFLICT DO NOTHING", (source, run_id))
        return Claim(source, run_id, holder["run_id"] if holder is not None else "")

    @enduring
    def release(self, source: str, run_id: str) -> None:
        """Gives ``source`` back before the run ends; nothing if the run does not hold it."""
        with self._database.transaction("runs") as connection:
            connection.execute("DELETE FROM leases WHERE source = ? AND run_id = ?", (source, run_id))

    @enduring
    def renew(self, run_id: str) -> bool:
        """A sign of life, due every few seconds. False: the run was taken over and must stop."""
        with self._database.transaction("runs") as connection:
            changed = connection.execute(
                "UPDATE runs SET renewed_at = ? WHERE run_id = ? AND status = 'running'",
                (self._now(connection), run_id),
            )
        return changed.rowcount == 1

    @enduring
    def save(self, run_id: str, document: Mapping[str, Any]) -> bool:
        """Keeps the document of a run under way, and is a sign of life; returns as ``renew`` does."""
        with self._database.transaction("runs") as connection:
            changed = connection.execute(
                "UPDATE runs SET document = ?, renewed_at = ? WHERE run_id = ? AND status = 'running'",
                (_json(document), self._now(connection), run_id),
            )
        return changed.rowcount == 1

    @enduring
    def finish(self, run_id: str, status: str, document: Mapping[str, Any]) -> bool:
        """Ends the run and gives its sources back. False: it had been taken over, and stays interrupted."""
        with self._database.transaction("runs") as connection:
            now, text = self._now(connection), _json(document)
            changed = connection.execute(
                "UPDATE runs SET status = ?, document = ?, renewed_at = ?, finished_at = ?"
                # What is there already was committed just before a connection broke: it is ours.
                " WHERE run_id = ? AND (status = 'running' OR (status = ? AND document = ?))",
                (status, text, now, now, run_id, status, text),
            )
            connection.execute("DELETE FROM leases WHERE run_id = ?", (run_id,))
        return changed.rowcount == 1

    def get(self, run_id: str) -> Run | None:
        """The run, or None. One whose process is gone is interrupted, taken over or not."""
        return self._first("SELECT * FROM runs WHERE run_id = ?", run_id)

    def last(self, source: str) -> Run | None:
        """The newest run that held ``source``."""
        return next(iter(self.recent(1, source)), None)

    def holder(self, source: str) -> Run | None:
        """The run that holds ``source`` now, if it is alive."""
        run = self._first(_HOLDER, source)
        return run if run is not None and run.status == "running" else None

    @enduring
    def recent(self, limit: int, source: str | None = None) -> list[Run]:
        """The newest runs first; with ``source`` those that held it."""
        of_source = "WHERE run_id IN (SELECT run_id FROM run_sources WHERE source = ?) " if source else ""
        query = f"SELECT * FROM runs {of_source}ORDER BY started_at DESC, run_id DESC LIMIT ?"
        with self._database.connection() as connection:
            rows = connection.execute(query, (source, limit) if source else (limit,)).fetchall()
            return [self._run(connection, row) for row in rows]

    @enduring
    def _first(self, query: str, key: str) -> Run | None:
        with self._database.connection() as connection:
            row = connection.execute(query, (key,)).fetchone()
            return None if row is None else self._run(connection, row)

    def _run(self, connection: Connection, row: Any) -> Run:
        if row["status"] == "running" and _gone(row, self._now(connection)):
            return _interrupted(connection, row)
        finished = None if row["finished_at"] is None else _instant(row["finished_at"])
        return _as_run(row, row["status"], finished, _document(connection, row))

    def _now(self, connection: Connection) -> float:
        told = self._database.now(connection)
        return time.time() if told is None else told


def _start(connection: Connection, run_id: str, command: str, now: float) -> None:
    process = this_process()
    connection.execute(
        "INSERT INTO runs (run_id, command, status, pid, process_start, machine, host, started_at,"
        " renewed_at) VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (run_id, command, process.pid, process.start, process.machine, process.host, now, now),
    )


def _gone(row: Any, now: float) -> bool:
    process = Process(row["pid"], row["process_start"], row["machine"], row["host"])
    gone = process.gone()
    return now - row["renewed_at"] > LEASE_S if gone is None else gone


def _interrupt(connection: Connection, row: Any) -> None:
    """Ends a run whose process is gone, at its last sign of life, and frees all that it held."""
    run = _interrupted(connection, row)
    connection.execute(
        "UPDATE runs SET status = 'interrupted', finished_at = renewed_at, document = ? WHERE run_id = ?",
        (_json(run.document), run.run_id),
    )
    connection.execute("DELETE FROM leases WHERE run_id = ?", (run.run_id,))


def _interrupted(connection: Connection, row: Any) -> Run:
    at = _instant(row["renewed_at"])
    return _as_run(row, "interrupted", at, interrupted(_document(connection, row), at))


def _document(connection: Connection, row: Any) -> dict[str, Any]:
    """The stored document; before the first was saved, what is known of the run."""
    if row["document"] is not None:
        stored: dict[str, Any] = json.loads(row["document"])
        return stored
    held = connection.execute("SELECT source FROM run_sources WHERE run_id = ?", (row["run_id"],))
    return {
        "run_id": row["run_id"],
        "status": row["status"],
        "started_at": stamp(_instant(row["started_at"])),
        "finished_at": None,
        "sources": [{"source": source, "status": "running", "error": None, "collections": []} for (source,) in held],
    }


def _as_run(row: Any, status: str, finished: dt.datetime | None, document: dict[str, Any]) -> Run:
    started = _instant(row["started_at"])
    return Run(row["run_id"], row["command"], status, row["pid"], row["host"], started, finished, document)


def _instant(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
