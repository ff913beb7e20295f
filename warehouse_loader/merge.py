"""The SQL that merges a batch into its table: newest payload wins, deletions are ordered apart from payloads."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from warehouse_loader.lattice import PRECISION, SCALE, Kind

SQL_TYPES: dict[Kind, str] = {
    "bool": "BOOLEAN",
    "bigint": "BIGINT",
    "decimal": f"DECIMAL({PRECISION},{SCALE})",
    "double": "DOUBLE",
    "text": "VARCHAR",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "json": "JSON",
}
KINDS: dict[str, Kind] = {name: kind for kind, name in SQL_TYPES.items()}

_INSTANT = SQL_TYPES["timestamptz"]
NOW = "getvariable('catchment_now')"  # the time of the commit, set once in its connection


def set_now(micros: int) -> str:
    return f"SET VARIABLE catchment_now = make_timestamptz({micros:d})"


def quote(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def create(table: str, columns: Sequence[tuple[str, Kind]]) -> str:
    listed = [f"{quote(name)} {SQL_TYPES[kind]}" for name, kind in columns]
    listed += [f"{name} {_INSTANT}" for name in ("_version", "_synced_at", "_deleted_at")]
    return f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(listed)})"


def add_column(table: str, name: str, kind: Kind) -> str:
    return f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quote(name)} {SQL_TYPES[kind]}"


def widen(table: str, name: str, kind: Kind, into: Kind) -> str:
    """A column's type made wider, its values kept: an instant becomes its seconds since 1970."""
    return f"ALTER TABLE {table} ALTER COLUMN {quote(name)} TYPE {SQL_TYPES[into]} USING {_as(quote(name), kind, into)}"


def _as(column: str, kind: Kind, into: Kind) -> str:
    if into not in ("text", "json"):
        return f"{column}::{SQL_TYPES[into]}"
    text = f"{column}::VARCHAR"
    if kind == "timestamptz":
        seconds = f"(epoch_us({column})::DECIMAL(24,0) * 0.000001)::VARCHAR"
        text = f"rtrim(rtrim({seconds}, '0'), '.')"
    elif kind == "decimal":
        text = f"rtrim(rtrim({text}, '0'), '.')"
    if into == "text":
        return text
    return f"to_json({text})" if kind in ("text", "date") else f"{text}::JSON"


def find(table: str, key: str) -> str:
    """Puts into ``near`` where the batch's rows are that the table has already, and counts them.

    Only the key is read of the whole table; what is read of all columns is then found by its place.
    """
    return f"""
        CREATE OR REPLACE TEMP TABLE near AS
        SELECT t.rowid AS place, t.{key} AS key FROM {table} t SEMI JOIN batch b ON t.{key} = b.{key}"""


def insert(table: str, key: str, anti: bool) -> str:
    """Adds the rows that are new; ``anti`` where some may be known."""
    apart = f" ANTI JOIN {table} t ON t.{key} = b.{key}" if anti else ""
    return f"INSERT INTO {table} BY NAME SELECT b.*, {NOW} AS _synced_at FROM batch b{apart}"


def compare(table: str, key: str, columns: Sequence[str], empty: Collection[str], deletes: bool) -> str:
    """Puts into ``hit`` what each known row of the batch changes; what is older than its row changes nothing.

    ``how``: the whole ``row``, or only its ``version``. ``d0``, ``d1`` ... say which of ``columns`` differ; those in
    ``empty`` are null in the whole batch and not in it.
    """
    differ = [
        f"t.{quote(name)} IS NOT NULL" if name in empty else f"t.{quote(name)} IS DISTINCT FROM b.{quote(name)}"
        for name in columns
    ]
    named = [f"d{at}" for at in range(len(columns))]
    listed = "".join(f", {one} AS {name}" for one, name in zip(differ, named, strict=True))
    dead = "greatest(t._deleted_at, b._deleted_at)" if deletes else "t._deleted_at"
    return f"""
        CREATE OR REPLACE TEMP TABLE hit AS
        WITH pair AS (
            SELECT n.place, n.key, b._version AS bv, t._version AS tv, t._deleted_at AS td,
                CASE WHEN {dead} >= b._version THEN {dead} END AS dead{listed}
            FROM near n JOIN {table} t ON t.rowid = n.place JOIN batch b ON b.{key} = n.key
            WHERE t._version IS NULL OR b._version >= t._version
        )
        SELECT *, CASE
            WHEN {" OR ".join(named) or "false"} OR tv IS NULL OR dead IS DISTINCT FROM td THEN 'row'
            WHEN bv > tv THEN 'version' END AS how
        FROM pair WHERE how IS NOT NULL"""


def tally(columns: Sequence[str]) -> str:
    """Per ``how``: rows, rows that it marks as deleted, rows that it revives, and per column whether any differs."""
    any_of = "".join(f", bool_or(d{at})" for at in range(len(columns)))
    return f"""
        SELECT how, count(*), count(*) FILTER (td IS NULL AND dead IS NOT NULL),
            count(*) FILTER (td IS NOT NULL AND dead IS NULL){any_of} FROM hit GROUP BY how"""


def update_versions(table: str) -> str:
    """Moves the versions of rows that came again as they were."""
    return f"UPDATE {table} AS t SET _version = h.bv FROM hit h WHERE h.how = 'version' AND t.rowid = h.place"


def update_rows(table: str, key: str, columns: Sequence[str], empty: Collection[str]) -> str:
    """Writes the rows that changed; ``columns`` are those that differ in any of them.

    Columns that do not change are not written: each costs its share of every row group that holds a changed row.
    """
    sets = [f"{quote(name)} = {'NULL' if name in empty else 'b.' + quote(name)}" for name in columns]
    sets += ["_version = b._version", "_deleted_at = h.dead", f"_synced_at = {NOW}"]
    return f"""
        UPDATE {table} AS t SET {", ".join(sets)}
        FROM batch b, hit h WHERE h.how = 'row' AND h.key = b.{key} AND t.rowid = h.place"""


def gone_count(table: str, key: str) -> str:
    """How many rows the deletions without payload (``gone``: key, stamp) delete that were live, or not known."""
    return f"""
        SELECT (SELECT count(*) FROM gone g JOIN {table} t ON t.{key} = g.key
                WHERE t._deleted_at IS NULL AND (t._version IS NULL OR g.stamp >= t._version))
            + (SELECT count(*) FROM gone g ANTI JOIN {table} t ON t.{key} = g.key)"""


def gone_mark(table: str, key: str) -> str:
    """Marks the rows they delete."""
    return f"""
        UPDATE {table} AS t SET _deleted_at = g.stamp, _synced_at = {NOW} FROM gone g
        WHERE t.{key} = g.key AND (t._version IS NULL OR g.stamp >= t._version)
            AND (t._deleted_at IS NULL OR t._deleted_at < g.stamp)"""


def gone_note(table: str, key: str) -> str:
    """Notes deletions of keys that no row has: an older payload may still come."""
    return f"""
        INSERT INTO {table} ({key}, _deleted_at, _synced_at)
        SELECT g.key, g.stamp, {NOW} FROM gone g ANTI JOIN {table} t ON t.{key} = g.key"""


def close(table: str, link: str, narrower: Sequence[str]) -> str:
    """Marks members that their parent's whole, newer list (``closing``: key, version) does not show.

    A row that a narrower parent owns too (a subscription's discount names the customer) is that parent's to close.
    """
    others = "".join(f" AND t.{quote(name)} IS NULL" for name in narrower)
    return f"""
        UPDATE {table} AS t SET _deleted_at = z.version, _synced_at = {NOW} FROM closing z
        WHERE t.{quote(link)} = z.key AND t._version < z.version AND t._deleted_at IS NULL{others}"""


def orphans(table: str, link: str, parent: str, key: str, narrower: Sequence[str], *, told: str) -> str:
    """Marks the children of deleted parents, but for those that a narrower parent owns too.

    ``told``: of which this commit tells, ``p`` the parents or ``t`` the children: an event of a child may come after
    its parent's deletion and yet be older.
    """
    others = "".join(f" AND t.{quote(name)} IS NULL" for name in narrower)
    return f"""
        UPDATE {table} AS t SET _deleted_at = p._deleted_at, _synced_at = {NOW} FROM {parent} p
        WHERE {told}._synced_at = {NOW} AND p._deleted_at IS NOT NULL AND t.{quote(link)} = p.{key}::VARCHAR
            AND t._deleted_at IS NULL AND (t._version IS NULL OR t._version <= p._deleted_at){others}"""


def held(table: str, key: str) -> str:
    """Which of some keys (``wanted``: key) the table has, and since when they are gone."""
    return f"""
        SELECT w.key, epoch_us(t._deleted_at) FROM wanted w JOIN {table} t ON t.{key}::VARCHAR = w.key"""


def stale(parent: str, key: str) -> str:
    """Of the parents whose lists came (``owners``: key, version), those stored newer, or deleted since."""
    return f"""
        SELECT o.key, epoch_us(p._version), epoch_us(p._deleted_at) FROM owners o JOIN {parent} p
        ON p.{key}::VARCHAR = o.key WHERE p._version > o.version OR p._deleted_at >= o.version"""
