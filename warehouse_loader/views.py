"""Views with a typed column for each field that an account has defined, made anew when their definition changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from framework.fieldview import FieldView
from framework.naming import column_name
from warehouse_loader.dialect import Dialect, literal, quote, table
from warehouse_loader.marks import STATE

if TYPE_CHECKING:
    from framework.collection import Type
    from warehouse_loader.destination import Session


def show(session: Session, source: str, views: Iterable[FieldView]) -> None:
    """Brings the views up to date whose tables are both there; writes nothing where nothing changed.

    One that went with its table is made again.
    """
    there, made = session.tables(source), session.views(source)
    stored: dict[str, str] = dict(
        session.rows(f"SELECT name, document FROM {table(source, STATE)} WHERE kind = 'view'")
    )
    for view in views:
        if not {view.of, view.fields} <= there:
            continue
        select = _select(session, source, view)
        digest = hashlib.sha256(select.encode()).hexdigest()
        if stored.get(view.name) != digest or view.name not in made:
            _make(session, source, view.name, select, digest)


def hide(session: Session, source: str, of: str) -> None:
    """Takes away the views of a table whose columns are about to change their type; ``show`` brings them back."""
    if session.dialect.rebuilds:
        return
    ours = f"FROM {table(source, STATE)} WHERE kind = 'view' AND name LIKE {literal(of + '_%')}"
    if STATE in session.tables(source) and (found := session.rows(f"SELECT name {ours}")):
        session.define([*(f"DROP VIEW IF EXISTS {table(source, name)}" for (name,) in found), f"DELETE {ours}"])


def _make(session: Session, source: str, name: str, select: str, digest: str) -> None:
    state = table(source, STATE)
    if not session.view(source, name, select):
        return
    session.change(f"DELETE FROM {state} WHERE kind = 'view' AND name = {literal(name)}")
    session.change(
        f"INSERT INTO {state} (kind, name, rev, document, updated_at) "
        f"VALUES ('view', {literal(name)}, 1, {literal(digest)}, {session.dialect.now})"
    )


def _select(session: Session, source: str, view: FieldView) -> str:
    """The view's query. It names the columns of the table, so that it changes when they do."""
    d = session.dialect
    columns = session.columns(source, view.of)
    taken = set(columns)
    listed = [f"t.{quote(name)} /* {type_} */" for name, type_ in sorted(columns.items())]
    for key, title, kind in _fields(session, source, view) if view.column in columns else ():
        name = column_name((title,), taken)
        taken.add(name)
        type_: Type = (view.types or {}).get(kind, "text")
        listed.append(f"{_typed(d, _picked(d, view, key), type_)} AS {quote(name)}")
    return f"SELECT {', '.join(listed)} FROM {table(source, view.of)} t"


def _fields(session: Session, source: str, view: FieldView) -> list[tuple[str, str, str]]:
    """Key, title and vendor's type of every field that counts, oldest first: of two titles the older keeps its name.

    None where one of these three is left out.
    """
    there = session.columns(source, view.fields)
    if not {view.key, view.title, view.kind} <= there.keys():
        return []
    wanted = [f"{quote(column)} = {str(value).lower()}" for column, value in view.only if column in there]
    query = (
        f"SELECT {quote(view.key)}::VARCHAR, {quote(view.title)}, {quote(view.kind)} FROM {table(source, view.fields)} "
        f"WHERE {' AND '.join(['_deleted_at IS NULL', f'{quote(view.title)} IS NOT NULL', *wanted])} ORDER BY id"
    )
    return [(key, title, kind) for key, title, kind in session.rows(query)]


def _picked(d: Dialect, view: FieldView, key: str) -> str:
    """A value as JSON."""
    column = f"t.{quote(view.column)}"
    return d.member.format(column, literal(key)) if view.form == "map" else d.pair.format(column, literal(key))


def _typed(d: Dialect, value: str, type_: Type) -> str:
    """JSON as a value of one of our types; what is none of that type is null."""
    if type_ == "json":
        return value
    text = d.text.format(value)
    if type_ == "text":
        return text
    if type_ == "bool":
        return f"CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END"
    return f"CASE WHEN {d.matches.format(text, literal(_FORMS[type_]))} THEN {text}::{d.types[type_]} END"


_NUMBER = r"^-?[0-9]{1,18}$"
_FORMS: Mapping[str, str] = {
    "bigint": _NUMBER,
    "decimal": r"^-?[0-9]{1,20}(\.[0-9]{1,9})?$",
    "double": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$",
    "date": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    "timestamptz": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})$",
}
