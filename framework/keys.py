"""Many keys in little room: those that a comparison was shown, of which a table may have millions."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import msgspec

_BATCH = 10_000  # keys that are packed together: the more, the smaller
_FAST = 1  # zlib's level: what keys have in common is found by any


class Keys:
    """Keys as they came, repeats among them, packed in batches: the ids of our vendors take six to ten bytes each."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._loose: list[str] = []

    def add(self, keys: Sequence[str]) -> None:
        self._loose += keys
        if len(self._loose) >= _BATCH:
            self._packed.append(zlib.compress(msgspec.msgpack.encode(self._loose), _FAST))
            self._loose.clear()

    def clear(self) -> None:
        self._packed.clear()
        self._loose.clear()

    def __bool__(self) -> bool:
        return bool(self._packed or self._loose)

    def __iter__(self) -> Iterator[Sequence[str]]:
        """All of them, a batch at a time."""
        for packed in self._packed:
            yield msgspec.msgpack.decode(zlib.decompress(packed), type=list[str])
        if self._loose:
            yield self._loose
