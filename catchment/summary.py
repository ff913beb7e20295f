"""A run's document as a person reads it: a table per source, and under it what went wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from catchment.output import plain, table

_COUNTS = ("fetched", "inserted", "updated", "deleted")


def summary(document: Mapping[str, Any]) -> str:
    """The whole run."""
    lines = [line for source in document["sources"] for line in (*_source(source), "")]
    end = f" at {instant(document['finished_at'])}" if document["finished_at"] else ""
    return "\n".join([*lines, f"run {document['run_id']}: {document['status']}{end}"])


def instant(text: str | None) -> str:
    """A time of a document as tables show it, in UTC."""
    return text.replace("T", " ").removesuffix("Z") if text else "-"


def cause(error: Mapping[str, Any]) -> str:
    """An error in one line: kind, what happened, and the answer's status if there was one."""
    status = f" (HTTP {error['http_status']})" if error.get("http_status") else ""
    return plain(f"{error['kind']}: {error['message']}{status}")


def _source(source: Mapping[str, Any]) -> Iterator[str]:
    facts = [f"{source.get('api_calls', 0):,} calls"]
    if source.get("rate_limited"):
        facts.append(f"{source['rate_limited']} rate limited")
    if source.get("waited_s"):
        facts.append(f"waited {source['waited_s']:.1f} s")
    if source.get("resumed"):
        facts.append("resumed")
    name = f"{source['source']} ({source['connector']})" if source.get("connector") else source["source"]
    yield f"{name}: {source['status']}, {', '.join(facts)}"
    if source["collections"]:
        rows = [
            (c["collection"], c["status"], *(f"{_count(c, name):,}" for name in _COUNTS), instant(c["complete_to"]))
            for c in source["collections"]
        ]
        headers = ("collection", "status", *_COUNTS, "complete to (UTC)")
        yield table(headers, rows, right=(2, 3, 4, 5), indent="  ")
    yield from causes(source)
    if source.get("deselected"):
        yield f"  no longer selected, their tables stay as they are: {', '.join(source['deselected'])}"
    yield from (f"  {plain(note)}" for note in source.get("notes", ()))


def _count(collection: Mapping[str, Any], name: str) -> int:
    """Rows of event collections are appended: they are new as inserted ones are."""
    extra = collection["appended"] if name == "inserted" else 0
    return int(collection[name] + extra)


def causes(source: Mapping[str, Any]) -> Iterator[str]:
    """Each cause once, with all that it concerns."""
    concerned: dict[tuple[str, str], list[str]] = {}
    if source.get("error"):
        concerned[cause(source["error"]), source["error"].get("hint", "")] = []
    for each in source["collections"]:
        if each.get("error"):
            concerned.setdefault((cause(each["error"]), each["error"].get("hint", "")), []).append(each["collection"])
    for (text, hint), names in concerned.items():
        everything = len(names) == len(source["collections"])
        yield f"  {'all collections' if not names or everything else ', '.join(names)}: {text}"
        if hint:
            yield f"    {plain(hint)}"
