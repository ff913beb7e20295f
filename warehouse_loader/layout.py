"""How the objects of one collection lie in memory: a msgspec struct made from its columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any

import msgspec
from msgspec import Raw

from framework.collection import Child, Collection, Column, Path
from framework.naming import original
from warehouse_loader.lattice import INT_MAX, INT_MIN, SECONDS_MAX, SECONDS_MIN, Kind

NOTHING = Raw(b"")  # the field was not there
NULL = Raw(b"null")
_ODD = re.compile(r'["\\\x00-\x1f]')

_INT = Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)]
_TEXT = Annotated[str, msgspec.Meta(min_length=1)]
_STRICT: Mapping[Kind, Any] = {
    "null": None,
    "bool": bool | None,
    "bigint": _INT | None,
    "text": str | None,
    "timestamptz": Annotated[int, msgspec.Meta(ge=SECONDS_MIN, le=SECONDS_MAX)] | None,
}
_KEYS: Mapping[Kind, Any] = {"text": _TEXT, "bigint": _INT}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One column as it stands now: its declared type or a wider one.

    ``loose``: its values come in more than one JSON form, so they are kept as bytes and judged as they become a column.
    """

    name: str
    path: Path
    kind: Kind
    loose: bool = False
    declared: bool = True
    references: str = ""
    description: str = ""

    @property
    def strict(self) -> bool:
        return not self.loose and self.kind in _STRICT


@dataclass(slots=True)
class Node:
    """One field of the vendor's object: columns of its own, fields inside, or a list that is read apart (``cut``).

    ``raw``: kept as bytes. ``mixed``: a flattened object that also comes as something else, which goes to its leaf.
    """

    leaves: list[Leaf] = field(default_factory=list)
    fields: dict[str | int, Node] = field(default_factory=dict)
    cut: bool = False
    raw: bool = False
    mixed: bool = False

    def settle(self) -> None:
        for inner in self.fields.values():
            inner.settle()
        self.mixed = bool(self.leaves and self.fields) and not any(leaf.declared for leaf in self.leaves)
        kinds = {leaf.kind for leaf in self.leaves if leaf.strict}
        self.raw = (
            self.cut
            or any(isinstance(part, int) for part in self.fields)
            or (bool(self.leaves and self.fields) and not self.mixed)
            or (bool(self.leaves) and not self.fields and (len(kinds) != 1 or not all(x.strict for x in self.leaves)))
        )

    def below(self, path: Path = ()) -> list[Leaf]:
        """The columns inside this field, their paths relative to it."""
        found: list[Leaf] = []
        for part, inner in self.fields.items():
            here = (*path, part)
            found += [replace(leaf, path=here) for leaf in inner.leaves]
            found += inner.below(here)
        return found


@dataclass(frozen=True, slots=True)
class Slot:
    """One list that a layout takes out of records: the values of ``leaves``, as JSON bytes if ``raw``.

    ``inner`` are columns that lie inside those bytes, their paths relative to them.
    """

    leaves: tuple[Leaf, ...]
    raw: bool
    inner: tuple[Leaf, ...] = ()


@dataclass(frozen=True)
class Layout:
    """One collection's columns at one moment; what is learned makes a new layout.

    ``children``: the child lists that are read; a declared list that is not among them is passed over.
    """

    collection: Collection
    leaves: tuple[Leaf, ...]
    children: tuple[Child, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Leaf]:
        return {leaf.name: leaf for leaf in self.leaves}

    @cached_property
    def columns(self) -> tuple[Leaf, ...]:
        """The leaves that are columns: one that was only ever null has no type and no column yet."""
        return tuple(leaf for leaf in self.leaves if leaf.kind != "null")

    @cached_property
    def tree(self) -> Node:
        root = Node()
        for name in (*self.collection.drop, *(child.path for child in self.collection.children if child.path)):
            root.fields[name] = Node(cut=True)
        for leaf in self.leaves:
            node = root
            for part in leaf.path:
                node = node.fields.setdefault(part, Node())
            if leaf.path:
                node.leaves.append(leaf)
        root.settle()
        return root

    @cached_property
    def _compiled(self) -> _Compiled:
        return _Compiled(self)

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Decodes a JSON array of objects into a list of records."""
        return msgspec.json.Decoder(list[self.record])  # type: ignore[name-defined]

    def within(self, name: str) -> msgspec.json.Decoder[Any]:
        """Decodes an object whose field ``name`` is such an array; the records are the attribute ``records``."""
        if name not in self._within:
            fields: list[Any] = [("records", list[self.record]), ("has_more", Any, False)]  # type: ignore[name-defined]
            holder = msgspec.defstruct("Holder", fields, rename={"records": name}, gc=False)
            self._within[name] = msgspec.json.Decoder(holder)
        return self._within[name]

    @cached_property
    def _within(self) -> dict[str, msgspec.json.Decoder[Any]]:
        return {}

    @property
    def record(self) -> Any:
        return self._compiled.record

    @property
    def slots(self) -> Sequence[Slot]:
        return self._compiled.slots

    @property
    def extract(self) -> Callable[[list[Any]], list[list[Any]]]:
        """Turns records into one list of values for each slot."""
        return self._compiled.extract

    def attribute(self, name: str) -> str:
        """The record's attribute that holds the vendor's field."""
        return self._compiled.attributes[name]

    def plain(self, name: str) -> str:
        """The record's attribute that holds the vendor's field as a plain value; "" where it is not kept like that."""
        node = self.tree.fields.get(name)
        return self.attribute(name) if node and node.leaves and not node.raw and not node.fields else ""

    @cached_property
    def odd(self) -> bool:
        """Whether a field's name cannot be a struct's, so that records must be given its alias first."""
        return any(alias(str(part)) != part for leaf in self.leaves for part in leaf.path if isinstance(part, str))

    @cached_property
    def undeclared(self) -> Mapping[str, str]:
        """The fields that nobody declared, with their columns; "" for one that has none yet.

        Not what came in the place of an object that is taken apart: that field was always there.
        """
        taken = {leaf.path[:n] for leaf in self.leaves for n in range(1, len(leaf.path))}
        news = [leaf for leaf in self.leaves if not leaf.declared and leaf.path not in taken]
        return {original(leaf.path): leaf.name if leaf.kind != "null" else "" for leaf in news}

    @cached_property
    def key(self) -> Leaf:
        return self.by_name[self.collection.key]


def alias(name: str) -> str:
    """The field's name in a struct: itself, but for the few names that msgspec does not take."""
    return f"\ue000{name.encode().hex()}" if _ODD.search(name) else name


def declared(collection: Collection, parents: Iterable[str] = ()) -> tuple[Leaf, ...]:
    """The columns that a declaration asks for, its key and the columns that hold parents' keys among them."""
    columns = list(collection.columns)
    names = {column.name for column in columns}
    if collection.key not in names:
        columns.insert(0, Column(collection.key, "text", "Identifies the row"))
    columns += [
        Column(name, "text", "The object it belongs to") for name in dict.fromkeys(parents) if name not in names
    ]
    return tuple(
        Leaf(
            column.name,
            () if collection.numbered and column.name == collection.key else column.path,
            column.type,
            references=column.references,
            description=column.description,
        )
        for column in columns
    )


class _Compiled:
    """A layout's struct types and the generated function that takes records apart.

    The function is generated because this is the hot path: one comprehension per column, no dispatch per value.
    """

    def __init__(self, layout: Layout) -> None:
        self.slots: list[Slot] = []
        self.attributes: dict[str, str] = {}
        self._env: dict[str, Any] = {"NULL": NULL, "dump": msgspec.json.encode, "Raw": Raw}
        self._lines: list[str] = []
        key = layout.key
        self._key = key.path[0] if key.path else None
        self.record = self._struct(layout.tree, "r", top=True)
        code = "\n ".join(["def extract(r):", *self._lines, f"return [{', '.join(self._names)}]"])
        exec(code, self._env)  # noqa: S102 - generated from our own numbering, no name of the vendor is in it
        self.extract: Callable[[list[Any]], list[list[Any]]] = self._env["extract"]

    @property
    def _names(self) -> list[str]:
        return [f"s{at}" for at in range(len(self.slots))]

    def _slot(self, slot: Slot, expression: str) -> None:
        self._lines.append(f"s{len(self.slots)} = {expression}")
        self.slots.append(slot)

    def _struct(self, node: Node, records: str, top: bool = False) -> Any:
        """The struct type of a node; ``records`` is the generated variable that will hold its instances."""
        fields: list[tuple[Any, ...]] = []
        names: dict[str, str] = {}
        for at, (name, inner) in enumerate(node.fields.items()):
            attribute = f"f{at}"
            names[attribute] = alias(str(name))
            required = top and name == self._key
            kind, default = self._field(inner, f"x.{attribute} for x in {records}", required)
            if required and not inner.raw:
                fields.insert(0, (attribute, kind))
            else:
                fields.append((attribute, kind, default))
        if top:
            self.attributes = {str(name): f"f{at}" for at, name in enumerate(node.fields)}
        return msgspec.defstruct("Record", fields, rename=names, gc=False, forbid_unknown_fields=True)

    def _field(self, node: Node, values: str, required: bool) -> tuple[Any, Any]:
        """The type and default of one field; adds what is taken out of it to the generated function."""
        if node.raw:
            inner = tuple(node.below())
            if node.leaves or inner:
                missing = "v if len(v) else NULL for v in (" if node.cut else ""
                self._slot(Slot(tuple(node.leaves), True, inner), f"[{missing}{values}{')' if missing else ''}]")
            return Raw, NOTHING if node.cut else NULL
        if not node.fields:
            self._slot(Slot(tuple(node.leaves), raw=False), f"[{values}]")
            kind = node.leaves[0].kind
            return (_KEYS if required else _STRICT)[kind], None
        return self._group(node, values)

    def _group(self, node: Node, values: str) -> tuple[Any, Any]:
        at = len(self._env)
        records = f"g{at}"
        self._env[f"T{at}"] = self._env[f"E{at}"] = None  # takes the number before an inner group can
        line = len(self._lines)
        self._env[f"T{at}"] = struct = self._struct(node, records)
        self._env[f"E{at}"] = struct()
        self._lines.insert(line, f"{records} = [v if type(v) is T{at} else E{at} for v in ({values})]")
        if not node.mixed:
            return struct | None, None
        other = f"NULL if v is None or type(v) is T{at} else Raw(dump(v))"
        self._slot(Slot(tuple(node.leaves), raw=True), f"[{other} for v in ({values})]")
        return struct | str | bool | int | float | list[Raw] | None, None
