"""Whose data a source holds: asked when its credential changes, so that no account's rows meet another's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from framework.connector import Access, Connector
from framework.errors import Kind, Refused, SourceError
from framework.feed import SECOND, Answer, Request
from framework.http import Door
from framework.warehouse import FeedState


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the source remembers it. ``account`` is "" when the credential may not ask for it.

    ``latest``: the vendor's time up to which runs have asked: whatever is read later shows what was there then.
    """

    account: str = ""
    mode: str = ""
    fingerprint: str = ""
    born: int = 0
    latest: int = 0


class Remembered:
    """The account's document, kept beside the feeds' marks."""

    FEED = "_account"

    def __init__(self, stored: FeedState | None) -> None:
        self.rev = stored.rev if stored else 0
        self.account = msgspec.json.decode(stored.document, type=Account) if stored else Account()

    def encode(self) -> str:
        return msgspec.json.encode(self.account).decode()

    def asked(self, now: int) -> bool:
        """Notes the vendor's time (microseconds) of a run; whether it went on."""
        on = now > self.account.latest
        if on:
            self.account = replace(self.account, latest=now)
        return on


def recognise(connector: Connector, access: Access, known: Account, source: str, door: Door) -> tuple[Account, int]:
    """Asks the vendor whose account this is. Returns it with the vendor's time of the answer (microseconds).

    Raises Refused for a refused credential, SourceError (kind ``config``) for one of another account or mode.
    """

    def read(answer: Answer) -> tuple[Any, int]:
        return msgspec.json.decode(answer.body), answer.asked

    try:
        body, asked = door.send("account", Request(connector.identity.path, (), connector.identity.path), read)
    except Refused as refusal:
        if refusal.kind not in (Kind.PERMISSION, Kind.UNAVAILABLE, Kind.GONE):
            raise
        body, asked = None, door.now()
    found = Account(
        _account(connector.identity.account, body),
        access.mode,
        access.fingerprint,
        int(_at(body, connector.identity.born) or 0) * SECOND if connector.identity.born else 0,
    )
    named = found.account and known.account and found.account != known.account
    if known.fingerprint and (named or found.mode != known.mode):
        raise SourceError(
            "config",
            f"{source} holds the data of {_name(known)}, and this credential opens {_name(found)}",
            "Use another source name for it: each source holds one account.",
        )
    account, born = found.account or known.account, found.born or known.born
    return replace(found, account=account, born=born, latest=known.latest), asked


def _account(where: str | Callable[[Any], str], body: Any) -> str:
    if body is None:
        return ""  # the credential may not ask
    return str(_at(body, where) or "") if isinstance(where, str) else where(body)


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _name(account: Account) -> str:
    return " ".join(
        part
        for part in (f"account {account.account or '(unknown)'}", account.mode and f"in {account.mode} mode")
        if part
    )
