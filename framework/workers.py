"""Threads that fetch: each takes a slice, asks, reads and decodes, and hands the result back through one queue."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from framework.errors import Stopped
from framework.feed import Answer, Feed, Slice, State, Step, View
from framework.http import Door
from framework.warehouse import Codec, Decoded

LIMIT = 32  # threads: beyond that one interpreter gains nothing


@dataclass(slots=True)
class Task:
    """A slice to read, with the state and the view that its feed may look at."""

    feed: Feed
    slice_: Slice
    state: State
    view: View


@dataclass(slots=True)
class Fetched:
    """What became of a task: a step and its decoded sights, or an error."""

    task: Task
    asked: int = 0
    step: Step = field(default_factory=Step)
    decoded: list[Decoded] = field(default_factory=list)
    error: Exception | None = None


class Workers:
    """A pool of daemon threads, so that a hung call can never keep a finished run alive.

    ``want`` is how many calls are worth having under way at once: enough to use the allowed rate at the latency seen,
    never more than one thread's own work leaves room for. Without latency that is one or two.
    """

    def __init__(self, door: Door, codec: Codec, out: queue.SimpleQueue[Any], per_second: float) -> None:
        self._door = door
        self._codec = codec
        self._out = out
        self._per_second = per_second
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._threads = 0
        self._seen = 0
        self._cpu_s = 0.002
        self._wait_s = 10.0
        self.busy = 0

    @property
    def want(self) -> int:
        # Before the first pages, the call that opened the run tells how far away the vendor is.
        wait = self._wait_s if self._seen > 1 else self._door.meter.server_s
        by_rate = self._per_second * (wait + self._cpu_s) * 1.1 + 1
        by_work = 2 if wait < self._cpu_s else 1 + wait / self._cpu_s
        return max(1, min(LIMIT, int(min(by_rate, by_work) + 0.5)))

    def cap(self, per_endpoint: float) -> int:
        """Calls to one endpoint worth having under way at once."""
        if self._seen < 2 or per_endpoint == float("inf"):
            return LIMIT
        return max(2, int(per_endpoint * self._wait_s * 1.5) + 2)

    def submit(self, task: Task) -> None:
        self.busy += 1
        if self._threads < min(self.busy, LIMIT):
            self._threads += 1
            threading.Thread(target=self._loop, name=f"fetch-{self._threads}", daemon=True).start()
        self._tasks.put(task)

    def close(self) -> None:
        for _ in range(self._threads):
            self._tasks.put(None)

    def _loop(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._out.put(self._fetch(task))

    def _fetch(self, task: Task) -> Fetched:
        out = Fetched(task)
        began = time.thread_time()
        sent = time.perf_counter()

        def read(answer: Answer) -> None:
            took = time.perf_counter() - sent
            out.asked = answer.asked
            out.step = task.feed.read(task.slice_, answer, task.state, task.view)
            out.decoded = [self._codec.decode(sight) for sight in out.step.sights]
            # The smallest wait seen lately: what the vendor takes, without what our own threads add to it.
            self._wait_s = min(self._wait_s * 1.05, max(took - (time.thread_time() - began), 0.0005))

        try:
            self._door.send(task.feed.name, task.feed.request(task.slice_, task.view), read)
        except Stopped as error:
            out.error = error
        except Exception as error:
            out.error = error
        self._cpu_s += (time.thread_time() - began - self._cpu_s) * 0.2
        self._seen += 1
        return out
