"""The addresses in catchment.yaml: of the two databases, and of the vendor's API."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit


class BadUrlError(ValueError):
    """An address that cannot be used; ``hint`` says what would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def database_url(value: str, folder: Path, schemes: Sequence[str]) -> str:
    """``value`` with a file's path made absolute (``duckdb:////data/x.duckdb``), relative to ``folder``.

    The first scheme is the one that names a file: ``scheme:///relative`` or ``scheme:////absolute``.
    """
    embedded = schemes[0]
    example = f"write {embedded}:///file.{'db' if embedded == 'sqlite' else embedded}"
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in schemes:
        known = " or ".join(f"{known}://…" for known in schemes)
        raise BadUrlError(f"this is not an address of the kind {known}", example)
    if scheme != embedded:
        if not rest.strip("/"):
            raise BadUrlError("this names no server", f"write {scheme}://user:password@host/database")
        return value
    if not rest.startswith("/") or rest == "/":
        raise BadUrlError("this names no file", f"{example} (three slashes, four for an absolute path)")
    if rest.endswith((":memory:", "/")):
        raise BadUrlError("this names no file, and what is kept in memory is lost", example)
    return f"{embedded}:///{(folder / Path(rest[1:]).expanduser()).as_posix()}"


def database_file(url: str) -> Path | None:
    """The file behind a resolved address; None for a server."""
    scheme, _, rest = url.partition("://")
    return Path(rest[1:]) if scheme in ("duckdb", "sqlite") else None


def duckdb_name(file: Path) -> str:
    """What DuckDB calls the database in ``file``: the name up to its first dot, in lower case.

    A schema of that name would make ``name.table`` ambiguous.
    """
    name = next((part for part in file.name.split(".") if part), "").lower()
    return f"{name}_db" if name in ("main", "temp", "system") else name


def http_url(value: str) -> str:
    """``value`` without a slash at its end; https anywhere, http on this machine only."""
    example = "write https://host, or http://127.0.0.1:PORT for a server on this machine"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadUrlError(f"this is not an address: {error}", example) from None
    if parts.scheme not in ("https", "http") or not host or any(c.isspace() or c == "\\" for c in value):
        raise BadUrlError("this is not an address of the kind https://…", example)
    if parts.username is not None or parts.query or parts.fragment:
        raise BadUrlError("this has a user, ?query or #fragment", "put secrets under `credentials`")
    if parts.scheme == "http" and not _is_loopback(host):
        raise BadUrlError(f"http would send the credentials readable to {host}", example)
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
