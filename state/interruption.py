"""What the document of a run that was cut off says, for its process can no longer say it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

ENDED = frozenset({"succeeded", "partial", "failed", "unavailable"})

ERROR = {
    "kind": "interrupted",
    "message": "the process of this run ended before the run did",
    "hint": "sync again: it goes on after the last commit",
    "http_status": None,
}


def interrupted(document: Mapping[str, Any], at: dt.datetime) -> dict[str, Any]:
    """``document`` of a run that was cut off ``at``: whatever had not ended has now, with the cause.

    A collection of which something was read is partial, as what was committed is kept; another one failed.
    """
    sources = [_source(source) for source in document.get("sources", ())]
    return {**document, "status": "interrupted", "finished_at": stamp(at), "sources": sources}


def stamp(at: dt.datetime) -> str:
    """As documents write an instant: ``2026-11-20T10:00:00Z``."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    collections = [_collection(collection) for collection in source.get("collections", ())]
    if source.get("status") in ENDED:
        return {**source, "collections": collections}
    statuses = {collection["status"] for collection in collections}
    if "succeeded" not in statuses:
        status = "failed"
    else:
        status = "succeeded" if statuses <= {"succeeded", "unavailable"} else "partial"
    return {**source, "status": status, "error": source.get("error") or ERROR, "collections": collections}


def _collection(collection: Mapping[str, Any]) -> dict[str, Any]:
    if collection.get("status") in ENDED:
        return dict(collection)
    return {**collection, "status": "partial" if collection.get("fetched") else "failed", "error": ERROR}
