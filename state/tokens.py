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
from state.patience import enduring
from state.processes import Process, this_process

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

VARIABLE = "CATCHMENT_KEY"
SHORTEST = 32  # characters of a key that is no Fernet key
LEASE_S = 120.0  # a token request ends well before
POLL_S = 0.05


class Tokens:
    """The tokens in one state database. The key is ``CATCHMENT_KEY``, else a file that only we may read.

    The file is beside a state database that is a file, else in the project's ``.catchment`` folder on each host.
    Raises SourceError (kind ``config``) for a key that cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._revisions: dict[str, int] = {}  # of what was kept when its renewal began
        self._keys: MultiFernet | None = None

    def load(self, key: str) -> bytes | None:
        """What is kept under ``key``; None if nothing is, or nothing that this installation's key opens.

        Where another host may have kept it, a key that does not open it is an error: to begin anew with the
        configured credential would end the session of that host.
        """
        from cryptography.fernet import InvalidToken

        sealed = self._sealed(key)
        if sealed is None:
            return None
        cipher = self._cipher(make=not self._database.shared)
        try:
            if cipher is not None:
                return cipher.decrypt(sealed)
        except InvalidToken:
            pass
        if self._database.shared:
            raise self._foreign()
        return None

    def save(self, key: str, secret: bytes) -> bool:
        """Keeps ``secret``, committed when it returns. False: another has replaced it since ``exclusive`` began."""
        cipher = self._cipher()
        assert cipher is not None
        return self._keep(key, cipher.encrypt(secret))

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
            self._give_back(key, lease)

    @enduring
    def _sealed(self, key: str) -> bytes | None:
        with self._database.connection() as connection:
            row = connection.execute("SELECT secret FROM tokens WHERE name = ?", (key,)).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    @enduring
    def _keep(self, key: str, sealed: bytes) -> bool:
        with self._database.transaction(f"token {key}") as connection:
            changed = connection.execute(
                # What is there already was committed just before a connection broke: it is ours.
                "UPDATE tokens SET secret = ?, revision = revision + 1 WHERE name = ? AND (revision = ? OR secret = ?)",
                (sealed, key, self._revisions.get(key, 0), sealed),
            )
        return changed.rowcount == 1

    @enduring
    def _give_back(self, key: str, lease: str) -> None:
        with self._database.transaction(f"token {key}") as connection:
            connection.execute("UPDATE tokens SET lease = '' WHERE name = ? AND lease = ?", (key, lease))

    @enduring
    def _take(self, key: str, lease: str) -> int | None:
        """The revision of what is kept under ``key``, which is ours alone now; None while somebody else has it."""
        me = this_process()
        with self._database.transaction(f"token {key}") as connection:
            told = self._database.now(connection)
            now = time.time() if told is None else told
            connection.execute(
                "INSERT INTO tokens VALUES (?, NULL, 0, '', 0, 0, '', '', '') ON CONFLICT (name) DO NOTHING", (key,)
            )
            row = connection.execute("SELECT * FROM tokens WHERE name = ?", (key,)).fetchone()
            holder = Process(row["pid"], row["process_start"], row["machine"], row["host"])
            if (
                row["lease"] not in ("", lease)
                and now < row["leased_until"] <= now + LEASE_S
                and holder.gone() is not True
            ):
                return None
            connection.execute(
                "UPDATE tokens SET lease = ?, leased_until = ?, pid = ?, process_start = ?, machine = ?, host = ?"
                " WHERE name = ?",
                (lease, now + LEASE_S, me.pid, me.start, me.machine, me.host, key),
            )
        return int(row["revision"])

    def _cipher(self, *, make: bool = True) -> MultiFernet | None:
        """What encrypts; None if there is no key and none shall be made."""
        if self._keys is None:
            from cryptography.fernet import Fernet, MultiFernet

            file = self._database.key
            given = os.environ.get(VARIABLE, "").strip()
            keys = [_key(part.strip(), VARIABLE) for part in given.split(",") if part.strip()]
            if not (make or keys or file.exists()):
                return None
            if file.exists() or not keys:
                keys.append(_key(_file(file), str(file)))
            self._keys = MultiFernet([Fernet(key) for key in keys])
        return self._keys

    def _foreign(self) -> SourceError:
        """A session in the state database that our key does not open."""
        hint = (
            f"set the same {VARIABLE} on every host that uses this state database, or copy {self._database.key.name}"
            f" from the host that kept it to {self._database.key}; if that key is lost, run DELETE FROM"
            " catchment_state.tokens there, and the configured credential begins a new session"
        )
        return SourceError(
            "config", f"the session kept in {self._database.name} was encrypted with another key than ours", hint
        )


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
            file.parent.mkdir(parents=True, exist_ok=True)
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
