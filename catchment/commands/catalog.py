"""Shows what a connector can sync: collections, how each stays current, what it costs in calls, and its columns."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from catchment import output

if TYPE_CHECKING:
    from framework.collection import Collection
    from framework.connector import Connector

HELP = "show the collections and columns of the connectors"
EPILOG = "Needs no configuration and calls nobody. With a CONNECTOR, its columns as well."


def arguments(parser: ArgumentParser) -> None:
    """CONNECTOR and --json."""
    parser.add_argument(
        "connector", nargs="?", metavar="CONNECTOR", help="one connector, with all columns (default: all, without)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: Namespace) -> int:
    """Prints the declarations of one connector or all."""
    from catchment import registry

    if args.connector and args.connector not in registry.names():
        raise output.UsageError(
            f"there is no connector {args.connector!r}", f"installed are: {', '.join(registry.names())}"
        )
    names = [args.connector] if args.connector else registry.names()
    connectors = [_connector(registry.connector(name)) for name in names]
    if args.json:
        output.document({"connectors": connectors})
        return 0
    for connector in connectors:
        _show(connector, columns=bool(args.connector))
    return 0


def _connector(connector: Connector) -> dict[str, Any]:
    from framework.cost import cost

    return {
        "connector": connector.name,
        "version": connector.version,
        "open": connector.named is not None,
        "collections": [_collection(each, str(cost(connector, each))) for each in connector.collections],
    }


def _collection(collection: Collection, calls: str) -> dict[str, Any]:
    return {
        "collection": collection.name,
        "description": collection.description,
        "kind": collection.kind,
        "default": collection.default,
        "key": collection.key,
        "current_by": collection.current_by,
        "deletions": collection.deletions,
        "calls": calls,
        "columns": [
            {"name": c.name, "type": c.type, "description": c.description, "references": c.references or None}
            for c in collection.columns
        ],
        "missing": [{"name": name, "reason": reason} for name, reason in collection.missing.items()],
    }


def _show(connector: dict[str, Any], *, columns: bool) -> None:
    collections = connector["collections"]
    version = f", API version {connector['version']}" if connector["version"] else ""
    output.say(f"{connector['connector']}: {len(collections)} collections{version}")
    if connector["open"]:
        output.say("and any other object, by its API name. An account's own columns come with its first sync.")
    for each in collections:
        marks = ", ".join([each["kind"], f"key {each['key']}", *([] if each["default"] else ["off unless selected"])])
        output.say(f"\n{each['collection']} ({marks})")
        for label, text in (
            ("", each["description"]), ("current by: ", each["current_by"]),
            ("deletions: ", each["deletions"]), ("calls: ", each["calls"]),
        ):  # fmt: skip
            if text:
                output.say(f"  {label}{text}")
        if columns:
            rows = [(c["name"], c["type"], c["references"] or "", c["description"]) for c in each["columns"]]
            output.say("\n" + output.table(("column", "type", "references", "description"), rows, indent="  "))
            for missing in each["missing"]:
                output.say(f"  left out: {missing['name']}: {missing['reason']}")
    output.say()
