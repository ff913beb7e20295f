"""Our connectors as the kit sees them: each with the imitation of its vendor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catchment.testing import salesforce, zendesk
from catchment.testing.damage import Damage
from catchment.testing.kit import Trial, by
from catchment.testing.processes import Imitation, source
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


def _zendesk(info: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: info[name] for name in ("subdomain", "client_id", "client_secret")}
    return source("zendesk", info["url"], known)


def _zendesk_wrong(imitation: Imitation, warehouse: Path, schema: str, **scope: Any) -> list[Damage]:
    now = float(imitation.order("/clock", offset=0)["now"])
    return zendesk.verify(warehouse, schema, imitation.truth(), now=now, **scope)


def _salesforce(info: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: info[name] for name in ("login_url", "client_id", "client_secret", "refresh_token")}
    settings = source("salesforce", info["url"], known)
    return {**settings, "collections": ["default", "!names", "Invoice__c"]}


TRIALS = {
    "stripe": Trial(
        "stripe",
        ("--objects", "1500", "--seed", "11"),
        _stripe,
        by(STRIPE),
        {**FAULTS, "lock_timeout": {}, "conflict": {}, "repeated_page": {}},
        ("/v1/charges", "/v1/invoices", "/v1/events", "starting_after"),
    ),
    "zendesk": Trial(
        "zendesk",
        ("--objects", "1500", "--seed", "11", "--no-limits"),
        _zendesk,
        _zendesk_wrong,
        {**FAULTS, "maintenance": {"seconds": 0.2}, "conflict": {}},
        ("tickets/cursor", "ticket_events", "groups", "after"),
        settled=(("/clock", {"offset": 150}),),
    ),
    "salesforce": Trial(
        "salesforce",
        ("--objects", "1500", "--seed", "11"),
        _salesforce,
        salesforce.judge,
        {
            **{kind: more for kind, more in FAULTS.items() if kind not in ("rate_limited", "retry_after")},
            **{kind: {} for kind in ("not_acceptable", "throttled", "crowded", "expired_session", "empty_500")},
            "oauth_error": {"status": 503},
        },
        ("composite", "services"),
        settled=(("/settle", {}), ("/clock", {"offset": 700})),
    ),
}
