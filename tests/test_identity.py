"""Whose data a source holds: asked when the credential changes, and never mixed with another account's."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from catchment.imitations.stripe import DEFAULT_KEY, generate
from catchment.imitations.stripe.keys import Key
from connectors.stripe import connector
from framework.errors import Refused, SourceError
from framework.feed import SECOND
from framework.http import Door, Timeouts
from framework.identity import Account, Remembered, recognise
from framework.limits import Gates
from framework.warehouse import FeedState
from tests.source import FAST, Free, Source
from tests.vendor import Make, sources

ANOTHER = "sk_test_another0000000000000000000"


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


@pytest.fixture
def source(make: Make) -> Source:
    return make(objects=150)


def _introduced(source: Source) -> int:
    return sum(entry.target == "/v1/account" for entry in source.server.log)


def test_the_account_is_asked_once_and_again_for_each_new_key(source: Source) -> None:
    source.run()
    assert _introduced(source) == 1
    source.run()
    source.run(due=True)
    assert _introduced(source) == 1
    source.key = source.server.open(source.account, ANOTHER).secret
    assert source.run().status == "succeeded"
    assert _introduced(source) == 2
    source.run()
    assert _introduced(source) == 2


def test_the_key_of_another_account_stops_the_source_before_any_row(make: Make, source: Source) -> None:
    source.run()
    other = generate(seed=99, objects=150)
    assert other.id != source.account.id
    source.key = source.server.open(other, ANOTHER).secret
    commits, rows = source.memory.commits, {name: dict(found) for name, found in source.memory.rows.items()}
    stopped = source.run()
    error = stopped.document["error"]
    assert (stopped.status, error["kind"]) == ("failed", "config")
    assert source.account.id in error["message"]
    assert other.id in error["message"]
    assert "another source name" in error["hint"]
    assert set(stopped.statuses.values()) == {"failed"}
    assert (stopped.calls, source.memory.commits, source.memory.rows) == (1, commits, rows)
    source.key = DEFAULT_KEY
    assert source.run().status == "succeeded"


def test_the_other_mode_of_the_same_account_is_another_source(source: Source) -> None:
    source.run()
    source.key = source.server.open(source.account, "sk_live_another0000000000000000000").secret
    error = source.run().document["error"]
    assert error["kind"] == "config"
    assert "test mode" in error["message"]
    assert "live mode" in error["message"]


def test_a_restricted_key_that_may_not_name_its_account_is_taken_at_its_word(source: Source) -> None:
    key = source.server.open(source.account, Key("rk_test_restricted00000000000000", denied=frozenset({"account"})))
    source.key = key.secret
    first = source.run()
    assert first.statuses["charges"] == "succeeded"
    assert first.statuses["accounts"] == "failed"
    source.key = DEFAULT_KEY  # now the account has a name, and keeps it
    assert source.run().status == "succeeded"
    source.key = key.secret
    assert source.run().statuses["charges"] == "succeeded"
    assert source.account.id in source.memory.feeds[Remembered.FEED].document


@pytest.mark.parametrize("secret", ["sk_test_nobody00000000000000000000", "sk_test_revoked0000000000000000000"])
def test_a_refused_key_costs_one_call_and_touches_nothing(source: Source, secret: str) -> None:
    source.server.open(source.account, Key("sk_test_revoked0000000000000000000", revoked=True))
    source.key = secret
    refused = source.run()
    error = refused.document["error"]
    assert (error["kind"], error["http_status"], refused.calls) == ("auth", 401, 1)
    assert "access denied" in error["message"]
    assert secret not in str(refused.document)
    assert {c["error"]["kind"] for c in refused.document["collections"]} == {"auth"}
    assert (source.memory.commits, source.memory.tables) == (0, {})


# ------------------------------------------------------------------------------------ without a run


def _recognise(source: Source, known: Account) -> tuple[Account, int]:
    access = connector.access({"api_key": source.key})
    door = Door(connector, access, source.server.url, Gates(Free(), "c", FAST), Timeouts(), threading.Event(), print)
    try:
        return recognise(connector, access, known, "shop", door)
    finally:
        door.close()


def test_an_account_is_known_by_id_mode_key_and_age(source: Source) -> None:
    found, asked = _recognise(source, Account())
    fingerprint = connector.access({"api_key": source.key}).fingerprint
    born = source.account.profile["created"] * SECOND
    assert found == Account(source.account.id, "test", fingerprint, born)
    assert abs(asked - source.account.clock.now() * SECOND) < 3 * SECOND
    assert _recognise(source, found)[0] == found
    with pytest.raises(SourceError, match="holds the data of account acct_x in test mode"):
        _recognise(source, Account("acct_x", "test", "f"))


def test_what_is_remembered_survives_its_document() -> None:
    remembered = Remembered(None)
    assert (remembered.rev, remembered.account) == (0, Account())
    remembered.account = Account("acct_1", "live", "f", 5)
    again = Remembered(FeedState(3, remembered.encode()))
    assert (again.rev, again.account) == (3, remembered.account)


def test_a_refusal_that_says_nothing_about_the_account_is_no_answer(source: Source) -> None:
    source.server.faults.add("unauthorized", "/v1/account")
    with pytest.raises(Refused):
        _recognise(source, Account())
