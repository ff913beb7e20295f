"""One vendor account: its objects, who may see which change when, and what became of those that are gone."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from catchment.imitations.clock import Clock
from catchment.imitations.revealed import Among, Revealed
from catchment.imitations.zendesk.resources import KINDS
from catchment.imitations.zendesk.shelf import Id, Payload, Row, Shelf, encode

FIRST_ID = 26_363_590_000_000
# No change becomes visible later than this after its stamp.
LATEST_COMMIT = 75


class Account:
    """The store behind the API. All methods may be called while a server serves the account.

    `subdomain` names it; `plan` decides what it has and how many calls a minute it may make.
    """

    def __init__(
        self, *, seed: int = 0, now: float | None = None, subdomain: str = "acme", plan: str = "enterprise"
    ) -> None:
        self.random = random.Random(seed)
        self.clock = Clock(now)
        self.subdomain = subdomain
        self.plan = plan
        self.lock = threading.RLock()
        self.shelves: dict[str, Shelf] = {kind: Shelf() for kind in KINDS}
        self.owner_id = 0
        self.metric_of: dict[int, int] = {}
        self.events_of: dict[int, list[int]] = {}
        self.metric_events_of: dict[int, list[int]] = {}
        self.tickets = 0
        self._last_id = FIRST_ID + seed % 1_000 * 1_000_000_000
        self._late: list[tuple[float, int, list[tuple[str, Row]]]] = []
        self._staged: dict[tuple[str, Id], Row] | None = None
        self._waiting: set[tuple[str, Id]] = set()
        self._revealed: dict[str, list[Revealed]] = {}

    # --- changing the account ---------------------------------------------------------------------------------

    def new_id(self) -> int:
        """A fresh id in the vendor's style: large, growing, with gaps."""
        self._last_id += self.random.randint(1, 40) * 16
        return self._last_id

    def new_ticket_id(self) -> int:
        """The next ticket's number."""
        self.tickets += 1
        return self.tickets

    def url(self, path: str) -> str:
        """An object's own address."""
        return f"https://{self.subdomain}.zendesk.com/api/v2/{path}.json"

    def put(
        self,
        kind: str,
        payload: Payload,
        stamp: int,
        *,
        created: int | None = None,
        deleted_at: int | None = None,
        scope: str = "agent",
        parent: Id | None = None,
        archives_at: int | None = None,
    ) -> Payload:
        """Store an object or its new state; `stamp`: the second by which exports sort it."""
        row_id = payload["id"]
        with self.lock:
            known = self.find(kind, row_id)
            for field in self._revealed.get(kind, ()):
                payload |= field.shown(row_id)
            row = Row(
                row_id,
                encode(payload),
                stamp,
                created=known.created if known else stamp if created is None else created,
                deleted_at=deleted_at,
                scope=known.scope if known else scope,
                group=payload.get("group_id"),
                parent=parent if known is None else known.parent,
                archives_at=archives_at,
            )
            if self._staged is None:
                self._land(kind, row)
            else:
                self._staged[kind, row_id] = row
        return payload

    def _land(self, kind: str, row: Row) -> None:
        """Make a state visible; what belongs to a ticket is found again by that ticket's number."""
        if kind == "ticket":
            self._count_tags(self.shelves[kind].rows.get(row.id), row, row.stamp)
        self.shelves[kind].put(row)
        if isinstance(row.id, int) and isinstance(row.parent, int):
            if kind == "ticket_metric":
                self.metric_of[row.parent] = row.id
            elif kind in ("ticket_event", "ticket_metric_event"):
                home = self.events_of if kind == "ticket_event" else self.metric_events_of
                home.setdefault(row.parent, []).append(row.id)

    def forget(self, kind: str, row_id: Id, at: int) -> None:
        """The API shows an object no more, by any endpoint."""
        with self.lock:
            if kind == "ticket":
                self._count_tags(self.shelves[kind].rows[row_id], None, at)
            self.shelves[kind].forget(row_id, at)

    def _count_tags(self, before: Row | None, after: Row | None, at: int) -> None:
        """Tags are counted over the tickets that are not deleted; one that no ticket has is gone."""
        old, new = _tags(before), _tags(after)
        shelf = self.shelves["tag"]
        for name in sorted(old ^ new):
            row = shelf.rows.get(name)
            count = (row.payload()["count"] if row else 0) + (1 if name in new else -1)
            if count > 0:
                shelf.put(Row(name, encode({"name": name, "count": count}), at, created=at))
            elif row is not None:
                shelf.forget(name, at)

    def reveal(self, kind: str, field: str, among: Among = "all") -> None:
        """Show a field more from now on; no stamp moves."""
        with self.lock:
            rows = self.shelves[kind].rows
            shown = Revealed(field, among, frozenset(rows))
            self._revealed.setdefault(kind, []).append(shown)
            for row_id, row in rows.items():
                row.body = encode(row.payload() | shown.shown(row_id))

    @contextmanager
    def late(self, seconds: float) -> Iterator[None]:
        """What is stored inside becomes visible only `seconds` from now, all at once, under its earlier stamps."""
        with self.lock:
            self._staged = {}
            try:
                yield
                rows = [(kind, row) for (kind, _), row in self._staged.items()]
                self._waiting |= set(self._staged)
                self._late.append((self.clock.now() + seconds, len(self._late), rows))
            finally:
                self._staged = None

    def settle(self) -> None:
        """Make visible what has waited long enough. Every reader calls this first."""
        if not self._late:
            return
        with self.lock:
            now = self.clock.now()
            due = sorted(entry[:2] for entry in self._late if entry[0] <= now)
            if not due:
                return
            rows_of = {entry[:2]: entry[2] for entry in self._late}
            self._late = [entry for entry in self._late if entry[0] > now]
            for entry in due:
                for kind, row in rows_of[entry]:
                    self._land(kind, row)
                    self._waiting.discard((kind, row.id))

    # --- looking at it ----------------------------------------------------------------------------------------

    def find(self, kind: str, row_id: Id) -> Row | None:
        """The stored state of an object, the one being written included."""
        if self._staged is not None and (kind, row_id) in self._staged:
            return self._staged[kind, row_id]
        return self.shelves[kind].rows.get(row_id)

    def get(self, kind: str, row_id: Id) -> Payload:
        """A copy of an object. KeyError when the API does not show it."""
        row = self.find(kind, row_id)
        if row is None:
            raise KeyError(f"no {kind} {row_id}")
        return row.payload()

    def groups_of(self, user_id: int) -> set[int]:
        """The groups a user is a member of."""
        memberships = (row.payload() for row in self.shelves["group_membership"].rows.values())
        return {one["group_id"] for one in memberships if one["user_id"] == user_id}

    def waits(self, kind: str, row_id: Id) -> bool:
        """Whether a change of this object is still to become visible."""
        return (kind, row_id) in self._waiting

    def ids(self, kind: str, *, live: bool = True) -> list[Id]:
        """The ids of what the API shows, ascending; `live`: without what is deleted."""
        shelf = self.shelves[kind]
        return [row_id for row_id in shelf.ids() if not live or shelf.rows[row_id].deleted_at is None]

    def count(self) -> int:
        """How many objects the API shows, deleted ones that it still tells of included."""
        return sum(len(shelf.rows) for shelf in self.shelves.values())

    def truth(self) -> Iterator[tuple[str, Payload, int | None, bool]]:
        """Every object there ever was: kind, last state, when it was deleted, whether the API has forgotten it."""
        self.settle()
        for kind, shelf in self.shelves.items():
            with self.lock:
                rows, gone = list(shelf.rows.values()), list(shelf.gone.values())
            for row in rows:
                yield kind, row.payload(), row.deleted_at, False
            for row, at in gone:
                yield kind, row.payload(), row.deleted_at if row.deleted_at is not None else at, True


def _tags(row: Row | None) -> set[str]:
    return set() if row is None or row.deleted_at is not None else set(row.payload()["tags"])
