"""Which live rows a whole listing did not show, and, of objects that are no rows here, which of their members live."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Sequence
from typing import Any

from framework.warehouse import Unseen
from warehouse_loader.destination import Session
from warehouse_loader.dialect import instant, quote, table
from warehouse_loader.registry import Registry


def living(source: str, registry: Registry, name: str, there: Names[str], since: int = 0) -> str:
    """The query of the keys of what lives of a collection (key, _version); "" where no table tells.

    Of a carrier, the parents that live members name, once for each. ``since``: only what was created then or later.
    """
    if name not in registry:
        return "" if since else " UNION ALL ".join(_named(source, registry, name, there))
    if name not in there:
        return ""
    younger = ""
    if since:
        if not (column := created(registry, name)):
            return ""
        younger = f" AND {quote(column)} >= {instant(since)}"
    key = quote(registry.collections[name].key)
    return f"SELECT {key}::VARCHAR AS key, _version FROM {table(source, name)} WHERE _deleted_at IS NULL{younger}"


def _named(source: str, registry: Registry, carrier: str, there: Names[str]) -> Iterable[str]:
    for name in registry.collections:
        for parent, child in registry.parents(name) if name in there else ():
            if parent.name == carrier:
                link = quote(child.parent)
                own = "".join(f" AND {quote(one)} IS NULL" for one in child.unless)
                where = f"_deleted_at IS NULL AND {link} IS NOT NULL{own}"
                yield f"SELECT {link}::VARCHAR AS key, _version FROM {table(source, name)} WHERE {where}"


def created(registry: Registry, name: str) -> str:
    """The column that tells when a row was created; "" where none does."""
    declared, leaves = registry.collections[name].created, registry[name].by_name
    return declared.name if declared is not None and leaves[declared.name].kind == "timestamptz" else ""


def keys(session: Session, source: str, registry: Registry, name: str, unseen: Unseen, there: Names[str]) -> list[str]:
    """The keys of what lives and was not shown, the oldest version first.

    What live members name and no row tells of is missed as well: it may have come and gone while it was not selected.
    """
    own = living(source, registry, name, there, unseen.since)
    members = [] if unseen.since or (name in registry and not own) else _named(source, registry, name, there)
    named = " UNION ALL ".join(members)
    if named and name in registry:
        key = quote(registry.collections[name].key)
        known = f"SELECT 1 FROM {table(source, name)} t WHERE t.{key}::VARCHAR = n.key"
        named = f"SELECT key, _version FROM ({named}) n WHERE NOT EXISTS ({known})"
    found = " UNION ALL ".join(filter(None, [own if name in registry else "", named]))
    if not found:
        return []
    if named:
        found = f"SELECT key, max(_version) AS _version FROM ({found}) x GROUP BY key"
    asked = f"SELECT key FROM ({found}) y WHERE _version < {instant(unseen.before)}"
    ordered = " ORDER BY _version, key"
    shown = _table(unseen.shown)
    if shown is None:
        return [key for (key,) in session.rows(asked + ordered)]
    # What was shown may be as many as the table has rows: the warehouse, which can put them on disk, compares them.
    with session.staged("shown", shown):
        apart = " AND NOT EXISTS (SELECT 1 FROM shown s WHERE s.key = y.key)"
        return [key for (key,) in session.rows(asked + apart + ordered)]


def _table(batches: Iterable[Sequence[str]]) -> Any:
    """Keys as an Arrow table; None where there are none."""
    import pyarrow as pa

    chunks = [pa.array(batch, pa.string()) for batch in batches]
    return pa.table({"key": pa.chunked_array(chunks)}) if chunks else None
