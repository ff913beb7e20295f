"""What people need to know of a connector before its first call: ways to log in, and what has to be allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Key:
    """One key of `credentials:`: what it holds, and what could stand there (a secret as `${VARIABLE}`)."""

    name: str
    example: str
    holds: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One way to log in: the keys that belong together, and what to do at the vendor's to get them."""

    name: str
    keys: tuple[Key, ...]
    steps: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """A connector's guide for people, in Markdown; nothing of it is used by a sync.

    ``ways``: the best first. ``permissions``: what whoever logs in must be allowed. ``needs``: collection -> what it
    takes beyond that, a plan or a feature. ``facts``: what else holds for the connector as a whole, title and text.
    """

    ways: tuple[Way, ...]
    permissions: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    facts: tuple[tuple[str, str], ...] = ()
