"""getDeleted and getUpdated: which ids were deleted or changed in a window of whole minutes."""

from typing import Any

from catchment.imitations.clock import DAY
from catchment.imitations.salesforce import errors, predicate
from catchment.imitations.salesforce.calls import Answer, Call
from catchment.imitations.salesforce.kinds import Kind
from catchment.imitations.salesforce.organisation import Organisation
from catchment.imitations.salesforce.render import moment

MINUTE = 60


class Replication:
    """The two windows. `lag`: minutes that latestDateCovered stays behind; `most`: ids before EXCEEDED_ID_LIMIT.

    `purged_at`: deletions before this moment are no longer known (the log was cut); 15 days otherwise.
    """

    def __init__(self, org: Organisation) -> None:
        self.org = org
        self.lag = 0
        self.most = 600_000
        self.purged_at = 0

    def deleted(self, call: Call, kind: Kind) -> Answer:
        """Ids of records deleted in the window and not undeleted since, also those in the recycle bin."""
        start, end, covered = self._window(call, kind, 15)
        found = [
            {"id": row_id, "deletedDate": moment(at)}
            for row_id, at in self.org.deletions[kind.name].items()
            if start <= at < min(end, covered)
        ]
        self._bounded(len(found))
        body = {
            "deletedRecords": sorted(found, key=lambda one: one["deletedDate"]),
            "earliestDateAvailable": moment(self.earliest()),
            "latestDateCovered": moment(min(end, covered)),
        }
        return Answer(200, body)

    def updated(self, call: Call, kind: Kind) -> Answer:
        """Ids of records created or changed in the window."""
        start, end, covered = self._window(call, kind, 30)
        clock = kind.clock or ""
        ids = [
            row["Id"]
            for row in self.org.tables[kind.name].rows()
            if not row.get("IsDeleted") and start <= (row.get(clock) or 0) < min(end, covered)
        ]
        self._bounded(len(ids))
        return Answer(200, {"ids": ids, "latestDateCovered": moment(min(end, covered))})

    def earliest(self) -> int:
        """The first whole minute whose deletions are known."""
        now = self.org.clock.second()
        return max(now - 15 * DAY, self.purged_at) // MINUTE * MINUTE

    def _bounded(self, many: int) -> None:
        if many > self.most:
            raise errors.ApiError(400, "EXCEEDED_ID_LIMIT", f"the maximum number of ids is {self.most}")

    def _window(self, call: Call, kind: Kind, days: int) -> tuple[int, int, int]:
        if not kind.replicateable:
            raise errors.ApiError(400, "INVALID_TYPE_FOR_OPERATION", f"entity type {kind.name} is not replicateable")
        start, end = (_minute(call.need(name)) for name in ("start", "end"))
        now = self.org.clock.second()
        if end - start < MINUTE:
            raise _refused("endDate must be at least one minute after startDate")
        if start < (now - days * DAY) // MINUTE * MINUTE:
            raise _refused(f"startDate must be within the last {days} days")
        open_since = self.org.oldest_open(kind.name)
        covered = (now - self.lag * MINUTE) // MINUTE * MINUTE
        if open_since is not None:
            covered = min(covered, open_since // MINUTE * MINUTE)
        return start, end, covered


def _minute(written: str) -> int:
    try:
        return int(predicate.instant(written)) // MINUTE * MINUTE
    except errors.ApiError as wrong:
        raise _refused(f"Invalid date/time: {written}") from wrong


def _refused(message: str) -> errors.ApiError:
    return errors.ApiError(400, "INVALID_REPLICATION_DATE", message)


def shown(replication: Replication) -> dict[str, Any]:
    """How the windows are set, for the control port."""
    return {"lag": replication.lag, "most": replication.most, "purged_at": replication.purged_at}
