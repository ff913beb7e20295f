"""What a first load may import: a module that costs a tenth of a start-up stays out of it."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

LOAD = """
import sys
from pathlib import Path

from framework.collection import Child, Collection, Column
from framework.sight import Sight
from framework.warehouse import Commit
from warehouse_loader import open_warehouse

lines = Collection("lines", columns=(Column("id", "text"), Column("share", "decimal")))
orders = Collection(
    "orders",
    columns=(Column("id", "text"), Column("created", "timestamptz"), Column("rate", "double"), Column("more", "json")),
    children=(Child("lines", "lines", "order_id"),),
)
page = b'''[{"id": "a", "created": 1700000000, "rate": 0.5, "more": {"x": 1.10},
    "lines": {"data": [{"id": "l", "share": "1.25"}, {"id": "m", "share": 2}], "has_more": false}},
    {"id": "b", "created": null, "rate": 2, "more": null, "lines": {"data": [], "has_more": false}}]'''
folder = Path(sys.argv[1])
shop = open_warehouse(f"duckdb:///{folder}/w.duckdb", "shop", [orders, lines], scratch=folder / "scratch")
page = shop.codec().pack([shop.codec().decode(Sight("orders", page, 1))])
done = shop.commit(Commit(tables=[orders, lines], feeds={"orders": (0, "{}")}, decoded=[page]))
print(*(done.counts[name].inserted for name in ("orders", "lines")))
print(*sys.modules)
"""


def test_a_first_load_needs_neither_arrow_compute_nor_numpy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    counts, modules = done.stdout.splitlines()
    assert counts == "2 2"
    assert "pyarrow" in modules.split()
    assert not {"pyarrow.compute", "pyarrow.dataset", "numpy", "pandas"} & set(modules.split())
