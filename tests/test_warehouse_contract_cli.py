"""The commands on PostgreSQL: the same rows as in DuckDB, asked, checked and told of in the same way."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from catchment.cli import main
from catchment.imitations.stripe import DEFAULT_KEY, Server, generate, live
from catchment.testing.processes import Project
from tests.warehouse_kit import PLACES, Place


def project(folder: Path, warehouse: str, server: str) -> Project:
    folder.mkdir()
    made = Project(folder)
    settings = {"connector": "stripe", "credentials": {"api_key": DEFAULT_KEY}, "base_url": server}
    made.configure({"shop": settings}, warehouse=warehouse)
    return made


def asked(one: Project, query: str) -> Any:
    """The answer of `catchment sql`, in this process: a start of Python for each table would take long."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        code = main(["sql", query, "--format", "json", "--config", str(one.directory / "catchment.yaml")])
    assert code == 0
    return json.loads(told.getvalue(), parse_float=str)


def everything(one: Project, columns: dict[str, list[str]]) -> dict[str, Any]:
    """Every row of every table but for when it was seen."""
    found = {}
    for table, names in columns.items():
        listed = ", ".join(f'"{name}"' for name in names)
        rows = asked(one, f'SELECT {listed}, _deleted_at IS NULL AS live FROM shop."{table}"')
        found[table] = sorted(json.dumps(row, sort_keys=True) for row in rows)
    return found


@pytest.mark.parametrize("name", ["postgresql-16"])
def test_a_source_is_the_same_in_both_warehouses(name: str, tmp_path: Path) -> None:
    account = generate(seed=5, objects=600)
    server = Server(account)
    url = server.start()
    place: Place = PLACES[name](tmp_path)
    try:
        here = project(tmp_path / "duckdb", "duckdb:///warehouse.duckdb", url)
        there = project(tmp_path / "server", place.url, url)
        checked = json.loads(there.run("check", "--json").stdout)
        assert (checked["warehouse"]["ok"], checked["warehouse"]["exists"]) == (True, False)
        for _ in range(2):
            for one in (here, there):
                assert one.sync()["status"] == "succeeded"
            live(account, seed=6, steps=60)
        for one in (here, there):
            assert one.sync()["status"] == "succeeded"
        known = asked(here, "SELECT collection, column_name FROM catchment.columns ORDER BY ALL")
        columns: dict[str, list[str]] = {}
        for row in known:
            columns.setdefault(row["collection"], []).append(row["column_name"])
        expected = everything(here, columns)
        assert everything(there, columns) == expected
        assert sum(map(len, expected.values())) > 500
        status = json.loads(there.run("status", "--json").stdout)
        counts = {one["collection"]: one["rows"] for one in status["sources"][0]["collections"]}
        living = asked(there, "SELECT count(*) AS n FROM shop.customers WHERE _deleted_at IS NULL")
        assert counts["customers"] == living[0]["n"]
        checked = json.loads(there.run("check", "--json").stdout)
        assert (checked["warehouse"]["ok"], checked["warehouse"]["exists"]) == (True, True)
        assert there.run("resync", "shop.customers").code == 0
        idle = there.sync()
        moved = [c for c in idle["sources"][0]["collections"] if c["inserted"] + c["updated"] + c["deleted"]]
        assert moved == []
    finally:
        server.stop()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return PLACES["postgresql-18"](tmp_path)


@pytest.fixture
def shop(tmp_path: Path, place: Place) -> Project:
    place.execute("CREATE SCHEMA shop")
    place.execute("CREATE TABLE shop.t AS SELECT 1.10::numeric AS n, '{\"a\": 1.10}'::jsonb AS j, array[1, NULL] AS l")
    return project(tmp_path / "p", place.url, "http://127.0.0.1:1")


def test_a_query_shows_every_value_as_it_is(shop: Project) -> None:
    query = """
        SELECT n, j, l, n AS n, timestamptz '2026-01-01 10:00:00.5+02' AS at, date '0001-01-01' AS d,
            'NaN'::float8 AS f, 9007199254740993 AS big, true AS b, NULL AS nothing, 'a,"b;--' AS "Te xt",
            interval '1 day' AS i
        FROM shop.t; -- end"""
    done = shop.run("sql", query, "--format", "csv")
    row = '1.10,"{""a"": 1.10}","[1,null]",1.10,2026-01-01T08:00:00.5Z,0001-01-01,nan,9007199254740993,true,,'
    assert done.stdout.splitlines() == [
        "n,j,l,n,at,d,f,big,b,nothing,Te xt,i",
        f'{row}"a,""b;--",1 day',
    ], done.stderr
    assert "shop" in shop.run("sql", "show all tables").stdout
    assert "Seq Scan" in shop.run("sql", "EXPLAIN SELECT * FROM shop.t").stdout


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("DELETE FROM shop.t", "DELETE", "write SELECT"),
        ("WITH x AS (DELETE FROM shop.t RETURNING 1) SELECT * FROM x", "data-modifying", ""),
        ("SELECT 1; DELETE FROM shop.t", "several", "one at a time"),
        ("SELECT n\nFROM nowhere", "nowhere", "line 2, column 6: FROM nowhere"),
        ("EXPLAIN ANALYZE DELETE FROM shop.t", "read-only", "reads"),
        ("SELECT 1 / 0", "division by zero", ""),
        ("  -- nothing", "no query", "write one"),
        ("SELECT setval('s', 1) FROM (SELECT 1) x", "does not exist", ""),
        ("SELECT set_config('transaction_read_only', 'off', false)", "read-write", ""),
    ],
)  # fmt: skip
def test_what_is_no_reading_is_refused(shop: Project, place: Place, query: str, message: str, hint: str) -> None:
    done = shop.run("sql", query)
    assert done.code == 2, done.stderr
    assert message in done.stderr
    assert hint in done.stderr
    assert place.rows("SELECT count(*) FROM shop.t") == [(1,)]


def test_an_address_without_a_server_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    away = project(tmp_path / "p", "postgresql://me:p4ssw0rd@127.0.0.1:1/db", "http://127.0.0.1:1")
    done = away.run("sql", "SELECT 1")
    assert done.code == 1
    assert "refused" in done.stderr
    assert "Start the server" in done.stderr
    assert "p4ssw0rd" not in done.stderr
