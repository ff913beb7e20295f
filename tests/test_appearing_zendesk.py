"""Fields that Zendesk adds: its exports are asked by their oldest page, lists that are read whole not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catchment.imitations.revealed import Among
from catchment.imitations.zendesk import generate, live
from connectors.zendesk import connector
from framework.export import Export
from framework.remedy import filled, sought
from tests.zendesk_source import Support

PAGE = 40
SMALL = replace(
    connector,
    feeds=tuple(replace(feed, limit=PAGE) if isinstance(feed, Export) else feed for feed in connector.feeds),
)
FIELD = "mood"


@pytest.fixture
def support(tmp_path: Path) -> Iterator[Support]:
    """An account whose exports are several pages long, synced."""
    with Support(generate(seed=4, objects=1500), tmp_path, connector=SMALL) as made:
        assert step(made).status == "succeeded"
        yield made


def step(support: Support, **order: Any) -> Any:
    support.account.clock.move(900)
    return support.run(**order)


def told(support: Support, collection: str) -> list[str]:
    mine = f"source = 'support' AND collection = '{collection}' AND column_name = '{FIELD}'"
    return [
        row[0] for row in support.rows(f"SELECT change FROM catchment.schema_changes WHERE {mine} ORDER BY changed_at")
    ]


def outcome(support: Support, collection: str) -> str:
    mine = f"collection = '{collection}' AND column_name = '{FIELD}' ORDER BY changed_at"
    return str(support.rows(f"SELECT action FROM catchment.schema_changes WHERE {mine}")[-1][0])


@pytest.mark.parametrize("among", ["all", "some"])
def test_old_rows_of_exports_are_filled(support: Support, among: Among) -> None:
    for kind in ("ticket", "ticket_metric"):
        support.account.reveal(kind, FIELD, among)
    live(support.account, seed=1, steps=150)
    step(support, due=True)
    step(support)
    assert support.differences() == []
    for name in ("tickets", "ticket_metrics"):
        assert told(support, name) == ["column_added", "column_sought", "column_filled"], name
        assert outcome(support, name) == filled(name, FIELD).action
    idle = step(support)
    assert idle.calls == step(support).calls
    assert idle.total("updated") == 0


def test_a_field_of_new_tickets_alone_costs_one_call(support: Support) -> None:
    idle = step(support).feeds["tickets"]
    support.account.reveal("ticket", FIELD, "new")
    live(support.account, seed=2, steps=60)
    found = step(support, due=True)
    assert told(support, "tickets") == ["column_added", "column_sought"]
    assert outcome(support, "tickets") == sought("tickets", FIELD, "hidden").action
    assert found.feeds["tickets"] <= 1 + 3  # what is new, and the one page
    assert step(support).feeds["tickets"] == idle
    assert support.differences() == []


@pytest.mark.parametrize("among", ["all", "new"])
def test_pages_that_are_read_for_their_ids_show_the_rest_as_well(support: Support, among: Among) -> None:
    idle = step(support).feeds["tickets"]
    assert idle > 2
    support.account.reveal("ticket", FIELD, among)
    live(support.account, seed=2, steps=60)
    found = step(support)
    assert support.differences() == []
    assert outcome(support, "tickets") == sought("tickets", FIELD, "read").action
    assert found.feeds["tickets"] <= idle + 3  # what is new


def test_lists_that_are_read_whole_show_it_themselves(support: Support) -> None:
    idle = step(support)
    for kind in ("group", "satisfaction_rating", "macro"):
        support.account.reveal(kind, FIELD)
    found = step(support)
    assert support.differences() == []
    assert found.calls == idle.calls
    for name in ("groups", "satisfaction_ratings", "macros"):
        assert told(support, name) == ["column_added", "column_sought"]
        assert outcome(support, name) == sought(name, FIELD, "read").action


def test_what_happened_stays_as_it_was_told(support: Support) -> None:
    support.account.reveal("audit_log", FIELD, "new")
    live(support.account, seed=3, steps=200)
    step(support)
    assert support.differences() == []
    assert told(support, "audit_logs") == ["column_added"]
    assert "stays as it was told" in outcome(support, "audit_logs")
