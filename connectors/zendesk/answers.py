"""What Zendesk's answers mean: errors come in four bodies or none, and limits in three generations of headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from framework.connector import Judge
from framework.errors import Kind, Refused
from framework.limits import Allowance

_PLAN = re.compile(r"\bplan\b|\bfeature\b|\bsubscription\b|not (enabled|available|supported|activated)", re.IGNORECASE)
_CURSOR = re.compile(r"\bcursor\b", re.IGNORECASE)
_DEEP = re.compile(r"pagination\s*(limit|depth)", re.IGNORECASE)
_BUCKET = re.compile(r"zendesk-rate-?limit-(.+)")
_FIGURE = re.compile(r"(total|remaining|resets)\s*=\s*(\d+(?:\.\d+)?)")
# The account's limit under the names of three generations: how many, how many are left, seconds until all are again.
_ACCOUNT = (
    ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    ("rate-limit", "rate-limit-remaining", "rate-limit-reset"),
    ("x-rate-limit", "x-rate-limit-remaining", ""),
)


def _refine(status: int, code: str, message: str, _: Mapping[str, str]) -> Kind | None:
    said = f"{code} {message}"
    if status == 403:  # of a missing feature an empty page or a word about the plan tells; else somebody may not
        return Kind.UNAVAILABLE if not said.strip() or _PLAN.search(said) else Kind.PERMISSION
    if status in (400, 422) and _CURSOR.search(said) and not _DEEP.search(said):
        return Kind.CURSOR
    if status == 429 and _DEEP.search(said):
        return Kind.BUG  # no limit of calls, though it looks like one: waiting would never end
    return None


def allowance(headers: Mapping[str, str]) -> Sequence[Allowance]:
    """What an answer's headers (lower-case names) say of the account's limit and of those that some endpoints have."""
    found = []
    for total, left, resets in _ACCOUNT:
        if _number(headers.get(left)) >= 0:
            told = [_number(headers.get(name)) for name in (left, resets, total)]
            found.append(Allowance("", int(told[0]), told[1], int(told[2])))
            break
    for name, value in headers.items():
        if bucket := _BUCKET.fullmatch(name):
            figures = {key: float(number) for key, number in _FIGURE.findall(value)}
            if "remaining" in figures:
                rest, most = int(figures["remaining"]), int(figures.get("total", -1))
                found.append(Allowance(bucket[1], rest, figures.get("resets", -1.0), most))
    return found


def _number(value: str | None) -> float:
    try:
        return float(value or "")
    except ValueError:
        return -1.0


def account(body: Any) -> str:
    """The account that answered `users/me`: the first part of its host. Raises Refused when nobody is signed in.

    Wrong credentials are answered by a user without id here, not by a refusal.
    """
    user = body.get("user") if isinstance(body, dict) else None
    if not isinstance(user, dict) or not user.get("id"):
        raise Refused(
            Kind.AUTH,
            "the API takes this credential for an anonymous user's",
            http_status=200,
            hint="Check the credential, and that the account allows this kind (Admin Center, Apps and integrations).",
        )
    host = urlsplit(str(user.get("url") or "")).hostname or ""
    return host.partition(".")[0]


JUDGE = Judge(
    table={
        (400, ""): Kind.BUG,
        (400, "StartTimeTooRecent"): Kind.RETRY,
        (401, ""): Kind.SESSION,
        (404, "InvalidEndpoint"): Kind.UNAVAILABLE,
        (404, ""): Kind.GONE,
        (408, ""): Kind.RETRY,
        (409, ""): Kind.RETRY,
        (422, "StartTimeTooRecent"): Kind.RETRY,
        (429, ""): Kind.WAIT,
        (504, ""): Kind.SHRINK,
    },
    code="error|error.title|errors.0.code",
    message="description|error_description|error.message|errors.0.detail",
    refine=_refine,
    allowance=allowance,
)
