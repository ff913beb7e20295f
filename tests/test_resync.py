"""Reading again in place, by the real command: harm is repaired, an interrupted one goes on, nobody sees less."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catchment.imitations.stripe import DEFAULT_KEY, Server, generate
from catchment.testing import repairs
from catchment.testing.processes import Project, source
from tests.trials import TRIALS
from tests.warehouse_kit import PLACES


@pytest.mark.parametrize("connector", sorted(TRIALS))
def test_what_was_harmed_is_right_again_though_the_resync_was_killed(connector: str, tmp_path: Path) -> None:
    with replace(TRIALS[connector], arguments=_smaller(TRIALS[connector].arguments)).running() as vendor:
        repairs.repairs(vendor, tmp_path)


def _smaller(arguments: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("700" if one == "1500" else one for one in arguments)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(generate(seed=3, objects=900), DEFAULT_KEY) as made:
        yield made


def project(folder: Path, server: Server, warehouse: str = "duckdb:///warehouse.duckdb") -> Project:
    folder.mkdir(exist_ok=True)
    made, fast = Project(folder, "catchment"), {"per_second": 100_000}
    shop = source("stripe", server.url, {"api_key": DEFAULT_KEY}, rate_limit=fast, collections=["customers", "charges"])
    made.configure({"shop": shop}, warehouse=warehouse)
    assert made.sync()["status"] == "succeeded"
    return made


def later(server: Server) -> None:
    """What was read so far is older than what a reading cannot vouch for."""
    server.main.account.clock.move(120)  # type: ignore[attr-defined]


def ask(made: Project, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(made.warehouse)) as connection:
        return connection.execute(sql).fetchall()


def test_too_many_deletions_are_held_until_they_are_accepted(server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server)
    ((live,),) = ask(made, "SELECT count(*) FROM shop.customers WHERE _deleted_at IS NULL")
    copies = f"FROM shop.customers, range({1 + 101 // live}) t(n) WHERE _deleted_at IS NULL"
    ask(
        made,
        f"INSERT INTO shop.customers SELECT c.* REPLACE (id || n AS id) {copies.replace('customers', 'customers c')}",
    )
    later(server)
    held = made.run("resync", "shop.customers", "--json")
    (customers,) = held.document["sources"][0]["collections"]
    assert (held.code, customers["status"], customers["deleted"]) == (1, "partial", 0)
    assert customers["error"]["hint"] == "If that is right: catchment sync --accept-deletes shop.customers"
    assert made.run("sync", "shop.charges").code == 0, "others are not concerned"
    (customers,) = made.sync("shop.customers")["sources"][0]["collections"]
    assert (customers["status"], customers["deleted"]) == ("partial", 0), "it stays held"
    accepted = made.sync("--accept-deletes", "shop.customers")
    (customers,) = accepted["sources"][0]["collections"]
    assert (customers["status"], customers["deleted"] > 100) == ("succeeded", True)
    assert ask(made, "SELECT count(*) FROM shop.customers WHERE _deleted_at IS NULL") == [(live,)]
    assert made.sync("shop.customers")["status"] == "succeeded"


def test_from_a_day_on_nothing_older_is_touched(server: Server, tmp_path: Path) -> None:
    made = project(tmp_path, server)
    ((middle,),) = ask(made, "SELECT median(created)::DATE FROM shop.charges")
    ghosts = "INSERT INTO shop.charges SELECT * REPLACE (id || '-ghost' AS id) FROM shop.charges WHERE created"
    ask(made, "UPDATE shop.charges SET currency = 'xxx'")
    for side in ("<", ">="):
        ask(made, f"{ghosts} {side} DATE '{middle}' AND NOT contains(id, '-ghost') LIMIT 1")
    later(server)
    assert made.run("resync", "shop.charges", "--since", str(middle)).code == 0
    state = f"SELECT created >= DATE '{middle}' AS late, bool_or(currency = 'xxx'), bool_and(currency = 'xxx')"
    assert ask(made, f"{state} FROM shop.charges WHERE NOT contains(id, '-ghost') GROUP BY ALL ORDER BY ALL") == [
        (False, True, True),
        (True, False, False),
    ]
    gone = f"SELECT created >= DATE '{middle}', _deleted_at IS NOT NULL FROM shop.charges WHERE contains(id, '-ghost')"
    assert sorted(ask(made, gone)) == [(False, False), (True, True)]


@pytest.mark.parametrize("name", ["duckdb", "postgresql-18"])
def test_a_reader_never_sees_fewer_rows_and_views_and_grants_stay(name: str, server: Server, tmp_path: Path) -> None:
    place = PLACES[name](tmp_path)
    made = project(tmp_path / "p", server, place.url)
    place.execute("CREATE VIEW shop.mine AS SELECT id, amount FROM shop.charges WHERE _deleted_at IS NULL")
    if name != "duckdb":
        for sql in ("CREATE ROLE looker", "GRANT SELECT ON shop.charges TO looker"):
            place.execute(sql)
    place.execute("UPDATE shop.charges SET amount = -1")
    count = "SELECT count(*), min(amount) FROM shop.mine"
    ((rows, _),) = place.rows(count)
    server.latency = 0.1
    try:
        with made.start("resync", "shop") as running:
            seen = [
                asked for _ in iter(lambda: running.is_over(0.01), True) for asked in _looked(lambda: place.rows(count))
            ]
            assert running.wait().code == 0
    finally:
        server.latency = 0.0
    assert len(seen) > 3
    assert min(found for found, _ in seen) == rows
    ((after, least),) = place.rows(count)
    assert (after, least) == (rows, least)
    assert least >= 0
    if name != "duckdb":
        assert place.rows("SELECT has_table_privilege('looker', 'shop.charges', 'SELECT')") == [(True,)]


def _looked(ask: Callable[[], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """What a look shows; nothing while a commit has the file."""
    with contextlib.suppress(duckdb.IOException):
        return ask()
    return []
