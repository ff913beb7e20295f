"""What a whole listing no longer shows: read by id before it is marked, and never many at once without consent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from catchment.imitations.stripe import live
from connectors.stripe import connector
from framework.committer import Pending
from framework.feed import Pass, State
from framework.holding import Holding
from framework.listing import Listing
from framework.order import Order
from framework.sight import Gone
from framework.sweep import sweep
from framework.warehouse import Pace, Unseen
from tests.source import BY_NAME, Mortal, Source
from tests.vendor import Make, sources

DAY = 86_400
COUPONS = 480


@pytest.fixture
def make() -> Iterator[Make]:
    with sources() as maker:
        yield maker


@pytest.fixture
def stale(make: Make) -> Source:
    """Synced once, then left alone for longer than the vendor keeps events."""
    source = make()
    source.run()
    live(source.account, seed=1, steps=60)
    source.account.clock.move(31 * DAY)
    live(source.account, seed=2, steps=30)
    return source


# -------------------------------------------------------------------------------------------- a gap


def test_lost_changes_are_made_good_by_listing_again_and_the_run_says_so(stale: Source) -> None:
    before = {name: set(rows) for name, rows in stale.memory.rows.items()}
    gone = [key for (kind, key) in stale.account.deleted if kind == "coupon" and key in before["coupons"]]
    run = stale.run(due=True)
    assert stale.differences() == []
    ((name, (status, error)),) = run.failed().items()
    assert (name, status, error["kind"]) == ("events", "partial", "data")
    assert "keeps events for 30 days" in error["message"]
    assert error["hint"]
    assert run.status == "partial"
    assert all(not stale.memory.rows["coupons"][key].live for key in gone)
    assert all(set(stale.memory.rows[name]) >= keys for name, keys in before.items())  # no row ever disappears
    later = stale.run(due=True)
    assert (later.status, later.calls) == ("succeeded", 2)


def test_deletions_in_a_gap_are_found_by_id(make: Make) -> None:
    source = make()
    source.run()
    coupon, customer = source.account.ids("coupon")[0], source.account.ids("customer")[0]
    source.account.delete("coupon", coupon, emit=False)
    source.account.delete("customer", customer, emit=False)
    source.account.clock.move(31 * DAY)
    source.run(due=True)
    asked = {entry.target for entry in source.server.log}
    assert {f"/v1/coupons/{coupon}", f"/v1/customers/{customer}"} <= asked
    assert source.differences() == []


@pytest.mark.parametrize("new", ["selection", "key"])
def test_a_gap_is_noticed_also_by_a_run_that_knows_the_time_already(stale: Source, new: str) -> None:
    """A new collection or credential makes the run ask for the account first, which tells the vendor's time."""
    if new == "key":
        stale.key = stale.server.open(stale.account, "sk_test_another0000000000000000000").secret
    else:
        del stale.memory.tables["disputes"]
        stale.memory.rows.pop("disputes", None)
    assert stale.run(due=True)["events"]["status"] == "partial"
    assert stale.differences() == []


def test_a_gap_within_what_is_kept_is_walked(make: Make) -> None:
    source = make()
    source.run()
    live(source.account, seed=1, steps=60)
    source.account.clock.move(29 * DAY)
    run = source.run()
    assert (run.status, source.differences()) == ("succeeded", [])
    assert "coupons" not in run.feeds


def test_a_first_sync_that_was_interrupted_for_too_long_lists_again(make: Make) -> None:
    source = make()
    source.memory.pace = Pace(rows=1, seconds=0.0)
    source.run(warehouse=Mortal(source.memory, 6))
    live(source.account, seed=1, steps=60)
    source.account.clock.move(31 * DAY)
    source.run()
    assert source.differences() == []


def test_a_gap_run_that_is_killed_is_finished_by_the_next(stale: Source) -> None:
    stale.memory.pace = Pace(rows=1, seconds=0.0)
    for nth in (1, 2, 4, 8, 16):
        stale.run(warehouse=Mortal(stale.memory, nth, after=True))
    stale.run()
    assert stale.differences() == []


def test_a_connected_account_that_left_is_noticed_by_listing_alone(make: Make) -> None:
    source = make()
    source.run()
    account = next(one for one in source.account.ids("account") if source.account.children(one, "external_accounts"))
    source.account.delete("account", account)
    source.account.clock.move(5)
    run = source.run()
    assert (run["accounts"]["deleted"], source.differences()) == (1, [])
    assert f"/v1/accounts/{account}" in {entry.target for entry in source.server.log}
    rows = [row for name in ("cards", "bank_accounts") for row in source.memory.rows[name].values()]
    theirs = [row for row in rows if (row.payload or {}).get("account") == account]
    assert theirs
    assert not any(row.live for row in theirs)


# ---------------------------------------------------------------------------------------- the brake


def _couponed(make: Make, lost: int) -> Source:
    """Many coupons, some of which vanish in a gap without an event."""
    source = make(objects=300)
    pattern = source.account.get("coupon", source.account.ids("coupon")[0])
    for n in range(COUPONS - len(source.account.ids("coupon"))):
        source.account.create({**pattern, "id": f"C{n:04}"}, emit=False)
    source.run()
    source.account.clock.move(31 * DAY)
    for n in range(lost):
        source.account.delete("coupon", f"C{n:04}", emit=False)
    return source


def test_an_inferred_mass_deletion_is_held_until_it_is_accepted(make: Make) -> None:
    source = _couponed(make, 120)
    held = source.run()
    status, error = held.failed()["coupons"]
    assert (status, error["kind"], held["coupons"]["deleted"]) == ("partial", "data", 0)
    assert "120 of 480" in error["message"]
    assert "catchment sync --accept-deletes shop.coupons" in error["hint"]
    assert not any("coupons/C" in entry.target for entry in source.server.log)

    again = source.run(due=True)  # no gap any more, and still nobody has agreed
    assert again.statuses["coupons"] == "partial"
    assert (again.calls, len(source.memory.live("coupons"))) == (2, COUPONS)

    other = source.run(accept_deletes=frozenset({"charges"}))
    assert other.statuses["coupons"] == "partial"
    agreed = source.run(accept_deletes=frozenset({"coupons"}))
    assert (agreed.status, agreed["coupons"]["deleted"]) == ("succeeded", 120)
    assert source.differences() == []
    assert source.run(due=True).calls == 2


@pytest.mark.parametrize("lost", [96, 100])
def test_a_fifth_or_a_hundred_rows_need_no_consent(make: Make, lost: int) -> None:
    source = _couponed(make, lost)
    assert source.run()["coupons"]["deleted"] == lost
    assert source.differences() == []


def test_more_than_a_few_hundred_are_read_by_id_in_portions(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.sweep.AT_ONCE", 20)
    source = _couponed(make, 90)
    assert source.run()["coupons"]["deleted"] == 90
    assert source.differences() == []


class Shelf:
    """A warehouse of which a sweep sees only the counts."""

    def __init__(self, absent: int, live: int) -> None:
        self.keys = [f"k{n}" for n in range(absent)]
        self.rows = live
        self.asked: list[Any] = []

    def absent(self, wanted: Mapping[str, Unseen]) -> dict[str, list[str]]:
        self.asked.append(dict(wanted))
        return dict.fromkeys(wanted, self.keys)

    def live_rows(self, collection: str) -> int:
        return self.rows


def _swept(shelf: Shelf, complete: bool = False, start: int = 0, **notes: Any) -> tuple[Holding, Pending, Any]:
    feed = Listing(BY_NAME["coupons"], "/v1/coupons", keep="relist", complete=complete)
    holding = Holding(feed, State(open=Pass("relist", ["coupons"], opened=10**15, notes=notes)), 0)
    pending = Pending(None, Pace())  # type: ignore[arg-type]
    order = Order("shop", "r", frozenset({"coupons"}), start=start)
    return holding, pending, sweep([holding], shelf, order, pending)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("absent", "live", "held"),
    [(100, 100, False), (101, 506, False), (101, 505, False), (101, 504, True), (101, 101, True)],
)
def test_the_brake_holds_more_than_a_fifth_and_more_than_a_hundred(absent: int, live: int, held: bool) -> None:
    holding, pending, faults = _swept(Shelf(absent, live))
    assert bool(faults) is held
    assert bool(holding.state.slices) is not held
    assert not pending.gone


def test_a_complete_list_proves_a_deletion_by_itself() -> None:
    holding, pending, faults = _swept(Shelf(2, 50), complete=True)
    before = 10**15 - 60_000_000
    assert pending.gone == [Gone("coupons", "k0", before), Gone("coupons", "k1", before)]
    assert (holding.state.slices, faults) == ({}, {})


def test_a_sweep_never_reaches_outside_the_range_listed() -> None:
    for start, since, expected in ((0, 0, 0), (5, 0, 5), (0, 7, 7), (5, 7, 7), (9, 7, 9)):
        shelf = Shelf(0, 9)
        _swept(shelf, start=start, since=since)
        assert shelf.asked == [{"coupons": Unseen(10**15 - 60_000_000, expected)}]


def test_only_lists_that_show_their_deletions_to_nobody_else_are_swept_each_time() -> None:
    swept = {feed.name for feed in connector.feeds if isinstance(feed, Listing) and feed.keep == "relist"}
    assert swept == {"accounts"}
