"""An account with any number of tickets that costs no memory: each is rendered from its number when it is shown."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.desk import DAY
from catchment.imitations.zendesk.generator import HISTORY, QUIET, generate
from catchment.imitations.zendesk.shelf import Id, Key, Payload, Row, Shelf, encode
from catchment.imitations.zendesk.stamps import iso

# No real id comes near these; they stand for what differs from row to row.
_NUMBER, _METRIC = 9_000_000_000_000_001, 9_000_000_000_000_002
_STAMPS = {"@created@": b"%(created)s", "@updated@": b"%(updated)s"}
_METRICS = 50_000_000_000_000


class Bulk(Account):
    """`tickets` tickets with their metrics, of the users, fields and rules of a small account. It does not live."""

    def __init__(
        self,
        seed: int,
        tickets: int,
        now: float | None = None,
        *,
        subdomain: str = "acme",
        plan: str = "enterprise",
    ) -> None:
        model = generate(seed, 600, now, subdomain=subdomain, plan=plan)
        super().__init__(seed=seed, now=now, subdomain=subdomain, plan=plan)
        self.clock, self.owner_id = model.clock, model.owner_id
        moment = int(time.time() if now is None else now)
        self.generation = 0
        self._span = (moment - HISTORY + DAY, moment - QUIET)
        self._shown = self._span
        originals = [model.get("ticket", one) for one in model.ids("ticket")]
        metrics = [model.get("ticket_metric", model.metric_of[one["id"]]) for one in originals]
        self._tickets = [_template({**one, "id": _NUMBER, "url": self.url(f"tickets/{_NUMBER}")}) for one in originals]
        self._metrics = [_template({**one, "id": _METRIC, "ticket_id": _NUMBER}) for one in metrics]
        self.tickets = tickets
        self.shelves = dict(model.shelves)
        for kind in ("ticket", "ticket_metric", "ticket_event", "ticket_metric_event", "ticket_skip", "tag"):
            self.shelves[kind] = Shelf()
        self.shelves["satisfaction_rating"] = Shelf()
        self.shelves["ticket"] = _Rendered(_Rows(self, "ticket"))
        self.shelves["ticket_metric"] = _Rendered(_Rows(self, "ticket_metric"))
        self.metric_of = _Homes(tickets)

    def age(self) -> int:
        """Every ticket changes, spread over an hour that ends two minutes ago; returns the generation."""
        with self.lock:
            self.generation += 1
            ends = self.clock.second() - QUIET
            self._shown = (ends - 3_600, ends)
            return self.generation

    def stamp(self, number: int) -> int:
        """The second in which a ticket changed last."""
        low, high = self._shown
        return low + number * (high - low) // (self.tickets + 1)

    def row(self, kind: str, number: int) -> Row:
        """A ticket or its metric, as it is now."""
        low, high = self._span
        created = low + number * (high - low) // (self.tickets + 1)
        stamp = self.stamp(number)
        templates = self._tickets if kind == "ticket" else self._metrics
        body = templates[number % len(templates)] % {
            b"id": number,
            b"metric": _METRICS + number,
            b"stamp": stamp,
            b"created": iso(created).encode(),
            b"updated": iso(stamp).encode(),
            b"generation": self.generation,
        }
        return Row(number if kind == "ticket" else _METRICS + number, body, stamp, created=created)


class _Homes(dict[int, int]):
    """Ticket number -> id of its metric."""

    def __init__(self, tickets: int) -> None:
        super().__init__()
        self.tickets = tickets

    def get(self, number: int, default: Any = None) -> Any:
        return _METRICS + number if 1 <= number <= self.tickets else default

    def __missing__(self, number: int) -> int:
        return _METRICS + number


class _Rows(Mapping[Id, Row]):
    """All rows of a kind, none of them stored."""

    def __init__(self, account: Bulk, kind: str) -> None:
        self.account = account
        self.kind = kind
        self.first = 1 if kind == "ticket" else _METRICS + 1

    def __len__(self) -> int:
        return self.account.tickets

    def __iter__(self) -> Iterator[Id]:
        return iter(range(self.first, self.first + len(self)))

    def __getitem__(self, row_id: Id) -> Row:
        if not isinstance(row_id, int) or not self.first <= row_id < self.first + len(self):
            raise KeyError(row_id)
        return self.account.row(self.kind, row_id - self.first + 1)


class _Rendered(Shelf):
    """A shelf whose order is that of the numbers."""

    def __init__(self, rows: _Rows) -> None:
        super().__init__()
        self.rows = rows  # type: ignore[assignment]
        self._all = rows

    def ids(self) -> Any:
        return range(self._all.first, self._all.first + len(self._all))

    def after(self, key: Key | tuple[int], last: int) -> Iterator[Row]:
        for place in range(self._place(key, bisect_right), len(self._all)):
            row = self._all[self._all.first + place]
            if row.stamp > last:
                return
            yield row

    def before(self, key: Key, count: int) -> Key | tuple[int]:
        place = self._place(key, bisect_left) - count
        return self._all[self._all.first + place].key if place >= 0 else (0,)

    def _place(self, key: Key | tuple[int], bisect: Any) -> int:
        found: int = bisect(self.ids(), key, key=lambda one: (self._all.account.stamp(one - self._all.first + 1), one))
        return found


def _template(payload: Payload) -> bytes:
    """An object with what differs from row to row as `%`-formats."""
    given = {**payload, "created_at": "@created@", "updated_at": "@updated@"}
    if "generated_timestamp" in given:
        given |= {"generated_timestamp": -1, "status": "open", "external_id": "@generation@"}
    else:
        given["url"] = given["url"].replace(str(payload["id"]), "").rpartition("/")[0] + f"/{_METRIC}.json"
    body = encode(given).replace(b"%", b"%%")
    for text, form in _STAMPS.items():
        body = body.replace(text.encode(), form)
    return (
        body.replace(str(_NUMBER).encode(), b"%(id)d")
        .replace(str(_METRIC).encode(), b"%(metric)d")
        .replace(b'"generated_timestamp":-1', b'"generated_timestamp":%(stamp)d')
        .replace(b"@generation@", b"generation-%(generation)d")
    )
