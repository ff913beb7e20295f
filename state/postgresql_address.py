"""The address of a state database in PostgreSQL: what libpq is given, and what people may see of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode

from state.errors import StateError

HINT = (
    "write postgresql://user:password@host:port/database under `state`, with what is special in the password escaped"
    " (@ is %40, / is %2F, ? is %3F, # is %23)"
)
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_DEFAULTS = {
    "application_name": "catchment",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_SECRET = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class Address:
    """``uri`` is complete and secret; ``name`` holds no secret; ``secrets`` are to be masked in messages."""

    uri: str = field(repr=False)
    name: str
    secrets: tuple[str, ...] = field(repr=False)


def address(url: str) -> Address:
    """Takes ``postgresql://…`` apart, with our defaults for options that it does not name.

    Raises StateError for one that cannot be, of which nothing is shown: a password that is not escaped may be in
    any part of it.
    """
    head, mark, query = url.partition("://")[2].partition("?")
    server, slash, database = head.partition("/")
    login, at, hosts = server.rpartition("@")
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts.split(",")]
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        options = {"": ""}
    if "@" in login or "@" in database or "/" in database or "" in options or "#" in url:
        raise _unreadable()
    if any(port and not port.isdigit() for port in ports) or (mark and not query):
        raise _unreadable()
    if not hosts and not options.get("host"):
        raise StateError("the address under `state` names no server", HINT)
    password = login.partition(":")[2]
    found = {password, *(options.get(name, "") for name in _SECRET)}
    secrets = {form for one in found if one for form in (one, unquote(one))}
    uri = f"postgresql://{login}{at}{hosts}{slash}{database}?{urlencode({**_DEFAULTS, **options}, quote_via=quote)}"
    name = f"postgresql://{hosts or options['host']}/{unquote(database or options.get('dbname', ''))}"
    return Address(uri, name, tuple(sorted(secrets, key=len, reverse=True)))


def _unreadable() -> StateError:
    return StateError("the address of PostgreSQL under `state` cannot be read", HINT)
