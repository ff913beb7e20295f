"""An imitation of the Bookshop: `python -m catchment_bookshop.imitation` serves a shop until SIGTERM."""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from catchment.imitations.clock import DAY, Clock
from catchment.imitations.control import Control
from catchment.imitations.exchange import Ask, Reply
from catchment.imitations.faults import CONNECTION, Fault, Faults
from catchment.imitations.keys import fingerprint
from catchment.imitations.server import Server
from catchment.imitations.throttle import Limit, Throttle

KEY = "bk_live_example"
KINDS = ("rate_limited", "retry_after", "server_error", *CONNECTION)
LISTS = {"authors": "", "books": "", "orders": "updated_at", "stock_movements": "at"}  # the field of a change's time
MOST = 100  # rows of a page
WORDS = ("sea", "night", "garden", "stranger", "map", "winter", "clock", "Öland", "river's end", "1984")
Row = dict[str, Any]


class Shop:
    """All that the shop has, and how it lives on. Books vanish without a word, orders tell that they are gone."""

    def __init__(self, seed: int, objects: int) -> None:
        self.clock = Clock()
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in LISTS}
        self.gone: list[tuple[str, Row, float, str]] = []  # object type, object, when, the order that showed it
        self.lock = threading.RLock()
        self._numbers = 0
        self._last = 0.0
        dice, now = random.Random(seed), self.clock.now()
        sizes = {"authors": objects // 10, "books": objects // 3, "orders": objects // 3}
        sizes["stock_movements"] = objects - sum(sizes.values())
        for name, size in sizes.items():
            for n in range(size):
                self._add(name, dice, now - 90 * DAY * (size - n) / size - 1)

    def live(self, seed: int, steps: int) -> None:
        """So many things happen, each at its own time."""
        dice = random.Random(seed)
        acts = (self._reprice, self._rename, self._vanish, self._change, self._change, self._take_back)
        with self.lock:
            for _ in range(steps):
                if dice.random() < 0.4:
                    self._add(dice.choice(list(LISTS)), dice, self._now())
                else:
                    dice.choice(acts)(dice)

    def truth(self) -> Iterator[bytes]:
        """Every object as it is, one JSON line each: what the kit compares a warehouse with."""
        with self.lock:
            for name, rows in self.rows.items():
                for row in rows.values():
                    yield _line(name, row, seconds(row["deleted_at"]) if row.get("deleted_at") else None)
            for kind, row, at, order in self.gone:
                yield _line(kind, row, at, {"object_type": "orders", "id": order, "field": "lines"} if order else None)

    def _now(self) -> float:
        self._last = max(self.clock.now(), self._last + 1e-5)  # no two changes have the same time
        return self._last

    def _id(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}_{self._numbers:08d}"

    def _any(self, name: str, dice: random.Random) -> Row:
        return dice.choice(list(self.rows[name].values()))

    def _add(self, name: str, dice: random.Random, at: float) -> None:
        row: Row = {"id": self._id(name)}
        if name == "authors":
            row |= {
                "name": dice.choice(WORDS).title(),
                "born_on": f"19{dice.randrange(10, 99)}-02-0{dice.randrange(1, 9)}",
            }
        elif name == "books":
            row |= {"title": f"The {dice.choice(WORDS)}", "author_id": self._any("authors", dice)["id"]}
            row |= {"price": _price(dice), "tags": dice.sample(WORDS, dice.randrange(3))}
            row |= {"subtitle": dice.choice(WORDS)} if dice.random() < 0.1 else {}  # nobody declared this field
        elif name == "orders":
            row |= {"status": "open", "created_at": text(at), "updated_at": text(at), "deleted_at": None}
            row["lines"] = [self._order_line(dice) for _ in range(dice.randrange(4))]
        else:
            row |= {"at": text(at), "book_id": self._any("books", dice)["id"], "copies": dice.randrange(-9, 99)}
        self.rows[name][row["id"]] = row

    def _order_line(self, dice: random.Random) -> Row:
        return {"id": self._id("line"), "book_id": self._any("books", dice)["id"], "copies": dice.randrange(1, 5)}

    def _reprice(self, dice: random.Random) -> None:
        self._any("books", dice)["price"] = _price(dice)

    def _rename(self, dice: random.Random) -> None:
        self._any("authors", dice)["name"] = dice.choice(WORDS)

    def _vanish(self, dice: random.Random) -> None:
        if len(self.rows["books"]) > 1:
            row = self.rows["books"].pop(self._any("books", dice)["id"])
            self.gone.append(("books", row, self._now(), ""))

    def _change(self, dice: random.Random) -> None:
        order, at = self._any("orders", dice), self._now()
        if order["deleted_at"]:
            return
        if order["lines"] and dice.random() < 0.5:
            line = order["lines"].pop(dice.randrange(len(order["lines"])))
            self.gone.append(("order_lines", line, at, order["id"]))
        else:
            order["lines"].append(self._order_line(dice))
        order |= {"status": dice.choice(("paid", "sent")), "updated_at": text(at)}

    def _take_back(self, dice: random.Random) -> None:
        order, at = self._any("orders", dice), text(self._now())
        if not order["deleted_at"]:
            order |= {"deleted_at": at, "updated_at": at}


class Bookshop:
    """The API of a shop. ``forbidden``: a list that the key may not read; ``per_second``: calls it may make."""

    def __init__(self, shop: Shop, per_second: int | None) -> None:
        self.shop = shop
        self.forbidden = ""
        self.per_second = per_second
        self._throttle = Throttle()

    @property
    def clock(self) -> Clock:
        return self.shop.clock

    def caller(self, ask: Ask) -> str:
        return fingerprint(ask.headers.get("authorization"))

    def reply(self, ask: Ask, fault: Fault | None) -> Reply:
        """The answer to a request; only the refusals among the faults are its own."""
        if fault and fault.kind in ("rate_limited", "retry_after"):
            after = {"Retry-After": f"{fault.seconds:g}"} if fault.kind == "retry_after" else {}
            return _error(429, "too_fast", "Slow down.", after)
        if fault and fault.kind == "server_error":
            return _error(fault.status, "trouble", "The shop is in trouble.")
        if ask.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "no_such_key", "This key opens nothing.")
        limit = Limit("account", self.per_second)
        broken, usage = self._throttle.admit([limit]), self._throttle.usage(limit)
        told = {}
        if self.per_second is not None:
            told = {"Limit": str(self.per_second), "Remaining": str(usage.left), "Reset": f"{usage.resets:.3f}"}
            told = {f"RateLimit-{name}": value for name, value in told.items()}
        if broken:
            return _error(429, "too_fast", "Slow down.", told)
        reply = self._answer(ask.path.removeprefix("/v1/"), parse_qs(ask.query))
        return Reply(reply.status, reply.body, {**reply.headers, **told})

    def forbid(self, given: dict[str, Any]) -> dict[str, Any]:
        """`POST /forbid {"list"}`: the key may no longer read that list; "" allows all."""
        self.forbidden = str(given["list"])
        return {}

    def limit(self, given: dict[str, Any]) -> dict[str, Any]:
        """`POST /limit {"per_second"}`; null: no limit."""
        self.per_second = given["per_second"]
        return {}

    def _answer(self, name: str, query: dict[str, list[str]]) -> Reply:
        if name == "shop":
            return _json(200, {"shop": {"id": "shop_1", "name": "The Bookshop"}})
        if name not in LISTS:
            return _error(404, "no_such_list", f"There is no {name}.")
        if name == self.forbidden:
            return _error(403, "not_permitted", f"This key may not read {name}.")
        stamp = LISTS[name]
        size = min(MOST, int(query.get("page[size]", ["20"])[0]))
        since = seconds(query["changed_since"][0]) if stamp and "changed_since" in query else 0.0
        with self.shop.lock:
            rows = sorted(self.shop.rows[name].values(), key=lambda row: (row.get(stamp, ""), row["id"]))
            rows = [row for row in rows if not since or seconds(row[stamp]) >= since]
            if "page[after]" in query:
                after = tuple(query["page[after]"][0].split("~"))
                rows = [row for row in rows if (row.get(stamp, ""), row["id"]) > after]
            page = rows[:size]
            cursor = f"{page[-1].get(stamp, '')}~{page[-1]['id']}" if page else None
            return _json(200, {name: page, "meta": {"has_more": len(rows) > size, "after_cursor": cursor}})


def text(at: float) -> str:
    """Unix seconds as the API writes them."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds(written: str) -> float:
    """What the API writes as Unix seconds."""
    return datetime.fromisoformat(written).timestamp()


def _price(dice: random.Random) -> Row:
    return {"amount": f"{dice.randrange(1, 90)}.{dice.choice(('00', '50', '99'))}", "currency": "EUR"}


def _line(kind: str, row: Row, deleted_at: float | None, parent: Row | None = None) -> bytes:
    return json.dumps({"object_type": kind, "object": row, "deleted_at": deleted_at, "parent": parent}).encode() + b"\n"


def _json(status: int, value: Row) -> Reply:
    return Reply(status, json.dumps(value).encode())


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return Reply(status, body, headers or {})


def main() -> None:
    """Prints one JSON line with `url`, `key` and `control` when ready."""
    parser = argparse.ArgumentParser(prog="python -m catchment_bookshop.imitation")
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-second", type=int, default=50, help="calls that a key may make")
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    given = parser.parse_args()
    shop = Shop(given.seed, given.objects)
    api = Bookshop(shop, given.per_second)
    server = Server(api, faults=Faults(KINDS), port=given.port)
    control = Control(
        server, shop.truth, get={}, post={"/live": lambda o: shop.live(**o), "/limit": api.limit, "/forbid": api.forbid}
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    line = {"url": server.start(), "key": KEY, "control": control.start()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
