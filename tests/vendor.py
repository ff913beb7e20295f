"""Fixture: sources over imitated accounts, each behind a server of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from catchment.imitations.stripe import Account, Server, generate
from tests.source import Source

Make = Callable[..., Source]


@contextmanager
def sources() -> Iterator[Make]:
    """Makes sources; their servers stop at the end."""
    servers: list[Server] = []

    def make(seed: int = 7, objects: int = 400, account: Account | None = None, **more: object) -> Source:
        account = account or generate(seed=seed, objects=objects)
        server = Server(account, **more)  # type: ignore[arg-type]
        server.start()
        servers.append(server)
        return Source(account, server)

    try:
        yield make
    finally:
        for server in servers:
            server.stop()
