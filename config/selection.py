"""Which collections of a source are synced, and which of their columns are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of ``collections``.

    ``name``: a collection, a pattern with ``*`` or ``?``, or ``default``, the connector's curated set.
    ``included`` is False for ``!name`` and ``name: false``; ``exclude`` names columns to leave out.
    ``key``: the entry as it stands in the file (its text, or its number in the list), for ``Settings.error``.
    """

    name: str
    included: bool = True
    exclude: tuple[str, ...] = ()
    key: str | int = DEFAULT

    def names(self, collection: str, default: Collection[str]) -> bool:
        """Whether this entry speaks of ``collection``."""
        return collection in default if self.name == DEFAULT else fnmatchcase(collection, self.name)


@dataclass(frozen=True, slots=True)
class Selection:
    """What ``choose`` found: collections with their excluded columns, and entries that name nothing."""

    collections: dict[str, frozenset[str]]
    unmatched: tuple[Choice, ...]


def choose(choices: Iterable[Choice], known: Iterable[str], default: Collection[str]) -> Selection:
    """Applies ``choices`` to the ``known`` collections, whatever their order: what is left out stays out.

    Entries that only leave out (or none at all) start from ``default``; excluded columns add up.
    """
    choices = tuple(choices)
    known = tuple(known)
    if not any(choice.included for choice in choices):
        choices = (Choice(DEFAULT), *choices)
    collections = {}
    for name in known:
        speaking = [choice for choice in choices if choice.names(name, default)]
        if speaking and all(choice.included for choice in speaking):
            collections[name] = frozenset(column for choice in speaking for column in choice.exclude)
    unmatched = tuple(
        choice
        for choice in choices
        if choice.name != DEFAULT and not any(choice.names(name, default) for name in known)
    )
    return Selection(collections, unmatched)
