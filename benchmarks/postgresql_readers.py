"""What somebody who reads without a pause notices of a resync, and of tables that change their shape, in PostgreSQL."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import ROOT, contestants
from benchmarks.imitation import Imitation
from benchmarks.measure import run
from benchmarks.options import Options
from benchmarks.postgresql_server import running
from benchmarks.table import Bar, Section, at_most

NAME = "postgresql-readers"
SIZE = 50_000
CHANGES = 20
LONGEST_S = 1.0
_READER = """
import json, sys, threading, time
from adbc_driver_postgresql import dbapi

done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
polls, first, least, longest = 0, 0, 0, 0.0
with dbapi.connect(sys.argv[1], autocommit=True) as connection, connection.cursor() as cursor:
    while not done.is_set():
        began = time.monotonic()
        cursor.execute(sys.argv[2])
        rows = cursor.fetchall()[0][0]
        longest = max(longest, time.monotonic() - began)
        polls += 1
        if polls == 1:
            first = least = rows
            print("reading", flush=True)
        least = min(least, rows)
print(json.dumps({"polls": polls, "first": first, "least": least, "longest": longest}))
"""
# New columns and wider ones in turn, each in a commit of one row; a view of the reader's own stands upon the first.
_CHANGES = """
import json, sys
from pathlib import Path
from adbc_driver_postgresql import dbapi
from framework.collection import Collection, Column
from framework.sight import Sight
from framework.warehouse import Commit
from warehouse_loader import open_warehouse

url, rows, changes, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
things = Collection("things", columns=(Column("id", "text"), Column("a0", "bigint")))
house = open_warehouse(url, "shop", [things], scratch=folder)
rev = 0

def load(objects, version):
    global rev
    sight = Sight("things", json.dumps(objects).encode(), version)
    house.commit(Commit(decoded=[house.codec().decode(sight)], feeds={"f": (rev, "{}")}))
    rev += 1

load([{"id": str(n), "a0": n, "text": "x" * 100} for n in range(rows)], 1)
with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
    cursor.execute("CREATE VIEW shop.looked_at AS SELECT id, a0 FROM shop.things")
print("ready", flush=True)
sys.stdin.readline()
for n in range(changes):
    column = f"a{n // 2}"
    load([{"id": "0", "a0": "wide", **({column: "wide"} if n % 2 == 0 else {f"a{n // 2 + 1}": n})}], n + 2)
"""


def measure(options: Options) -> Section:
    """Both at each size, once: what is counted is what a reader met, not what it cost."""
    rows: list[tuple[str | Bar, ...]] = []
    for objects in options.sizes(SIZE):
        rows += [_resync(objects), _changes(objects)]
    return Section(
        NAME,
        "PostgreSQL: readers",
        "One program counts a table again and again. Meanwhile every object changes and `catchment resync SOURCE` "
        f"reads all anew; then a table of as many rows changes its shape {CHANGES} times, new columns and wider ones "
        "in turn, the first under a view that the reader reads.",
        options.command(NAME),
        ("objects", "what happens", "polls", "fewest rows seen", "longest wait", "bar"),
        rows,
    )


def _resync(objects: int) -> tuple[str | Bar, ...]:
    with Imitation(objects) as imitation, running() as databases, TemporaryDirectory(prefix="catchment-bench-") as name:
        warehouse, folder = databases.new(), Path(name)
        config = contestants.configure(imitation, folder, only=contestants.NINE, warehouse=warehouse)
        run((contestants.OURS, "sync", "--config", config))
        imitation.age()
        with _reading(
            warehouse, f"SELECT count(*) FROM {contestants.SOURCE}.charges WHERE _deleted_at IS NULL"
        ) as seen:
            run((contestants.OURS, "resync", contestants.SOURCE, "--config", config))
    bar = Bar(f"at least {seen['first']:,}", seen["least"] >= seen["first"])
    return _row(objects, "resync", seen, bar)


def _changes(objects: int) -> tuple[str | Bar, ...]:
    with running() as databases, TemporaryDirectory(prefix="catchment-bench-") as folder:
        warehouse = databases.new()
        command = [sys.executable, "-c", _CHANGES, warehouse, str(objects), str(CHANGES), folder]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdout.readline()
            with _reading(warehouse, "SELECT count(a0) FROM shop.looked_at") as seen:
                writer.stdin.write("go\n")
                writer.stdin.close()
                writer.wait()
        if writer.returncode:
            raise RuntimeError(f"the changes of shape ended with {writer.returncode}")
    return _row(objects, f"{CHANGES} changes of shape", seen, at_most(seen["longest"], LONGEST_S, " s"))


def _row(objects: int, what: str, seen: dict[str, Any], bar: Bar) -> tuple[str | Bar, ...]:
    return (f"{objects:,}", what, f"{seen['polls']:,}", f"{seen['least']:,}", f"{seen['longest']:.3f} s", bar)


@contextmanager
def _reading(warehouse: str, query: str) -> Iterator[dict[str, Any]]:
    """What a reader sees from before the block until after it; known when the block has ended."""
    seen: dict[str, Any] = {}
    command = [sys.executable, "-c", _READER, warehouse, query]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdout.readline()
        yield seen
        reader.stdin.close()
        seen |= json.loads(reader.stdout.readline())
