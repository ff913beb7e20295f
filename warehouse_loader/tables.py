"""The tables of a source: made where they are missing, with every column as wide as the values on their way to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from framework.collection import Collection
from warehouse_loader import marks, merge, views
from warehouse_loader.destination import Session
from warehouse_loader.dialect import OVERFLOW, SYSTEM, Dialect, literal, quote, table
from warehouse_loader.lattice import Kind, join
from warehouse_loader.layout import Layout, Leaf
from warehouse_loader.overflow import may_overflow
from warehouse_loader.registry import Registry, wider


@dataclass(slots=True)
class Tables:
    """``names``: those there are. ``made``: those made for this commit. ``columns``: of those that it writes.

    ``layouts``: what these were made for. Pages that are decoded meanwhile teach more, for the next commit.
    """

    names: set[str]
    layouts: dict[str, Layout]
    made: set[str] = field(default_factory=set)
    columns: dict[str, set[str]] = field(default_factory=dict)


def ensure(session: Session, source: str, registry: Registry, names: Iterable[str], there: Iterable[str]) -> Tables:
    """The tables of the collections ``names``, made or widened; ``there`` are all that exist."""
    found = Tables(set(there), registry.now())
    creation: list[str] = []
    for name in names:
        if name in found.names:
            found.columns[name] = _widened(session, source, registry, name, found)
        else:
            creation += _create(session, source, registry, name, found)
    if creation:
        session.define(creation)
    found.names |= found.made
    return found


def _create(session: Session, source: str, registry: Registry, name: str, found: Tables) -> list[str]:
    d, whole = session.dialect, table(source, name)
    fitting, overflow = _fitting(d, found.layouts[name].columns, 0, session.room(source, name))
    columns: list[tuple[str, Kind]] = [(leaf.name, leaf.kind) for leaf in fitting]
    if overflow:
        columns.append((OVERFLOW, "json"))
    found.made.add(name)
    found.columns[name] = {column for column, _ in columns} | set(SYSTEM)
    key = registry.collections[name].key
    links = {child.parent: None for _, child in registry.parents(name) if child.parent != key}
    # Whatever becomes of the commit: a new table is none that any feed has filled.
    statements = [marks.forget(source, name), merge.create(d, whole, columns)]
    statements += session.index(source, name, key, unique=True)
    for link in links:
        statements += session.index(source, name, link, unique=False)
    about = registry.collections[name].description
    if d.comments and about:
        statements.append(f"COMMENT ON TABLE {whole} IS {literal(about)}")
    return statements + _comments(d, whole, fitting)


def _fitting(d: Dialect, leaves: Iterable[Leaf], there: int, room: int) -> tuple[list[Leaf], bool]:
    """The columns that a table still takes, the declared ones first, and whether it needs one for the rest."""
    wanted = sorted(leaves, key=lambda leaf: not leaf.declared)
    if len(wanted) < room:
        return wanted, may_overflow(d, there + len(wanted))
    return wanted[: max(room - 1, 0)], True


def _comments(d: Dialect, whole: str, leaves: Iterable[Leaf]) -> list[str]:
    """What the columns are, for whoever looks at the table."""
    described = [leaf for leaf in leaves if leaf.description] if d.comments else []
    return [f"COMMENT ON COLUMN {whole}.{quote(leaf.name)} IS {literal(leaf.description)}" for leaf in described]


def _widened(session: Session, source: str, registry: Registry, name: str, found: Tables) -> set[str]:
    d, whole, layout = session.dialect, table(source, name), found.layouts[name]
    actual = session.columns(source, name)
    there: dict[str, Kind] = {column: d.kinds[kind] for column, kind in actual.items() if kind in d.kinds}
    missing = [leaf for leaf in layout.columns if leaf.name not in actual]
    overflow = False
    if missing:
        missing, overflow = _fitting(d, missing, len(actual), session.room(source, name))
    added: list[tuple[str, Kind]] = [(leaf.name, leaf.kind) for leaf in missing]
    added += [(column, "timestamptz") for column in SYSTEM if column not in actual]
    if overflow and OVERFLOW not in actual:
        added.append((OVERFLOW, "json"))
    if added:
        statements = [merge.add_column(d, whole, column, kind) for column, kind in added]
        session.define(statements + _comments(d, whole, missing))
    for leaf in layout.columns:
        kind = there.get(leaf.name, leaf.kind)
        into = join(kind, leaf.kind)
        if into != kind:
            views.hide(session, source, name)
            session.widen(source, name, leaf.name, kind, into)
    kinds = {leaf.name: there[leaf.name] for leaf in layout.columns if leaf.name in there}
    found.layouts[name] = wider(layout, kinds)
    registry.widen(name, kinds)
    return actual.keys() | {column for column, _ in added}


def in_order(registry: Registry) -> list[str]:
    """The collections, parents before their children."""
    ordered: dict[str, None] = {}

    def visit(collection: Collection, above: tuple[str, ...]) -> None:
        for parent, _ in registry.parents(collection.name):
            if parent.name not in above:
                visit(parent, (*above, collection.name))
        ordered.setdefault(collection.name)

    for collection in registry.collections.values():
        visit(collection, (collection.name,))
    return [name for name in ordered if name in registry.collections]
