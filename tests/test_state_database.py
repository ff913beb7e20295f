"""The state database: its schema, its versions, and many who open it at once."""

import contextlib
import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from state import State, StateError, migrations, tables
from state.sqlite import SqliteDatabase
from tests.conftest import ROOT
from tests.state_databases import KINDS, Place, new_place


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return new_place(request.param, tmp_path)


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/state.db"


@pytest.mark.parametrize(
    ("kind", "file", "declared"),
    [
        ("sqlite", "schema.sql", tables.sqlite_schema()),
        ("postgresql", "schema_postgresql.sql", tables.postgresql_schema()),
    ],
)
def test_the_schema_in_use_is_the_one_declared(kind: str, file: str, declared: str) -> None:
    assert (ROOT / "state" / file).read_text() == declared
    done = subprocess.run([sys.executable, "-m", "state.tables", kind], capture_output=True, text=True, check=True)
    assert done.stdout == declared


def test_a_sync_runs_without_sqlalchemy(place: Place) -> None:
    code = (
        "import sys; from state import State; s = State.open(sys.argv[1]); s.runs.claim('a', 'r', 'sync');"
        "s.limits.reserve('b', 1.0); s.runs.finish('r', 'succeeded', {});"
        "print(*{'sqlalchemy', *sys.argv[2:]} & set(sys.modules))"
    )
    driver = ["adbc_driver_postgresql", "pyarrow"] if place.kind == "sqlite" else []
    command = [sys.executable, "-c", code, place.url, *driver]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_folders_are_made_and_the_file_is_wal(tmp_path: Path) -> None:
    with State.open(f"sqlite:///{tmp_path}/a/b/state.db") as state:
        assert state.logs == tmp_path / "a" / "b" / "logs"
    connection = sqlite3.connect(tmp_path / "a" / "b" / "state.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_relative_address_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    State.open("sqlite:///here.db").close()
    assert (tmp_path / "here.db").is_file()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("sqlite://x.db", "no address"),
        ("sqlite:///", "no address"),
        ("mysql://x", "no address"),
    ],
)
def test_an_address_that_cannot_be_used(address: str, message: str) -> None:
    with pytest.raises(StateError, match=message) as caught:
        State.open(address)
    assert "sqlite:///" in caught.value.hint


def test_a_database_of_someone_else_is_left_alone(place: Place) -> None:
    if place.kind != "sqlite":
        place.alter("CREATE SCHEMA catchment_state")
    place.alter("CREATE TABLE theirs (x INTEGER)")
    with pytest.raises(StateError, match="no state database of Catchment"):
        place.open()
    assert list(place.columns()) == ["theirs"]


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StateError, match="cannot be used: file is not a database") as caught:
        State.open(url(tmp_path))
    assert caught.value.hint


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="cannot be used"):
        State.open(f"sqlite:///{tmp_path}/file/state.db")


def test_a_later_version_is_not_touched(place: Place) -> None:
    place.open().close()
    place.alter("UPDATE schema_version SET version = 99")
    with pytest.raises(StateError, match="later version") as caught:
        place.open()
    assert "upgrade" in caught.value.hint


def test_an_earlier_version_is_brought_up_in_place(place: Place) -> None:
    now = len(migrations.STEPS)
    steps = [
        *migrations.STEPS,
        ["ALTER TABLE limits ADD COLUMN one TEXT"],
        ["ALTER TABLE limits ADD COLUMN two BLOB", "CREATE TABLE more (x DOUBLE)"],
    ]
    database = place.database()
    with database.transaction() as connection:
        connection.execute("INSERT INTO limits VALUES ('kept', 1, 2, 3)")
        migrations.bring_up(connection, database, steps[: now + 1])
    with database.transaction() as connection:
        migrations.bring_up(connection, database, steps)
    with database.transaction() as connection:
        migrations.bring_up(connection, database, steps)
    with database.connection() as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchone()[0] == now + 3
        assert tuple(connection.execute("SELECT * FROM limits").fetchone()) == ("kept", 1, 2, 3, None, None)
    database.close()


def test_a_migration_that_fails_changes_nothing(place: Place) -> None:
    database = place.database()
    before = place.columns()
    steps = [*migrations.STEPS, ["CREATE TABLE more (x INTEGER)", "CREATE nonsense"]]
    with pytest.raises(StateError), database.transaction() as connection:
        migrations.bring_up(connection, database, steps)
    assert place.columns() == before
    database.close()


def test_steps_lead_from_the_first_schema_to_todays(place: Place) -> None:
    """A step added without its change in the schemas, or the other way round, makes the two differ."""
    with place.open() as state:
        state.runs.claim("acme", "old", "sync")
        state.runs.finish("old", "succeeded", {"n": 1})
    today = place.columns()
    assert set(today) == set(tables.metadata.tables)
    for table in ("documents", "limit_calls", "quotas", "usage", "tokens"):
        place.alter(f"DROP TABLE {table}")
    place.alter("UPDATE schema_version SET version = 1")
    with place.open() as state:
        kept = state.runs.get("old")
        assert kept is not None
        assert kept.document == {"n": 1}
    assert place.columns() == today
    assert place.ask(f"SELECT version FROM {place.table('schema_version')}") == [(1 + len(migrations.STEPS),)]


def test_an_exception_rolls_back_and_the_connection_is_used_again(place: Place) -> None:
    with contextlib.closing(place.database()) as database:
        used = []

        def fail() -> None:
            with database.transaction() as connection:
                used.append(connection)
                connection.execute("INSERT INTO limits VALUES ('x', 1, 2, 3)")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with database.transaction() as again:
            assert again.execute("SELECT count(*) FROM limits").fetchone()[0] == 0
        assert used == [again]


def test_many_processes_may_open_it_first(place: Place) -> None:
    code = (
        "import sys; from state import State; print('ready', flush=True); sys.stdin.readline();"
        "s = State.open(sys.argv[1]); s.limits.reserve('b', 1e6); s.close()"
    )
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", code, place.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for opener in openers:
        assert opener.stdout is not None
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    answers = [(opener.communicate()[1], opener.returncode) for opener in openers]
    assert answers == [("", 0)] * 6


def test_who_opens_it_waits_for_the_one_who_creates_it(tmp_path: Path) -> None:
    opener = threading.Thread(target=lambda: SqliteDatabase(tmp_path / "state.db").close())
    with (tmp_path / "state.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        opener.start()
        opener.join(0.2)
        assert opener.is_alive()
        assert not (tmp_path / "state.db").exists()
    opener.join()
    assert (tmp_path / "state.db").exists()


def test_threads_write_side_by_side(place: Place) -> None:
    with contextlib.closing(place.database()) as database:
        with database.transaction() as connection:
            connection.execute("INSERT INTO limits VALUES ('x', 0, 0, 0)")

        def count() -> None:
            for _ in range(50):
                with database.transaction() as connection:
                    (value,) = connection.execute("SELECT next_at FROM limits").fetchone()
                    connection.execute("UPDATE limits SET next_at = ?", (value + 1,))

        threads = [threading.Thread(target=count) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.connection() as connection:
            assert connection.execute("SELECT next_at FROM limits").fetchone()[0] == 300


def test_a_forked_process_uses_connections_of_its_own(place: Place) -> None:
    with contextlib.closing(place.database()) as database:
        with database.connection() as connection:
            mine = id(connection)
        if (child := os.fork()) == 0:
            status = 1
            try:
                with database.transaction() as connection:
                    connection.execute("INSERT INTO limits VALUES ('child', 0, 0, 0)")
                    status = 2 if id(connection) == mine else 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with database.connection() as connection:
            assert id(connection) == mine
            assert connection.execute("SELECT bucket FROM limits").fetchone()[0] == "child"
