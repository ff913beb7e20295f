"""Large reads as jobs of the bulk API: made, looked at until done, and their results read page by page."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.salesforce.soql import BASE, JOBS
from framework.errors import Kind, Refused
from framework.feed import Answer, Request, Slice

PATH = f"{BASE}/jobs/query"
POLL_S, POLL_GROWTH, POLL_MAX_S = 2.0, 1.5, 60.0
POLLS = 70  # of one job in a row: with the pauses between them about an hour
_PASSING = frozenset({"job", "polls", "later", "pause", "locator", "after"})
RESTARTS = 3  # of a job whose results are no longer there

# A page should come to about this many bytes; a cell of most columns is short or empty.
PAGE_BYTES = 8_000_000
CELL_BYTES = 14
PAGE_MIN, PAGE_MAX = 2_000, 50_000


class _Job(msgspec.Struct, rename="camel"):
    id: str
    state: str
    error_message: str | None = None


_JOB = msgspec.json.Decoder(_Job)


def rows_of_page(columns: int) -> int:
    """How many rows to ask for at once: wide rows fewer, so that no page outgrows memory."""
    return max(PAGE_MIN, min(PAGE_MAX, PAGE_BYTES // (CELL_BYTES * max(1, columns))))


def request(slice_: Slice, text: str, *, all_rows: bool, columns: int) -> Request:
    """The call of a slice of kind job (make it), poll (is it done?) or results (a page)."""
    if slice_["kind"] == "job":
        body = {"operation": "queryAll" if all_rows else "query", "query": text, "contentType": "CSV",
                "columnDelimiter": "COMMA", "lineEnding": "LF"}  # fmt: skip
        return Request(PATH, endpoint=JOBS, method="POST", body=msgspec.json.encode(body))
    if slice_["kind"] == "poll":
        return Request(f"{PATH}/{slice_['job']}", endpoint=JOBS)
    params = [("maxRecords", str(rows_of_page(columns)))]
    if slice_.get("locator"):
        params.append(("locator", slice_["locator"]))
    return Request(f"{PATH}/{slice_['job']}/results", params, endpoint=JOBS, headers={"Accept": "text/csv"})


def watched(slice_: Slice, answer: Answer) -> Slice:
    """What follows a job's state: another look, its results, or the same read by plain queries.

    Raises Refused when it takes too long for one run: the next looks again.
    """
    job = _JOB.decode(answer.body)
    if job.state == "JobComplete":
        return {**plain(slice_), "kind": "results", "job": job.id}
    if job.state in ("Failed", "Aborted"):
        return {**plain(slice_), "kind": "list", "rest": True}
    polls = slice_.get("polls", 0)
    if polls >= POLLS:
        hint = "The next run looks again. Salesforce lists it in Setup, Bulk Data Load Jobs."
        raise Refused(Kind.RETRY, f"job {job.id} is not done after an hour: {job.state}", report="timeout", hint=hint)
    pause = min(POLL_MAX_S, POLL_S * POLL_GROWTH**polls)
    return {**plain(slice_), "kind": "poll", "job": job.id, "polls": polls + 1, "pause": pause}


def whole(answer: Answer, rows: int) -> None:
    """Raises msgspec.DecodeError when a page holds another number of rows than its header tells."""
    told = answer.headers.get("sforce-numberofrecords", "")
    if told.isdigit() and int(told) != rows:
        raise msgspec.DecodeError(f"a page of {told} rows came with {rows}")


def next_page(slice_: Slice, answer: Answer) -> Slice | None:
    """The next page of results. The vendor ends them with the word null."""
    locator = answer.headers.get("sforce-locator", "")
    if locator in ("", "null"):
        return None
    if locator == slice_.get("locator"):
        raise Refused(Kind.BUG, f"the results of job {slice_['job']} do not move past {locator}")
    return {**slice_, "locator": locator}


def refused(slice_: Slice, refusal: Refused) -> Slice | None:
    """A read whose job was refused goes on by plain queries; one whose results are gone is made again."""
    if refusal.kind in (Kind.RETRY, Kind.WAIT):
        return None  # passing trouble: the next run goes on from this job
    lost = slice_["kind"] != "job" and refusal.kind in (Kind.GONE, Kind.CURSOR, Kind.BUG)
    again = slice_.get("again", 0)
    if lost and again < RESTARTS:
        return {**plain(slice_), "kind": "job", "again": again + 1}
    return {**plain(slice_), "kind": "list", "rest": True}


def plain(slice_: Slice) -> dict[str, Any]:
    """A slice without what belongs to one job or one page."""
    return {name: value for name, value in slice_.items() if name not in _PASSING}
