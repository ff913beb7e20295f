"""The kit over the Bookshop: its connector keeps up, survives faults and kills, shares a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from catchment.testing import kit
from catchment.testing.kit import Trial, Vendor, by
from catchment.testing.processes import collections, source
from catchment.testing.rules import Child, Rules, Table

# How an object becomes a row, told once more and from the vendor's side alone: nothing is taken from the connector.
RULES = Rules(
    (
        Table("authors", "authors"),
        Table(
            "books",
            "books",
            columns={"price": ("price", "amount"), "currency": ("price", "currency")},
            flattened=frozenset({("price",)}),
        ),
        Table("orders", "orders", children=(Child("lines", {"": "order_lines"}, "order_id"),)),
        Table("order_lines", "order_lines"),
        Table("stock_movements", "stock_movements", mortal=False),
    )
)


def account(info: Mapping[str, Any]) -> dict[str, Any]:
    return source("bookshop", info["url"], {"api_key": info["key"]})


TRIAL = Trial(
    vendor="catchment_bookshop.imitation",
    arguments=("--objects", "1500", "--seed", "7"),
    source=account,
    judge=by(RULES),
    faults={"retry_after": {"seconds": 0.2}, "server_error": {"status": 503}, "truncated": {}, "empty": {}},
    paths=("/v1/orders", "/v1/books"),
    settled=(("/clock", {"offset": 10}),),  # a change may take five seconds to show
)


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    with TRIAL.running() as running:
        yield running


def test_every_cell_is_right_after_every_sync(vendor: Vendor, tmp_path: Path) -> None:
    kit.keeps_up(vendor, tmp_path)


@pytest.mark.parametrize("kind", sorted(TRIAL.faults))
def test_a_fault_is_survived(vendor: Vendor, tmp_path: Path, kind: str) -> None:
    kit.survives(vendor, tmp_path, kind)


def test_killed_first_syncs_lose_nothing(vendor: Vendor, tmp_path: Path) -> None:
    assert kit.killed_first(vendor, tmp_path, kills=3, seed=1).died


def test_killed_incremental_syncs_lose_nothing(vendor: Vendor, tmp_path: Path) -> None:
    assert kit.killed_incremental(vendor, tmp_path, kills=3, seed=1).died


def test_a_limit_is_shared(vendor: Vendor, tmp_path: Path) -> None:
    kit.shares(vendor, tmp_path, per_second=20)


def test_a_missing_permission_costs_one_collection(vendor: Vendor, tmp_path: Path) -> None:
    project = vendor.project(tmp_path)
    vendor.imitation.order("/forbid", list="stock_movements")
    try:
        document = project.sync()
    finally:
        vendor.imitation.order("/forbid", list="")
    told = collections(document, kit.SOURCE)
    refused = told.pop("stock_movements")
    assert (refused["status"], refused["error"]["kind"]) == ("failed", "permission")
    assert "`stock`" in refused["error"]["hint"]
    assert {one["status"] for one in told.values()} == {"succeeded"}
    vendor.sync(project)
    vendor.exact(project, "after the permission was given")
