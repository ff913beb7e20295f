"""What we send to Stripe, pinned: every kind of request, its query in order and its headers, as recorded cassettes.

A cassette is replayed without any network and matches a request only if method, address, query and headers are exactly
those that were recorded, so whatever changes what is sent turns these tests red. After a change that is meant, record
again and read the difference: ``RECORD_CASSETTES=1 python -m pytest tests/test_cassettes.py``. That asks an imitated
account of a fixed seed and time on loopback; the cassettes name the real host, and a placeholder for the key.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import vcr
import yaml
from vcr.errors import CannotOverwriteExistingCassetteException

from catchment.imitations.stripe import Account, Server, generate
from connectors.stripe import LISTINGS, connector
from framework import window
from framework.changes import Changes
from framework.connector import Connector
from framework.errors import Kind, Refused
from framework.feed import DAY, SECOND, Answer, Feed, Pass, Request, Slice, State, Step, View
from framework.http import Door, Timeouts
from framework.identity import Account as Identified
from framework.identity import recognise
from framework.limits import Gates
from framework.listing import Listing
from tests.source import Free

CASSETTES = Path(__file__).parent / "cassettes"
RECORDING = bool(os.environ.get("RECORD_CASSETTES"))
HOST = "https://api.stripe.com"
KEY = "sk_test_" + "0" * 24
PLACEHOLDER = "the key"
NOW = 1_790_000_000  # Unix seconds: the imitated account's time
EVENTS = next(feed for feed in connector.feeds if isinstance(feed, Changes))
TABLES = {EVENTS.name: "incarnation"}
CONNECTED = "acct_100000000000000000000001"
SELECTED = frozenset(collection.name for collection in connector.collections)

# What every request carries, beside its path and query. Typed here, so that no recording changes it by the way.
HEADERS = {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "authorization": PLACEHOLDER,
    "connection": "keep-alive",
    "stripe-version": "2026-10-28.endive",
    "user-agent": "catchment",
}
KEPT = {"id", "object", "created", "date", "type", "api_version", "customer", "account", "fee", "transfer", "status"}


# ----------------------------------------------------------------------------------------- sending


def ago(days: int) -> int:
    """Microseconds, as marks are."""
    return NOW * SECOND - days * DAY


@dataclass
class Post:
    """Asks what feeds want asked, and hands them the answers as the cassettes keep them."""

    connector: Connector
    door: Door
    view: View = field(default_factory=lambda: View(SELECTED, TABLES, now=ago(0), born=ago(900)))
    shown: list[dict[str, Any]] = field(default_factory=list)  # of the answer just read
    sent: list[str] = field(default_factory=list)

    def ask(self, feed: Feed, slice_: Slice, state: State) -> Step:
        def read(answer: Answer) -> Step:
            body = small(answer.body)
            found = json.loads(body)
            self.shown = found["data"] if found["object"] == "list" else [found]
            return feed.read(slice_, replace(answer, body=body), state, self.view)

        request = feed.request(slice_, self.view)
        self.sent.append(self.door.url(request))
        self.shown = []
        try:
            return self.door.send(feed.name, request, read)
        except Refused as refusal:
            if refusal.kind is not Kind.GONE or slice_["kind"] != "get":
                raise
            return Step()  # that it is not there is an answer too: here only the question counts


def identity(post: Post) -> None:
    """Whose account it is."""
    identify = post.connector.identity.path
    post.sent.append(post.door.url(Request(identify)))
    recognise(post.connector, post.connector.access({"api_key": KEY}), Identified(), "shop", post.door)


def listing(name: str) -> Callable[[Post], None]:
    """All that is ever asked of one list: pages, a span of time, a probe, without its expansions, and what follows."""

    def send(post: Post) -> None:
        feed = next(one for one in post.connector.feeds if one.name == name)
        assert isinstance(feed, Listing)
        state = State(open=Pass("first", list(feed.fills)))
        (first,) = feed.slices(state, post.view)
        step = post.ask(feed, first, state)
        assert post.shown, f"the imitated account has no {name}"
        last = str(post.shown[-1]["id"])
        follow(post, feed, step, state)
        post.ask(feed, {"id": f"get/{last}", "kind": "get", "key": last, "v": 0}, state)
        if feed.filter:
            post.ask(feed, window.first(NOW - 7 * 86_400, NOW - 86_400), state)
            since = State(open=Pass("tail", list(feed.fills)), marks=dict.fromkeys(feed.fills, ago(1)))
            post.ask(feed, feed.slices(since, post.view)[0], since)
        post.ask(feed, {**first, "probe": True}, state)
        if any(key == "expand[]" for key, _ in feed.request(first, post.view).params):
            post.ask(feed, {**first, "bare": True}, state)

    return send


def changes(post: Post) -> None:
    """A walk through the events since a mark, the objects of other versions, and their lists that show too little."""
    feed = next(one for one in post.connector.feeds if isinstance(one, Changes))
    marks = dict.fromkeys(feed.fills, ago(10))
    state = State(open=Pass("changes", list(feed.fills)), marks=marks, tables=dict(TABLES))
    (first,) = feed.slices(state, post.view)
    follow(post, feed, post.ask(feed, first, state), state)


def follow(post: Post, feed: Feed, step: Step, state: State) -> None:
    """One slice of each kind that a page brings, and of what that brings in turn."""
    chosen = {(slice_["kind"], slice_.get("into"), slice_.get("child")): slice_ for slice_ in step.slices}
    for slice_ in chosen.values():
        brought = post.ask(feed, slice_, state)
        for further in brought.slices[-1:] if slice_["kind"] != "list" else ():
            post.ask(feed, further, state)


SENDERS: dict[str, Callable[[Post], None]] = {
    "identity": identity,
    "identity_of_a_connected_account": identity,
    "events": changes,
    **{one.name: listing(one.name) for one in LISTINGS},
}
CREDENTIALS = {"identity_of_a_connected_account": {"account": CONNECTED}}


# --------------------------------------------------------------------------------------- cassettes


def small(body: bytes) -> bytes:
    """An answer without what steers no request: the fields and rows that do, so few that a reader sees them."""
    return json.dumps(_small(json.loads(body)), separators=(",", ":")).encode()


def _small(value: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, inner in value.items():
        if name in KEPT and (inner is None or not isinstance(inner, dict | list)):
            kept[name] = inner
        elif isinstance(inner, dict) and inner.get("object") == "list":
            kept[name] = _small(inner)
        elif value.get("object") == "event" and name == "data":
            kept[name] = {"object": _small(inner["object"])}
    if value.get("object") == "list":
        kept |= {"has_more": value["has_more"], "data": [_small(row) for row in _telling(value["data"])]}
    return kept


def _telling(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last row, and the last of each kind that another request follows from."""
    chosen = {"": len(rows) - 1}
    for at, row in enumerate(rows):
        if row.get("object") == "event":
            chosen[f"{row['data']['object']['object']} of {row['api_version']}"] = at
        for name, inner in row.items():
            if isinstance(inner, dict) and inner.get("has_more"):
                chosen[name] = at
    return [rows[at] for at in sorted(set(chosen.values())) if at >= 0]


def scrubbed(request: Any) -> Any:
    """A request as a cassette keeps it: to the real host, without the key."""
    parts = urlsplit(request.uri)
    request.uri = parts._replace(scheme="https", netloc=urlsplit(HOST).netloc).geturl()
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("authorization"):
        headers["authorization"] = (
            PLACEHOLDER if headers["authorization"] in (f"Bearer {KEY}", PLACEHOLDER) else "other"
        )
    if headers.get("accept-encoding", "").startswith("gzip, deflate"):
        headers["accept-encoding"] = "gzip, deflate"  # which others there are depends on what is installed
    request.headers = headers
    return request


def shrunk(response: dict[str, Any]) -> dict[str, Any]:
    body = small(response["body"]["string"])
    return {**response, "headers": {"Content-Type": ["application/json"]}, "body": {"string": body}}


def told(request: Any) -> tuple[str, str, list[tuple[str, str]], dict[str, str]]:
    """All of a request that the vendor sees."""
    parts = urlsplit(request.uri)
    headers = {name.lower(): value for name, value in request.headers.items()}
    address = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return request.method, address, parse_qsl(parts.query, keep_blank_values=True), headers


def exactly(one: Any, two: Any) -> None:
    assert told(one) == told(two)
    assert one.uri == two.uri
    assert not one.body
    assert not two.body


@contextmanager
def cassette(path: Path, keys: list[str], *, record: bool = False) -> Iterator[Any]:
    """``keys`` takes what was sent as the key, before it is scrubbed."""

    def scrub(request: Any) -> Any:
        keys.append(request.headers.get("Authorization", ""))
        return scrubbed(request)

    tape = vcr.VCR(
        record_mode=vcr.mode.ALL if record else vcr.mode.NONE,
        before_record_request=scrub,
        before_record_response=shrunk,
        decode_compressed_response=True,
    )
    tape.register_matcher("exactly", exactly)
    with tape.use_cassette(str(path), match_on=["exactly"]) as playing:
        yield playing


@contextmanager
def door(to: Connector, name: str, url: str = HOST) -> Iterator[Door]:
    def log(*_: Any, **__: Any) -> None:
        """What is retried shows in what is sent."""

    access = to.access({"api_key": KEY, **CREDENTIALS.get(name, {})})
    opened = Door(to, access, url, Gates(Free(), "shop", ()), Timeouts(5.0, 5.0), threading.Event(), log)
    try:
        yield opened
    finally:
        opened.close()


def replay(name: str, to: Connector = connector) -> list[Any]:
    """Sends what the cassette's subject sends; returns the requests, which all were in the cassette."""
    keys: list[str] = []
    with cassette(CASSETTES / f"{name}.yaml", keys) as playing, door(to, name) as opened:
        post = Post(to, opened)
        SENDERS[name](post)
    assert playing.all_played, "something that was sent is not sent any more"
    assert post.sent == [request.uri for request in playing.requests]
    assert set(keys) == {f"Bearer {KEY}", PLACEHOLDER}  # a request is scrubbed again when it is looked for again
    return list(playing.requests)


# ----------------------------------------------------------------------------------------- recording


def account() -> Account:
    """An account that has something in every list, and events of the pinned version and of an old one."""
    made = generate(seed=20, objects=9_000, now=NOW)
    made.event_version = "2024-06-20"
    for object_ in dict.fromkeys(one.object for one in EVENTS.objects if one.get):
        if ids := made.ids(object_):
            made.update(object_, ids[-1], {"metadata": {"seen": "twice"}}, at=NOW - 60)
    return made


@pytest.fixture(scope="module", autouse=RECORDING)
def record() -> None:
    """Records every cassette anew, if asked to by RECORD_CASSETTES."""
    shutil.rmtree(CASSETTES, ignore_errors=True)
    CASSETTES.mkdir()
    whole = account()
    for name, send in SENDERS.items():
        if "account" in CREDENTIALS.get(name, {}):
            whole.id = CREDENTIALS[name]["account"]
        with (
            Server(whole, KEY) as server,
            cassette(CASSETTES / f"{name}.yaml", [], record=True),
            door(connector, name, server.url) as opened,
        ):
            send(Post(connector, opened))


# --------------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize("name", SENDERS)
def test_what_is_sent_is_what_was_recorded(name: str) -> None:
    assert replay(name)


class Backwards(Listing):
    """A listing that names its parameters the other way round."""

    def request(self, slice_: Slice, view: View) -> Request:
        asked = super().request(slice_, view)
        return replace(asked, params=asked.params[::-1])


def with_listing(**changes: Any) -> Connector:
    """The connector with another listing of customers."""
    feeds = [replace(one, **changes) if one.name == "customers" else one for one in connector.feeds]
    return replace(connector, feeds=tuple(feeds))


CUSTOMERS = next(one for one in LISTINGS if one.name == "customers")
CHANGES: Mapping[str, Connector] = {
    "another path": with_listing(path="/v2/customers"),
    "another limit": with_listing(limit=50),
    "one parameter more": with_listing(params=(("status", "all"),)),
    "no expansion": with_listing(collection=replace(CUSTOMERS.collection, children=())),
    "another filter": with_listing(filter="created_at"),
    "another order": replace(
        connector,
        feeds=tuple(
            Backwards(**{name: getattr(one, name) for name in one.__slots__}) if one is CUSTOMERS else one
            for one in connector.feeds
        ),
    ),
    "another version": replace(connector, headers={"Stripe-Version": "2025-09-30.clover"}),
    "no version": replace(connector, headers={}),
    "one header more": replace(connector, headers={**connector.headers, "X-Client": "1"}),
    "another agent": replace(connector, headers={**connector.headers, "User-Agent": "someone"}),
    "another scheme": replace(
        connector,
        access=lambda credentials: replace(connector.access(credentials), headers={"Authorization": f"Basic {KEY}"}),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_in_what_is_sent_is_noticed(change: str) -> None:
    with pytest.raises((CannotOverwriteExistingCassetteException, AssertionError)):
        replay("customers", CHANGES[change])


def test_a_request_that_is_not_made_any_more_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SENDERS, "customers", lambda post: None)
    with pytest.raises(AssertionError, match="not sent any more"):
        replay("customers")


def test_there_is_a_cassette_of_every_subject_and_no_other() -> None:
    assert {path.name for path in CASSETTES.iterdir()} == {f"{name}.yaml" for name in SENDERS}
    assert len(LISTINGS) == 30


@pytest.mark.parametrize("path", sorted(CASSETTES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_cassette_holds_plain_questions_small_answers_and_no_secret(path: Path) -> None:
    content = path.read_text()
    assert not re.search(r"(?i)\b[srp]k_|whsec_|_secret|bearer|basic |password", content)
    expected = {**HEADERS, **({"stripe-account": CONNECTED} if path.stem in CREDENTIALS else {})}
    for exchange in yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["interactions"]:
        request = exchange["request"]
        assert {name: value for name, (value,) in request["headers"].items()} == expected
        assert request["method"] == "GET"
        assert request["body"] is None
        assert urlsplit(request["uri"])[:2] == urlsplit(HOST)[:2]
        assert len(exchange["response"]["body"]["string"]) < 16_000


def test_every_list_that_an_object_shows_the_beginning_of_is_read_on() -> None:
    asked = {request.path for name in SENDERS for request in replay(name)}
    for feed in LISTINGS:
        for child in feed.collection.children:
            if child.url:
                pattern = re.escape(child.url.partition("?")[0]).replace(re.escape("{id}"), r"[^/]+")
                assert any(re.fullmatch(pattern, path) for path in asked), child.url
