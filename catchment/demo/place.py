"""Where the demo puts its business: a DuckDB file of its own, or schemas of its own in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catchment.output import UsageError

if TYPE_CHECKING:
    from warehouse_loader.destination import Session

FILE = "duckdb:///warehouse.duckdb"
_SIGN = "An invented business: catchment demo makes it anew each time."


def claim(address: str, schemas: Sequence[str]) -> str:
    """Makes the schemas in a PostgreSQL database, empty, over those of an earlier demo; what the database is called.

    Raises UsageError where a schema is somebody else's, before anything is touched, or where it cannot be done.
    """
    from framework.warehouse import WarehouseError
    from warehouse_loader import destination_at

    try:
        place = destination_at(address)
        with place.reading() as session:
            assert session is not None
            there = _signs(session, schemas)
            known = _noted(session)
        if others := sorted(name for name, sign in there.items() if sign != _SIGN):
            message = f"{place.name} has a schema {others[0]!r} that no demo made"
            raise UsageError(message, "name another database with --warehouse; nothing was touched")
        statements = [*(f"DROP SCHEMA {name} CASCADE" for name in there)]
        for name in schemas:
            statements += [f"CREATE SCHEMA {name}", f"COMMENT ON SCHEMA {name} IS '{_SIGN}'"]
        listed = ", ".join(f"'{name}'" for name in there)
        statements += [f"DELETE FROM catchment.{table} WHERE source IN ({listed})" for table in known if there]
        place.transact(lambda session: session.define(statements), lambda _: None, lambda _: False)
    except WarehouseError as error:
        raise UsageError(str(error), error.hint) from None
    return place.name


def _signs(session: Session, schemas: Sequence[str]) -> dict[str, str]:
    """Those of the schemas that are there, each with its comment."""
    listed = ", ".join(f"'{name}'" for name in schemas)
    query = f"SELECT nspname::text, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname IN ({listed})"
    return dict(session.rows(query))


def _noted(session: Session) -> list[str]:
    """The tables in which Catchment notes something of a source."""
    query = (
        "SELECT c.relname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'catchment' AND c.relkind = 'r' AND a.attname = 'source' ORDER BY 1"
    )
    return [name for (name,) in session.rows(query)]
