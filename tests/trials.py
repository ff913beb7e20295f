"""Our connectors as the kit sees them: each with the imitation of its vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catchment.testing.kit import Trial
from catchment.testing.processes import source
from catchment.testing.stripe import STRIPE

FAULTS: dict[str, dict[str, Any]] = {
    "rate_limited": {},
    "retry_after": {"seconds": 0.2},
    "server_error": {"status": 503},
    "reset": {},
    "reset_in_body": {},
    "truncated": {},
    "hang": {},
    "drip": {"seconds": 0.5},
    "html": {"status": 502},
    "invalid_json": {},
    "empty": {},
}


def _stripe(info: Mapping[str, Any]) -> dict[str, Any]:
    return source("stripe", info["url"], {"api_key": info["key"]})


TRIALS = {
    "stripe": Trial(
        "stripe",
        ("--objects", "1500", "--seed", "11"),
        _stripe,
        STRIPE,
        {**FAULTS, "lock_timeout": {}, "conflict": {}, "repeated_page": {}},
        ("/v1/charges", "/v1/invoices", "/v1/events", "starting_after"),
    ),
}
