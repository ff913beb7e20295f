"""Bulk API 2.0 query jobs: made, polled until they are done, read as CSV page by page, kept for seven days."""

import base64
import binascii
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from catchment.imitations.clock import DAY
from catchment.imitations.salesforce import errors, render
from catchment.imitations.salesforce.calls import Answer, Call
from catchment.imitations.salesforce.errors import ApiError
from catchment.imitations.salesforce.ids import record_id
from catchment.imitations.salesforce.numbered import Found
from catchment.imitations.salesforce.organisation import Organisation
from catchment.imitations.salesforce.table import Values
from catchment.imitations.salesforce.view import Selection

KEPT_DAYS = 7
DAILY = 10_000
OWN_PAGE = 50_000
_DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
Rows = Sequence[Values]


@dataclass
class Job:
    """One query job. Its rows are those of the moment it was made; `fails`: how it ends instead of JobComplete."""

    id: str
    operation: str
    selection: Selection
    version: str
    made_at: int
    user: str
    delimiter: str
    ending: str
    rows: Rows
    state: str = "UploadComplete"
    polls: int = 0
    fails: str = ""
    message: str = ""

    @property
    def done(self) -> bool:
        return self.state in ("JobComplete", "Failed", "Aborted")


class Jobs:
    """The query jobs of an organisation. `polls`: how many looks at a job until it is done; `refused`: objects."""

    def __init__(self, org: Organisation) -> None:
        self.org = org
        self.polls = 2
        self.daily = DAILY
        self.refused: set[str] = set()
        self.most_a_page = OWN_PAGE
        self.next_fails: list[tuple[str, str]] = []
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._made: list[int] = []

    def made(self) -> int:
        """Jobs made in the last 24 hours."""
        start = self.org.clock.second() - DAY
        self._made = [at for at in self._made if at > start]
        return len(self._made)

    def answer(self, call: Call, rest: tuple[str, ...]) -> Answer:
        """The answer to a call below /jobs/query."""
        if not rest:
            return self._create(call) if call.method == "POST" else self._list(call)
        job = self._find(call, rest[0])
        if rest[1:] == ("results",) and call.method == "GET":
            return self._results(call, job)
        if rest[1:] == ("resultPages",) and call.method == "GET":
            return self._pages(call, job)
        if rest[1:]:
            raise errors.missing()
        if call.method == "GET":
            self._advance(job)
            return Answer(200, self._shown(job))
        if call.method == "PATCH":
            return self._abort(call, job)
        if call.method == "DELETE":
            if not job.done:
                raise ApiError(400, "INVALIDJOBSTATE", "Job can only be deleted when it is complete, failed or aborted")
            del self._jobs[job.id]
            return Answer(204)
        raise errors.not_allowed(call.method)

    def _create(self, call: Call) -> Answer:
        operation = call.given("operation")
        if operation not in ("query", "queryAll"):
            raise ApiError(400, "INVALIDJOB", f"Operation {operation} is not supported")
        if call.given("contentType", str, "CSV") != "CSV":
            raise ApiError(400, "INVALIDJOB", "Only CSV is supported")
        delimiter = _DELIMITERS.get(call.given("columnDelimiter", str, "COMMA"))
        ending = _ENDINGS.get(call.given("lineEnding", str, "LF"))
        if delimiter is None or ending is None:
            raise ApiError(400, "INVALIDJOB", "Unknown columnDelimiter or lineEnding")
        if self.made() >= self.daily:
            raise ApiError(400, "EXCEEDED_QUOTA", "Daily Bulk API 2.0 query job limit exceeded")
        selection = call.view.select(call.given("query"), deleted=operation == "queryAll")
        self._suits(selection)
        job = Job(
            record_id("750", next(self._numbers)),
            operation,
            selection,
            call.version,
            self.org.clock.second(),
            call.view.user.id,
            delimiter,
            ending,
            call.view.rows(selection),
        )
        if self.next_fails:
            job.fails, job.message = self.next_fails.pop(0)
        self._jobs[job.id] = job
        self._made.append(job.made_at)
        shown = self._shown(job)
        return Answer(200, {name: value for name, value in shown.items() if name not in _LATER})

    def _suits(self, selection: Selection) -> None:
        kind = selection.kind
        if not kind.bulk or kind.name in self.refused:
            raise ApiError(400, "INVALIDENTITY", f"Entity '{kind.name}' is not supported by the Bulk API.")
        if selection.query.counts or selection.query.offset:
            raise ApiError(400, "FEATURENOTENABLED", "Aggregate queries and OFFSET are not supported by Bulk query")
        for field in selection.fields:
            if field.parts_only or field.type == "base64":
                raise ApiError(
                    400,
                    "FUNCTIONALITY_NOT_ENABLED",
                    "Selecting compound data not supported in Bulk Query"
                    if field.parts_only
                    else f"Field {field.name} of type base64 is not supported in Bulk Query",
                )

    def _find(self, call: Call, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None or job.made_at < self.org.clock.second() - KEPT_DAYS * DAY or job.user != call.view.user.id:
            raise errors.missing()
        return job

    def _advance(self, job: Job) -> None:
        if job.done:
            return
        job.polls += 1
        if job.polls < self.polls:
            job.state = "InProgress"
        else:
            job.state = job.fails or "JobComplete"

    def _shown(self, job: Job) -> dict[str, Any]:
        processed = len(job.rows) if job.state == "JobComplete" else 0
        shown: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.selection.kind.name,
            "createdById": job.user,
            "createdDate": render.moment(job.made_at),
            "systemModstamp": render.moment(job.made_at + job.polls),
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(job.version),
            "lineEnding": next(name for name, value in _ENDINGS.items() if value == job.ending),
            "columnDelimiter": next(name for name, value in _DELIMITERS.items() if value == job.delimiter),
            "jobType": "V2Query",
            "numberRecordsProcessed": processed,
            "retries": 0,
            "totalProcessingTime": processed // 100,
            "isPkChunkingSupported": True,
        }
        return {**shown, "errorMessage": job.message} if job.state in ("Failed", "Aborted") else shown

    def _abort(self, call: Call, job: Job) -> Answer:
        if call.given("state") != "Aborted" or job.done:
            raise ApiError(400, "INVALIDJOBSTATE", f"Job {job.id} cannot be aborted")
        job.state = "Aborted"
        return Answer(200, self._shown(job))

    def _list(self, call: Call) -> Answer:
        own = [self._shown(job) for job in self._jobs.values() if job.user == call.view.user.id]
        return Answer(200, {"done": True, "records": own, "nextRecordsUrl": None})

    def _readable(self, call: Call, job: Job) -> None:
        if call.version != job.version:
            raise ApiError(
                409, "API_VERSION_MISMATCH", f"Results must be read with the version of the job, {job.version}"
            )
        if job.state != "JobComplete":
            raise ApiError(400, "INVALIDJOBSTATE", f"Job {job.id} is not complete: its state is {job.state}")

    def _results(self, call: Call, job: Job) -> Answer:
        self._readable(call, job)
        start = _offset(call.params.get("locator"), len(job.rows))
        size = self._size(call)
        rows = job.rows[start : start + size]
        end = start + len(rows)
        headers = {
            "Content-Type": "text/csv",
            "Sforce-NumberOfRecords": str(len(rows)),
            "Sforce-Locator": "null" if end >= len(job.rows) else _locator(end),
        }
        return Answer(200, None, headers, written(job, rows))

    def _pages(self, call: Call, job: Job) -> Answer:
        self._readable(call, job)
        if int(call.version.partition(".")[0]) < 58:
            raise errors.missing()
        size = self._size(call)
        start = _offset(call.params.get("locator"), len(job.rows))
        starts = list(range(start, max(len(job.rows), 1), size))
        base = f"{call.root}/jobs/query/{job.id}/results?maxRecords={size}"
        pages = [{"resultUrl": base + (f"&locator={_locator(at)}" if at else "")} for at in starts[:5]]
        body: dict[str, Any] = {"resultPages": pages, "done": len(starts) <= 5}
        if len(starts) > 5:
            more = f"resultPages?maxRecords={size}&locator={_locator(starts[5])}"
            body["nextRecordsUrl"] = f"{call.root}/jobs/query/{job.id}/{more}"
        return Answer(200, body)

    def _size(self, call: Call) -> int:
        asked = call.params.get("maxRecords")
        if asked is None:
            return self.most_a_page
        if not asked.isdecimal() or int(asked) < 1:
            raise ApiError(400, "INVALID_FIELD", "maxRecords must be a positive number")
        return int(asked)


_LATER = ("jobType", "numberRecordsProcessed", "retries", "totalProcessingTime", "isPkChunkingSupported")


def written(job: Job, rows: Rows) -> bytes:
    """Rows as CSV with a header; every cell is quoted."""
    cells: list[Callable[[Values], str]] = [render.csv(field) for field in job.selection.fields]
    between, end = f'"{job.delimiter}"', f'"{job.ending}'
    names = [field.name for field in job.selection.fields]

    def line(row: Values) -> bytes:
        return ('"' + between.join([cell(row) for cell in cells]) + end).encode()

    head = ('"' + between.join(names) + end).encode()
    if isinstance(rows, Found):
        return head + b"".join(rows.written(("csv", job.delimiter, job.ending, *names), line))
    return head + b"".join([line(row) for row in rows])


def _locator(offset: int) -> str:
    return base64.urlsafe_b64encode(f"{offset:010d}".encode()).decode().rstrip("=")


def _offset(locator: str | None, rows: int) -> int:
    if locator is None:
        return 0
    try:
        offset = int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error) as wrong:
        raise errors.ApiError(400, "INVALID_QUERY_LOCATOR", "invalid locator") from wrong
    if not 0 < offset < max(rows, 1):
        raise errors.ApiError(400, "INVALID_QUERY_LOCATOR", "invalid locator")
    return offset
