"""Changes that a change feed can no longer tell, because the vendor has dropped them: a whole listing must."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Sequence
from typing import TYPE_CHECKING

from framework.feed import Pass, State, View

if TYPE_CHECKING:
    from framework.holding import Holding
    from framework.report import SourceReport


def note(state: State, names: Names[str]) -> None:
    """Remembers what a listing must read again. The marks that prove it move on, so it is kept until that is done."""
    state.memory["lost"] = sorted({*names, *state.memory.get("lost", ())})


def noticed(listings: Sequence[Holding], feeds: Sequence[Holding], view: View, report: SourceReport) -> set[str]:
    """What change feeds can no longer bring up to date: noted where it is listed again, and in the report."""
    gone = {name for holding in feeds for name in holding.lost(view.selected, view.now)}
    for holding in listings:
        if names := gone & set(holding.feed.fills):
            note(holding.state, names)
    for holding in feeds if gone else ():
        holding.note_gap(view.now, report)
    return gone


def lost(state: State, names: Names[str]) -> bool:
    """Whether changes of any of these collections are lost, and not listed again yet."""
    return not set(names).isdisjoint(state.memory.get("lost", ()))


def closed(state: State, done: Pass, refused: Names[str]) -> None:
    """Forgets what a finished pass has listed again."""
    if done.why == "gap" and "lost" in state.memory:
        state.memory["lost"] = [name for name in state.memory["lost"] if name in refused or name not in done.fills]
