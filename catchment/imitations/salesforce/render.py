"""How values look: in REST answers, and in the CSV of the Bulk API, which writes the same values otherwise."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from catchment.imitations.salesforce.fields import Field
from catchment.imitations.salesforce.table import Values

encode = msgspec.json.Encoder(decimal_format="number").encode
_NUMBERS = ("double", "currency", "percent")
_PARTS = ("city", "country", "geocodeAccuracy", "latitude", "longitude", "postalCode", "state", "street")


def moment(seconds: int) -> str:
    """A datetime as REST writes it."""
    day, rest = divmod(seconds, 86_400)
    hour, rest = divmod(rest, 3_600)
    return f"{_day(day)}T{hour:02d}:{rest // 60:02d}:{rest % 60:02d}.000+0000"


@lru_cache(maxsize=4_096)
def _day(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


def double(value: Decimal) -> Decimal:
    """A number with at least one place after the point, as REST writes doubles."""
    return value.quantize(Decimal("0.1")) if value == value.to_integral_value() else value.normalize()


def java_double(value: Decimal) -> str:
    """A number as Java writes doubles: scientific from ten million on and below a thousandth."""
    size = abs(value)
    if size == 0 or Decimal("0.001") <= size < 10_000_000:
        return f"{double(value):f}"
    sign, digits, exponent = value.normalize().as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{int(exponent) + len(digits) - 1}"


def rest(field: Field, version: str) -> Callable[[Values], Any]:
    """A function from a record to a field's value in a REST answer."""
    name = field.name
    if field.type == "datetime":
        return lambda values: None if (value := values.get(name)) is None else moment(value)
    if field.type in _NUMBERS:
        return lambda values: None if (value := values.get(name)) is None else double(value)
    if field.type == "address":
        return lambda values: _address(values, name.removesuffix("Address"))
    if field.type == "location":
        return lambda values: _location(values, name.removesuffix("__c"))
    if field.type == "base64":
        return lambda values: f"/services/data/v{version}/sobjects/Document/{values['Id']}/{name}"
    return lambda values: values.get(name)


def csv(field: Field) -> Callable[[Values], str]:
    """A function from a record to a quoted CSV cell; null and an empty text are the same."""
    name = field.name
    if field.type == "datetime":
        return lambda values: "" if (value := values.get(name)) is None else moment(value)[:-5] + "Z"
    if field.type in _NUMBERS:
        return lambda values: "" if (value := values.get(name)) is None else java_double(value)
    if field.type == "boolean":
        return lambda values: "true" if values.get(name) else "false"
    if field.type == "int":
        return lambda values: "" if (value := values.get(name)) is None else str(value)
    return lambda values: (values.get(name) or "").replace('"', '""')


class Records:
    """Renders records of one object with some of its fields for one version of the API."""

    def __init__(self, kind: str, fields: Sequence[Field], version: str) -> None:
        self.url = f"/services/data/v{version}/sobjects/{kind}/"
        self.kind = kind
        self.key = (kind, version, *(field.name for field in fields))
        self.columns = [(field.name, rest(field, version)) for field in fields]

    def written(self, values: Values) -> bytes:
        """A record as JSON."""
        return encode(self(values))

    def __call__(self, values: Values) -> dict[str, Any]:
        shown: dict[str, Any] = {"attributes": {"type": self.kind, "url": self.url + values["Id"]}}
        for name, look in self.columns:
            shown[name] = look(values)
        return shown


def _address(values: Values, prefix: str) -> dict[str, Any] | None:
    found: dict[str, Any] = {part: values.get(prefix + part[0].upper() + part[1:]) for part in _PARTS}
    for part in ("latitude", "longitude"):
        if found[part] is not None:
            found[part] = double(found[part])
    return found if any(value is not None for value in found.values()) else None


def _location(values: Values, stem: str) -> dict[str, Any] | None:
    latitude, longitude = values.get(f"{stem}__Latitude__s"), values.get(f"{stem}__Longitude__s")
    if latitude is None or longitude is None:
        return None
    return {"latitude": double(latitude), "longitude": double(longitude)}
