"""The breaks of `make sabotage` fit the code as it is."""

from collections import Counter
from pathlib import Path

from tests.sabotage.patches import PATCHES

ROOT = Path(__file__).resolve().parents[1]


def test_every_break_has_its_place_and_its_tests() -> None:
    places = Counter({patch.promise: (ROOT / patch.file).read_text().count(patch.old) for patch in PATCHES})
    assert [promise for promise, times in places.items() if times != 1] == []
    assert [name for patch in PATCHES for name in patch.tests if not (ROOT / name.partition("::")[0]).is_file()] == []
