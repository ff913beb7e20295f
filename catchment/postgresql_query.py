"""A query of an analyst on a PostgreSQL warehouse: nothing but reading, every value in a form that loses nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from catchment.output import Failure
from catchment.query import Column

if TYPE_CHECKING:
    from warehouse_loader.postgresql_session import PostgresSession

_ROWS = 2_000  # fetched at once
_READS = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_LINES = ("EXPLAIN", "SHOW")
_PLAIN = ("bool", "int2", "int4", "int8", "float4", "float8")
_NUMBERS = (*_PLAIN, "numeric")
_JSON = ("json", "jsonb")
_NOT_ISO = re.compile("timestamptz?$")
_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?\*/) | [eE]'(?:\\.|[^'\\]|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | \w+ | .""",
    re.DOTALL | re.VERBOSE,
)
# DuckDB's way to ask what there is, which our documentation shows.
_TABLES = re.compile(r"show\s+(?:all\s+)?tables\s*;?\s*", re.IGNORECASE)
_ALL_TABLES = """
SELECT t.table_schema AS schema, t.table_name AS name, array_to_string(array(
    SELECT c.column_name::text FROM information_schema.columns c
    WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name ORDER BY c.ordinal_position), ', ') AS columns
FROM information_schema.tables t WHERE t.table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY 1, 2"""


def answer(session: PostgresSession, query: str) -> tuple[list[Column], Iterator[list[tuple[Any, ...]]]]:
    """Runs one query that only reads. Raises Failure that names the place in the query, or what to write instead."""
    if _TABLES.fullmatch(query):
        query = _ALL_TABLES
    query, word = _one(query)
    if not word:
        raise Failure("there is no query", 'write one, such as: catchment sql "SHOW ALL TABLES"', "config", 2)
    if word not in (*_READS, *_LINES):
        message = f"this is no query but {word}: `catchment sql` only reads"
        raise Failure(message, "write SELECT, SHOW or EXPLAIN", "config", 2)
    session.script("SET LOCAL search_path = DEFAULT; SET LOCAL DateStyle = 'ISO'")
    with _placed(query):
        described = session.described(query)
    if word in _LINES:
        names = [Column("", "lines"), *(Column(name, "lines") for name, _ in described)]
        rows = session.stream(query, _ROWS, copy=False)
        return names, _lines(query, rows)
    columns = [_column(name, kind) for name, kind in described]
    listed = ", ".join(_expression(f"c{n}", kind) for n, (_, kind) in enumerate(described))
    named = ", ".join(f"c{n}" for n in range(len(described)))
    wrapped = f"SELECT {listed} FROM ({query}\n) AS q({named})" if described else query
    exact = [n for n, (_, kind) in enumerate(described) if kind == "numeric"]
    return columns, _batches(query, session.stream(wrapped, _ROWS), exact)


def _batches(query: str, rows: Iterator[list[tuple[Any, ...]]], exact: list[int]) -> Iterator[list[tuple[Any, ...]]]:
    with _placed(query):
        for batch in rows:
            yield [_decimals(row, exact) for row in batch] if exact else batch


def _lines(query: str, rows: Iterator[list[tuple[Any, ...]]]) -> Iterator[list[tuple[Any, ...]]]:
    """As a plan of DuckDB comes: a title, which is not shown, and the text."""
    with _placed(query):
        for batch in rows:
            yield [("", *row) for row in batch]


def _decimals(row: tuple[Any, ...], exact: list[int]) -> tuple[Any, ...]:
    values = list(row)
    for n in exact:
        if values[n] is not None:
            values[n] = Decimal(values[n])
    return tuple(values)


def _column(name: str, kind: str) -> Column:
    form = "json" if kind in _JSON or _nested(kind) else "time" if _NOT_ISO.match(kind) else "plain"
    return Column(name, form, kind in _NUMBERS)


def _expression(column: str, kind: str) -> str:
    if kind in _PLAIN:
        return column
    return f"to_json({column})::text" if _nested(kind) else f"{column}::text"


def _nested(kind: str) -> bool:
    return kind.startswith("_") or kind == "record"


def _one(query: str) -> tuple[str, str]:
    """The query without what ends it, every other letter where it was, and its first word."""
    tokens = [found for found in _TOKEN.finditer(query) if found["blank"] is None]
    word = tokens[0][0].upper() if tokens else ""
    while tokens and tokens[-1][0] == ";":
        at = tokens.pop().start()
        query = f"{query[:at]} {query[at + 1 :]}"
    return query, word


@contextmanager
def _placed(query: str) -> Iterator[None]:
    """Turns PostgreSQL's errors into ours."""
    from warehouse_loader.postgresql_errors import state, told

    try:
        yield
    except Failure:
        raise
    except Exception as error:
        if not state(error):
            raise
        raise _failure(error, query, state(error), told(error)) from None


def _failure(error: Exception, query: str, found: str, message: str) -> Failure:
    if found.startswith(("53", "57", "58", "XX")):
        return Failure(message, "the query may be right; ask again when the server is well")
    if found in ("25006", "42501"):
        return Failure(message, "`catchment sql` reads what the user of `warehouse:` may read", "config", 2)
    if "multiple commands" in message:
        return Failure("these are several queries", "ask one at a time", "config", 2)
    place = re.search(r"\nLINE (\d+): (.*)\n( *)\^", str(error))
    lines = query.splitlines()
    if not place or int(place[1]) > len(lines):
        return Failure(message, "", "config", 2)
    line, text = int(place[1]), lines[int(place[1]) - 1]
    cut = place[2].startswith("...") or place[2].endswith("...")
    column = 0 if cut else len(place[3]) - len(f"LINE {line}: ") + 1
    where = f"line {line}, column {column}" if column else f"line {line}"
    made = Failure(message, f"{where}: {text.strip()}", "config", 2)
    made.line, made.column = line, column or None
    return made
