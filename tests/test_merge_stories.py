"""Random stories of orders and their lines, in every order and cut, end as a plain model of the rules has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.sight import Closed, Gone, Sight
from tests.merge_kit import Memory, sight
from tests.test_merge_children import LINES, ORDERS, envelope
from tests.warehouse_kit import PLACES

WITH = {"o": "abc", "p": "de"}  # orders and the lines that they may have
OWNER = {line: order for order, lines in WITH.items() for line in lines}


@dataclass(frozen=True)
class Shown:
    """An order with its lines; ``split``: only the first of them, the rest read apart."""

    key: str
    version: int
    lines: frozenset[str]
    split: bool
    deleted: bool | None

    @property
    def payloads(self) -> set[tuple[str, int]]:
        return {(one, self.version) for one in (self.key, *self.lines)}

    def parts(self) -> Iterator[Sequence[Sight | Closed]]:
        members = [{"id": one, "amount": self.version} for one in sorted(self.lines)]
        first = 1 if self.split else len(members)
        listed = envelope(*members[:first], more=bool(members[first:]))
        told = None if self.deleted is None else [self.deleted]
        yield [sight("orders", {"id": self.key, "lines": listed}, version=self.version, deleted=told)]
        if members[first:]:
            rest = sight("lines", *members[first:], version=self.version, parent="orders", parent_key=self.key)
            yield [rest, Closed("lines", "orders", self.key, self.version)]


@dataclass(frozen=True)
class Told:
    """A line by itself."""

    key: str
    version: int

    @property
    def payloads(self) -> set[tuple[str, int]]:
        return {(self.key, self.version)}

    def parts(self) -> Iterator[Sequence[Sight]]:
        line = {"id": self.key, "amount": self.version, "order_id": OWNER[self.key]}
        yield [sight("lines", line, version=self.version)]


@dataclass(frozen=True)
class Died:
    """A deletion without payload, of an order or a line."""

    key: str
    version: int

    @property
    def payloads(self) -> set[tuple[str, int]]:
        return set()

    def parts(self) -> Iterator[Sequence[Gone]]:
        yield [Gone("lines" if self.key in OWNER else "orders", self.key, self.version)]


Fact = Shown | Told | Died
versions = st.integers(1, 7)
shown = st.sampled_from("op").flatmap(
    lambda key: st.builds(
        Shown,
        st.just(key),
        versions,
        st.frozensets(st.sampled_from(WITH[key])),
        st.booleans(),
        st.sampled_from([None, False, True]),
    )
)
facts = (
    shown | st.builds(Told, st.sampled_from("abcde"), versions) | st.builds(Died, st.sampled_from("opabcde"), versions)
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Fact], list[list[Sight | Gone | Closed]]]:
    """Facts and the commits that tell them; one payload per key and version, for a tie has an order."""
    said: list[Fact] = []
    told: set[tuple[str, int]] = set()
    for one in draw(st.lists(facts, min_size=1, max_size=6, unique=True)):
        if not told & one.payloads:
            told |= one.payloads
            said.append(one)
    said = [one for one in said if not (isinstance(one, Told) and _forgotten(one, said))]
    commits: list[list[Sight | Gone | Closed]] = [[]]
    for one in said:
        for part in one.parts():
            if draw(st.booleans()):
                commits.append([])
            commits[-1] += part
    return said, [commit for commit in commits if commit]


def _forgotten(line: Told, said: Sequence[Fact]) -> bool:
    """Whether a newer list lacks the line and nothing tells of its end: the vendor announces that, as its beginning."""
    died = any(isinstance(one, Died) and one.key == line.key and one.version >= line.version for one in said)
    lacks = [one for one in said if isinstance(one, Shown) and one.key == OWNER[line.key] and line.key not in one.lines]
    return not died and any(one.version > line.version for one in lacks)


def living(said: Sequence[Fact]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The orders and lines that live, with the versions that they stand in, by the rules alone."""
    seen: dict[str, int] = defaultdict(int)
    gone: dict[str, int] = defaultdict(int)
    for one in said:
        for key, version in one.payloads:
            seen[key] = max(seen[key], version)
        if isinstance(one, Died) or (isinstance(one, Shown) and one.deleted):
            gone[one.key] = max(gone[one.key], one.version)
    for one in said:
        if isinstance(one, Shown):
            for line in WITH[one.key]:
                if line not in one.lines and one.version > seen[line]:
                    gone[line] = max(gone[line], one.version)
    for line, order in OWNER.items():
        gone[line] = max(gone[line], gone[order])
    alive = sorted((key, version) for key, version in seen.items() if version > gone[key])
    return [one for one in alive if one[0] in WITH], [one for one in alive if one[0] in OWNER]


@settings(max_examples=100, deadline=None)
@given(stories())
def test_what_lives_is_what_the_facts_say(story: tuple[list[Fact], list[list[Sight | Gone | Closed]]]) -> None:
    said, commits = story
    memory = Memory(ORDERS, LINES)
    for commit in commits:
        memory.commit(*commit, tables=[ORDERS, LINES])
    if commits:
        orders = memory.rows("orders", "id", "_version", "_deleted_at")
        lines = memory.rows("lines", "id", "_version", "amount", "order_id", "_deleted_at")
        assert [row[:2] for row in orders if row[-1] is None] == living(said)[0]
        assert [row[:-1] for row in lines if row[-1] is None] == [
            (*one, one[1], OWNER[one[0]]) for one in living(said)[1]
        ]


@pytest.mark.parametrize("name", PLACES)
def test_what_lives_is_what_the_facts_say_in_every_warehouse(name: str, tmp_path: Path) -> None:
    place = PLACES[name](tmp_path)

    @settings(max_examples=15, deadline=None)
    @given(stories())
    def told(story: tuple[list[Fact], list[list[Sight | Gone | Closed]]]) -> None:
        said, commits = story
        source = place.source(ORDERS, LINES)
        for commit in commits:
            source.commit(*commit, tables=[ORDERS, LINES])
        for table, alive in zip(("orders", "lines"), living(said) if commits else (), strict=False):
            rows = source.rows(table, "id", "_version", "_deleted_at")
            assert [row[:2] for row in rows if row[-1] is None] == [(key, str(version)) for key, version in alive]

    told()
