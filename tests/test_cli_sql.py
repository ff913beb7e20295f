"""`catchment sql`: exact values in three formats, places of errors, and nothing that writes."""

import csv
import io
import json
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catchment import cli
from catchment.testing.processes import Project

EXACT = "12345678901234567890.123456789012"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration and a small warehouse."""
    folder = tmp_path_factory.mktemp("sql")
    Project(folder).configure({"shop": {"connector": "stripe", "credentials": {"api_key": "sk_test_0123456789"}}})
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute(f"CREATE TABLE shop.t AS SELECT 1 AS n, {EXACT}::DECIMAL(38,12) AS d")
    return folder


@pytest.fixture(autouse=True)
def _here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


def ask(query: str, capsys: pytest.CaptureFixture[str], form: str = "json") -> str:
    assert cli.main(["sql", query, "--format", form]) == 0
    return capsys.readouterr().out


def refused(query: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert cli.main(["sql", query, "--format", "json"]) == 2
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    error: dict[str, Any] = json.loads(shown.out)["error"]
    assert error["message"] in shown.err
    return error


# --------------------------------------------------------------------------------------- values

VALUES = [  # SQL, its text in a table and in CSV, its JSON
    ("TIMESTAMPTZ '2026-01-31 23:30:00.5-02'", "2026-02-01T01:30:00.5Z", '"2026-02-01T01:30:00.5Z"'),
    ("TIMESTAMP '2026-01-31 23:30:00'", "2026-01-31T23:30:00", '"2026-01-31T23:30:00"'),
    ("'infinity'::TIMESTAMPTZ", "infinity", '"infinity"'),
    ("DATE '2026-01-31'", "2026-01-31", '"2026-01-31"'),
    ("1.10::DECIMAL(10,2)", "1.10", "1.10"),
    (f"{EXACT}::DECIMAL(38,12)", EXACT, EXACT),
    ("1e-7::DECIMAL(38,12)", "0.000000100000", "0.000000100000"),
    ("9223372036854775807::HUGEINT + 1", "9223372036854775808", "9223372036854775808"),
    ("0.1::DOUBLE", "0.1", "0.1"),
    ("'nan'::DOUBLE", "nan", '"nan"'),
    ("true", "true", "true"),
    ("'[1.10, {\"a\": null}]'::JSON", '[1.10, {"a": null}]', '[1.10, {"a": null}]'),
    ("[1.5, 2]", "[1.5,2.0]", "[1.5,2.0]"),
    ("{'a': 1}", '{"a":1}', '{"a":1}'),
    ("'é, \"ü\"'", 'é, "ü"', '"é, \\"ü\\""'),
    ("INTERVAL 1 DAY", "1 day", '"1 day"'),
    ("'a'::BLOB", "a", '"a"'),
]


@pytest.mark.parametrize(("sql", "text", "as_json"), VALUES, ids=[value[0] for value in VALUES])
def test_every_value_keeps_its_whole_meaning(
    sql: str, text: str, as_json: str, capsys: pytest.CaptureFixture[str]
) -> None:
    query = f"SELECT {sql} AS x"
    assert ask(query, capsys) == f'[\n  {{"x": {as_json}}}\n]\n'
    assert list(csv.reader(io.StringIO(ask(query, capsys, "csv")))) == [["x"], [text]]
    assert ask(query, capsys, "table").splitlines()[2].strip() == text
    json.loads(as_json)


def test_null_is_told_from_an_empty_text(capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT NULL AS a, '' AS b, NULL::JSON AS c, NULL::TIMESTAMPTZ AS d"
    assert ask(query, capsys, "csv") == 'a,b,c,d\n,"",,\n'
    assert json.loads(ask(query, capsys)) == [{"a": None, "b": "", "c": None, "d": None}]
    assert ask(query, capsys, "table").splitlines()[2].split() == ["NULL", "NULL", "NULL"]


def test_order_rows_and_names_are_those_of_the_query(capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT range AS n, 1 AS x, 2 AS x, now() AS at FROM range(5000) ORDER BY n DESC -- the end;\n;"
    rows = json.loads(ask(query, capsys))
    assert [row["n"] for row in rows] == list(range(4999, -1, -1))
    assert [len(row) for row in rows] == [4] * 5000
    assert json.loads(ask("SELECT 1 WHERE false", capsys)) == []
    assert ask("SELECT 1 AS n WHERE false", capsys, "csv") == "n\n"
    assert "(0 rows)" in ask("SELECT 1 WHERE false", capsys, "table")


def test_a_table_shows_nothing_that_would_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown = ask("SELECT chr(27) || '[2J' || chr(10) || 'x' AS x", capsys, "table")
    assert shown.splitlines()[2] == "\\x1b[2J\\nx"


@pytest.mark.parametrize(
    "query",
    ["SHOW ALL TABLES", "DESCRIBE shop.t", "SUMMARIZE shop.t", "EXPLAIN SELECT 1", "FROM shop.t", "VALUES (1)",
     "WITH a AS (SELECT 1) FROM a", "PIVOT shop.t ON n USING sum(d); -- by number"],
)  # fmt: skip
def test_whatever_reads_is_answered(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(query, capsys, "table")
    assert json.loads(ask(query, capsys))


def test_sums_of_decimals_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = json.loads(ask("SELECT sum(d) AS s FROM shop.t", capsys), parse_float=Decimal)
    assert row["s"] == Decimal(EXACT)


# --------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("SELEC 1", 1, 1),
        ("SELECT *\nFROM shop.u", 2, 6),
        ("SELECT 'é',\n  bar FROM shop.t", 2, 3),
        ("SELECT 1 WHERE x", 1, 16),
        ("SELECT now(),\n CAST('x' AS INTEGER)", 2, 2),
        ("EXPLAIN SELECT nix", 1, 16),
    ],
)
def test_an_error_names_its_place_in_the_query(
    query: str, line: int, column: int, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(query, capsys)
    assert (error["line"], error["column"]) == (line, column)
    assert error["hint"].startswith(f"line {line}, column {column}: ")


@pytest.mark.parametrize("query", ["", " ; ", "-- nothing"])
def test_no_query_is_told(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no query" in refused(query, capsys)["message"]


# ---------------------------------------------------------------------------------- only reading


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO shop.t VALUES (2, 2)",
        "UPDATE shop.t SET n = 2",
        "DELETE FROM shop.t",
        "CREATE TABLE shop.u (n INTEGER)",
        "CREATE TEMP TABLE u (n INTEGER)",
        "DROP TABLE shop.t",
        "SELECT 1; DROP TABLE shop.t",
        "CREATE TABLE shop.u (n INTEGER); SELECT 1",
        "DROP TABLE shop.t; SELECT 1;",
        "WITH x AS (SELECT 1, 1) INSERT INTO shop.t FROM x",
        "EXPLAIN ANALYZE INSERT INTO shop.t VALUES (2, 2)",
        "COPY shop.t TO 'out.csv'",
        "EXPLAIN ANALYZE COPY shop.t TO 'out.csv'",
        "EXPORT DATABASE 'out'",
        "ATTACH 'out.duckdb'",
        "INSTALL httpfs",
        "SET TimeZone = 'Europe/Paris'",
        "PRAGMA enable_profiling",
        "CALL pragma_version()",
        "CHECKPOINT",
        "BEGIN",
        "VACUUM",
        "FROM read_text('catchment.yaml')",
        "FROM 'catchment.yaml'",
        "FROM glob('*')",
    ],
)
def test_nothing_writes_and_nothing_else_is_read(query: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (home / "warehouse.duckdb").read_bytes()
    error = refused(query, capsys)
    assert "sk_test_0123456789" not in json.dumps(error)
    assert (home / "warehouse.duckdb").read_bytes() == before
    assert {path.name for path in home.iterdir()} <= {
        "catchment.yaml", "warehouse.duckdb", "warehouse.duckdb.lock", "warehouse.duckdb.wal",
    }  # fmt: skip


def test_before_the_first_sync_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Project(tmp_path).configure({})
    assert cli.main(["sql", "SELECT 1", "--config", str(config)]) == 1
    assert "catchment sync" in capsys.readouterr().err
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_a_long_query_ends_at_a_signal(home: Path) -> None:
    query = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
    with Project(home).start("sql", query) as running:
        while not (home / "warehouse.duckdb.lock").exists():
            assert not running.is_over(0.01)
        assert not running.is_over(0.5)
        running.send(signal.SIGTERM)
        done = running.wait(30)
    assert (done.code, done.stdout, done.stderr) == (143, "", "")


def test_a_statement_that_is_no_query_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no query but INSERT" in refused("INSERT INTO shop.t VALUES (2, 2)", capsys)["message"]
    assert "several queries" in refused("SELECT 1; SELECT 2", capsys)["message"]
