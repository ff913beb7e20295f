"""The refusals and odd answers of this vendor that a test can order, beside the faults of any connection."""

from catchment.imitations import faults
from catchment.imitations.faults import CONNECTION, Fault
from catchment.imitations.stripe import errors

__all__ = ["KINDS", "Fault", "Faults", "refusal"]

KINDS = (
    "rate_limited",  # 429 that names a reason but no time to wait
    "retry_after",  # 429 with Retry-After: `seconds`
    "lock_timeout",  # 429 of a locked object: Stripe-Should-Retry, no reason
    "server_error",  # `status` (500, 502, 503) in the vendor's error format
    "conflict",  # 409
    "unauthorized",  # 401, as if the key had just been revoked
    *CONNECTION,
    "repeated_page",  # a page that starts with half of the page before it
)


class Faults(faults.Faults):
    """The orders of one server of this imitation."""

    def __init__(self) -> None:
        super().__init__(KINDS, {"repeated_page": "starting_after="})


def refusal(fault: Fault) -> errors.ApiError | None:
    """The error answer of a fault that is one; None for faults of the connection or the body."""
    if fault.kind == "rate_limited":
        return errors.rate_limited("global-concurrency")
    if fault.kind == "retry_after":
        refused = errors.rate_limited("global-rate")
        refused.headers["Retry-After"] = f"{fault.seconds:g}"
        return refused
    if fault.kind == "lock_timeout":
        return errors.ApiError(
            429,
            "This object cannot be accessed right now because another API request or Stripe "
            "process is currently accessing it.",
            "lock_timeout",
            headers={"Stripe-Should-Retry": "true"},
        )
    if fault.kind == "server_error":
        return errors.ApiError(fault.status, "An unknown error occurred.", type="api_error")
    if fault.kind == "conflict":
        return errors.ApiError(409, "Another request is using this resource.", "idempotency_key_in_use")
    if fault.kind == "unauthorized":
        return errors.wrong_key("sk_test_****")
    return None
