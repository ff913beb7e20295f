"""What Stripe's answers mean: by status, then code, never by `error.type` (recorded 401s say invalid_request_error)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from framework.connector import Judge
from framework.errors import Kind

_NOT_THERE = re.compile(
    r"not (set up|enabled|available|activated|supported)|signed up|must (first )?enable|only .* Connect", re.IGNORECASE
)


def _refine(status: int, code: str, message: str, headers: Mapping[str, str]) -> Kind | None:
    if status == 400 and not code and _NOT_THERE.search(message):
        return Kind.UNAVAILABLE  # a product that the account never switched on: told without a code
    if status == 404 and message.startswith("Unrecognized request URL"):
        return Kind.UNAVAILABLE  # no such address, which says nothing about an object
    if headers.get("stripe-should-retry") == "true" and "stripe-rate-limited-reason" not in headers:
        return Kind.RETRY  # 429 lock_timeout among them: contention on one object, no allowance is spent
    return None


JUDGE = Judge(
    table={
        (400, "rate_limit"): Kind.WAIT,
        (400, "resource_missing"): Kind.CURSOR,  # `starting_after` names an object that is no more
        (401, ""): Kind.AUTH,
        (403, "account_invalid"): Kind.AUTH,
        (403, "oauth_not_supported"): Kind.UNAVAILABLE,
        (403, ""): Kind.PERMISSION,
        (404, ""): Kind.GONE,
        (409, ""): Kind.RETRY,
        (429, "lock_timeout"): Kind.RETRY,
        (429, ""): Kind.WAIT,
    },
    reason="stripe-rate-limited-reason",
    refine=_refine,
)
