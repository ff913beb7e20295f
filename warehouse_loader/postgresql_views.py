"""Views that stand in the way of a change in PostgreSQL: taken down and put up again as they were, within it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from framework.warehouse import WarehouseError
from warehouse_loader.dialect import literal
from warehouse_loader.postgresql_errors import state, told

Rows = Callable[[str], list[tuple[Any, ...]]]
Script = Callable[[str], object]

_KINDS = {"m": "materialized view", "r": "rule of the table", "p": "rule of the table"}
_RULE = "'pg_rewrite'::regclass"
_OF = f"d.classid = {_RULE} AND d.refclassid = 'pg_class'::regclass"
GRANTEE = "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END"
OPTION = "CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
_PLACE = "format('%I.%I', n.nspname, c.relname)"
_DESCRIBED = (
    f"c.oid::bigint, {_PLACE}, CASE WHEN c.relpersistence = 't' THEN 't' ELSE c.relkind::text END, "
    "pg_has_role(c.relowner, 'USAGE'), array_to_string(c.reloptions, ', '), quote_ident(pg_get_userbyid(c.relowner))"
)
# Rights exactly as they are (first without what default privileges add), comments, defaults, triggers, rules; the owner
# last, for then it is no longer ours to change.
_REST = f"""
WITH v AS (SELECT c.oid, c.relacl, c.relowner, c.relnamespace, {_PLACE} AS name,
        (SELECT oid FROM pg_roles WHERE rolname = current_user) AS me
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {{0}})
SELECT 1 AS step, format('REVOKE ALL ON %s FROM %s', v.name, {GRANTEE}) AS said
    FROM v, pg_default_acl p, aclexplode(p.defaclacl) a
    WHERE p.defaclobjtype = 'r' AND p.defaclrole = v.me AND a.grantee <> v.me
        AND p.defaclnamespace IN (0, v.relnamespace)
UNION SELECT 2, format('GRANT %s ON %s TO %s%s', a.privilege_type, v.name, {GRANTEE}, {OPTION})
    FROM v, aclexplode(v.relacl) a WHERE a.grantee <> v.relowner
UNION SELECT 2, format('GRANT %s (%I) ON %s TO %s%s', a.privilege_type, t.attname, v.name, {GRANTEE}, {OPTION})
    FROM v JOIN pg_attribute t ON t.attrelid = v.oid, aclexplode(t.attacl) a WHERE t.attnum > 0
UNION SELECT 3, format('COMMENT ON VIEW %s IS %L', v.name, d.description)
    FROM v JOIN pg_description d ON d.objoid = v.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
UNION SELECT 3, format('COMMENT ON COLUMN %s.%I IS %L', v.name, t.attname, d.description)
    FROM v JOIN pg_attribute t ON t.attrelid = v.oid
    JOIN pg_description d ON d.objoid = v.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = t.attnum
    WHERE t.attnum > 0
UNION SELECT 4, format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', v.name, t.attname, pg_get_expr(f.adbin, v.oid))
    FROM v JOIN pg_attrdef f ON f.adrelid = v.oid JOIN pg_attribute t ON t.attrelid = v.oid AND t.attnum = f.adnum
UNION SELECT 5, rtrim(pg_get_ruledef(r.oid), ';') FROM v JOIN pg_rewrite r ON r.ev_class = v.oid
    WHERE r.rulename <> '_RETURN'
UNION SELECT 5, pg_get_triggerdef(g.oid) FROM v JOIN pg_trigger g ON g.tgrelid = v.oid WHERE NOT g.tgisinternal
UNION SELECT 6, format('ALTER VIEW %s OWNER TO %I', v.name, pg_get_userbyid(v.relowner)) FROM v WHERE v.relowner <> v.me
ORDER BY 1, 2"""
_DEEPEST = 64  # views upon views


@dataclass(frozen=True, slots=True)
class View:
    """One view: its quoted name, its query, and the statements that make everything else about it again."""

    name: str
    query: str
    options: str = ""
    rest: tuple[str, ...] = ()

    def created(self) -> str:
        """The statement that makes it."""
        options = f" WITH ({self.options})" if self.options else ""
        return f"CREATE VIEW {self.name}{options} AS {self.query}"


def above(rows: Rows, relation: str, column: str = "") -> list[View]:
    """The views that use a relation (its oid as SQL), one column of it if named; each after those that it uses.

    Names in their queries are whole where ``search_path`` is empty. Raises WarehouseError where one of them cannot be
    made again: a materialized view, one of another user or session.
    """
    first = f"AND a.attname = {literal(column)}" if column else ""
    part = "JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid" if column else ""
    found = rows(f"""
        WITH RECURSIVE above(oid, depth) AS (
            SELECT r.ev_class, 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid {part}
            WHERE {_OF} AND d.refobjid = {relation} AND (r.ev_class <> d.refobjid OR r.rulename <> '_RETURN') {first}
            UNION SELECT r.ev_class, above.depth + 1 FROM above JOIN pg_depend d ON d.refobjid = above.oid
            JOIN pg_rewrite r ON r.oid = d.objid WHERE {_OF} AND r.ev_class <> above.oid AND above.depth < {_DEEPEST})
        SELECT {_DESCRIBED}, max(depth) FROM above, pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = above.oid GROUP BY c.oid, n.nspname ORDER BY 7, 1""")
    return [_view(rows, *one[:6]) for one in found]


def alone(rows: Rows, relation: str) -> View | None:
    """One view by its oid; None where it is not there."""
    found = rows(
        f"SELECT {_DESCRIBED} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {relation}"
    )
    return _view(rows, *found[0]) if found else None


def _view(rows: Rows, oid: int, name: str, kind: str, ours: bool, options: str | None, owner: str) -> View:
    if kind == "t":
        raise refused(name, "temporary view", "it goes when the session that made it ends")
    if kind != "v":
        raise refused(name, _KINDS.get(kind, "relation"), "such a one is not made again")
    if not ours:
        raise refused(name, "view", f"it belongs to {owner}, whose rights this user does not have")
    (query,) = rows(f"SELECT pg_get_viewdef({oid})")[0]
    return View(
        name, str(query).rstrip().removesuffix(";"), options or "", tuple(said for _, said in rows(_REST.format(oid)))
    )


def taken_down(views: Sequence[View]) -> str:
    """The statement that drops them: one, so that its time limit holds for all; in the order in which readers lock."""
    return f"DROP VIEW {', '.join(view.name for view in reversed(views))}"


def put_up(script: Script, views: Sequence[View]) -> None:
    """Makes them again. Raises WarehouseError where the query of one no longer holds."""
    for view in views:
        try:
            script("; ".join([view.created(), *view.rest]))
        except Exception as error:
            if not state(error).startswith(("42", "2B", "0A")):
                raise
            raise refused(view.name, "view", told(error)) from error


def refused(name: str, kind: str, why: str) -> WarehouseError:
    """What somebody has to do about a view that cannot be made again."""
    return WarehouseError(
        f"the {kind} {name} uses a column that had to change, and cannot be made again: {why}",
        f"Drop the {kind} {name}, run again, and make it anew. Nothing is lost: the next run reads on from here.",
    )
