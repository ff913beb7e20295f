"""Fields of objects: what a field is, and short ways to declare the usual ones."""

import re
from dataclasses import dataclass
from functools import cached_property

LONG = 4_000
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class Field:
    """One field. `compound`: the compound field that it is a part of; `to`: the objects that it refers to."""

    name: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    to: tuple[str, ...] = ()
    compound: str | None = None
    nillable: bool = True
    calculated: bool = False
    choices: tuple[str, ...] = ()
    named: str = ""
    help: str | None = None
    extra: str | None = None
    unique: bool = False

    @cached_property
    def custom(self) -> bool:
        """Whether an administrator made it."""
        return self.name.endswith(("__c", "__s"))

    @cached_property
    def label(self) -> str:
        """What people read above the field."""
        if self.named:
            return self.named
        plain = re.sub(r"__[cs]$", "", self.name).replace("_", " ")
        return " ".join(_WORDS.findall(plain)) if " " not in plain else " ".join(plain.split())

    @property
    def filterable(self) -> bool:
        """Whether WHERE may name it: long text, bytes and some compounds cannot be compared."""
        return not (self.type == "base64" or (self.type in ("textarea", "string") and self.length > LONG))

    @property
    def parts_only(self) -> bool:
        """A compound field: shown as an object by REST, unknown to the Bulk API."""
        return self.type in ("address", "location")

    @property
    def relationship(self) -> str | None:
        """The name under which the record it refers to is reached."""
        if not self.to:
            return None
        return f"{self.name[:-3]}__r" if self.name.endswith("__c") else self.name.removesuffix("Id")


def text(name: str, length: int = 255, **more: object) -> Field:
    return Field(name, "string", length, **more)  # type: ignore[arg-type]


def area(name: str, length: int = 32_000, **more: object) -> Field:
    return Field(name, "textarea", length, extra="plaintextarea", **more)  # type: ignore[arg-type]


def pick(name: str, *choices: str, length: int = 255) -> Field:
    return Field(name, "picklist", length, choices=choices)


def picks(name: str, *choices: str) -> Field:
    return Field(name, "multipicklist", 4_099, choices=choices)


def ref(name: str, *to: str, nillable: bool = True) -> Field:
    return Field(name, "reference", 18, to=to, nillable=nillable)


def money(name: str, precision: int = 18, scale: int = 2, **more: object) -> Field:
    return Field(name, "currency", precision=precision, scale=scale, **more)  # type: ignore[arg-type]


def number(name: str, precision: int = 18, scale: int = 0, **more: object) -> Field:
    return Field(name, "double", precision=precision, scale=scale, **more)  # type: ignore[arg-type]


def percent(name: str, precision: int = 3, scale: int = 0) -> Field:
    return Field(name, "percent", precision=precision, scale=scale)


def whole(name: str) -> Field:
    return Field(name, "int", digits=9)


def day(name: str) -> Field:
    return Field(name, "date")


def when(name: str, *, nillable: bool = True) -> Field:
    return Field(name, "datetime", nillable=nillable)


def flag(name: str) -> Field:
    return Field(name, "boolean", nillable=False)


def mail(name: str = "Email") -> Field:
    return Field(name, "email", 80)


def phone(name: str = "Phone") -> Field:
    return Field(name, "phone", 40)


def link(name: str) -> Field:
    return Field(name, "url", 255)


def blob(name: str = "Body") -> Field:
    return Field(name, "base64")


def address(prefix: str) -> tuple[Field, ...]:
    """An address: its parts, then the compound field itself."""
    whole_name = f"{prefix}Address" if prefix else "Address"
    return (
        Field(f"{prefix}Street", "textarea", 255, compound=whole_name, extra="plaintextarea"),
        Field(f"{prefix}City", "string", 40, compound=whole_name),
        Field(f"{prefix}State", "string", 80, compound=whole_name),
        Field(f"{prefix}PostalCode", "string", 20, compound=whole_name),
        Field(f"{prefix}Country", "string", 80, compound=whole_name),
        Field(f"{prefix}Latitude", "double", precision=18, scale=15, compound=whole_name),
        Field(f"{prefix}Longitude", "double", precision=18, scale=15, compound=whole_name),
        Field(f"{prefix}GeocodeAccuracy", "picklist", 40, compound=whole_name, choices=("Address", "Zip", "City")),
        Field(whole_name, "address"),
    )


def location(stem: str) -> tuple[Field, ...]:
    """A custom place on earth: `Geo` gives Geo__Latitude__s, Geo__Longitude__s and Geo__c."""
    return (
        Field(f"{stem}__Latitude__s", "double", precision=18, scale=15, compound=f"{stem}__c"),
        Field(f"{stem}__Longitude__s", "double", precision=18, scale=15, compound=f"{stem}__c"),
        Field(f"{stem}__c", "location"),
    )


def person() -> tuple[Field, ...]:
    """The name of a person. The vendor writes the compound's own name on the compound too."""
    return (
        text("LastName", 80, compound="Name", nillable=False),
        text("FirstName", 40, compound="Name"),
        Field("Salutation", "picklist", 40, compound="Name", choices=("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")),
        Field("Name", "string", 121, compound="Name", nillable=False, extra="personname"),
    )


ID = Field("Id", "id", 18, nillable=False)
DELETED = flag("IsDeleted")
CREATED = (when("CreatedDate", nillable=False), ref("CreatedById", "User", nillable=False))
MODIFIED = (when("LastModifiedDate", nillable=False), ref("LastModifiedById", "User", nillable=False))
STAMP = when("SystemModstamp", nillable=False)
AUDIT = (*CREATED, *MODIFIED, STAMP)
VIEWED = (when("LastViewedDate"), when("LastReferencedDate"))
OWNER = ref("OwnerId", "User", nillable=False)
