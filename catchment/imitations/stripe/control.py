"""A second loopback port by which other processes steer a running imitation; its calls are counted nowhere."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.bulk import Bulk
from catchment.imitations.stripe.life import live
from catchment.imitations.stripe.server import Server
from catchment.imitations.stripe.shelf import encode


class Control:
    """GET /calls /log /fired /count /truth, POST /live /fault /faults/clear /clock /latency /limit /age; all JSON."""

    def __init__(self, server: Server, account: Account | Bulk) -> None:
        self.server = server
        self.account = account
        self.get: dict[str, Callable[[], Any]] = {
            "/calls": lambda: {"calls": server.calls},
            "/log": lambda: [asdict(entry) for entry in list(server.log)],
            "/fired": lambda: dict(server.faults.fired),
            "/count": lambda: {"objects": account.count()},
        }
        self.post: dict[str, Callable[[dict[str, Any]], Any]] = {
            "/live": self._live,
            "/fault": self._fault,
            "/faults/clear": self._clear,
            "/clock": self._clock,
            "/latency": self._latency,
            "/limit": self._limit,
            "/age": self._age,
        }

    def start(self) -> str:
        """Listen in the background; returns the base URL."""
        control = self

        class Handler(_Handler):
            owner = control

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        listener.daemon_threads = True
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{listener.server_address[1]}"

    def truth(self) -> Iterator[bytes]:
        """One JSON line per object: `object_type`, `parent`, `deleted_at` (null while live) and the object itself."""
        if isinstance(self.account, Bulk):
            for object_type, table in self.account.tables.items():
                for number in range(table.rows):
                    yield _truth(object_type, None, None, msgspec.Raw(self.account.render(object_type, number)))
            return
        for object_type, payload, parent in self.account.walk():
            yield _truth(object_type, parent, None, payload)
        for (object_type, _), gone in list(self.account.deleted.items()):
            yield _truth(object_type, gone.parent, gone.deleted_at, gone.object)

    def _live(self, given: dict[str, Any]) -> Any:
        if isinstance(self.account, Bulk):
            raise ValueError("a bulk account does not live: POST /age changes all its rows")
        return dict(
            live(
                self.account,
                int(given.get("seed", 0)),
                int(given.get("steps", 100)),
                pace=float(given.get("pace", 1.0)),
            )
        )

    def _fault(self, given: dict[str, Any]) -> Any:
        nth = given.pop("nth", None)
        self.server.faults.add(**given, nth=tuple(nth) if isinstance(nth, list) else nth)
        return {}

    def _clear(self, _: dict[str, Any]) -> Any:
        self.server.faults.clear()
        return {}

    def _clock(self, given: dict[str, Any]) -> Any:
        self.account.clock.move(float(given["offset"]))
        return {"now": self.account.clock.now()}

    def _latency(self, given: dict[str, Any]) -> Any:
        self.server.latency = float(given["seconds"])
        return {}

    def _limit(self, given: dict[str, Any]) -> Any:
        self.server.throttle.per_second = given.get("per_second")
        self.server.throttle.per_endpoint = given.get("per_endpoint")
        return {}

    def _age(self, _: dict[str, Any]) -> Any:
        if isinstance(self.account, Account):
            raise ValueError("only a bulk account ages: POST /live changes some rows of this one")
        return {"generation": self.account.age()}


def _truth(object_type: str, parent: tuple[str, str, str] | None, deleted_at: int | None, payload: Any) -> bytes:
    home = None if parent is None else {"object_type": parent[0], "id": parent[1], "field": parent[2]}
    return encode({"object_type": object_type, "parent": home, "deleted_at": deleted_at, "object": payload}) + b"\n"


class _Handler(BaseHTTPRequestHandler):
    owner: Control

    def do_GET(self) -> None:
        """Answer a question."""
        if self.path == "/truth":
            self.send_response(200)
            self.end_headers()
            for line in self.owner.truth():
                self.wfile.write(line)
        elif self.path in self.owner.get:
            self._send(200, self.owner.get[self.path]())
        else:
            self._send(404, {"error": f"no {self.path}: one of {', '.join((*self.owner.get, '/truth'))}"})

    def do_POST(self) -> None:
        """Carry out an order."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        act = self.owner.post.get(self.path)
        if act is None:
            self._send(404, {"error": f"no {self.path}: one of {', '.join(self.owner.post)}"})
            return
        try:
            self._send(200, act(msgspec.json.decode(body) if body else {}))
        except (ValueError, TypeError, KeyError) as wrong:
            self._send(400, {"error": f"{type(wrong).__name__}: {wrong}"})

    def _send(self, status: int, answer: Any) -> None:
        body = msgspec.json.encode(answer)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep standard error quiet."""
