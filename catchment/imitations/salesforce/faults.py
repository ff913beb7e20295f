"""The refusals of this vendor that a test can order, beside the faults of any connection."""

from catchment.imitations import faults
from catchment.imitations.faults import CONNECTION, Fault
from catchment.imitations.salesforce import errors
from catchment.imitations.salesforce.errors import ApiError

__all__ = ["KINDS", "PART_KINDS", "Fault", "Faults", "refusal"]

PART_KINDS = (
    "server_error",  # `status` (500, 503) with UNKNOWN_EXCEPTION or SERVER_UNAVAILABLE
    "not_acceptable",  # 406, passing
    "throttled",  # 420, passing
    "crowded",  # 403: too many long requests at once
    "query_timeout",  # 400 QUERY_TIMEOUT
    "too_large",  # 400 OPERATION_TOO_LARGE
    "lost_locator",  # 400 INVALID_QUERY_LOCATOR
    "invalid_field",  # 400 INVALID_FIELD, as if a field had just gone
    "forbidden",  # 403 INSUFFICIENT_ACCESS
    "locked_row",  # 400 UNABLE_TO_LOCK_ROW
)
KINDS = (
    *PART_KINDS,
    "expired_session",  # 401, and the session is over for good
    "spent",  # 403: the day's calls are spent
    "disabled",  # 403 API_DISABLED_FOR_ORG
    "empty_500",  # 500 without a body, as composite sometimes answers
    "maintenance",  # 503 with a page of HTML
    "oauth_error",  # the token endpoint answers `status` 503 for a moment
    *CONNECTION,
)
_REFUSALS = {
    "not_acceptable": (406, "NOT_ACCEPTABLE", "Not acceptable at the moment"),
    "throttled": (420, "UNKNOWN_EXCEPTION", "Too many requests at the moment"),
    "query_timeout": (400, "QUERY_TIMEOUT", "Your query request was running for too long."),
    "too_large": (400, "OPERATION_TOO_LARGE", "exceeded 100000 distinct who/what's"),
    "invalid_field": (400, "INVALID_FIELD", "No such column 'Gone__c' on entity 'Account'."),
    "forbidden": (403, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id"),
    "locked_row": (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    "disabled": (403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."),
}


class Faults(faults.Faults):
    """The orders for whole requests, or (`parts`) for the parts of composites."""

    def __init__(self, *, parts: bool = False) -> None:
        super().__init__(PART_KINDS if parts else KINDS, {"lost_locator": "/query(All)?/0r8"})


def refusal(fault: Fault) -> ApiError | None:
    """The error answer of a fault that is one; None for faults of the connection, the body or the session."""
    if fault.kind == "server_error":
        code = "SERVER_UNAVAILABLE" if fault.status == 503 else "UNKNOWN_EXCEPTION"
        return ApiError(fault.status, code, "An unexpected error occurred. Please include this ErrorId: 123456-7890")
    if fault.kind == "crowded":
        return errors.crowded()
    if fault.kind == "spent":
        return errors.spent()
    if fault.kind == "lost_locator":
        return errors.lost_locator()
    if fault.kind == "maintenance":
        return ApiError(503, "SERVER_UNAVAILABLE", "Down for maintenance", html=True)
    if fault.kind in _REFUSALS:
        return ApiError(*_REFUSALS[fault.kind])
    return None
