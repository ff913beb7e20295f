"""A query of an analyst on the warehouse: nothing but reading, and every value in a form that loses nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from catchment.output import Failure

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS = 2_000  # fetched at once
_READS = ("SELECT", "MULTI", "EXPLAIN")  # PIVOT becomes MULTI in DuckDB 2, and CREATE with SELECT in 1.x
_TEXT = ("VARCHAR", "ENUM")
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")  # fmt: skip
_NOT_THE_QUERY = ("IO", "Out of Memory", "Fatal", "INTERNAL", "Internal")
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")

# The connection reads the warehouse and nothing else: no file, no network, no setting that would change this.
GUARDS = (
    "SET TimeZone = 'UTC'", "SET errors_as_json = true", "SET enable_external_access = false",
    "SET lock_configuration = true",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result. ``form``: its values come as plain, time (an instant as text), json (text) or lines."""

    name: str
    form: str
    number: bool = False


def answer(connection: DuckDBPyConnection, query: str) -> tuple[list[Column], Iterator[list[tuple[Any, ...]]]]:
    """Runs one query that only reads. Raises Failure that names the place in the query, or what to write instead."""
    for guard in GUARDS:
        connection.execute(guard)
    with _placed(query, 0):
        explain = _judged(connection, query) == "EXPLAIN"
    query = _without_semicolons(query)
    if explain:
        with _placed(query, 0):
            connection.execute(query)
        return [Column(name, "lines") for name, *_ in connection.description or ()], _batches(connection, query, 0)
    before = "DESCRIBE SELECT * FROM ("
    with _placed(query, len(before)):
        described = connection.execute(f"{before}{query}\n)").fetchall()
    columns, expressions = [], []
    for n, (name, type_, *_) in enumerate(described, 1):
        form, expression = _form(type_, f"#{n}")
        columns.append(Column(name, form, type_.partition("(")[0] in _NUMBERS and not type_.endswith("]")))
        expressions.append(expression)
    before = f"SELECT {', '.join(expressions)} FROM ("
    with _placed(query, len(before)):
        connection.execute(f"{before}{query}\n)")
    return columns, _batches(connection, query, len(before))


def _batches(connection: DuckDBPyConnection, query: str, offset: int) -> Iterator[list[tuple[Any, ...]]]:
    while True:
        with _placed(query, offset):
            rows = connection.fetchmany(_ROWS)
        if not rows:
            return
        yield rows


@contextmanager
def _placed(query: str, offset: int) -> Iterator[None]:
    """Turns DuckDB's errors into ours, for a query that stands ``offset`` letters into what was sent."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise failure(error, query, offset) from None


def _judged(connection: DuckDBPyConnection, query: str) -> str:
    """The kind of the one statement in ``query``, if it is one that reads."""
    statements = connection.extract_statements(query)
    if not statements:
        raise Failure("there is no query", 'write one, such as: catchment sql "SHOW ALL TABLES"', "config", 2)
    kind = str(statements[-1].type).rpartition(".")[2]
    if len(statements) > 1 and (kind not in _READS or _divided(query)):
        raise Failure("these are several queries", "ask one at a time", "config", 2)
    if kind not in _READS:
        message = f"this is no query but {kind}: `catchment sql` only reads"
        raise Failure(message, "write SELECT, SHOW, DESCRIBE or EXPLAIN", "config", 2)
    return kind


def _tokens(query: str) -> list[tuple[int, bool]]:
    """Where each token of a query begins, in bytes, and whether it is a semicolon. Comments are left out."""
    import duckdb

    raw, types = query.encode(), duckdb.token_type
    return [
        (at, raw[at : at + 1] == b";" and kind == types.operator)
        for at, kind in duckdb.tokenize(query)
        if kind != types.comment
    ]


def _divided(query: str) -> bool:
    """Whether a semicolon stands between two statements, not only at the end."""
    ends = [is_end for _, is_end in _tokens(query)]
    while ends and ends[-1]:
        ends.pop()
    return any(ends)


def _without_semicolons(query: str) -> str:
    """The one statement without what ends it; every other letter stays where it is."""
    raw = bytearray(query.encode())
    for at, is_end in _tokens(query):
        if is_end:
            raw[at] = 32
    return raw.decode()


def _form(type_: str, column: str) -> tuple[str, str]:
    base = type_.partition("(")[0]
    if type_.endswith("]") or base in _NESTED:
        return "json", f"to_json({column})::VARCHAR"
    if base == "JSON":
        return "json", f"{column}::VARCHAR"
    if base.startswith("TIMESTAMP"):
        return "time", f"{column}::VARCHAR"
    if base in _NUMBERS or base in _TEXT:
        return "plain", column
    return "plain", f"{column}::VARCHAR"


def as_text(value: Any, column: Column) -> str:
    """A value that is not NULL as people and CSV read it."""
    if column.form == "time":
        return iso(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def as_json(value: Any, column: Column) -> str:
    """A value as JSON text: numbers with every digit, JSON as it is stored."""
    if value is None:
        return "null"
    if column.form == "json":
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float) and not math.isfinite(value):
        return f'"{value}"'
    return json.dumps(as_text(value, column) if column.form == "time" else value, ensure_ascii=False)


def iso(text: str) -> str:
    """DuckDB's text of an instant as ISO 8601; what that cannot say (infinity, years before Christ) stays."""
    found = re.fullmatch(r"(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(\+00)?", text)
    return f"{found[1]}T{found[2]}{'Z' if found[3] else ''}" if found else text


def failure(error: Exception, query: str, offset: int) -> Failure:
    """DuckDB's error with its place in the query as line and column."""
    text = str(error)
    start = text.find("{")
    try:
        told = json.loads(text[start:]) if start >= 0 else {}
    except ValueError:
        told = {}
    message = " ".join((told.get("exception_message") or text.partition("\n\nLINE")[0]).splitlines())
    if told.get("exception_type") in _NOT_THE_QUERY:
        return Failure(message, "the query may be right; free memory or disk space and ask again")
    if told.get("exception_type") == "Permission":
        return Failure(message, "`catchment sql` reads the warehouse and nothing else", "config", 2)
    position = told.get("position", "")
    if not position.isdigit() or int(position) < offset:
        return Failure(message, "", "config", 2)
    before = query.encode()[: int(position) - offset].decode(errors="replace")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    shown = query.splitlines()[line - 1].strip() if query.splitlines()[line - 1 :] else ""
    made = Failure(message, f"line {line}, column {column}: {shown}", "config", 2)
    made.line, made.column = line, column
    return made
