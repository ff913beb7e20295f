"""What hangs on something that the vendor has erased loses what it said, in every order, and never gets it back."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from framework.collection import Child, Collection, Column, Erasure
from framework.sight import Sight
from tests.merge_kit import sight
from tests.warehouse_kit import PLACES, Source

SHOWN = (("status", "deleted"), ("subject", "SCRUBBED"))
TICKETS = Collection("tickets", columns=(Column("id", "bigint"), Column("status", "text"), Column("subject", "text")))
NOTES = Collection(
    "notes",
    columns=(Column("id", "bigint"), Column("ticket_id", "bigint"), Column("body", "text"), Column("n", "bigint")),
    children=(Child("files", "files", "note_id"),),
    erased=Erasure((("ticket_id", "tickets"),), SHOWN, ("body", "left_out")),
)
FILES = Collection(
    "files",
    columns=(Column("id", "bigint"), Column("note_id", "bigint"), Column("name", "text")),
    erased=Erasure((("note_id", "notes"), ("ticket_id", "tickets")), SHOWN, ("name",)),
)
EVENTS = Collection(
    "events",
    kind="event",
    columns=(Column("id", "bigint"), Column("ticket_id", "bigint"), Column("changes", "json")),
    erased=Erasure((("ticket_id", "tickets"),), SHOWN, ("changes",)),
)
BLANK = [("events", 1, None, None), ("files", 1, None, None), ("notes", 1, None, None)]


@pytest.fixture(params=PLACES)
def source(request: pytest.FixtureRequest, tmp_path: Any) -> Source:
    found: Source = PLACES[request.param](tmp_path).source(TICKETS, NOTES, FILES, EVENTS)
    return found


def ticket(version: int, subject: str = "Help", number: int = 1, *, deleted: bool = False) -> Sight:
    row = {"id": number, "status": "deleted" if deleted else "open", "subject": subject}
    return sight("tickets", row, version=version, deleted=[deleted])


def said(version: int = 1, number: int = 1, **more: object) -> list[Sight]:
    note = {
        "id": number,
        "ticket_id": number,
        "body": "secret",
        "n": 5,
        "files": [{"id": number, "name": "secret.png"}],
    }
    event = {"id": number, "ticket_id": number, "changes": ["secret"]}
    return [sight("notes", {**note, **more}, version=version), sight("events", event, version=version)]


def told(source: Source, number: int = 1) -> list[tuple[object, ...]]:
    """Of each table that hangs on a ticket: what its row says, and since when it is deleted."""
    columns = {"events": "changes", "files": "name", "notes": "body"}
    return [
        (name, *row)
        for name, column in columns.items()
        for row in source.place.rows(
            f'SELECT id, {column}, _deleted_at FROM "{source.name}".{name} WHERE id = {number} ORDER BY id'
        )
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_was_said_goes_in_every_order_and_its_rows_stay(source: Source, order: tuple[int, ...]) -> None:
    what = [said(), [ticket(1)], [ticket(3, "SCRUBBED", deleted=True)]]
    for n in order:
        source.commit(*what[n])
    assert told(source) == BLANK
    assert source.place.rows(f'SELECT n FROM "{source.name}".notes') == [(5,)]


def test_all_in_one_commit(source: Source) -> None:
    source.commit(*said(), ticket(3, "SCRUBBED", deleted=True))
    assert told(source) == BLANK


def test_what_is_deleted_or_only_called_so_keeps_its_words(source: Source) -> None:
    source.commit(*said(), *said(number=2), ticket(3, deleted=True), ticket(3, "SCRUBBED", number=2))
    assert "secret" in str(told(source))
    assert "secret" in str(told(source, 2))


def test_what_is_shown_again_stays_erased_and_moves_nothing(source: Source) -> None:
    source.commit(*said(), ticket(3, "SCRUBBED", deleted=True))
    moved = f'SELECT _synced_at FROM "{source.name}".notes'
    before = source.place.rows(moved)
    counts = source.commit(*said()).counts
    assert (counts["notes"].unchanged, counts["notes"].updated, counts["files"].updated) == (1, 0, 0)
    assert told(source) == BLANK
    assert source.place.rows(moved) == before
