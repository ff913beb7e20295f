"""Who may open the warehouse file: our own lock beside it, and patience with programs that do not know of it."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from framework.warehouse import WarehouseError
from warehouse_loader.patience import HeldError, patiently

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STEP = 0.02  # seconds between two attempts at our own lock, held for a commit at most
_FOREIGN = 0.25  # seconds between two attempts at a file that a foreign program holds
_SIGNS = ("Could not set lock", "different configuration", "already attached", "file handle conflict")

Entered = tuple["DuckDBPyConnection", "int | None"]


@contextmanager
def opened(
    path: Path, connect: Callable[[], DuckDBPyConnection], *, shared: bool, patience: float
) -> Iterator[DuckDBPyConnection]:
    """A connection to the file under our lock; waits for whoever holds either, ``patience`` seconds at most.

    The lock is given back while a foreign program holds the file, so our readers still get in.
    """

    def enter() -> Entered:
        handle = _locked(path, shared=shared)
        try:
            return _connected(path, connect), handle
        except BaseException:
            _release(handle)
            raise

    try:
        connection, handle = patiently(enter, patience)
    except HeldError as held:
        raise WarehouseError(f"{held}; waited {patience:.0f} s", held.hint) from None
    try:
        yield connection
    finally:
        connection.close()
        _release(handle)


def _connected(path: Path, connect: Callable[[], DuckDBPyConnection]) -> DuckDBPyConnection:
    import duckdb

    try:
        return connect()
    except duckdb.Error as error:
        text = str(error)
        if not any(sign in text for sign in _SIGNS):
            raise explained(error, path) from error
        found = re.search(r"PID (\d+)", text)
        holder = f"process {found[1]}" if found else f"process {os.getpid()} (this one)"
        hint = "Close that program, or its connection to the file, and run again."
        raise HeldError(f"{holder} holds the warehouse {path}", hint, _FOREIGN) from None


def _locked(path: Path, *, shared: bool) -> int | None:
    lock = path.with_name(path.name + ".lock")
    try:
        if not shared:
            lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if shared and isinstance(error, PermissionError):  # reading a warehouse in a folder that is not ours
            return None
        hint = "The folder must be writable by this user."
        raise WarehouseError(f"cannot open {lock}: {error.strerror}", hint) from error
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        writer = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        ours = writer == str(os.getpid())
        who = "another source of this run" if ours else f"another Catchment process (last writer: {writer})"
        message = f"{who} holds the warehouse {path}"
        raise HeldError(message, "Let it finish, or end it, and run again.", _STEP) from None
    if not shared:
        os.truncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _release(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def explained(error: Exception, path: Path) -> WarehouseError:
    """DuckDB's error as ours, with what to do about it."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    for signs, hint in _HINTS:
        if any(sign in text for sign in signs):
            return WarehouseError(f"{path}: {text}", hint)
    return WarehouseError(f"{path}: {text}", "Nothing of this commit was kept; run again.")


_HINTS = (
    (
        ("depend on it", "an index depends"),
        "Drop the indexes of that table, run again, and make them anew: a column's type had to become wider.",
    ),
    (
        ("No space left", "disk is full", "File too large"),
        "Free some space on that disk and run again; it resumes where it was.",
    ),
    (("Permission denied", "read-only", "Read-only"), "The file and its folder must be writable by this user."),
    (
        ("not a valid DuckDB", "corrupt", "Corrupt", "checksum", "newer version", "version number"),
        (
            "The file is no DuckDB database that the installed version can read: restore it from a copy, "
            "update DuckDB, or name another file in `warehouse:`."
        ),
    ),
    (
        ("Out of Memory", "failed to pin", "max_temp_directory_size"),
        "Free memory, or disk for temporary files, and run again.",
    ),
)
