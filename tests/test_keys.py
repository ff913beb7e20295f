"""Keys that a comparison was shown: all of them, in little room."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from framework.keys import Keys


def test_keys_come_back_as_they_went_in() -> None:
    keys, kept = [f"key {n} \n ü" for n in range(25_003)], Keys()
    assert not kept
    for at in range(0, len(keys), 1000):
        kept.add(keys[at : at + 1000])
    kept.add([])
    assert [key for batch in kept for key in batch] == keys
    kept.clear()
    assert not kept
    assert list(kept) == []


@pytest.mark.parametrize("form", ["{:013}", "00190000{:010}AAA"])
def test_a_key_takes_a_dozen_bytes_at_most(form: str) -> None:
    chance = random.Random(1)
    tracemalloc.start()
    try:
        kept = Keys()
        for _ in range(100):
            kept.add([form.format(chance.randrange(10**10)) for _ in range(1000)])
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 12 * 100_000
