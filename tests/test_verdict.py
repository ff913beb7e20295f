"""What a run comes to: every selected collection has a status, its cause, and what to do about it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from catchment.imitations.stripe import DEFAULT_KEY, billing, live, selling
from catchment.imitations.stripe.keys import Key
from catchment.imitations.stripe.shop import Shop
from connectors.stripe import LISTINGS
from framework import http
from framework.errors import Kind, Refused, SourceError, Stopped
from framework.feed import SECOND, Pass, State
from framework.holding import Holding
from framework.listing import Listing
from framework.report import CollectionReport, Fault, SourceReport, overall, run_document, together
from framework.verdict import conclude, fault_of
from framework.warehouse import Conflict, Counts, WarehouseError
from tests.source import BY_NAME, Outcome, Source
from tests.vendor import Make, sources

RESTRICTED = "rk_test_restricted00000000000000"


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


@pytest.fixture
def source(make: Make) -> Source:
    return make(objects=300)


def restrict(source: Source, *denied: str) -> Key:
    key = source.server.open(source.account, Key(RESTRICTED, frozenset(denied)))
    source.key = key.secret
    return key


def allow(source: Source, *denied: str) -> None:
    """The same key with other permissions."""
    source.server.accounts[RESTRICTED] = (Key(RESTRICTED, frozenset(denied)), source.server.main)


def asked(source: Source, path: str) -> list[str]:
    return [entry.target for entry in source.server.log if entry.target.partition("?")[0] == path]


# -------------------------------------------------------------------------------------- permissions


@pytest.mark.parametrize(
    ("denied", "right", "failed"),
    [
        ("charges", "rak_charge_read", {"charges"}),
        ("checkout/sessions", "rak_checkout_session_read", {"checkout_sessions", "checkout_session_line_items"}),
        ("invoices", "rak_invoice_read", {"invoices", "invoice_lines"}),
        ("transfers", "rak_transfer_read", {"transfers", "transfer_reversals"}),
    ],
)
def test_a_refused_list_fails_alone_and_quotes_the_permission(
    source: Source, denied: str, right: str, failed: set[str]
) -> None:
    restrict(source, denied)
    first = source.run()
    assert first.status == "partial"
    assert {name for name, status in first.statuses.items() if status != "succeeded"} == failed
    for name in failed:
        status, error = first.failed()[name]
        assert (status, error["kind"], error["http_status"]) == ("failed", "permission", 403)
        assert right in error["message"]
        assert "restricted key" in error["hint"]
        assert not source.memory.rows.get(name)  # also not by events: half a table would lie
    second = source.run(due=True)
    assert second.calls <= 5  # account, the refused list (and bare), events, balance transactions
    assert second.statuses == first.statuses
    source.account.clock.move(600)
    live(source.account, seed=1, steps=60)
    allow(source)
    assert source.run().status == "succeeded"
    assert source.differences() == []


def test_a_refused_expansion_costs_its_own_rows_only(source: Source) -> None:
    shop, at = Shop.of(source.account), source.account.clock.second()
    billing.subscribe(shop, selling.customer(shop, at), at, coupon=shop.coupons[0])
    source.account.clock.move(600)
    restrict(source, "discount")
    first = source.run()
    failed = {name: error["kind"] for name, (status, error) in first.failed().items()}
    assert failed == {"discounts": "permission"}
    assert {row["id"] for row in source.memory.live("subscriptions").values()} == set(
        source.account.ids("subscription")
    )
    again = source.run(due=True)
    assert again.failed().keys() == {"discounts"}
    assert again.calls <= 6  # account, events, balance transactions; its two lists are probed, not read again
    assert all("limit=1&" in target for target in asked(source, "/v1/subscriptions")[-2:])
    allow(source)
    assert source.run().status == "succeeded"
    assert source.differences() == []


def test_rows_that_two_lists_show_are_taken_from_the_one_that_is_allowed(make: Make) -> None:
    source = make(objects=300, latency=0.03)  # slow enough for all lists to be read side by side
    pattern = source.account.get("customer", source.account.ids("customer")[0])
    for n in range(120):  # the older ones are on the second page, asked for when the refusal is known
        source.account.create({**pattern, "id": f"cus_{n}", "created": source.account.clock.second()}, emit=False)
    restrict(source, "accounts")
    first = source.run()
    assert {name: (status, error["kind"]) for name, (status, error) in first.failed().items()} == {
        "accounts": ("failed", "permission"),
        "cards": ("partial", "permission"),
        "bank_accounts": ("partial", "permission"),
    }
    sources = [one["id"] for key in source.account.ids("customer") for one in source.account.children(key, "sources")]
    assert sources
    assert set(sources) == {*source.memory.live("cards"), *source.memory.live("bank_accounts")}
    second = source.run(due=True)
    assert second.statuses == first.statuses
    assert second.calls <= 4
    assert "customers" not in second.feeds
    live(source.account, seed=1, steps=60)
    source.account.clock.move(600)
    allow(source)
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_refused_events_leave_what_is_listed_and_lose_nothing_later(source: Source) -> None:
    restrict(source, "events")
    first = source.run()
    assert first.statuses["events"] == "failed"
    assert first.statuses["charges"] == "partial"
    assert first.statuses["accounts"] == "succeeded"
    live(source.account, seed=1, steps=60)
    source.account.clock.move(600)
    second = source.run()
    assert second["charges"]["error"]["kind"] == "permission"
    allow(source)
    assert (source.run().status, source.differences()) == ("succeeded", [])


def test_refused_events_are_reported_also_where_nobody_selected_them(source: Source) -> None:
    source.select(source.selected - {"events"})
    restrict(source, "events")
    assert source.run().statuses["charges"] == "partial"
    live(source.account, seed=1, steps=60)
    source.account.clock.move(600)
    source.run()
    allow(source)
    assert (source.run().status, source.differences()) == ("succeeded", [])


@pytest.mark.parametrize("without", [frozenset(), frozenset({"events"})])
def test_events_refused_in_the_middle_of_the_walk_lose_nothing(source: Source, without: frozenset[str]) -> None:
    source.select(source.selected - without)
    source.run()
    live(source.account, seed=1, steps=120)
    source.account.clock.move(600)
    source.server.reply = _refusing(source.server.reply, "/v1/events.*starting_after")  # type: ignore[method-assign]
    refused = source.run()
    assert refused["charges"]["error"]["kind"] == "permission"
    source.server.reply = type(source.server).reply.__get__(source.server)  # type: ignore[method-assign]
    assert (source.run().status, source.differences()) == ("succeeded", [])


@pytest.mark.parametrize("days", [0.01, 31])
def test_what_is_deleted_before_its_broken_first_listing_is_read_again_is_marked(source: Source, days: float) -> None:
    for n in range(120):
        coupon = {"object": "coupon", "id": f"half_{n}", "created": source.account.clock.second(), "livemode": False}
        source.account.create(coupon, emit=False)
    source.server.reply = _refusing(source.server.reply, "/v1/coupons.*starting_after")  # type: ignore[method-assign]
    assert source.run()["coupons"]["status"] == "partial"
    assert source.memory.rows["coupons"]["half_100"].live
    source.account.delete("coupon", "half_100")
    source.account.clock.move(days * 86_400)
    source.server.reply = type(source.server).reply.__get__(source.server)  # type: ignore[method-assign]
    assert source.run().statuses["coupons"] == "succeeded"
    assert source.differences() == []


def test_a_list_under_each_parent_that_is_refused_is_asked_for_once(make: Make) -> None:
    source = make(objects=1_600)
    source.select(source.selected | {"customer_balance_transactions"})
    source.server.reply = _refusing(source.server.reply, "/v1/customers/.*/balance_")  # type: ignore[method-assign]
    first = source.run()
    refused = [entry for entry in source.server.log if entry.status == 403]
    assert len(source.account.ids("customer")) > 15
    assert len(refused) <= 10  # those that were under way together
    assert {name: error["kind"] for name, (_, error) in first.failed().items()} == {
        "customer_balance_transactions": "permission"
    }
    live(source.account, seed=1, steps=60)
    second = source.run()
    assert second.failed().keys() == {"customer_balance_transactions"}
    assert len([entry for entry in source.server.log if entry.status == 403]) <= len(refused) + 4
    source.server.reply = type(source.server).reply.__get__(source.server)  # type: ignore[method-assign]
    third = source.run()
    assert (third.status, source.differences()) == ("succeeded", [])


def _refusing(reply: Any, part: str) -> Any:
    from catchment.imitations.stripe import errors

    def refuse(method: str, target: str, headers: dict[str, str], fault: Any) -> Any:
        answer = reply(method, target, headers, fault)
        if re.search(part, target):
            refused = errors.forbidden("rk_***", "rak_customer_balance_read", "acct_1")
            return type(answer)(refused.status, refused.body("req_1"), answer.headers)
        return answer

    return refuse


def test_what_the_account_does_not_have_is_unavailable_and_no_failure(source: Source) -> None:
    source.account.unavailable["topups"] = (400, "Your account is not set up to use Top-ups.")
    source.account.unavailable["payouts"] = (404, "Unrecognized request URL (GET: /v1/payouts).")
    run = source.run()
    assert run.status == "succeeded"
    assert {name: status for name, status in run.statuses.items() if status != "succeeded"} == {
        "topups": "unavailable", "payouts": "unavailable",
    }  # fmt: skip
    assert run["topups"]["error"]["kind"] == "config"
    assert "not set up to use Top-ups" in run["topups"]["error"]["message"]


def test_members_that_another_list_shows_as_well_are_not_unavailable(source: Source) -> None:
    source.account.unavailable["accounts"] = (400, "Only Connect platforms can do this. You must first enable Connect.")
    run = source.run()
    assert run.statuses["accounts"] == "unavailable"
    assert run.statuses["cards"] == "succeeded"


def test_permission_is_no_reason_to_be_unavailable(source: Source) -> None:
    """Cards stand in two lists: the account does not have one, the key may not read the other."""
    source.account.unavailable["accounts"] = (400, "Only Connect platforms can do this. You must first enable Connect.")
    restrict(source, "customers")
    run = source.run()
    assert run.statuses["accounts"] == "unavailable"
    for name in ("cards", "bank_accounts"):
        assert (run.statuses[name], run[name]["error"]["kind"]) == ("failed", "permission")


def test_an_account_that_has_nothing_of_it_all_is_a_wrong_configuration(source: Source) -> None:
    source.select(frozenset({"topups"}))
    source.account.unavailable["topups"] = (400, "Your account is not set up to use Top-ups.")
    run = source.run()
    assert (run.status, run.document["error"]["kind"]) == ("failed", "config")


# ------------------------------------------------------------------------------------ a key that dies


def test_a_key_revoked_in_the_middle_ends_the_source_at_once(make: Make) -> None:
    source = make(objects=1_600)
    key, _ = source.server.accounts[DEFAULT_KEY]
    pages = iter(range(10**6))

    def progress(_: object) -> None:
        key.revoked = key.revoked or next(pages) == 20

    run = source.run(progress=progress)
    assert run.document["error"]["kind"] == "auth"
    assert "access denied" in run.document["error"]["message"]
    statuses = [entry.status for entry in source.server.log]
    assert 1 <= statuses.count(401) <= 3  # those under way; nothing is asked after the first refusal came in
    assert 200 not in statuses[statuses.index(401) + 2 :]
    assert set(run.statuses.values()) <= {"succeeded", "partial", "failed"}
    assert all(c["error"]["kind"] == "auth" for c in run.document["collections"] if c["status"] != "succeeded")
    kept = sum(len(rows) for rows in source.memory.rows.values())
    assert kept > 0
    key.revoked = False
    assert source.run().status == "succeeded"
    assert source.differences() == []


def test_what_was_read_before_a_key_died_is_kept(make: Make) -> None:
    """Several calls are refused at once, while a slow warehouse still writes."""
    source = make(objects=1_600, latency=0.03)
    key, _ = source.server.accounts[DEFAULT_KEY]
    pages = iter(range(10**6))

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(source.memory, name)

        def commit(self, commit: Any) -> Any:
            time.sleep(0.3)
            return source.memory.commit(commit)

    def progress(_: object) -> None:
        key.revoked = key.revoked or next(pages) == 15

    def listed() -> set[str]:
        told = {feed.path for feed in LISTINGS if feed.keep == "events" and not feed.silent}
        good = {entry.target for entry in source.server.log if entry.status == 200}
        return {target for target in good if target.partition("?")[0] in told}

    source.run(warehouse=Slow(), progress=progress)  # type: ignore[arg-type]
    assert sum(entry.status == 401 for entry in source.server.log) > 1
    before = listed()
    assert before
    key.revoked = False
    source.server.log.clear()
    assert source.run().status == "succeeded"
    assert len(before & listed()) < len(before) / 2  # those whose answers were still on their way
    assert source.differences() == []


def test_every_selected_collection_is_in_every_report(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PAUSE_S", 0.01)
    monkeypatch.setattr(http, "PAUSE_MAX_S", 0.02)
    source.server.faults.add("server_error", ".", probability=1.0)
    away = source.run()
    assert away.statuses.keys() == source.selected
    assert set(away.statuses.values()) == {"failed"}
    assert away.document["error"]["kind"] == "upstream"
    assert all(c["error"]["hint"] for c in away.document["collections"])


def test_a_warehouse_that_cannot_be_written_fails_the_run_with_its_own_words(source: Source) -> None:
    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(source.memory, name)

        def commit(self, commit: Any) -> Any:
            raise WarehouseError("the disk is full", "Make room, then sync again.")

    run = source.run(warehouse=Full())  # type: ignore[arg-type]
    error = run.document["error"]
    assert (run.status, error["kind"], error["message"]) == ("failed", "warehouse", "the disk is full")
    assert error["hint"] == "Make room, then sync again."
    assert source.run().status == "succeeded"
    assert source.differences() == []


# ------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (Stopped(), "interrupted", "asked to stop"),
        (Conflict("moved", "wait"), "busy", "moved"),
        (WarehouseError("full"), "warehouse", "full"),
        (SourceError("timeout", "nothing moved"), "timeout", "nothing moved"),
        (Refused(Kind.AUTH, "no"), "auth", "access denied: no"),
        (Refused(Kind.SESSION, "no"), "auth", "access denied: no"),
        (Refused(Kind.PERMISSION, "no"), "permission", "no"),
        (Refused(Kind.RETRY, "slow", report="timeout"), "timeout", "slow"),
        (Refused(Kind.QUOTA, "spent"), "quota", "spent"),
        (KeyError("x"), "internal", "KeyError"),
    ],
)
def test_every_error_has_a_kind_and_says_what_to_do(error: Exception, kind: str, says: str) -> None:
    fault = fault_of(error, "allow it")
    assert fault.kind == kind
    assert says in fault.message
    assert fault.hint or isinstance(error, WarehouseError | SourceError)


def test_the_whole_is_what_its_parts_are() -> None:
    assert overall(["succeeded", "unavailable"]) == "succeeded"
    assert overall(["unavailable"]) == overall([]) == overall(["failed", "failed", "unavailable"]) == "failed"
    assert overall(["succeeded", "failed"]) == overall(["partial", "succeeded"]) == "partial"
    assert overall(["partial"]) == overall(["partial", "failed"]) == "failed"  # none succeeded
    assert together(["succeeded", "succeeded"]) == "succeeded"
    assert together(["failed", "failed"]) == together([]) == "failed"
    assert together(["partial"]) == together(["failed", "succeeded"]) == "partial"
    parts: list[Any] = [{"status": "succeeded"}, {"status": "failed"}]
    assert run_document("r", "a", "b", parts)["status"] == "partial"
    assert run_document("r", "a", None, parts)["status"] == "running"


def _concluded(*, read: int = 0, done: bool = True, fault: Fault | None = None, unavailable: bool = False,
               error: Fault | None = None, before: bool = True, failed: bool = False) -> CollectionReport:  # fmt: skip
    """The verdict on one listed collection."""
    marks, tables = {"coupons": 5 * SECOND}, {"coupons": "1"} if before else {}
    holding = Holding(Listing(BY_NAME["coupons"], "/v1/coupons"), State(marks, tables), 1)
    holding.needed, holding.done, holding.failed = True, done, failed
    if not done:
        holding.state.open = Pass("first", ["coupons"])
    one = CollectionReport("coupons", counts=Counts(inserted=read))
    report = SourceReport("shop", "stripe", {"coupons": one}, error=error)
    faults = {"coupons": fault} if fault else {}
    conclude(report, {"coupons": holding}, {"coupons": "1"}, faults, {"coupons"} if unavailable else set())
    return one


NO = Fault("permission", "no")
AWAY = Fault("upstream", "away")
ENDED = Fault("auth", "access denied")


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({}, "succeeded", None),
        ({"error": ENDED}, "succeeded", None),  # it was whole before the source ended
        ({"done": False, "error": ENDED}, "failed", ENDED),
        ({"done": False, "error": ENDED, "read": 3}, "partial", ENDED),
        ({"fault": NO, "failed": True}, "failed", NO),
        ({"fault": NO}, "partial", NO),  # its own list was read: another that shows more of it was refused
        ({"fault": NO, "read": 3}, "partial", NO),
        ({"fault": AWAY, "done": False}, "failed", AWAY),
        ({"fault": AWAY}, "partial", AWAY),
        ({"fault": AWAY, "unavailable": True, "before": False}, "unavailable", AWAY),
        ({"fault": AWAY, "unavailable": True}, "succeeded", None),  # its rows come from elsewhere too
    ],
)
def test_a_verdict(given: dict[str, Any], status: str, error: Fault | None) -> None:
    one = _concluded(**given)
    assert (one.status, one.error) == (status, error)


def test_how_far_a_collection_is_complete_is_told_only_once_its_list_is_whole() -> None:
    assert _concluded().document()["complete_to"] == "1970-01-01T00:00:05Z"
    assert _concluded(before=False, done=False, error=ENDED).document()["complete_to"] is None


def test_unknown_object_types_are_counted_in_the_report(source: Source) -> None:
    source.run()
    source.account.emit("lamp.lit", {"id": "lamp_1", "object": "lamp"})
    run: Outcome = source.run(due=True)
    (feed,) = [one for one in run.document["feeds"] if one["feed"] == "events"]
    assert feed["not_selected"]["lamp"] == 1
