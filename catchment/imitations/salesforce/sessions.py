"""OAuth: the grants of the token endpoint, sessions that end, and refresh tokens that may rotate."""

import base64
import hashlib
import hmac
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catchment.imitations.clock import Clock
from catchment.imitations.salesforce import assertions
from catchment.imitations.salesforce.errors import OAuthError
from catchment.imitations.salesforce.view import User

HOURS_OF_REST = 2


@dataclass
class Session:
    """One access token: whose, and when it was last used."""

    token: str
    user: User
    used: float


@dataclass
class App:
    """The external client app and its user's secrets. `public_key`: PEM, for JWT bearer. `grants`: what is allowed."""

    client_id: str = "3MVG9imitation.client"
    client_secret: str = "imitation-client-secret"
    username: str = "sync@imitation.example"
    password: str = "imitation-password"
    security_token: str = "IMITATIONTOKEN"
    refresh_token: str = "5Aep861imitation.refresh"
    public_key: str = ""
    rotates: bool = False
    scope: str = "refresh_token api id"
    grants: tuple[str, ...] = ("refresh_token", "client_credentials", "password", assertions.GRANT)


class Sessions:
    """The sessions of one organisation. `seconds`: a session ends after so long without use; None: never."""

    def __init__(self, clock: Clock, organisation: str, user: User, app: App | None = None) -> None:
        self.clock = clock
        self.organisation = organisation
        self.app = app or App()
        self.main = user
        self.seconds: float | None = HOURS_OF_REST * 3_600
        self.renewed = 0
        self._refresh: dict[str, User] = {self.app.refresh_token: user}
        self._open: dict[str, Session] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def begin(self, user: User | None = None) -> Session:
        """A new session."""
        with self._lock:
            number = next(self._numbers)
            seal = hashlib.sha256(f"{self.organisation}{number}".encode()).hexdigest()[:40]
            session = Session(f"{self.organisation[:15]}!AQ{seal}{number}", user or self.main, self.clock.now())
            self._open[session.token] = session
            return session

    def user(self, token: str | None) -> User | None:
        """Whose session a token is; None when there is none or it has ended."""
        with self._lock:
            session = self._open.get(token or "")
            if session is None:
                return None
            if self.seconds is not None and self.clock.now() - session.used > self.seconds:
                del self._open[session.token]
                return None
            session.used = self.clock.now()
            return session.user

    def end(self, token: str | None = None) -> int:
        """End a session, or all; returns how many ended."""
        with self._lock:
            ended = [token] if token in self._open else [] if token else list(self._open)
            for one in ended:
                self._open.pop(one, None)
            return len(ended)

    def revoke(self) -> None:
        """Withdraw every refresh token: renewing is refused from now on."""
        with self._lock:
            self._refresh.clear()

    @property
    def refresh_tokens(self) -> list[str]:
        """The refresh tokens that work."""
        return list(self._refresh)

    def grant(self, form: Mapping[str, str], url: str) -> dict[str, Any]:
        """The token endpoint's answer; OAuthError when it refuses."""
        kind = form.get("grant_type", "")
        if kind not in self.app.grants:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        if kind == assertions.GRANT:
            if not self.app.public_key:
                raise OAuthError("invalid_grant", "user hasn't approved this consumer")
            assertions.check(form.get("assertion", ""), self.app, url)
            return self._token(self.main, url)
        if form.get("client_id") != self.app.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") != self.app.client_secret:
            raise OAuthError("invalid_client", "invalid client credentials")
        if kind == "password":
            wanted = (self.app.username, self.app.password + self.app.security_token)
            if (form.get("username"), form.get("password")) != wanted:
                raise OAuthError("invalid_grant", "authentication failure")
        return self._refreshed(form, url) if kind == "refresh_token" else self._token(self.main, url)

    def _refreshed(self, form: Mapping[str, str], url: str) -> dict[str, Any]:
        given = form.get("refresh_token", "")
        with self._lock:
            user = self._refresh.get(given)
            if user is None:
                raise OAuthError("invalid_grant", "expired access/refresh token")
            self.renewed += 1
            fresh = given
            if self.app.rotates:
                del self._refresh[given]
                fresh = f"{self.app.refresh_token}.{self.renewed}"
                self._refresh[fresh] = user
        answer = self._token(user, url)
        return {**answer, "refresh_token": fresh} if self.app.rotates else answer

    def _token(self, user: User, url: str) -> dict[str, Any]:
        session = self.begin(user)
        issued = str(int(self.clock.now() * 1_000))
        identity = f"{url}/id/{self.organisation}/{user.id}"
        seal = hmac.new(self.app.client_secret.encode(), (identity + issued).encode(), hashlib.sha256).digest()
        return {
            "access_token": session.token,
            "signature": base64.b64encode(seal).decode(),
            "scope": self.app.scope,
            "instance_url": url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
        }
