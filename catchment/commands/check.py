"""Tries what a sync needs: the warehouse, each credential, and which collections it may read. Writes no table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from catchment import output, session

if TYPE_CHECKING:
    from config import Settings
    from framework.warehouse import FeedState

HELP = "try the credentials and show what they may read"
EPILOG = "Asks one row of each list. Exit code 1 when something that a sync needs is refused or out of reach."


def arguments(parser: ArgumentParser) -> None:
    """SOURCE and --json."""
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="one source (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: Namespace) -> int:
    """Checks the sources one after the other."""
    from catchment.checking import check
    from catchment.sync import targets

    settings = session.settings(args)
    chosen = targets(settings, [args.source] if args.source else [])
    warehouse = _warehouse(settings)
    with session.state(settings) as state:
        sources = [check(target, _known(settings, target.source.name), state, _tell) for target in chosen]
    if args.json:
        output.document({"warehouse": warehouse, "sources": sources})
    else:
        output.say(_shown(settings, warehouse, sources))
    return 0 if warehouse["ok"] and all(source["ok"] for source in sources) else 1


def _tell(event: str, **fields: Any) -> None:
    """Calls that are repeated take time: say why."""
    if event == "retry":
        output.note(output.plain(f"{fields.get('message')}; asking again in {fields.get('pause_s')} s"))


def _warehouse(settings: Settings) -> dict[str, Any]:
    """Whether the warehouse can be opened and written; neither makes nor changes it."""
    from framework.report import Fault
    from framework.warehouse import WarehouseError

    exists, fault = False, None
    try:
        exists = session.warehouse(settings).check()
    except WarehouseError as error:
        file = session.warehouse_file(settings)
        exists = file.exists() if file else True
        fault = Fault(error.kind, str(error), error.hint)
    return {"ok": fault is None, "exists": exists, "error": fault.document() if fault else None}


def _known(settings: Settings, source: str) -> FeedState | None:
    """The account whose data the source holds, as far as the warehouse can be read."""
    from framework.identity import Remembered
    from framework.warehouse import WarehouseError
    from warehouse_loader import marks

    try:
        with session.warehouse(settings).reading() as reader:
            if reader is None or marks.STATE not in reader.tables(source):
                return None
            return marks.stored(marks.read(reader, source), ()).feeds.get(Remembered.FEED)
    except WarehouseError:
        return None  # said of the warehouse already


def _shown(settings: Settings, warehouse: dict[str, Any], sources: list[dict[str, Any]]) -> str:
    from catchment.summary import cause, causes

    state = "can be written" if warehouse["exists"] else "not there yet, the first sync makes it"
    lines = [f"warehouse {session.warehouse(settings).name}: {state if warehouse['ok'] else cause(warehouse['error'])}"]
    if warehouse["error"]:
        lines.append(f"  {warehouse['error']['hint']}")
    for source in sources:
        account = f", account {source['account']}" if source["account"] else ""
        lines.append(f"\n{source['source']} ({source['connector']}): {'ok' if source['ok'] else 'not ok'}{account}")
        rows = [(each["collection"], "yes" if each["readable"] else "no") for each in source["collections"]]
        lines.append(output.table(("collection", "readable"), rows, indent="  "))
        lines += causes(source)
    return "\n".join(lines)
