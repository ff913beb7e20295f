"""The HTTP server of the imitation: keys, limits, faults and the log around the read API."""

import itertools
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from socketserver import StreamRequestHandler
from typing import Any, Protocol
from urllib.parse import unquote

from catchment.imitations.stripe import api, errors, keys, query
from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.clock import Clock
from catchment.imitations.stripe.faults import Fault, Faults, refusal
from catchment.imitations.stripe.keys import Key
from catchment.imitations.stripe.resources import Resource
from catchment.imitations.stripe.throttle import Throttle

DEFAULT_KEY = "sk_test_imitation0000000000000000"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
_HTML = b"<html><head><title>Bad gateway</title></head><body><h1>Something went wrong</h1></body></html>"


class Backend(Protocol):
    """What a server serves: an account's store, or one that renders its rows on the fly."""

    id: str
    clock: Clock

    def answer(self, ask: api.Ask) -> bytes: ...


@dataclass(frozen=True)
class Entry:
    """One request in the log. `at` is monotonic seconds; status 0 means that no answer was sent."""

    at: float
    method: str
    target: str
    status: int
    key: str
    fault: str | None = None


@dataclass(frozen=True)
class Reply:
    """What goes back: status, headers beyond the usual ones, body."""

    status: int
    body: bytes
    headers: dict[str, str]


class Stored:
    """An `Account` behind the server."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.id = account.id
        self.clock = account.clock

    def answer(self, ask: api.Ask) -> bytes:
        return api.answer(self.account, ask)


class Server:
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
        self.accounts: dict[str, tuple[Key, Backend]] = {}
        self.open(account, key)
        self.main = next(iter(self.accounts.values()))[1]
        self.latency = latency
        self.throttle = Throttle(limit_per_second, limit_per_endpoint)
        self.faults = Faults()
        self.log: list[Entry] = []
        self.calls = 0
        self.stopping = threading.Event()
        self.requests = itertools.count(1)
        self._port = port
        self._lock = threading.Lock()
        self._http: ThreadingHTTPServer | None = None
        self._connections: set[socket.socket] = set()

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

    @property
    def url(self) -> str:
        """The base URL; RuntimeError before `start`."""
        if self._http is None:
            raise RuntimeError("the imitation is not running: call start() first")
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> str:
        """Listen and serve in the background; returns the base URL."""
        server = self

        class Handler(_Connection):
            owner = server

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that leaves in the middle is not the server's error."""

        self._http = Listener(("127.0.0.1", self._port), Handler)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self.url

    def stop(self) -> None:
        """Stop listening and close all connections, hanging ones too."""
        self.stopping.set()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        with self._lock:
            for connection in self._connections:
                _close(connection)

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def record(self, entry: Entry) -> None:
        with self._lock:
            self.log.append(entry)

    def count(self) -> None:
        with self._lock:
            self.calls += 1

    def track(self, connection: socket.socket, *, here: bool) -> None:
        with self._lock:
            (self._connections.add if here else self._connections.discard)(connection)

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


class _Connection(StreamRequestHandler):
    """One keep-alive connection. Parses HTTP by hand: the standard handler costs more than the answers do."""

    owner: Server
    disable_nagle_algorithm = True
    rbufsize = 65_536

    def handle(self) -> None:
        self.owner.track(self.connection, here=True)
        try:
            while self._one():
                pass
        except OSError:
            return
        finally:
            self.owner.track(self.connection, here=False)

    def _one(self) -> bool:
        """Serve one request; False ends the connection."""
        line = self.rfile.readline(65_536)
        if not line.strip():
            return False
        arrived = time.monotonic()
        method, target = line.decode("latin-1").split(" ")[:2]
        headers: dict[str, str] = {}
        while (field := self.rfile.readline(65_536)) not in (b"\r\n", b"\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if length := int(headers.get("content-length") or 0):
            self.rfile.read(length)
        server = self.owner
        server.count()
        fault = server.faults.pick(target)
        secret = keys.fingerprint(keys.presented(headers.get("authorization")))
        if fault is not None and fault.kind in ("reset", "hang"):
            server.record(Entry(arrived, method, target, 0, secret, fault.kind))
            self._hang() if fault.kind == "hang" else self._reset()
            return False
        reply = server.reply(method, target, headers, fault)
        if fault is not None:
            reply = _spoiled(reply, fault)
        server.record(Entry(arrived, method, target, reply.status, secret, fault.kind if fault else None))
        if server.latency:
            server.stopping.wait(server.latency)
        return self._send(reply, fault, "close" not in headers.get("connection", "").lower(), method)

    def _send(self, reply: Reply, fault: Fault | None, keep: bool, method: str) -> bool:
        kind = fault.kind if fault else ""
        length = len(reply.body) * 2 + 64 if kind == "truncated" else len(reply.body)
        fields = {
            "Date": self.owner.main.clock.http_date(),
            "Content-Type": "application/json",
            "Content-Length": str(length),
            "Cache-Control": "no-cache, no-store",
            **reply.headers,
        }
        if not keep:
            fields["Connection"] = "close"
        head = (
            f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Status')}\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            + "\r\n"
        )
        body = b"" if method == "HEAD" else reply.body
        if kind == "drip" and fault is not None:
            return self._drip(head.encode("latin-1"), body, fault.seconds)
        if kind == "reset_in_body":
            self.connection.sendall(head.encode("latin-1") + body[: len(body) // 2])
            self._reset()
            return False
        self.connection.sendall(head.encode("latin-1") + body)
        return keep and kind != "truncated"

    def _drip(self, head: bytes, body: bytes, seconds: float) -> bool:
        pieces = 20
        size = max(1, -(-len(body) // pieces))
        self.connection.sendall(head)
        for start in range(0, len(body), size):
            if self.owner.stopping.wait(seconds / pieces):
                return False
            self.connection.sendall(body[start : start + size])
        return True

    def _hang(self) -> None:
        self.connection.settimeout(0.1)
        while not self.owner.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _spoiled(reply: Reply, fault: Fault) -> Reply:
    if fault.kind == "html":
        return Reply(fault.status, _HTML, {"Content-Type": "text/html"})
    if fault.kind == "invalid_json":
        return Reply(reply.status, reply.body[:-1] + b',"', reply.headers)
    if fault.kind == "empty":
        return Reply(reply.status, b"", reply.headers)
    return reply


def _close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
