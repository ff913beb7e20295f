"""The PostgreSQL destination: rows and marks in one transaction, tried again when the server goes away."""

from __future__ import annotations

import contextlib
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from framework.collection import Collection
from framework.warehouse import Conflict, Pace, WarehouseError
from warehouse_loader import catalog
from warehouse_loader.destination import Session, T
from warehouse_loader.patience import HeldError, patiently
from warehouse_loader.postgresql_errors import explained, lost, passing
from warehouse_loader.postgresql_session import DIALECT, PostgresSession
from warehouse_loader.sql_warehouse import SqlWarehouse

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

_BUSY = 120.0  # seconds that a commit waits for a server that is away: a fail-over takes less
_READING = 10.0  # seconds that reading waits for one
_STEPS = (0.1, 0.3, 1.0, 3.0, 5.0)  # seconds between two attempts
_READS = "ISOLATION LEVEL REPEATABLE READ"
_READS_ONLY = f"{_READS} READ ONLY"
_DEFAULTS = {
    "application_name": "catchment",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_ALWAYS = {"client_encoding": "UTF8"}  # whatever the database, the role or the environment says: so are Arrow's texts


def postgres_warehouse(
    url: str,
    source: str,
    collections: Sequence[Collection],
    *,
    carriers: Sequence[Collection] = (),
    patience: float = _BUSY,
) -> SqlWarehouse:
    """One source's schema in the database at ``url`` (``postgresql://user:password@host:port/database?sslmode=…``)."""
    return SqlWarehouse(Postgres(url, patience), source, collections, carriers)


class Postgres:
    """One database, whatever the source (warehouse_loader.destination.Destination)."""

    dialect = DIALECT

    def __init__(self, url: str, patience: float = _BUSY) -> None:
        self._uri, self._name, self._secrets = completed(url)
        self._patience = patience
        self._open: Connection | None = None
        self._close: weakref.finalize[Any, Any] | None = None
        self._turn = threading.RLock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def pace(self) -> Pace:
        """Fewer, larger commits than an embedded file has: each costs round trips and a flush of the server's log."""
        return Pace(rows=40_000, bytes=64_000_000, seconds=5.0)

    def check(self) -> bool:
        """Whether the schema `catchment` is there; the user must be able to write or make it."""
        with self.reading() as session:
            assert session is not None
            session.schema(catalog.SCHEMA)
            there = bool(session.tables(catalog.SCHEMA))
            asked = (
                f"has_schema_privilege('{catalog.SCHEMA}', 'CREATE')"
                if there
                else ("has_database_privilege(current_database(), 'CREATE')")
            )
            if not session.rows(f"SELECT {asked}")[0][0]:
                raise WarehouseError(
                    f"{self._name}: this user may not make tables",
                    "Let it (GRANT CREATE ON DATABASE), or make the schemas for it; docs/warehouses.md says how.",
                    kind="config",
                )
        return there

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session | None]:
        """A transaction that only reads."""
        with self._turn:
            session = self._begun(min(self._patience, _READING))
            try:
                yield session
                session.rollback()
            except BaseException as error:
                self._drop()
                if not _is_adbc(error):
                    raise
                raise self._known(error) from error

    def asked(self, work: Callable[[Session], T]) -> T | None:
        """What ``work`` finds in a transaction that is rolled back; done again where the connection is lost.

        It is not READ ONLY, for that takes no temporary table.
        """

        def attempt() -> T:
            session = self._session()
            session.begin(_READS)
            found = work(session)
            session.rollback()
            return found

        with self._turn:
            return self._again_and_again(attempt, self._patience)

    def transact(
        self, prepare: Callable[[Session], None], write: Callable[[Session], T], stands: Callable[[Session], bool]
    ) -> T:
        """Tables and columns in short transactions of their own, then the rows in one.

        A lost connection or a server that goes away is waited for, and everything is done again; where it was lost
        while the transaction committed, the marks tell whether it did.
        """
        unsure: list[T] = []

        def attempt() -> T:
            try:
                session = self._session()
                if unsure and stands(session):
                    return unsure[0]
                try:
                    prepare(session)
                    session.begin()
                    session.script("SET LOCAL lock_timeout = '60s'")
                    done = write(session)
                except Conflict:
                    if unsure and stands(session):  # it ended while this one waited for its lock
                        session.rollback()
                        return unsure[0]
                    raise
                unsure[:] = [done]
                session.commit()
            except BaseException as error:
                if unsure and not lost(error):
                    unsure.clear()
                raise
            return done

        with self._turn:
            return self._again_and_again(attempt, self._patience)

    # ------------------------------------------------------------------------------------- connection

    def _begun(self, patience: float) -> PostgresSession:
        """A session in a transaction that reads; the connection may have died since it was used last."""

        def attempt() -> PostgresSession:
            session = self._session()
            session.begin(_READS_ONLY)
            return session

        return self._again_and_again(attempt, patience)

    def _again_and_again(self, work: Callable[[], T], patience: float) -> T:
        """What ``work`` gives, on a new connection each time that one is lost, or the server cannot serve now."""
        steps = itertools.chain(_STEPS, itertools.repeat(_STEPS[-1]))

        def attempt() -> T:
            try:
                return work()
            except BaseException as error:
                self._drop()
                if not _is_adbc(error):
                    raise
                known = self._known(error)
                if passing(error):
                    raise HeldError(str(known), known.hint, next(steps)) from error
                raise known from error

        try:
            return patiently(attempt, patience)
        except HeldError as held:
            raise WarehouseError(f"{held}; waited {patience:.0f} s", held.hint) from None

    def _session(self) -> PostgresSession:
        if self._open is None:
            try:
                from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]
            except ImportError as error:
                hint = 'Install it: pip install "catchment[postgresql]"'
                raise WarehouseError("the driver for PostgreSQL is not there", hint, kind="config") from error
            self._open = dbapi.connect(self._uri, autocommit=True)
            self._close = weakref.finalize(self, _closed, self._open)
        return PostgresSession(self._open)

    def _drop(self) -> None:
        if self._close is not None:
            self._close()
        self._open = self._close = None

    def _known(self, error: BaseException) -> WarehouseError:
        known = explained(error, self._name)
        for secret in self._secrets:
            known.args = (str(known).replace(secret, "***"),)
        return known


def _is_adbc(error: BaseException) -> bool:
    return type(error).__module__.startswith("adbc_driver_manager")


def _closed(connection: Connection) -> None:
    with contextlib.suppress(Exception):
        connection.close()


def completed(url: str) -> tuple[str, str, tuple[str, ...]]:
    """The address with our defaults for what it does not say, its name without secrets, and the secrets.

    Raises WarehouseError, kind ``config``, for one that cannot be.
    """
    hint = "Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE; escape what is special in the password (@ is %40)."
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        secrets = [parts.password or "", options.get("password", ""), options.get("sslpassword", "")]
    except ValueError as error:
        raise WarehouseError(f"the address of the warehouse cannot be read: {error}", hint, kind="config") from None
    if parts.scheme not in ("postgresql", "postgres") or not (parts.netloc or options.get("host")):
        raise WarehouseError("the address of the warehouse names no server", hint, kind="config")
    host = parts.netloc.rpartition("@")[2] or options.get("host", "")
    whole = parts._replace(query=urlencode({**_DEFAULTS, **options, **_ALWAYS}, quote_via=quote)).geturl()
    found = {one for secret in secrets if secret for one in (secret, unquote(secret))}
    return whole, f"postgresql://{host}{parts.path}", tuple(sorted(found, key=len, reverse=True))
