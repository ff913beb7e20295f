"""What a source's `collections:` come to: what is synced, and which of its columns are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from difflib import get_close_matches

from config import Settings, Source, choose
from config.selection import DEFAULT, Choice
from framework.collection import Collection
from framework.connector import Connector
from framework.exclusion import Excluded, unexcludable
from framework.naming import identifier


@dataclass(frozen=True, slots=True)
class Chosen:
    """The connector with all that is selected, the selected collections, and what is left out of them."""

    connector: Connector
    selected: frozenset[str]
    excluded: Excluded


def chosen(settings: Settings, source: Source, connector: Connector) -> Chosen:
    """What is selected. Raises ConfigError for a name that is no collection, and for a column that cannot be meant."""
    at = ("sources", source.name, "collections")
    connector, choices = named(connector, source.collections)
    by_name = {c.name: c for c in connector.collections}
    selection = choose(choices, by_name, {c.name for c in connector.collections if c.default})
    for choice in selection.unmatched:
        hint = near(choice.name, by_name) or f"`catchment catalog {source.connector}` lists them"
        raise settings.error((*at, choice.key), f"{source.connector} has no collection {choice.name!r}", hint)
    excluded = {name: columns for name, columns in selection.collections.items() if columns}
    for name, columns in excluded.items():
        parents = [child for c in connector.collections for child in c.children if name in child.collections()]
        if needed := unexcludable(by_name[name], parents, columns):
            message = f"{needed!r} of {name} cannot be left out: its rows are known by it"
            raise settings.error((*at, *_place(choices, needed)), message, "leave out other columns")
        for column, meant in misspelt(by_name[name], columns) if connector.discover is None else ():
            if meant:
                message = f"{name} has no column {column!r}"
                raise settings.error((*at, *_place(choices, column)), message, meant)
    return Chosen(connector, frozenset(selection.collections), excluded)


def named(connector: Connector, choices: Sequence[Choice]) -> tuple[Connector, Sequence[Choice]]:
    """The connector with what is selected beyond its declarations, for an app whose catalogue is the account's own.

    An object may be called by the vendor's name; from here on it is called like its table.
    """
    called = {choice.name: one for choice in choices if (one := undeclared(connector, choice.name))}
    known = {collection.name: collection for collection in connector.collections}
    for collection in called.values():
        known.setdefault(collection.name, collection)
    choices = [replace(c, name=called[c.name].name) if c.name in called else c for c in choices]
    return replace(connector, collections=tuple(known.values())), choices


def undeclared(connector: Connector, name: str) -> Collection | None:
    """The collection that a name means which no declaration has."""
    if connector.named is None or name == DEFAULT or connector.collection(name):
        return None
    return connector.named(name)


def misspelt(collection: Collection, columns: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Of columns to be left out those that nobody declared, each with what may be meant, "" if nothing is like it.

    A field that is taken apart, and a list that is a collection of its own, count as declared.
    """
    known = {column.name for column in collection.columns}
    known |= {identifier(str(column.path[0])) for column in collection.columns}
    fields = (*collection.drop, *(child.path.partition(".")[0] for child in collection.children if child.path))
    known |= {identifier(field) for field in fields}
    for column in sorted(columns - known):
        yield column, near(column, known)


def near(word: str, known: Iterable[str]) -> str:
    """A hint that names the known words most like this one; "" when none is."""
    found = get_close_matches(word.lower(), sorted(known), n=3, cutoff=0.75)
    return f"did you mean {' or '.join(map(repr, found))}?" if found else ""


def _place(choices: Sequence[Choice], column: str) -> tuple[str | int, ...]:
    """Where in `collections:` a column is left out."""
    speaking = next(choice for choice in choices if column in choice.exclude)
    return (speaking.key, "exclude", speaking.exclude.index(column))
