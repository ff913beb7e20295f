"""Views with a column for every field of the account: typed, named by its title, following renames, everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from framework.collection import Collection, Column
from framework.fieldview import FieldView
from framework.warehouse import Commit
from tests.merge_kit import sight
from tests.warehouse_kit import PLACES, Source

TICKETS = Collection("tickets", columns=(Column("id", "bigint"), Column("custom_fields", "json")))
PEOPLE = Collection("people", columns=(Column("id", "bigint"), Column("fields", "json")))
FIELDS = Collection(
    "ticket_fields",
    columns=tuple(Column(name, type_) for name, type_ in
                  (("id", "bigint"), ("key", "text"), ("title", "text"), ("type", "text"), ("active", "bool"))),
)  # fmt: skip
TYPES: Any = {"number": "bigint", "flag": "bool", "day": "date", "list": "json", "money": "decimal"}
BY_ID = FieldView("tickets_with_fields", "tickets", "custom_fields", "ticket_fields", "pairs", types=TYPES)
BY_KEY = FieldView("people_with_fields", "people", "fields", "ticket_fields", "map", "key", types=TYPES)


def field(number: int, title: str, kind: str = "text", *, active: bool = True) -> dict[str, object]:
    return {"id": number, "key": f"k{number}", "title": title, "type": kind, "active": active}


def load(source: Source, version: int, fields: list[dict[str, object]], **values: object) -> None:
    """One ticket and one person with these values by number of the field, and the definitions."""
    pairs = [{"id": int(name[1:]), "value": value} for name, value in values.items()]
    house, codec = source.house, source.house.codec()
    sights = [
        sight("ticket_fields", *fields, version=version),
        sight("tickets", {"id": 1, "custom_fields": pairs}, version=version),
        sight("people", {"id": 1, "fields": values}, version=version),
    ]
    house.commit(Commit(decoded=[codec.decode(one) for one in sights], views=(BY_ID, BY_KEY)))


def shown(source: Source, view: str, *columns: str) -> tuple[object, ...]:
    listed = ", ".join(f'"{column}"' for column in columns)
    (row,) = source.place.rows(f'SELECT {listed} FROM "{source.name}".{view}')
    return tuple(str(value) if value is not None and not isinstance(value, bool) else value for value in row)


@pytest.fixture(params=PLACES)
def source(request: pytest.FixtureRequest, tmp_path: Any) -> Source:
    place = PLACES[request.param](tmp_path)
    found: Source = place.source(TICKETS, PEOPLE, FIELDS)
    return found


@pytest.mark.parametrize("view", ["tickets_with_fields", "people_with_fields"])
def test_every_active_field_is_a_typed_column_named_by_its_title(source: Source, view: str) -> None:
    fields = [field(1, "Seats", "number"), field(2, "Is VIP?", "flag"), field(3, "Due day", "day"),
              field(4, "Serial"), field(5, "Old", active=False), field(6, "Refund", "money")]  # fmt: skip
    load(source, 1, fields, k1=12, k2=True, k3="2026-11-20", k4="ключ 'x'", k5="gone", k6="1.50")
    row = shown(source, view, "id", "seats", "is_vip", "due_day", "serial", "refund")
    assert (*row[:5], float(str(row[5]))) == ("1", "12", True, "2026-11-20", "ключ 'x'", 1.5)
    assert "old" not in names(source, view)


def test_values_of_another_kind_are_null_and_lists_stay_json(source: Source) -> None:
    load(source, 1, [field(1, "Seats", "number"), field(2, "Day", "day"), field(3, "Tags", "list")],
         k1="many", k2="soon", k3=["a", "b"])  # fmt: skip
    seats, day, tags = shown(source, "tickets_with_fields", "seats", "day", "tags")
    assert (seats, day) == (None, None)
    assert json.loads(str(tags).replace("'", '"')) == ["a", "b"]


def test_a_renamed_field_and_a_new_column_of_the_table_show_up(source: Source) -> None:
    load(source, 1, [field(1, "Area")], k1="x")
    assert "area" in names(source, "tickets_with_fields")
    load(source, 2, [field(1, "Product area")], k1="x")
    assert shown(source, "tickets_with_fields", "product_area") == ("x",)
    assert "area" not in names(source, "tickets_with_fields")
    codec = source.house.codec()
    more = sight("tickets", {"id": 1, "custom_fields": [], "more": 5}, version=3)
    source.house.commit(Commit(decoded=[codec.decode(more)], views=(BY_ID, BY_KEY)))
    assert shown(source, "tickets_with_fields", "more", "product_area") == ("5", None)
    wider = sight("tickets", {"id": 2, "custom_fields": [], "more": "text"}, version=4)
    source.house.commit(Commit(decoded=[codec.decode(wider)], views=(BY_ID, BY_KEY)))
    rows = source.place.rows(f'SELECT more FROM "{source.name}".tickets_with_fields ORDER BY id')
    assert rows == [("5",), ("text",)]


def test_titles_that_meet_keep_the_older_fields_name(source: Source) -> None:
    load(source, 1, [field(1, "Area"), field(2, "area"), field(3, "id")], k1="x", k2="y", k3="z")
    assert shown(source, "tickets_with_fields", "area", "id") == ("x", "1")
    assert sum(name.startswith("area_") for name in names(source, "tickets_with_fields")) == 1


def test_a_view_whose_definition_stays_is_not_made_again(source: Source) -> None:
    load(source, 1, [field(1, "Area")], k1="x")
    mark = f"SELECT updated_at FROM \"{source.name}\"._catchment_state WHERE kind = 'view' ORDER BY name"
    before = source.place.rows(mark)
    load(source, 2, [field(1, "Area")], k1="other")
    assert source.place.rows(mark) == before
    assert shown(source, "tickets_with_fields", "area") == ("other",)


def test_a_view_that_was_dropped_with_its_table_comes_back(source: Source) -> None:
    load(source, 1, [field(1, "Area")], k1="x")
    source.place.execute(f'DROP VIEW "{source.name}".people_with_fields')
    source.place.execute(f'DROP TABLE "{source.name}".tickets CASCADE')  # which takes the view along in PostgreSQL
    load(source.again(), 2, [field(1, "Area")], k1="y")
    assert shown(source, "tickets_with_fields", "area") == shown(source, "people_with_fields", "area") == ("y",)


def test_a_column_that_is_left_out_leaves_the_view_without_fields(tmp_path: Any) -> None:
    for place in PLACES.values():
        bare = Collection("tickets", columns=(Column("id", "bigint"),))
        source = place(tmp_path).source(bare, FIELDS)
        codec = source.house.codec()
        sights = [sight("ticket_fields", field(1, "Area"), version=1), sight("tickets", {"id": 1}, version=1)]
        source.house.commit(Commit(decoded=[codec.decode(one) for one in sights], views=(BY_ID,)))
        assert shown(source, "tickets_with_fields", "id") == ("1",)
        assert "area" not in names(source, "tickets_with_fields")


def names(source: Source, view: str) -> list[str]:
    query = "SELECT column_name FROM information_schema.columns "
    query += f"WHERE table_schema = '{source.name}' AND table_name = '{view}'"
    return [name for (name,) in source.place.rows(query)]
