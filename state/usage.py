"""Calls that count towards an account's daily quota, over the last 24 hours, by all runs together."""

from __future__ import annotations

from framework.quota import DAY_S, Standing
from state.database import Connection, Database
from state.patience import enduring

SPAN_S = 600  # calls are counted in spans of ten minutes


class Usage:
    """The daily quotas in one state database. Every time is the vendor's, in Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @enduring  # counted twice at worst, which keeps the quota
    def add(self, account: str, at: float, calls: int) -> Standing:
        """Counts ``calls`` of ours, and returns how the account stands with them."""
        with self._database.transaction(f"usage {account}") as connection:
            connection.execute(
                "DELETE FROM usage WHERE account = ? AND span < ?", (account, int((at - DAY_S) // SPAN_S))
            )
            connection.execute(
                "INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT (account, span) DO UPDATE SET"
                " calls = usage.calls + excluded.calls",
                (account, int(at // SPAN_S), calls),
            )
            ours, oldest = _ours(connection, account)
            told = connection.execute(
                "SELECT maximum, others, told_at FROM quotas WHERE account = ?", (account,)
            ).fetchone()
        return Standing(ours, oldest, *(told or (0, 0, 0.0)))

    @enduring
    def told(self, account: str, used: int, maximum: int, at: float) -> None:
        """Keeps what the vendor says: ``used`` calls by all, ``maximum`` allowed in 24 hours."""
        with self._database.transaction(f"usage {account}") as connection:
            ours, _ = _ours(connection, account)
            connection.execute(
                "INSERT INTO quotas VALUES (?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET"
                " maximum = excluded.maximum, others = excluded.others, told_at = excluded.told_at",
                (account, maximum, max(0, used - ours), at),
            )


def _ours(connection: Connection, account: str) -> tuple[int, float]:
    calls, oldest = connection.execute(
        "SELECT coalesce(sum(calls), 0), coalesce(min(span), 0) FROM usage WHERE account = ? AND calls > 0", (account,)
    ).fetchone()
    return int(calls), float(oldest * SPAN_S)
