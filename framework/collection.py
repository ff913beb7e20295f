"""What a collection is: one table of the warehouse, declared by the vendor's paths that fill its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Type = Literal["bool", "bigint", "decimal", "double", "text", "timestamptz", "date", "json"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column.

    ``path`` says where its value is in the vendor's object: names, and a number for "the nth of an array".
    A path of one name claims that field. A longer path claims its first field as *flattened* (that object has
    no column of its own) unless another column holds the whole field as JSON; then it is read out of it.
    ``type`` timestamptz reads whole Unix seconds and ISO 8601 text; decimal reads numbers and numeric text;
    text on an expandable reference keeps the id of an object that came expanded.
    """

    name: str
    type: Type
    description: str = ""
    path: Path = ()
    references: str = ""  # the collection whose key this column holds, "" when it is no reference

    def __post_init__(self) -> None:
        if not self.path:
            object.__setattr__(self, "path", (self.name,))


@dataclass(frozen=True, slots=True)
class Child:
    """A list inside an object whose members are rows of another collection.

    ``path``: where the list is: an envelope ``{"data", "has_more", "url"}``, a plain array, or a single object.
    ``into``: the collection of its members, or a map from their object type to collections.
    ``parent``: the child's column that gets the parent's key.
    ``expand``: the vendor shows it only when asked (``expand[]``), so events do not carry it. ``announced``:
    its members have events of their own; otherwise a changed parent's list is read when an event tells of the parent.
    ``unless``: columns of a member that name a narrower owner where they are filled: what this list does not show of
    those proves nothing. Any other member missing from a complete, newer list is gone.
    ``url``: the list's own path (``{id}`` is the parent's key). With an empty ``path`` nothing is embedded and each
    new or changed parent costs at least one call there.
    """

    path: str
    into: str | Mapping[str, str]
    parent: str
    expand: str = ""
    announced: bool = False
    url: str = ""
    unless: tuple[str, ...] = ()

    def collections(self) -> tuple[str, ...]:
        return (self.into,) if isinstance(self.into, str) else tuple(dict.fromkeys(self.into.values()))

    def members(self, row: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
        """The members of the list that an object shows, each with its collection."""
        shown: Any = row
        for part in self.path.split(".") if self.path else ():
            shown = shown.get(part) if isinstance(shown, dict) else None
        if isinstance(shown, dict) and isinstance(shown.get("data"), list):
            shown = shown["data"]
        found = []
        for member in shown if isinstance(shown, list) else [shown]:
            if isinstance(member, dict) and member is not row:
                into = self.into if isinstance(self.into, str) else self.into.get(str(member.get("object")), "")
                if into:
                    found.append((member, into))
        return found


_CREATED = ("created", "created_at", "created_date", "date")


@dataclass(frozen=True, slots=True)
class Collection:
    """One table: its key, its columns and the lists inside its objects.

    ``object``: the vendor's name of the object type, by which a change feed routes to this collection.
    ``key``: name of the key column. A child without an identity of its own declares ``numbered``: its key is
    ``<parent key>_<position>``.
    ``drop``: top-level fields that are no columns (child lists are dropped by themselves).
    ``get``: path that reads one object by id (``{id}`` and fields of the object); "" when there is none.
    """

    name: str
    kind: Literal["object", "event"] = "object"
    object: str = ""
    key: str = "id"
    columns: tuple[Column, ...] = ()
    children: tuple[Child, ...] = ()
    drop: tuple[str, ...] = ()
    get: str = ""
    default: bool = True
    numbered: bool = False
    description: str = ""
    current_by: str = ""  # how it is kept up to date, for catalog and docs
    deletions: str = ""  # how its deletions are seen, for catalog and docs
    missing: Mapping[str, str] = field(default_factory=dict)  # documented columns that are left out -> why

    @property
    def identity(self) -> str:
        """The vendor's field that fills the key."""
        return next((str(column.path[0]) for column in self.columns if column.name == self.key), self.key)

    @property
    def created(self) -> Column | None:
        """The column that tells when a row was created; None where none does."""
        times = {column.name: column for column in self.columns if column.type == "timestamptz"}
        return next((times[name] for name in _CREATED if name in times), None)
