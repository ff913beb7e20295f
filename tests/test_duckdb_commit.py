"""The DuckDB file: rows and marks together, tables that know who they are, and a catalog that can be queried."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.collection import Child, Collection, Column
from framework.sight import Gone
from framework.warehouse import Commit, Conflict, Unseen, Warehouse, WarehouseError
from tests.merge_kit import sight
from warehouse_loader import duckdb_warehouse, open_warehouse, read_only

ORDERS = Collection(
    "orders",
    columns=(
        Column("id", "text", "Identifies the order"),
        Column("amount", "bigint", "What it costs"),
        Column("created", "timestamptz", "When it was placed"),
    ),
    children=(Child("lines", "lines", "order_id"),),
)
LINES = Collection("lines", columns=(Column("id", "text"), Column("order_id", "text", "", ("order",), "orders")))

Open = Callable[..., Warehouse]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def warehouse(file: Path) -> Open:
    def make(source: str = "shop", *collections: Collection) -> Warehouse:
        chosen = collections or (ORDERS, LINES)
        return open_warehouse(f"duckdb:///{file}", source, chosen, scratch=file.parent / "scratch")

    return make


def ask(file: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql, values).fetchall()


def placed(*keys: str, version: int = 1, **fields: Any) -> Any:
    return sight("orders", *({"id": key} | fields for key in keys), version=version)


def test_nothing_is_there_before_the_first_commit(warehouse: Open, file: Path) -> None:
    house = warehouse()
    assert dict(house.load().feeds) == {}
    assert dict(house.load().tables) == {}
    assert house.live_rows("orders") == 0
    assert house.absent({"orders": Unseen(10)})["orders"] == []
    assert not file.exists()


def test_rows_marks_and_tables_are_committed_together(warehouse: Open, file: Path) -> None:
    house = warehouse()
    done = house.commit(
        Commit(tables=[ORDERS, LINES], feeds={"f": (0, '{"a":1}')}, decoded=[house.codec().decode(placed("x"))])
    )
    assert set(done.tables) == {"orders", "lines"}
    stored = warehouse().load()
    assert stored.feeds["f"].rev == 1
    assert stored.feeds["f"].document == '{"a":1}'
    assert dict(stored.tables) == dict(done.tables)
    assert ask(file, "SELECT id FROM shop.orders") == [("x",)]
    assert house.commit(Commit(feeds={"f": (1, "{}")})).tables == {}
    assert warehouse().load().feeds["f"].rev == 2
    assert not file.with_name(file.name + ".wal").exists()


@pytest.mark.parametrize("rev", [0, 1, 3])
def test_a_run_that_read_older_marks_writes_nothing(warehouse: Open, file: Path, rev: int) -> None:
    house = warehouse()
    house.commit(Commit(feeds={"f": (0, "{}"), "g": (0, "{}")}))
    house.commit(Commit(feeds={"f": (1, "{}")}))
    other = warehouse()
    decoded = [other.codec().decode(placed("x"))]
    with pytest.raises(Conflict, match="another run"):
        other.commit(Commit(tables=[ORDERS], feeds={"g": (1, "new"), "f": (rev, "new")}, decoded=decoded))
    assert {name: feed.document for name, feed in house.load().feeds.items()} == {"f": "{}", "g": "{}"}
    assert dict(house.load().tables) == {}


def test_an_error_in_the_middle_keeps_nothing(warehouse: Open, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = warehouse()
    house.commit(Commit(tables=[ORDERS], feeds={"f": (0, "{}")}))
    monkeypatch.setattr("warehouse_loader.merge.insert", lambda *_, **__: "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(WarehouseError) as caught:
        house.commit(Commit(feeds={"f": (1, "new")}, decoded=[house.codec().decode(placed("x", new=1))]))
    assert caught.value.kind == "warehouse"
    assert house.load().feeds["f"].rev == 1
    assert ask(file, "SELECT column_name FROM duckdb_columns() WHERE column_name = 'new'") == []
    monkeypatch.undo()
    house.commit(Commit(feeds={"f": (1, "new")}, decoded=[house.codec().decode(placed("x", new=1))]))
    assert ask(file, "SELECT id, new FROM shop.orders") == [("x", 1)]
    assert ask(file, "SELECT type FROM catchment.columns WHERE column_name = 'new'") == [("bigint",)]


def test_a_dropped_table_is_not_reported_and_gets_another_incarnation(warehouse: Open, file: Path) -> None:
    first = warehouse().commit(Commit(tables=[ORDERS, LINES], feeds={"f": (0, "{}")}))
    with duckdb.connect(str(file)) as connection:
        connection.execute("DROP TABLE shop.orders")
    house = warehouse()
    assert dict(house.load().tables) == {"lines": first.tables["lines"]}
    again = house.commit(Commit(tables=[ORDERS, LINES]))
    assert set(again.tables) == {"orders"}
    assert again.tables["orders"] != first.tables["orders"]
    assert warehouse().load().tables["orders"] == again.tables["orders"]


def test_a_dropped_schema_or_file_starts_again(warehouse: Open, file: Path) -> None:
    house = warehouse()
    house.commit(Commit(tables=[ORDERS], feeds={"f": (0, "{}")}))
    with duckdb.connect(str(file)) as connection:
        connection.execute("DROP SCHEMA shop CASCADE")
    assert dict(house.load().feeds) == {}
    house.commit(Commit(tables=[ORDERS], feeds={"f": (0, "{}")}))
    file.unlink()
    assert dict(house.load().feeds) == {}
    house.commit(Commit(tables=[ORDERS], feeds={"f": (0, "{}")}, decoded=[house.codec().decode(placed("x"))]))
    assert ask(file, "SELECT id FROM shop.orders") == [("x",)]


def test_a_schema_that_is_not_ours_is_refused_and_left_alone(warehouse: Open, file: Path) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.mine (i INTEGER)")
    for attempt in (warehouse().load, lambda: warehouse().commit(Commit(tables=[ORDERS]))):
        with pytest.raises(WarehouseError, match="mine") as caught:
            attempt()
        assert caught.value.kind == "config"
    assert ask(file, "SELECT table_name FROM duckdb_tables()") == [("mine",)]
    warehouse("other").commit(Commit(tables=[ORDERS]))
    assert ask(file, "SELECT count(*) FROM other.orders") == [(0,)]


@pytest.mark.parametrize("name", ["shop", "catchment", "SHOP"])
def test_a_file_named_like_a_schema_in_it_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WarehouseError, match="may not be called") as caught:
        open_warehouse(f"duckdb:///{tmp_path}/{name}.duckdb", "shop", [ORDERS], scratch=tmp_path)
    assert caught.value.kind == "config"


@pytest.mark.parametrize("url", ["mysql://x/y", "duckdb:///", "file.duckdb"])
def test_other_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(WarehouseError) as caught:
        open_warehouse(url, "shop", [ORDERS], scratch=tmp_path)
    assert caught.value.kind == "config"


def test_what_was_learned_is_known_to_the_next_process(warehouse: Open, file: Path) -> None:
    house = warehouse()
    page = sight("orders", {"id": "x", "amount": "5 EUR", "fooBar": 1, "foo_bar": 2, "a.b": "t", "deep": {"c": 1}})
    house.commit(Commit(decoded=[house.codec().decode(page)]))
    columns = "SELECT column_name, original, type FROM catchment.columns WHERE collection = 'orders' ORDER BY 1"
    before = ask(file, columns)
    later = warehouse()
    page = sight("orders", {"id": "y", "foo_bar": 3, "fooBar": 4, "a.b": "u", "amount": 7, "deep": "text"}, version=2)
    later.commit(Commit(decoded=[later.codec().decode(page)]))
    assert ask(file, columns) == before
    other = next(name for name, original, _ in before if original == "foo_bar")
    assert ask(file, f'SELECT id, amount, foo_bar, "{other}", a_b, deep FROM shop.orders ORDER BY 1') == [
        ("x", "5 EUR", 1, 2, "t", '{"c":1}'),
        ("y", "7", 4, 3, "u", '"text"'),
    ]


def test_the_catalog_tells_what_columns_are(warehouse: Open, file: Path) -> None:
    warehouse().commit(Commit(tables=[ORDERS, LINES]))
    rows = ask(
        file, "SELECT source, collection, column_name, original, type, description, reference FROM catchment.columns"
    )
    assert ("shop", "orders", "amount", "amount", "bigint", "What it costs", "") in rows
    assert ("shop", "lines", "order_id", "order", "text", "", "orders") in rows
    warehouse().commit(Commit(tables=[ORDERS, LINES]))
    assert ask(file, "SELECT count(*) FROM catchment.columns") == [(len(rows),)]


def report(run: str, rows: int, **error: Any) -> dict[str, Any]:
    counts = dict.fromkeys(("inserted", "updated", "unchanged", "appended", "quarantined", "deleted", "restored"), 0)
    return {
        "run_id": run,
        "status": "succeeded",
        "started_at": "2026-11-20T10:00:00Z",
        "finished_at": "2026-11-20T10:00:05Z",
        "sources": [
            {
                "source": "shop",
                "connector": "stripe",
                "status": "partial" if error else "succeeded",
                "resumed": False,
                "api_calls": 12,
                "rate_limited": 0,
                "waited_s": 0.4,
                "feeds": [{"feed": "events", "api_calls": 1}],
                "error": None,
                "collections": [
                    {
                        "collection": "orders",
                        "status": "succeeded",
                        "complete_to": "2026-11-20T09:59:00Z",
                        "fetched": rows,
                        **counts,
                        "inserted": rows,
                        "error": error or None,
                    }
                ],
            }
        ],
    }


def test_a_run_is_reported_in_sql(warehouse: Open, file: Path) -> None:
    house = warehouse()
    decoded = [house.codec().decode(placed("x", "y"))]
    house.commit(Commit(decoded=decoded, gone=[Gone("orders", "y", 9), Gone("orders", "z", 9)], report=report("r1", 2)))
    house.commit(Commit(report=report("r1", 2)))
    house.commit(Commit(report=report("r2", 0, kind="quota", message="spent")))
    assert ask(
        file, "SELECT run_id, source, status, epoch(finished_at - started_at), api_calls FROM catchment.runs ORDER BY 1"
    ) == [("r1", "shop", "succeeded", 5.0, 12), ("r2", "shop", "partial", 5.0, 12)]
    assert ask(
        file, "SELECT run_id, collection, fetched, inserted, error->>'kind' FROM catchment.run_collections ORDER BY 1"
    ) == [("r1", "orders", 2, 2, None), ("r2", "orders", 0, 0, "quota")]
    assert ask(file, "SELECT source, collection, rows, epoch_us(complete_to) FROM catchment.collections") == [
        ("shop", "orders", 1, 1_795_168_740_000_000)
    ]


def test_a_sweep_sees_live_rows_that_are_older(warehouse: Open) -> None:
    house = warehouse()
    pages = [placed("a", "b", version=5, created=1000), placed("c", version=7, created=2000), placed("d", version=3)]
    house.commit(Commit(decoded=[house.codec().decode(page) for page in pages], gone=[Gone("orders", "b", 6)]))
    assert house.live_rows("orders") == 3
    assert house.absent({"orders": Unseen(7)})["orders"] == ["d", "a"]
    assert house.absent({"orders": Unseen(8)})["orders"] == ["d", "a", "c"]
    assert house.absent({"orders": Unseen(8, 1_000_000_001)})["orders"] == ["c"]
    assert house.absent({"lines": Unseen(8, 1)})["lines"] == []  # nothing tells when those were created


def test_an_idle_commit_leaves_every_row_alone(warehouse: Open, file: Path) -> None:
    house = warehouse()
    house.commit(Commit(feeds={"f": (0, "{}")}, decoded=[house.codec().decode(placed("a", "b", amount=1))]))
    everything = "SELECT *, epoch_us(_synced_at), epoch_us(_version) FROM shop.orders ORDER BY id"
    before = ask(file, everything)
    done = house.commit(Commit(feeds={"f": (1, "{}")}, decoded=[house.codec().decode(placed("a", "b", amount=1))]))
    assert ask(file, everything) == before
    assert done.counts["orders"].unchanged == 2


def test_the_tables_of_a_source_that_another_shares_the_file_with_stay_apart(warehouse: Open, file: Path) -> None:
    for source in ("shop", "store"):
        house = warehouse(source)
        house.commit(Commit(feeds={"f": (0, source)}, decoded=[house.codec().decode(placed(source))]))
    assert ask(file, "SELECT id FROM shop.orders UNION ALL SELECT id FROM store.orders") == [("shop",), ("store",)]
    assert warehouse("store").load().feeds["f"].document == "store"


def test_what_stands_in_the_way_is_said_and_what_to_do(warehouse: Open, file: Path) -> None:
    """Not that the transaction is over, which is all that the next statement hears."""
    house = warehouse()
    house.commit(Commit(decoded=[house.codec().decode(placed("x", amount=1))]))
    with duckdb.connect(str(file)) as connection:
        connection.execute("ALTER TABLE shop.orders ADD COLUMN narrow TINYINT; CREATE INDEX mine ON shop.orders (id)")
    for page, message, hint in (
        (placed("y", narrow=1000), "out of range", "run again"),
        (placed("y", amount="much"), "depend on it", "Drop the indexes"),
    ):
        house = warehouse()
        with pytest.raises(WarehouseError, match=message) as caught:
            house.commit(Commit(decoded=[house.codec().decode(page)]))
        assert hint in caught.value.hint


def test_changes_of_a_wide_table_get_the_memory_that_they_need(
    warehouse: Open, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = warehouse()
    for version in (1, 2):
        rows = [{"id": f"{n}", **{f"field_{at}": f"{version}.{n}.{at}" for at in range(300)}} for n in range(1000)]
        house.commit(Commit(decoded=[house.codec().decode(sight("orders", *rows, version=version))]))
        monkeypatch.setattr(duckdb_warehouse, "_MEMORY", "10MB")
    assert ask(
        file, "SELECT count(*), min(_version) = max(_version) FROM shop.orders WHERE field_299 = '2.' || id || '.299'"
    ) == [(1000, True)]


def test_a_user_who_widens_or_adds_a_column_is_respected(warehouse: Open, file: Path) -> None:
    house = warehouse()
    house.commit(Commit(decoded=[house.codec().decode(placed("a", amount=1))]))
    with duckdb.connect(str(file)) as connection:
        connection.execute("ALTER TABLE shop.orders ALTER amount TYPE VARCHAR; ALTER TABLE shop.orders ADD mine DATE")
    later = warehouse()
    later.commit(Commit(decoded=[later.codec().decode(placed("b", amount=2))]))
    later.commit(Commit(decoded=[later.codec().decode(placed("a", amount=3, version=2))]))
    assert ask(file, "SELECT id, amount, mine FROM shop.orders ORDER BY 1") == [("a", "3", None), ("b", "2", None)]


KILLED = """
import os, sys
from contextlib import contextmanager
from pathlib import Path
import warehouse_loader.duckdb_warehouse as house
import warehouse_loader.marks as marks
from framework.warehouse import Commit
from tests.merge_kit import sight
from tests.test_duckdb_commit import LINES, ORDERS

held = []

@contextmanager
def never_closed(path, connect, **_):
    held.append(connect())
    yield held[-1]

file = Path(sys.argv[1])
shop = house.duckdb_warehouse(file, "shop", [ORDERS, LINES], scratch=file.parent)
decoded = [shop.codec().decode(sight("orders", *({"id": str(n), "more": n} for n in range(3000)), version=2))]
if sys.argv[2] == "before":
    marks.incarnate = lambda *_: os._exit(9)
house.opened = never_closed
shop.commit(Commit(tables=[ORDERS, LINES], feeds={"f": (1, "killed")}, decoded=decoded))
os._exit(9)
"""


@pytest.mark.parametrize(("moment", "rows", "rev"), [("before", 1, 1), ("after", 3001, 2)])
def test_a_killed_commit_is_whole_or_nothing(warehouse: Open, file: Path, moment: str, rows: int, rev: int) -> None:
    house = warehouse()
    house.commit(Commit(tables=[ORDERS], feeds={"f": (0, "{}")}, decoded=[house.codec().decode(placed("x"))]))
    root = Path(__file__).resolve().parent.parent
    ended = subprocess.run([sys.executable, "-c", KILLED, str(file), moment], cwd=root, check=False)
    assert ended.returncode == 9
    assert not file.with_name(file.name + ".wal").exists()
    later = warehouse()
    assert later.load().feeds["f"].rev == rev
    assert later.live_rows("orders") == rows
    assert ("lines" in later.load().tables) is (moment == "after")
    later.commit(Commit(feeds={"f": (rev, "{}")}, decoded=[later.codec().decode(placed("y"))]))
    assert later.live_rows("orders") == rows + 1


def test_reading_a_file_that_a_killed_run_left_unfinished(warehouse: Open, file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"")  # made, but nothing in it yet
    house = warehouse()
    assert dict(house.load().feeds) == {}
    house.commit(Commit(feeds={"f": (0, "{}")}))
    shutil.copy(file, tmp_path / "copy.duckdb")
    with read_only(f"duckdb:///{tmp_path}/copy.duckdb") as connection:
        assert connection.execute("SELECT name FROM shop._catchment_state").fetchall() == [("f",)]
