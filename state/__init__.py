"""The state database: runs, leases and limits; losing it loses no row of the warehouse.

``State`` is the door: one object that holds what all threads and processes of an installation share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from state import logs
from state.database import Database, database_at
from state.documents import Documents
from state.errors import Busy, StateError
from state.limits import Limits
from state.logs import RunLog
from state.runs import Claim, Run, Runs
from state.tokens import Tokens
from state.usage import Usage

__all__ = ["Busy", "Claim", "Documents", "Limits", "Run", "RunLog", "Runs", "State", "StateError", "Tokens", "Usage"]


@dataclass(frozen=True, slots=True)
class State:
    """What one state database holds, and the logs beside it."""

    runs: Runs
    limits: Limits
    documents: Documents
    tokens: Tokens
    usage: Usage
    logs: Path
    _database: Database

    @classmethod
    def open(cls, url: str, folder: Path | None = None) -> State:
        """Opens ``sqlite:///path`` or ``postgresql://user:password@host/database``; makes what is not there.

        Logs and the key for tokens are beside the file; of a server in ``folder`` on this host, ``.catchment`` in the
        working directory where none is given. Raises StateError.
        """
        database = database_at(url, folder or Path(".catchment"))
        return cls(
            Runs(database), Limits(database), Documents(database), Tokens(database), Usage(database),
            database.logs, database,
        )  # fmt: skip

    def log(self, run_id: str, secrets: Iterable[str] = ()) -> RunLog:
        """The log to write for ``run_id``, with ``secrets`` masked."""
        return RunLog(self.logs, run_id, secrets)

    def read_log(self, run_id: str) -> Iterator[dict[str, Any]]:
        """The lines of the log of ``run_id``. Raises StateError if there is none on this host."""
        try:
            return logs.read(self.logs, run_id)
        except StateError:
            run = self.runs.get(run_id) if self._database.shared else None
            if run is None:
                raise
        raise StateError(f"the log of the run {run_id} is not on this host", f"it was written on {run.host}: ask there")

    def close(self) -> None:
        """Closes the connections that are not at work."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
