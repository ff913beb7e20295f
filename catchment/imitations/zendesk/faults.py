"""The refusals and odd answers of this vendor that a test can order, beside the faults of any connection."""

from catchment.imitations import faults
from catchment.imitations.faults import CONNECTION, Fault
from catchment.imitations.zendesk import errors
from catchment.imitations.zendesk.errors import ApiError

__all__ = ["KINDS", "Fault", "Faults", "refusal"]

KINDS = (
    "rate_limited",  # 429 as plain text that says no time to wait
    "retry_after",  # 429 with Retry-After: `seconds`, which need not be a whole number
    "server_error",  # `status` (500, 502, 503, 504, 520) with a body in the vendor's format
    "maintenance",  # 503 with Retry-After: `seconds` and an HTML page
    "conflict",  # 409 of a locked record, plain text
    "unauthorized",  # 401, as if the credentials had just been revoked
    *CONNECTION,
    "repeated_page",  # a page that starts with half of the page before it
)


class Faults(faults.Faults):
    """The orders of one server of this imitation."""

    def __init__(self) -> None:
        super().__init__(KINDS, {"repeated_page": r"[?&](cursor|page(\[|%5B)after(\]|%5D))=."})


def refusal(fault: Fault) -> ApiError | None:
    """The error answer of a fault that is one; None for faults of the connection or the body."""
    text = {"Content-Type": "text/plain; charset=utf-8"}
    if fault.kind == "rate_limited":
        return ApiError(429, b"You have exceeded the rate limit. Please slow down.", text)
    if fault.kind == "retry_after":
        refused = errors.rate_limited(1)
        refused.headers["Retry-After"] = f"{fault.seconds:g}"
        return refused
    if fault.kind == "server_error":
        return errors.titled(fault.status, "Internal Server Error", "Something went wrong on our side.")
    if fault.kind == "maintenance":
        page = {"Content-Type": "text/html; charset=utf-8", "Retry-After": f"{fault.seconds:g}"}
        return ApiError(503, b"<html><body><h1>Scheduled maintenance</h1></body></html>", page)
    if fault.kind == "conflict":
        return ApiError(409, b"This record is locked by another change. Please try again.", text)
    if fault.kind == "unauthorized":
        return errors.unauthenticated()
    return None
