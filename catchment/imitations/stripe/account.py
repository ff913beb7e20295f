"""One vendor account: its objects, the mutations that tests make, and the events these emit."""

import heapq
import random
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from catchment.imitations.revealed import Among, Revealed
from catchment.imitations.stripe import events, legacy
from catchment.imitations.stripe.clock import DAY, Clock
from catchment.imitations.stripe.resources import BY_OBJECT, Child, Derived
from catchment.imitations.stripe.shelf import Key, Row, Shelf, decode, encode, look

API_VERSION = "2026-10-28.endive"
EVENT_RETENTION = 30 * DAY
EMBEDDED_ROWS = 10
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Payload = dict[str, Any]


@dataclass(frozen=True)
class Gone:
    """A deleted object: what it was last, when it went, and whose child it was."""

    object: Payload
    deleted_at: int
    parent: tuple[str, str, str] | None = None


class Account:
    """The store behind the API. All methods may be called while a server serves the account."""

    def __init__(
        self, *, seed: int = 0, livemode: bool = False, now: float | None = None, account_id: str | None = None
    ) -> None:
        self.random = random.Random(seed)
        self.clock = Clock(now)
        self.livemode = livemode
        self.lock = threading.RLock()
        self.shelves: dict[str, Shelf] = {name: Shelf(resource) for name, resource in BY_OBJECT.items()}
        self.lists: dict[tuple[str, str], list[Row]] = {}
        self.deleted: dict[tuple[str, str], Gone] = {}
        self.event_version = API_VERSION
        self.unavailable: dict[str, tuple[int, str]] = {}
        self.revision = 0
        self.notes: dict[str, Any] = {}
        self._arrivals = 0
        self._late: list[tuple[float, Key, Row]] = []
        self._revealed: dict[str, list[Revealed]] = {}
        self.id = account_id or self.new_id("acct")
        self.profile: Payload = {"id": self.id, "object": "account"}

    # --- changing the account ---------------------------------------------------------------------------------

    def new_id(self, prefix: str) -> str:
        """A fresh id in the vendor's style: prefix, underscore, 24 letters and digits."""
        body = "".join(self.random.choices(_ALPHABET, k=14))
        return f"{prefix}_1{body}{self._next():09d}"

    def create(
        self, payload: Payload, *, at: float | None = None, hidden_for: float = 0.0, emit: bool = True
    ) -> Payload:
        """Add a top-level object (or a discount) and emit what the vendor emits for it.

        `at`: when it happened, vendor seconds (default: now); `hidden_for`: seconds until its events show.
        """
        with self.lock:
            self._put(payload, None)
            if emit:
                self._emit(events.created(payload), payload["object"], payload["id"], None, at, hidden_for)
        return payload

    def add_child(
        self,
        parent_type: str,
        parent_id: str,
        field: str,
        payload: Payload,
        *,
        at: float | None = None,
        emit: bool = True,
    ) -> Payload:
        """Put a child into a parent's list; the parent's own event is left to a following `update`."""
        with self.lock:
            row = self._put(payload, (parent_type, parent_id, field))
            self.lists.setdefault((parent_id, field), []).append(row)
            self._stale(parent_type, parent_id)
            if emit:
                self._emit(events.created(payload), payload["object"], payload["id"], None, at, 0.0)
        return payload

    def update(
        self,
        object_type: str,
        object_id: str,
        changes: Mapping[str, Any] | None = None,
        *,
        at: float | None = None,
        hidden_for: float = 0.0,
        add: Mapping[str, Sequence[Payload]] | None = None,
        remove: Mapping[str, Sequence[str]] | None = None,
        change: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
        emit: bool = True,
    ) -> Payload:
        """Change fields and rows of embedded lists as one change, announced by one set of events.

        `add`: field -> new rows; `remove`: field -> ids; `change`: field -> id -> changed fields of that row.
        """
        with self.lock:
            before = self.get(object_type, object_id)
            self._rewrite(object_type, object_id, changes or {})
            moment = self._moment(at)
            for field, ids in (remove or {}).items():
                for child_id in ids:
                    self._drop_child(object_id, field, child_id, moment)
            for field, fresh in (change or {}).items():
                rows = {row.id: row for row in self.lists[(object_id, field)]}
                for child_id, child_changes in fresh.items():
                    self._rewrite(str(rows[child_id].payload()["object"]), child_id, child_changes)
            for field, children in (add or {}).items():
                for child in children:
                    self.add_child(object_type, object_id, field, child, emit=False)
            self._stale(object_type, object_id)
            after = self.get(object_type, object_id)
            if emit:
                touched = {*(add or ()), *(remove or ()), *(change or ())}
                self._emit(events.updated(before, after), object_type, object_id, before, at, hidden_for, touched)
        return after

    def delete(
        self, object_type: str, object_id: str, *, at: float | None = None, hidden_for: float = 0.0, emit: bool = True
    ) -> None:
        """Delete an object with its children; lists stop showing it, its event carries the last payload."""
        with self.lock:
            moment = self._moment(at)
            last = self.get(object_type, object_id)
            body = self._page(object_type, object_id)
            for child in BY_OBJECT[object_type].children:
                for row in list(self.lists.get((object_id, child.field), ())):
                    self._drop_child(object_id, child.field, row.id, moment)
            row = self.shelves[object_type].rows[object_id]
            if row.parent is not None:
                self._drop_child(row.parent[1], row.parent[2], object_id, moment)
                self._stale(row.parent[0], row.parent[1])
            else:
                self.shelves[object_type].remove(object_id)
                self.deleted[(object_type, object_id)] = Gone(last, moment)
            self.revision += 1
            if emit:
                for name in events.deleted(last):
                    self._append_event(name, msgspec.Raw(body), None, at, hidden_for)

    def announce(self, object_type: str, object_id: str, *, at: float | None = None) -> None:
        """Emit the events of an object that was created silently, now that its children are in place."""
        with self.lock:
            self._emit(events.created(self.get(object_type, object_id)), object_type, object_id, None, at, 0.0)

    def emit(self, event_type: str, payload: Payload, *, at: float | None = None, hidden_for: float = 0.0) -> None:
        """Emit an event by hand, for what no stored change causes (`invoice.upcoming`, unknown types)."""
        with self.lock:
            self._append_event(event_type, payload, None, at, hidden_for)

    def reveal(self, object_type: str, field: str, among: Among = "all") -> None:
        """Show a field more from now on, and tell nobody."""
        with self.lock:
            known = frozenset(self.shelves[object_type].rows)
            self._revealed.setdefault(object_type, []).append(Revealed(field, among, known))
            for object_id in known:
                self._rewrite(object_type, object_id, {})

    # --- reading it ---------------------------------------------------------------------------------------------

    def get(self, object_type: str, object_id: str) -> Payload:
        """The object as the API shows it: embedded lists with their first ten rows. KeyError when not there."""
        loaded: Payload = decode(self._page(object_type, object_id))
        return loaded

    def ids(self, object_type: str) -> list[str]:
        """The ids of the live objects of a type, newest first."""
        with self.lock:
            return [key[2] for key in reversed(self.shelves[object_type].order)]

    def children(self, parent_id: str, field: str) -> list[Payload]:
        """All rows of a parent's list, in list order."""
        with self.lock:
            return [row.payload() for row in self.lists.get((parent_id, field), ())]

    def truth(self) -> dict[str, dict[str, Payload]]:
        """Every live object by type and id; embedded lists hold all rows, and children also stand by themselves."""
        found: dict[str, dict[str, Payload]] = {}
        for object_type, payload, _ in self.walk():
            found.setdefault(object_type, {})[payload["id"]] = payload
        return found

    def walk(self) -> Iterator[tuple[str, Payload, tuple[str, str, str] | None]]:
        """`truth` piece by piece: type, whole object, and (parent type, parent id, field) of a child."""
        with self.lock:
            self.settle()
            rows = [(name, row) for name, shelf in self.shelves.items() for row in list(shelf.rows.values())]
        for name, row in rows:
            payload = row.payload()
            for child in BY_OBJECT[name].children:
                if child.embedded:
                    whole = self.children(row.id, child.field)
                    payload[child.field] = _list(whole, False, child.url.format(id=row.id))
            yield name, payload, row.parent

    def settle(self) -> None:
        """Show the events whose time has come, drop those older than the vendor keeps."""
        now = self.clock.now()
        shelf = self.shelves["event"]
        while self._late and self._late[0][0] <= now:
            shelf.put(heapq.heappop(self._late)[2])
            self.revision += 1
        oldest = now - EVENT_RETENTION
        if shelf.order and shelf.order[0][0] < oldest:
            keep, _ = shelf.span(int(oldest) + 1, None)
            for key in shelf.order[:keep]:
                del shelf.rows[key[2]]
            del shelf.order[:keep]

    def count(self) -> int:
        """How many live objects there are, events aside."""
        return sum(len(shelf.rows) for name, shelf in self.shelves.items() if name != "event")

    def page_of(self, object_type: str, object_id: str) -> bytes:
        """The rendered JSON of an object, cached until it changes."""
        return self._page(object_type, object_id)

    def embedded(self, parent_id: str, child: Child | Derived) -> Payload:
        """A parent's list as the parent shows it: at most ten rows, with `has_more` and where the rest is."""
        if isinstance(child, Child):
            rows = [row.payload() for row in self.lists.get((parent_id, child.field), ())[:EMBEDDED_ROWS]]
            count = len(self.lists.get((parent_id, child.field), ()))
        else:
            ids = self.derived_ids(parent_id, child)
            rows = [self.get(child.object, object_id) for object_id in ids[:EMBEDDED_ROWS]]
            count = len(ids)
        return _list(rows, count > EMBEDDED_ROWS, child.url.format(id=parent_id))

    def derived_ids(self, parent_id: str, derived: Derived) -> list[str]:
        """The ids of the objects that point at a parent, newest first."""
        shelf = self.shelves[derived.object]
        ids = shelf.linked[derived.link].get(parent_id, [])
        if derived.live_only:
            ids = [object_id for object_id in ids if shelf.rows[object_id].facts["status"] != "canceled"]
        return sorted(ids, key=lambda object_id: shelf.rows[object_id].key, reverse=True)

    # --- inside -------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._arrivals += 1
        return self._arrivals

    def _moment(self, at: float | None) -> int:
        return int(self.clock.now() if at is None else at)

    def _row(self, payload: Payload, parent: tuple[str, str, str] | None, key: Key | None = None) -> Row:
        resource = BY_OBJECT[payload["object"]]
        for field in self._revealed.get(payload["object"], ()):
            payload = {**payload, **field.shown(payload["id"])}
        place = key or (int(payload.get(resource.stamp) or 0), self._next(), payload["id"])
        return Row(place, payload, self._facts(payload), parent)

    def _rewrite(self, object_type: str, object_id: str, changes: Mapping[str, Any]) -> None:
        shelf = self.shelves[object_type]
        old = shelf.remove(object_id)
        row = self._row({**old.payload(), **changes}, old.parent, old.key)
        shelf.put(row)
        if old.parent is not None:
            siblings = self.lists[old.parent[1:]]
            siblings[siblings.index(old)] = row
            self._stale(old.parent[0], old.parent[1])
        self.revision += 1

    def _facts(self, payload: Payload) -> dict[str, Any]:
        resource = BY_OBJECT[payload["object"]]
        facts = {name: look(payload, path) for name, path in {**resource.filters, **resource.ranges}.items()}
        if payload["object"] == "invoiceitem":
            facts["pending"] = payload["invoice"] is None
        return facts

    def _refresh_facts(self, object_type: str, object_id: str) -> None:
        if object_type != "subscription":  # the only kind whose filters look into its children
            return
        row = self.shelves[object_type].rows[object_id]
        row.facts.update(self._facts(self.get(object_type, object_id)))

    def _put(self, payload: Payload, parent: tuple[str, str, str] | None) -> Row:
        row = self._row(payload, parent)
        self.shelves[payload["object"]].put(row)
        self.deleted.pop((payload["object"], payload["id"]), None)
        self.revision += 1
        return row

    def _drop_child(self, parent_id: str, field: str, child_id: str, moment: int) -> None:
        rows = self.lists[(parent_id, field)]
        row = next(row for row in rows if row.id == child_id)
        rows.remove(row)
        payload = row.payload()
        self.shelves[payload["object"]].remove(child_id)
        self.deleted[(payload["object"], child_id)] = Gone(payload, moment, row.parent)
        self.revision += 1

    def _stale(self, object_type: str, object_id: str) -> None:
        row = self.shelves[object_type].rows.get(object_id)
        if row is not None:
            row.page = None
            self._refresh_facts(object_type, object_id)
        self.revision += 1

    def _page(self, object_type: str, object_id: str) -> bytes:
        with self.lock:
            row = self.shelves[object_type].rows[object_id]
            if row.page is None:
                shown = [child for child in BY_OBJECT[object_type].children if child.embedded]
                if shown:
                    payload = row.payload()
                    for child in shown:
                        payload[child.field] = self.embedded(object_id, child)
                    row.page = encode(payload)
                else:
                    row.page = row.body
            return row.page

    def _emit(
        self,
        names: Sequence[str],
        object_type: str,
        object_id: str,
        before: Payload | None,
        at: float | None,
        hidden_for: float,
        touched: Collection[str] = (),
    ) -> None:
        if not names or self._moment(at) < self.clock.now() - EVENT_RETENTION:
            return
        body = self._page(object_type, object_id)
        old = None if before is None else events.previous(before, decode(body))
        if old is not None and before is not None:
            old.update((field, before[field]) for field in touched)
        for name in names:
            self._append_event(
                name, msgspec.Raw(body), old if name.endswith(("updated", "refunded")) else None, at, hidden_for
            )

    def _append_event(self, name: str, payload: Any, old: Payload | None, at: float | None, hidden_for: float) -> None:
        moment = self._moment(at)
        data: Payload = {"object": payload}
        if old is not None:
            data["previous_attributes"] = old
        if self.event_version != API_VERSION:
            data = legacy.older(data, self.event_version)
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": self.event_version,
            "created": moment,
            "data": data,
            "livemode": self.livemode,
            "pending_webhooks": 1,
            "request": {"id": self.new_id("req"), "idempotency_key": None},
            "type": name,
        }
        row = Row((moment, self._next(), str(event["id"])), event, {"type": name, "delivery_success": False}, None)
        if hidden_for > 0:
            heapq.heappush(self._late, (self.clock.now() + hidden_for, row.key, row))
        else:
            self.shelves["event"].put(row)
        self.revision += 1


def _list(rows: list[Payload], has_more: bool, url: str) -> Payload:
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}
