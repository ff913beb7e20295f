"""What a destination brings: a dialect, and sessions that run the shared SQL in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from framework.warehouse import Pace
from warehouse_loader.dialect import Dialect
from warehouse_loader.lattice import Kind

Row = tuple[Any, ...]
T = TypeVar("T")


class Session(Protocol):
    """One open connection. Statements see temporary tables (``near``, ``hit``, what is staged) by their bare name."""

    @property
    def dialect(self) -> Dialect: ...

    def rows(self, sql: str) -> list[Row]:
        """What a query answers."""
        ...

    def change(self, sql: str) -> int:
        """Runs one statement inside the transaction; how many rows it wrote."""
        ...

    def keep(self, name: str, query: str) -> int:
        """Puts what a query answers into a temporary table, over one of that name; how many rows that were."""
        ...

    def staged(self, name: str, table: Any) -> AbstractContextManager[None]:
        """An Arrow table as ``name`` in SQL."""
        ...

    def now(self, micros: int) -> None:
        """Sets the time of the commit, which the dialect's ``now`` tells from then on."""
        ...

    def schema(self, name: str) -> list[str]:
        """The statements that make a schema; none where it is there, for its owner may not be allowed to."""
        ...

    def tables(self, schema: str) -> set[str]:
        """The tables of a schema; views are none."""
        ...

    def views(self, schema: str) -> set[str]:
        """The views of a schema."""
        ...

    def columns(self, schema: str, table: str) -> dict[str, str]:
        """The columns of a table with their types, in the words of the dialect's ``kinds``."""
        ...

    def room(self, schema: str, table: str) -> int:
        """How many more columns the table can have."""
        ...

    def define(self, statements: Sequence[str]) -> None:
        """Runs statements that make schemas, tables and columns; they may stand though the commit fails."""
        ...

    def index(self, schema: str, table: str, column: str, *, unique: bool) -> list[str]:
        """The statements that make looking rows up by a column cheap; none where scans are."""
        ...

    def widen(self, schema: str, table: str, column: str, kind: Kind, into: Kind) -> None:
        """Makes a column's type wider, its values kept."""
        ...

    def view(self, schema: str, name: str, query: str) -> bool:
        """Makes a view, or gives the one there another query; False where that has to wait for a later commit."""
        ...

    def hold(self, state: str) -> None:
        """From here on until its end this transaction alone writes the source whose marks ``state`` (a name) has."""
        ...


class Destination(Protocol):
    """One warehouse, whatever the source."""

    @property
    def name(self) -> str:
        """What messages call it; no secret in it."""
        ...

    @property
    def dialect(self) -> Dialect: ...

    @property
    def pace(self) -> Pace: ...

    def check(self) -> bool:
        """Whether there is a warehouse already; makes and changes nothing.

        Raises WarehouseError where it cannot be reached or written.
        """
        ...

    def reading(self) -> AbstractContextManager[Session | None]:
        """A session that only reads; None where there is no warehouse yet. Raises WarehouseError."""
        ...

    def asked(self, work: Callable[[Session], T]) -> T | None:
        """What ``work`` finds with such a session, which may be run again; None where there is no warehouse yet.

        It may stage tables.

        Raises WarehouseError.
        """
        ...

    def transact(
        self, prepare: Callable[[Session], None], write: Callable[[Session], T], stands: Callable[[Session], bool]
    ) -> T:
        """Runs ``prepare``, which adds tables and columns, then ``write`` in one transaction: all of it or nothing.

        What both do may be run again. ``stands`` tells, after a connection was lost while it committed, whether the
        transaction stands all the same. Raises WarehouseError.
        """
        ...
