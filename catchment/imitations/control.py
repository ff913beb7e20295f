"""A second loopback port by which other processes steer a running imitation; its calls are counted nowhere."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from catchment.imitations.server import Server

Question = Callable[[], Any]
Order = Callable[[dict[str, Any]], Any]


class Control:
    """GET /calls /log /fired /truth, POST /fault /faults/clear /clock /latency, and what the vendor adds; all JSON.

    `truth` yields one JSON line per object of the account.
    """

    def __init__(
        self,
        server: Server,
        truth: Callable[[], Iterable[bytes]],
        get: Mapping[str, Question],
        post: Mapping[str, Order],
    ) -> None:
        self.server = server
        self.truth = truth
        self.get: dict[str, Question] = {
            "/calls": lambda: {"calls": server.calls},
            "/log": lambda: [asdict(entry) for entry in list(server.log)],
            "/fired": lambda: dict(server.faults.fired),
            **get,
        }
        self.post: dict[str, Order] = {
            "/fault": self._fault,
            "/faults/clear": self._clear,
            "/clock": self._clock,
            "/latency": self._latency,
            **post,
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

    def _fault(self, given: dict[str, Any]) -> Any:
        nth = given.pop("nth", None)
        self.server.faults.add(**given, nth=tuple(nth) if isinstance(nth, list) else nth)
        return {}

    def _clear(self, _: dict[str, Any]) -> Any:
        self.server.faults.clear()
        return {}

    def _clock(self, given: dict[str, Any]) -> Any:
        clock = self.server.vendor.clock
        clock.move(float(given["offset"]))
        return {"now": clock.now()}

    def _latency(self, given: dict[str, Any]) -> Any:
        self.server.latency = float(given["seconds"])
        return {}


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
