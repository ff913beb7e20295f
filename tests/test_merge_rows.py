"""Newest version wins: rows end the same in every order of sights and every cut into commits."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from framework.collection import Collection, Column
from framework.sight import Gone, Live, Sight
from tests.merge_kit import Memory, sight

THINGS = Collection("things", columns=(Column("id", "text"), Column("a", "bigint"), Column("b", "json")))
HAPPENINGS = Collection("happenings", kind="event", columns=(Column("id", "text"), Column("a", "bigint")))


@dataclass(frozen=True)
class Payload:
    key: str
    version: int
    a: int | None
    deleted: bool

    def sight(self) -> Sight:
        fields = {"id": self.key, "b": {"n": self.version % 2}} | ({} if self.a is None else {"a": self.a})
        return sight("things", fields, version=self.version, deleted=[self.deleted])


@dataclass(frozen=True)
class Deletion:
    key: str
    version: int

    def sight(self) -> Gone:
        return Gone("things", self.key, self.version)


keys = st.sampled_from("xy")
payloads = st.builds(Payload, keys, st.integers(1, 6), st.sampled_from([None, 1, 2]), st.booleans())
deletions = st.builds(Deletion, keys, st.integers(1, 6))


def ended(said: list[Payload | Deletion]) -> list[tuple[object, ...]]:
    """What must stand in the table, by the rules alone."""
    rows: list[tuple[object, ...]] = []
    for key in sorted({one.key for one in said}):
        sights = [one for one in said if one.key == key and isinstance(one, Payload)]
        deaths = [one.version for one in said if one.key == key and (isinstance(one, Deletion) or one.deleted)]
        if not sights:
            rows.append((key, None, None, None, True))
            continue
        newest = max(sights, key=lambda one: one.version)
        dead = any(at >= newest.version for at in deaths)
        rows.append((key, newest.a, f'{{"n":{newest.version % 2}}}', newest.version, dead))
    return rows


@st.composite
def stories(draw: st.DrawFn) -> list[list[Payload | Deletion]]:
    """Sights in some order, cut into commits; one payload per key and version, for a tie has an order."""
    said = draw(
        st.lists(payloads | deletions, min_size=1, max_size=7, unique_by=lambda one: (type(one), one.key, one.version))
    )
    said = draw(st.permutations(said))
    commits: list[list[Payload | Deletion]] = [[]]
    for one in said:
        if commits[-1] and draw(st.booleans()):
            commits.append([])
        commits[-1].append(one)
    return commits


@settings(max_examples=120, deadline=None)
@given(stories())
def test_every_order_and_cut_ends_in_one_row(commits: list[list[Payload | Deletion]]) -> None:
    memory = Memory(THINGS)
    for said in commits:
        memory.commit(*(one.sight() for one in said))
    everything = [one for said in commits for one in said]
    rows = memory.rows("things", "id", "a", "b", "_version", "_deleted_at")
    assert [(*row[:-1], row[-1] is not None) for row in rows] == ended(everything)
    # Which of several deletions the mark names depends on what was known when it was set; it is always one of them.
    deaths = {(one.key, one.version) for one in everything if isinstance(one, Deletion) or one.deleted}
    assert {(row[0], row[-1]) for row in rows if row[-1] is not None} <= deaths


def test_a_deleted_object_shown_again_keeps_its_mark() -> None:
    memory = Memory(THINGS)
    memory.commit(Payload("x", 1, 1, deleted=False).sight())
    memory.commit(Payload("x", 3, 1, deleted=True).sight())
    moved = memory.commit(Payload("x", 5, 1, deleted=True).sight())["things"]
    assert memory.rows("things", "id", "_version", "_deleted_at", "_synced_at") == [("x", 5, 3, 2)]
    assert (moved.updated, moved.deleted, moved.unchanged) == (0, 0, 1)
    memory.commit(Payload("x", 7, 2, deleted=True).sight())
    assert memory.rows("things", "id", "a", "_deleted_at") == [("x", 2, 3)]
    memory.commit(Payload("x", 9, 2, deleted=False).sight())
    assert memory.rows("things", "id", "_deleted_at") == [("x", None)]


@settings(max_examples=120, deadline=None)
@given(stories(), st.integers(1, 7), st.booleans())
def test_a_newer_generation_replaces_equal_versions_and_no_newer_ones(
    commits: list[list[Payload | Deletion]], version: int, known: bool
) -> None:
    """Whatever came before, in whatever order: what is read again stands, unless its row is newer; and it lives."""
    memory = Memory(THINGS)
    for said in commits:
        memory.commit(*(one.sight() for one in said))
    before = {row[0]: row[1:] for row in memory.rows("things", "id", "a", "b", "_version")}
    counts = memory.commit(
        sight(
            "things",
            {"id": "x", "a": 7},
            {"id": "y", "a": 7},
            version=version,
            deleted=[False, True] if known else None,
        ),
        Live("things", ["x"] if known else ["x", "y"], 9),
    )["things"]
    after = {row[0]: row[1:] for row in memory.rows("things", "id", "a", "b", "_version", "_deleted_at", "_synced_at")}
    for key in "xy":
        newer = key in before and (before[key][2] or 0) > version
        assert after[key][:3] == (before[key] if newer else (7, None, version))
        assert (after[key][3] is None) or (key == "y" and known)
    assert (
        memory.commit(sight("things", {"id": "x", "a": 7}, version=version), Live("things", ["x"], 9))[
            "things"
        ].unchanged
        == 1
    )
    assert counts.inserted + counts.updated + counts.unchanged == 2


def test_a_deletion_that_a_reading_shows_to_be_over_marks_nothing_in_the_same_commit_either() -> None:
    memory = Memory(THINGS)
    again = sight("things", {"id": "x", "a": 1}, version=1), Live("things", ["x"], 6), Live("things", ["x"], 2)
    memory.commit(*again, Gone("things", "x", 3))
    assert memory.rows("things", "id", "_deleted_at") == [("x", None)]
    memory.commit(*again, Gone("things", "x", 7))
    assert memory.rows("things", "id", "_deleted_at") == [("x", 7)]


@settings(max_examples=60, deadline=None)
@given(stories())
def test_rows_move_only_when_they_change_and_counts_add_up(commits: list[list[Payload | Deletion]]) -> None:
    memory = Memory(THINGS)
    before: dict[str, tuple[object, ...]] = {}
    for said in commits:
        counts = memory.commit(*(one.sight() for one in said))["things"]
        after = {row[0]: row[1:] for row in memory.rows("things", "id", "a", "b", "_deleted_at", "_synced_at")}
        moved = {key for key in after if key not in before or before[key][:3] != after[key][:3]}
        assert {key for key, row in after.items() if row[3] == memory.commits} == moved
        fetched = sum(isinstance(one, Payload) for one in said)
        assert counts.inserted + counts.updated + counts.unchanged == fetched
        dead = {key for key, row in after.items() if row[2] is not None}
        was = {key for key, row in before.items() if row[2] is not None}
        assert counts.deleted - counts.restored == len(dead) - len(was)
        before = after


def test_of_equal_versions_the_later_answer_wins() -> None:
    memory = Memory(THINGS)
    memory.commit(sight("things", {"id": "x", "a": 1}), sight("things", {"id": "x", "a": 2}))
    assert memory.rows("things", "a") == [(2,)]
    counts = memory.commit(sight("things", {"id": "x", "a": 3}))["things"]
    assert memory.rows("things", "a", "_synced_at") == [(3, 2)]
    assert (counts.updated, counts.unchanged) == (1, 0)


def test_of_equal_versions_the_later_answer_also_tells_whether_a_row_lives() -> None:
    """Deleted and restored, or the reverse, within what the vendor's stamps can tell apart."""

    def shown(gone: bool) -> Sight:
        return sight("things", {"id": "x", "a": int(gone)}, version=5, deleted=[gone])

    memory = Memory(THINGS)
    for gone in (False, True, False, True):
        counts = memory.commit(shown(gone))["things"]
        assert memory.rows("things", "a", "_deleted_at") == [(int(gone), 5 if gone else None)]
    assert (counts.updated, counts.deleted, counts.restored) == (1, 1, 0)
    assert memory.commit(shown(True), shown(False))["things"].restored == 1
    memory.commit(shown(False), shown(True))
    assert memory.rows("things", "a", "_deleted_at") == [(1, 5)]


def test_a_sight_of_the_time_of_a_deletion_for_good_does_not_undo_it() -> None:
    memory = Memory(THINGS)
    last = sight("things", {"id": "x", "a": 1}, version=5, deleted=[False])
    memory.commit(last)
    memory.commit(Gone("things", "x", 5))
    memory.commit(last)
    assert memory.rows("things", "a", "_deleted_at") == [(1, 5)]


def test_an_equal_payload_with_a_newer_version_moves_the_version_alone() -> None:
    memory = Memory(THINGS)
    memory.commit(sight("things", {"id": "x", "a": 1, "b": {"c": 1}}, version=5))
    counts = memory.commit(sight("things", {"id": "x", "a": 1, "b": {"c": 1}}, version=9))["things"]
    assert memory.rows("things", "id", "_version", "_synced_at") == [("x", 9, 1)]
    assert (counts.updated, counts.unchanged) == (0, 1)


def test_fields_that_the_newer_payload_lacks_become_null() -> None:
    memory = Memory(THINGS)
    memory.commit(sight("things", {"id": "x", "a": 1, "extra": "y"}, version=5))
    memory.commit(sight("things", {"id": "x", "b": [1]}, version=6))
    assert memory.rows("things", "id", "a", "b", "extra") == [("x", None, "[1]", None)]


def test_a_repeat_and_an_older_sight_count_as_unchanged() -> None:
    memory = Memory(THINGS)
    counts = memory.commit(
        sight("things", {"id": "x", "a": 1}, version=5), sight("things", {"id": "x", "a": 2}, version=4)
    )["things"]
    assert (counts.inserted, counts.unchanged) == (1, 1)
    counts = memory.commit(sight("things", {"id": "x", "a": 3}, version=4))["things"]
    assert (counts.updated, counts.unchanged) == (0, 1)
    assert memory.rows("things", "a", "_synced_at") == [(1, 1)]


def test_events_are_appended_once_and_never_changed() -> None:
    memory = Memory(HAPPENINGS)
    first = memory.commit(sight("happenings", {"id": "e1", "a": 1}, {"id": "e2", "a": 1}, version=[1, 2]))
    again = memory.commit(
        sight("happenings", {"id": "e2", "a": 9}, {"id": "e3", "a": 1}, version=[7, 8]), Gone("happenings", "e1", 9)
    )
    assert (first["happenings"].appended, first["happenings"].unchanged) == (2, 0)
    assert (again["happenings"].appended, again["happenings"].unchanged, again["happenings"].updated) == (1, 1, 0)
    assert memory.rows("happenings", "id", "a", "_deleted_at") == [("e1", 1, None), ("e2", 1, None), ("e3", 1, None)]


def test_a_table_exists_with_its_columns_even_if_nothing_came() -> None:
    memory = Memory(THINGS)
    memory.commit(tables=[THINGS])
    assert memory.types("things") == {
        "id": "VARCHAR",
        "a": "BIGINT",
        "b": "JSON",
        "_version": "TIMESTAMP WITH TIME ZONE",
        "_synced_at": "TIMESTAMP WITH TIME ZONE",
        "_deleted_at": "TIMESTAMP WITH TIME ZONE",
    }
