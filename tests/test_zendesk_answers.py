"""What Zendesk's answers mean: recorded error bodies, headers of three generations, the anonymous user."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.zendesk.answers import JUDGE, account, allowance
from framework.errors import Kind, Refused
from framework.http import _told
from framework.limits import Allowance

NO_ACCESS = "You do not have access to this page. Please contact the account owner of this help desk for further help."


def kind(status: int, body: Any = "", **headers: str) -> Kind:
    """The meaning of an answer; a body that is no text is sent as JSON."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return JUDGE.kind(status, _told(raw, JUDGE.code), _told(raw, JUDGE.message), headers)


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, {"tickets": []}, Kind.OK),
        (401, {"error": "Couldn't authenticate you"}, Kind.SESSION),
        (401, {"error": "invalid_token", "error_description": "The access token provided is expired"}, Kind.SESSION),
        (403, {"error": {"title": "Forbidden", "message": NO_ACCESS}}, Kind.PERMISSION),
        (403, {"error": "Forbidden", "description": "Missing the following required scopes: read"}, Kind.PERMISSION),
        (403, {"error": {"title": "Forbidden", "message": "Your plan does not include this."}}, Kind.UNAVAILABLE),
        (403, {"errors": [{"code": "Forbidden", "detail": "The feature is not enabled"}]}, Kind.UNAVAILABLE),
        (403, "", Kind.UNAVAILABLE),
        (404, {"error": "InvalidEndpoint", "description": "Not found"}, Kind.UNAVAILABLE),
        (404, {"error": "RecordNotFound", "description": "Not found"}, Kind.GONE),
        (400, {"errors": [{"code": "InvalidCursor", "detail": "page[after] is not a cursor"}]}, Kind.CURSOR),
        (422, {"error": "InvalidValue", "description": "Invalid cursor"}, Kind.CURSOR),
        (400, {"error": "InvalidPaginationDepth", "description": "Use cursor pagination."}, Kind.BUG),
        (422, {"error": "RecordInvalid", "description": "Record validation errors", "details": {}}, Kind.BUG),
        (409, "This record is locked", Kind.RETRY),
        (429, "You have exceeded the rate limit for updating a single unique user", Kind.WAIT),
        (429, {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests exceeded"}, Kind.WAIT),
        (429, {"error": "x", "description": "Pagination limit reached for offset model"}, Kind.BUG),
        (500, {"status": 500, "error": "Internal Server Error"}, Kind.RETRY),
        (503, "<html>", Kind.RETRY),
        (504, "", Kind.SHRINK),
        (520, "", Kind.RETRY),
        (524, "", Kind.RETRY),
    ],
)
def test_every_body_is_understood(status: int, body: Any, meaning: Kind) -> None:
    assert kind(status, body) is meaning


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x-rate-limit": "700", "x-rate-limit-remaining": "699"}, [Allowance("", 699, -1, 700)]),
        ({"rate-limit": "400", "rate-limit-remaining": "3", "rate-limit-reset": "41"}, [Allowance("", 3, 41, 400)]),
        (
            {
                "ratelimit-limit": "400",
                "ratelimit-remaining": "0",
                "ratelimit-reset": "7",
                "x-rate-limit-remaining": "9",
            },
            [Allowance("", 0, 7, 400)],
        ),
        (
            {"zendesk-ratelimit-incremental-exports": "total=10; remaining=8; resets=36"},
            [Allowance("incremental-exports", 8, 36, 10)],
        ),
        (
            {"zendesk-rate-limit-incremental-exports-cursor": "total=20; remaining=17; resets=48"},
            [Allowance("incremental-exports-cursor", 17, 48, 20)],
        ),
        ({"zendesk-ratelimit-odd": "none", "x-rate-limit-remaining": "?"}, []),
        ({}, []),
    ],
)
def test_three_generations_of_limits_are_read(headers: dict[str, str], told: list[Allowance]) -> None:
    assert list(allowance(headers)) == told


def test_the_account_is_the_first_part_of_its_host() -> None:
    assert account({"user": {"id": 5, "url": "https://acme.zendesk.com/api/v2/users/5.json"}}) == "acme"
    assert account({"user": {"id": 5}}) == ""


@pytest.mark.parametrize("body", [{"user": {"name": "Anonymous user"}}, {"user": {"id": None}}, {}, []])
def test_an_anonymous_user_is_a_refused_credential(body: Any) -> None:
    with pytest.raises(Refused) as caught:
        account(body)
    assert caught.value.kind is Kind.AUTH
