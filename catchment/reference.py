"""`python -m catchment.reference CONNECTOR`: a connector's page in Markdown, written from its declarations."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import resources

from catchment import output, registry
from framework.basis import Basis
from framework.collection import Child, Collection
from framework.connector import Connector
from framework.cost import change_feeds, cost
from framework.feed import DAY, SECOND
from framework.fieldview import FieldView
from framework.guide import Guide, Key, Way
from warehouse_loader.layout import Leaf, declared
from warehouse_loader.naming import original

QUIRKS = "quirks.md"  # beside the connector's declarations, written by hand


def page(connector: Connector, quirks: str = "") -> str:
    """The whole page; ``quirks`` is Markdown that is put at its end, its headings one level lower."""
    parts = [
        f"# {connector.name.capitalize()}",
        f"<!-- Written by `python -m catchment.reference {connector.name}`: change declarations, not this page. -->",
        "\n".join(_facts(connector)),
        *(_credentials(connector.name, connector.guide) if connector.guide else ()),
        "## Collections",
        _overview(connector),
        *(part for collection in connector.collections for part in _collection(connector, collection)),
    ]
    if quirks:
        parts.append(demoted(quirks).strip())
    return "\n\n".join(parts) + "\n"


def quirks(connector: Connector) -> str:
    """What the connector's authors wrote by hand for readers of its tables; "" when there is nothing."""
    module = inspect.getmodule(connector.access)
    package = module.__package__ if module else None
    if not package:
        return ""
    file = resources.files(package) / QUIRKS
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def demoted(markdown: str) -> str:
    """Markdown with every heading one level lower; what stands in fenced code stays as it is."""
    lines, fenced = [], False
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        lines.append(f"#{line}" if not fenced and re.match(r"#{1,5} ", line) else line)
    return "\n".join(lines)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table. A column whose cells are all empty is left out."""
    rows = list(rows)
    kept = [n for n in range(len(headers)) if any(row[n] for row in rows)]
    lines = [[headers[n] for n in kept], ["---"] * len(kept), *([_cell(row[n]) for n in kept] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _facts(connector: Connector) -> list[str]:
    """What holds for the connector as a whole; the guide's word for a thing replaces the one made here."""
    base = f"`{connector.base_url}`" if connector.base_url else "the account's own"
    facts = {
        "Credentials": "" if connector.guide else _reads(connector),
        "Address": f"{base}, unless `base_url` says otherwise.",
        "API version": f"`{connector.version}`; a new one reads everything again." if connector.version else "",
        "The vendor's reference": f"<{connector.docs}>" if connector.docs else "",
    }
    for feed in change_feeds(connector):
        kept, again = feed.horizon // DAY, feed.overlap // SECOND
        facts["Changes"] = (
            f"one walk of `{feed.path}` for all collections that it tells of; the vendor keeps it for {kept} days, "
            f"its last {again} seconds are read again each time."
        )
    system = "`_version`, `_synced_at` and `_deleted_at`"
    facts["Every table"] = f"has the columns {system} as well; fields that nobody declared become columns."
    facts |= dict(connector.guide.facts) if connector.guide else {}
    if connector.views:
        facts["Views"] = "; ".join(map(_view, connector.views)) + "."
    return [f"- **{name}**: {text}" for name, text in facts.items() if text]


def _reads(connector: Connector) -> str:
    """What the connector's `access` says that it reads, where there is no guide."""
    said = (inspect.getdoc(connector.access) or "").partition("Raises")[0].replace("``", "`")
    return " ".join(said.split())


def _view(view: FieldView) -> str:
    return (
        f"`{view.name}` shows all columns of {_link(view.of)}, and a typed one for every field that "
        f"{_link(view.fields)} has, named by its {view.title}"
    )


def _credentials(name: str, guide: Guide) -> Iterable[str]:
    """The ways to log in, and what has to be allowed, in paragraphs."""
    yield "## Credentials"
    yield "Ways to log in, the best first. `catchment check` tries what stands in the file."
    for way in guide.ways:
        yield from _way(name, way)
    if guide.permissions:
        yield "## Permissions"
        yield "\n".join(f"- {text}" for text in guide.permissions)


def _way(name: str, way: Way) -> Iterable[str]:
    yield f"### {way.name}"
    yield "\n".join(f"{n}. {step}" for n, step in enumerate(way.steps, 1)) if len(way.steps) > 1 else way.steps[0]
    lines = [f"connector: {name}", "credentials:", *(_line(key) for key in way.keys)]
    yield "```yaml\n" + "\n".join(lines) + "\n```"
    yield table(("key", "holds"), [(f"`{k.name}`{' (optional)' if k.optional else ''}", k.holds) for k in way.keys])
    if way.note:
        yield way.note


def _line(key: Key) -> str:
    """The key in an example of the configuration; what may be left out is a comment."""
    value = f'"{key.example}"' if key.example.startswith("${") else key.example
    return f"  {'# ' if key.optional else ''}{key.name}: {value}"


def _overview(connector: Connector) -> str:
    rows = []
    for collection in connector.collections:
        parents = dict.fromkeys(_link(parent.name) for parent, _ in _parents(connector, collection))
        default = "yes" if collection.default else "no"
        rows.append((_link(collection.name), collection.kind, default, ", ".join(parents), collection.description))
    return table(("collection", "kind", "default", "inside", "one row is"), rows)


def _collection(connector: Connector, collection: Collection) -> list[str]:
    """One collection's section, in paragraphs."""
    parents = _parents(connector, collection)
    parts = [f"### {collection.name}", collection.description, "\n".join(_ways(connector, collection, parents))]
    leaves = declared(collection, [child.parent for _, child in parents])
    rows = [(f"`{leaf.name}`", leaf.kind, leaf.description, _reference(leaf), _origin(leaf)) for leaf in leaves]
    parts.append(table(("column", "type", "holds", "references", "comes from"), rows))
    if collection.missing:
        parts.append("Documented columns that are left out:")
        parts.append(table(("column", "why"), [(f"`{name}`", why) for name, why in collection.missing.items()]))
    return [part for part in parts if part]


def _ways(connector: Connector, collection: Collection, parents: Sequence[tuple[Collection, Child]]) -> list[str]:
    """How its rows come, change and go."""
    key = f"`{collection.key}`"
    if collection.numbered:
        key += " (the parent's key, `_` and the position in its list)"
    default = "in the default set" if collection.default else "off unless selected"
    facts = [
        ("Kind", f"{collection.kind}; key {key}; {default}"),
        ("The vendor's object", f"`{collection.object}`" if collection.object else ""),
        ("Listed at", ", ".join(f"`{path}`" for path in _paths(connector, collection))),
        ("Beside", ", ".join(_link(name) for name in _beside(connector, collection)) if not parents else ""),
        *(("Inside", _inside(parent, child)) for parent, child in parents),
        ("Kept current by", collection.current_by),
        ("Deletions", collection.deletions),
        ("Needs", connector.guide.needs.get(collection.name, "") if connector.guide else ""),
        ("Calls", str(cost(connector, collection))),
        *(("Child list", _list(child)) for child in collection.children),
        ("Fields passed over", ", ".join(f"`{name}`" for name in collection.drop)),
    ]
    return [f"- **{name}**: {text}" for name, text in facts if text]


def _paths(connector: Connector, collection: Collection) -> list[str]:
    """Where its rows are listed, of the feeds that have such a place."""
    return [path for feed in connector.feeds if feed.name == collection.name and (path := getattr(feed, "path", ""))]


def _beside(connector: Connector, collection: Collection) -> list[str]:
    """The collections on whose pages its rows come, cut out of them by their feed."""
    feeds = (feed for feed in connector.feeds if isinstance(feed, Basis))
    return [feed.name for feed in feeds if collection in feed.collections[1:]]


def _parents(connector: Connector, collection: Collection) -> list[tuple[Collection, Child]]:
    return [
        (parent, child)
        for parent in connector.collections
        for child in parent.children
        if collection.name in child.collections()
    ]


def _inside(parent: Collection, child: Child) -> str:
    return f"{_link(parent.name)}, {_shown(child)}; its key is in `{child.parent}`; {_proof(child)}"


def _list(child: Child) -> str:
    return f"{_shown(child)}, into {' and '.join(_link(name) for name in child.collections())}"


def _shown(child: Child) -> str:
    """Where the list stands in its parent."""
    if not child.path:
        return f"by a call to `{child.url}` for each"
    return f"as `{child.path}`" + (" (shown when asked, by `expand`)" if child.expand else "")


def _proof(child: Child) -> str:
    except_ = f", unless {' or '.join(f'`{name}`' for name in child.unless)} is set" if child.unless else ""
    return f"absence from its whole list is a deletion{except_}"


def _link(name: str) -> str:
    return f"[{name}](#{name})"


def _reference(leaf: Leaf) -> str:
    return _link(leaf.references) if leaf.references else ""


def _origin(leaf: Leaf) -> str:
    return f"`{original(leaf.path)}`" if leaf.path and leaf.path != (leaf.name,) else ""


def main(names: Sequence[str]) -> int:
    """Writes the page of the one connector that ``names`` names on standard output."""
    if len(names) != 1 or names[0] not in registry.names():
        output.note(f"usage: python -m catchment.reference CONNECTOR, one of: {', '.join(registry.names())}")
        return 2
    connector = registry.connector(names[0])
    output.say(page(connector, quirks(connector)).rstrip("\n"))
    return 0


if __name__ == "__main__":
    output.prepare()
    sys.exit(main(sys.argv[1:]))
