"""What a command needs to talk to a source: its door, and the catalogue of its account."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from framework.connector import Access, Connector
from framework.feed import SECOND, Answer, Request
from framework.http import Door, Timeouts
from framework.limits import Gates, Rate
from framework.quota import SHARE

if TYPE_CHECKING:
    from config import Source
    from framework.report import Fault
    from state import State


@dataclass(frozen=True, slots=True)
class Target:
    """A source that a command works on, and the collections that it names.

    ``excluded``: columns that are stored nowhere. ``chosen``: all that the configuration selects, of which a command
    may name a part. ``missing``: selected collections that the account turned out not to have, with the reason.
    """

    source: Source
    connector: Connector
    access: Access
    selected: frozenset[str]
    excluded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    chosen: frozenset[str] = frozenset()
    missing: Mapping[str, Fault] = field(default_factory=dict)

    @property
    def secrets(self) -> frozenset[str]:
        """What must be written down nowhere: every credential but those that only name the account."""
        return frozenset((*self.source.secrets(), *self.access.secrets)) - frozenset(self.access.known)

    @property
    def start(self) -> int:
        """Microseconds before which nothing is read; 0 for all."""
        day = self.source.start_date
        return int(datetime(*day.timetuple()[:3], tzinfo=UTC).timestamp()) * SECOND if day else 0


def door(
    target: Target,
    state: State,
    stop: threading.Event,
    log: Callable[..., None],
    learn: Callable[[str], None] = lambda _: None,
) -> tuple[Door, Gates]:
    """The door to a source, and the gates of its limits that all processes share. ``learn``: told every new secret."""
    source, connector, access = target.source, target.connector, target.access
    gates = Gates(state.limits, f"{connector.name}:{access.fingerprint}", _rates(source, access))
    timeouts = Timeouts(source.timeouts.connect, source.timeouts.read, source.timeouts.stall)
    base = source.base_url or access.base_url or connector.base_url
    share = source.rate_limit.daily_share or SHARE
    opened = Door(connector, access, base, gates, timeouts, stop, log,
                  vault=state.tokens, ledger=state.usage, share=share, learn=learn)  # fmt: skip
    return opened, gates


def discovered(target: Target, door: Door, state: State) -> Target:
    """The target with what its account really has, and the settling time that its source asks for.

    Raises Refused and SourceError as any call does.
    """
    found = _catalogue(target, door, state)
    settle = target.source.settle
    return replace(found, connector=found.connector.settling(int(settle * SECOND))) if settle else found


def _catalogue(target: Target, door: Door, state: State) -> Target:
    discover = target.connector.discover
    if discover is None:
        return target

    def ask(request: Request) -> Answer:
        return door.send("catalogue", request, _readable)

    known = f"catalogue:{target.source.name}:{target.access.fingerprint}"
    found = discover(target.connector, target.selected, state.documents.get(known), ask)
    state.documents.put(known, found.document)
    return replace(target, connector=found.connector, missing=found.missing)


def _readable(answer: Answer) -> Answer:
    """The answer, if it is JSON; the door asks again for what is none."""
    if answer.status != HTTPStatus.NOT_MODIFIED:
        msgspec.json.decode(answer.body, type=msgspec.Raw)
    return answer


def _rates(source: Source, access: Access) -> tuple[Rate, ...]:
    """The configured limits, which replace the connector's as a whole; limits with a name of their own stay."""
    limit = source.rate_limit
    if limit.per_second is None and limit.per_endpoint is None:
        return access.rates
    rates: list[Any] = [r for r in access.rates if r.each not in ("account", "endpoint")]
    rates += (
        [Rate(limit.per_second, fixed=True)] if limit.per_second else [r for r in access.rates if r.each == "account"]
    )
    return (*rates, *([Rate(limit.per_endpoint, each="endpoint", fixed=True)] if limit.per_endpoint else []))
