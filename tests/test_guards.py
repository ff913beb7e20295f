"""The guards that tests/conftest.py puts around every test do guard."""

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import vcr

from tests.conftest import ROOT, OutsideNetworkError

OUTSIDE = ("192.0.2.1", 443)  # an address that no host ever has


@pytest.mark.parametrize("reach", ["connect", "connect_ex"])
def test_no_connection_leaves_this_machine(reach: str) -> None:
    with socket.socket() as sock, pytest.raises(OutsideNetworkError, match=OUTSIDE[0]):
        getattr(sock, reach)(OUTSIDE)


def test_no_packet_leaves_this_machine() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as sock,
        pytest.raises(OutsideNetworkError, match=OUTSIDE[0]),
    ):
        sock.sendto(b"x", OUTSIDE)


def test_no_name_is_looked_up_outside() -> None:
    with pytest.raises(OutsideNetworkError, match=r"api\.example\.com"):
        requests.get("https://api.example.com/", timeout=1)


def test_home_and_working_directory_are_not_the_developers() -> None:
    assert ROOT not in (Path.cwd(), *Path.cwd().parents)
    assert Path.home() != ROOT.parent
    assert not Path("catchment.yaml").exists()
    assert "CATCHMENT_CONFIG" not in os.environ


class Hello(BaseHTTPRequestHandler):
    """Answers every request alike."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Keeps the test's output clean."""


def test_a_replayed_cassette_never_reaches_the_network_from_threads(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    cassette = str(tmp_path / "hello.yaml")
    with vcr.use_cassette(cassette, record_mode="once"), requests.Session() as session:
        session.get(url, timeout=5)
    server.shutdown()
    server.server_close()  # from here on, a real connection is refused

    def replay(_: int) -> int:
        with requests.Session() as session:
            return session.get(url, timeout=5).status_code

    with (
        vcr.use_cassette(cassette, record_mode="none", allow_playback_repeats=True),
        ThreadPoolExecutor(8) as pool,
    ):
        assert set(pool.map(replay, range(200))) == {200}
