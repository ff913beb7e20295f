"""The server of the imitation: keys, limits and refusals around the read API."""

import itertools
from typing import Protocol
from urllib.parse import unquote

from catchment.imitations import server as shared
from catchment.imitations.keys import fingerprint
from catchment.imitations.server import Ask, Entry, Reply
from catchment.imitations.stripe import api, errors, keys, query
from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.clock import Clock
from catchment.imitations.stripe.faults import Fault, Faults, refusal
from catchment.imitations.stripe.keys import Key
from catchment.imitations.stripe.resources import Resource
from catchment.imitations.stripe.throttle import Throttle

__all__ = ["DEFAULT_KEY", "Backend", "Entry", "Reply", "Server", "Stored"]

DEFAULT_KEY = "sk_test_imitation0000000000000000"


class Backend(Protocol):
    """What a server serves: an account's store, or one that renders its rows on the fly."""

    id: str
    clock: Clock

    def answer(self, ask: api.Ask) -> bytes: ...


class Stored:
    """An `Account` behind the server."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.id = account.id
        self.clock = account.clock

    def answer(self, ask: api.Ask) -> bytes:
        return api.answer(self.account, ask)


class _Vendor:
    """The side of this server that the shared one asks."""

    def __init__(self, server: "Server") -> None:
        self.server = server

    @property
    def clock(self) -> Clock:
        return self.server.main.clock

    def caller(self, ask: Ask) -> str:
        return fingerprint(keys.presented(ask.headers.get("authorization")))

    def reply(self, ask: Ask, fault: Fault | None) -> Reply:
        return self.server.reply(ask.method, ask.target, dict(ask.headers), fault)


class Server(shared.Server):
    """Serves one account (more with `open`) on a loopback port; use as a context manager or start and stop it."""

    def __init__(
        self,
        account: Account | Backend,
        key: str | Key = DEFAULT_KEY,
        *,
        latency: float = 0.0,
        limit_per_second: int | None = None,
        limit_per_endpoint: int | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(_Vendor(self), faults=Faults(), latency=latency, port=port)
        self.accounts: dict[str, tuple[Key, Backend]] = {}
        self.open(account, key)
        self.main = next(iter(self.accounts.values()))[1]
        self.throttle = Throttle(limit_per_second, limit_per_endpoint)
        self.requests = itertools.count(1)

    def open(self, account: Account | Backend, key: str | Key) -> Key:
        """Let a key open an account; a second account or mode is a second key."""
        opened = key if isinstance(key, Key) else Key(key)
        backend = Stored(account) if isinstance(account, Account) else account
        self.accounts[opened.secret] = (opened, backend)
        return opened

    @property
    def key(self) -> str:
        """The first key's secret."""
        return next(iter(self.accounts))

    def reply(self, method: str, target: str, headers: dict[str, str], fault: Fault | None) -> Reply:
        """The answer to a request, faults of the connection aside."""
        request_id = f"req_{next(self.requests):014d}"
        common = {"Request-Id": request_id}
        if "stripe-version" in headers:
            common["Stripe-Version"] = headers["stripe-version"]
        try:
            return Reply(200, self._body(method, target, headers, fault), common)
        except errors.ApiError as refused:
            if refused.status == 401:
                common = {}
            return Reply(refused.status, refused.body(request_id), {**common, **refused.headers})

    def _body(self, method: str, target: str, headers: dict[str, str], fault: Fault | None) -> bytes:
        path, _, search = target.partition("?")
        path = unquote(path)
        backend, key = self._authenticated(headers)
        refused = refusal(fault) if fault else None
        if refused is not None:
            raise refused
        self.throttle.admit(backend.id, api.template(path))
        if method != "GET":
            raise errors.unknown_url(method, path)

        def refuse(resource: Resource) -> None:
            if resource.path in key.denied or resource.object in key.denied:
                raise errors.forbidden(key.masked, resource.right, backend.id)

        params = query.split(search)
        again = 0
        if fault is not None and fault.kind == "repeated_page":
            again = max(1, next((int(value) for name, value in params if name == "limit"), 10) // 2)
        return backend.answer(api.Ask(path, params, refuse, again))

    def _authenticated(self, headers: dict[str, str]) -> tuple[Backend, Key]:
        secret = keys.presented(headers.get("authorization"))
        if secret is None:
            raise errors.no_key()
        key, backend = self.accounts.get(secret, (None, None))
        if key is None or backend is None or key.revoked:
            raise errors.wrong_key(keys.masked(secret))
        if key.expired:
            raise errors.expired_key(key.masked)
        other = headers.get("stripe-account")
        if other is not None and other != backend.id:
            raise errors.foreign_account(key.masked, other)
        return backend, key
