"""Threads that fetch: each takes a slice, asks, reads and decodes, and hands the result back through one queue."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from framework.bundle import Bundle
from framework.errors import Kind, Refused, Stopped
from framework.feed import Answer, Feed, Slice, State, Step, View
from framework.http import Door
from framework.warehouse import Codec, Decoded

BUNDLED = "bundle"  # the name under which reports count calls that served several feeds
SINGLY = (
    Kind.BUG,
    Kind.GONE,
    Kind.UNAVAILABLE,
    Kind.PERMISSION,
    Kind.SHRINK,
)  # a refused bundle's parts are asked alone
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
    never more than one thread's own work leaves room for. Without latency that is one.
    """

    def __init__(
        self, door: Door, codec: Codec, out: queue.SimpleQueue[Any], per_second: float, bundle: Bundle | None = None
    ) -> None:
        self._door = door
        self._bundle = bundle
        self._codec = codec
        self._out = out
        self._per_second = per_second
        self._tasks: queue.SimpleQueue[list[Task] | None] = queue.SimpleQueue()
        self._threads = 0
        self._seen = 0
        self._cpu_s = 0.002
        self._wait_s = 10.0
        self.busy = 0

    @property
    def want(self) -> int:
        # Before the first pages, the call that opened the run tells how far away the vendor is.
        wait = self._wait_s if self._seen > 1 else self._door.meter.server_s
        by_rate = self._per_second * (wait + self._cpu_s) * 1.4 + 1
        # An answer that takes less than our own work on it leaves nothing to do beside it: a second thread only fights
        # the first for the interpreter, a tenth more processor time and no sooner done (measured).
        by_work = 1 if wait < self._cpu_s else 1 + wait / self._cpu_s
        return max(1, min(LIMIT, int(min(by_rate, by_work) + 0.5)))

    @property
    def slices(self) -> int:
        """How many slices are worth having open at once.

        Half as many again as calls: a page is asked for when the one before it has come, and towards the end a slice
        that turns out shorter than thought leaves its place to one that waits (simulated: 99.7 % of the pace, not 95).
        """
        return self.want + self.want // 2

    def cap(self, per_endpoint: float) -> int:
        """Calls to one endpoint worth having under way at once."""
        if self._seen < 2 or per_endpoint == float("inf"):
            return LIMIT
        return max(2, int(per_endpoint * self._wait_s * 1.5) + 2)

    def submit(self, tasks: list[Task]) -> None:
        """Has one call made for one task, or for several that go in one bundle."""
        self.busy += 1
        if self._threads < min(self.busy, self.want):
            self._threads += 1
            threading.Thread(target=self._loop, name=f"fetch-{self._threads}", daemon=True).start()
        self._tasks.put(tasks)

    def close(self) -> None:
        for _ in range(self._threads):
            self._tasks.put(None)

    def _loop(self) -> None:
        while (tasks := self._tasks.get()) is not None:
            self._out.put(self._together(tasks) if len(tasks) > 1 else [self._fetch(tasks[0])])

    def _together(self, tasks: list[Task]) -> list[Fetched]:
        """Several tasks in one call. What the bundle could not get is asked for alone."""
        assert self._bundle is not None
        bundle, outs = self._bundle, [Fetched(task) for task in tasks]
        alone: list[Fetched] = []

        def read(answer: Answer) -> None:
            alone.clear()
            for out, request, part in zip(outs, requests, bundle.unwrap(answer, requests), strict=True):
                try:
                    opened = self._door.part(request, part, answer.asked)
                    if opened is None:
                        alone.append(out)
                    else:
                        self._read(out, opened)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    alone.append(out)
                except Exception as error:
                    out.error = error

        try:
            requests = [task.feed.request(task.slice_, task.view) for task in tasks]
            feeds = sorted({task.feed.name for task in tasks})
            self._door.send(feeds[0] if len(feeds) == 1 else BUNDLED, bundle.wrap(requests), read, patient=False)
        except Refused as refusal:
            if refusal.kind in SINGLY:  # the bundle as such; what is wrong with a part, its own answer tells
                return [self._fetch(task) for task in tasks]
            return [Fetched(task, error=refusal) for task in tasks]
        except Exception as error:
            return [Fetched(task, error=error) for task in tasks]
        return [self._fetch(out.task) if any(out is one for one in alone) else out for out in outs]

    def _read(self, out: Fetched, answer: Answer) -> None:
        task = out.task
        out.asked = answer.asked
        out.step = task.feed.read(task.slice_, answer, task.state, task.view)
        out.decoded = [self._codec.decode(sight) for sight in out.step.sights]

    def _fetch(self, task: Task) -> Fetched:
        out = Fetched(task)
        began = time.thread_time()

        def read(answer: Answer) -> None:
            self._read(out, answer)
            # The smallest wait seen lately: what the vendor takes, without what our threads and limits add to it.
            self._wait_s = min(self._wait_s * 1.05, max(self._door.meter.server_s, 0.0005))

        try:
            self._door.send(task.feed.name, task.feed.request(task.slice_, task.view), read, patient=False)
        except Stopped as error:
            out.error = error
        except Exception as error:
            out.error = error
        self._cpu_s += (time.thread_time() - began - self._cpu_s) * 0.2
        self._seen += 1
        return out
