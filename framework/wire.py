"""One call on the wire: a pooled connection, the request, and the answer read whole."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import urllib3
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection as Wrapping  # what http.client answers, once more around it

from framework.errors import Kind, Refused

MAX_BODY = 256 * 1024 * 1024  # bytes of one answer, unpacked: no page of any vendor comes near it
HOSTS, CONNECTIONS = 8, 64  # pools kept, and connections in each


class Reply(NamedTuple):
    """An answer as it came; the names of ``headers`` in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Connections to a source's hosts, kept open between calls. Safe for many threads.

    The adapter opens them and sees to their certificates; a call is written and read right on its connection. What
    requests and urllib3 do around each call (redirects, cookies, retries, hooks) is not wanted here and would cost
    more than the decoding of a page.
    """

    def __init__(self, connect: float, read: float) -> None:
        """``connect`` and ``read``: seconds to connect, and between two bytes."""
        self._connect, self._read = connect, read
        self._adapter = HTTPAdapter(pool_connections=HOSTS, pool_maxsize=CONNECTIONS, max_retries=0)
        self._pools: dict[tuple[str, str], Any] = {}

    def send(self, call: PreparedRequest) -> Reply:
        """Sends a call. Raises Refused for an answer that is too large, else what the connection raises."""
        pool = self._pool(call)
        connection = pool._get_conn()
        try:
            if connection.is_closed:
                self._open(connection)
            raw = _asked(connection, call)
            reply = Reply(raw.status, {name.lower(): value for name, value in raw.headers.items()}, _whole(raw))
        except BaseException:
            connection.close()
            raise
        finally:
            pool._put_conn(connection)
        return reply

    def close(self) -> None:
        """Closes the connections that are not in use; the next call opens new ones."""
        self._pools.clear()
        self._adapter.close()

    def _open(self, connection: Any) -> None:
        connection.timeout = self._connect
        connection.connect()
        connection.timeout = self._read
        if connection.sock is not None:  # a recording's
            connection.sock.settimeout(self._read)

    def _pool(self, call: PreparedRequest) -> Any:
        scheme, host, *_ = urlsplit(call.url or "")
        found = self._pools.get((scheme, host))
        if found is None:
            found = self._adapter.get_connection_with_tls_context(call, verify=DEFAULT_CA_BUNDLE_PATH)
            self._pools[scheme, host] = found
        return found


def _asked(connection: Any, call: PreparedRequest) -> Any:
    """Writes the call and waits for the head of the answer."""
    connection.putrequest(call.method or "GET", call.path_url, skip_accept_encoding=True)
    for name, value in call.headers.items():
        connection.putheader(name, value)
    connection.endheaders(call.body)
    plain = type(connection).getresponse is Wrapping.getresponse  # and no recording that plays
    return HTTPConnection.getresponse(connection) if plain else connection.getresponse()


def _whole(raw: Any) -> bytes:
    length = raw.headers.get("Content-Length", "")
    known = length.isdigit()
    if known and int(length) > MAX_BODY:
        raise Refused(Kind.SHRINK, f"an answer of {length} bytes is larger than {MAX_BODY}", http_status=raw.status)
    if "Content-Encoding" in raw.headers:
        packed = urllib3.HTTPResponse(raw, raw.headers.items(), raw.status, preload_content=False)
        body: bytes = packed.read(MAX_BODY + 1, decode_content=True)
    else:
        # An amount makes the reader copy what it reads; it needs none where the length tells the size.
        body = raw.read() if known else raw.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise Refused(Kind.SHRINK, f"an answer is larger than {MAX_BODY} bytes", http_status=raw.status)
    return body
