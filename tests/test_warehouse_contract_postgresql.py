"""PostgreSQL alone: connections that die, servers that go away, locks, rights, and what its errors say."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from adbc_driver_manager import AdbcStatusCode, OperationalError

from framework.collection import Collection, Column
from framework.sight import Sight
from framework.warehouse import Commit, WarehouseError
from tests import postgres
from tests.merge_kit import sight
from tests.warehouse_kit import PLACES, Place
from warehouse_loader import open_warehouse, patience
from warehouse_loader.postgresql import Postgres, completed, postgres_warehouse
from warehouse_loader.postgresql_errors import explained, passing
from warehouse_loader.postgresql_session import PostgresSession

THINGS = Collection(
    "things",
    description="What there is",
    columns=(Column("id", "text", 'Identifies it; it\'s "quoted"'), Column("a", "bigint", "How many")),
)


@pytest.fixture(params=[name for name in PLACES if name.startswith("postgresql")])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return PLACES[request.param](tmp_path)


def cut(place: Place) -> None:
    """Ends every other connection to the database, as a fail-over does."""
    place.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def interrupted(monkeypatch: pytest.MonkeyPatch, name: str, what: Callable[[], object]) -> list[str]:
    """Does ``what`` once, before a session does ``name``; tells how often that was."""
    run, calls = getattr(PostgresSession, name), []

    def once(self: PostgresSession, *arguments: Any) -> Any:
        calls.append(name)
        if len(calls) == 1:
            what()
        return run(self, *arguments)

    monkeypatch.setattr(PostgresSession, name, once)
    return calls


@pytest.mark.parametrize("moment", ["hold", "now", "commit", "tables"])
def test_a_connection_lost_on_the_way_is_made_again(place: Place, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 1}), feeds={"f": (0, "{}")})
    calls = interrupted(monkeypatch, moment, lambda: cut(place))
    said: list[str] = []
    monkeypatch.setattr(patience.log, "warning", lambda text, *args: said.append(text % args))
    done = source.commit(sight("things", {"id": "y", "a": 2}), feeds={"f": (1, "next")})
    assert len(calls) > 1
    assert [text.partition(":")[0] for text in said] == ["waiting"]
    assert done.counts["things"].inserted == 1
    assert source.rows("things", "id") == [("x",), ("y",)]
    assert source.house.load().feeds["f"].rev == 2


def test_a_connection_lost_while_it_is_read_from_is_made_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 1}), feeds={"f": (0, "{}")})
    for ask in (source.house.load, lambda: source.house.live_rows("things")):
        with monkeypatch.context() as patch:
            calls = interrupted(patch, "tables", lambda: cut(place))
            ask()
        assert len(calls) > 1


def test_a_commit_whose_answer_is_lost_is_not_done_twice(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    source = place.source(THINGS)
    source.commit(tables=[THINGS], feeds={"f": (0, "{}")})
    commit, done = PostgresSession.commit, []

    def lost(self: PostgresSession) -> None:
        commit(self)
        done.append(1)
        if len(done) == 1:
            cut(place)
            self.rows("SELECT 1")

    monkeypatch.setattr(PostgresSession, "commit", lost)
    told = source.commit(sight("things", {"id": "y", "a": 2}), feeds={"f": (1, "next")})
    assert done == [1]
    assert told.counts["things"].inserted == 1
    assert source.house.load().feeds["f"].rev == 2


def test_a_commit_that_ends_after_its_connection_was_lost_is_known_as_our_own(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the server still waits for a standby: the next try finds the old marks, and then the lock held."""
    source = place.source(THINGS)
    source.commit(tables=[THINGS], feeds={"f": (0, "{}")})
    commit, late = PostgresSession.commit, list[threading.Timer]()
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"

    def end(session: PostgresSession) -> None:
        while place.rows(waits) == [(0,)]:
            pass
        commit(session)

    def lost(self: PostgresSession) -> None:
        if late:
            return commit(self)
        warehouse: Any = source.house.place  # type: ignore[attr-defined]
        warehouse._close.detach()
        warehouse._open = warehouse._close = None
        late.append(threading.Timer(0, end, (self,)))
        late[0].start()
        raise OperationalError("server closed the connection unexpectedly", status_code=AdbcStatusCode.IO)

    monkeypatch.setattr(PostgresSession, "commit", lost)
    told = source.commit(sight("things", {"id": "y", "a": 2}), feeds={"f": (1, "next")})
    late[0].join()
    assert told.counts["things"].inserted == 1
    assert source.rows("things", "id") == [("y",)]
    assert source.house.load().feeds["f"].rev == 2


def test_a_server_that_restarts_is_waited_for(tmp_path: Path) -> None:
    server = postgres.Server(16)
    try:
        url = server.url("postgres")
        house = open_warehouse(url, "shop", [THINGS], scratch=tmp_path)
        house.commit(Commit(tables=[THINGS], feeds={"f": (0, "{}")}))
        server.stop()
        thread = threading.Timer(0.5, server.start)
        thread.start()
        house.commit(Commit(decoded=[house.codec().decode(sight("things", {"id": "x"}))], feeds={"f": (1, "{}")}))
        thread.join()
        assert house.load().feeds["f"].rev == 2
        assert house.live_rows("things") == 1
    finally:
        server.remove()


def test_a_server_that_stays_away_is_an_error_that_says_so() -> None:
    house = postgres_warehouse("postgresql://me:p4ssw0rd@127.0.0.1:1/db", "shop", [THINGS], patience=0.2)
    for attempt in (house.load, lambda: house.commit(Commit(tables=[THINGS]))):
        with pytest.raises(WarehouseError, match="refused") as caught:
            attempt()
        assert caught.value.kind == "warehouse"
        assert "Start the server" in caught.value.hint
        assert "p4ssw0rd" not in str(caught.value)


def test_what_cannot_be_opened_is_said_at_once() -> None:
    server = postgres.server(16)
    cases = [
        (server.url("postgres", password="wr0ng"), "password authentication failed", "Correct user, password"),
        (server.url("nowhere"), 'database "nowhere" does not exist', "Create the database"),
        (server.url("postgres", user="nobody_there"), "authentication failed", "Correct user"),
        (server.url("postgres") + "?sslmode=nonsense", "sslmode", "sslmode"),
        (server.url("postgres") + "?sslmode=require", "SSL", "sslmode"),
    ]
    for url, message, hint in cases:
        with pytest.raises(WarehouseError, match=message) as caught:
            postgres_warehouse(url, "shop", [THINGS], patience=30).load()
        assert hint in caught.value.hint
        assert caught.value.kind == "config"
        assert "wr0ng" not in str(caught.value)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://", "postgresql:///db", "mysql://h/d", "postgresql://h:x/d?a"])
def test_an_address_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(WarehouseError) as caught:
        completed(url)
    assert caught.value.kind == "config"


def test_the_address_keeps_its_options_and_hides_its_secrets() -> None:
    uri, name, secrets = completed("postgresql://me:p%40ss@h:5433/d?sslmode=verify-full&sslpassword=keyw0rd")
    assert "sslmode=verify-full" in uri
    assert "application_name=catchment" in uri
    assert name == "postgresql://h:5433/d"
    assert set(secrets) == {"p%40ss", "p@ss", "keyw0rd"}


def test_rights_that_are_missing_are_named_and_schemas_made_before_are_enough(place: Place) -> None:
    for statement in (
        "DROP ROLE IF EXISTS loader_of_little",
        "CREATE ROLE loader_of_little LOGIN PASSWORD 'little'",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ):
        place.execute(statement)
    server = next(one for one in map(postgres.server, postgres.VERSIONS) if f":{one.port}/" in place.url)
    url = server.url(place.url.rpartition("/")[2], user="loader_of_little", password="little")
    try:
        for attempt in (
            lambda: Postgres(url).check(),
            lambda: postgres_warehouse(url, "shop", [THINGS]).commit(Commit(tables=[THINGS])),
        ):
            with pytest.raises(WarehouseError) as caught:
                attempt()
            assert "GRANT CREATE ON DATABASE" in caught.value.hint
            assert caught.value.kind == "config"
        place.execute("CREATE SCHEMA shop AUTHORIZATION loader_of_little")
        place.execute("CREATE SCHEMA catchment AUTHORIZATION loader_of_little")
        house = postgres_warehouse(url, "shop", [THINGS])
        house.commit(Commit(tables=[THINGS], feeds={"f": (0, "{}")}))
        assert set(house.load().tables) == {"things"}
        assert Postgres(url).check()
    finally:
        place.execute("DROP OWNED BY loader_of_little CASCADE")
        place.execute("DROP ROLE loader_of_little")


def test_tables_and_columns_carry_their_descriptions_and_an_index(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 1}))
    source.commit(sight("things", {"id": "y", "a": "text"}))
    described = (
        "SELECT obj_description(c.oid), col_description(c.oid, a.attnum) FROM pg_class c JOIN pg_attribute a "
        f"ON a.attrelid = c.oid WHERE c.oid = '{source.name}.things'::regclass AND a.attname IN ('id', 'a') ORDER BY 2"
    )
    assert place.rows(described) == [("What there is", "How many"), ("What there is", 'Identifies it; it\'s "quoted"')]
    assert place.rows(
        f"SELECT count(*) FROM pg_index WHERE indrelid = '{source.name}.things'::regclass AND indisunique"
    ) == [(1,)]


READER = """
import sys
from adbc_driver_postgresql import dbapi
with dbapi.connect(sys.argv[1]) as connection, connection.cursor() as cursor:
    cursor.execute(sys.argv[2])
    cursor.fetchall()
    print("reading", flush=True)
    input()
"""


def test_a_reader_in_a_long_transaction_delays_new_columns_and_blocks_nobody(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 1}), feeds={"f": (0, "{}")})
    query = f"SELECT count(*) FROM {source.name}.things"
    command = [sys.executable, "-c", READER, place.url, query]
    told = threading.Event()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        with caplog.at_level(logging.WARNING):
            caplog.handler.emit = lambda record: told.set()  # type: ignore[method-assign]
            page = sight("things", {"id": "x", "a": "wide", "late": True}, version=2)
            thread = threading.Thread(target=source.commit, args=(page,), kwargs={"feeds": {"f": (1, "{}")}})
            thread.start()
            assert told.wait(30)
        assert place.rows(query) == [(1,)]  # an answer, while the column waits
        reader.stdin.close()
    thread.join(30)
    assert source.rows("things", "id", "a", "late") == [("x", "wide", "true")]


ANY = Collection(
    "things", columns=(Column("id", "text"), Column("near", "double"), Column("day", "date"), Column("more", "json"))
)


def database(place: Place, encoding: str) -> Place:
    """Another database beside that one."""
    name = f"{place.url.rpartition('/')[2]}_{encoding.lower()}"
    place.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = f"{place.url.rpartition('/')[0]}/{name}"
    return Place(url, place.folder, lambda sql: postgres.ask(url, sql), lambda sql: postgres.execute(url, sql))


def test_what_the_database_sets_by_itself_changes_no_value(place: Place) -> None:
    settings = ("client_encoding = 'LATIN1'", "DateStyle = 'German'", "extra_float_digits = -5")
    for one in settings:
        place.execute(f"ALTER DATABASE {place.url.rpartition('/')[2]} SET {one}")
    source = place.source(ANY)
    source.commit(sight("things", {"id": "€ é", "near": 0.1234567890123456, "day": "2024-02-01"}))
    source.commit(sight("things", {"id": "y", "near": "more or less", "day": "soon"}))  # both become text
    asked = "SELECT encode(convert_to(id, 'UTF8'), 'hex'), near, day"
    assert place.rows(f"{asked} FROM {source.name}.things WHERE id <> 'y'") == [
        ("€ é".encode().hex(), "0.1234567890123456", "2024-02-01")
    ]


def test_a_database_of_another_encoding_is_refused_and_one_of_none_takes_all(place: Place) -> None:
    latin = database(place, "LATIN1")
    for attempt in (
        lambda: latin.source(ANY).commit(sight("things", {"id": "x"})),
        lambda: Postgres(latin.url).check(),
    ):
        with pytest.raises(WarehouseError, match="LATIN1") as caught:
            attempt()
        assert caught.value.kind == "config"
    plain = database(place, "SQL_ASCII")
    source = plain.source(ANY)
    source.commit(
        Sight("things", r'[{"id":"€","more":{"a":"\u20ac\ud83d\ude00\u0000\u0022\\u20ac","b":"é"}}]'.encode(), 1)
    )
    [(key, more)] = plain.rows(f"SELECT encode(id::bytea, 'hex'), more FROM {source.name}.things")
    assert key == "€".encode().hex()
    assert json.loads(more) == {"a": '€\U0001f600\\u0000"\\u20ac', "b": "é"}


def test_grants_of_a_reader_outlive_new_and_wider_columns(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 1}))
    place.execute("DROP ROLE IF EXISTS analyst_of_much")
    place.execute("CREATE ROLE analyst_of_much")
    place.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {source.name} TO analyst_of_much")
    source.commit(sight("things", {"id": "y", "a": "text", "late": 1}))
    asked = f"SELECT has_table_privilege('analyst_of_much', '{source.name}.things', 'SELECT')"
    assert place.rows(asked) == [(True,)]
    place.execute("DROP OWNED BY analyst_of_much")
    place.execute("DROP ROLE analyst_of_much")


# As a server with TLS, a fail-over and a wrong address were heard to say it.
HEARD = {
    "IO: Failed to prepare query: SSL error: unexpected eof while reading": (True, "warehouse"),
    "IO: SSL connection has been closed unexpectedly": (True, "warehouse"),
    "IO: [libpq] Failed to connect: SSL SYSCALL error: EOF detected": (True, "warehouse"),
    "IO: [libpq] Failed to connect: server does not support SSL, but SSL was required": (False, "config"),
    'IO: [libpq] Failed to connect: server certificate for "a" does not match host name "b"': (False, "config"),
    'IO: [libpq] Failed to connect: invalid port number: "99999"': (False, "config"),
    'IO: [libpq] Failed to connect: definition of service "none" not found': (False, "config"),
    "IO: [libpq] Failed to connect: connection to server failed: FATAL:  the database system is starting up": (
        True, "warehouse",
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", HEARD)
def test_what_passes_is_told_from_what_somebody_must_correct(text: str) -> None:
    error = OSError(text)
    known = explained(error, "postgresql://h/d")
    assert (passing(error), known.kind) == HEARD[text]
    assert known.hint


def test_an_error_shows_no_value(place: Place) -> None:
    source = place.source(THINGS)
    source.commit(sight("things", {"id": "x", "a": 1}))
    place.execute(f"ALTER TABLE {source.name}.things ADD CONSTRAINT small CHECK (a < 5)")
    with pytest.raises(WarehouseError, match="small") as caught:
        source.commit(sight("things", {"id": "hidden", "a": 77777}))
    assert "hidden" not in str(caught.value)
    assert "77777" not in str(caught.value)


def test_nothing_of_the_driver_is_loaded_for_duckdb(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from framework.collection import Collection\n"
        "from framework.warehouse import Commit; from warehouse_loader import open_warehouse\n"
        "things = Collection('things'); house = open_warehouse(sys.argv[1], 'shop', [things], scratch=Path('.'))\n"
        "house.commit(Commit(tables=[things])); print([m for m in sys.modules if 'adbc' in m or 'postgresql' in m])"
    )
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"]
    done = subprocess.run(
        [*command, f"duckdb:///{tmp_path}/w.duckdb"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr
