"""Killed between any two statements, a commit is whole or nothing, and the next one goes on from there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_warehouse_contract import THINGS
from tests.warehouse_kit import PLACES

ROOT = Path(__file__).resolve().parent.parent

# One process forks once for every statement: nothing that starts threads may be open in it.
KILLED = """
import json, os, signal, sys
from pathlib import Path
import adbc_driver_postgresql.dbapi, duckdb, pyarrow, pyarrow.compute
from framework.warehouse import Commit
from tests.merge_kit import sight
from tests.test_warehouse_contract import THINGS
from warehouse_loader import duckdb_warehouse, lock, open_warehouse, postgresql_session
import warehouse_loader.arrow, warehouse_loader.batch, warehouse_loader.writer

url, folder, most = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
statements = 0
last = 0

def counted(kind, name):
    run = getattr(kind, name)
    def counting(*arguments, **more):
        global statements
        if statements == last:
            os.kill(os.getpid(), signal.SIGKILL)
        statements += 1
        return run(*arguments, **more)
    setattr(kind, name, counting)

for name in ("rows", "script", "change", "_copy"):
    counted(postgresql_session.PostgresSession, name)
for name in ("rows", "change", "define", "staged", "columns", "tables"):
    counted(duckdb_warehouse.DuckDBSession, name)
counted(lock, "_release")

def commit(source, rev, first, fields):
    house = open_warehouse(url, source, [THINGS], scratch=folder / "scratch")
    page = [{"id": str(n), "a": rev, **fields} for n in range(first, 5)]
    decoded = [house.codec().decode(sight("things", *page, version=rev + 1))]
    house.commit(Commit(tables=[THINGS], feeds={"f": (rev, "{}")}, decoded=decoded))

def forked(work):
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitpid(child, 0)[1]

for number in range(most):
    def killed(number=number):
        global last
        last = -1
        commit(f"k{number}", 0, 2, {"wide": 1})
        last = statements + number
        commit(f"k{number}", 1, 0, {"wide": "text", "new": 1})
    ended = forked(killed)
    if ended != signal.SIGKILL:
        break

def look():
    global last
    last, found = -1, []
    for one in range(number + 1):
        house = open_warehouse(url, f"k{one}", [THINGS], scratch=folder / "scratch")
        before = (house.load().feeds["f"].rev, house.live_rows("things"))
        commit(f"k{one}", before[0], 0, {"wide": "end", "new": 2})
        with house.place.reading() as session:
            rows = session.rows(f"SELECT id, a, wide, new FROM k{one}.things ORDER BY id")
            changes = session.rows(f"SELECT change, column_name FROM catchment.schema_changes WHERE source = 'k{one}'")
        found.append((*before, house.load().feeds["f"].rev, rows, sorted(changes)))
    print(json.dumps({"ended": ended, "found": found}))
    sys.stdout.flush()

assert forked(look) == 0
"""


@pytest.mark.parametrize("name", PLACES)
def test_killed_between_any_two_statements(name: str, tmp_path: Path) -> None:
    place, most = PLACES[name](tmp_path), 99
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", KILLED, place.url, str(tmp_path), str(most)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["ended"] == 0, "the last one was not killed: every statement had its turn"
    assert len(told["found"]) > 10
    seen = set()
    for rev, live, then, rows, changes in told["found"]:
        assert (rev, live) in ((1, 3), (2, 5))
        assert then == rev + 1
        assert rows == [[str(n), rev, "end", 2] for n in range(5)]
        assert changes == [["column_added", "new"], ["column_widened", "wide"], ["table_created", None]]
        seen.add(rev)
    assert seen == {1, 2}, "killed before it was committed, and after"
    assert place.open("k0", THINGS).live_rows("things") == 5
