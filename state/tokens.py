"""Sessions' tokens, encrypted, and who is renewing each: one at a time among all processes."""

from __future__ import annotations

import base64
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import SourceError
from state.database import Database
from state.processes import Process, this_process

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

VARIABLE = "CATCHMENT_KEY"
SHORTEST = 32  # characters of a key that is no Fernet key
LEASE_S = 120.0  # a token request ends well before
POLL_S = 0.05


class Tokens:
    """The tokens in one state database. The key is ``CATCHMENT_KEY``, else a file beside it that only we may read.

    Raises SourceError (kind ``config``) for a key that cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._revisions: dict[str, int] = {}  # of what was kept when its renewal began
        self._keys: MultiFernet | None = None

    def load(self, key: str) -> bytes | None:
        """What is kept under ``key``; None if nothing is, or nothing that this installation's key opens."""
        from cryptography.fernet import InvalidToken

        with self._database.connection() as connection:
            row = connection.execute("SELECT secret FROM tokens WHERE name = ?", (key,)).fetchone()
        if row is None or row[0] is None:
            return None
        try:
            return self._cipher().decrypt(bytes(row[0]))
        except InvalidToken:
            return None

    def save(self, key: str, secret: bytes) -> bool:
        """Keeps ``secret``, committed when it returns. False: another has replaced it since ``exclusive`` began."""
        sealed = self._cipher().encrypt(secret)
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE tokens SET secret = ?, revision = revision + 1 WHERE name = ? AND revision = ?",
                (sealed, key, self._revisions.get(key, 0)),
            )
        return changed.rowcount == 1

    @contextmanager
    def exclusive(self, key: str, wait: Callable[[float], None]) -> Iterator[None]:
        """Alone with ``key`` among all threads and processes, waiting by ``wait``. Who died holding it is replaced."""
        lease = uuid.uuid4().hex
        while (revision := self._take(key, lease)) is None:
            wait(POLL_S)
        self._revisions[key] = revision
        try:
            yield
        finally:
            with self._database.transaction() as connection:
                connection.execute("UPDATE tokens SET lease = '' WHERE name = ? AND lease = ?", (key, lease))

    def _take(self, key: str, lease: str) -> int | None:
        """The revision of what is kept under ``key``, which is ours alone now; None while somebody else has it."""
        me = this_process()
        with self._database.transaction() as connection:
            now = time.time()
            connection.execute(
                "INSERT INTO tokens VALUES (?, NULL, 0, '', 0, 0, '', '', '') ON CONFLICT (name) DO NOTHING", (key,)
            )
            row = connection.execute("SELECT * FROM tokens WHERE name = ?", (key,)).fetchone()
            holder = Process(row["pid"], row["process_start"], row["machine"], row["host"])
            if row["lease"] and now < row["leased_until"] <= now + LEASE_S and holder.gone() is not True:
                return None
            connection.execute(
                "UPDATE tokens SET lease = ?, leased_until = ?, pid = ?, process_start = ?, machine = ?, host = ?"
                " WHERE name = ?",
                (lease, now + LEASE_S, me.pid, me.start, me.machine, me.host, key),
            )
        return int(row["revision"])

    def _cipher(self) -> MultiFernet:
        if self._keys is None:
            from cryptography.fernet import Fernet, MultiFernet

            file = self._database.file.with_name(f"{self._database.file.name}.key")
            given = os.environ.get(VARIABLE, "").strip()
            keys = [_key(part.strip(), VARIABLE) for part in given.split(",") if part.strip()]
            if file.exists() or not keys:
                keys.append(_key(_file(file), str(file)))
            self._keys = MultiFernet([Fernet(key) for key in keys])
        return self._keys


def _key(text: str, where: str) -> bytes:
    """A Fernet key as it is; any other text that is long enough by its SHA-256."""
    with suppress(ValueError):
        if len(base64.urlsafe_b64decode(text)) == 32:
            return text.encode()
    if len(text) < SHORTEST:
        hint = f"give at least {SHORTEST} random characters"
        raise SourceError("config", f"{where} is too short to encrypt tokens with", hint)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())


def _file(file: Path) -> str:
    """The key in ``file``, which is made if need be: whole or not at all, whoever else makes it."""
    from cryptography.fernet import Fernet

    try:
        if not file.exists():
            draft = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
            draft.touch(mode=0o600, exist_ok=False)
            with draft.open("wb") as stream:
                stream.write(Fernet.generate_key())
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileExistsError):
                os.link(draft, file)
            draft.unlink()
        elif file.stat().st_mode & 0o077:
            file.chmod(0o600)
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            "config", f"the key in {file} cannot be used: {error}", f"set {VARIABLE}, or check its rights"
        ) from None
