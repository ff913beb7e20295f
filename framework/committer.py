"""What a run has read and not yet committed, and the one thread that commits it."""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from framework.sight import Closed, Gone, Live
from framework.warehouse import Codec, Commit, Committed, Decoded, Pace, Warehouse
from framework.workers import Fetched

FIRST_S = 0.9  # seconds until the first commit
PACK = 10  # pages of a collection that may live as Python objects before they become columns


class Pending:
    """Rows that wait for the next commit. They and the marks that go with them leave together."""

    def __init__(self, codec: Codec, pace: Pace) -> None:
        self._codec = codec
        self._pace = pace
        self._loose: dict[str, list[Decoded]] = defaultdict(list)
        self._commits = 0
        self._clear()

    def add(self, fetched: Fetched) -> None:
        for sight, decoded in zip(fetched.step.sights, fetched.decoded, strict=True):
            self.rows += decoded.rows
            self.bytes += decoded.size
            loose = self._loose[sight.collection]
            loose.append(decoded)
            if len(loose) >= PACK:
                self._packed.append(self._codec.pack(loose))
                loose.clear()
        self.gone += fetched.step.gone
        self.closed += fetched.step.closed
        self.live += fetched.step.live

    @property
    def full(self) -> bool:
        """Whether it holds all that one commit should."""
        return self.rows >= self._pace.rows or self.bytes >= self._pace.bytes

    def due(self, now: float, since: float) -> bool:
        """Whether it is time to commit; never for nothing."""
        # The first rows are there soon; then commits grow as rare as the destination likes them.
        seconds = min(self._pace.seconds, FIRST_S * 1.5 ** min(self._commits, 20))
        return self.full or (not self.empty and now - since >= seconds)

    @property
    def empty(self) -> bool:
        return not (self.rows or self.gone or self.closed)

    def take(self) -> tuple[list[Decoded], list[Gone], list[Closed], list[Live]]:
        for loose in self._loose.values():
            if loose:
                self._packed.append(self._codec.pack(loose))
                loose.clear()
        taken = (self._packed, self.gone, self.closed, self.live)
        self._commits += 1
        self._clear()
        return taken

    def _clear(self) -> None:
        self._packed: list[Decoded] = []
        self.gone: list[Gone] = []
        self.closed: list[Closed] = []
        self.live: list[Live] = []
        self.rows = self.bytes = 0


@dataclass(slots=True)
class Written:
    """What became of a commit."""

    commit: Commit
    done: Committed | None = None
    error: Exception | None = None
    seconds: float = 0.0


class Writer:
    """Commits in its own thread while fetching goes on. One commit at a time."""

    def __init__(self, warehouse: Warehouse, out: queue.SimpleQueue[Any]) -> None:
        self._warehouse = warehouse
        self._out = out
        self._jobs: queue.SimpleQueue[Commit | None] = queue.SimpleQueue()
        self.busy = False
        threading.Thread(target=self._loop, name="commit", daemon=True).start()

    def submit(self, commit: Commit) -> None:
        self.busy = True
        self._jobs.put(commit)

    def close(self) -> None:
        self._jobs.put(None)

    def _loop(self) -> None:
        while (commit := self._jobs.get()) is not None:
            written = Written(commit)
            began = time.monotonic()
            try:
                written.done = self._warehouse.commit(commit)
            except Exception as error:
                written.error = error
            written.seconds = time.monotonic() - began
            self._out.put(written)
