"""Schedules of calls that all processes share: whoever reserves a slot owns that instant alone."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from state.database import Connection, Database
from state.patience import enduring

AHEAD_S = 2 * 3600.0  # no vendor's wait that we take reaches further
CLOCK_STEP_S = 1.0  # a clock found further back than this was set back


@dataclass(frozen=True, slots=True)
class Schedule:
    """One bucket: the generic cell rate algorithm without a burst. All in seconds since 1970."""

    next_at: float = 0.0
    frozen_until: float = 0.0
    written_at: float = 0.0

    def at(self, now: float) -> Schedule:
        """The schedule as of ``now``; it moves along with a clock that was set back, or it would stand still."""
        back = self.written_at - now
        if back > CLOCK_STEP_S:
            return Schedule(self.next_at - back, self.frozen_until - back, now)
        return replace(self, written_at=now)

    def reserve(self, now: float, rate: float, count: int) -> tuple[float, Schedule]:
        """The first of ``count`` slots, and the schedule after them; the past is not saved up."""
        first = max(now, self.next_at, self.frozen_until)
        return first, replace(self, next_at=first + count / rate)


class Limits:
    """The schedules in one state database.

    They are kept by the clock that all its clients share. Callers give and get instants of their own clock.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ahead = 0.0  # of our clock, the shared one: seconds

    @enduring
    def reserve(self, bucket: str, rate: float, count: int = 1) -> float:
        """Reserves ``count`` slots, one every 1/``rate`` seconds; returns the Unix time of the first.

        It lies neither before now nor before the end of a freeze. The slots are the caller's alone.
        """
        with self._database.transaction(f"limit {bucket}") as connection:
            now, ahead = self._clock(connection)  # inside: who waited for the others must get no slot of the past
            row = connection.execute(
                "SELECT next_at, frozen_until, written_at FROM limits WHERE bucket = ?", (bucket,)
            ).fetchone()
            first, after = (Schedule(*row) if row else Schedule()).at(now).reserve(now, rate, count)
            connection.execute(
                "INSERT INTO limits VALUES (?, ?, ?, ?) ON CONFLICT (bucket) DO UPDATE SET"
                " next_at = excluded.next_at, frozen_until = excluded.frozen_until,"
                " written_at = excluded.written_at",
                (bucket, after.next_at, after.frozen_until, after.written_at),
            )
        return first - ahead

    @enduring
    def freeze(self, bucket: str, until: float) -> None:
        """No slot before the Unix time ``until``; an earlier ``until`` does not shorten a freeze."""
        with self._database.transaction(f"limit {bucket}") as connection:
            now, ahead = self._clock(connection)
            connection.execute(
                "INSERT INTO limits VALUES (?, 0, ?, ?) ON CONFLICT (bucket) DO UPDATE SET"
                " frozen_until = CASE WHEN limits.frozen_until > excluded.frozen_until"
                " THEN limits.frozen_until ELSE excluded.frozen_until END",
                (bucket, until + ahead, now),
            )

    @enduring
    def claim(self, bucket: str, count: int, per: float, before: float) -> float:
        """When a call may leave so that no ``per`` seconds hold more than ``count`` of them (Unix seconds).

        The slot is the caller's if it is not after ``before``; otherwise nothing is taken.
        """
        with self._database.transaction(f"limit {bucket}") as connection:
            now, ahead = self._clock(connection)
            # What lies further ahead than anybody may have waited was booked by a clock that has been set back.
            connection.execute(
                "DELETE FROM limit_calls WHERE bucket = ? AND (at <= ? OR at > ?)", (bucket, now - per, now + AHEAD_S)
            )
            full = connection.execute(
                "SELECT at FROM limit_calls WHERE bucket = ? ORDER BY at DESC LIMIT 1 OFFSET ?", (bucket, count - 1)
            ).fetchone()
            frozen = connection.execute("SELECT frozen_until FROM limits WHERE bucket = ?", (bucket,)).fetchone()
            held = frozen[0] if frozen and frozen[0] <= now + AHEAD_S else 0.0
            at = float(max(now, held, full[0] + per if full else 0.0))
            if at <= before + ahead:
                connection.execute("INSERT INTO limit_calls VALUES (?, ?)", (bucket, at))
        return at - ahead

    @enduring
    def spent(self, bucket: str, used: int, per: float, resets: float) -> None:
        """Counts the calls of others: at least ``used`` are in the window that the vendor empties at ``resets``."""
        with self._database.transaction(f"limit {bucket}") as connection:
            now, ahead = self._clock(connection)
            (known,) = connection.execute(
                "SELECT count(*) FROM limit_calls WHERE bucket = ? AND at > ?", (bucket, now - per)
            ).fetchone()
            at = min(now, resets + ahead - per)
            connection.executemany("INSERT INTO limit_calls VALUES (?, ?)", [(bucket, at)] * (used - known))

    @enduring
    def frozen_until(self, bucket: str) -> float:
        """The Unix time at which the latest freeze ends; 0 if there was none."""
        with self._database.connection() as connection:
            row = connection.execute("SELECT frozen_until FROM limits WHERE bucket = ?", (bucket,)).fetchone()
            _, ahead = self._clock(connection)
        return float(row[0]) - ahead if row and row[0] else 0.0

    def _clock(self, connection: Connection) -> tuple[float, float]:
        """The instant by the shared clock, and by how much that is ahead of ours."""
        before = time.time()
        told = self._database.now(connection)
        if told is None:
            return before, 0.0
        # An answer proves a span only, as its way takes time. What we took for true stays until it is proven wrong:
        # a new guess each time would shift our slots against each other. Too little makes them later, never earlier.
        least, most = told - time.time(), told - before
        if not least <= self._ahead <= most:
            self._ahead = least
        return told, self._ahead
