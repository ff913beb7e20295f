"""What a source knows of its account and can ask again: losing it costs calls, never a row."""

from __future__ import annotations

from state.database import Database
from state.patience import enduring


class Documents:
    """Bytes under a name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @enduring
    def get(self, name: str) -> bytes:
        """What was put last; b"" if nothing was."""
        with self._database.connection() as connection:
            row = connection.execute("SELECT content FROM documents WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else b""

    @enduring
    def put(self, name: str, content: bytes) -> None:
        """Keeps ``content`` in the place of what was there; nothing is written when it is the same."""
        if self.get(name) == content:
            return
        with self._database.transaction(f"document {name}") as connection:
            connection.execute(
                "INSERT INTO documents VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET content = excluded.content",
                (name, content),
            )
