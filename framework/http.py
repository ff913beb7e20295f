"""The one door to a vendor: limiter, request, judgement and retry for every call of a source."""

from __future__ import annotations

import email.utils
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from framework import page
from framework.bundle import Part
from framework.connector import Access, Connector
from framework.errors import Kind, Refused, Stopped
from framework.feed import SECOND, Answer, Request
from framework.limits import Gates

Result = TypeVar("Result")

MAX_BODY = 256 * 1024 * 1024  # bytes of one answer, unpacked: no page of any vendor comes near it
ATTEMPTS = 8  # of one call, passing trouble included: with the pauses below about two minutes
PAUSE_S, PAUSE_MAX_S = 0.5, 30.0
TOLD_MAX_S = 3600.0  # longest pause we take from a vendor before calling the allowance spent


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, between two bytes, and without any progress of a whole run."""

    connect: float = 10.0
    read: float = 30.0
    stall: float = 600.0


@dataclass(slots=True)
class Meter:
    """What the calls of one source's run came to. Thread-safe through its lock."""

    calls: int = 0
    rate_limited: int = 0
    waited: float = 0.0
    by_feed: Counter[str] = field(default_factory=Counter)
    server_s: float = 0.0  # time between sending the last call and its last byte
    active: float = field(default_factory=time.monotonic)  # last sign of life: a byte, or the end of a told wait
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Again(Exception):
    """One attempt failed in a way that asking again may mend; ``pause`` is what the vendor told us to wait."""

    def __init__(self, refusal: Refused, pause: float | None = None) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.pause = pause


class Door:
    """Sends a source's calls. One per run; safe for many threads.

    Raises :class:`Refused` for what retrying did not mend and :class:`Stopped` when the run ends while a call waits.
    """

    def __init__(
        self,
        connector: Connector,
        access: Access,
        base_url: str,
        gates: Gates,
        timeouts: Timeouts,
        stop: threading.Event,
        log: Callable[..., None],
    ) -> None:
        self.meter = Meter()
        self._connector = connector
        self._base = base_url.rstrip("/")
        self._host = urlsplit(self._base)[:2]
        self._gates = gates
        self._timeout = (timeouts.connect, timeouts.read)
        self._stop = stop
        self._log = log
        self._skew = 0.0  # vendor's clock less ours, seconds
        self._date = ("", 0.0)  # the last `Date` seen, and what it says
        session = requests.Session()
        session.trust_env = False  # a netrc would put its own credentials over ours
        # One adapter, asked directly: hooks, redirects and cookies are not wanted here, and cost a page's decode.
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=64, max_retries=0)
        headers = {"Accept": "application/json", "User-Agent": "catchment", **connector.headers, **access.headers}
        # Prepared once: preparing anew costs a tenth of a millisecond a call.
        self._template = session.prepare_request(requests.Request("GET", self._base + "/", headers=headers))
        self._policy = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            sleep=self._wait,
            before_sleep=self._explain,
            reraise=True,
        )

    def send(self, feed: str, request: Request, read: Callable[[Answer], Result]) -> Result:
        """Asks ``request`` and returns what ``read`` makes of the answer. A body that does not parse is asked again."""
        try:
            result: Result = self._policy(self._attempt, feed, request, read)
            return result
        except _Again as last:
            raise last.refusal from None

    def part(self, request: Request, part: Part, asked: int) -> Answer | None:
        """One part of a bundle's answer as an answer of its own, None where asking for it alone may mend it.

        Raises Refused for what that would not mend.
        """
        if _good(part.status):
            return Answer(part.status, part.body, part.headers, asked)
        error = self._judged(request, part.status, part.headers, part.body)
        if isinstance(error, _Again) or (isinstance(error, Refused) and error.kind is Kind.SESSION):
            return None
        raise error

    def close(self) -> None:
        """Closes the connections that are not in use; a door that is used again opens new ones."""
        self._adapter.close()

    def now(self) -> int:
        """The vendor's time, as far as its last answer told."""
        return int((time.time() + self._skew) * SECOND)

    def url(self, request: Request) -> str:
        """The request's address; a link from an answer is followed by path and query on the configured host only."""
        url = self._base + request.path if request.path.startswith("/") else urljoin(self._base + "/", request.path)
        if urlsplit(url)[:2] != self._host:
            raise Refused(
                Kind.BUG, f"refused to follow {urlsplit(url).netloc}: not the configured host {self._host[1]}"
            )
        return f"{url}{'&' if '?' in url else '?'}{urlencode(request.params)}" if request.params else url

    def _attempt(self, feed: str, request: Request, read: Callable[[Answer], Result]) -> Result:
        if self._stop.is_set():
            raise Stopped
        self._gates.enter(request.endpoint or request.path, self._wait)
        if self._stop.is_set():
            raise Stopped
        call = self._template.copy()
        call.url, call.method = self.url(request), request.method
        call.headers.update(request.headers)
        if request.body:
            call.body = request.body
            call.headers.update({"Content-Type": "application/json", "Content-Length": str(len(request.body))})
        meter = self.meter
        with meter.lock:
            meter.calls += 1
            meter.by_feed[feed] += 1
        began = time.time()
        try:
            response = self._adapter.send(call, stream=True, timeout=self._timeout)
            body = self._body(response)
        except requests.RequestException as error:
            raise _Again(_unreached(error, request)) from None
        except Exception as error:  # urllib3 raises its own while a body is being read
            if type(error).__module__.partition(".")[0] not in ("urllib3", "http", "ssl", "socket", "builtins"):
                raise
            raise _Again(_unreached(error, request)) from None
        took = time.time() - began
        meter.server_s = took
        headers = {name.lower(): value for name, value in response.headers.items()}
        if _good(response.status_code):
            answer = Answer(response.status_code, body, headers, self._asked(headers, took))
            try:
                try:
                    return read(answer)
                except msgspec.DecodeError:
                    whole = page.mended(body)
                    if whole == body:
                        raise
                    return read(replace(answer, body=whole))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                text = f"the answer to {request.path} was no {self._connector.name} answer ({error})"
                raise _Again(Refused(Kind.RETRY, text, http_status=response.status_code)) from None
        self._asked(headers, took)
        raise self._judged(request, response.status_code, headers, body)

    def _body(self, response: requests.Response) -> bytes:
        raw = response.raw
        length = raw.headers.get("Content-Length", "")
        if length.isdigit() and int(length) > MAX_BODY:
            response.close()
            raise Refused(
                Kind.SHRINK, f"an answer of {length} bytes is larger than {MAX_BODY}", http_status=response.status_code
            )
        body: bytes = raw.read(MAX_BODY + 1, decode_content=True)
        if len(body) > MAX_BODY:
            response.close()
            raise Refused(Kind.SHRINK, f"an answer is larger than {MAX_BODY} bytes", http_status=response.status_code)
        if raw.length_remaining not in (None, 0):
            response.close()
            raise requests.exceptions.ChunkedEncodingError("the answer ended before its declared length")
        raw.release_conn()
        self.meter.active = max(self.meter.active, time.monotonic())  # another thread's told wait may reach further
        return body

    def _asked(self, headers: Mapping[str, str], took: float) -> int:
        """The vendor's time when it began to answer: its `Date` (whole seconds, cut off) less the call's duration."""
        date = headers.get("date", "")
        known, vendor = self._date
        if date != known:
            try:
                vendor = email.utils.parsedate_to_datetime(date).timestamp()
            except ValueError:
                return int((time.time() + self._skew - took) * SECOND)
            self._date = (date, vendor)
        if not date:
            return int((time.time() + self._skew - took) * SECOND)
        self._skew = vendor - time.time()
        return int((vendor - took) * SECOND)

    def _judged(self, request: Request, status: int, headers: Mapping[str, str], body: bytes) -> Exception:
        judge = self._connector.judge
        code, message = _told(body, judge.code), _told(body, judge.message)
        kind = judge.kind(status, code, message, headers)
        text = message or f"{request.path} answered {status}" + ("" if body else " with an empty body")
        refusal = Refused(kind, text, http_status=status, code=code)
        told = _advice(headers, time.time() + self._skew) if kind in (Kind.WAIT, Kind.RETRY) else None
        if told is not None and told > TOLD_MAX_S:
            return Refused(Kind.QUOTA, f"{text} (told to wait {told:.0f} s)", http_status=status, code=code)
        if kind is Kind.WAIT:
            with self.meter.lock:
                self.meter.rate_limited += 1
            gates = self._gates.of(request.endpoint or request.path)
            narrow = headers.get(judge.reason, "").startswith("endpoint")
            for gate in gates[:1] if narrow else gates[-1:]:
                gate.hold(told if told is not None else 0.2)
            return _Again(refusal, told)
        return _Again(refusal, told) if kind is Kind.RETRY else refusal

    def _wait(self, seconds: float) -> None:
        """Waits, unless the run stops: a told wait is no stall."""
        self.meter.active = max(self.meter.active, time.monotonic() + seconds)
        with self.meter.lock:
            self.meter.waited += seconds
        if self._stop.wait(seconds):
            raise Stopped

    def _explain(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Again):
            request: Request = state.args[1]
            self._log("retry", path=request.path, kind=error.refusal.kind, status=error.refusal.http_status,
                      message=str(error)[:300], attempt=state.attempt_number,
                      pause_s=round(state.upcoming_sleep, 2))  # fmt: skip


def _good(status: int) -> bool:
    """Whether an answer tells what was asked: also that nothing changed since (304)."""
    return 200 <= status < 300 or status == 304


def _pause(state: RetryCallState) -> float:
    """Told waits in full; otherwise exponential with full jitter, so that many threads do not come back together."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.pause is not None:
        return error.pause + random.uniform(0.0, 0.1)
    ceiling = min(PAUSE_MAX_S, PAUSE_S * 2 ** (state.attempt_number - 1))
    return random.uniform(ceiling / 4, ceiling)


def _advice(headers: Mapping[str, str], now: float) -> float | None:
    """`Retry-After` in seconds, given as a number or as a date; ``now`` is the vendor's clock."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def _told(body: bytes, path: str) -> str:
    try:
        found: Any = json.loads(body)
        for name in path.split("."):
            found = found[int(name)] if isinstance(found, list) else found[name]
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return found if isinstance(found, str) else ""


def _unreached(error: Exception, request: Request) -> Refused:
    timeout = isinstance(error, requests.Timeout) or "timed out" in str(error).lower()
    reason = "no answer in time" if timeout else "the connection failed"
    return Refused(
        Kind.RETRY,
        f"{request.path}: {reason} ({type(error).__name__})",
        report="timeout" if timeout else "network",
        hint="Check the network and the vendor's status page; `catchment sync` goes on where it stopped.",
    )
