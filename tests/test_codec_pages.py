"""Pages to rows: nothing is lost, whatever a page holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.collection import Collection, Column, Path
from framework.sight import Sight
from tests.merge_kit import Memory, connection, sight
from warehouse_loader import catalog
from warehouse_loader.codec import RecordCodec
from warehouse_loader.registry import Registry

THINGS = Collection(
    "things",
    columns=(
        Column("id", "text"),
        Column("amount", "bigint"),
        Column("rate", "decimal"),
        Column("share", "double"),
        Column("active", "bool"),
        Column("created", "timestamptz"),
        Column("born", "date"),
        Column("customer", "text", references="customers"),
        Column("metadata", "json"),
        Column("tags", "json", references="tags"),
        Column("address_city", "text", "", ("address", "city")),
        Column("address_geo_lat", "decimal", "", ("address", "geo", "lat")),
        Column("plan_id", "text", "", ("items", "data", 0, "plan", "id")),
        Column("items", "json"),
        Column("note", "text", "", ("metadata", "note")),
    ),
    drop=("url",),
)


def load(page: str | bytes, *more: str | bytes) -> Memory:
    memory = Memory(THINGS)
    for version, one in enumerate((page, *more), 1):
        memory.commit(Sight("things", one if isinstance(one, bytes) else one.encode(), version))
    return memory


def row(memory: Memory, *columns: str) -> Any:
    rows = memory.rows("things", *columns)
    assert len(rows) == 1
    return rows[0] if len(columns) > 1 else rows[0][0]


def refused(memory: Memory) -> list[tuple[Any, ...]]:
    return (
        connection()
        .execute(
            f"SELECT collection, reason, record FROM {catalog.SCHEMA}.quarantine WHERE source = ? ORDER BY rowid",
            [memory.source],
        )
        .fetchall()
    )


def test_every_declared_type() -> None:
    memory = load(
        """[{"id":"a","amount":9223372036854775807,"rate":1.10,"share":0.25,"active":true,"created":1700000000,
        "born":"2024-02-29","customer":"c","metadata":{"b":1.10,"note":"n"},"tags":["t"],"url":{"x":1},
        "address":{"city":"Lyon","geo":{"lat":45.75}},"items":{"data":[{"plan":{"id":"p"}}]}}]"""
    )
    assert row(memory, "id", "amount", "rate", "share", "active", "customer") == (
        "a",
        9223372036854775807,
        Decimal("1.10"),
        0.25,
        True,
        "c",
    )
    assert row(memory, "metadata", "tags", "address_city", "address_geo_lat", "plan_id", "note") == (
        '{"b":1.10,"note":"n"}',
        '["t"]',
        "Lyon",
        Decimal("45.75"),
        "p",
        "n",
    )
    assert connection().execute(f"SELECT epoch_us(created), born::VARCHAR FROM {memory.source}.things").fetchall() == [
        (1_700_000_000_000_000, "2024-02-29")
    ]
    assert memory.types("things")["created"] == "TIMESTAMP WITH TIME ZONE"


def test_missing_and_null_are_null_also_inside_objects() -> None:
    memory = load('[{"id":"a","address":null,"metadata":null,"items":null,"rate":null},{"id":"b","address":{}}]')
    columns = ("id", "address_city", "metadata", "plan_id", "rate", "note")
    assert memory.rows("things", *columns) == [("a", *[None] * 5), ("b", *[None] * 5)]


def test_unknown_fields_become_columns_of_the_type_that_holds_them() -> None:
    memory = load('[{"id":"a","Big":5,"flag":true,"word":"x","part":1.10,"deep":{"a":[1.10]},"never":null}]')
    assert row(memory, "big", "flag", "word", "part", "deep") == (5, True, "x", Decimal("1.10"), '{"a":[1.10]}')
    types = memory.types("things")
    assert [types[name] for name in ("big", "flag", "word", "part", "deep")] == [
        "BIGINT",
        "BOOLEAN",
        "VARCHAR",
        "DECIMAL(38,12)",
        "JSON",
    ]
    assert "never" not in types


def test_a_field_first_seen_null_gets_its_type_later() -> None:
    memory = load('[{"id":"a","x":null}]', '[{"id":"a","x":null}]', '[{"id":"a","x":7}]')
    assert row(memory, "x") == 7


def test_an_unknown_field_inside_a_flattened_object() -> None:
    memory = load('[{"id":"a","address":{"city":"Lyon","zip":69000,"geo":{"alt":170}}}]')
    assert row(memory, "address_city", "address_zip", "address_geo_alt") == ("Lyon", 69000, 170)


def test_a_flattened_object_that_comes_as_something_else_gets_a_column_of_its_name() -> None:
    memory = load(
        '[{"id":"a","address":{"city":"Lyon"}},{"id":"b","address":"Rue 1"},{"id":"c","address":["x",1.10]}]',
        '[{"id":"d","address":{"city":"Nice","new":1}},{"id":"e","address":null},{"id":"f","address":"Rue 2"}]',
    )
    assert memory.rows("things", "id", "address_city", "address", "address_new") == [
        ("a", "Lyon", None, None),
        ("b", None, '"Rue 1"', None),
        ("c", None, '["x",1.10]', None),
        ("d", "Nice", None, 1),
        ("e", None, None, None),
        ("f", None, '"Rue 2"', None),
    ]
    assert [name for name in memory.types("things") if name.startswith("address_")] == [
        "address_city",
        "address_geo_lat",
        "address_new",
    ]


def test_two_fields_with_one_name_get_two_columns() -> None:
    memory = load('[{"id":"a","fooBar":1,"foo_bar":2,"Amount":3}]')
    first = row(memory, "foo_bar")
    types = memory.types("things")
    other = next(name for name in types if name.startswith("foo_bar_"))
    assert {first, row(memory, other)} == {1, 2}
    assert first == 1
    assert row(memory, next(name for name in types if name.startswith("amount_"))) == 3


def test_odd_names_are_columns() -> None:
    names = ["", "self", "weird key.$", "2fa", "group", "select", "a.b", 'quo"te', "日本語", "_version", "None"]
    memory = load(json.dumps([{"id": "a"} | {name: name for name in names}]))
    columns = [
        column
        for (column,) in connection()
        .execute(
            "SELECT column_name FROM catchment.columns WHERE source = ? AND original IN "
            "('', 'self', 'weird key\\.$', '2fa', 'group', 'select', 'a\\.b', 'quo\"te', '日本語', '_version', 'None')",
            [memory.source],
        )
        .fetchall()
    ]
    assert sorted(row(memory, *columns)) == sorted(names)


def test_declared_json_stays_json_whatever_arrives() -> None:
    memory = load('[{"id":"a","metadata":"text"},{"id":"b","metadata":[1]},{"id":"c","metadata":1.10},{"id":"d"}]')
    assert memory.rows("things", "id", "metadata") == [("a", '"text"'), ("b", "[1]"), ("c", "1.10"), ("d", None)]


def test_an_expanded_reference_keeps_its_id_and_reads_like_the_plain_one() -> None:
    plain, expanded = (
        '[{"id":"a","customer":"c","tags":["t"]}]',
        '[{"id":"a","customer":{"id":"c"},"tags":[{"id":"t"}]}]',
    )
    for pages in ((plain, expanded), (expanded, plain)):
        memory = load(*pages)
        assert row(memory, "customer", "tags", "_synced_at", "_version") == ("c", '["t"]', 1, 2)
        assert memory.types("things")["customer"] == "VARCHAR"


def test_values_of_another_type_widen_the_column_and_keep_what_was_there() -> None:
    memory = load('[{"id":"a","amount":5,"created":1700000000}]', '[{"id":"b","amount":"five","created":"never"}]')
    assert memory.rows("things", "id", "amount", "created") == [("a", "5", "1700000000"), ("b", "five", "never")]
    memory.commit(sight("things", {"id": "c", "amount": 6, "created": 1700000001}))
    assert memory.rows("things", "id", "amount", "created")[2] == ("c", "6", "1700000001")


def test_widening_while_pages_of_the_narrow_type_wait() -> None:
    memory = Memory(THINGS)
    memory.commit(
        sight("things", {"id": "a", "amount": 5, "x": 1}),
        sight("things", {"id": "b", "amount": 1.5, "x": "one"}),
        sight("things", {"id": "c", "amount": 7, "x": {"y": 1}}),
    )
    assert memory.rows("things", "id", "amount", "x") == [
        ("a", Decimal(5), "1"),
        ("b", Decimal("1.5"), '"one"'),
        ("c", Decimal(7), '{"y":1}'),
    ]


def test_iso_times_are_times() -> None:
    memory = load('[{"id":"a","created":"2024-01-01T00:00:00Z"},{"id":"b","created":1700000000}]')
    assert connection().execute(f"SELECT epoch_us(created) FROM {memory.source}.things ORDER BY id").fetchall() == [
        (1_704_067_200_000_000,),
        (1_700_000_000_000_000,),
    ]


def test_numbers_keep_every_digit() -> None:
    long = "123456789012345678901234567890.5"
    memory = load(f'[{{"id":"a","n":9007199254740993,"big":12345678901234567890,"long":{long},"e":1e400}}]')
    assert row(memory, "n", "big", "long", "e") == (9007199254740993, Decimal(12345678901234567890), long, "1e400")


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_json_does_not_have_is_kept_as_text(value: bytes) -> None:
    memory = load(b'[{"id":"a","rate":' + value + b',"x":' + value + b'},{"id":"b","x":1.5,"metadata":{"a": 1.10}}]')
    name = value.decode()
    assert memory.rows("things", "id", "rate", "x", "metadata") == [
        ("a", name, name, None),
        ("b", None, "1.5", '{"a":1.10}'),
    ]


def test_nul_and_half_characters_lose_no_row() -> None:
    first = rb'{"id":"a","customer":"x\u0000y","metadata":{"k":"\ud83d"}}'
    memory = load(b"[" + first + rb',{"id":"b","customer":"\udc00!"},{"id":"\ud83d\ude00"}]')
    assert memory.rows("things", "id", "customer", "metadata") == [
        ("a", "x\0y", r'{"k":"\\ud83d"}'),
        ("b", r"\udc00!", None),
        ("😀", None, None),
    ]
    found = connection().execute(f"SELECT metadata->>'k' FROM {memory.source}.things WHERE id = 'a'").fetchall()
    assert found == [(r"\ud83d",)]


def test_bytes_that_are_no_utf8_lose_no_row() -> None:
    memory = load(b'[{"id":"a","customer":"x\xff"},{"id":"b","metadata":{"k":"\xfe"}},{"id":"c"}]')
    assert memory.rows("things", "id", "customer", "metadata") == [
        ("a", r"x\udcff", None),
        ("b", None, r'{"k":"\\udcfe"}'),
        ("c", None, None),
    ]


def test_records_that_cannot_be_rows_are_kept_whole_and_once() -> None:
    page = '[{"amount":1},{"id":null},{"id":""},{"id":{"x":1}},[1],"text",null,{"id":"a"}]'
    memory = Memory(THINGS)
    counts = memory.commit(Sight("things", page.encode(), list(range(8)), deleted=[False] * 7 + [True]))["things"]
    assert (counts.inserted, counts.quarantined, counts.deleted) == (1, 7, 1)
    assert row(memory, "id", "_version", "_deleted_at") == ("a", 7, 7)
    memory.commit(Sight("things", page.encode(), 9))
    assert [(one, record) for _, one, record in refused(memory)] == [
        ("no key", '{"amount":1}'),
        ("no key", '{"id":null}'),
        ("no key", '{"id":""}'),
        ("no key", '{"id":{"x":1}}'),
        ("not an object", "[1]"),
        ("not an object", '"text"'),
        ("not an object", "null"),
    ]


def test_a_torn_page_keeps_its_whole_records() -> None:
    memory = load(b'[{"id":"a","amount":1},{"id":"b","amount":2},{"id":"c","amou')
    assert memory.rows("things", "id", "amount") == [("a", 1), ("b", 2)]
    [(collection, reason, record)] = refused(memory)
    assert (collection, record) == ("things", '{"id":"c","amou')
    assert reason.startswith("not JSON")


def test_a_record_too_deep_to_read_costs_its_neighbours_nothing() -> None:
    deep = "[" * 5000 + "]" * 5000
    memory = load('[{"id":"a","amount":1},{"id":"b","metadata":' + deep + "}]")
    assert memory.rows("things", "id", "amount") == [("a", 1)]
    assert len(refused(memory)) == 1


def test_pretty_printed_pages_give_the_same_rows() -> None:
    text = '[{"id":"a","rate":1.10,"metadata":{"n":1.10,"big":123456789012345678901234567890,"é":"\\u00e9"}}]'
    pretty = text.replace(",", " ,\n  ").replace(":", " : ").replace("[", "[\n ")
    memory = load(text, pretty)
    assert row(memory, "metadata", "_synced_at", "_version") == (text[text.index("{", 2) : -2], 1, 2)


def test_a_key_that_is_a_number() -> None:
    numbered = Collection("tickets", columns=(Column("id", "bigint"), Column("a", "text")))
    memory = Memory(numbered)
    memory.commit(sight("tickets", {"id": 5, "a": "x"}, {"id": 6}))
    memory.commit(sight("tickets", {"id": 5, "a": "y"}, version=2))
    assert memory.rows("tickets", "id", "a") == [(5, "y"), (6, None)]


INSTANT = "2024-01-01T00:00:00Z"
names = st.sampled_from(["id", "amount", "metadata", "x", "Y", "address", "created", ""])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=5)
    | st.sampled_from([1.5, "1.50", 1700000000, INSTANT])
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2), max_leaves=4
)
objects = st.dictionaries(names, anything, max_size=5)


def value_of(memory: Memory, path: Path, table: str = "things") -> list[tuple[str, Any, str]]:
    """What the table says at a vendor's path: key, value, SQL type."""
    layout = memory.registry[table]
    leaf = next((leaf for leaf in layout.columns if leaf.path == path), None)
    if leaf is None:
        return []
    kind = memory.types(table)[leaf.name]
    shown = f'epoch_us("{leaf.name}")' if kind.startswith("TIME") else f'"{leaf.name}"'
    rows = connection().execute(f"SELECT id, {shown} FROM {memory.source}.{table}").fetchall()
    return [(key, value, kind) for key, value in rows]


def spelled(told: Any) -> str:
    """The value as text; a time in a column that is no longer one is its seconds."""
    return {INSTANT: "1704067200"}.get(told, told) if isinstance(told, str) else json.dumps(told)


def says(held: Any, kind: str, told: Any) -> bool:
    if told is None:
        return held is None
    if kind == "JSON":
        return json.loads(held) in (told, spelled(told)) or (told == INSTANT and held == spelled(told))
    if kind.startswith("TIME"):
        return held is not None and (not isinstance(told, int) or held == told * 1_000_000)
    if kind == "VARCHAR":
        return held in (told, spelled(told)) or (isinstance(told, dict) and held == told.get("id"))
    return bool(held == told)


@settings(max_examples=70, deadline=None)
@given(st.lists(st.lists(objects, min_size=1, max_size=3), min_size=1, max_size=3))
def test_no_value_of_any_page_is_lost(pages: Sequence[Sequence[dict[str, Any]]]) -> None:
    things = Collection(
        "things",
        columns=(
            Column("id", "text"),
            Column("amount", "bigint"),
            Column("created", "timestamptz"),
            Column("metadata", "json"),
        ),
    )
    memory = Memory(things)
    told: dict[str, dict[str, Any]] = {}
    for number, page in enumerate(pages):
        for at, one in enumerate(page):
            one["id"] = f"{number}-{at}"
            told[one["id"]] = one
        memory.commit(sight("things", *page))
    for name in {name for one in told.values() for name in one}:
        for key, held, kind in value_of(memory, (name,)):
            assert says(held, kind, told[key].get(name)), (name, held, kind, told[key].get(name))
        if any(one.get(name) is not None for one in told.values()):
            assert value_of(memory, (name,)), name


def test_threads_learn_side_by_side() -> None:
    registry = Registry([THINGS])
    codec = RecordCodec(registry)
    pages = [
        sight(
            "things", *({"id": f"{at}-{n}", f"field{at % 7}": n, "amount": n if at % 2 else str(n)} for n in range(5))
        )
        for at in range(60)
    ]
    with ThreadPoolExecutor(4) as pool:
        decoded = list(pool.map(codec.decode, pages))
    packed = codec.pack(decoded)
    assert packed.rows == 300
    names = [leaf.name for leaf in registry["things"].leaves]
    assert sorted(name for name in names if name.startswith("field")) == [f"field{at}" for at in range(7)]
    assert len(names) == len(set(names))
