"""A PostgreSQL server of its own for the measurements, with a server's usual settings: what commits is on disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.postgres import Server, execute

VERSION = 18
SETTINGS = ("shared_buffers=256MB", "max_wal_size=2GB", "log_min_messages=fatal")


@contextmanager
def running() -> Iterator["Databases"]:
    """Databases on a server that ends with the block."""
    server = Server(VERSION, SETTINGS)
    try:
        execute(server.url("postgres"), "CREATE ROLE bench LOGIN SUPERUSER PASSWORD 'bench'")
        yield Databases(server)
    finally:
        server.remove()


class Databases:
    """Hands out one empty database after the other."""

    def __init__(self, server: Server) -> None:
        self.server, self._made = server, 0

    def new(self) -> str:
        """The address of a database that nobody has used."""
        self._made += 1
        execute(self.server.url("postgres"), "CHECKPOINT", f"CREATE DATABASE bench_{self._made}")
        return self.server.url(f"bench_{self._made}", "bench", "bench")

    def cpu(self) -> float:
        """Seconds of processor that the server's processes have used, those that ended among them."""
        main = int((self.server.data / "postmaster.pid").read_text().split()[0])
        clock = os.sysconf("SC_CLK_TCK")
        total = 0
        for process in _children(main):
            with suppress(FileNotFoundError):  # it ended just now: the next look finds it with those that ended
                fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                total += sum(map(int, fields[11:15] if process == main else fields[11:13]))
        return total / clock


def _children(main: int) -> list[int]:
    return [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]
