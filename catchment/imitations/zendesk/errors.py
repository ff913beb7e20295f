"""The vendor's error answers, in all the shapes that it uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catchment.imitations.zendesk.shelf import encode

NO_ACCESS = "You do not have access to this page. Please contact the account owner of this help desk for further help."


@dataclass
class ApiError(Exception):
    """A refusal, raised anywhere below the server and sent as it is."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def _json(status: int, body: Mapping[str, Any], **headers: str) -> ApiError:
    return ApiError(status, encode(body), {name.replace("_", "-"): value for name, value in headers.items()})


def titled(status: int, title: str, message: str) -> ApiError:
    return _json(status, {"error": {"title": title, "message": message}})


def named(status: int, error: str, description: str) -> ApiError:
    return _json(status, {"error": error, "description": description})


def listed(status: int, code: str, title: str, detail: str) -> ApiError:
    return _json(status, {"errors": [{"code": code, "title": title, "detail": detail}]})


def unauthenticated() -> ApiError:
    return _json(401, {"error": "Couldn't authenticate you"}, WWW_Authenticate='Basic realm="Web Password"')


def invalid_token() -> ApiError:
    return _json(
        401,
        {
            "error": "invalid_token",
            "error_description": "The access token provided is expired, revoked, malformed or invalid "
            "for other reasons.",
        },
        WWW_Authenticate='Bearer realm="Zendesk", error="invalid_token"',
    )


def forbidden() -> ApiError:
    return titled(403, "Forbidden", NO_ACCESS)


def missing_scope(scope: str) -> ApiError:
    return named(403, "Forbidden", f"Missing the following required scopes: {scope}:read, read")


def not_found() -> ApiError:
    return named(404, "RecordNotFound", "Not found")


def no_endpoint() -> ApiError:
    return named(404, "InvalidEndpoint", "Not found")


def not_in_plan(gate: str) -> ApiError:
    """What a plan lacks is answered in three ways: unknown endpoint, an empty page, a title and a message."""
    if gate == "page":
        return ApiError(403, b"", {"Content-Type": "text/html; charset=utf-8"})
    if gate == "title":
        return titled(403, "Forbidden", "Your plan does not include this feature.")
    return no_endpoint()


def invalid(name: str, expected: str) -> ApiError:
    return titled(400, "Invalid attribute", f"You passed an invalid value for the {name} attribute. {expected}")


def page_size() -> ApiError:
    return listed(400, "InvalidPaginationParameter", "Invalid page size", "page[size] must be between 1 and 100")


def page_cursor() -> ApiError:
    return listed(400, "InvalidCursor", "Invalid cursor", "page[after] is not a cursor of this list")


def too_deep() -> ApiError:
    return named(400, "InvalidPaginationDepth", "Offset pagination ends at 10000 records. Use cursor pagination.")


def too_many() -> ApiError:
    return named(400, "TooManyValues", "At most 100 ids may be given at once.")


def too_recent() -> ApiError:
    return named(422, "StartTimeTooRecent", "Too recent start_time. Use a start_time older than 60 seconds")


def rate_limited(seconds: int) -> ApiError:
    return _json(
        429,
        {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"},
        Retry_After=str(seconds),
    )


def oauth(status: int, error: str, description: str) -> ApiError:
    return _json(status, {"error": error, "error_description": description})
