"""Zendesk's declarations: documented columns, references that lead somewhere, and the vendor's recorded objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from catchment.testing.zendesk import ZENDESK
from connectors.zendesk import connector
from framework.collection import Collection
from framework.cost import cost
from framework.sight import Sight
from warehouse_loader.codec import RecordCodec
from warehouse_loader.registry import Registry

COLLECTIONS = {collection.name: collection for collection in connector.collections}
DOCUMENTED = (
    "users groups tickets ticket_fields activities attachments organizations ticket_events ticket_metrics "
    "satisfaction_ratings ticket_comments ticket_forms ticket_skips organization_memberships group_memberships "
    "audit_logs"
)
MORE = (
    "ticket_metric_events brands macros views triggers automations sla_policies schedules tags organization_fields "
    "user_fields custom_statuses ticket_field_options"
)
OLD = {"attachments": {"name"}}  # fields of older recordings that the vendor shows no more


@pytest.fixture(params=sorted(COLLECTIONS))
def collection(request: pytest.FixtureRequest) -> Collection:
    return COLLECTIONS[request.param]


def test_all_collections_are_there_once_and_on() -> None:
    assert sorted(c.name for c in connector.collections) == sorted(f"{DOCUMENTED} {MORE}".split())
    assert all(collection.default for collection in COLLECTIONS.values())


def test_every_collection_is_filled_and_says_how(collection: Collection) -> None:
    assert any(collection.name in feed.fills for feed in connector.feeds)
    assert collection.description.endswith(".")
    assert collection.current_by
    assert collection.deletions
    assert str(cost(connector, collection))


def test_columns_are_described_once_and_refer_to_tables_that_exist(collection: Collection) -> None:
    names = [column.name for column in collection.columns]
    assert len(names) == len(set(names))
    assert collection.key == names[0]
    assert all(len(column.description) >= 4 for column in collection.columns)
    assert {column.references for column in collection.columns} - {""} <= COLLECTIONS.keys()


def test_documented_columns_are_declared_or_missing_for_a_reason(collection: Collection) -> None:
    declared = {column.name: column.path for column in collection.columns}
    wanted = ZENDESK.by_name[collection.name].columns
    assert wanted.keys() <= declared.keys() | collection.missing.keys()
    assert all(tuple(path) == declared[name] for name, path in wanted.items())


def _lists(found: Any) -> Iterator[tuple[str, list[Any]]]:
    """The lists of a recorded body that are pages of a collection."""
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, list) and name in COLLECTIONS and name != "tags":
            yield name, value
        if isinstance(value, Mapping) and f"{name}s" in COLLECTIONS:
            yield f"{name}s", [value]


def recorded(folder: Path) -> Iterator[tuple[str, str, list[Any]]]:
    for file in sorted(folder.glob("go-zendesk/raw/GET/*.json")) + sorted(folder.glob("amp-labs/**/*.json")):
        for name, rows in _lists(json.loads(file.read_text())):
            yield file.stem, name, rows


@pytest.mark.fixtures
def test_recorded_objects_fit_the_declared_columns(fixtures_dir: Path) -> None:
    registry = Registry(list(COLLECTIONS.values()))
    codec, seen = RecordCodec(registry), set()
    for file, name, rows in recorded(fixtures_dir / "zendesk"):
        before = set(registry[name].by_name)
        page = codec.decode(Sight(name, json.dumps(rows).encode(), 1))
        assert not page.refused, file
        assert set(registry[name].by_name) - before <= OLD.get(name, set()), (file, name)
        seen.add(name)
    assert len(seen) >= 15
