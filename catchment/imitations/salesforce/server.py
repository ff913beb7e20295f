"""The server of the imitation: OAuth, sessions, the daily allowance and refusals around the REST API."""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from catchment.imitations import server as shared
from catchment.imitations.clock import Clock
from catchment.imitations.keys import fingerprint
from catchment.imitations.salesforce import api, errors, render
from catchment.imitations.salesforce.calls import ROOT, Answer, Call, read_json, shaped, split
from catchment.imitations.salesforce.errors import ApiError, OAuthError
from catchment.imitations.salesforce.faults import Fault, Faults, refusal
from catchment.imitations.salesforce.organisation import Organisation
from catchment.imitations.salesforce.sessions import App, Sessions
from catchment.imitations.salesforce.usage import Usage
from catchment.imitations.salesforce.view import User, View
from catchment.imitations.server import Ask, Reply
from catchment.imitations.throttle import Limit, Throttle

__all__ = ["App", "Server"]

_HTML = {"Content-Type": "text/html; charset=UTF-8"}
_JSON = {"Content-Type": "application/json;charset=UTF-8"}


class _Vendor:
    """The side of this server that the shared one asks."""

    def __init__(self, server: "Server") -> None:
        self.server = server

    @property
    def clock(self) -> Clock:
        return self.server.org.clock

    def caller(self, ask: Ask) -> str:
        return fingerprint(_bearer(ask))

    def reply(self, ask: Ask, fault: Fault | None) -> Reply:
        return self.server.reply(ask, fault)


class Server(shared.Server):
    """Serves one organisation on a loopback port, which is login host and instance in one.

    `access_token` is an open session; `app` holds the other credentials. `parts` orders faults for the parts of
    composites. `per_second`: calls in any second before it is too crowded, None for as many as come.
    """

    def __init__(
        self,
        org: Organisation,
        app: App | None = None,
        *,
        latency: float = 0.0,
        daily: int = 100_000,
        used: int = 0,
        lag: int = 0,
        port: int = 0,
    ) -> None:
        super().__init__(_Vendor(self), faults=Faults(), latency=latency, port=port)
        self.org = org
        self.parts = Faults(parts=True)
        self.usage = Usage(org.clock, daily, used, lag)
        self.per_second: int | None = None
        self._calls = Throttle()
        self.api = api.Api(org, self.usage)
        self.api.fault = self._part_fault
        self.user = User(org.admin, (app or App()).username)
        self.sessions = Sessions(org.clock, org.id, self.user, app)
        self.access_token = self.sessions.begin().token

    @property
    def app(self) -> App:
        """The credentials that work."""
        return self.sessions.app

    def reply(self, ask: Ask, fault: Fault | None) -> Reply:
        """The answer to a request, faults of the connection aside."""
        if len(ask.target) > self.api.uri_limit:
            return self._refused(errors.too_long_uri(), {})
        if sum(len(name) + len(value) + 4 for name, value in ask.headers.items()) + len(ask.target) > 2 * 16_384:
            return self._refused(ApiError(431, "HEADERS_TOO_LARGE", "Request Header Fields Too Large", html=True), {})
        if ask.path.startswith("/services/oauth2/") or ask.path.startswith("/id/"):
            return self._oauth(ask, fault)
        if ask.path.rstrip("/") == ROOT:
            return Reply(200, msgspec.json.encode(api.versions()), dict(_JSON))
        headers: dict[str, str] = {}
        try:
            view = self._admitted(ask, fault)
            if fault is not None and fault.kind == "empty_500":
                return Reply(500, b"", headers)
            headers["Sforce-Limit-Info"] = self.usage.header()
            return self._shown(self._answer(ask, view), headers)
        except ApiError as refused:
            if refused.status != 401:
                headers["Sforce-Limit-Info"] = self.usage.header()
            return self._refused(refused, headers)

    def _admitted(self, ask: Ask, fault: Fault | None) -> View:
        """Who asks, when the session lives, there are not too many calls at once and the day's are not spent."""
        token = _bearer(ask)
        if fault is not None and fault.kind == "expired_session" and token:
            self.sessions.end(token)
        user = self.sessions.user(token)
        if user is None:
            raise errors.session()
        refused = refusal(fault) if fault else None
        if refused is not None:
            raise refused
        if self._calls.admit([Limit("organisation", self.per_second)]):
            raise errors.crowded()
        if not self.usage.admit():
            raise errors.spent()
        return View(self.org, user)

    def _answer(self, ask: Ask, view: View) -> Answer:
        parts, params = split(ask.target)
        if parts[:2] != ("services", "data") or not parts[2:] or not parts[2].startswith("v"):
            raise errors.missing()
        body: Any = None
        if ask.method in ("POST", "PATCH"):
            if "json" not in ask.headers.get("content-type", ""):
                raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "Content type is not supported: send application/json")
            body = read_json(ask.body)
        call = Call(ask.method, parts[2][1:], parts[3:], params, ask.headers, body, view)
        if call.parts[:2] == ("composite", "batch") and isinstance(body, dict):
            many = len(shaped(body.get("batchRequests") or [], list[Any])) - 1
            if many > 0 and not self.usage.admit(many):
                raise errors.spent()
        return self.api.answer(call)

    def _oauth(self, ask: Ask, fault: Fault | None) -> Reply:
        try:
            if fault is not None and fault.kind == "oauth_error":
                raise OAuthError("temporarily_unavailable", "try again later", fault.status)
            if ask.path == "/services/oauth2/token":
                if ask.method != "POST":
                    raise OAuthError("invalid_request", "must use HTTP POST")
                form = {**_client(ask), **dict(parse_qsl(ask.body.decode()))}
                return Reply(200, msgspec.json.encode(self.sessions.grant(form, self.url)), dict(_JSON))
            if ask.path == "/services/oauth2/revoke":
                self.sessions.end(dict(parse_qsl(ask.body.decode())).get("token"))
                return Reply(200, b"", dict(_JSON))
            if ask.path == "/services/oauth2/userinfo" or ask.path.startswith("/id/"):
                user = self.sessions.user(_bearer(ask))
                if user is None:
                    return Reply(403, b"Bad_OAuth_Token", dict(_HTML))
                return Reply(200, msgspec.json.encode(self._identity(user)), dict(_JSON))
        except OAuthError as refused:
            return Reply(refused.status, refused.body(), dict(_JSON))
        return self._refused(errors.missing(), {})

    def _identity(self, user: User) -> dict[str, Any]:
        return {
            "sub": f"{self.url}/id/{self.org.id}/{user.id}",
            "user_id": user.id,
            "organization_id": self.org.id,
            "preferred_username": user.username,
            "username": user.username,
            "nickname": user.username.partition("@")[0],
            "name": "Sync User",
            "display_name": "Sync User",
            "email": user.username,
            "email_verified": True,
            "zoneinfo": "Europe/Paris",
            "user_type": "STANDARD",
            "active": True,
            "urls": {"rest": f"{self.url}/services/data/v{{version}}/", "custom_domain": self.url},
        }

    def _part_fault(self, url: str) -> None:
        fault = self.parts.pick(url)
        refused = refusal(fault) if fault else None
        if refused is not None:
            raise refused

    def _shown(self, answer: Answer, headers: dict[str, str]) -> Reply:
        headers = {**_JSON, **headers, **answer.headers}
        if answer.raw is not None:
            return Reply(answer.status, answer.raw, headers)
        body = b"" if answer.status in (204, 304) else render.encode(answer.body)
        return Reply(answer.status, body, headers)

    def _refused(self, refused: ApiError, headers: dict[str, str]) -> Reply:
        return Reply(refused.status, refused.body(), {**(_HTML if refused.html else _JSON), **headers})


def _client(ask: Ask) -> dict[str, str]:
    """The app's id and secret when they come as a Basic header instead of in the form."""
    scheme, _, given = ask.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        name, _, secret = base64.b64decode(given).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": unquote(name), "client_secret": unquote(secret)}


def _bearer(ask: Ask) -> str | None:
    scheme, _, token = ask.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() in ("bearer", "oauth") else None
