"""What a connector is: a value that declares an app's collections, feeds, limits and the meaning of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from framework.bundle import Bundle
from framework.collection import Collection
from framework.errors import Kind
from framework.feed import Answer, Feed, Request
from framework.fieldview import FieldView
from framework.guide import Guide
from framework.limits import Allowance, Rate
from framework.report import Fault

if TYPE_CHECKING:
    from framework.session import Grant

Ask = Callable[[Request], Answer]  # one call through the source's door; raises Refused


@dataclass(frozen=True, slots=True)
class Access:
    """A source's credentials, ready to use: headers for every call, and a fingerprint that reveals nothing.

    ``mode``: which half of an account the credential opens ("live", "test", "" when the app has no such halves).
    ``base_url``: the account's own host, where an app has one for each. ``grant``: how tokens are fetched and renewed,
    for credentials that are no header by themselves. ``known``: credentials that are no secret, for errors name them.
    """

    headers: Mapping[str, str]
    fingerprint: str
    rates: tuple[Rate, ...]
    mode: str = ""
    secrets: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    base_url: str = ""
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """What answers mean: ``table`` from (status, vendor's code) or (status, "") to a kind, most precise first.

    ``code`` and ``message`` are dotted paths in the error body (``a.b|c``: the first that leads to a text). ``refine``
    may overrule the table; it gets the status, the code, the message and the headers (lower-case names). ``reason``:
    header that says which limit was hit; a value that begins with ``endpoint`` holds that endpoint only.
    ``allowance`` reads what the headers of any answer say of the API's limits; ``usage`` reads a daily quota out of
    them: calls used by all, and calls allowed. ``optional``: endpoints that an account may lack, so that a refusal
    there says nothing of the credential.
    """

    table: Mapping[tuple[int, str], Kind]
    code: str = "error.code"
    message: str = "error.message"
    reason: str = ""
    refine: Callable[[int, str, str, Mapping[str, str]], Kind | None] | None = None
    allowance: Callable[[Mapping[str, str]], Sequence[Allowance]] | None = None
    usage: Callable[[Mapping[str, str]], tuple[int, int] | None] | None = None
    optional: frozenset[str] = frozenset()

    def kind(self, status: int, code: str, message: str, headers: Mapping[str, str]) -> Kind:
        if self.refine and (kind := self.refine(status, code, message, headers)):
            return kind
        found = self.table.get((status, code)) or self.table.get((status, ""))
        if found:
            return found
        if status == 429:
            return Kind.WAIT  # whoever says it: too many calls (RFC 6585)
        return Kind.OK if 200 <= status < 300 else Kind.RETRY if status >= 500 or status == 408 else Kind.BUG


@dataclass(frozen=True, slots=True)
class Identity:
    """The call that says whose data a credential opens: asked when the credential's fingerprint changes.

    ``account``: dotted path of the account's id, or a function of the whole answer, which may raise Refused. ``born``:
    dotted path of the account's creation time (Unix seconds), before which no object can exist.
    """

    path: str
    account: str | Callable[[Any], str] = "id"
    born: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What an account has: the connector with its collections and feeds, and why a selected collection is missing.

    ``document``: what the next run hands back, so that it asks for changes only. ``missing``: collection -> the fault,
    kind ``config`` where the account does not have it at all.
    """

    connector: Connector
    document: bytes = b""
    missing: Mapping[str, Fault] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connector:
    """An app, declared. ``access`` turns credentials into :class:`Access`, raising ``ValueError(key, message)``.

    ``discover`` asks an account what it has, for apps whose catalogue is the account's own; it gets the connector, the
    selected collections, the document of the last time, and the door. ``named`` makes a placeholder for a collection
    that is selected by a name the declarations do not have, None when it can be no such name. ``bundle``: how several
    requests go as one call. ``guide``: what people read before the first call.
    """

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
    views: tuple[FieldView, ...] = ()
    bundle: Bundle | None = None
    discover: Callable[[Connector, frozenset[str], bytes, Ask], Found] | None = None
    named: Callable[[str], Collection | None] | None = None
    guide: Guide | None = None
    permission_hint: str = "Allow it for this credential, then run `catchment sync` again."

    def collection(self, name: str) -> Collection | None:
        return next((c for c in self.collections if c.name == name), None)

    def settling(self, span: int) -> Connector:
        """The connector whose marks stay ``span`` microseconds behind the vendor's clock, whatever it declares."""
        return replace(self, feeds=tuple(replace(feed, **{_behind(feed): span}) for feed in self.feeds))  # type: ignore[type-var]


def _behind(feed: Feed) -> str:
    """The field that says how far a feed's marks stay behind: a change feed's overlap is more than its reads settle."""
    return "settle" if feed.listing else "overlap"
