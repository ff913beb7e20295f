"""The read side of the API: from a path and its parameters to the JSON that answers it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from catchment.imitations.stripe import errors, query
from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.expand import Expansion
from catchment.imitations.stripe.resources import BY_OBJECT, BY_PATH, Child, Derived, Resource
from catchment.imitations.stripe.shelf import Row

Refuse = Callable[[Resource], None]
_ITEMS = next(child for child in BY_OBJECT["subscription"].children if child.field == "items")


@dataclass(frozen=True)
class Ask:
    """One request, as the API sees it. `again` rows before the cursor are served once more (a fault)."""

    path: str
    params: query.Params
    refuse: Refuse
    again: int = 0


def route(path: str) -> tuple[Resource | None, list[str]]:
    """The resource a path belongs to and what follows its list path; None for paths the API does not have."""
    parts = path.removeprefix("/v1/").strip("/").split("/")
    for length in (2, 1):
        resource = BY_PATH.get("/".join(parts[:length]))
        if resource is not None and len(parts) >= length:
            return resource, parts[length:]
    if parts[0] == "account" and len(parts) == 1:
        return BY_OBJECT["account"], ["account"]
    if parts[0] == "subscription_items":
        return BY_OBJECT["subscription"], ["", *parts]
    return None, []


def template(path: str) -> str:
    """The endpoint that a path counts against: ids left out, so list and retrieve differ."""
    resource, rest = route(path)
    if resource is None:
        return path
    return "/".join([resource.path, *("{}" if place % 2 == 0 else part for place, part in enumerate(rest))])


def answer(account: Account, ask: Ask) -> bytes:
    """The body of a 200; every refusal is an ApiError."""
    resource, rest = route(ask.path)
    if resource is None:
        raise errors.unknown_url("GET", ask.path)
    if resource.path in account.unavailable:
        status, message = account.unavailable[resource.path]
        raise errors.ApiError(status, message)
    ask.refuse(resource)
    with account.lock:
        account.settle()
        if not rest:
            return _list(account, resource, ask)
        if rest[:2] == ["", "subscription_items"]:
            return _subscription_items(account, rest[2:], ask)
        if len(rest) == 1:
            return _retrieve(account, resource, rest[0], ask)
        return _under(account, resource, rest, ask)


def _list(account: Account, resource: Resource, ask: Ask) -> bytes:
    params, more = special(resource, ask.params)
    chosen = query.selection(
        params, created=resource.created, filters=resource.filters, ranges=resource.ranges, required=resource.required
    )
    chosen.tests.extend(more)
    shelf = account.shelves[resource.object]
    low, high = shelf.span(chosen.low, chosen.high)
    cursor = chosen.starting_after or chosen.ending_before
    if cursor is not None:
        place = shelf.place(cursor)
        if place is None:
            name = "starting_after" if chosen.starting_after is not None else "ending_before"
            raise errors.missing_object(resource.noun, cursor, name, 400)
        if chosen.starting_after is not None:
            high = min(high, place + ask.again)
        else:
            low = max(low, place + 1)
    indexes = range(low, high) if chosen.ending_before is not None else range(high - 1, low - 1, -1)
    rows: list[str] = []
    for index in indexes:
        object_id = shelf.order[index][2]
        if not chosen.tests or chosen.matches(shelf.rows[object_id].facts):
            rows.append(object_id)
            if len(rows) > chosen.limit:
                break
    shown = rows[: chosen.limit]
    if chosen.ending_before is not None:
        shown.reverse()
    pages = _pages(account, resource.object, shown, chosen.expand, ask.refuse)
    return envelope(pages, len(rows) > chosen.limit, f"/v1/{resource.path}")


def envelope(pages: Sequence[bytes], has_more: bool, url: str) -> bytes:
    """A list answer around rows that are JSON already."""
    return b'{"object":"list","data":[%s],"has_more":%s,"url":%s}' % (
        b",".join(pages),
        b"true" if has_more else b"false",
        msgspec.json.encode(url),
    )


def _pages(
    account: Account, object_type: str, ids: Sequence[str], expand: list[tuple[str, ...]], refuse: Refuse
) -> list[bytes]:
    if not expand:
        return [account.page_of(object_type, object_id) for object_id in ids]
    paths = [in_list(path) for path in expand]
    work = Expansion(account, refuse)
    return [work.page(object_type, object_id, paths) for object_id in ids]


def in_list(path: tuple[str, ...]) -> tuple[str, ...]:
    if path[0] != "data":
        raise errors.invalid_value(
            "expand",
            f"This property cannot be expanded ({path[0]}). You may want to try expanding 'data.{path[0]}' instead.",
        )
    return path[1:]


def special(resource: Resource, params: query.Params) -> tuple[query.Params, list[query.Test]]:
    """Parameters that are more than a comparison: event types with wildcards, the status of subscriptions."""
    if resource.object == "event":
        kinds = [value for name, value in params if name in ("type", "types[]")]
        others = [(name, value) for name, value in params if name not in ("type", "types[]")]
        return others, [query.event_types(kinds)] if kinds else []
    if resource.object == "subscription":
        wanted = [value for name, value in params if name == "status"]
        return [pair for pair in params if pair[0] != "status"], query.subscription_status(wanted[-1:])
    return params, []


def _retrieve(account: Account, resource: Resource, object_id: str, ask: Ask) -> bytes:
    paths = query.only_expand(ask.params)
    if resource.object == "account" and object_id in ("account", account.id):
        return msgspec.json.encode(account.profile)
    if object_id not in account.shelves[resource.object].rows:
        if resource.leaves_stub and (resource.object, object_id) in account.deleted:
            return msgspec.json.encode({"id": object_id, "object": resource.object, "deleted": True})
        raise errors.missing_object(resource.noun, object_id)
    if not paths:
        return account.page_of(resource.object, object_id)
    return Expansion(account, ask.refuse).page(resource.object, object_id, paths)


def _under(account: Account, resource: Resource, rest: list[str], ask: Ask) -> bytes:
    parent_id, name, *more = rest
    lists: tuple[Child | Derived, ...] = (*resource.children, *resource.derived)
    listed = next((one for one in lists if one.field == name), None)
    if listed is None and resource.object == "customer" and name == "payment_methods":
        return _list(
            account,
            BY_OBJECT["payment_method"],
            Ask("payment_methods", [*ask.params, ("customer", parent_id)], ask.refuse, ask.again),
        )
    if listed is None or len(more) > 1:
        raise errors.unknown_url("GET", ask.path)
    if parent_id not in account.shelves[resource.object].rows:
        raise errors.missing_object(resource.noun, parent_id, resource.object.rpartition(".")[2])
    if isinstance(listed, Derived):
        ask.refuse(BY_OBJECT[listed.object])
        ids = account.derived_ids(parent_id, listed)
        rows = [account.shelves[listed.object].rows[object_id] for object_id in ids]
        return _rows(account, rows, listed.url.format(id=parent_id), ask, Child(name, ""))
    rows = account.lists.get((parent_id, name), [])
    if more:
        return _child(account, rows, more[0], ask)
    return _rows(account, rows, listed.url.format(id=parent_id), ask, listed)


def _subscription_items(account: Account, rest: list[str], ask: Ask) -> bytes:
    if rest:
        row = account.shelves["subscription_item"].rows.get(rest[0])
        return _child(account, [row] if row else [], rest[0], ask)
    wanted = [value for name, value in ask.params if name == "subscription"]
    if not wanted:
        raise errors.missing_parameter("subscription")
    if wanted[0] not in account.shelves["subscription"].rows:
        raise errors.missing_object("subscription", wanted[0], "subscription")
    others = [pair for pair in ask.params if pair[0] != "subscription"]
    rows = account.lists.get((wanted[0], "items"), [])
    return _rows(account, rows, "/v1/subscription_items", Ask(ask.path, others, ask.refuse, ask.again), _ITEMS)


def _child(account: Account, rows: Sequence[Row], child_id: str, ask: Ask) -> bytes:
    paths = query.only_expand(ask.params)
    row = next((row for row in rows if row.id == child_id), None)
    if row is None:
        raise errors.missing_object("source" if child_id.startswith(("card_", "ba_")) else "resource", child_id)
    kind = row.payload()["object"]
    return Expansion(account, ask.refuse).page(kind, child_id, paths)


def _rows(account: Account, rows: Sequence[Row], url: str, ask: Ask, child: Child) -> bytes:
    chosen = query.selection(ask.params, created=child.created, filters=child.filters, ranges={})
    kept = [row for row in rows if _stamped(row, chosen) and _filtered(row, chosen)]
    cursor = chosen.starting_after or chosen.ending_before
    if cursor is not None:
        place = next((place for place, row in enumerate(kept) if row.id == cursor), None)
        if place is None:
            name = "starting_after" if chosen.starting_after is not None else "ending_before"
            raise errors.missing_object("object", cursor, name, 400)
        if chosen.starting_after is not None:
            kept = kept[max(0, place + 1 - ask.again) :]
        else:
            before = kept[:place]
            return _send(account, before[-chosen.limit :], len(before) > chosen.limit, url, chosen, ask)
    return _send(account, kept[: chosen.limit], len(kept) > chosen.limit, url, chosen, ask)


def _send(account: Account, rows: Sequence[Row], has_more: bool, url: str, chosen: query.Selection, ask: Ask) -> bytes:
    paths = [in_list(path) for path in chosen.expand]
    work = Expansion(account, ask.refuse)
    pages = (
        [work.page(row.payload()["object"], row.id, paths) for row in rows]
        if paths
        else [account.page_of(kind_of(row), row.id) for row in rows]
    )
    return envelope(pages, has_more, url)


def kind_of(row: Row) -> str:
    """The object type of a row."""
    kind: Any = row.payload()["object"]
    return str(kind)


def _stamped(row: Row, chosen: query.Selection) -> bool:
    return (chosen.low is None or row.key[0] >= chosen.low) and (chosen.high is None or row.key[0] < chosen.high)


def _filtered(row: Row, chosen: query.Selection) -> bool:
    if not chosen.given:
        return True
    payload = row.payload()
    return all(str(payload.get(name)) in values for name, values in chosen.given.items())
