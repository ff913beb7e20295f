"""PostgreSQL's errors as ours: whether another try may help, and what to do about it."""

from __future__ import annotations

import re

from state.errors import Passing, StateError
from state.postgresql_address import HINT, Address

# States (https://www.postgresql.org/docs/current/errcodes-appendix.html) that pass: connection lost, server going down
# or coming up or full, ended while idle in a transaction, serialisation, deadlock, lock timeout, a replica for now.
_PASSING = re.compile("08...|57P0[1-3]|53300|25P0[34]|40001|40P01|55P03|25006")
_COMING = ("starting up", "shutting down", "recovery", "too many", "connection slots", "reserved for")
_CUT = ("SSL SYSCALL", "unexpected eof", "closed unexpectedly")  # a server that goes away while it is asked
# Signs in the text of a connection that was refused, which carries no state: another try does not help.
_FINAL = (
    "FATAL:",
    "cannot be read",
    "translate host name",
    "certificate",
    "SSL",
    "no password supplied",
    "pg_hba.conf",
)

_HINTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("28P", ("password authentication failed", "no password supplied", "pg_hba.conf", "authentication failed"),
     "correct user and password under `state`, or let the server accept this user"),
    ("3D000", ('database "',), "create the database, or correct its name under `state`"),
    ("28000", ('role "',), "create the user, or correct its name under `state`"),
    ("42501", ("permission denied", "must be owner"),
     "let the user create the schema catchment_state (GRANT CREATE ON DATABASE), or make it and give it to the user"),
    ("53100", ("No space left",), "free some space on the disk of the database server"),
    ("53300", ("too many", "connection slots"), "raise max_connections of the server, or close other programs"),
    ("55P03", (), "another program holds a lock in the schema catchment_state: let it end its transaction"),
    ("25006", ("read-only",), "the server is a replica: name the primary under `state`"),
    ("-", ("translate host name", "Name or service"), "correct the host under `state`: it is not known"),
    ("-", ("certificate", "SSL", "sslmode"), "correct sslmode, sslrootcert or sslcert under `state`"),
    ("-", ("cannot be read",), HINT),
)  # fmt: skip
_OTHERWISE = "start the server, or correct host and port under `state`"


def explained(error: BaseException, address: Address) -> StateError:
    """The error with what to do about it; no password and no value in it."""
    found, text = str(getattr(error, "sqlstate", None) or ""), _told(error, address)
    passing = bool(_PASSING.fullmatch(found)) if found else _broken(str(error), text)
    kind = Passing if passing else StateError
    return kind(f"the state database {address.name} cannot be used: {text}", _hint(found, text))


def _hint(found: str, text: str) -> str:
    for state, signs, hint in _HINTS:
        if found.startswith(state) if found else any(sign in text for sign in signs):
            return hint
    return "run again; if it stays so, report it" if found else _OTHERWISE


def _broken(whole: str, told: str) -> bool:
    """Whether the connection broke, or was refused for now. The driver tells of it without a state."""
    if any(sign in told for sign in (*_COMING, *_CUT)):
        return True
    refused = "Failed to connect" in whole and any(sign in told for sign in _FINAL)
    return whole.startswith("IO:") and not refused


def _told(error: BaseException, address: Address) -> str:
    """What the server said, in one line: its details may show rows, and the address may be repeated."""
    text = str(error)
    said = re.split(r"\n\s*(?:DETAIL|CONTEXT|HINT|LINE|STATEMENT|QUERY|This probably|Is the)\b|\. SQLSTATE", text)[0]
    if query := re.search(r"(?:ERROR|PANIC): +", said):
        said = said[query.end() :]
    said = re.sub(r"^\w+: (?:\[libpq\] )?(?:Failed to [^:]*: )?", "", said)
    for secret in address.secrets:
        said = said.replace(secret, "••••")
    if "invalid " in said and "Failed to connect" in text and "FATAL" not in said:
        said = "the address cannot be read"  # what follows would be a part of it
    return " ".join(said.split()).removesuffix(".")
