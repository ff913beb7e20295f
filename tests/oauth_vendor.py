"""A vendor with sessions, for tests: refresh tokens that rotate, access tokens that end, and data behind them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from framework.connector import Access, Connector, Identity, Judge
from framework.errors import Kind
from framework.feed import Answer, Request
from framework.http import Door, Timeouts
from framework.limits import Gates, Rate
from framework.session import Grant, Vault

ASK = Request("/data", (), "/data")
FIRST = "refresh-first-0000"
CLIENT, SECRET = "client-1", "client-secret-1"


@dataclass
class Vendor:
    """Gives tokens and data. ``trouble``: statuses that token requests are answered with first."""

    url: str = ""
    refresh: str = FIRST  # the one refresh token that is good now
    valid: set[str] = field(default_factory=set)
    rotates: bool = True
    expires_in: int = 0
    instance: str = ""
    trouble: list[int] = field(default_factory=list)
    stillborn: bool = False  # new tokens are refused at once
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)  # path, headers, fields
    served: int = 0
    issued: int = 0
    headers: dict[str, str] = field(default_factory=dict)  # of every answer
    before_token: Callable[[], None] = lambda: None
    on_data: Callable[[str], None] = lambda _: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def renewals(self) -> int:
        """Token requests so far."""
        return sum(path.startswith("/oauth") for path, _, _ in self.asked)

    def expire(self) -> None:
        """Ends every session there is."""
        with self.lock:
            self.valid.clear()

    def token(self, headers: dict[str, str], fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answers a token request."""
        self.before_token()
        with self.lock:
            if self.trouble:
                return self.trouble.pop(0), {"error": "server_error"}
            if "authorization" in headers:
                return 400, {"error": "invalid_request", "error_description": "two credentials"}
            if fields.get("client_id") != CLIENT or fields.get("client_secret") != SECRET:
                return 401, {"error": "invalid_client"}
            if fields["grant_type"] == "refresh_token" and fields["refresh_token"] != self.refresh:
                return 400, {"error": "invalid_grant", "error_description": "expired access/refresh token"}
            self.issued += 1
            access = f"access-token-{self.issued:04}"
            if not self.stillborn:
                self.valid = {access}
            told: dict[str, Any] = {"access_token": access, "token_type": "bearer"}
            if self.rotates and fields["grant_type"] == "refresh_token":
                self.refresh = told["refresh_token"] = f"refresh-token-{self.issued:04}"
            if self.expires_in:
                told["expires_in"] = self.expires_in
            if self.instance:
                told["instance_url"] = self.instance
            return 200, told

    def data(self, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answers a call for data."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        self.on_data(token)
        with self.lock:
            self.served += 1
            return (200, {"data": []}) if token in self.valid else (401, {"error": {"code": "expired"}})


@contextmanager
def serving(vendor: Vendor | None = None) -> Iterator[Vendor]:
    """A vendor on loopback."""
    vendor = vendor or Vendor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(b"")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def answer(self, body: bytes) -> None:
            headers = {k.lower(): v for k, v in self.headers.items()}
            if "json" in headers.get("content-type", ""):
                fields = json.loads(body)
            else:
                fields = {k: v[0] for k, v in parse_qs(body.decode()).items()}
            vendor.asked.append((self.path, headers, fields))
            status, told = vendor.token(headers, fields) if self.path.startswith("/oauth") else vendor.data(headers)
            content = json.dumps(told).encode()
            self.send_response_only(status)
            for name, value in {
                "Date": formatdate(usegmt=True),
                "Content-Length": str(len(content)),
                **vendor.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None: ...

    class Listener(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None: ...

    listener = Listener(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    vendor.url = f"http://127.0.0.1:{listener.server_address[1]}"
    try:
        yield vendor
    finally:
        listener.shutdown()
        listener.server_close()


def grant(**more: Any) -> Grant:
    """A credential whose refresh token rotates."""
    return replace(Grant("/oauth/tokens", "refresh_token", CLIENT, SECRET, refresh_token=FIRST), **more)


CONNECTOR = Connector(
    "sessions",
    "",
    lambda credentials: Access({}, "f", ()),
    (),
    (),
    Judge({(401, ""): Kind.SESSION, (403, ""): Kind.PERMISSION}),
    Identity("/me"),
)


class Free:
    """No limit at all, and no state database."""

    def reserve(self, bucket: str, rate: float, count: int = 1) -> float:
        return 0.0

    def freeze(self, bucket: str, until: float) -> None: ...

    def claim(self, bucket: str, count: int, per: float, before: float) -> float:
        return 0.0

    def spent(self, bucket: str, used: int, per: float, resets: float) -> None: ...


@contextmanager
def door(
    url: str, granted: Grant | None = None, vault: Vault | None = None, connector: Connector = CONNECTOR, **more: Any
) -> Iterator[Door]:
    """A door for one run, closed at the end."""
    headers = more.pop("headers", {})
    access = Access(headers, "f", (), base_url=more.pop("base_url", ""), grant=granted)
    gates = more.pop("gates", None) or Gates(Free(), "c", (Rate(1e6),))
    opened = Door(
        connector, access, url, gates, Timeouts(5.0, 5.0), more.pop("stop", threading.Event()),
        more.pop("log", lambda *_, **__: None), vault=vault, **more,
    )  # fmt: skip
    try:
        yield opened
    finally:
        opened.close()


def ask(opened: Door, request: Request = ASK) -> int:
    """One call for data; its status."""
    return opened.send("things", request, status_of)


def status_of(answer: Answer) -> int:
    return answer.status


def state_url(folder: Path) -> str:
    return f"sqlite:///{folder}/state.db"
