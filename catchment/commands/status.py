"""Shows every source: whether it runs, its last run, and how fresh and large each collection is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from catchment import output, session

if TYPE_CHECKING:
    from config import Settings, Source
    from state import State

HELP = "show how fresh each collection is"
EPILOG = "Only looks: calls nobody, and may be asked during a sync."
_ENDED = ("succeeded", "partial", "failed", "unavailable")
_BACK = 20  # runs of a source that are searched for a collection's latest


def arguments(parser: ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: Namespace) -> int:
    """Prints what the state database and the warehouse know."""
    settings = session.settings(args)
    stored = _stored_if_free(settings)
    with session.state(settings) as state:
        sources = [_source(source, state, stored.get(source.name, {})) for source in settings.sources.values()]
    if args.json:
        output.document({"sources": sources})
    else:
        output.say("\n\n".join(map(_shown, sources)) or "There is no source yet: add one to the configuration.")
    return 0


def _source(source: Source, state: State, stored: dict[str, dict[str, Any]]) -> dict[str, Any]:
    holder, last = state.runs.holder(source.name), state.runs.last(source.name)
    latest: dict[str, dict[str, Any]] = {}
    for run in state.runs.recent(_BACK, source.name):
        for part in (part for part in run.document["sources"] if part["source"] == source.name):
            for each in part["collections"]:
                if each["status"] in _ENDED:
                    latest.setdefault(each["collection"], each)
    selected = _selected(source)
    names = dict.fromkeys([*selected, *stored])
    return {
        "source": source.name,
        "connector": source.connector,
        "running": holder is not None,
        "last_run": last.run_id if last else None,
        "collections": [
            {**_collection(name, latest.get(name, {}), stored.get(name, {})), "selected": name in selected}
            for name in names
        ],
    }


def _collection(name: str, latest: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """The latest report tells how it went; the warehouse, how much there is (and all, where reports were lost)."""
    told = latest or stored
    complete = [each["complete_to"] for each in (latest, stored) if each.get("complete_to")]
    return {
        "collection": name,
        "status": told.get("status"),
        "rows": stored.get("rows"),
        "complete_to": max(complete, default=None),
        "error": told.get("error"),
    }


def _selected(source: Source) -> list[str]:
    """What the source syncs by its configuration; nothing where its connector is not installed."""
    from catchment import registry
    from catchment.choosing import named
    from config import choose

    if source.connector not in registry.names():
        return []
    connector, choices = named(registry.connector(source.connector), source.collections)
    default = {c.name for c in connector.collections if c.default}
    return list(choose(choices, [c.name for c in connector.collections], default).collections)


def _stored_if_free(settings: Settings) -> dict[str, dict[str, dict[str, Any]]]:
    """As ``_stored``; of a warehouse that cannot be opened now the rest is shown, and that is said."""
    from framework.warehouse import WarehouseError

    try:
        return _stored(settings)
    except WarehouseError as error:
        output.note(output.plain(f"rows are not shown: {error}"))
        return {}


def _stored(settings: Settings) -> dict[str, dict[str, dict[str, Any]]]:
    """The table `catchment.collections`, by source and collection; nothing before the first sync."""
    from warehouse_loader import catalog

    found: dict[str, dict[str, dict[str, Any]]] = {}
    with session.warehouse(settings).reading() as reader:
        if reader is None or "collections" not in reader.tables(catalog.SCHEMA):
            return {}
        complete_to = reader.dialect.micros.format("complete_to")
        rows = reader.rows(
            f'SELECT source, collection, status, "rows", {complete_to}, error::VARCHAR '
            f"FROM {catalog.SCHEMA}.collections"
        )
    for source, collection, status, count, complete, error in rows:
        found.setdefault(source, {})[collection] = _row(status, count, complete, error)
    return found


def _row(status: str, rows: int, complete: int | None, error: str | None) -> dict[str, Any]:
    import json

    from framework.report import iso

    return {
        "status": status,
        "rows": rows,
        "complete_to": iso(complete or 0),
        "error": json.loads(error) if error else None,
    }


def _shown(source: dict[str, Any]) -> str:
    from catchment.summary import causes, instant

    state = "running" if source["running"] else "not running"
    last = f"last run {source['last_run']}" if source["last_run"] else "never synced"
    lines = [f"{source['source']} ({source['connector']}): {state}, {last}"]
    if source["collections"]:
        rows = [
            (
                c["collection"],
                c["status"] or "-" if c["selected"] else "not selected",
                "-" if c["rows"] is None else f"{c['rows']:,}",
                instant(c["complete_to"]),
            )
            for c in source["collections"]
        ]
        lines.append(output.table(("collection", "status", "rows", "complete to (UTC)"), rows, right=(2,), indent="  "))
    return "\n".join([*lines, *causes(source)])
