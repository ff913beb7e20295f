"""What every test runs under: no way out to the network, nobody's home or keys, fixed randomness."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.database import DirectoryBasedExampleDatabase
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = Path(os.environ.get("CATCHMENT_FIXTURES") or ROOT.parent / "shared" / "fixtures").resolve()
FOREIGN_SETTINGS = ("CATCHMENT_", "STRIPE_", "ZENDESK_", "SALESFORCE_", "REQUESTS_CA_", "CURL_CA_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


# ------------------------------------------------------------------------------------------- network


class OutsideNetworkError(RuntimeError):
    """A test reached for a host that is not this machine (not an OSError: no retry may swallow it)."""


def _is_local(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str):
        return name is None
    return name in {"", "localhost", "::1", "0.0.0.0", "::"} or name.startswith(("127.", "::ffff:127."))


def _refuse_unless_local(address: object) -> None:
    if isinstance(address, tuple) and not _is_local(address[0]):
        raise OutsideNetworkError(f"a test tried to reach {address[0]}: use a server on 127.0.0.1")


def _close_the_network() -> None:
    """Sockets of this process reach loopback only, names resolve only when they are this machine's."""
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
    getaddrinfo = socket.getaddrinfo

    def local_connect(self: socket.socket, address: Any) -> None:
        _refuse_unless_local(address)
        connect(self, address)

    def local_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_unless_local(address)
        return connect_ex(self, address)

    def local_sendto(self: socket.socket, *args: Any) -> int:
        _refuse_unless_local(args[-1])
        return sendto(self, *args)

    def local_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_unless_local((host,))
        return getaddrinfo(host, *args, **kwargs)

    vars_of_socket: Any = socket.socket
    vars_of_socket.connect = local_connect
    vars_of_socket.connect_ex = local_connect_ex
    vars_of_socket.sendto = local_sendto
    vars_of_module: Any = socket
    vars_of_module.getaddrinfo = local_getaddrinfo


def _serialise_new_connections() -> None:
    """Makes vcrpy safe under threads.

    While vcrpy builds a real connection object it takes its patches off for the whole process, so a second
    thread that builds one at that moment gets a real connection and leaves the cassette: one at a time.
    """
    lock = threading.RLock()

    def one_at_a_time(pool: Any) -> None:
        build = pool._new_conn

        def new_conn(self: Any) -> Any:
            with lock:
                return build(self)

        pool._new_conn = new_conn

    one_at_a_time(HTTPConnectionPool)
    one_at_a_time(HTTPSConnectionPool)


_close_the_network()
_serialise_new_connections()


# ---------------------------------------------------------------------------------------- randomness

set_hypothesis_home_dir(ROOT / ".hypothesis")
# No deadline: two shared cores say nothing about the code. On the build machine the same examples each time.
settings.register_profile(
    "local", deadline=None, database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis" / "examples")
)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


# ------------------------------------------------------------------------------------------- hygiene


@pytest.fixture(scope="session", autouse=True)
def _clean_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home and a working directory of the session's own; nobody's keys, proxies or configuration.

    The repository stays importable in subprocesses whatever directory they run in.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(FOREIGN_SETTINGS) or name.lower() in PROXIES:
                patch.delenv(name)
        patch.setenv("CATCHMENT_FIXTURES", str(FIXTURES))
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home / name.lower()))
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(path))
        patch.setenv("TZ", "UTC")
        patch.chdir(tmp_path_factory.mktemp("cwd"))
        yield


# ------------------------------------------------------------------------- recorded vendor answers


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """The folder of recorded vendor answers; only for tests marked `fixtures`."""
    return FIXTURES


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what needs recorded vendor answers where there are none (the summary says so)."""
    if FIXTURES.is_dir():
        return
    without = [item for item in items if item.get_closest_marker("fixtures")]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """States whether the recorded answers took part."""
    if not FIXTURES.is_dir():
        terminalreporter.write_line(
            "recorded vendor answers: none here (CATCHMENT_FIXTURES), their tests were left out"
        )
