"""Slices of time of a newest-first list: how one is paged, and split so that several are read side by side."""

from __future__ import annotations

from framework.feed import SECOND, Slice

# Pages that each slice should have left to be worth its cost of about half a page: of several, and of two.
PAGES_MANY, PAGES_EACH = 10, 2
UNKNOWN_SPAN = 4  # times the span walked that a slice keeps when nobody knows how old the account is
RESTARTS = 3  # of one slice whose page token dies again and again


def first(lo: int, hi: int = 0) -> Slice:
    """The slice of everything created in [lo, hi) seconds; 0 leaves that end open."""
    return {"id": f"list/{hi}", "kind": "list", "lo": lo, "hi": hi}


def bounds(slice_: Slice, field: str) -> list[tuple[str, str]]:
    """The parameters that ask for a slice of a list that filters by ``field``."""
    params = []
    if slice_["lo"]:
        params.append((f"{field}[gte]", str(slice_["lo"])))
    if slice_["hi"]:
        params.append((f"{field}[lt]", str(slice_["hi"])))
    return params


def rest(slice_: Slice, last_id: str, newest: int, oldest: int, *, born: int, spare: int) -> list[Slice]:
    """What replaces a slice after a page that was not its last: the next page, and what other threads may read.

    ``newest`` and ``oldest`` are the creation seconds of the page's first and last row, 0 when unknown. The part that
    stays keeps the page token; the others start at a whole second of their own, so nothing is read twice or left out.
    ``left``: about how many pages each still has.
    """
    follow = {"top": newest, **slice_, "after": last_id, "n": slice_.get("n", 0) + 1}
    if not oldest:
        return [follow]
    follow["low"] = oldest
    span = max(1.0, (follow["top"] or newest) - oldest) / follow["n"]  # seconds a page, over this slice so far
    floor = max(slice_["lo"], born // SECOND)
    cuts = []
    if floor and spare > 0:
        pages = (oldest - floor) / span
        pieces = max(min(spare + 1, int(pages / PAGES_MANY)), 2 if pages >= 2 * PAGES_EACH else 1)
        cuts = [floor + (oldest - floor) * k // pieces for k in range(pieces - 1, 0, -1)] if pieces > 1 else []
    elif spare > 0:
        cuts = [int(oldest - UNKNOWN_SPAN * span)] if follow["n"] >= UNKNOWN_SPAN else []
    cuts = [cut for cut in cuts if slice_["lo"] < cut < oldest]
    slices = [follow]
    for cut in cuts:
        slices[-1]["lo"], low = cut, slices[-1]["lo"]
        slices.append(first(low, cut))
    for slice_, top in zip(slices, [oldest, *cuts], strict=True):
        if low := max(slice_["lo"], born // SECOND):
            slice_["left"] = round((top - low) / span, 1)
    return slices


def restart(slice_: Slice) -> Slice | None:
    """The slice again without its page token, which died: its row was deleted. None when that happens for ever.

    Where the walk knows how far down it came (``low``) it goes on from that second, else from the slice's beginning.
    """
    again = slice_.get("again", 0)
    if "low" in slice_:
        hi = slice_["low"] + 1
        moved = not slice_["hi"] or hi < slice_["hi"]
        kept = {name: value for name, value in slice_.items() if name != "after"}
        return {**kept, "hi": hi, "again": 0 if moved else again + 1} if moved or again < RESTARTS else None
    kept = {name: value for name, value in slice_.items() if name not in ("after", "n", "top", "tail", "at")}
    if slice_["kind"] == "more":
        kept["after"] = ""
    return {**kept, "again": again + 1} if again < RESTARTS else None


def smaller(slice_: Slice, limit: int) -> list[Slice] | None:
    """The slice with pages of half the size, because an answer was too large; None when one row already is."""
    size = slice_.get("limit", limit)
    return [{**slice_, "limit": size // 2}] if size > 1 else None
