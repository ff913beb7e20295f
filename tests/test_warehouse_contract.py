"""What every warehouse keeps, whichever it is: values, versions, children, and who owns what."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from framework.collection import Child, Collection, Column
from framework.keys import Keys
from framework.sight import Gone, Live, Sight
from framework.warehouse import Commit, Committed, Conflict, Counts, Unseen, WarehouseError
from tests import test_merge_children as children
from tests import test_merge_rows as rows
from tests.merge_kit import sight
from tests.warehouse_kit import PLACES, Place
from warehouse_loader import marks
from warehouse_loader.naming import LONGEST

THINGS = Collection("things", columns=(Column("id", "text"), Column("a", "bigint"), Column("b", "json")))
TYPED = Collection(
    "typed",
    description="One of each",
    columns=(
        Column("id", "text", "Identifies it"),
        Column("yes", "bool"),
        Column("whole", "bigint"),
        Column("exact", "decimal"),
        Column("near", "double"),
        Column("words", "text"),
        Column("created", "timestamptz"),
        Column("day", "date"),
        Column("more", "json"),
    ),
)
NUMBERED = Collection("numbered", columns=(Column("id", "bigint"),), children=(Child("parts", "parts", "owner"),))
PARTS = Collection("parts", numbered=True, columns=(Column("id", "text"), Column("n", "bigint")))

places: dict[str, Place] = {}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One warehouse for all tests of a process: each writes a schema of its own."""
    name = request.param
    if name not in places:
        places[name] = PLACES[name](tmp_path_factory.mktemp(name))
    return places[name]


@pytest.fixture(params=PLACES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A warehouse that nobody has used."""
    return PLACES[request.param](tmp_path)


# ------------------------------------------------------------------------------------------ partial sights


def test_a_partial_sight_fills_the_rows_of_its_version_and_makes_none(place: Place) -> None:
    source = place.source(THINGS, Collection("facts", kind="event", columns=THINGS.columns))
    whole = [{"id": key, "a": 1} for key in ("equal", "newer", "older", "gone", "same")]
    source.commit(sight("things", *whole, version=50), sight("facts", {"id": "one", "a": 1}, version=50))
    source.commit(Gone("things", "gone", 60), sight("things", {"id": "same", "a": 1, "b": [1]}, version=50))
    before = source.rows("things", "id", "_synced_at")
    parts = [{"id": key, "a": 9, "b": {"x": 1.10}} for key in ("equal", "newer", "older", "gone", "nobody")]
    part = sight("things", *parts, {"id": "same", "b": [1]}, version=[50, 40, 60, 50, 50, 50], columns=frozenset("b"))
    done = source.commit(part, sight("facts", {"id": "one", "b": [2]}, version=70, columns=frozenset("b")))
    assert source.rows("things", "id", "a", "_version") == [
        (key, "1", "50") for key in ("equal", "gone", "newer", "older", "same")
    ]
    filled = {key: value for key, value in source.rows("things", "id", "b") if value}
    assert {key: json.loads(value) for key, value in filled.items()} == {
        "equal": {"x": 1.1}, "gone": {"x": 1.1}, "same": [1],
    }  # fmt: skip
    moved = {key for (key, at), (_, was) in zip(source.rows("things", "id", "_synced_at"), before, strict=True)
             if at != was}  # fmt: skip
    assert moved == {"equal", "gone"}
    assert [json.loads(value) for _, value in source.rows("facts", "id", "b")] == [[2]]
    counts = done.counts["things"]
    assert (counts.inserted, counts.updated, counts.unchanged) == (0, 2, 4)


def test_a_partial_sight_teaches_a_new_column_and_leaves_children_alone(place: Place) -> None:
    source = place.source(NUMBERED, PARTS)
    source.commit(sight("numbered", {"id": 1, "parts": [{"n": 1}, {"n": 2}]}, version=5))
    source.commit(sight("numbered", {"id": 1, "size": "xl", "parts": []}, version=5, columns=frozenset({"size"})))
    assert source.rows("numbered", "id", "size") == [("1", "xl")]
    assert [row[1] for row in source.rows("parts", "n", "_deleted_at")] == [None, None]


# ------------------------------------------------------------------------------------------------- values


def test_every_type_comes_back_as_it_went_in(place: Place) -> None:
    source = place.source(TYPED)
    source.commit(
        sight(
            "typed",
            {
                "id": "x", "yes": True, "whole": 2**63 - 1, "exact": "12345678901234567890.123456789012",
                "near": 1.1e300, "words": "ä\n'\"\\ \U0001f600", "created": 253402300799, "day": "0001-01-01",
                "more": {"deep": [1, {"n": None}], "big": 10**30},
            },
            {"id": "y", "whole": -(2**63), "exact": 7, "created": "2026-11-20T10:00:00.000001+02:00"},
            version=1_795_168_740_123_457,
        )
    )  # fmt: skip
    assert source.types("typed") == {
        "id": "text", "yes": "bool", "whole": "bigint", "exact": "decimal", "near": "double", "words": "text",
        "created": "timestamptz", "day": "date", "more": "json",
        **dict.fromkeys(("_version", "_synced_at", "_deleted_at"), "timestamptz"),
    }  # fmt: skip
    found = source.rows("typed", "id", "yes", "whole", "exact", "near", "words", "day", "_version")
    assert found[0][:3] == ("x", "true", str(2**63 - 1))
    assert Decimal(found[0][3]) == Decimal("12345678901234567890.123456789012")
    assert float(found[0][4]) == 1.1e300
    assert found[0][5:] == ("ä\n'\"\\ \U0001f600", "0001-01-01", "1795168740123457")
    assert found[1][2] == str(-(2**63))
    micros = source.house.place.dialect.micros.format("created")  # type: ignore[attr-defined]
    assert place.rows(f"SELECT {micros} FROM {source.name}.typed ORDER BY id") == [
        (253402300799000000,),
        (1795161600000001,),
    ]
    assert json.loads(source.rows("typed", "id", "more")[0][1]) == {"deep": [1, {"n": None}], "big": 10**30}


def test_numbers_inside_json_keep_their_spelling(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(Sight("things", b'[{"id":"x","b":{"price":1.10,"id":123456789012345678901234567890}}]', 1))
    text = source.rows("things", "b")[0][0].replace(" ", "")
    assert '"price":1.10' in text
    assert "123456789012345678901234567890" in text


WIDENED = [
    ("flag", True, "t", "text", ("true", "t")),
    ("whole", 5, 2.5, "decimal", ("5.000000000000", "2.500000000000")),
    ("whole2", 5, "five", "text", ("5", "five")),
    ("part", 2.5, "half", "text", ("2.5", "half")),
    ("words", "w", {"o": 1}, "json", ('"w"', '{"o":1}')),
    ("nested", 7, [1], "json", ("7", "[1]")),
]


@pytest.mark.parametrize(("column", "first", "then", "kind", "values"), WIDENED)
def test_a_column_widens_and_keeps_its_values(
    place: Place, column: str, first: Any, then: Any, kind: str, values: tuple[str, str]
) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", column: first}))
    later = source.again()
    later.commit(sight("things", {"id": "y", column: then}))
    assert later.types("things")[column] == kind
    found = [tuple(value.replace(" ", "") for value in row) for row in later.rows("things", "id", column)]
    assert found == [("x", values[0]), ("y", values[1])]


def test_a_declared_time_that_comes_as_text_keeps_its_seconds(place: Place) -> None:
    source = place.source(TYPED)
    source.commit(sight("typed", {"id": "x", "created": 1700000000}, {"id": "z", "created": "2026-01-01T00:00:00.5Z"}))
    source.commit(sight("typed", {"id": "y", "created": "soon"}))
    assert source.rows("typed", "id", "created") == [("x", "1700000000"), ("y", "soon"), ("z", "1767225600.5")]


def test_a_key_widens(place: Place) -> None:
    numbers = Collection("things", columns=(Column("id", "bigint"), Column("a", "bigint")))
    source = place.source(numbers)
    source.commit(sight("things", {"id": 7, "a": 1}, {"id": 8, "a": 1}))
    source.commit(sight("things", {"id": "seven", "a": 2}))
    counts = source.again().commit(sight("things", {"id": "8", "a": 3}, version=2)).counts["things"]
    assert source.rows("things", "id", "a") == [("7", "1"), ("8", "3"), ("seven", "2")]
    assert (counts.inserted, counts.updated) == (0, 1)


def test_names_that_meet_stay_apart_for_ever(place: Place) -> None:
    source = place.source(THINGS)
    long = "n" * 70
    fields = {"fooBar": 1, "foo_bar": 2, "b.c": 3, long: 4, long + "m": 5, "select": 6}
    source.commit(sight("things", {"id": "x"} | fields))
    source.again().commit(sight("things", {"id": "y", "foo_bar": 20, "fooBar": 10, long + "m": 50, long: 40}))
    mapped = dict(place.rows(f"SELECT original, column_name FROM catchment.columns WHERE source = '{source.name}'"))
    assert all(len(name.encode()) <= LONGEST for name in mapped.values())
    names = [mapped[name] for name in ("fooBar", "foo_bar", long, long + "m")]
    assert source.rows("things", "id", *names) == [("x", "1", "2", "4", "5"), ("y", "10", "20", "40", "50")]
    assert source.rows("things", "id", mapped["select"])[0] == ("x", "6")


@pytest.mark.parametrize("name", ["rowid", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"])
def test_a_field_called_like_what_tables_have_of_their_own_is_a_column(place: Place, name: str) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 1, name: 1}, {"id": "y", "a": 1, name: 1}))
    source.commit(sight("things", {"id": "y", "a": 2, name: 2}, {"id": "z", "a": 2, name: 2}, version=2))
    assert source.rows("things", "id", "a", f"_{name}") == [("x", "1", "1"), ("y", "2", "2"), ("z", "2", "2")]


def test_huge_values_are_kept_whole(place: Place) -> None:
    source = place.source(THINGS)
    text = "x€" * 700_000
    source.commit(sight("things", {"id": "x", "words": text, "b": {"words": text, "list": list(range(100_000))}}))
    [(_, words, more)] = source.rows("things", "id", "words", "b")
    assert words == text
    assert json.loads(more) == {"words": text, "list": list(range(100_000))}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("words", '"nul \\u0000 end"'),
        ("words", '"half \\ud83d end"'),
        ("b", '{"nul":"\\u0000","half":"\\udc00","pair":"\\ud83d\\ude00","path":"C:\\\\u0000"}'),
        ("b", '{"k\\u0000":1}'),
        ("b", '{"twice":1,"twice":2}'),
        ("b", "1e400000"),
        ("b", "[" * 900 + "]" * 900),
    ],
)
def test_what_a_warehouse_cannot_spell_costs_no_row(place: Place, field: str, value: str) -> None:
    source = place.source(THINGS)
    page = f'[{{"id":"a","b":{{"fine":1}}}},{{"id":"x","{field}":{value}}},{{"id":"z","b":{{"fine":2}}}}]'
    counts = source.commit(Sight("things", page.encode(), 1)).counts["things"]
    found = source.rows("things", "id", field)
    if counts.quarantined:  # the decoder itself gave up on it: kept whole, elsewhere
        assert place.rows(f"SELECT count(*) FROM catchment.quarantine WHERE source = '{source.name}'") == [(1,)]
        assert len(found) == 2
        return
    assert [row[0] for row in found] == ["a", "x", "z"]
    assert found[1][1]
    assert json.loads(source.rows("things", "id", "b")[0][1]) == {"fine": 1}


def test_more_columns_than_a_table_has_room_for(place: Place) -> None:
    source = place.source(THINGS)
    fields = {f"field_{n}": n for n in range(1_700)}
    source.commit(sight("things", {"id": "x", **fields}))
    source.again().commit(sight("things", {"id": "x", **fields, "field_1650": 7, "late": "l"}, {"id": "y"}, version=2))
    found: dict[str, Any] = {}
    columns = list(source.types("things"))
    for name, value in zip(columns, source.rows("things", "id", *columns)[0][1:], strict=True):
        found |= json.loads(value) if name == "_overflow" else {name: value}
    assert {name: str(found[name]) for name in fields} == {
        name: str(value) for name, value in {**fields, "field_1650": 7}.items()
    }
    assert found["late"] == "l"
    unchanged = source.again().commit(sight("things", {"id": "y"}, version=3))
    assert unchanged.counts["things"].unchanged == 1


def test_a_row_with_few_values_in_a_wide_table_has_them_in_their_columns(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", *({"id": f"{n}", f"field_{n}": "x" * 24} for n in range(400))))
    assert place.rows(f"SELECT count(field_399) FROM {source.name}.things") == [(1,)]
    if "_overflow" in source.types("things"):
        assert place.rows(f"SELECT count(_overflow) FROM {source.name}.things") == [(0,)]


@pytest.mark.parametrize("form", [lambda n: [n], lambda n: {"a": n}, lambda n: "x" * 24, lambda n: n % 2 == 0])
def test_more_small_values_than_a_row_has_room_for(place: Place, form: Any) -> None:
    source = place.source(THINGS)
    fields = {f"field_{n}": form(n) for n in range(700)}
    source.commit(sight("things", {"id": "x", **fields}, {"id": "y"}))
    found: dict[str, Any] = {}
    columns = list(source.types("things"))
    for name, value in zip(columns, source.rows("things", "id", *columns)[0][1:], strict=True):
        if value and name.startswith("field"):
            found[name] = value if isinstance(fields[name], str) else json.loads(value)
        elif value and name == "_overflow":
            found |= json.loads(value)
    assert found == fields


# ------------------------------------------------------------------------------------------------- merging

here = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@here
@given(rows.stories())
def test_every_order_and_cut_of_versions_ends_in_one_row(place: Place, story: Any) -> None:
    source = place.source(rows.THINGS)
    for said in story:
        source.commit(*(one.sight() for one in said))
    everything = [one for said in story for one in said]
    expected = [tuple(None if value is None else str(value) for value in row[:-1]) for row in rows.ended(everything)]
    found = source.rows("things", "id", "a", "b", "_version", "_deleted_at")
    assert [(*row[:2], row[2] and row[2].replace(" ", ""), row[3]) for row in found] == expected
    assert [row[-1] is not None for row in found] == [bool(row[-1]) for row in rows.ended(everything)]


def test_members_named_by_id_stay_or_live_again_and_the_rest_go(place: Place) -> None:
    source = place.source(children.CUSTOMERS, children.SUBSCRIPTIONS, children.DISCOUNTS)
    shown = [{"id": one, "customer": "c"} for one in ("d1", "d2", "d3")]
    source.commit(children.sight("subscriptions", {"id": "s", "discounts": shown}), tables=source.collections)
    source.commit(children.sight("subscriptions", {"id": "s", "discounts": ["d2"]}, version=5))
    assert source.rows("discounts", "id", "_deleted_at") == [("d1", "5"), ("d2", None), ("d3", "5")]
    done = source.commit(children.sight("subscriptions", {"id": "s", "discounts": ["d3"]}, version=9))
    assert source.rows("discounts", "id", "_deleted_at") == [("d1", "5"), ("d2", "9"), ("d3", None)]
    assert (done.counts["discounts"].deleted, done.counts["discounts"].restored) == (1, 1)


@here
@given(children.stories())
def test_every_order_and_cut_of_parents_ends_in_their_newest_children(place: Place, story: Any) -> None:
    source = place.source(children.ORDERS, children.LINES)
    for said in story:
        source.commit(*(one.sight() for one in said))
    everything = [one for said in story for one in said]
    sights = [one for one in everything if isinstance(one, children.Shown)]
    newest = max(sights, key=lambda one: one.version, default=None)
    if newest is None:
        return
    dead = any(isinstance(one, children.Died) and one.version >= newest.version for one in everything)
    found = source.rows("lines", "id", "amount", "order_id", "_deleted_at")
    live = [row[:3] for row in found if row[3] is None]
    assert live == ([] if dead else [(one, str(newest.version), "o") for one in sorted(newest.lines)])


def test_a_first_load_that_goes_on_is_not_complete(place: Place) -> None:
    source = place.source(THINGS)
    told = f"SELECT status, complete_to IS NULL FROM catchment.collections WHERE source = '{source.name}'"
    source.commit(sight("things", {"id": "x"}))
    assert place.rows(told) == [(None, True)]
    one = {"collection": "things", "status": "succeeded", "complete_to": "2026-11-20T10:00:00Z"}
    report = {"run_id": "r", "sources": [{"source": source.name, "status": "succeeded", "collections": [one]}]}
    source.house.commit(Commit(report=report))
    source.commit(sight("things", {"id": "y"}))
    assert place.rows(told) == [("succeeded", False)]
    place.execute(f"DROP TABLE {source.name}.things")
    source.again().commit(sight("things", {"id": "x"}))
    assert place.rows(told) == [(None, True)]


def test_of_duplicates_in_a_batch_the_newest_stays(place: Place) -> None:
    source = place.source(THINGS)
    pages = [sight("things", {"id": "x", "a": at}, {"id": "x", "a": -1}, version=[at, 1]) for at in (3, 9, 5)]
    counts = source.commit(*pages).counts["things"]
    assert source.rows("things", "id", "a", "_version") == [("x", "9", "9")]
    assert (counts.inserted, counts.unchanged) == (1, 5)


@pytest.mark.parametrize("link", ["text", "bigint"])
def test_children_of_numeric_parents_are_added_closed_and_deleted_with_them(place: Place, link: Any) -> None:
    parts = replace(PARTS, columns=(*PARTS.columns, *([Column("owner", "bigint")] if link == "bigint" else [])))
    source = place.source(NUMBERED, parts)
    source.commit(sight("numbered", {"id": 7, "parts": [{"n": 1}, {"n": 2}]}, {"id": 8, "parts": [{"n": 3}]}))
    counts = source.commit(sight("numbered", {"id": 7, "parts": [{"n": 1}]}, version=2)).counts["parts"]
    assert counts.deleted == 1
    assert source.commit(Gone("numbered", "8", 3)).counts["parts"].deleted == 1
    assert source.rows("parts", "id", "owner", "n", "_deleted_at") == [
        ("7_0", "7", "1", None), ("7_1", "7", "2", "2"), ("8_0", "8", "3", "3"),
    ]  # fmt: skip
    assert source.house.live_rows("numbered") == 1
    assert source.house.absent({"numbered": Unseen(5), "parts": Unseen(5)}) == {"numbered": ["7"], "parts": ["7_0"]}


@pytest.mark.parametrize("link", ["text", "bigint"])
def test_members_tell_of_parents_that_are_no_rows_and_go_with_them(place: Place, link: Any) -> None:
    parts = replace(PARTS, columns=(*PARTS.columns, *([Column("owner", "bigint")] if link == "bigint" else [])))
    source = place.source(parts, carriers=(NUMBERED,))
    source.commit(sight("numbered", *({"id": n, "parts": [{"n": 1}, {"n": 2}]} for n in (7, 8, 9)), version=[1, 2, 6]))
    assert source.house.live_rows("numbered") == 3
    assert source.house.absent({"numbered": Unseen(5)}) == {"numbered": ["7", "8"]}
    assert source.house.absent({"numbered": Unseen(5, since=1)}) == {"numbered": []}  # of what age, no row tells
    assert source.house.absent({"numbered": Unseen(9, shown=[["7"], ["9"]])}) == {"numbered": ["8"]}
    assert source.commit(Gone("numbered", "8", 5)).counts["parts"].deleted == 2
    assert source.rows("parts", "id", "_deleted_at") == [
        ("7_0", None), ("7_1", None), ("8_0", "5"), ("8_1", "5"), ("9_0", None), ("9_1", None),
    ]  # fmt: skip
    assert source.house.live_rows("numbered") == 2


def test_children_follow_a_parent_that_was_deleted_while_they_were_not_read(place: Place) -> None:
    source = place.source(NUMBERED, PARTS)
    source.commit(*(sight("numbered", {"id": n, "parts": [{"n": n}]}) for n in (7, 8, 9)))
    without = source.again(NUMBERED)
    without.house.load()
    without.commit(Gone("numbered", "7", 3), Gone("numbered", "8", 3))
    without.commit(sight("numbered", {"id": 8}, version=4))  # it is back
    for read in (source.again(PARTS, carriers=(NUMBERED,)), source.again()):  # whether with their parents or without
        read.house.load()
        counts = read.commit(feeds={}).counts
        assert counts.get("parts", Counts()).deleted == (1 if read.carriers else 0)
        assert source.rows("parts", "id", "_deleted_at") == [("7_0", "3"), ("8_0", None), ("9_0", None)]
    assert not place.rows(f"SELECT 1 FROM {source.name}._catchment_state WHERE kind = 'orphans'")


def test_what_a_comparison_was_shown_is_not_absent_whatever_its_version(place: Place) -> None:
    source = place.source(THINGS, NUMBERED)
    source.commit(*(sight("things", {"id": key}, version=1) for key in ("a", "b'", "c\n", "d")))
    source.commit(*(sight("numbered", {"id": key}, version=1) for key in (1, 2)))
    shown = Keys()
    shown.add(["b'", "c\n", "x", "c\n"])
    numbers = Keys()
    numbers.add(["1", "not a number"])
    found = source.house.absent({"things": Unseen(5, shown=shown), "numbered": Unseen(5, shown=numbers)})
    assert found == {"things": ["a", "d"], "numbered": ["2"]}


def test_what_a_reading_showed_alive_lives_again_with_the_members_that_it_showed(place: Place) -> None:
    source = place.source(NUMBERED, PARTS)
    page = sight("numbered", {"id": 7, "parts": [{"n": 1}]}, {"id": 8, "parts": [{"n": 3}]}, version=2)
    source.commit(sight("numbered", {"id": 7, "parts": [{"n": 1}, {"n": 2}]}, version=1))
    source.commit(page)
    source.commit(Gone("numbered", "7", 5), Gone("numbered", "8", 5))
    source.commit(page)
    assert [row[1] for row in source.rows("parts", "id", "_deleted_at")] == ["5", "2", "5"]
    counts = source.commit(page, Live("numbered", ["7", "8"], 5), Live("numbered", ["8"], 6)).counts
    assert source.rows("numbered", "id", "_deleted_at") == [("7", "5"), ("8", None)]
    assert source.rows("parts", "id", "_deleted_at") == [("7_0", "5"), ("7_1", "2"), ("8_0", None)]
    assert (counts["numbered"].restored, counts["parts"].restored) == (1, 1)


def test_events_are_kept_once_and_as_they_came_first(place: Place) -> None:
    source = place.source(rows.HAPPENINGS)
    source.commit(sight("happenings", {"id": "e1", "a": 1}))
    counts = source.commit(sight("happenings", {"id": "e1", "a": 9}, {"id": "e2", "a": 2}, version=5)).counts[
        "happenings"
    ]
    assert (counts.appended, counts.unchanged) == (1, 1)
    assert source.rows("happenings", "id", "a") == [("e1", "1"), ("e2", "2")]


def test_an_idle_commit_writes_no_row(place: Place) -> None:
    source = place.source(TYPED)
    page = {"id": "x", "exact": "1.50", "near": 0.1, "more": {"b": [1.10], "a": None}, "created": 5, "words": "é"}
    source.commit(sight("typed", page), feeds={"f": (0, "{}")})
    everything = f"SELECT {'xmin, ctid, ' if 'postgresql' in place.url else ''}* FROM {source.name}.typed"
    before = list(map(str, place.rows(everything)))
    done = source.again().commit(sight("typed", page), feeds={"f": (1, "{}")})
    assert list(map(str, place.rows(everything))) == before
    assert done.counts["typed"].unchanged == 1


# ------------------------------------------------------------------------------------------------- owners


def test_rows_marks_and_tables_are_committed_together(place: Place) -> None:
    source = place.source(THINGS)
    assert dict(source.house.load().feeds) == {}
    done = source.commit(sight("things", {"id": "x"}), tables=[THINGS], feeds={"f": (0, '{"a": "\\u0000"}')})
    stored = source.again().house.load()
    assert (stored.feeds["f"].rev, stored.feeds["f"].document) == (1, '{"a": "\\u0000"}')
    assert dict(stored.tables) == dict(done.tables)
    with pytest.raises(Conflict, match="another run"):
        source.again().commit(sight("things", {"id": "y"}), feeds={"g": (0, "{}"), "f": (0, "{}")})
    assert source.rows("things", "id") == [("x",)]
    assert set(source.house.load().feeds) == {"f"}


def test_a_dropped_table_starts_again(place: Place) -> None:
    source = place.source(THINGS, TYPED)
    first = source.commit(tables=[THINGS, TYPED], feeds={"f": (0, "{}")})
    place.execute(f"DROP TABLE {source.name}.things")
    assert dict(source.again().house.load().tables) == {"typed": first.tables["typed"]}
    again = source.commit(sight("things", {"id": "x"}), tables=[THINGS, TYPED])
    assert set(again.tables) == {"things"}
    assert again.tables["things"] != first.tables["things"]
    assert source.rows("things", "id") == [("x",)]


def test_a_dropped_schema_starts_again(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x"}), feeds={"f": (0, "{}")})
    place.execute(f"DROP SCHEMA {source.name} CASCADE")
    assert dict(source.house.load().feeds) == {}
    source.commit(sight("things", {"id": "y"}), feeds={"f": (0, "{}")})
    assert source.rows("things", "id") == [("y",)]


def test_a_foreign_schema_is_refused_and_left_alone(place: Place) -> None:
    source = place.source(THINGS)
    place.source(THINGS).commit(tables=[THINGS])  # the warehouse itself is there
    place.execute(f"CREATE SCHEMA {source.name}")
    place.execute(f"CREATE TABLE {source.name}.mine (i INTEGER)")
    for attempt in (source.house.load, lambda: source.commit(tables=[THINGS])):
        with pytest.raises(WarehouseError, match="mine") as caught:
            attempt()
        assert caught.value.kind == "config"
    with source.house.place.reading() as session:  # type: ignore[attr-defined]
        assert session.tables(source.name) == {"mine"}


def test_what_a_user_adds_or_widens_is_respected(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 1}))
    kind = source.house.place.dialect.types["text"]  # type: ignore[attr-defined]
    place.execute(f"ALTER TABLE {source.name}.things ALTER COLUMN a TYPE {kind}")
    place.execute(f"ALTER TABLE {source.name}.things ADD COLUMN mine DATE")
    source.again().commit(sight("things", {"id": "y", "a": 2}))
    assert source.rows("things", "id", "a", "mine") == [("x", "1", None), ("y", "2", None)]


def test_two_writers_at_once_and_one_of_them_loses_cleanly(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 0}), feeds={"f": (0, "{}")})
    writers = [source.again() for _ in range(2)]
    for writer in writers:
        writer.house.codec()
    ready, ended = threading.Barrier(2), dict[int, Committed | Exception]()

    def write(number: int) -> None:
        ready.wait()
        try:
            pages = [sight("things", {"id": f"{number}", "a": number}, {"id": "x", "a": number}, version=2)]
            ended[number] = writers[number].commit(*pages, feeds={"f": (1, f"{number}")})
        except Exception as error:
            ended[number] = error

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [number for number, one in ended.items() if isinstance(one, Committed)]
    assert isinstance(ended[1 - winner], Conflict)
    assert source.house.load().feeds["f"].document == f"{winner}"
    assert source.rows("things", "id", "a") == [(f"{winner}", f"{winner}"), ("x", f"{winner}")]


@pytest.mark.parametrize("news", [{"late": 1}, {"a": "text"}], ids=["column", "type"])
def test_what_is_learned_while_a_commit_is_under_way_is_the_next_one_s(
    place: Place, news: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, move, late = place.source(THINGS), marks.move, list[Any]()
    source.commit(sight("things", {"id": "x", "a": 1}), feeds={"f": (0, "{}")})

    def meanwhile(*arguments: Any) -> None:
        move(*arguments)
        late.append(source.house.codec().decode(sight("things", {"id": "y", "a": 1} | news, version=3)))

    with monkeypatch.context() as patch:
        patch.setattr(marks, "move", meanwhile)
        done = source.commit(sight("things", {"id": "x", "a": 2}, {"id": "z"}, version=2), feeds={"f": (1, "{}")})
    assert (done.counts["things"].updated, done.counts["things"].inserted) == (1, 1)
    assert source.changes("change") == [("table_created",)]
    source.house.commit(Commit(decoded=late, feeds={"f": (2, "{}")}))
    [name] = news
    assert source.changes("change", "column_name")[1:] in ([("column_added", name)], [("column_widened", name)])
    assert source.rows("things", "id", name)[1] == ("y", str(news[name]))
    assert source.rows("things", "id", "_version") == [("x", "2"), ("y", "3"), ("z", "2")]


def test_two_sources_make_their_tables_at_the_same_time(fresh: Place) -> None:
    sources, ready, failed = [fresh.source(THINGS) for _ in range(3)], threading.Barrier(3), []

    def write(number: int) -> None:
        ready.wait()
        try:
            for rev in range(3):
                sources[number].commit(sight("things", {"id": f"{rev}"}, version=rev), feeds={"f": (rev, "{}")})
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [len(source.rows("things", "id")) for source in sources] == [3, 3, 3]


def test_a_reader_never_sees_half_a_commit(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", *({"id": f"{n}", "a": 0} for n in range(50))), feeds={"f": (0, "{}")})
    over, seen = threading.Event(), set()

    def write() -> None:
        try:
            for rev in range(1, 9):
                news = {"late": rev} if rev == 4 else {"late": "text"} if rev == 6 else {}
                page = [{"id": f"{n}", "a": rev, **news} for n in range(50 + rev)]
                source.commit(sight("things", *page, version=rev + 1), feeds={"f": (rev, "{}")})
        finally:
            over.set()

    thread = threading.Thread(target=write)
    thread.start()
    reader = source.again()
    while not over.is_set():
        with reader.house.place.reading() as session:  # type: ignore[attr-defined]
            seen |= set(session.rows(f"SELECT count(*), min(a), max(a) FROM {source.name}.things"))
    thread.join()
    seen |= set(place.rows(f"SELECT count(*), min(a), max(a) FROM {source.name}.things"))
    assert {(count - 50, low, high) for count, low, high in seen} <= {(rev, rev, rev) for rev in range(9)}
    assert (58, 8, 8) in seen
