"""The one door to a vendor: limiter, request, judgement and retry for every call of a source."""

from __future__ import annotations

import email.utils
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from framework import page
from framework.bundle import Part
from framework.connector import Access, Connector
from framework.errors import Kind, Refused, Stopped
from framework.feed import SECOND, Answer, Request
from framework.limits import PATIENCE_S, Gates, Later
from framework.quota import SHARE, Ledger, Quota
from framework.session import Kept, Session, Token, Vault
from framework.wire import Wire

Result = TypeVar("Result")

ATTEMPTS = 8  # of one call, passing trouble included: with the pauses below about two minutes
PAUSE_S, PAUSE_MAX_S = 0.5, 30.0
TOKENS = "session"  # the name under which reports count token requests
BROKEN = ("requests", "urllib3", "http", "ssl", "socket", "builtins")  # whose errors say that a connection failed
TOLD_MAX_S = 3600.0  # longest pause we take from a vendor before calling the allowance spent


_SECONDS = re.compile(r"\s*(\d+(?:\.\d+)?)")


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

    ``vault`` keeps the tokens of sessions, ``ledger`` the calls of a daily quota, of which this run takes ``share``;
    ``learn`` is told every secret that turns up during the run. Raises :class:`Refused` for what retrying did not mend
    and :class:`Stopped` when the run ends while a call waits.
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
        *,
        vault: Vault | None = None,
        ledger: Ledger | None = None,
        share: float = SHARE,
        learn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.meter = Meter()
        self._connector = connector
        self._base = base_url.rstrip("/")
        # A token's answer may name the host of the data, unless the configuration does.
        self._pinned = base_url not in (access.base_url, connector.base_url)
        self._gates = gates
        self._wire = Wire(timeouts.connect, timeouts.read)
        self._stop = stop
        self._log = log
        self._skew = 0.0  # vendor's clock less ours, seconds
        self._date = ("", 0.0)  # the last `Date` seen, and what it says
        self._after = 0  # the vendor's time that an earlier run has seen (microseconds)
        session = requests.Session()
        session.trust_env = False  # a netrc would put its own credentials over ours
        headers = {"Accept": "application/json", "User-Agent": "catchment", **connector.headers, **access.headers}
        # Prepared once: preparing anew costs a tenth of a millisecond a call.
        self._template = session.prepare_request(requests.Request("GET", self._base + "/", headers=headers))
        self._session = access.grant and Session(
            access.grant, self._base, vault or Kept(), self._token_answer, self._wait, learn
        )
        self._ledger, self._share = ledger if connector.judge.usage else None, share
        self._quotas: dict[str, Quota] = {}  # by the host of the data
        self._deferred: Counter[tuple[object, ...]] = Counter()
        self._policy = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            sleep=self._wait,
            before_sleep=self._explain,
            reraise=True,
        )

    def send(self, feed: str, request: Request, read: Callable[[Answer], Result], *, patient: bool = True) -> Result:
        """Asks ``request`` and returns what ``read`` makes of the answer. A body that does not parse is asked again.

        Raises Later, unless ``patient``, when a limit that does not concern every call has to be waited for.
        """
        try:
            result: Result = self._policy(self._attempt, feed, request, read, patient)
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
        self._wire.close()

    def now(self) -> int:
        """The vendor's time, as far as its last answer told."""
        return int((time.time() + self._skew) * SECOND)

    def after(self, latest: int) -> None:
        """Says up to when (the vendor's time, microseconds) earlier runs have asked: no answer is older than that."""
        self._after = latest

    def url(self, request: Request, base: str = "") -> str:
        """The request's address; a link from an answer is followed by path and query on the source's host only."""
        base = base or self._base
        url = base + request.path if request.path.startswith("/") else urljoin(base + "/", request.path)
        if urlsplit(url)[:2] != urlsplit(base)[:2]:
            host = urlsplit(base).netloc
            raise Refused(Kind.BUG, f"refused to follow {urlsplit(url).netloc}: not the configured host {host}")
        return f"{url}{'&' if '?' in url else '?'}{urlencode(request.params)}" if request.params else url

    def _attempt(self, feed: str, request: Request, read: Callable[[Answer], Result], patient: bool) -> Result:
        if self._stop.is_set():
            raise Stopped
        if self._session:
            self._token()  # before the limits: a slot must not grow old while a token is fetched
        self._gates.enter(request.endpoint or request.path, self._wait, request.bucket, patient)
        if self._stop.is_set():
            raise Stopped
        token = self._token()
        base = token.base_url if token and token.base_url and not self._pinned else self._base
        call = self._template.copy()
        call.url, call.method = self.url(request, base), request.method
        if token:
            call.headers["Authorization"] = f"Bearer {token.access}"
        call.headers.update(request.headers)
        if request.body:
            call.body = request.body
            call.headers.update({"Content-Type": "application/json", "Content-Length": str(len(request.body))})
        quota = self._quota(base)
        if quota:
            quota.take(self.now() / SECOND)
        status, headers, body, took = self._exchange(feed, request.path, call)
        asked = self._asked(headers, took)
        self._heard(headers, quota)
        if _good(status):
            if token and self._session:
                self._session.worked(token)
            self._deferred.pop(_same(feed, request), None)
            return self._read(request, Answer(status, body, headers, asked), read)
        error = self._judged(request, status, headers, body)
        if token and isinstance(error, Refused) and error.kind is Kind.SESSION:
            self._token(token.access)
            return self._attempt(feed, request, read, patient)
        if not patient and isinstance(error, _Again) and error.refusal.kind is Kind.WAIT and error.pause:
            self._defer(feed, request, error.pause)
        raise error

    def _read(self, request: Request, answer: Answer, read: Callable[[Answer], Result]) -> Result:
        try:
            try:
                return read(answer)
            except msgspec.DecodeError:
                whole = page.mended(answer.body)
                if whole == answer.body:
                    raise
                return read(replace(answer, body=whole))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            text = f"the answer to {request.path} was no {self._connector.name} answer ({error})"
            raise _Again(Refused(Kind.RETRY, text, http_status=answer.status)) from None

    def _exchange(
        self, feed: str, path: str, call: requests.PreparedRequest
    ) -> tuple[int, Mapping[str, str], bytes, float]:
        """Sends a call and returns status, headers (lower-case names), body and the seconds that it took."""
        meter = self.meter
        with meter.lock:
            meter.calls += 1
            meter.by_feed[feed] += 1
        began = time.time()
        try:
            reply = self._wire.send(call)
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in BROKEN:
                raise
            raise _Again(_unreached(error, path)) from None
        meter.server_s = took = time.time() - began
        self.meter.active = max(self.meter.active, time.monotonic())  # another thread's told wait may reach further
        return *reply, took

    def _token(self, used: str = "") -> Token | None:
        """The session's token; with ``used`` another one than that, which the vendor refused."""
        if not self._session:
            return None
        try:
            return self._session.renew(used) if used else self._session.token()
        except Refused as refusal:
            if refusal.kind is Kind.RETRY:
                raise _Again(refusal) from None
            raise

    def _token_answer(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Asks for a token: no credential of the source's own goes with it, and no redirect is followed."""
        if self._stop.is_set():
            raise Stopped
        self._gates.enter(TOKENS, self._wait)
        call = requests.Request("POST", url, headers={"User-Agent": "catchment", **headers}, data=body).prepare()
        path = urlsplit(url).path
        status, told, answer, took = self._exchange(TOKENS, path, call)
        self._asked(told, took)
        if status == 429 or status == 408 or status >= 500:
            refusal = Refused(Kind.RETRY, f"{path} answered {status}", http_status=status)
            raise _Again(refusal, _advice(told, time.time() + self._skew))
        return status, answer

    def _quota(self, base: str) -> Quota | None:
        if self._ledger is None:
            return None
        if base not in self._quotas:
            account = f"{self._connector.name}:{urlsplit(base).netloc}"
            self._quotas[base] = Quota(self._ledger, account, self._share)
        return self._quotas[base]

    def _heard(self, headers: Mapping[str, str], quota: Quota | None) -> None:
        """What an answer's headers say of the limits, whatever the answer is."""
        judge = self._connector.judge
        if judge.allowance and (told := judge.allowance(headers)):
            self._gates.heard(told)
        if quota and judge.usage and (usage := judge.usage(headers)):
            quota.told(*usage, self.now() / SECOND)

    def _defer(self, feed: str, request: Request, pause: float) -> None:
        """Has a told wait waited elsewhere than in this thread, but not for ever."""
        same = _same(feed, request)
        if pause > PATIENCE_S and self._deferred[same] < ATTEMPTS:
            self._deferred[same] += 1
            raise Later(request.bucket or request.path, time.time() + pause)

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
        # A `Date` is cut to whole seconds: within what it leaves open, this call is later than those of earlier runs.
        return min(max(int((vendor - took) * SECOND), self._after), int((vendor + 1) * SECOND))

    def _judged(self, request: Request, status: int, headers: Mapping[str, str], body: bytes) -> Exception:
        judge = self._connector.judge
        code, message = _told(body, judge.code), _told(body, judge.message)
        kind = judge.kind(status, code, message, headers)
        if kind is Kind.UNAVAILABLE and status == 403 and request.common and not code and not message:
            kind = Kind.PERMISSION
        if kind is Kind.AUTH and request.endpoint in judge.optional:
            kind = Kind.UNAVAILABLE
        if kind is Kind.SHRINK and status == 504 and not request.params and not request.body:
            kind = Kind.RETRY  # there is no less to ask for
        text = message or f"{request.path} answered {status}" + ("" if body else " with an empty body")
        refusal = Refused(kind, text, http_status=status, code=code)
        if 300 <= status < 400:
            host = urlsplit(headers.get("location", "")).netloc.rpartition("@")[2] or "another address"
            text, hint = f"{request.path} was redirected to {host}: not followed", "Check `base_url` and any proxy."
            refusal = Refused(kind, text, report="upstream", http_status=status, hint=hint)
        told = _advice(headers, time.time() + self._skew) if kind in (Kind.WAIT, Kind.RETRY) else None
        allowed = judge.allowance(headers) if judge.allowance else ()
        if told is None and kind is Kind.WAIT:
            told = max((a.resets_s for a in allowed if a.left == 0 and a.resets_s > 0), default=None)
        if told is not None and told > TOLD_MAX_S:
            return Refused(Kind.QUOTA, f"{text} (told to wait {told:.0f} s)", http_status=status, code=code)
        if kind is Kind.WAIT:
            with self.meter.lock:
                self.meter.rate_limited += 1
            whole = any(not a.bucket and a.left == 0 for a in allowed)
            narrow = headers.get(judge.reason, "").startswith("endpoint") or (bool(allowed) and not whole)
            self._gates.hold(
                told if told is not None else 0.2,
                request.endpoint or request.path,
                "" if whole else request.bucket,
                narrow=narrow,
            )
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


def _same(feed: str, request: Request) -> tuple[object, ...]:
    return feed, request.path, tuple(request.params), request.body


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
    if number := _SECONDS.match(value):  # also "27.5", and "27 seconds"
        return float(number[1])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def _told(body: bytes, paths: str) -> str:
    """The text at the first of some dotted paths (``a.b|c``) that leads to one."""
    try:
        read: Any = json.loads(body)
    except ValueError:
        return ""
    for path in paths.split("|"):
        found = read
        try:
            for name in path.split("."):
                found = found[int(name)] if isinstance(found, list) else found[name]
        except (ValueError, KeyError, TypeError, IndexError):
            continue
        if isinstance(found, str):
            return found
    return ""


def _unreached(error: Exception, path: str) -> Refused:
    timeout = isinstance(error, TimeoutError) or "timed out" in str(error).lower()
    reason = "no answer in time" if timeout else "the connection failed"
    return Refused(
        Kind.RETRY,
        f"{path}: {reason} ({type(error).__name__})",
        report="timeout" if timeout else "network",
        hint="Check the network and the vendor's status page; `catchment sync` goes on where it stopped.",
    )
