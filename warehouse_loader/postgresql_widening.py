"""A column made wider in PostgreSQL while readers go on: a new one is filled beside it, and takes its place at once."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse_loader import postgresql_views
from warehouse_loader.dialect import literal, quote
from warehouse_loader.patience import HeldError, patiently
from warehouse_loader.postgresql_errors import LOCKED, SLOW, state, told
from warehouse_loader.postgresql_views import GRANTEE, OPTION

if TYPE_CHECKING:
    from warehouse_loader.postgresql_session import PostgresSession

log = logging.getLogger(__name__)

# Readers may have to wait for the views and then for the table. Shorter than the server waits before it looks for
# deadlocks: of two in each other's way it is us who step back.
_LIMIT = "400ms"
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|.""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Widening:
    """``using``: the new values, an expression of ``column``. ``relation``: the oid of ``table``, as SQL."""

    table: str
    relation: str
    column: str
    type: str
    using: str

    @property
    def _new(self) -> str:
        return quote(f"_wider_{digest(self.column)}")

    def run(self, session: PostgresSession, *, beside: bool) -> None:
        """Does it; ``beside`` while the table still has room for one more column, else readers wait for the rewriting.

        Raises WarehouseError where a view that uses the column cannot be made again; all is then as it was.
        """
        session.begin()
        postgresql_views.above(session.rows, self.relation, self.column)
        session.rollback()
        drop = f"ALTER TABLE {self.table} DROP COLUMN IF EXISTS {self._new}"
        if beside:
            session.define([drop, f"ALTER TABLE {self.table} ADD COLUMN {self._new} {self.type}"])
        try:
            names: list[str] = []
            if beside:
                session.briefly(lambda: names.extend(self._filled(session)))
            session.briefly(lambda: self._swap(session, names, beside=beside))
        except BaseException:
            if beside:
                with contextlib.suppress(Exception):
                    session.define([drop])
            raise

    def _filled(self, session: PostgresSession) -> list[str]:
        """Fills the new column and makes its indexes; the statements that give these the names of the old ones.

        In a transaction of its own: a reader that waits for the swap may have begun before it, and would see the
        column as it was then.
        """
        session.begin()
        self._fill(session)
        names = list(self._indexes(session))
        session.commit()
        return names

    def _fill(self, session: PostgresSession) -> int:
        """How many rows lacked their value; from here to the end of the transaction nobody else writes the table."""
        session.script(
            f"SET LOCAL lock_timeout = '{_LIMIT}'; LOCK TABLE {self.table} IN SHARE ROW EXCLUSIVE MODE; "
            "SET LOCAL lock_timeout = 0"
        )
        lacking = f"{quote(self.column)} IS NOT NULL AND {self._new} IS DISTINCT FROM {self.using}"
        return session.change(f"UPDATE {self.table} SET {self._new} = {self.using} WHERE {lacking}")

    def _swap(self, session: PostgresSession, names: Sequence[str], *, beside: bool) -> None:
        old = quote(self.column)
        session.begin()
        if not beside:
            self._at_once(session, [f"ALTER TABLE {self.table} ALTER COLUMN {old} TYPE {self.type} USING {self.using}"])
            return
        while self._fill(session):  # somebody has written since
            session.commit()
            session.begin()
        statements = [
            f"ALTER TABLE {self.table} DROP COLUMN {old}",
            f"ALTER TABLE {self.table} RENAME COLUMN {self._new} TO {old}",
            *names,
            *(one for (one,) in session.rows(self._kept())),
        ]
        self._at_once(session, statements)

    def _kept(self) -> str:
        """The statements that give the new column what the old one had beside its values."""
        of = f"FROM pg_attribute t WHERE t.attrelid = {self.relation} AND t.attname = {literal(self.column)}"
        comment, at = "col_description(t.attrelid, t.attnum)", literal(self.table)
        return f"""
            SELECT format('COMMENT ON COLUMN %s.%I IS %L', {at}, t.attname, {comment}) {of} AND {comment} IS NOT NULL
            UNION ALL
            SELECT format('GRANT %s (%I) ON %s TO %s%s', a.privilege_type, t.attname, {at}, {GRANTEE}, {OPTION})
            {of.replace("t WHERE", "t, aclexplode(t.attacl) a WHERE")}"""

    def _indexes(self, session: PostgresSession) -> Iterator[str]:
        """Makes the indexes of the old column on the new one; the statements that give them their names."""
        found = session.rows(f"""
            SELECT quote_ident(c.relname), pg_get_indexdef(c.oid), quote_ident(s.conname),
                CASE s.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, quote_ident(t.attname)
            FROM pg_attribute t JOIN pg_index i ON i.indrelid = t.attrelid JOIN pg_class c ON c.oid = i.indexrelid
            LEFT JOIN pg_constraint s ON s.conindid = c.oid AND s.contype IN ('p', 'u')
            WHERE t.attrelid = {self.relation} AND t.attname = {literal(self.column)} AND (
                t.attnum = ANY (i.indkey::int2[]) OR EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid
                    AND d.refobjid = t.attrelid AND d.refobjsubid = t.attnum))
            ORDER BY 1""")
        for at, (name, definition, constraint, kind, column) in enumerate(found):
            made = quote(f"_wider_{digest(self.table + self.column)}_{at}")
            head, _, tail = definition.partition(" USING ")
            unique = "UNIQUE " if head.startswith("CREATE UNIQUE") else ""
            session.script("SAVEPOINT index")
            try:
                session.script(f"CREATE {unique}INDEX {made} ON {self.table} USING {renamed(tail, column, self._new)}")
            except Exception as error:
                if not state(error).startswith("42"):
                    raise
                session.script("ROLLBACK TO SAVEPOINT index")
                log.warning("the index %s of %s does not fit its column's new type: %s", name, self.table, told(error))
                continue
            if constraint:
                yield f"ALTER TABLE {self.table} ADD CONSTRAINT {constraint} {kind} USING INDEX {made}"
            else:
                schema = self.table.partition(".")[0]
                yield f"ALTER INDEX {schema}.{made} RENAME TO {name}"

    def _at_once(self, session: PostgresSession, statements: list[str]) -> None:
        """What keeps readers out, for an instant; what was filled before is kept while it has to wait."""
        session.script("SAVEPOINT filled")
        steps = itertools.chain((0.2, 0.5, 1.0, 2.0), itertools.repeat(5.0))

        def attempt() -> None:
            try:
                views = postgresql_views.above(session.rows, self.relation, self.column)
                if views:
                    session.script(f"SET LOCAL statement_timeout = '{_LIMIT}'")
                    session.script(postgresql_views.taken_down(views))
                session.script(f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{_LIMIT}'")
                session.script("; ".join(statements))
                postgresql_views.put_up(session.script, views)
                session.commit()
            except Exception as error:
                if state(error) not in (LOCKED, SLOW):
                    raise
                session.script("ROLLBACK TO SAVEPOINT filled")
                raise HeldError("readers hold a table", "Let them end their transactions.", next(steps)) from error

        patiently(attempt, session.patience)


def renamed(definition: str, column: str, new: str) -> str:
    """An index's columns and conditions with one column called otherwise; texts and functions of that name stay."""
    parts = _TOKEN.findall(definition)
    after = [*parts[1:], ""]
    return "".join(new if part == column and next_ != "(" else part for part, next_ in zip(parts, after, strict=True))


def digest(text: str) -> str:
    """Letters for a name."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
