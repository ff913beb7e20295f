"""What Salesforce's answers mean: by status, then `errorCode`; the body of an error is an array."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors.salesforce.soql import JOBS
from framework.connector import Judge
from framework.errors import Kind

_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")
_CONCURRENT = re.compile(r"concurrent", re.IGNORECASE)

# Some objects are only shown one parent at a time: nobody can list them.
_FILTERED = re.compile(r"requires a filter|implementation restriction", re.IGNORECASE)


def _refine(_status: int, code: str, message: str, _headers: Mapping[str, str]) -> Kind | None:
    if code == "REQUEST_LIMIT_EXCEEDED":
        # One code for two things: too many long calls at once, which passes, and the day's allowance, which is spent.
        return Kind.WAIT if _CONCURRENT.search(message) else Kind.QUOTA
    if code == "MALFORMED_QUERY" and _FILTERED.search(message):
        return Kind.UNAVAILABLE
    return None


def usage(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """The organisation's calls of the last 24 hours, and how many it has: `api-usage=893/15000`."""
    found = _USAGE.search(headers.get("sforce-limit-info", ""))
    return (int(found[1]), int(found[2])) if found else None


JUDGE = Judge(
    table={
        (400, "INVALID_TYPE"): Kind.PERMISSION,  # it was described, so it is hidden from this user since
        (400, "INVALID_TYPE_FOR_OPERATION"): Kind.UNAVAILABLE,
        (400, "INVALID_QUERY_LOCATOR"): Kind.CURSOR,
        (400, "INVALID_REPLICATION_DATE"): Kind.CURSOR,
        (400, "QUERY_TIMEOUT"): Kind.SHRINK,
        (400, "OPERATION_TOO_LARGE"): Kind.SHRINK,
        (400, "EXCEEDED_ID_LIMIT"): Kind.SHRINK,
        (400, "UNABLE_TO_LOCK_ROW"): Kind.RETRY,
        (401, ""): Kind.SESSION,
        (403, "API_DISABLED_FOR_ORG"): Kind.AUTH,
        (403, "API_CURRENTLY_DISABLED"): Kind.AUTH,
        (403, "FUNCTIONALITY_NOT_ENABLED"): Kind.UNAVAILABLE,
        (403, ""): Kind.PERMISSION,
        (404, ""): Kind.GONE,
        (406, ""): Kind.RETRY,
        (414, ""): Kind.SHRINK,
        (420, ""): Kind.RETRY,
        (431, ""): Kind.SHRINK,
    },
    code="0.errorCode|errorCode",
    message="0.message|message|error_description",
    refine=_refine,
    usage=usage,
    optional=frozenset({JOBS}),  # where the bulk API alone is switched off, queries read the same rows
)
