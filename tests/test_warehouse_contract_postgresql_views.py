"""PostgreSQL: what others have built upon a column outlives its becoming wider, or is named and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from adbc_driver_postgresql import dbapi

from framework.collection import Collection, Column
from framework.fieldview import FieldView
from framework.warehouse import Commit, WarehouseError
from tests import postgres
from tests.merge_kit import sight
from tests.warehouse_kit import PLACES, Place, Source
from warehouse_loader.dialect import SYSTEM
from warehouse_loader.postgresql_widening import renamed

THINGS = Collection("things", columns=(Column("id", "text"), Column("a", "bigint", "How many"), Column("b", "bigint")))
ROLES = ("Analyst Ünï", "reader", "late")


@pytest.fixture(params=[name for name in PLACES if name.startswith("postgresql")])
def place(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Place]:
    made: Place = PLACES[request.param](tmp_path)
    for role in ROLES:
        made.execute(f'CREATE ROLE "{role}"')
    yield made
    for role in ROLES:
        made.execute(f'DROP OWNED BY "{role}" CASCADE')
        made.execute(f'DROP ROLE "{role}"')


@pytest.fixture
def source(place: Place) -> Source:
    made = place.source(THINGS)
    made.commit(sight("things", {"id": "x", "a": 1, "b": 2}), feeds={"f": (0, "{}")})
    return made


WIDE = sight("things", {"id": "y", "a": "text", "b": 3})
BUILT = """
    SELECT c.relname::text, pg_get_viewdef(c.oid), c.relacl::text, array_to_string(c.reloptions, ','),
        pg_get_userbyid(c.relowner)::text, obj_description(c.oid, 'pg_class'), string_agg(t.attacl::text, ';'),
        string_agg(col_description(c.oid, t.attnum), ';'), (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = c.oid)
    FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid
    WHERE c.relkind = 'v' AND c.relnamespace::regnamespace::text IN ('reports', '{schema}')
    GROUP BY c.oid, c.relname, c.relacl, c.reloptions, c.relowner ORDER BY 1"""
INDEXES = """
    SELECT c.relname::text, pg_get_indexdef(c.oid), i.indisunique, s.contype::text FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint s ON s.conindid = c.oid
    WHERE i.indrelid = '{schema}.things'::regclass ORDER BY 1"""


def test_views_upon_views_with_rights_and_comments_outlive_a_wider_column(place: Place, source: Source) -> None:
    name = source.name
    for statement in (
        "CREATE SCHEMA reports",
        'GRANT USAGE, CREATE ON SCHEMA reports TO "Analyst Ünï"',
        f"GRANT USAGE ON SCHEMA {name} TO reader",
        f"CREATE VIEW {name}.low WITH (security_barrier = true) AS SELECT id, a, 'a' AS \"A\" FROM {name}.things",
        f'CREATE VIEW reports."High %" AS SELECT l.*, t.a AS again FROM {name}.low l JOIN {name}.things t USING (id)',
        'CREATE VIEW reports.top AS SELECT count(a) AS n FROM reports."High %"',
        f"CREATE VIEW reports.aside AS SELECT b FROM {name}.things",
        f"GRANT SELECT ON {name}.low TO reader WITH GRANT OPTION",
        f"GRANT SELECT (a) ON {name}.things TO reader",
        f'GRANT USAGE ON SCHEMA {name} TO "Analyst Ünï"',
        'GRANT SELECT ON reports."High %" TO "Analyst Ünï"',
        'GRANT SELECT (id) ON reports."High %" TO reader',
        f"COMMENT ON VIEW {name}.low IS 'it''s low'",
        "COMMENT ON COLUMN reports.\"High %\".again IS 'once more'",
        'ALTER VIEW reports.top OWNER TO "Analyst Ünï"',
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT ON TABLES TO late",
        f"CREATE INDEX both_of_it ON {name}.things (b, a DESC) WHERE a IS NOT NULL",
        f"ALTER TABLE {name}.things ADD CONSTRAINT one_each UNIQUE (a, id)",
        "CREATE FUNCTION reports.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        f"CREATE TRIGGER quiet INSTEAD OF INSERT ON {name}.low FOR EACH ROW EXECUTE FUNCTION reports.nothing()",
    ):
        place.execute(statement)
    built, indexes = BUILT.format(schema=name), INDEXES.format(schema=name)
    before, indexed = place.rows(built), place.rows(indexes)
    assert [row[0] for row in before] == ["High %", "aside", "low", "top"]
    stop, began, polls, errors = threading.Event(), threading.Event(), list[Any](), list[Exception]()

    def poll() -> None:
        try:
            with dbapi.connect(place.url, autocommit=True) as connection, connection.cursor() as cursor:
                while not stop.is_set():
                    cursor.execute("SELECT n FROM reports.top")
                    polls.append(cursor.fetchall()[0][0])
                    began.set()
        except Exception as error:
            errors.append(error)

    reader = threading.Thread(target=poll)
    reader.start()
    assert began.wait(30)
    try:
        source.commit(WIDE, feeds={"f": (1, "{}")})
    finally:
        stop.set()
        reader.join()
    assert place.rows(built) == before
    assert place.rows(indexes) == indexed
    assert place.rows('SELECT id, a, again FROM reports."High %" ORDER BY 1') == [
        ("x", "1", "1"),
        ("y", "text", "text"),
    ]
    assert place.rows(f"SELECT has_column_privilege('reader', '{name}.things', 'a', 'SELECT')") == [(True,)]
    assert source.types("things") == {"id": "text", "a": "text", "b": "bigint"} | dict.fromkeys(SYSTEM, "timestamptz")
    assert not errors
    assert set(polls) <= {1, 2}


REFUSED = {
    "materialized view": ("CREATE MATERIALIZED VIEW {0}.seen AS SELECT a FROM {0}.things", "DROP MATERIALIZED VIEW"),
    "view": ("CREATE VIEW {0}.seen AS SELECT a + 1 AS more FROM {0}.things", "DROP VIEW"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_made_again_is_named_and_nothing_is_lost(place: Place, source: Source, kind: str) -> None:
    made, drop = REFUSED[kind]
    place.execute(made.format(source.name))
    columns = source.types("things")
    with pytest.raises(WarehouseError, match=rf"{kind} {source.name}\.seen") as caught:
        source.commit(WIDE, feeds={"f": (1, "{}")})
    assert f"Drop the {kind} {source.name}.seen, run again" in caught.value.hint
    assert source.types("things") == columns
    assert source.house.load().feeds["f"].rev == 1
    place.execute(f"{drop} {source.name}.seen")
    source.again().commit(WIDE, feeds={"f": (1, "{}")})
    assert source.rows("things", "id", "a") == [("x", "1"), ("y", "text")]


def test_a_view_of_somebody_else_is_named(place: Place) -> None:
    place.execute("CREATE ROLE loader_of_views LOGIN PASSWORD 'little'")
    place.execute(f"GRANT CREATE ON DATABASE {place.url.rpartition('/')[2]} TO loader_of_views")
    server = next(one for one in map(postgres.server, postgres.VERSIONS) if f":{one.port}/" in place.url)
    url = server.url(place.url.rpartition("/")[2], user="loader_of_views", password="little")
    try:
        source = Place(url, place.folder, place.asked, place.execute).source(THINGS)
        source.commit(sight("things", {"id": "x", "a": 1}), feeds={"f": (0, "{}")})
        place.execute(f"CREATE VIEW public.theirs AS SELECT a FROM {source.name}.things")
        with pytest.raises(WarehouseError, match=r"public\.theirs .* belongs to postgres"):
            source.commit(WIDE, feeds={"f": (1, "{}")})
        place.execute("DROP VIEW public.theirs")
        source.again().commit(WIDE, feeds={"f": (1, "{}")})
        assert source.rows("things", "id") == [("x",), ("y",)]
    finally:
        place.execute("DROP OWNED BY loader_of_views CASCADE")
        place.execute("DROP ROLE loader_of_views")


def test_a_view_of_fields_changes_under_the_views_upon_it(place: Place) -> None:
    tickets = Collection("tickets", columns=(Column("id", "bigint"), Column("custom", "json"), Column("n", "bigint")))
    named = ("key", "title", "type")
    fields = Collection("fields", columns=(Column("id", "bigint"), *(Column(name, "text") for name in named)))
    view = FieldView("tickets_with_fields", "tickets", "custom", "fields", "map", "key")
    source = place.source(tickets, fields)

    def load(version: int, title: str, n: Any, warned: bool = False) -> None:
        pages = [
            sight("fields", {"id": 1, "key": "k1", "title": title, "type": "text"}, version=version),
            sight("tickets", {"id": 1, "custom": {"k1": "v"}, "n": n}, version=version),
        ]
        codec = source.house.codec()
        source.house.commit(Commit(decoded=[codec.decode(one) for one in pages], views=(view,)))

    load(1, "Area", 1)
    place.execute(f"GRANT SELECT ON {source.name}.tickets_with_fields TO reader")
    place.execute(f"CREATE VIEW {source.name}.mine AS SELECT id, n FROM {source.name}.tickets_with_fields")
    load(2, "Product area", "text")
    assert place.rows(f"SELECT product_area, n FROM {source.name}.tickets_with_fields") == [("v", "text")]
    assert place.rows(f"SELECT id, n FROM {source.name}.mine") == [(1, "text")]
    asked = f"SELECT has_table_privilege('reader', '{source.name}.tickets_with_fields', 'SELECT')"
    assert place.rows(asked) == [(True,)]
    place.execute(f"CREATE VIEW {source.name}.area AS SELECT product_area FROM {source.name}.tickets_with_fields")
    load(3, "Region", "more")  # somebody uses the old name: rows come, the view waits
    assert place.rows(f"SELECT product_area, n FROM {source.name}.tickets_with_fields") == [("v", "more")]
    place.execute(f"DROP VIEW {source.name}.area")
    load(4, "Region", "more")
    assert place.rows(f"SELECT region FROM {source.name}.tickets_with_fields") == [("v",)]


def test_an_index_follows_its_column_and_nothing_else_of_that_name() -> None:
    given = """btree (a, lower(b), a(b), "a") INCLUDE (aa) WHERE (a = 'a'::text)"""
    assert renamed(given, "a", '"n"') == """btree ("n", lower(b), a(b), "a") INCLUDE (aa) WHERE ("n" = 'a'::text)"""
