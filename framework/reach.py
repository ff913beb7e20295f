"""How far back tables reach: a start date that moves back has only the older part read, one that moves on nothing."""

from __future__ import annotations

from collections.abc import Sequence

from framework.feed import Pass, State, View


def note(opened: Pass, view: View) -> None:
    """Ties a pass to the start date that it opens under: it may end in a run that has another."""
    opened.notes.setdefault("start", view.start)


def earlier(state: State, view: View, fills: Sequence[str]) -> Pass | None:
    """The pass that reads what lies before the start date that the tables were filled under, if anything does."""
    reached = state.memory.get("start", view.start)
    return Pass("earlier", list(fills), notes={"until": reached}) if view.start < reached else None


def span(opened: Pass | None, view: View) -> tuple[int, int]:
    """From when to when (0: no end) a pass reads what a start date bounds."""
    notes = opened.notes if opened else {}
    return notes.get("start", view.start), notes.get("until", 0)


def reached(done: Pass, view: View) -> int:
    """How far back the tables reach that a pass has filled."""
    return int(done.notes.get("start", view.start))
