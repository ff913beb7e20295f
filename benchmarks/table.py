"""`docs/benchmarks.md`: one section per measurement, replaced when that measurement runs again."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Every figure is of a whole process, start-up included: processor time is user plus system, memory the largest resident
set. Contestants take turns inside every round, and a row shows the median of the rounds. The API is the bundled
imitation in a process of its own, on the same machine; what it uses is not counted. Compare ratios: they move far less
than single times do.

`make bench` measures everything again and rewrites this page; one section alone: the command under its title.
"""


@dataclass(frozen=True)
class Bar:
    """What a figure is held to: `holds` says whether it does."""

    text: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.text}: {'holds' if self.holds else '**missed**'}"


def at_most(figure: float, bound: float, unit: str = "") -> Bar:
    """A bar that a figure holds when it is not above `bound`."""
    return Bar(f"at most {bound:,.4g}{unit}", figure <= bound)


@dataclass(frozen=True)
class Section:
    """One measurement's table. A cell is text or a Bar."""

    name: str
    title: str
    text: str
    command: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | Bar]]
    notes: Sequence[str] = field(default=())

    def missed(self) -> list[str]:
        """Rows with a bar that does not hold, by their first cell."""
        return [
            f"{row[0]}: {cell.text}" for row in self.rows for cell in row if isinstance(cell, Bar) and not cell.holds
        ]

    def __str__(self) -> str:
        lines = [f"## {self.title}", "", f"`{self.command}`  ", f"{today()}; {machine()}", "", self.text, ""]
        lines += [_line(self.header), _line(["---"] * len(self.header)), *map(_line, self.rows)]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)])


def write(section: Section, page: Path = PAGE) -> None:
    """Put a section on the page, in place of its last figures or at the end."""
    text = page.read_text(encoding="utf-8") if page.exists() else _HEAD
    opening, closing = f"<!-- {section.name} -->", f"<!-- /{section.name} -->"
    block = f"{opening}\n{section}\n{closing}"
    old = re.compile(f"{re.escape(opening)}.*?{re.escape(closing)}", re.DOTALL)
    text = old.sub(lambda _: block, text) if old.search(text) else f"{text.rstrip()}\n\n{block}\n"
    page.write_text(text, encoding="utf-8")


def today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def machine() -> str:
    """Cores, memory and versions; no names."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kind = f"{platform.system()} {platform.machine()}"
    versions = f"Python {platform.python_version()}, DuckDB {metadata.version('duckdb')}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {kind}, {versions}"


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
