"""The documents a run ends with: what happened to every collection, source and run, in the contract's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from framework.feed import SECOND
from framework.warehouse import Counts


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as reports show it: its kind, what happened, what to do next."""

    kind: str
    message: str
    hint: str = ""
    http_status: int | None = None

    def document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class CollectionReport:
    """One collection in one run."""

    collection: str
    status: str = ""
    complete_to: int = 0
    counts: Counts = field(default_factory=Counts)
    error: Fault | None = None

    def document(self) -> dict[str, Any]:
        counts = {name: getattr(self.counts, name) for name in Counts.__slots__}
        fetched = sum(counts[n] for n in ("inserted", "updated", "unchanged", "appended", "quarantined"))
        return {
            "collection": self.collection,
            "status": self.status or "running",
            "complete_to": iso(self.complete_to),
            "fetched": fetched,
            **counts,
            "error": self.error.document() if self.error else None,
        }


@dataclass(slots=True)
class SourceReport:
    """One source in one run."""

    source: str
    connector: str
    collections: dict[str, CollectionReport]
    status: str = ""
    resumed: bool = False
    api_calls: int = 0
    rate_limited: int = 0
    waited_s: float = 0.0
    feeds: Counter[str] = field(default_factory=Counter)
    not_selected: dict[str, dict[str, int]] = field(default_factory=dict)
    error: Fault | None = None
    deselected: list[str] = field(default_factory=list)  # collections with a table that are no longer selected
    notes: list[str] = field(default_factory=list)  # what else somebody should know of the run

    def leave(self, tables: Iterable[str], chosen: frozenset[str]) -> None:
        """Says which tables are there of collections that are no longer chosen."""
        self.deselected = sorted(set(tables) - chosen) if chosen else []

    def close(self) -> None:
        """Gives every collection and the source its final status."""
        for report in self.collections.values():
            if not report.status:
                report.status, report.error = "failed", report.error or self.error
        self.status = overall([report.status for report in self.collections.values()])
        if self.error and self.error.kind == "quota":
            self.status = "partial"  # it goes on from here when the allowance is there again
        if self.error and self.status == "succeeded":
            self.status = "partial"
        if self.status == "failed" and not self.error and _all(self, "unavailable"):
            self.error = Fault(
                "config", "the account has none of the selected collections", "Select others in `collections:`."
            )

    def document(self) -> dict[str, Any]:
        feeds: list[dict[str, Any]] = []
        for name, calls in sorted(self.feeds.items()):
            feeds.append({"feed": name, "api_calls": calls})
            if self.not_selected.get(name):
                feeds[-1]["not_selected"] = self.not_selected[name]
        return {
            "source": self.source,
            "connector": self.connector,
            "status": self.status or "running",
            "resumed": self.resumed,
            "api_calls": self.api_calls,
            "rate_limited": self.rate_limited,
            "waited_s": round(self.waited_s, 3),
            "feeds": feeds,
            "error": self.error.document() if self.error else None,
            **({"deselected": self.deselected} if self.deselected else {}),
            **({"notes": self.notes} if self.notes else {}),
            "collections": [report.document() for report in self.collections.values()],
        }


def overall(statuses: Iterable[str]) -> str:
    """A source's status from its collections': failed when none succeeded; unavailable ones do not count."""
    counted = {status for status in statuses if status != "unavailable"}
    if "succeeded" not in counted:
        return "failed"
    return "succeeded" if counted == {"succeeded"} else "partial"


def together(statuses: Iterable[str]) -> str:
    """A run's status from its sources'."""
    found = set(statuses)
    if found <= {"succeeded"} and found:
        return "succeeded"
    return "failed" if found <= {"failed"} else "partial"


def run_document(
    run_id: str, started_at: str, finished_at: str | None, sources: list[Mapping[str, Any]]
) -> dict[str, Any]:
    """A run's document. ``finished_at`` None: it goes on."""
    status = together([source["status"] for source in sources]) if finished_at else "running"
    return {
        "run_id": run_id,
        "status": status,
        "started_at": started_at,
        "finished_at": finished_at,
        "sources": list(sources),
    }


def iso(micros: int) -> str | None:
    """A time of the framework as the contract writes it, whole seconds, UTC."""
    if micros <= 0:
        return None
    return datetime.fromtimestamp(micros // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _all(report: SourceReport, status: str) -> bool:
    return bool(report.collections) and all(c.status == status for c in report.collections.values())
