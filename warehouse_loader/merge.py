"""The SQL that merges a batch into its table: newest payload wins, deletions are ordered apart from payloads."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from framework.collection import Child
from warehouse_loader.dialect import OVERFLOW, SYSTEM, Dialect, quote
from warehouse_loader.lattice import Kind


def create(d: Dialect, table: str, columns: Sequence[tuple[str, Kind]]) -> str:
    """A table with these columns and the system's."""
    listed = [f"{quote(name)} {d.types[kind]}" for name, kind in columns]
    listed += [f"{name} {d.types['timestamptz']}" for name in SYSTEM]
    return f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(listed)})"


def add_column(d: Dialect, table: str, name: str, kind: Kind) -> str:
    """One more column, null in every row there is."""
    return f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quote(name)} {d.types[kind]}"


def converted(d: Dialect, column: str, kind: Kind, into: Kind) -> str:
    """A column's values as a wider type has them: an instant becomes its seconds since 1970."""
    if into not in ("text", "json"):
        return f"{column}::{d.types[into]}"
    text = f"{column}::VARCHAR"
    if kind == "timestamptz":
        seconds = f"({d.micros.format(column)}::DECIMAL(24,0) * 0.000001)::VARCHAR"
        text = f"rtrim(rtrim({seconds}, '0'), '.')"
    elif kind == "decimal":
        text = f"rtrim(rtrim({text}, '0'), '.')"
    if into == "text":
        return text
    return f"{d.to_json}({text})" if kind in ("text", "date") else f"{text}::{d.types['json']}"


def near(d: Dialect, table: str, key: str) -> str:
    """Where the batch's rows are that the table has already.

    Only the key is read of the whole table; what is read of all columns is then found by its place.
    """
    return f"""
        SELECT t.{d.place(key)} AS place, t.{key} AS key FROM {table} t WHERE t.{key} IN (SELECT {key} FROM batch)"""


# What is new stands outside a subquery, where DuckDB would take its alias for a column of that name if there is one.
# No column has a $ in its name.
_NEW = '"new$"'


def dead(table: str, key: str, anti: bool) -> str:
    """How many new rows come deleted."""
    return f"SELECT count(*) FROM batch {_NEW} WHERE _deleted_at IS NOT NULL{_apart(table, key, key) if anti else ''}"


def insert(d: Dialect, table: str, key: str, columns: Sequence[str], anti: bool) -> str:
    """Adds the rows that are new; ``anti`` where some may be known."""
    named = ", ".join(map(quote, columns))
    apart = f" WHERE true{_apart(table, key, key)}" if anti else ""
    return f"INSERT INTO {table} ({named}, _synced_at) SELECT {named}, {d.now} FROM batch {_NEW}{apart}"


def _apart(table: str, key: str, new: str) -> str:
    return f" AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.{key} = {_NEW}.{new})"


def compare(
    d: Dialect, table: str, key: str, columns: Sequence[str], empty: Collection[str], *, deletes: bool, tells: bool
) -> str:
    """What each known row of the batch changes; what is older than its row changes nothing.

    ``how``: the whole ``row``, or only its ``version``. ``d0``, ``d1`` ... say which of ``columns`` differ; those in
    ``empty`` are null in the whole batch and not in it. ``deletes``: some of its rows are gone; ``tells``: each says
    whether it lives.
    """
    differ = [
        f"t.{quote(name)} IS NOT NULL" if name in empty else f"t.{quote(name)} IS DISTINCT FROM b.{quote(name)}"
        for name in columns
    ]
    named = [f"d{at}" for at in range(len(columns))]
    listed = "".join(f", {one} AS {name}" for one, name in zip(differ, named, strict=True))
    # Who is shown as deleted again and again was deleted once: the first mark stays.
    dead = "CASE WHEN t._deleted_at >= b._version THEN t._deleted_at END"
    if deletes:
        dead = f"CASE WHEN b._deleted_at IS NULL THEN {dead} ELSE coalesce(t._deleted_at, b._deleted_at) END"
    any_differs = " OR ".join(named) or "false"
    # Of two reads at one version the later wins: a row that was shown as gone, and lives now, was restored.
    ends = f"CASE WHEN tv = bv AND td = bv AND lives AND ({any_differs}) THEN NULL ELSE dead END" if tells else "dead"
    lives = "b._deleted_at IS NULL" if deletes else "true"
    return f"""
        WITH pair AS (
            SELECT n.place, n.key, b._version AS bv, t._version AS tv, t._deleted_at AS td, {lives} AS lives,
                {dead} AS dead{listed}
            FROM near n JOIN {table} t ON t.{d.place(key)} = n.place JOIN batch b ON b.{key} = n.key
            WHERE t._version IS NULL OR b._version >= t._version
        ), judged AS (
            SELECT *, CASE
                WHEN {any_differs} OR tv IS NULL OR dead IS DISTINCT FROM td THEN 'row'
                WHEN bv > tv THEN 'version' END AS how
            FROM pair
        )
        SELECT place, key, bv, tv, td, {ends} AS dead{"".join(f", {name}" for name in named)}, how
        FROM judged WHERE how IS NOT NULL"""


def tally(columns: Sequence[str]) -> str:
    """Per ``how``: rows, rows that it marks as deleted, rows that it revives, and per column whether any differs."""
    any_of = "".join(f", bool_or(d{at})" for at in range(len(columns)))
    return f"""
        SELECT how, count(*), count(*) FILTER (WHERE td IS NULL AND dead IS NOT NULL),
            count(*) FILTER (WHERE td IS NOT NULL AND dead IS NULL){any_of} FROM hit GROUP BY how"""


def update_versions(d: Dialect, table: str, key: str) -> str:
    """Moves the versions of rows that came again as they were."""
    place = d.place(key)
    return f"UPDATE {table} AS t SET _version = h.bv FROM hit h WHERE h.how = 'version' AND t.{place} = h.place"


def update_rows(d: Dialect, table: str, key: str, columns: Sequence[str], empty: Collection[str]) -> str:
    """Writes the rows that changed; ``columns`` are those that differ in any of them.

    Columns that do not change are not written: each costs its share of every row group that holds a changed row.
    """
    sets = [f"{quote(name)} = {'NULL' if name in empty else 'b.' + quote(name)}" for name in columns]
    sets += ["_version = b._version", "_deleted_at = h.dead", f"_synced_at = {d.now}"]
    return f"""
        UPDATE {table} AS t SET {", ".join(sets)}
        FROM batch b, hit h WHERE h.how = 'row' AND h.key = b.{key} AND t.{d.place(key)} = h.place"""


def fill(d: Dialect, table: str, key: str, columns: Sequence[str], *, versioned: bool) -> str:
    """Gives columns to the rows that are there, in the version of the batch unless rows never change."""
    more = d.merged.format(f"coalesce(t.{OVERFLOW}, '{{}}')", f"b.{OVERFLOW}")
    more = f"CASE WHEN b.{OVERFLOW} IS NULL THEN t.{OVERFLOW} ELSE {more} END"
    given = {name: more if name == OVERFLOW else f"b.{quote(name)}" for name in columns}
    differ = [f"t.{quote(name)} IS DISTINCT FROM {value}" for name, value in given.items()]
    same = " AND t._version = b._version" if versioned else ""
    return f"""
        UPDATE {table} AS t SET {", ".join(f"{quote(name)} = {value}" for name, value in given.items())},
            _synced_at = {d.now} FROM batch b
        WHERE t.{key} = b.{key}{same} AND ({" OR ".join(differ)})"""


def revive(d: Dialect, table: str, key: str, link: str, deletes: bool) -> str:
    """Takes the marks off rows of the batch that lived (``living``: key, version), or whose parents did, since then."""
    shown = " AND b._deleted_at IS NULL" if deletes else ""
    return f"""
        UPDATE {table} AS t SET _deleted_at = NULL, _synced_at = {d.now} FROM batch b, living v
        WHERE t.{key} = b.{key} AND b.{link}::VARCHAR = v.key::VARCHAR AND t._deleted_at < v.version{shown}"""


def gone_count(table: str, key: str) -> str:
    """How many rows the deletions without payload (``gone``: key, stamp) delete that were live, or not known."""
    return f"""
        SELECT (SELECT count(*) FROM gone g JOIN {table} t ON t.{key} = g.key
                WHERE t._deleted_at IS NULL AND (t._version IS NULL OR g.stamp >= t._version))
            + (SELECT count(*) FROM gone {_NEW} WHERE true{_apart(table, key, "key")})"""


def gone_mark(d: Dialect, table: str, key: str) -> str:
    """Marks the rows they delete."""
    return f"""
        UPDATE {table} AS t SET _deleted_at = g.stamp, _synced_at = {d.now} FROM gone g
        WHERE t.{key} = g.key AND (t._version IS NULL OR g.stamp >= t._version)
            AND (t._deleted_at IS NULL OR t._deleted_at < g.stamp)"""


def gone_note(d: Dialect, table: str, key: str) -> str:
    """Notes deletions of keys that no row has: an older payload may still come."""
    return f"""
        INSERT INTO {table} ({key}, _deleted_at, _synced_at) SELECT key, stamp, {d.now} FROM gone {_NEW}
        WHERE true{_apart(table, key, "key")}"""


def close(d: Dialect, table: str, key: str, child: Child) -> str:
    """Marks members that their parent's whole, newer list (``closing``: key, version) neither shows nor names.

    ``named``: key, version. What a narrower owner has too (a subscription's discount names the customer) is not its.
    """
    return f"""
        UPDATE {table} AS t SET _deleted_at = z.version, _synced_at = {d.now} FROM closing z
        WHERE t.{quote(child.parent)} = z.key AND t._version < z.version AND t._deleted_at IS NULL{_unless(child)}
            AND NOT EXISTS (SELECT 1 FROM named n WHERE n.key = t.{key})"""


def reinstate(d: Dialect, table: str, key: str) -> str:
    """Clears the marks of members that a whole list names (``named``: key, version) later than they were set."""
    return f"""
        UPDATE {table} AS t SET _deleted_at = NULL, _synced_at = {d.now} FROM named n
        WHERE t.{key} = n.key AND t._deleted_at < n.version AND t._version IS NOT NULL"""


# Until when a deleted parent surely was: shown as deleted again, it keeps its first mark.
_DEAD = "greatest(p._deleted_at, p._version)"


def orphans(d: Dialect, table: str, child: Child, parent: str, key: str, *, told: str, alike: bool) -> str:
    """Marks the children of deleted parents, but for those that a narrower owner has too.

    ``alike``: whether the column that holds the parent's key is of the type of that key, or else text.
    ``told``: of which this commit tells, ``p`` the parents or ``t`` the children: an event of a child may come after
    its parent's deletion and yet be older. "" for all there are.
    """
    owner = f"p.{key}" if alike else f"p.{key}::VARCHAR"
    here = f"{told}._synced_at = {d.now} AND " if told else ""
    return f"""
        UPDATE {table} AS t SET _deleted_at = {_DEAD}, _synced_at = {d.now} FROM {parent} p
        WHERE {here}p._deleted_at IS NOT NULL AND t.{quote(child.parent)} = {owner}
            AND t._deleted_at IS NULL AND (t._version IS NULL OR t._version <= {_DEAD}){_unless(child)}"""


def _unless(child: Child) -> str:
    return "".join(f" AND t.{quote(name)} IS NULL" for name in child.unless)


def held(d: Dialect, table: str, key: str) -> str:
    """Which of some keys (``wanted``: key) the table has, and since when they are gone."""
    gone = d.micros.format("t._deleted_at")
    return f"SELECT w.key::VARCHAR, {gone} FROM wanted w JOIN {table} t ON t.{key} = w.key"


def stale(d: Dialect, parent: str, key: str) -> str:
    """Of the parents whose lists came (``owners``: key, version), those stored newer, or deleted since."""
    dead = f"CASE WHEN p._deleted_at IS NOT NULL THEN {_DEAD} END"
    version, gone = d.micros.format("p._version"), d.micros.format(f"({dead})")
    return f"""
        SELECT o.key::VARCHAR, {version}, {gone} FROM owners o JOIN {parent} p
        ON p.{key} = o.key WHERE p._version > o.version OR p._deleted_at IS NOT NULL AND {_DEAD} >= o.version"""


def outdated(d: Dialect, table: str, link: str) -> str:
    """Of the parents whose lists came (``owners``: key, version), those of which a newer list is stored."""
    newest = d.micros.format("max(greatest(t._version, coalesce(t._deleted_at, t._version)))")
    return f"""
        SELECT o.key::VARCHAR, {newest}, NULL FROM owners o JOIN {table} t ON t.{link}::VARCHAR = o.key::VARCHAR
        WHERE t._version > o.version OR t._deleted_at > o.version GROUP BY o.key"""
