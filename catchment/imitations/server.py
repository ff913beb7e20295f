"""The HTTP server that all imitations share: connections, latency, faults of the connection, and the log."""

import threading
from http.server import ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from typing import Any, Self

from catchment.imitations.connection import Connection
from catchment.imitations.exchange import Ask, Entry, Reply, Vendor
from catchment.imitations.faults import Faults

__all__ = ["Ask", "Entry", "Reply", "Server", "Vendor"]


class Server:
    """Serves one vendor on a loopback port; use as a context manager or start and stop it.

    `latency`: seconds before each answer. `calls` counts every request, `log` has one entry for each.
    """

    def __init__(self, vendor: Vendor, *, faults: Faults | None = None, latency: float = 0.0, port: int = 0) -> None:
        self.vendor = vendor
        self.latency = latency
        self.faults = faults or Faults()
        self.log: list[Entry] = []
        self.calls = 0
        self.stopping = threading.Event()
        self._port = port
        self._lock = threading.Lock()
        self._http: ThreadingHTTPServer | None = None
        self._connections: set[socket] = set()

    @property
    def url(self) -> str:
        """The base URL; RuntimeError before `start`."""
        if self._http is None:
            raise RuntimeError("the imitation is not running: call start() first")
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> str:
        """Listen and serve in the background; returns the base URL."""
        server = self

        class Handler(Connection):
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

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def record(self, entry: Entry) -> None:
        """Add to the log."""
        with self._lock:
            self.log.append(entry)

    def count(self) -> None:
        """One call more."""
        with self._lock:
            self.calls += 1

    def track(self, connection: socket, *, here: bool) -> None:
        """Remember an open connection, or forget it."""
        with self._lock:
            (self._connections.add if here else self._connections.discard)(connection)


def _close(connection: socket) -> None:
    try:
        connection.shutdown(SHUT_RDWR)
    except OSError:
        return
