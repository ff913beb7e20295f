"""Changes that a change feed can no longer tell, because the vendor has dropped them: a whole listing must."""

from __future__ import annotations

from collections.abc import Collection as Names

from framework.feed import Pass, State


def note(state: State, names: Names[str]) -> None:
    """Remembers what a listing must read again. The marks that prove it move on, so it is kept until that is done."""
    state.memory["lost"] = sorted({*names, *state.memory.get("lost", ())})


def lost(state: State, names: Names[str]) -> bool:
    """Whether changes of any of these collections are lost, and not listed again yet."""
    return not set(names).isdisjoint(state.memory.get("lost", ()))


def closed(state: State, done: Pass, refused: Names[str]) -> None:
    """Forgets what a finished pass has listed again."""
    if done.why == "gap" and "lost" in state.memory:
        state.memory["lost"] = [name for name in state.memory["lost"] if name in refused or name not in done.fills]
