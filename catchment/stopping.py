"""SIGINT and SIGTERM during a run: the first ends it cleanly, the second at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catchment.sync import Stop

_TOLD = b"\nstopping: what was read is kept (once more: at once)\n"


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Hands signals to ``stop`` meanwhile. The run must not hold the main thread, which answers them."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.signal:
            os._exit(128 + number)
        os.write(2, _TOLD)
        stop.set(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
