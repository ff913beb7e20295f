"""One connection to PostgreSQL: the shared SQL's session, whose staging tables end with their transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from framework.warehouse import WarehouseError
from warehouse_loader import merge, postgresql_views
from warehouse_loader.destination import Row
from warehouse_loader.dialect import Dialect, literal, quote, table
from warehouse_loader.lattice import PRECISION, SCALE, Kind
from warehouse_loader.patience import HeldError, patiently
from warehouse_loader.postgresql_errors import LOCKED, race, state, told
from warehouse_loader.postgresql_views import View
from warehouse_loader.postgresql_widening import Widening, digest

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

log = logging.getLogger(__name__)

_TYPES: dict[Kind, str] = {
    "bool": "boolean",
    "bigint": "bigint",
    "decimal": f"numeric({PRECISION},{SCALE})",
    "double": "double precision",
    "text": "text",
    "timestamptz": "timestamp with time zone",
    "date": "date",
    "json": "jsonb",
}
DIALECT = Dialect(
    types=_TYPES,
    kinds={**{name: kind for kind, name in _TYPES.items()}, "numeric": "decimal", "character varying": "text"},
    now="current_setting('catchment.now')::timestamptz",
    micros="(extract(epoch FROM {}) * 1000000)::bigint",
    row="",  # a row moves when anybody updates it
    arrival="ctid",
    to_json="to_jsonb",
    comments=True,
    page=8_000,  # of 8,160; long values are kept elsewhere and cost a pointer
    member="{}->{}",
    pair="(SELECT e->'value' FROM jsonb_array_elements({}) e WHERE e->>'id' = {} LIMIT 1)",
    text="(({}) #>> '{{}}')",
    matches="{} ~ {}",
    rebuilds=True,
    merged="{} || {}",
)
# For the length of a transaction, so that a connection pool between us and the server stays clean.
LOCAL = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL client_min_messages = warning; SET LOCAL search_path = pg_catalog; "
    "SET LOCAL jit = off; SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = 0; "
    "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL DateStyle = ISO; SET LOCAL extra_float_digits = 1"
)
_MOST = 1600  # columns of a table, dropped ones among them
_ROOM = 1400  # columns that we make; the rest is for widening, which drops a column each time
_LOCK = "800ms"  # how long readers that come after us may have to wait for a change of columns
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_AS_JSON = """
    CREATE OR REPLACE FUNCTION pg_temp.as_json(value text) RETURNS jsonb LANGUAGE plpgsql AS
    'BEGIN RETURN value::jsonb; EXCEPTION WHEN others THEN RETURN to_jsonb(value); END'"""


class PostgresSession:
    """A connection in autocommit mode, in which we say ourselves where transactions begin and end."""

    dialect = DIALECT
    patience = 600.0  # seconds that a change of columns waits for readers

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._inside = False

    # ----------------------------------------------------------------------------------- transactions

    def begin(self, how: str = "") -> None:
        self.script(f"BEGIN {how}; {LOCAL}")
        self._inside = True

    def commit(self) -> None:
        self.script("COMMIT")
        self._inside = False

    def rollback(self) -> None:
        self._inside = False
        self.script("ROLLBACK")

    # ------------------------------------------------------------------------------------- statements

    def script(self, sql: str) -> int:
        """Runs statements in one go; how many rows the last one wrote."""
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_sql_query(sql)
            return max(int(cursor.adbc_statement.execute_update()), 0)

    def rows(self, sql: str) -> list[Row]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def described(self, query: str) -> list[tuple[str, str]]:
        """The columns of a query with their types, as PostgreSQL names them inside (``int4``); nothing is run."""
        with self._connection.cursor() as cursor:
            found = cursor.adbc_execute_schema(query)
            return [(field.name, (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()) for field in found]

    def stream(self, query: str, size: int, *, copy: bool = True) -> Iterator[list[Row]]:
        """What a query answers, some rows at a time; ``copy`` where it can stand inside COPY."""
        with self._connection.cursor() as cursor:
            if not copy:
                cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
            cursor.execute(query)
            while rows := cursor.fetchmany(size):
                yield list(rows)

    def interrupt(self) -> None:
        """Ends what runs, from another thread."""
        self._connection.adbc_cancel()

    def change(self, sql: str) -> int:
        return self.script(sql)

    def keep(self, name: str, query: str) -> int:
        return self.script(f"DROP TABLE IF EXISTS pg_temp.{name}; CREATE TEMP TABLE {name} ON COMMIT DROP AS {query}")

    def now(self, micros: int) -> None:
        at = (_EPOCH + dt.timedelta(microseconds=micros)).isoformat()
        self.script(f"SELECT set_config('catchment.now', {literal(at)}, true)")

    def hold(self, state: str) -> None:
        self.script(f"LOCK TABLE {state} IN SHARE ROW EXCLUSIVE MODE")

    # ---------------------------------------------------------------------------------------- staging

    @contextlib.contextmanager
    def staged(self, name: str, table: Any) -> Iterator[None]:
        """An Arrow table as a temporary table, by binary COPY.

        What PostgreSQL cannot hold is made fit: NUL and half surrogates become their own escapes, JSON that jsonb
        refuses (too deep, a number too long) a JSON string of the whole.
        """
        from warehouse_loader import postgresql_stage as stage

        self._temporary(name, table.schema, stage)
        try:
            self._copy(name, stage.copied(table))
        except Exception as error:
            if not state(error).startswith(("22", "54")):
                raise
            self.script("ROLLBACK TO SAVEPOINT staging")
            self._copy_cleaned(name, stage.cleaned(table), stage)
        yield
        self.script(f"DROP TABLE IF EXISTS pg_temp.{name}")

    def _copy_cleaned(self, name: str, table: Any, stage: Any) -> None:
        try:
            self._copy(name, stage.copied(table))
        except Exception as error:
            if not state(error).startswith(("22", "54")):
                raise
            self.script("ROLLBACK TO SAVEPOINT staging")
            plain = stage.as_text(table)
            self._temporary(f"{name}_text", plain.schema, stage)
            self._copy(f"{name}_text", plain)
            listed = ", ".join(
                f"pg_temp.as_json({quote(field.name)})" if stage.is_json(field.type) else quote(field.name)
                for field in table.schema
            )
            self.script(f"{_AS_JSON}; INSERT INTO {name} SELECT {listed} FROM {name}_text; DROP TABLE {name}_text")

    def _temporary(self, name: str, schema: Any, stage: Any) -> None:
        columns = ", ".join(f"{quote(field.name)} {stage.sql_type(field.type)}" for field in schema)
        self.script(
            f"DROP TABLE IF EXISTS pg_temp.{name}; CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP; "
            "SAVEPOINT staging"
        )

    def _copy(self, name: str, table: Any) -> None:
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(name, table, mode="append", temporary=True)

    # ----------------------------------------------------------------------------------------- schema

    def schema(self, name: str) -> list[str]:
        asked = f"EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = {literal(name)})"
        [(encoding, there)] = self.rows(f"SELECT current_setting('server_encoding'), {asked}")
        if encoding not in ("UTF8", "SQL_ASCII"):  # that one takes any byte as it comes
            raise WarehouseError(
                f"the database stores text as {encoding}, which lacks letters that apps have",
                "Make one with `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0` and name it in `warehouse:`.",
                kind="config",
            )
        return [] if there else [f"CREATE SCHEMA IF NOT EXISTS {quote(name)}"]

    def tables(self, schema: str) -> set[str]:
        return self._named(schema, "rpf")

    def views(self, schema: str) -> set[str]:
        return self._named(schema, "v")

    def _named(self, schema: str, kinds: str) -> set[str]:
        found = self.rows(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = {literal(schema)} AND c.relkind IN ({', '.join(map(literal, kinds))})"
        )
        return {name for (name,) in found}

    def columns(self, schema: str, table: str) -> dict[str, str]:
        found = self.rows(
            "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
            f"WHERE a.attrelid = {_oid(schema, table)} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
        return dict(found)

    def room(self, schema: str, table: str) -> int:
        live, spent = self._spent(schema, table)
        return min(_ROOM - live, _MOST - 8 - spent)

    def _spent(self, schema: str, table: str) -> tuple[int, int]:
        """The columns that a table has, and those that it ever had: all of these count for its limit."""
        found = self.rows(
            "SELECT count(*) FILTER (WHERE NOT attisdropped), count(*) FROM pg_attribute "
            f"WHERE attrelid = {_oid(schema, table)} AND attnum > 0"
        )
        return int(found[0][0]), int(found[0][1])

    def define(self, statements: Sequence[str]) -> None:
        """One short transaction, tried again where somebody holds a lock or makes the same things."""
        script = f"BEGIN; {LOCAL}; SET LOCAL lock_timeout = '{_LOCK}'; {'; '.join(statements)}; COMMIT"
        self.briefly(lambda: self.script(script))

    def index(self, schema: str, table_name: str, column: str, *, unique: bool) -> list[str]:
        kind = "UNIQUE INDEX" if unique else "INDEX"
        name = quote(_index(table_name, column))
        return [f"CREATE {kind} IF NOT EXISTS {name} ON {table(schema, table_name)} ({quote(column)})"]

    def briefly(self, work: Callable[[], object]) -> None:
        """Runs what needs a short lock; between two attempts everybody else goes on."""
        steps = itertools.chain((0.2, 0.5, 1.0, 2.0), itertools.repeat(5.0))

        def attempt() -> None:
            try:
                work()
            except Exception as error:
                with contextlib.suppress(Exception):
                    self.script("ROLLBACK")
                if state(error) == LOCKED:
                    hint = "Let it end its transaction, and run again."
                    raise HeldError("another program holds a lock on a table", hint, next(steps)) from error
                if race(error):
                    raise HeldError("another run makes the same tables", "Run again.", next(steps)) from error
                raise

        try:
            patiently(attempt, self.patience)
        except HeldError as held:
            raise WarehouseError(f"{held}; waited {self.patience:.0f} s", held.hint) from None

    def widen(self, schema: str, table_name: str, column: str, kind: Kind, into: Kind) -> None:
        """Fills a new column beside the old one while readers go on, then swaps them in an instant."""
        using = merge.converted(DIALECT, quote(column), kind, into)
        _, spent = self._spent(schema, table_name)
        change = Widening(table(schema, table_name), _oid(schema, table_name), column, _TYPES[into], using)
        change.run(self, beside=spent < _MOST - 1)

    def view(self, schema: str, name: str, query: str) -> bool:
        whole, relation = table(schema, name), _oid(schema, name)
        self.script(f"SAVEPOINT view; SET LOCAL lock_timeout = '{_LOCK}'")
        try:
            there = postgresql_views.alone(self.rows, relation)
            upon = postgresql_views.above(self.rows, relation) if there else []
            if there:
                self.script(postgresql_views.taken_down([there, *upon]))
            made = replace(there, query=query) if there else View(whole, query)
            postgresql_views.put_up(self.script, [made, *upon])
        except Exception as error:
            if state(error) != LOCKED and not isinstance(error, WarehouseError):
                raise
            self.script("ROLLBACK TO SAVEPOINT view")
            log.warning("the view %s stays as it is for now: %s", whole, told(error))
            return False
        return True


def _oid(schema: str, name: str) -> str:
    return (
        "(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE n.nspname = {literal(schema)} AND c.relname = {literal(name)})"
    )


def _index(table_name: str, column: str) -> str:
    """The name of an index, the same whenever it is asked."""
    start = table_name.encode()[:45].decode(errors="ignore")
    return f"{start}_{digest(f'{table_name}.{column}')}_key"
