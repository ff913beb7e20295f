"""The door to a vendor: what is asked again and after which pause, what never leaves, what the clock says."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.stripe import connector
from connectors.zendesk import connector as zendesk
from framework import http, wire
from framework.connector import Access, Connector
from framework.errors import Kind, Refused, Stopped
from framework.feed import SECOND, Answer, Request
from framework.http import Door, Timeouts
from framework.limits import Gates, Rate

KEY = "sk_test_door"
GOOD = b'{"data":[{"id":"x"}],"has_more":false}'
ASK = Request("/v1/things", [("limit", "100")], "/v1/things")


@dataclass
class Reply:
    """One scripted answer. ``act``: reset, hang or cut instead of (or in the middle of) the body."""

    status: int = 200
    body: bytes = GOOD
    headers: dict[str, str] = field(default_factory=dict)
    act: str = ""


@dataclass
class Vendor:
    """A server that answers by script, then with the last line of it for ever."""

    script: list[Reply]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def next(self) -> Reply:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def serving(*script: Reply) -> Iterator[Vendor]:
    vendor, over = Vendor(list(script) or [Reply()]), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            vendor.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            reply = vendor.next()
            if reply.act == "hang":
                over.wait(10)
            if reply.act in ("hang", "reset"):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            self.send_response_only(reply.status)
            headers = {"Date": formatdate(usegmt=True), "Content-Length": str(len(reply.body)), **reply.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if reply.act == "cut":
                self.wfile.write(reply.body[: len(reply.body) // 2])
                self.close_connection = True
                return
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None: ...

    class Listener(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None: ...

    listener = Listener(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    vendor.url = f"http://127.0.0.1:{listener.server_address[1]}"
    try:
        yield vendor
    finally:
        over.set()
        listener.shutdown()
        listener.server_close()


class Schedule:
    """Limits that hand out every slot at once and remember what was held."""

    def __init__(self) -> None:
        self.frozen: dict[str, float] = {}

    def reserve(self, bucket: str, rate: float, count: int = 1) -> float:
        return 0.0

    def freeze(self, bucket: str, until: float) -> None:
        self.frozen[bucket.partition(":")[2]] = until - time.time()


DOORS: list[Door] = []


@pytest.fixture(autouse=True)
def _closed_doors() -> Iterator[None]:
    yield
    while DOORS:
        DOORS.pop().close()


@dataclass
class Opened:
    door: Door
    stop: threading.Event
    limits: Schedule
    log: list[dict[str, Any]]


def open_door(
    url: str,
    *,
    timeouts: Timeouts | None = None,
    access: Access | None = None,
    rates: tuple[Rate, ...] = (Rate(1e6),),
    of: Connector = connector,
) -> Opened:
    log: list[dict[str, Any]] = []
    stop, limits = threading.Event(), Schedule()
    door = Door(
        of, access or connector.access({"api_key": KEY}), url, Gates(limits, "c", rates),
        timeouts or Timeouts(2.0, 2.0), stop, lambda event, **fields: log.append({"event": event, **fields}),
    )  # fmt: skip
    DOORS.append(door)
    return Opened(door, stop, limits, log)


def read(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)["data"]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits are noted, not waited."""
    noted: list[float] = []
    monkeypatch.setattr(Door, "_wait", lambda self, seconds: noted.append(seconds))
    return noted


# ----------------------------------------------------------------------------------- asking again


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(500, b'{"error":{"message":"oops"}}'),
        Reply(503, b""),
        Reply(408, b"<html>request timeout</html>"),
        Reply(409, b'{"error":{"message":"busy"}}'),
        Reply(200, b"<html>maintenance</html>", {"Content-Type": "text/html"}),
        Reply(502, b"<html>bad gateway</html>"),
        Reply(200, b""),
        Reply(200, GOOD[:-9]),
        Reply(200, b'{"data":"\xff"}'),
        Reply(200, GOOD, act="cut"),
        Reply(act="reset"),
        Reply(429, b'{"error":{"code":"lock_timeout","message":"locked"}}', {"Stripe-Should-Retry": "true"}),
        Reply(429, b'{"error":{"code":"rate_limit","message":"slow down"}}'),
    ],
    ids=lambda reply: f"{reply.status} {reply.act or reply.body[:18]!r}",
)
def test_passing_trouble_is_asked_again(trouble: Reply, pauses: list[float]) -> None:
    with serving(trouble, trouble, Reply()) as vendor:
        opened = open_door(vendor.url)
        assert opened.door.send("things", ASK, read) == [{"id": "x"}]
        assert opened.door.meter.calls == len(vendor.asked) == 3
        assert opened.door.meter.by_feed == {"things": 3}
        assert [line["event"] for line in opened.log] == ["retry", "retry"]
        assert len(pauses) == 2


def test_a_hang_ends_by_the_read_timeout_and_is_asked_again(pauses: list[float]) -> None:
    with serving(Reply(act="hang"), Reply()) as vendor:
        opened = open_door(vendor.url, timeouts=Timeouts(1.0, 0.2))
        assert opened.door.send("things", ASK, read) == [{"id": "x"}]
        assert "no answer in time" in opened.log[0]["message"]


def test_pauses_grow_and_are_spread(pauses: list[float]) -> None:
    with serving(Reply(500)) as vendor:
        with pytest.raises(Refused, match="answered 500") as caught:
            open_door(vendor.url).door.send("things", ASK, read)
        assert (caught.value.kind, caught.value.report, caught.value.http_status) == (Kind.RETRY, "upstream", 500)
        assert len(vendor.asked) == http.ATTEMPTS
    ceilings = [min(http.PAUSE_MAX_S, http.PAUSE_S * 2**n) for n in range(http.ATTEMPTS - 1)]
    assert all(top / 4 <= pause <= top for pause, top in zip(pauses, ceilings, strict=True))
    assert sum(ceilings) > 30  # a vendor that is away for half a minute fails no run


def test_nobody_there_is_a_network_fault_with_what_to_do(pauses: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    opened = open_door(url)
    with pytest.raises(Refused, match="the connection failed") as caught:
        opened.door.send("things", ASK, read)
    assert (caught.value.report, caught.value.http_status) == ("network", None)
    assert "Check the network" in caught.value.hint
    assert opened.door.meter.calls == http.ATTEMPTS


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "", Kind.AUTH),
        (403, "more_permissions_required", Kind.PERMISSION),
        (404, "resource_missing", Kind.GONE),
        (400, "resource_missing", Kind.CURSOR),
        (400, "parameter_unknown", Kind.BUG),
    ],
)
def test_a_final_answer_is_asked_once(status: int, code: str, kind: Kind) -> None:
    body = b'{"error":{"code":"%s","message":"what Stripe says"}}' % code.encode()
    with serving(Reply(status, body)) as vendor:
        with pytest.raises(Refused, match="what Stripe says") as caught:
            open_door(vendor.url).door.send("things", ASK, read)
        assert (caught.value.kind, caught.value.code, len(vendor.asked)) == (kind, code, 1)


# ------------------------------------------------------------------------------------ told to wait


def slow_down(advice: str, **more: str) -> Reply:
    return Reply(429, b'{"error":{"code":"rate_limit","message":"slow down"}}', {"Retry-After": advice, **more})


@pytest.mark.parametrize("status", [429, 503])
def test_advice_is_waited_in_full(status: int, pauses: list[float]) -> None:
    with serving(Reply(status, b"{}", {"Retry-After": "7"}), Reply()) as vendor:
        opened = open_door(vendor.url)
        opened.door.send("things", ASK, read)
        assert 7.0 <= pauses[0] < 7.5
        assert opened.door.meter.rate_limited == (status == 429)


def test_a_limit_holds_everybody_or_only_its_endpoint(pauses: list[float]) -> None:
    rates = (Rate(1e6), Rate(1e6, each="endpoint"))
    with serving(slow_down("7"), slow_down("9", **{"Stripe-Rate-Limited-Reason": "endpoint-rate"}), Reply()) as vendor:
        opened = open_door(vendor.url, rates=rates)
        opened.door.send("things", ASK, read)
        assert {name: round(seconds) for name, seconds in opened.limits.frozen.items()} == {
            "account": 7, "endpoint:/v1/things": 9,
        }  # fmt: skip


@pytest.mark.parametrize("skew", [-5_000, 0, 5_000])
def test_advice_given_as_a_date_is_by_the_vendors_clock(skew: int, pauses: list[float]) -> None:
    date = formatdate(time.time() + skew, usegmt=True)
    advice = formatdate(time.time() + skew + 30, usegmt=True)
    with serving(slow_down(advice, Date=date), Reply()) as vendor:
        open_door(vendor.url).door.send("things", ASK, read)
        assert 29 <= pauses[0] <= 31.5


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_of_hours_ends_the_run_as_a_spent_quota(status: int) -> None:
    with serving(Reply(status, b"{}", {"Retry-After": "86400"})) as vendor:
        with pytest.raises(Refused, match="told to wait 86400 s") as caught:
            open_door(vendor.url).door.send("things", ASK, read)
        assert (caught.value.kind, caught.value.report, len(vendor.asked)) == (Kind.QUOTA, "quota", 1)


def test_a_told_wait_is_a_sign_of_life_and_counted() -> None:
    with serving(slow_down("0.3"), Reply()) as vendor:
        opened = open_door(vendor.url)
        began = time.monotonic()
        opened.door.send("things", ASK, read)
        assert time.monotonic() - began >= 0.3
        assert opened.door.meter.waited >= 0.3
        assert opened.door.meter.active >= began + 0.3


def test_an_answer_to_another_thread_does_not_shorten_a_told_wait() -> None:
    with serving(slow_down("0.4"), Reply()) as vendor:
        opened = open_door(vendor.url)
        began = time.monotonic()
        waiting = threading.Thread(target=opened.door.send, args=("things", ASK, read))
        waiting.start()
        while not opened.log:
            time.sleep(0.005)
        opened.door.send("things", ASK, read)
        assert opened.door.meter.active >= began + 0.4
        waiting.join()


def test_a_stop_ends_a_wait_at_once_and_sends_nothing_more() -> None:
    with serving(slow_down("600")) as vendor:
        opened = open_door(vendor.url)
        threading.Timer(0.1, opened.stop.set).start()
        with pytest.raises(Stopped):
            opened.door.send("things", ASK, read)
        with pytest.raises(Stopped):
            opened.door.send("things", ASK, read)
        assert len(vendor.asked) == opened.door.meter.calls == 1


# ------------------------------------------------------------------------------------- other hosts


def test_links_are_followed_by_path_and_query_on_the_configured_host_only() -> None:
    with serving() as vendor, serving() as other:
        door = open_door(vendor.url).door
        refused = [
            f"{other.url}/v1/things",
            "https://evil.example/v1/things",
            vendor.url.replace("http://", "https://") + "/v1/things",
            vendor.url + "@evil.example/v1/things",
            vendor.url + ".evil.example/v1/things",
        ]
        for link in refused:
            with pytest.raises(Refused, match="not the configured host"):
                door.send("things", Request(link), read)
        assert door.meter.calls == 0
        door.send("things", Request(f"{vendor.url}/v1/things?page=2"), read)
        door.send("things", Request("//evil.example/v1/things"), read)
        door.send("things", Request("/v1/things?page=3", [("limit", "5"), ("created[gte]", "1")]), read)
        assert [path for path, _ in vendor.asked] == [
            "/v1/things?page=2", "/evil.example/v1/things", "/v1/things?page=3&limit=5&created%5Bgte%5D=1",
        ]  # fmt: skip
        assert other.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed_and_credentials_stay_home(status: int) -> None:
    with serving() as other, serving(Reply(status, b"", {"Location": f"{other.url}/v1/things"})) as vendor:
        with pytest.raises(Refused) as caught:
            open_door(vendor.url).door.send("things", ASK, read)
        assert (caught.value.kind, caught.value.report) == (Kind.BUG, "upstream")
        assert other.url.removeprefix("http://") in str(caught.value)
        assert vendor.asked[0][1]["authorization"] == f"Bearer {KEY}"
        assert other.asked == []


def test_cookies_and_proxies_of_the_surroundings_take_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy, serving(Reply(headers={"Set-Cookie": "a=b"}), Reply()) as vendor:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        door = open_door(vendor.url).door
        door.send("things", ASK, read)
        door.send("things", ASK, read)
        assert proxy.asked == []
        assert "cookie" not in vendor.asked[1][1]


def test_nobodys_netrc_replaces_the_credential(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving() as vendor:
        open_door(vendor.url).door.send("things", ASK, read)
        assert vendor.asked[0][1]["authorization"] == f"Bearer {KEY}"


def test_every_call_names_the_pinned_version_and_the_account_it_acts_for() -> None:
    with serving() as vendor:
        access = connector.access({"api_key": KEY, "account": "acct_1"})
        open_door(vendor.url, access=access).door.send("things", ASK, read)
        _, headers = vendor.asked[0]
        assert headers["stripe-version"] == connector.version
        assert headers["stripe-account"] == "acct_1"
        assert headers["user-agent"].startswith("catchment")


# ------------------------------------------------------------------------------------ body and clock


@pytest.mark.parametrize("announced", [True, False])
def test_an_answer_beyond_all_bounds_is_not_taken(announced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BODY", 1_000)
    body = gzip.compress(b'{"data":"' + b"x" * 5_000 + b'"}')
    assert len(body) < 1_000
    large = (
        Reply(200, b'{"data":"' + b"x" * 5_000 + b'"}') if announced else Reply(200, body, {"Content-Encoding": "gzip"})
    )
    with serving(large, Reply()) as vendor:
        opened = open_door(vendor.url)
        with pytest.raises(Refused, match="larger than 1000") as caught:
            opened.door.send("things", ASK, read)
        assert (caught.value.kind, len(vendor.asked)) == (Kind.SHRINK, 1)
        assert opened.door.send("things", ASK, read) == [{"id": "x"}]  # the connection is none the worse


def test_a_packed_answer_is_unpacked() -> None:
    with serving(Reply(200, gzip.compress(GOOD), {"Content-Encoding": "gzip"})) as vendor:
        assert open_door(vendor.url).door.send("things", ASK, read) == [{"id": "x"}]


def test_half_a_surrogate_pair_costs_no_page(pauses: list[float]) -> None:
    """Text cut in the middle of an emoji is JSON by its grammar, and refused by strict readers."""
    body = rb'{"data":["\ud83d","\uDE00\ud83d\ude00","\\ud83d"],"has_more":false}'
    with serving(Reply(200, body)) as vendor:
        taken = open_door(vendor.url).door.send("things", ASK, read)
    assert taken == [r"\ud83d", r"\uDE00" + "\N{GRINNING FACE}", r"\ud83d"]
    assert len(vendor.asked) == 1
    assert pauses == []


def test_a_defect_in_reading_is_not_asked_again() -> None:
    def broken(_: Answer) -> None:
        raise KeyError("data")

    with serving() as vendor:
        with pytest.raises(KeyError):
            open_door(vendor.url).door.send("things", ASK, broken)
        assert len(vendor.asked) == 1


@pytest.mark.parametrize("skew", [-40 * 86_400, 0, 40 * 86_400])
@pytest.mark.parametrize("status", [200, 403])
def test_time_is_the_vendors(skew: int, status: int) -> None:
    date = formatdate(time.time() + skew, usegmt=True)
    take: Callable[[Answer], int] = lambda answer: answer.asked  # noqa: E731
    with serving(Reply(status, GOOD, {"Date": date})) as vendor:
        door = open_door(vendor.url).door
        expected = (time.time() + skew) * SECOND
        if status == 200:
            assert expected - 2 * SECOND <= door.send("things", ASK, take) <= expected + SECOND
        else:
            with pytest.raises(Refused):
                door.send("things", ASK, take)
        assert abs(door.now() - expected) < 3 * SECOND


def test_no_answer_is_older_than_what_an_earlier_run_has_seen() -> None:
    """Within the second that a `Date` leaves open; a clock that was set back is believed."""
    second = int(time.time())
    take: Callable[[Answer], int] = lambda answer: answer.asked  # noqa: E731
    with serving(Reply(headers={"Date": formatdate(second, usegmt=True)})) as vendor:
        door = open_door(vendor.url).door
        assert door.send("things", ASK, take) < second * SECOND
        for latest, asked in ((700_000, 700_000), (3_000_000, SECOND)):
            door.after(second * SECOND + latest)
            assert door.send("things", ASK, take) == second * SECOND + asked


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_a_readable_date_the_last_one_counts(date: str) -> None:
    ahead = formatdate(time.time() + 500_000, usegmt=True)
    take: Callable[[Answer], int] = lambda answer: answer.asked  # noqa: E731
    with serving(Reply(headers={"Date": ahead}), Reply(headers={"Date": date})) as vendor:
        door = open_door(vendor.url).door
        door.send("things", ASK, take)
        assert abs(door.send("things", ASK, take) - (time.time() + 500_000) * SECOND) < 3 * SECOND


@pytest.mark.parametrize(("common", "kind"), [(True, Kind.PERMISSION), (False, Kind.UNAVAILABLE)])
def test_a_refusal_without_a_word_is_about_who_asks_where_every_account_has_it(common: bool, kind: Kind) -> None:
    with serving(Reply(403, b"", {"Content-Type": "text/html"})) as vendor:
        door = open_door(vendor.url, of=zendesk).door
        with pytest.raises(Refused) as refused:
            door.send("tickets", replace(ASK, common=common), read)
    assert refused.value.kind is kind
