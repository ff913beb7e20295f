"""The Bookshop, declared: its authors, books, orders with their lines, and movements of stock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catchment import (
    SECOND,
    Access,
    Allowance,
    Answer,
    Basis,
    Child,
    Collection,
    Column,
    Connector,
    Identity,
    Judge,
    Kind,
    Pages,
    Rate,
    Refused,
    Request,
    Sight,
    Slice,
    State,
    Step,
    View,
    heads,
)

BY_LIST, VANISHED = "listed again", "missing from the whole list"

AUTHORS = Collection(
    "authors",
    columns=(
        Column("id", "text", "Id of the author"),
        Column("name", "text", "Name on the cover"),
        Column("born_on", "date", "Day of birth"),
    ),
    description="Who wrote the books.",
    current_by=BY_LIST,
    deletions=VANISHED,
)
BOOKS = Collection(
    "books",
    columns=(
        Column("id", "text", "Id of the book"),
        Column("title", "text", "Title"),
        Column("author_id", "text", "Who wrote it", references="authors"),
        Column("price", "decimal", "Price of one copy", ("price", "amount")),
        Column("currency", "text", "Three-letter code of the price's currency", ("price", "currency")),
        Column("tags", "json", "Words that it is found by"),
    ),
    description="What the shop sells.",
    current_by=BY_LIST,
    deletions=VANISHED,
)
ORDERS = Collection(
    "orders",
    columns=(
        Column("id", "text", "Id of the order"),
        Column("status", "text", "open, paid or sent"),
        Column("created_at", "timestamptz", "When it was placed"),
        Column("updated_at", "timestamptz", "When it last changed"),
        Column("deleted_at", "timestamptz", "When the shop took it back"),
    ),
    children=(Child("lines", "order_lines", "order_id"),),
    description="What customers ordered.",
    current_by="asked for what changed",
    deletions="`deleted_at`",
)
ORDER_LINES = Collection(
    "order_lines",
    columns=(
        Column("id", "text", "Id of the line"),
        Column("order_id", "text", "The order it is part of", references="orders"),
        Column("book_id", "text", "What was ordered", references="books"),
        Column("copies", "bigint", "How many"),
    ),
    description="The lines of the orders.",
    current_by="with their orders",
    deletions="missing from their order",
)
STOCK_MOVEMENTS = Collection(
    "stock_movements",
    kind="event",
    columns=(
        Column("id", "text", "Id of the movement"),
        Column("at", "timestamptz", "When it happened"),
        Column("book_id", "text", "What came or went", references="books"),
        Column("copies", "bigint", "How many came; below zero: went"),
    ),
    description="What came into the stock and what left it; the key needs the permission `stock`.",
    current_by="asked for what is new",
    deletions="none: what happened stays",
)


@dataclass(frozen=True)
class Changed(Basis):
    """A list that can be asked for what changed since a time, oldest change first, deletions among it.

    ``stamp``: the field with the time of a row's last change.
    """

    collections: tuple[Collection, ...]
    path: str
    stamp: str = "updated_at"
    settle: int = 5 * SECOND  # the Bookshop shows a change within that time
    limit: int = 100

    def slices(self, state: State, view: View) -> list[Slice]:
        opened, since = state.open, view.start
        if opened and opened.why == "tail":
            since = max(since, min(state.marks.get(name, 0) for name in opened.fills))
        elif opened and opened.why == "gap":
            since = max(since, opened.notes["since"])
        return [{"id": "list", "kind": "list", "since": since}]

    def request(self, slice_: Slice, view: View) -> Request:
        params = [("page[size]", str(self.limit))]
        if slice_["since"]:
            params.append(("changed_since", heads.iso(slice_["since"])))
        if "after" in slice_:
            params.append(("page[after]", slice_["after"]))
        return Request(self.path, params, self.path)

    def read(self, slice_: Slice, answer: Answer, state: State, view: View) -> Step:
        envelope, rows = heads.read(answer.body, self.name, ("meta",), (self.stamp, "deleted_at"))
        step, opened = Step(rows=rows.count), state.open
        if rows.count:
            versions = [heads.micros(stamp) for stamp in rows.fields[self.stamp]]
            deleted = heads.said(rows.fields["deleted_at"], ...)
            fresh = frozenset(opened.fills if opened and opened.why in ("first", "gap") else ())
            step.sights = [Sight(self.name, answer.body, versions, deleted, fresh=fresh, at=self.name)]
        meta = envelope["meta"]
        if not isinstance(meta, dict) or meta.get("after_cursor") == slice_.get("after", ""):
            raise Refused(Kind.BUG, f"{self.path} does not say whether it has more")
        if meta.get("has_more"):
            step.slices = [{**slice_, "after": meta["after_cursor"]}]
        return step


def access(credentials: Mapping[str, str]) -> Access:
    """Reads `api_key`. Raises ValueError(key, message, hint)."""
    for name in credentials:
        if name != "api_key":
            raise ValueError(name, "is no Bookshop credential", "write `api_key`")
    key = credentials.get("api_key", "").strip()
    if not key:
        raise ValueError("", "a Bookshop source needs an `api_key`", "the shop's settings show it")
    fingerprint = hashlib.sha256(key.encode()).hexdigest()[:16]
    return Access({"Authorization": f"Bearer {key}"}, fingerprint, rates=(Rate(50),), secrets=(key,))


def allowance(headers: Mapping[str, str]) -> Sequence[Allowance]:
    """What every answer says of the calls that are left in its second."""
    told = [headers.get(f"ratelimit-{name}", "") for name in ("remaining", "reset", "limit")]
    if not all(value.replace(".", "", 1).isdigit() for value in told):
        return ()
    left, resets, total = map(float, told)
    return (Allowance("", int(left), resets, int(total), per_s=1),)


connector = Connector(
    name="bookshop",
    base_url="https://api.bookshop.example",
    access=access,
    collections=(AUTHORS, BOOKS, ORDERS, ORDER_LINES, STOCK_MOVEMENTS),
    feeds=(
        Pages((AUTHORS,), "/v1/authors", settle=5 * SECOND),
        Pages((BOOKS,), "/v1/books", settle=5 * SECOND),
        Changed((ORDERS, ORDER_LINES), "/v1/orders"),
        Changed((STOCK_MOVEMENTS,), "/v1/stock_movements", stamp="at"),
    ),
    judge=Judge(
        {
            (401, ""): Kind.AUTH,
            (403, ""): Kind.PERMISSION,
            (404, ""): Kind.UNAVAILABLE,
            (429, ""): Kind.WAIT,
        },
        allowance=allowance,
    ),
    identity=Identity("/v1/shop", account="shop.id"),
    headers={"Bookshop-Version": "1"},
    version="1",
    permission_hint="Give the key the permission `stock` in the shop's settings, then run `catchment sync` again.",
)
