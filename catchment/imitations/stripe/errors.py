"""The vendor's error answers: status, body and the headers that go with them."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

DOCS = "https://stripe.com/docs/error-codes/"


@dataclass
class ApiError(Exception):
    """A refusal in the vendor's format, raised anywhere below the server and rendered by it."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    type: str = "invalid_request_error"
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        """The JSON body, with the fields the vendor sends for this kind of refusal."""
        error: dict[str, Any] = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = DOCS + self.code.replace("_", "-")
        error["message"] = self.message
        if self.param is not None:
            error["param"] = self.param
        if self.status != 401:
            error["request_log_url"] = f"https://dashboard.stripe.com/logs/{request_id}"
        error["type"] = self.type
        return msgspec.json.encode({"error": error})


def unknown_parameter(name: str) -> ApiError:
    return ApiError(400, f"Received unknown parameter: {name}", "parameter_unknown", name)


def missing_parameter(name: str) -> ApiError:
    return ApiError(400, f"Missing required param: {name}.", "parameter_missing", name)


def invalid_integer(name: str, value: str) -> ApiError:
    return ApiError(400, f"Invalid integer: {value}", "parameter_invalid_integer", name)


def invalid_value(name: str, message: str) -> ApiError:
    return ApiError(400, message, None, name)


def missing_object(noun: str, object_id: str, param: str = "id", status: int = 404) -> ApiError:
    """No such object: 404 when it is the thing asked for, 400 when a parameter names it."""
    return ApiError(status, f"No such {noun}: '{object_id}'", "resource_missing", param)


def unknown_url(method: str, path: str) -> ApiError:
    return ApiError(
        404,
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs "
        "or we can help at https://support.stripe.com/.",
    )


def no_key() -> ApiError:
    return ApiError(
        401,
        "You did not provide an API key. Send it in the Authorization header, using Bearer auth.",
        headers={"WWW-Authenticate": 'Bearer realm="Stripe"'},
    )


def wrong_key(masked: str) -> ApiError:
    return ApiError(401, f"Invalid API Key provided: {masked}", headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})


def expired_key(masked: str) -> ApiError:
    return ApiError(
        401,
        f"Expired API Key provided: {masked}",
        "api_key_expired",
        headers={"WWW-Authenticate": 'Bearer realm="Stripe"'},
    )


def forbidden(masked: str, permission: str, account: str) -> ApiError:
    """What a restricted key gets; the message names the permission that would help."""
    return ApiError(
        403,
        f"The provided key '{masked}' does not have the required permissions for this "
        f"endpoint on account '{account}'. Having the '{permission}' permission would allow "
        "this request to continue.",
        "more_permissions_required",
    )


def foreign_account(masked: str, account: str) -> ApiError:
    return ApiError(
        403,
        f"The provided key '{masked}' does not have access to account '{account}' (or that "
        "account does not exist). Application access may have been revoked.",
        "account_invalid",
    )


def rate_limited(reason: str) -> ApiError:
    return ApiError(
        429,
        "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.",
        "rate_limit",
        headers={"Stripe-Rate-Limited-Reason": reason},
    )
