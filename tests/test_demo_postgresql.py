"""`catchment demo --warehouse`: the whole demo in a PostgreSQL database, beside what others keep there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from catchment.cli import main
from catchment.demo import SOURCES
from catchment.demo.place import claim
from tests import postgres


def demo(folder: Path, url: str) -> int:
    return main(["demo", "--directory", str(folder), "--objects", "400", "--warehouse", url])


def test_every_cell_is_right_and_only_schemas_of_a_demo_are_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres.new_database(18)
    postgres.execute(url, "CREATE SCHEMA crm", "CREATE TABLE crm.mine AS SELECT 1 AS one")
    assert demo(tmp_path / "demo", url) == 2
    assert "schema 'crm' that no demo made" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
    assert postgres.ask(url, "SELECT one FROM crm.mine") == [(1,)]
    postgres.execute(url, "DROP SCHEMA crm CASCADE")

    assert demo(tmp_path / "demo", url) == 0
    told = capsys.readouterr().out
    assert told.count("every cell of every row is right") == 6
    assert re.search(r"currency +items +mrr", told)
    assert "secret" not in told
    left = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('shop', 'support', 'crm', 'catchment')"
    assert postgres.ask(url, left) == [(4,)]

    postgres.execute(url, "INSERT INTO catchment.columns (source, collection) VALUES ('other', 'kept')")
    claim(url, SOURCES)
    assert postgres.ask(url, "SELECT collection FROM catchment.columns") == [("kept",)]
    assert postgres.ask(url, "SELECT count(*) FROM catchment.runs") == [(0,)]
    assert postgres.ask(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'shop'::regnamespace") == [(0,)]


@pytest.mark.parametrize("url", ["duckdb:///x.duckdb", "postgresql://me:p4ssw0rd@127.0.0.1:1/db?connect_timeout=1"])
def test_a_place_that_cannot_be_is_said(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo(tmp_path / "demo", url) == 2
    assert "p4ssw0rd" not in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
