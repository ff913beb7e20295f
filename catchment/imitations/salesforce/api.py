"""The REST API below /services/data: which call is which, and what it answers."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from catchment.imitations.salesforce import composite, describe, errors
from catchment.imitations.salesforce.calls import Answer, Call
from catchment.imitations.salesforce.cursors import Cursor, Cursors, page_size
from catchment.imitations.salesforce.errors import ApiError
from catchment.imitations.salesforce.jobs import Jobs
from catchment.imitations.salesforce.kinds import Kind
from catchment.imitations.salesforce.numbered import Found, Ids
from catchment.imitations.salesforce.organisation import Organisation
from catchment.imitations.salesforce.render import Records
from catchment.imitations.salesforce.replication import Replication
from catchment.imitations.salesforce.table import Values
from catchment.imitations.salesforce.usage import Usage

OLDEST, NEWEST = 31, 68
_SEASONS = ("Winter", "Spring", "Summer")
_RESOURCES = ("sobjects", "query", "queryAll", "limits", "composite", "jobs", "search", "recent", "tooling")


def versions() -> list[dict[str, str]]:
    """The versions that are served."""
    return [
        {
            "label": f"{_SEASONS[(number - 68) % 3]} '{27 + (number - 68) // 3}",
            "url": f"/services/data/v{number}.0",
            "version": f"{number}.0",
        }
        for number in range(OLDEST, NEWEST + 1)
    ]


class Api:
    """The resources of one organisation. `fault` is asked before each part of a composite; it may raise."""

    def __init__(self, org: Organisation, usage: Usage) -> None:
        self.org = org
        self.usage = usage
        self.cursors = Cursors(org.clock)
        self.replication = Replication(org)
        self.jobs = Jobs(org)
        self.uri_limit = 16_384
        self.part_uri_limit: int | None = 16_384
        self.fault: Callable[[str], None] = lambda url: None

    def answer(self, call: Call) -> Answer:
        """The answer to a call; every refusal is an ApiError."""
        checked(call.version)
        with self.org.lock:
            self.org.settle()
            return self._routed(call)

    def part(self, call: Call, url: str) -> Answer:
        """The answer to a part of a composite."""
        checked(call.version)
        if self.part_uri_limit is not None and len(url) > self.part_uri_limit:
            raise ApiError(414, "URI_TOO_LONG", "URI Too Long")
        self.fault(url)
        return self._routed(call)

    def _routed(self, call: Call) -> Answer:
        head, rest = (call.parts[0], call.parts[1:]) if call.parts else ("", ())
        if head == "composite" and rest[:1] == ("sobjects",) and len(rest) == 2:
            return composite.records(call, self._kind(call, rest[1]))
        if head == "composite" and rest in ((), ("batch",)):
            if call.method != "POST":
                raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed. Allowed are POST")
            return composite.batch(call, self.part) if rest else composite.composite(call, self.part)
        if head == "jobs" and rest[:1] == ("query",):
            return self.jobs.answer(call, rest[1:])
        if call.method not in ("GET", "HEAD"):
            raise errors.not_allowed(call.method)
        if not head:
            return Answer(200, {name: f"{call.root}/{name}" for name in _RESOURCES})
        if head in ("query", "queryAll") and len(rest) < 2:
            return self._more(call, rest[0], head) if rest else self._query(call, deleted=head == "queryAll")
        if head == "limits" and rest in ((), ("recordCount",)):
            return self._counts(call) if rest else Answer(200, self._limits())
        if head == "sobjects":
            return self._objects(call, rest)
        raise errors.missing()

    def _objects(self, call: Call, rest: tuple[str, ...]) -> Answer:
        at = self.org.metadata_at
        if not rest:
            if describe.unchanged(at, dict(call.headers)):
                return Answer(304, None, describe.modified(at))
            shown = [describe.brief(kind, call.version) for kind in call.view.kinds()]
            body = {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": sorted(shown, key=lambda one: one["name"])}
            return Answer(200, body, describe.modified(at))
        kind = self._kind(call, rest[0])
        if rest[1:] == ("describe",):
            if describe.unchanged(at, dict(call.headers)):
                return Answer(304, None, describe.modified(at))
            body = describe.whole(kind, call.view.fields(kind), call.view.kinds(), call.version)
            return Answer(200, body, describe.modified(at))
        if rest[1:] == ("deleted",):
            return self.replication.deleted(call, kind)
        if rest[1:] == ("updated",):
            return self.replication.updated(call, kind)
        if len(rest) == 2:
            return self._record(call, kind, rest[1])
        if len(rest) == 1:
            return Answer(200, {"objectDescribe": describe.brief(kind, call.version), "recentItems": []})
        raise errors.missing()

    def _record(self, call: Call, kind: Kind, row_id: str) -> Answer:
        row = self.org.row(kind.name, row_id)
        if row is None:
            raise errors.missing("Provided external ID field does not exist or is not accessible: " + row_id)
        if row.get("IsDeleted"):
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
        visible = {field.name.lower(): field for field in call.view.fields(kind)}
        asked = [name for name in call.params.get("fields", "").split(",") if name]
        for name in asked:
            if name.lower() not in visible:
                raise errors.unknown_field(name, kind.name)
        fields = [visible[name.lower()] for name in asked] if asked else list(visible.values())
        return Answer(200, Records(kind.name, fields, call.version)(row))

    def _query(self, call: Call, *, deleted: bool) -> Answer:
        selection = call.view.select(call.need("q"), deleted=deleted)
        rows = call.view.rows(selection)
        if selection.query.counts:
            return Answer(200, {"totalSize": len(rows), "done": True, "records": []})
        size = page_size(call.headers.get("sforce-query-options"), selection.fields, long=selection.long)
        if len(rows) <= size:
            shown = Records(selection.kind.name, selection.fields, call.version)
            return Answer(200, {"totalSize": len(rows), "done": True, "records": _shown(shown, rows)})
        cursor = self.cursors.open(
            call.view.user.id,
            selection.kind.name,
            selection.fields,
            rows.ids() if isinstance(rows, Found) else tuple(row["Id"] for row in rows),
            deleted=deleted,
            size=size,
        )
        return self._page(call, cursor, 0, "queryAll" if deleted else "query")

    def _more(self, call: Call, locator: str, head: str) -> Answer:
        cursor, offset = self.cursors.find(call.view.user.id, locator)
        if cursor.kind not in self.org.kinds:
            raise errors.lost_locator()
        return self._page(call, cursor, offset, head)

    def _page(self, call: Call, cursor: Cursor, offset: int, head: str) -> Answer:
        """A page of an open query: the records it found then, as they look now; those gone since are left out."""
        end = min(offset + cursor.size, len(cursor.ids))
        ids = cursor.ids[offset:end]
        shown = Records(cursor.kind, cursor.fields, call.version)
        if isinstance(ids, Ids):
            found = _shown(shown, ids.now(deleted=cursor.deleted))
        else:
            rows = (self.org.row(cursor.kind, row_id) for row_id in ids)
            found = [shown(row) for row in rows if row is not None and (cursor.deleted or not row.get("IsDeleted"))]
        body: dict[str, object] = {"totalSize": len(cursor.ids), "done": end == len(cursor.ids)}
        if end < len(cursor.ids):
            body["nextRecordsUrl"] = f"{call.root}/{head}/{cursor.id}-{end}"
        return Answer(200, {**body, "records": found})

    def _counts(self, call: Call) -> Answer:
        asked = [name for name in call.params.get("sObjects", "").split(",") if name]
        kinds = [call.view.kind(name) for name in asked] if asked else list(call.view.kinds())
        found = [{"count": len(self.org.tables[kind.name]), "name": kind.name} for kind in kinds if kind is not None]
        return Answer(200, {"sObjects": found})

    def _limits(self) -> dict[str, dict[str, int]]:
        left = max(0, self.usage.daily - self.usage.used)
        jobs = self.jobs.daily
        return {
            "DailyApiRequests": {"Max": self.usage.daily, "Remaining": left},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
            "DailyBulkV2QueryJobs": {"Max": jobs, "Remaining": max(0, jobs - self.jobs.made())},
            "DataStorageMB": {"Max": 1_024, "Remaining": 512},
            "HourlyTimeBasedWorkflow": {"Max": 1_000, "Remaining": 1_000},
        }

    def _kind(self, call: Call, name: str) -> Kind:
        kind = call.view.kind(name)
        if kind is None:
            raise errors.missing()
        return kind


def _shown(shown: Records, rows: Iterable[Values]) -> list[Any]:
    """Records as they go into an answer."""
    if isinstance(rows, Found):
        return [msgspec.Raw(row) for row in rows.written(shown.key, shown.written)]
    return [shown(row) for row in rows]


def checked(version: str) -> None:
    """ApiError unless the version is served."""
    number = version.removesuffix(".0")
    if not number.isdecimal() or not version.endswith(".0") or int(number) > NEWEST:
        raise errors.missing()
    if int(number) < OLDEST:
        raise ApiError(410, "UNSUPPORTED_API_VERSION", f"API version {version} is retired: use v{OLDEST}.0 or later")
