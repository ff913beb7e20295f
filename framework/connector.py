"""What a connector is: a value that declares an app's collections, feeds, limits and the meaning of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from framework.collection import Collection
from framework.errors import Kind
from framework.feed import Feed
from framework.limits import Rate


@dataclass(frozen=True, slots=True)
class Access:
    """A source's credentials, ready to use: headers for every call, and a fingerprint that reveals nothing.

    ``mode``: which half of an account the credential opens ("live", "test", "" when the app has no such halves).
    """

    headers: Mapping[str, str]
    fingerprint: str
    rates: tuple[Rate, ...]
    mode: str = ""
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judge:
    """What answers mean: ``table`` from (status, vendor's code) or (status, "") to a kind, most precise first.

    ``code`` and ``message`` are dotted paths in the error body. ``refine`` may overrule the table; it gets the status,
    the code, the message and the headers (lower-case names). ``reason``: header that says which limit was hit; a value
    that begins with ``endpoint`` holds that endpoint only.
    """

    table: Mapping[tuple[int, str], Kind]
    code: str = "error.code"
    message: str = "error.message"
    reason: str = ""
    refine: Callable[[int, str, str, Mapping[str, str]], Kind | None] | None = None

    def kind(self, status: int, code: str, message: str, headers: Mapping[str, str]) -> Kind:
        if self.refine and (kind := self.refine(status, code, message, headers)):
            return kind
        found = self.table.get((status, code)) or self.table.get((status, ""))
        if found:
            return found
        return Kind.OK if 200 <= status < 300 else Kind.RETRY if status >= 500 else Kind.BUG


@dataclass(frozen=True, slots=True)
class Identity:
    """The call that says whose data a credential opens: asked when the credential's fingerprint changes.

    ``born``: dotted path of the account's creation time (Unix seconds), before which no object can exist.
    """

    path: str
    account: str = "id"
    born: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """An app, declared. ``access`` turns credentials into :class:`Access`, raising ``ValueError(key, message)``."""

    name: str
    base_url: str
    access: Callable[[Mapping[str, str]], Access]
    collections: tuple[Collection, ...]
    feeds: tuple[Feed, ...]
    judge: Judge
    identity: Identity
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with every call: the pinned version
    version: str = ""  # the API version whose shapes the declarations describe; a new one reads everything again
    docs: str = ""
    permission_hint: str = "Allow it for this credential, then run `catchment sync` again."

    def collection(self, name: str) -> Collection | None:
        return next((c for c in self.collections if c.name == name), None)
