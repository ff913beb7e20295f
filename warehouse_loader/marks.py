"""A source's marks: one document for each feed, moved by compare-and-set, the identity of each table, what is owed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence

from framework.warehouse import Conflict, FeedState, Stored
from warehouse_loader.destination import Row, Session
from warehouse_loader.dialect import Dialect, literal, quote, table
from warehouse_loader.lattice import Kind

STATE = "_catchment_state"
_COLUMNS: Mapping[str, Kind] = {
    "kind": "text", "name": "text", "rev": "bigint", "document": "text", "updated_at": "timestamptz",
}  # fmt: skip

Feeds = Mapping[str, tuple[int, str]]  # feed -> (revision it was read at, new document)


def create(d: Dialect, source: str) -> str:
    """The statement that makes the table."""
    listed = ", ".join(f"{quote(name)} {d.types[kind]}" for name, kind in _COLUMNS.items())
    return f"CREATE TABLE IF NOT EXISTS {table(source, STATE)} ({listed})"


def read(session: Session, source: str) -> list[Row]:
    """All that the table says: kind, name, revision, document, when it was written (microseconds)."""
    at = session.dialect.micros.format("updated_at")
    return session.rows(f"SELECT kind, name, rev, document, {at} FROM {table(source, STATE)}")


def stored(rows: Sequence[Row], tables: Iterable[str]) -> Stored:
    """What a run starts from, and of ``tables`` those that have an identity."""
    feeds = {name: FeedState(rev, document) for kind, name, rev, document, _ in rows if kind == "feed"}
    there = set(tables)
    known = {name: document for kind, name, _, document, _ in rows if kind == "table" and name in there}
    return Stored(feeds, known, max((int(at) for *_, at in rows), default=0))


def owed(rows: Sequence[Row]) -> frozenset[tuple[str, str]]:
    """Which children (collection, parents' collection) have yet to follow deleted parents."""
    return frozenset((name, document) for kind, name, _, document, _ in rows if kind == "orphans")


def latest(session: Session, source: str) -> int:
    """When the last commit was, in microseconds; 0 if never."""
    instant = session.dialect.micros.format("max(updated_at)")
    return int(session.rows(f"SELECT {instant} FROM {table(source, STATE)}")[0][0] or 0)


def check(session: Session, source: str, feeds: Feeds) -> None:
    """Raises Conflict if another run has moved one of these feeds since it was read."""
    if not feeds:
        return
    stored: dict[str, int] = dict(session.rows(f"SELECT name, rev FROM {table(source, STATE)} WHERE kind = 'feed'"))
    for feed, (rev, _) in feeds.items():
        if stored.get(feed, 0) != rev:
            raise Conflict(
                f"{source}: the marks of feed {feed} were written by another run since revision {rev}",
                "Another run of this source is under way or has just ended; run again.",
            )


def move(session: Session, source: str, feeds: Feeds) -> None:
    """Writes the feeds' new documents. Raises Conflict as ``check`` does."""
    if not feeds:
        return
    import pyarrow as pa

    check(session, source, feeds)
    state, now = table(source, STATE), session.dialect.now
    revs, documents = zip(*feeds.values(), strict=True)
    moves = pa.table({"name": list(feeds), "rev": pa.array(revs, pa.int64()), "document": list(documents)})
    with session.staged("moves", moves):
        session.change(
            f"UPDATE {state} AS s SET rev = s.rev + 1, document = m.document, updated_at = {now} "
            "FROM moves m WHERE s.kind = 'feed' AND s.name = m.name AND s.rev = m.rev"
        )
        session.change(
            f"INSERT INTO {state} (kind, name, rev, document, updated_at) "
            f"SELECT 'feed', name, rev + 1, document, {now} FROM moves WHERE rev = 0"
        )


def stand(session: Session, source: str, feeds: Feeds) -> bool:
    """Whether a commit of these feeds stands; one without feeds does no harm when it is repeated."""
    if not feeds or STATE not in session.tables(source):
        return False
    known = stored(read(session, source), ()).feeds
    return all(known.get(feed) == FeedState(rev + 1, document) for feed, (rev, document) in feeds.items())


def forget(source: str, name: str) -> str:
    """The statement that takes a table's identity away."""
    return f"DELETE FROM {table(source, STATE)} WHERE kind = 'table' AND name = {literal(name)}"


def incarnate(session: Session, source: str, names: Iterable[str], fresh: Iterable[str]) -> dict[str, str]:
    """Gives an identity to those of these tables that have none, and another to the ``fresh`` ones."""
    state, now = table(source, STATE), session.dialect.now
    known = {name for (name,) in session.rows(f"SELECT name FROM {state} WHERE kind = 'table'")} - set(fresh)
    made = {name: uuid.uuid4().hex for name in names if name not in known}
    if made:
        import pyarrow as pa

        with session.staged("made", pa.table({"name": list(made), "id": list(made.values())})):
            session.change(f"DELETE FROM {state} WHERE kind = 'table' AND name IN (SELECT name FROM made)")
            session.change(
                f"INSERT INTO {state} (kind, name, rev, document, updated_at) "
                f"SELECT 'table', name, 1, id, {now} FROM made"
            )
    return made


def owe(session: Session, source: str, before: frozenset[tuple[str, str]], now: frozenset[tuple[str, str]]) -> None:
    """Notes which do now."""
    state = table(source, STATE)
    for child, parent in sorted(before - now):
        where = f"kind = 'orphans' AND name = {literal(child)} AND document = {literal(parent)}"
        session.change(f"DELETE FROM {state} WHERE {where}")
    for child, parent in sorted(now - before):
        row = f"'orphans', {literal(child)}, 1, {literal(parent)}, {session.dialect.now}"
        session.change(f"INSERT INTO {state} (kind, name, rev, document, updated_at) SELECT {row}")
