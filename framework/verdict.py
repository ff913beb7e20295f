"""What a run comes to: the fault behind an error, and the status of every selected collection."""

from __future__ import annotations

from collections.abc import Mapping, Set

from framework.errors import Kind, Refused, SourceError, Stopped
from framework.feed import Slice
from framework.holding import Holding
from framework.report import CollectionReport, Fault, SourceReport
from framework.warehouse import Conflict, WarehouseError

HINTS = {
    Kind.AUTH: "The credential was refused: put a valid one into catchment.yaml. No further call was made.",
    Kind.QUOTA: "The next run goes on where this one stopped.",
    Kind.UNAVAILABLE: 'Leave it out with `collections: [default, "!NAME"]` if it is never to come.',
}
LOST = "The vendor has to show them: tell its support. What it did show is here."
LOOK = "`catchment logs RUN` has the details; `catchment sync` goes on where it stopped."


def fault_of(error: Exception, permission_hint: str) -> Fault:
    """The fault that reports show for an error. An error that is none of ours is a defect, kind ``internal``."""
    if isinstance(error, Stopped):
        return Fault("interrupted", "the run was asked to stop; what was read is kept", "`catchment sync` goes on.")
    if isinstance(error, Conflict):
        return Fault("busy", str(error), error.hint)
    if isinstance(error, WarehouseError):
        return Fault(error.kind, str(error), error.hint)
    if isinstance(error, SourceError):
        return Fault(error.kind, str(error), error.hint, error.http_status)
    if isinstance(error, Refused):
        kind = Kind.AUTH if error.kind is Kind.SESSION else error.kind
        message = f"access denied: {error}" if kind is Kind.AUTH else str(error)
        hint = permission_hint if kind is Kind.PERMISSION else HINTS.get(kind, LOOK)
        return Fault(error.report, message, error.hint or hint, error.http_status)
    return Fault("internal", f"{type(error).__name__}: {error}", "Report this with the output of `catchment logs RUN`.")


def met(refusal: Refused, slice_: Slice, *, filling: bool = False) -> Refused:
    """What a refusal means by the slice that it met; ``filling``: in a pass that fills columns of stored rows."""
    kind = refusal.kind
    if kind in (Kind.GONE, Kind.CURSOR) and slice_["kind"] == "list" and not slice_.get("after"):
        kind = Kind.UNAVAILABLE
    elif kind is Kind.GONE and slice_["kind"] == "list":
        kind = Kind.CURSOR  # of a whole list only its page token can be gone
    if kind is Kind.UNAVAILABLE and (filling or slice_["kind"] == "get"):
        kind = Kind.BUG  # rows that stay as they are must say so
    if kind is refusal.kind:
        return refusal
    return Refused(kind, str(refusal), http_status=refusal.http_status, code=refusal.code)


def blame(names: Set[str], kind: Kind, fault: Fault, faults: dict[str, Fault], unavailable: set[str]) -> None:
    """Notes a refusal on what it concerns; the first stands, but that the account does not have it is the least."""
    for name in names:
        if kind is Kind.UNAVAILABLE and name not in faults:
            unavailable.add(name)
        elif kind is not Kind.UNAVAILABLE and name in unavailable:  # a list of it is there, and refused
            unavailable.discard(name)
            faults[name] = fault
        faults.setdefault(name, fault)


def conclude(
    report: SourceReport,
    holdings: Mapping[str, Holding],
    tables: Mapping[str, str],
    faults: Mapping[str, Fault],
    unavailable: set[str],
) -> None:
    """Gives every selected collection its status, its cause and how far it is complete, and the source its own."""
    for holding in holdings.values():
        if holding.not_selected:
            report.not_selected[holding.feed.name] = holding.not_selected
    for name, collection in report.collections.items():
        feeds = [h for h in holdings.values() if name in h.feed.fills]
        filled = [h for h in feeds if h.feed.listing and h.state.tables.get(name) == tables.get(name, "?")]
        own = not any(h.feed.listing for h in feeds)
        if filled or own:  # a change feed's mark counts once a listing is whole
            collection.complete_to = max((h.state.marks.get(name, 0) for h in feeds), default=0)
        _judge(collection, report.error, feeds, filled, faults.get(name), name in unavailable)
    report.close()


def _judge(
    collection: CollectionReport,
    error: Fault | None,
    feeds: list[Holding],
    filled: list[Holding],
    fault: Fault | None,
    unavailable: bool,
) -> None:
    if collection.status:  # a feed has said more precisely what is missing
        return
    counts = collection.counts
    read = counts.inserted + counts.updated + counts.unchanged + counts.appended + counts.deleted > 0
    if unavailable:
        if not filled and not read:
            collection.status, collection.error = "unavailable", fault
            return
        fault = None  # another list of its members is there
    unfinished = any(h.needed and (h.state.open or not h.done) for h in feeds) or not any(h.needed for h in feeds)
    collection.error = fault or (error if unfinished else None)
    if collection.error is None:
        collection.status = "succeeded"
        return
    if collection.error.kind == "permission":
        some = any(not h.failed for h in filled)  # another list shows the rest of its rows
    else:
        some = any(h.done and (not h.feed.listing or h in filled) for h in feeds) and bool(filled)
    collection.status = "partial" if read or some else "failed"
