"""What comes with the rows of a page: embedded in each ticket, or as lists of their own beside the page."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.shelf import Payload, Row, encode

_DATES = (
    "assignee_updated_at",
    "requester_updated_at",
    "status_updated_at",
    "initially_assigned_at",
    "assigned_at",
    "solved_at",
    "latest_comment_added_at",
)


def body(
    account: Account, key: str, kind: str, rows: Sequence[Row], include: frozenset[str], rest: dict[str, Any]
) -> bytes:
    """The JSON of a page: its rows under `key`, what was asked for beside them, and the fields that lead on."""
    if kind == "ticket":
        parts = [_ticket(account, row, include) for row in rows]
        beside = _beside(account, (row.payload() for row in rows), include) if include & _BESIDE.keys() else {}
    elif kind == "ticket_event" and "comment_events" not in include:
        parts, beside = [_without_comments(row) for row in rows], {}
    else:
        parts, beside = [row.body for row in rows], {}
    return b'{"' + key.encode() + b'":[' + b",".join(parts) + b"]," + encode({**beside, **rest})[1:]


def _ticket(account: Account, row: Row, include: frozenset[str]) -> bytes:
    added: list[bytes] = []
    metric = account.shelves["ticket_metric"].rows.get(account.metric_of.get(int(row.id), 0))
    if "metric_sets" in include:
        added.append(b'"metric_set":' + (metric.body if metric else b"null"))
    if "dates" in include and metric is not None:
        values = metric.payload()
        added.append(b'"dates":' + encode({name: values[name] for name in _DATES}))
    if "comment_count" in include:
        events = account.shelves["ticket_event"].rows
        said = sum(events[one].body.count(b'"event_type":"Comment"') for one in account.events_of.get(int(row.id), ()))
        added.append(b'"comment_count":%d' % said)
    if "incident_counts" in include:
        added.append(b'"incident_count":0')
    if "slas" in include:
        added.append(b'"slas":{"policy_metrics":[]}')
    if "metric_events" in include:
        added.append(b'"metric_events":' + encode(_metric_events(account, int(row.id))))
    return row.body if not added else row.body[:-1] + b"," + b",".join(added) + b"}"


def _metric_events(account: Account, number: int) -> dict[str, list[Payload]]:
    found: dict[str, list[Payload]] = {}
    rows = account.shelves["ticket_metric_event"].rows
    for event_id in account.metric_events_of.get(number, ()):
        event = rows[event_id].payload()
        found.setdefault(event["metric"], []).append(event)
    return found


_BESIDE: dict[str, tuple[str, Callable[[Payload], Iterable[Any]]]] = {
    "users": ("user", lambda one: (one["requester_id"], one["submitter_id"], one["assignee_id"])),
    "groups": ("group", lambda one: (one["group_id"],)),
    "organizations": ("organization", lambda one: (one["organization_id"],)),
    "ticket_forms": ("ticket_form", lambda one: (one["ticket_form_id"],)),
    "brands": ("brand", lambda one: (one["brand_id"],)),
    "sharing_agreements": ("sharing_agreement", lambda _: ()),
}


def _beside(account: Account, tickets: Iterable[Payload], include: frozenset[str]) -> dict[str, list[Payload]]:
    every = list(tickets)
    found: dict[str, list[Payload]] = {}
    for name in sorted(include & _BESIDE.keys()):
        kind, ids = _BESIDE[name]
        rows = account.shelves[kind].rows if kind in account.shelves else {}
        wanted = dict.fromkeys(row_id for one in every for row_id in ids(one) if row_id in rows)
        found[name] = [rows[row_id].payload() for row_id in wanted]
    return found


def _without_comments(row: Row) -> bytes:
    """An event whose comments are only said to be there."""
    event = row.payload()
    event["child_events"] = [
        {
            "id": child["id"],
            "via": child["via"]["channel"],
            "via_reference_id": None,
            "comment_present": True,
            "comment_public": child["public"],
            "event_type": "Comment",
        }
        if child["event_type"] == "Comment"
        else child
        for child in event["child_events"]
    ]
    return encode(event)
