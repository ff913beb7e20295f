"""What passes inside the imitation: a call to the REST API, and its answer before it becomes bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from catchment.imitations.salesforce import errors
from catchment.imitations.salesforce.view import View

ROOT = "/services/data"


@dataclass(frozen=True)
class Call:
    """One call below /services/data/vXX.X, alone or as a part of a composite. `parts`: the path that is left."""

    method: str
    version: str
    parts: tuple[str, ...]
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    view: View

    @property
    def root(self) -> str:
        return f"{ROOT}/v{self.version}"

    def need(self, name: str) -> str:
        """A parameter that must be there."""
        if not self.params.get(name):
            raise errors.ApiError(400, "MISSING_ARGUMENT", f"{name} is required")
        return self.params[name]

    def given(self, name: str, shape: Any = str, default: Any = None) -> Any:
        """A member of the body, which must be there unless it has a default, and must have the right shape."""
        if not isinstance(self.body, dict) or (name not in self.body and default is None):
            raise errors.ApiError(400, "MISSING_ARGUMENT", f"{name} is required")
        return shaped(self.body.get(name, default), shape)


@dataclass(frozen=True)
class Answer:
    """Status, body as a value (or `raw` bytes that are no JSON), headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


def split(url: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The parts of a URL's path, unquoted, and its parameters (a plus sign is a blank, as in any form)."""
    path, _, query = url.partition("?")
    parts = tuple(unquote(part) for part in path.strip("/").split("/") if part)
    return parts, dict(parse_qsl(query, keep_blank_values=True))


def shaped(value: Any, shape: Any) -> Any:
    """A value of a body; ApiError unless it has the right shape."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as wrong:
        raise errors.unreadable(str(wrong)) from wrong


def read_json(body: bytes) -> Any:
    """The body of a POST; ApiError when it is no JSON."""
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError as wrong:
        raise errors.unreadable(str(wrong)) from wrong
