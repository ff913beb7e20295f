"""What the vendor says of an object type, and the collection that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from framework.collection import Collection, Column, Type
from framework.naming import column_name

STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")  # by which changes are found, best first
MOVING = frozenset({"SystemModstamp", "LastModifiedDate"})  # those that every change of a row moves
COMPOUND = ("address", "location")  # shown again by the fields that they are made of

_TYPES: Mapping[str, Type] = {
    "boolean": "bool",
    "int": "bigint",
    "long": "bigint",
    "date": "date",
    "datetime": "timestamptz",
}
_NUMBERS = ("double", "currency", "percent")
_UNREADABLE = {
    "base64": "a file's content; the API gives it one file at a time",
    "complexvalue": "has no value of its own",
}


class Field(msgspec.Struct, rename="camel", omit_defaults=True):
    """One field of an object type, as far as a table needs it. ``column``: its name here, for good."""

    name: str
    type: str
    label: str | None = ""
    scale: int | None = 0
    calculated: bool = False
    filterable: bool = True
    reference_to: list[str] | None = None
    column: str = ""
    hidden: bool = False  # no longer shown to this user: its column stays


class ObjectType(msgspec.Struct, rename="camel", omit_defaults=True):
    """An object type. ``modified``: the vendor's `Last-Modified` of this description."""

    name: str
    label: str | None = ""
    queryable: bool = True
    replicateable: bool = True  # untold: its log says no, and its ids are compared
    fields: list[Field] = []
    modified: str = ""
    gone: bool = False  # not shown any more: kept for the names of its columns


DESCRIBE = msgspec.json.Decoder(ObjectType)


def merged(new: ObjectType, known: ObjectType | None) -> ObjectType:
    """A fresh description with the column names of the known one, and its vanished fields, hidden."""
    before = {field.name: field for field in known.fields} if known else {}
    taken = {field.column for field in before.values() if field.column}
    fields = []
    for field in new.fields:
        column = before[field.name].column if field.name in before else ""
        if not column:
            column = column_name([field.name], taken)
            taken.add(column)
        fields.append(msgspec.structs.replace(field, column=column))
    shown = {field.name for field in fields}
    fields += [msgspec.structs.replace(f, hidden=True) for name, f in before.items() if name not in shown]
    return msgspec.structs.replace(new, fields=fields)


def readable(type_: ObjectType) -> list[Field]:
    """The fields that queries ask for."""
    return [f for f in type_.fields if not f.hidden and f.type not in COMPOUND and f.type not in _UNREADABLE]


def stamp(type_: ObjectType) -> str:
    """The field by which its changes are found; "" when there is none and it is read whole each time."""
    times = {f.name for f in readable(type_) if f.type == "datetime" and f.filterable}
    return next((name for name in STAMPS if name in times), "")


def column_type(field: Field) -> Type:
    """The column's type; numbers are exact, whatever the vendor keeps them in."""
    if field.type in _NUMBERS:
        return "decimal"
    return _TYPES.get(field.type, "text")


def collection(declared: Collection, type_: ObjectType, tables: Mapping[str, str]) -> Collection:
    """The declared collection with this account's columns. ``tables``: object type -> the collection of its rows."""
    shown = [f for f in type_.fields if f.type not in COMPOUND and f.type not in _UNREADABLE]
    missing = {f.column: _UNREADABLE[f.type] for f in type_.fields if f.type in _UNREADABLE}
    columns = [
        Column(field.column, column_type(field), _told(field), (field.name,), _reference(field.reference_to, tables))
        for field in sorted(shown, key=lambda field: field.name != "Id")
    ]
    return replace(
        declared,
        object=type_.name,
        columns=tuple(columns),
        drop=("attributes",),
        missing=missing,
        description=declared.description or type_.label or "",
    )


def _told(field: Field) -> str:
    text = field.label or field.name
    if field.reference_to and len(field.reference_to) > 1:
        text += f" ({' or '.join(field.reference_to[:6])})"
    if field.calculated:
        text += " (formula: a change of it alone moves no stamp)"
    return text + (" (no longer visible to this user)" if field.hidden else "")


def _reference(names: Sequence[str] | None, tables: Mapping[str, str]) -> str:
    """The collection that a reference leads to; "" when there are several, or none that is known."""
    return tables.get(names[0], "") if names and len(names) == 1 else ""
