"""One file, many programs: our processes take turns, readers get in, strangers are waited for and named."""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from framework.collection import Collection, Column
from framework.warehouse import Commit, WarehouseError
from tests.merge_kit import sight
from warehouse_loader import read_only
from warehouse_loader.duckdb_warehouse import duckdb_warehouse
from warehouse_loader.sql_warehouse import SqlWarehouse

ROOT = Path(__file__).resolve().parent.parent
THINGS = Collection("things", columns=(Column("id", "text"),))


def warehouse(folder: Path, source: str = "shop", patience: float = 600.0) -> SqlWarehouse:
    return duckdb_warehouse(folder / "w.duckdb", source, [THINGS], scratch=folder / "scratch", patience=patience)


def url(folder: Path) -> str:
    return f"duckdb:///{folder / 'w.duckdb'}"


@contextmanager
def stranger(folder: Path, mode: str = "False") -> Iterator[subprocess.Popen[str]]:
    """Another program that holds the file until it is told to go."""
    code = f"import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only={mode}); print('held', flush=True); input()"
    command = [sys.executable, "-c", code, str(folder / "w.duckdb")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("mode", ["False", "True"])
def test_a_stranger_that_keeps_the_file_is_named(tmp_path: Path, mode: str) -> None:
    warehouse(tmp_path).commit(Commit(feeds={"f": (0, "{}")}))
    with stranger(tmp_path, mode) as process:
        with pytest.raises(WarehouseError, match=f"process {process.pid} holds the warehouse") as caught:
            warehouse(tmp_path, patience=0.3).commit(Commit(feeds={"f": (1, "{}")}))
        assert caught.value.kind == "warehouse"
        assert caught.value.hint
    assert warehouse(tmp_path).load().feeds["f"].rev == 1


def test_a_stranger_that_lets_go_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    house = warehouse(tmp_path)
    house.commit(Commit(feeds={"f": (0, "{}")}))
    told = threading.Event()
    with stranger(tmp_path) as process, caplog.at_level(logging.WARNING):
        caplog.handler.emit = lambda record: told.set() if str(process.pid) in record.getMessage() else None  # type: ignore[method-assign]
        thread = threading.Thread(target=house.commit, args=(Commit(feeds={"f": (1, "{}")}),))
        thread.start()
        assert told.wait(20)
    thread.join(20)
    assert house.load().feeds["f"].rev == 2


def test_a_reader_is_never_kept_out_while_a_commit_waits_for_another_reader(tmp_path: Path) -> None:
    house = warehouse(tmp_path)
    house.commit(Commit(feeds={"f": (0, "{}")}))
    with stranger(tmp_path, "True"):
        thread = threading.Thread(target=house.commit, args=(Commit(feeds={"f": (1, "{}")}),))
        thread.start()
        code = (
            "import sys; from warehouse_loader import read_only\n"
            "with read_only(sys.argv[1]) as c: print(c.execute('SELECT rev FROM shop._catchment_state').fetchall())"
        )
        asked = subprocess.run(
            [sys.executable, "-c", code, url(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert asked.stdout == "[(1,)]\n"
    thread.join(20)
    assert house.load().feeds["f"].rev == 2


WRITER = """
import sys
from pathlib import Path
from framework.warehouse import Commit
from tests.merge_kit import sight
from tests.test_duckdb_sharing import warehouse
house = warehouse(Path(sys.argv[1]), sys.argv[2])
for rev in range(8):
    decoded = [house.codec().decode(sight("things", {"id": str(rev)}, version=rev))]
    house.commit(Commit(feeds={"f": (rev, "{}")}, decoded=decoded))
"""


def test_two_sources_write_side_by_side_while_a_reader_asks(tmp_path: Path) -> None:
    warehouse(tmp_path, "first").commit(Commit(tables=[THINGS]))
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), source], cwd=ROOT)
        for source in ("shop", "store")
    ]
    answers = 0
    while any(writer.poll() is None for writer in writers):
        with read_only(url(tmp_path)) as connection:
            answers += connection.execute("SELECT count(*) FROM first.things").fetchall() == [(0,)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert answers
    assert [warehouse(tmp_path, source).live_rows("things") for source in ("shop", "store")] == [8, 8]


def test_commits_wait_for_our_own_reader(tmp_path: Path) -> None:
    house = warehouse(tmp_path, patience=0.2)
    house.commit(Commit(feeds={"f": (0, "{}")}))
    with read_only(url(tmp_path)), pytest.raises(WarehouseError, match="another source of this run"):
        house.commit(Commit(feeds={"f": (1, "{}")}))
    house.commit(Commit(feeds={"f": (1, "{}")}))
    assert house.load().feeds["f"].rev == 2


def test_reading_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="no warehouse") as caught, read_only(url(tmp_path)):
        raise AssertionError
    assert "sync" in caught.value.hint


def test_a_query_that_fails_is_the_readers_own_error(tmp_path: Path) -> None:
    warehouse(tmp_path).commit(Commit(tables=[THINGS]))
    with pytest.raises(duckdb.CatalogException), read_only(url(tmp_path)) as connection:
        connection.execute("SELECT * FROM nowhere")


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    warehouse(tmp_path).commit(Commit(tables=[THINGS]))
    with read_only(url(tmp_path)) as connection, pytest.raises(duckdb.Error):
        connection.execute("DELETE FROM shop.things")


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / "w.duckdb").write_bytes(b"not a database" * 1000)
    for attempt in (warehouse(tmp_path).load, lambda: warehouse(tmp_path).commit(Commit(tables=[THINGS]))):
        with pytest.raises(WarehouseError, match="not a valid DuckDB") as caught:
            attempt()
        assert "restore" in caught.value.hint
    assert (tmp_path / "w.duckdb").read_bytes().startswith(b"not a database")


FULL = """
import resource, signal, sys
from pathlib import Path
from framework.warehouse import Commit, WarehouseError
from tests.merge_kit import sight
from tests.test_duckdb_sharing import warehouse
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
house = warehouse(Path(sys.argv[1]))
page = sight("things", *({"id": f"{n:0200d}", "x": f"{n * 7919:0300d}"} for n in range(2000)))
try:
    house.commit(Commit(feeds={"f": (1, "{}")}, decoded=[house.codec().decode(page)]))
except WarehouseError as error:
    print(error.kind, error.hint)
"""


def test_a_full_disk_keeps_what_was_there_and_says_what_to_do(tmp_path: Path) -> None:
    house = warehouse(tmp_path)
    page = sight("things", {"id": "a"})
    house.commit(Commit(feeds={"f": (0, "{}")}, decoded=[house.codec().decode(page)]))
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("warehouse Free some space"), ended.stdout + ended.stderr
    assert warehouse(tmp_path).load().feeds["f"].rev == 1
    assert warehouse(tmp_path).live_rows("things") == 1


def test_the_lock_stands_beside_the_file_and_names_the_writer(tmp_path: Path) -> None:
    warehouse(tmp_path).commit(Commit(tables=[THINGS]))
    lock = tmp_path / "w.duckdb.lock"
    assert lock.read_text().isdigit()
    assert stat.S_ISREG(lock.stat().st_mode)
