"""PostgreSQL's errors as ours: whether another try may help, and what to do about it."""

from __future__ import annotations

import re

from framework.warehouse import WarehouseError

# States (https://www.postgresql.org/docs/current/errcodes-appendix.html) that pass: connection lost, server going down
# or coming up or full, serialisation, deadlock, lock timeout, a server that is a replica now, a table just dropped.
_PASSING = re.compile("08...|57P0[1-3]|53300|40001|40P01|55P03|25006|42P01|3F000")
LOCKED, SLOW = "55P03", "57014"  # a lock, or a statement's end, did not come in time
_RACES = frozenset({"23505", "42P06", "42P07", "42701", "XX000"})  # two at once made the same schema, table or column
_CUT = ("SSL SYSCALL", "unexpected eof", "closed unexpectedly", "closed the connection", "reset by peer")
_COMING = ("starting up", "shutting down", "recovery", "too many", "remaining connection slots", "reserved for")

_HINTS: tuple[tuple[tuple[str, ...], tuple[str, ...], str, str], ...] = (
    (("28",), ("password authentication failed", "no password supplied", "pg_hba.conf", "authentication failed"),
     "config", "Correct user, password or TLS options in `warehouse:`, or let the server accept this user."),
    (("3D000",), ('database "',), "config", "Create the database, or correct its name in `warehouse:`."),
    (("28000",), ('role "',), "config", "Create the user, or correct its name in `warehouse:`."),
    (("42501",), ("permission denied", "must be owner"), "config",
     "Let the user create schemas (GRANT CREATE ON DATABASE), or make them for it; docs/warehouses.md says how."),
    (("53100",), ("No space left",), "warehouse",
     "Free some space on the disk of the database server and run again; it resumes where it was."),
    (("53200",), ("out of memory",), "warehouse", "Give the database server more memory, and run again."),
    (("53300",), ("too many", "connection slots"), "warehouse",
     "Raise max_connections of the server, or close other programs, and run again."),
    (("55P03",), (), "warehouse", "Another program holds a lock on the table: let it end its transaction; run again."),
    (("25006",), ("read-only",), "warehouse", "The server is a replica: name the primary in `warehouse:`."),
    (("2BP01",), (), "warehouse",
     "Drop what uses the column, run again, and make it again: the column's type had to become wider."),
    (("54",), ("row is too big",), "warehouse",
     "A row has more columns with values than a page holds: leave some of them out with `exclude`."),
    ((), ("could not translate host name", "Name or service not known"), "config",
     "Correct the host in `warehouse:`; it is not known to the name service."),
    ((), _CUT, "warehouse", "The connection was lost: see whether the server is well, and run again."),
    ((), ("invalid URI", "invalid port", "invalid percent-encoded", "invalid connection", "definition of service"),
     "config", "Correct the address in `warehouse:`; docs/warehouses.md says how it is written."),
    ((), ("certificate", "SSL", "sslmode"), "config", "Correct sslmode, sslrootcert or sslcert in `warehouse:`."),
    ((), ("Connection refused", "timeout expired", "No such file", "No route", "unreachable"), "warehouse",
     "Start the server, or correct host and port in `warehouse:`, and run again."),
)  # fmt: skip


def state(error: BaseException) -> str:
    """The five letters that say what happened; "" where the connection itself failed."""
    found = getattr(error, "sqlstate", None) or ""
    if not found:
        told = re.search(r"SQLSTATE: (\w{5})", str(error))
        found = told[1] if told else ""
    return str(found)


def lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that nobody knows what became of a COMMIT."""
    found = state(error)
    return not found or found.startswith(("08", "57P"))


def passing(error: BaseException) -> bool:
    """Whether the same may work in a moment."""
    found, text = state(error), str(error)
    if found:
        return _PASSING.fullmatch(found) is not None
    if any(sign in text for sign in _CUT):
        return True
    if ("invalid" in text or "definition of service" in text) and "Failed to connect" in text:  # a wrong address
        return False
    refused = "FATAL" in text and "Failed to connect" in text
    certificate = "certificate" in text or "SSL" in text
    return any(sign in text for sign in _COMING) or not (refused or certificate or "translate host name" in text)


def race(error: BaseException) -> bool:
    """Whether somebody else made the same thing at the same moment."""
    return state(error) in _RACES


def explained(error: BaseException, place: str) -> WarehouseError:
    """The error with what to do about it; no query and no value in it."""
    found, text = state(error), told(error)
    for states, signs, kind, hint in _HINTS:
        if (found and found.startswith(states)) if found and states else (not found and any(s in text for s in signs)):
            return WarehouseError(f"{place}: {text}", hint, kind=kind)
    return WarehouseError(f"{place}: {text}", "Nothing of this commit was kept; run again.")


def told(error: BaseException) -> str:
    """What the server said, in one line: the details would show rows, the query can be long."""
    text = str(error)
    said = re.split(r"\n\s*(?:CONTEXT|HINT|LINE|STATEMENT|Query was|QUERY)\b", text)[0]
    said = re.sub(r"\nDETAIL:.*(?:\n(?!\S+:).*)*", lambda found: _detail(found[0]), said)
    said = re.split(r"(?:ERROR|FATAL|PANIC): +", said)[-1] if re.search("(?:ERROR|FATAL|PANIC): ", said) else said
    said = re.sub(r"^\w+: (?:\[libpq\] )?(?:Failed to \w+(?: \w+)?: )?", "", said)
    said = re.sub(r"\s*\.?\s*SQLSTATE: \w{5}", "", said)
    return " ".join(said.split()).removesuffix(".")


def _detail(text: str) -> str:
    return text if "depends on" in text else ""
