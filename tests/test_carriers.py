"""Child tables whose parents are not wanted: the parents are read for their lists' sake and become no rows."""

from __future__ import annotations

from pathlib import Path

from catchment.imitations.stripe import DEFAULT_KEY, Server, generate, live
from catchment.testing.processes import Project, collections, source
from catchment.testing.stripe import STRIPE, things
from catchment.testing.truth import report, verify

WANTED = ["subscription_items", "invoice_lines", "cards", "customer_balance_transactions"]


def test_children_are_exact_without_their_parents(tmp_path: Path) -> None:
    account = generate(seed=5, objects=2500)
    since = account.clock.now()
    project = Project(tmp_path)
    with Server(account) as server:
        shop = source("stripe", server.url, {"api_key": DEFAULT_KEY}, rate_limit={"per_second": 1000})
        project.configure({"shop": {**shop, "collections": WANTED}})
        for seed in range(3):
            document = project.sync()
            assert document["status"] == "succeeded", document
            assert sorted(collections(document, "shop")) == sorted(WANTED)
            wrong = verify(project.warehouse, "shop", things(account), STRIPE, tables=WANTED, known_since=since)
            assert not wrong, report(wrong)
            live(account, seed=seed, steps=60)
    tables = project.run("sql", "select table_name from duckdb_tables() where schema_name = 'shop'", "--format", "csv")
    assert sorted(tables.stdout.split()[1:]) == sorted(["_catchment_state", *WANTED])
