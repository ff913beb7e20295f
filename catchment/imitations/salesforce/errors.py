"""Refusals of the API: a status, a code, a message, in the array that REST wraps them in; OAuth has its own."""

from typing import Any

import msgspec


class ApiError(Exception):
    """An answer that refuses. `fields`: the fields at fault; `html`: a page of the web server instead of JSON."""

    def __init__(
        self, status: int, code: str, message: str, *, fields: tuple[str, ...] = (), html: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.fields = fields
        self.html = html

    def shown(self) -> Any:
        """The body as a value."""
        entry: dict[str, Any] = {"message": str(self), "errorCode": self.code}
        if self.fields:
            entry["fields"] = list(self.fields)
        return [entry]

    def body(self) -> bytes:
        """The body as bytes."""
        if self.html:
            return f"<h1>Bad Message {self.status}</h1><pre>reason: {self}</pre>".encode()
        return msgspec.json.encode(self.shown())


class OAuthError(Exception):
    """A refusal of the token endpoint: one object."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status

    def body(self) -> bytes:
        """The body as bytes."""
        return msgspec.json.encode({"error": self.error, "error_description": str(self)})


def session() -> ApiError:
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def missing(message: str = "The requested resource does not exist") -> ApiError:
    return ApiError(404, "NOT_FOUND", message)


def malformed(message: str) -> ApiError:
    return ApiError(400, "MALFORMED_QUERY", message)


def unknown_type(name: str, soql: str = "") -> ApiError:
    return ApiError(
        400,
        "INVALID_TYPE",
        _pointed(soql, name)
        + f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append "
        "the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
    )


def unknown_field(name: str, kind: str, soql: str = "") -> ApiError:
    return ApiError(
        400,
        "INVALID_FIELD",
        _pointed(soql, name)
        + f"No such column '{name}' on entity '{kind}'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names.",
    )


def bad_filter(message: str) -> ApiError:
    return ApiError(400, "INVALID_FIELD", message)


def lost_locator() -> ApiError:
    return ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")


def spent() -> ApiError:
    return ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def crowded() -> ApiError:
    return ApiError(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")


def not_allowed(method: str) -> ApiError:
    return ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are HEAD,GET")


def unreadable(message: str) -> ApiError:
    return ApiError(400, "JSON_PARSER_ERROR", message)


def too_long_uri() -> ApiError:
    return ApiError(414, "URI_TOO_LONG", "URI Too Long", html=True)


def _pointed(soql: str, name: str) -> str:
    """The piece of the query around a name, and a caret below it."""
    at = soql.find(name)
    if at < 0:
        return ""
    start = max(0, at - 25)
    return f"\n{soql[start : at + len(name) + 20]}\n{' ' * (at - start)}^\nERROR at Row:1:Column:{at + 1}\n"
