"""Kinds of records: one declaration per object of the organisation."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from catchment.imitations.salesforce.fields import AUDIT, DELETED, ID, STAMP, Field


@dataclass(frozen=True)
class Kind:
    """One object. `share`: how many of a thousand generated rows it gets; `few`: never more rows than this.

    `children`: what is deleted with a record, as (object, field that refers to it). `must`: fields of which WHERE has
    to name one. `archives`: old records are shown by queryAll only.
    """

    name: str
    prefix: str
    fields: tuple[Field, ...]
    label: str = ""
    plural: str = ""
    share: float = 1.0
    few: int | None = None
    queryable: bool = True
    replicateable: bool = True
    bulk: bool = True
    mergeable: bool = False
    must: tuple[str, ...] = ()
    children: tuple[tuple[str, str], ...] = ()
    archives: bool = False

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields under their lower-case names."""
        return {field.name.lower(): field for field in self.fields}

    @cached_property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @cached_property
    def clock(self) -> str | None:
        """The field that tells when a record last changed."""
        names = {field.name for field in self.fields}
        order = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
        return next((name for name in order if name in names), None)

    def has(self, name: str) -> bool:
        return name.lower() in self.by_name

    def having(self, field: Field) -> "Kind":
        """The same kind with one field more."""
        return replace(self, fields=(*self.fields, field))

    def without(self, name: str) -> "Kind":
        """The same kind with one field less."""
        return replace(self, fields=tuple(field for field in self.fields if field.name != name))

    def with_label(self, name: str, label: str) -> "Kind":
        """The same kind with a field that is called otherwise."""
        return replace(
            self, fields=tuple(replace(field, named=label) if field.name == name else field for field in self.fields)
        )


def kind(name: str, prefix: str, *fields: Field | Iterable[Field], **more: object) -> Kind:
    """A usual object: id, its own fields, who made and changed it, the recycle bin's mark."""
    return Kind(name, prefix, (ID, DELETED, *flat(fields), *AUDIT), **more)  # type: ignore[arg-type]


def setup(name: str, prefix: str, *fields: Field | Iterable[Field], **more: object) -> Kind:
    """An object of the set-up: deleted without a recycle bin."""
    return Kind(name, prefix, (ID, *flat(fields), *AUDIT), **more)  # type: ignore[arg-type]


def bare(name: str, prefix: str, *fields: Field | Iterable[Field], **more: object) -> Kind:
    """An object of which every field is declared."""
    return Kind(name, prefix, (ID, *flat(fields)), **more)  # type: ignore[arg-type]


def tag(name: str, prefix: str, item: str) -> Kind:
    """A tag on a record of `item`."""
    own = (
        Field("ItemId", "reference", 18, to=(item,), nillable=False),
        Field("TagDefinitionId", "reference", 18, to=("TagDefinition",), nillable=False),
        Field("Name", "string", 255, nillable=False),
        Field("Type", "picklist", 255, choices=("Public", "Personal")),
        Field("CreatedDate", "datetime", nillable=False),
        Field("CreatedById", "reference", 18, to=("User",), nillable=False),
        STAMP,
    )
    return Kind(name, prefix, (ID, DELETED, *own), share=6, plural=f"{name}s")


def flat(fields: Iterable[Field | Iterable[Field]]) -> tuple[Field, ...]:
    """Fields and groups of fields as one row of fields."""
    found: list[Field] = []
    for given in fields:
        found.extend([given] if isinstance(given, Field) else given)
    return tuple(found)
