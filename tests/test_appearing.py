"""An undeclared field that comes once a table is full: old rows get it where they have it, and few calls are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from catchment.imitations.revealed import Among
from framework.appearing import Appearing
from framework.exclusion import Excluding, Exclusion
from framework.remedy import filled, sought
from framework.warehouse import Pace
from tests.appearing_kit import Shop
from tests.source import BY_NAME, FAST, Mortal
from tests.trials import TRIALS
from tests.warehouse_kit import PLACES

CHARGES = frozenset({"charges", "events"})
PAGE = 100
FIELD = "risk_tier"
READ = "nothing to do for stored rows: they were read with it"

Open = Callable[..., Shop]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    shops: list[Shop] = []

    def open_(name: str = "duckdb", **more: Any) -> Shop:
        shops.append(Shop.opened(PLACES[name](tmp_path), **more))
        return shops[-1]

    yield open_
    for shop in shops:
        shop.engines.server.stop()


@pytest.fixture
def shop(opened: Open) -> Shop:
    """Synced, and so large that its charges are on several pages."""
    made = opened(objects=300, selected=CHARGES)
    made.sell(3 * PAGE, apart=3600)
    assert made.run().status == "succeeded"
    return made


def told(shop: Shop, column: str = FIELD) -> list[str]:
    return [change for _, change, _, _ in shop.changes(column)]


def outcome(shop: Shop, column: str = FIELD) -> str:
    return shop.changes(column)[-1][3]


def change(shop: Shop, many: int = 4, object_type: str = "charge") -> None:
    """Objects change, and at least one of those that show the field has a value in it."""
    for n, object_id in enumerate(shop.account.ids(object_type)[:many]):
        shop.account.update(object_type, object_id, {"description": f"changed {n} {shop.engines.runs}"})


def pages(shop: Shop) -> int:
    return -(-len(shop.account.ids("charge")) // PAGE)


@pytest.mark.parametrize("among", ["all", "some"])
def test_old_rows_that_show_it_are_filled_at_the_price_of_their_list(shop: Shop, among: Among) -> None:
    idle = shop.run().calls
    shop.account.reveal("charge", FIELD, among)
    change(shop, 12)
    found = shop.run()
    assert shop.damages() == []
    assert found.calls <= idle + pages(shop) + 1
    assert told(shop) == ["column_added", "column_sought", "column_filled"]
    assert shop.changes(FIELD)[1][3] == sought("charges", FIELD, "shown").action
    assert outcome(shop) == filled("charges", FIELD).action
    quiet = shop.run()
    assert (quiet.calls, quiet.total("updated")) == (idle, 0)


@pytest.mark.parametrize("among", ["new", "few"])
def test_a_field_of_new_rows_alone_costs_one_call_however_many_they_are(shop: Shop, among: Among) -> None:
    shop.run()
    shop.account.reveal("charge", FIELD, among)
    change(shop)
    shop.sell(2 * PAGE)
    shop.engines.server.latency, shop.engines.rates = 0.05, FAST  # there are threads to spare
    found = shop.run()
    assert shop.damages() == []
    assert found.feeds["charges"] == 1
    assert told(shop) == ["column_added", "column_sought"]
    assert outcome(shop) == sought("charges", FIELD, "hidden").action
    change(shop)
    assert "charges" not in shop.run().feeds, "it is asked once"


@pytest.mark.parametrize("among", ["all", "new"])
def test_on_postgresql(opened: Open, among: Among) -> None:
    shop = opened("postgresql-18", objects=500, selected=CHARGES)
    idle = (shop.run(), shop.run().calls)[1]
    shop.account.reveal("charge", FIELD, among)
    change(shop)
    shop.sell(4)
    shop.run()
    assert shop.damages() == []
    assert told(shop)[1:] == (["column_sought", "column_filled"] if among == "all" else ["column_sought"])
    assert shop.run().calls == idle


def test_the_first_reading_asks_nothing_and_null_is_no_news(opened: Open) -> None:
    shop = opened(objects=500, selected=CHARGES)
    for object_id in shop.account.ids("charge"):
        shop.account.update("charge", object_id, {"later": None, "odd": {"a": 1}}, emit=False)
    shop.account.reveal("charge", FIELD, "some")
    first = shop.run()
    assert first.feeds["charges"] == pages(shop)
    idle = shop.run().calls
    some = shop.account.ids("charge")[0]
    shop.account.update("charge", some, {"later": "now", "odd": {"a": 1, "b": 2}, "metadata": {"new key": "x"}})
    assert (shop.run().calls, shop.damages()) == (idle, [])
    shop.account.update("charge", some, {"shipping": "hidden"})
    assert shop.run().calls == idle, "what stands in the place of a field that is taken apart is no new field"
    assert [action for *_, action in shop.changes("shipping")] == [READ]
    assert {action for column in ("later", FIELD) for *_, action in shop.changes(column)} == {READ}


def test_what_a_run_reads_whole_anyway_is_not_read_for_it(opened: Open) -> None:
    shop = opened(objects=300)
    idle = (shop.run(), shop.run().calls)[1]
    for object_type in ("payment_intent", "invoice_payment"):  # listed again while that is cheap
        shop.account.reveal(object_type, FIELD)
    found = shop.run()
    assert (found.calls, shop.damages()) == (idle, []), found.feeds
    for name in ("payment_intents", "invoice_payments"):
        mine = [row[1:] for row in shop.changes(FIELD) if row[0] == name]
        assert [change for change, *_ in mine] == ["column_added", "column_sought"]
        assert mine[-1][2] == sought(name, FIELD, "read").action


def test_members_of_lists_are_filled_with_their_parents(opened: Open) -> None:
    shop = opened(objects=900, selected=frozenset({"invoices", "invoice_lines", "events"}))
    idle = (shop.run(), shop.run().calls)[1]
    shop.account.reveal("line_item", FIELD)
    change(shop, object_type="invoice")
    shop.run()
    assert shop.damages() == []
    assert told(shop) == ["column_added", "column_sought", "column_filled"]
    shop.account.reveal("line_item", "sparse", "new")
    lines = shop.account.children(invoice := shop.account.ids("invoice")[0], "lines")
    news = [{**lines[0], "id": shop.account.new_id("il"), FIELD: None} for _ in range(4)]
    shop.account.update("invoice", invoice, {}, add={"lines": news})
    found = shop.run()
    assert shop.damages() == []
    assert (found.feeds["invoices"], told(shop, "sparse")) == (1, ["column_added", "column_sought"])
    assert shop.run().calls == idle


def test_rows_that_an_event_told_of_lately_are_filled_too(opened: Open) -> None:
    """A list vouches for what is older than a minute; what an event told since is newer, and may lack the field."""
    shop = opened(objects=500, selected=CHARGES)
    shop.run()
    change(shop, 30)
    shop.run(later=1)
    change(shop, 20)  # told of in one run with what shows the field
    shop.account.reveal("charge", FIELD)
    shop.account.clock.move(2)
    change(shop, 5)
    shop.run(later=1)
    assert shop.damages() == []


def test_so_they_are_where_a_run_reads_the_list_anyway(opened: Open) -> None:
    shop = opened(objects=500, selected=frozenset({"payment_methods", "events"}))
    shop.run()
    change(shop, 6, "payment_method")
    shop.run(later=1)
    shop.account.reveal("payment_method", FIELD)
    change(shop, 3, "payment_method")
    found = shop.run(later=1)
    assert shop.damages() == []
    assert found.feeds["payment_methods"] == 2
    assert told(shop) == ["column_added", "column_sought", "column_filled"]


@pytest.mark.parametrize("among", ["all", "new"])
@pytest.mark.parametrize("after", [True, False])
def test_a_run_killed_anywhere_goes_on_and_nothing_is_told_twice(shop: Shop, among: Among, after: bool) -> None:
    for nth in range(1, 6):
        column = f"tier_{nth}"
        shop.account.reveal("charge", column, among)
        change(shop, 12)
        shop.sell(6)
        shop.run(lambda house, nth=nth: Mortal(Often(house), nth, after=after))
        last = shop.run()
        assert (last.status, shop.damages()) == ("succeeded", [])
        wanted = ["column_added", "column_sought", "column_filled"][: 3 if among == "all" else 2]
        assert told(shop, column) == wanted


def test_a_field_that_comes_between_the_parts_of_a_first_reading_is_sought(opened: Open) -> None:
    shop = opened(objects=300, selected=CHARGES)
    shop.sell(3 * PAGE, apart=3600)
    shop.run(lambda house: Mortal(Often(house), 3))
    shop.account.reveal("charge", FIELD)
    for _ in range(2):
        assert shop.run().status == "succeeded"
    assert (shop.damages(), told(shop)) == ([], ["column_added", "column_sought", "column_filled"])


class Often:
    """A warehouse that commits after each page."""

    pace = Pace(rows=1, seconds=0.0)

    def __init__(self, house: Any) -> None:
        self.house = house

    def __getattr__(self, name: str) -> Any:
        return getattr(self.house, name)


def test_a_warehouse_that_was_never_asked_is_taken_as_it_is(shop: Shop) -> None:
    shop.account.reveal("charge", FIELD, "few")
    shop.sell(12)
    shop.run()
    before = told(shop)
    shop.place.execute(f"DELETE FROM shop._catchment_state WHERE name = '{Appearing.FEED}'")
    change(shop)
    assert ("charges" not in shop.run().feeds, told(shop)) == (True, before)


def test_a_refused_list_is_asked_by_a_later_run(shop: Shop) -> None:
    shop.account.reveal("charge", FIELD)
    change(shop, 12)
    shop.engines.server.faults.add("html", "/v1/charges", probability=1.0, status=403)
    assert set(shop.run().failed()) == {"charges"}
    assert told(shop) == ["column_added"]
    shop.engines.server.faults.clear()
    assert (shop.run().status, shop.damages()) == ("succeeded", [])
    assert told(shop) == ["column_added", "column_sought", "column_filled"]


def test_a_refusal_has_nothing_read_twice(opened: Open) -> None:
    shop = opened(objects=300, selected=frozenset({"balance_transactions"}))
    shop.run()
    shop.account.reveal("balance_transaction", FIELD)
    shop.sell(6, object_type="balance_transaction")
    shop.engines.server.faults.add("html", "/v1/balance_transactions", nth=2, status=403)
    assert shop.run().feeds == {"balance_transactions": 2}
    assert (shop.run().status, shop.damages()) == ("succeeded", [])
    assert told(shop) == ["column_added", "column_sought", "column_filled"]


def test_a_column_that_is_left_out_is_not_asked_for(shop: Shop) -> None:
    excluded = {"charges": frozenset({FIELD})}
    shop.account.reveal("charge", FIELD)
    change(shop, 12)
    some = shop.run(lambda house: Excluding(house, Exclusion(BY_NAME, excluded)), excluded=excluded)
    assert ("charges" not in some.feeds, told(shop)) == (True, ["column_excluded"])
    back = shop.run()
    assert (back.status, shop.damages({"charges"})) == ("succeeded", [])


def test_what_is_to_be_read_again_is_not_asked_beside(shop: Shop) -> None:
    shop.account.reveal("charge", FIELD)
    change(shop, 12)
    found = shop.run(again=frozenset({"charges"}))
    assert "charges" not in found.feeds
    assert shop.damages() == []
    assert outcome(shop) == sought("charges", FIELD, "read").action


def test_each_change_is_told_after_the_one_that_it_follows(shop: Shop) -> None:
    shop.account.reveal("charge", FIELD)
    change(shop, 12)
    shop.run()
    when = "SELECT changed_at FROM catchment.schema_changes WHERE column_name = 'risk_tier' ORDER BY change"
    added, filled_, sought_ = (at for (at,) in shop.place.rows(when))
    assert all(one <= other for one, other in pairwise([added, sought_, filled_]))


def test_by_the_command_killed_in_its_middle(tmp_path: Path) -> None:
    smaller = tuple("700" if one == "1500" else one for one in TRIALS["stripe"].arguments)
    with replace(TRIALS["stripe"], arguments=smaller).running() as vendor:
        project = vendor.project(tmp_path, rate_limit={"per_second": 100_000})
        vendor.sync(project)
        vendor.imitation.order("/reveal", object_type="charge", field=FIELD)
        vendor.live(80)
        begun = vendor.calls
        vendor.imitation.order("/latency", seconds=0.03)
        with project.start("sync") as running:
            assert running.kill_when(lambda: vendor.calls > begun + 6)
        vendor.imitation.order("/latency", seconds=0.0)
        vendor.sync(project)
        vendor.exact(project)
        asked = f"SELECT change FROM catchment.schema_changes WHERE collection = 'charges' AND column_name = '{FIELD}'"
        found = project.run("sql", asked, "--format", "csv").stdout.split()[1:]
        assert found == ["column_added", "column_sought", "column_filled"]
