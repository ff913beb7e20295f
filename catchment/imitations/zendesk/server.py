"""The server of the imitation: credentials, limits and refusals around the read API."""

import itertools
import threading

from catchment.imitations import server as shared
from catchment.imitations.clock import Clock
from catchment.imitations.exchange import Ask, Entry, Reply
from catchment.imitations.keys import fingerprint
from catchment.imitations.zendesk import api, auth, errors
from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.api import Api, Call
from catchment.imitations.zendesk.auth import Credentials, Grant
from catchment.imitations.zendesk.faults import Fault, Faults, refusal
from catchment.imitations.zendesk.limits import Limits
from catchment.imitations.zendesk.query import Query
from catchment.imitations.zendesk.resources import PER_MINUTE
from catchment.imitations.zendesk.shelf import encode

__all__ = ["Entry", "Server", "Zendesk"]
TOKENS = "/oauth/tokens"


class Zendesk:
    """The vendor behind the server: one account, its credentials and limits."""

    def __init__(self, account: Account, limits: Limits) -> None:
        self.account = account
        self.limits = limits
        self.api = Api(account)
        self.credentials = Credentials(account.clock, account.owner_id)
        self._requests = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def clock(self) -> Clock:
        return self.account.clock

    def caller(self, ask: Ask) -> str:
        return fingerprint(ask.headers.get("authorization"))

    def reply(self, ask: Ask, fault: Fault | None) -> Reply:
        """The answer to a request, faults of the connection aside."""
        common = {"X-Zendesk-Api-Version": "v2", "X-Request-Id": f"{next(self._requests):032x}"}
        told: dict[str, str] = {}
        try:
            ordered = refusal(fault) if fault else None
            if ordered is not None:
                raise ordered
            if ask.path.removesuffix(".json") == TOKENS:
                return Reply(200, self._tokens(ask), common)
            path = self._path(ask)
            with self._lock:
                grant = self._grant(ask, path)
            told = self.limits.admit(api.bucket(path))
            return Reply(200, self._body(ask, path, grant, fault), {**common, **told})
        except errors.ApiError as refused:
            return Reply(refused.status, refused.body, {**common, **told, **refused.headers})

    def _tokens(self, ask: Ask) -> bytes:
        if ask.method != "POST":
            raise errors.no_endpoint()
        with self._lock:
            return encode(self.credentials.issue(auth.form(ask)))

    def _path(self, ask: Ask) -> str:
        path = ask.path.rstrip("/")
        if not path.startswith(api.ROOT) or ask.method not in ("GET", "HEAD"):
            raise errors.no_endpoint()
        return path.removeprefix(api.ROOT).removesuffix(".json")

    def _grant(self, ask: Ask, path: str) -> Grant | None:
        grant = self.credentials.caller(ask.headers)
        if grant is None and path != "users/me":
            raise errors.unauthenticated()
        return grant

    def _body(self, ask: Ask, path: str, grant: Grant | None, fault: Fault | None) -> bytes:
        query = Query(ask.query)
        again = 0
        if fault is not None and fault.kind == "repeated_page":
            size = query.text("per_page") or query.text("page[size]") or "100"
            again = max(1, int(size) // 2) if size.isdigit() else 1
        host = ask.headers.get("host") or f"{self.account.subdomain}.zendesk.com"
        scheme = "https" if host.endswith(".zendesk.com") else "http"
        return self.api.answer(Call(path, query, f"{scheme}://{host}/api/v2", grant, again))


class Server(shared.Server):
    """Serves one account on a loopback port; use as a context manager or start and stop it.

    `limits`: None enforces what the account's plan has; `Limits(None)` enforces nothing.
    """

    def __init__(self, account: Account, *, limits: Limits | None = None, latency: float = 0.0, port: int = 0) -> None:
        self.account = account
        self.limits = limits or Limits(PER_MINUTE[account.plan])
        self.zendesk = Zendesk(account, self.limits)
        self.credentials = self.zendesk.credentials
        self.gates = self.zendesk.api.gates
        super().__init__(self.zendesk, faults=Faults(), latency=latency, port=port)

    def secrets(self) -> dict[str, str]:
        """All ways to come in, as a configuration names them; the refresh token only while it has not been used."""
        return {
            "subdomain": self.account.subdomain,
            "email": self.credentials.email,
            "api_token": auth.DEFAULT_TOKEN,
            "access_token": auth.DEFAULT_ACCESS,
            "client_id": auth.CLIENT_ID,
            "client_secret": auth.CLIENT_SECRET,
            "refresh_token": auth.DEFAULT_REFRESH,
        }
