"""Who calls: API tokens, OAuth tokens that expire and rotate, and what a caller may read."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from catchment.imitations.clock import Clock
from catchment.imitations.exchange import Ask
from catchment.imitations.zendesk import errors
from catchment.imitations.zendesk.resources import Role

DEFAULT_EMAIL = "ada@acme.com"
DEFAULT_TOKEN = "imitationApiToken0000000000000000000000"
DEFAULT_ACCESS = "imitationAccessToken" + "0" * 44
DEFAULT_REFRESH = "imitationRefreshToken" + "0" * 43
CLIENT_ID = "imitation_client"
CLIENT_SECRET = "imitationClientSecret" + "0" * 43
ACCESS_LIFE = 7_200
REFRESH_LIFE = 30 * 86_400
_RANK = {"end-user": 0, "agent": 1, "admin": 2}


@dataclass
class Grant:
    """What a secret opens: as whom, with which scopes, until when (vendor seconds)."""

    user_id: int
    role: Role = "admin"
    scopes: frozenset[str] = frozenset({"read", "write"})
    expires_at: float | None = None
    revoked: bool = False

    def may(self, role: Role) -> bool:
        return _RANK[self.role] >= _RANK[role]

    def reads(self, right: str) -> bool:
        return not self.scopes.isdisjoint({"read", f"{right}:read"})


@dataclass
class Pair:
    """A refresh token and the access token that was issued with it."""

    access: str
    expires_at: float


@dataclass
class Credentials:
    """All secrets of an account. A refreshed pair is invalid at once."""

    clock: Clock
    owner_id: int
    email: str = DEFAULT_EMAIL
    tokens: dict[tuple[str, str], Grant] = field(default_factory=dict)
    access: dict[str, Grant] = field(default_factory=dict)
    refresh: dict[str, Pair] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: CLIENT_SECRET})

    def __post_init__(self) -> None:
        self.tokens[self.email, DEFAULT_TOKEN] = Grant(self.owner_id)
        self.access[DEFAULT_ACCESS] = Grant(self.owner_id)
        self.refresh[DEFAULT_REFRESH] = Pair(DEFAULT_ACCESS, self.clock.now() + REFRESH_LIFE)

    def caller(self, headers: Mapping[str, str]) -> Grant | None:
        """Who calls; None for nobody the account knows. A wrong or expired bearer token is refused at once."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            grant = self.access.get(value.strip())
            if grant is None or self._over(grant):
                raise errors.invalid_token()
            return grant
        if scheme.lower() == "basic":
            grant = self.tokens.get(_basic(value))
            return None if grant is None or self._over(grant) else grant
        return None

    def revoke(self, secret: str) -> bool:
        """Make a token of any kind worthless; False when there is no such token."""
        found = [grant for (_, token), grant in self.tokens.items() if token == secret]
        found += [grant for token, grant in self.access.items() if token == secret]
        for grant in found:
            grant.revoked = True
        return bool(found) or self.refresh.pop(secret, None) is not None

    def issue(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request to `/oauth/tokens`."""
        client = str(given.get("client_id"))
        if client not in self.clients or self.clients[client] != given.get("client_secret"):
            raise errors.oauth(401, "invalid_client", "Client authentication failed.")
        kind = given.get("grant_type")
        if kind == "client_credentials":
            return self._fresh(Grant(self.owner_id), given, refreshing=False)
        if kind != "refresh_token":
            raise errors.oauth(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        pair = self.refresh.pop(str(given.get("refresh_token")), None)
        if pair is None or pair.expires_at <= self.clock.now():
            raise errors.oauth(400, "invalid_grant", "The provided refresh token is invalid, expired or revoked.")
        return self._fresh(self.access.pop(pair.access), given, refreshing=True)

    def _fresh(self, old: Grant, given: Mapping[str, Any], *, refreshing: bool) -> dict[str, Any]:
        life = int(given.get("expires_in") or ACCESS_LIFE)
        now = self.clock.now()
        wanted = str(given.get("scope") or "")
        scopes = frozenset(wanted.split()) if wanted else old.scopes
        token = secrets.token_hex(32)
        self.access[token] = Grant(old.user_id, old.role, scopes, now + life)
        answer = {
            "access_token": token,
            "token_type": "bearer",
            "scope": " ".join(sorted(scopes)),
            "expires_in": life,
        }
        if refreshing:
            longer = int(given.get("refresh_token_expires_in") or REFRESH_LIFE)
            again = secrets.token_hex(32)
            self.refresh[again] = Pair(token, now + longer)
            answer |= {"refresh_token": again, "refresh_token_expires_in": longer}
        return answer

    def _over(self, grant: Grant) -> bool:
        return grant.revoked or (grant.expires_at is not None and grant.expires_at <= self.clock.now())


def form(ask: Ask) -> dict[str, Any]:
    """The fields of a posted body, JSON or form."""
    if "json" in ask.headers.get("content-type", "json"):
        try:
            loaded = msgspec.json.decode(ask.body or b"{}")
        except msgspec.DecodeError:
            raise errors.oauth(400, "invalid_request", "The request body is not JSON.") from None
        return loaded if isinstance(loaded, dict) else {}
    return dict(parse_qsl(ask.body.decode("utf-8", "replace")))


def _basic(value: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name.removesuffix("/token") if name.endswith("/token") else f"password of {name}", password
