"""One keep-alive connection of an imitation: HTTP parsed by hand, and the faults that befall connections and bodies."""

import socket
import struct
import time
from http import HTTPStatus
from socketserver import StreamRequestHandler
from typing import TYPE_CHECKING

from catchment.imitations.exchange import Ask, Entry, Reply
from catchment.imitations.faults import Fault

if TYPE_CHECKING:
    from catchment.imitations.server import Server

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_HTML = b"<html><head><title>Bad gateway</title></head><body><h1>Something went wrong</h1></body></html>"


class Connection(StreamRequestHandler):
    """Serves its requests one after the other. The standard handler would cost more than the answers do."""

    owner: "Server"
    disable_nagle_algorithm = True
    rbufsize = 65_536

    def handle(self) -> None:
        """Serve until either side closes."""
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
        length = int(headers.get("content-length") or 0)
        ask = Ask(method, target, headers, self.rfile.read(length) if length else b"")
        server = self.owner
        server.count()
        fault = server.faults.pick(target)
        caller = server.vendor.caller(ask)
        if fault is not None and fault.kind in ("reset", "hang"):
            server.record(Entry(arrived, method, target, 0, caller, fault.kind))
            self._hang() if fault.kind == "hang" else self._reset()
            return False
        reply = server.vendor.reply(ask, fault)
        if fault is not None:
            reply = _spoiled(reply, fault)
        server.record(Entry(arrived, method, target, reply.status, caller, fault.kind if fault else None))
        if server.latency:
            server.stopping.wait(server.latency)
        return self._send(reply, fault, "close" not in headers.get("connection", "").lower(), method)

    def _send(self, reply: Reply, fault: Fault | None, keep: bool, method: str) -> bool:
        kind = fault.kind if fault else ""
        length = len(reply.body) * 2 + 64 if kind == "truncated" else len(reply.body)
        fields = {
            "Date": self.owner.vendor.clock.http_date(),
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
