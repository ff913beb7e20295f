"""Tickets and what belongs to them: metrics, events with comments and attachments, metric events, ratings, skips."""

import random
from collections.abc import Sequence
from typing import Any

from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.shelf import Payload
from catchment.imitations.zendesk.stamps import iso

SUBJECTS = (
    "Cannot sign in since the update",
    "Where is my order?",
    "Rechnung ist doppelt 😕",
    "Remboursement toujours en attente",
    "アプリが起動しない",
    "How do I add a colleague?",
    "Export to CSV stops at 1,000 rows",
    "Please close my account",
)
BODIES = (
    "Hello, this happens every morning.\n\nThanks",
    "I tried it twice: same result. “Error 500”.",
    "Could you look into it, please?",
    "We found the reason and are working on it.",
    "Danke, jetzt geht es wieder ✔",
    "Is there any news?",
)
CHANNELS = ("web", "email", "api", "mobile_sdk", "voice")
_CALENDAR = (
    "reply_time_in_minutes",
    "first_resolution_time_in_minutes",
    "full_resolution_time_in_minutes",
    "agent_wait_time_in_minutes",
    "requester_wait_time_in_minutes",
    "on_hold_time_in_minutes",
)


def via(channel: str, sender: Payload | None = None) -> Payload:
    """How something came in."""
    if channel == "email" and sender is not None:
        source = {
            "from": {"address": sender["email"], "name": sender["name"]},
            "to": {"name": "Support", "address": "support@acme.zendesk.com"},
            "rel": None,
        }
    else:
        source = {"from": {}, "to": {}, "rel": None}
    return {"channel": channel, "source": source}


def ticket(account: Account, at: int, rng: random.Random, requester: Payload, **fields: Any) -> Payload:
    """A new ticket, as exports show it."""
    ticket_id = account.new_ticket_id()
    subject = rng.choice(SUBJECTS)
    return {
        "url": account.url(f"tickets/{ticket_id}"),
        "id": ticket_id,
        "external_id": None,
        "via": via(rng.choice(CHANNELS), requester),
        "created_at": iso(at),
        "updated_at": iso(at),
        "generated_timestamp": at,
        "type": rng.choice((None, "question", "incident", "problem", "task")),
        "subject": subject,
        "raw_subject": subject,
        "description": rng.choice(BODIES),
        "priority": rng.choice((None, "low", "normal", "high", "urgent")),
        "status": "new",
        "recipient": None,
        "requester_id": requester["id"],
        "submitter_id": requester["id"],
        "assignee_id": None,
        "organization_id": requester["organization_id"],
        "group_id": None,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "forum_topic_id": None,
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": [],
        "custom_fields": [],
        "satisfaction_rating": {"score": "unoffered"},
        "sharing_agreement_ids": [],
        "custom_status_id": None,
        "encoded_id": f"{ticket_id:06X}-{rng.randrange(16**5):05X}",
        "fields": [],
        "followup_ids": [],
        "ticket_form_id": None,
        "brand_id": None,
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
        "support_type": "agent",
        **fields,
    }


def metric(account: Account, at: int, ticket_id: int) -> Payload:
    """The metrics of a new ticket."""
    metric_id = account.new_id()
    return {
        "url": account.url(f"ticket_metrics/{metric_id}"),
        "id": metric_id,
        "ticket_id": ticket_id,
        "created_at": iso(at),
        "updated_at": iso(at),
        "group_stations": 0,
        "assignee_stations": 0,
        "reopens": 0,
        "replies": 0,
        "assignee_updated_at": None,
        "requester_updated_at": iso(at),
        "status_updated_at": iso(at),
        "initially_assigned_at": None,
        "assigned_at": None,
        "solved_at": None,
        "latest_comment_added_at": iso(at),
        **{name: {"calendar": None, "business": None} for name in _CALENDAR},
        "reply_time_in_seconds": {"calendar": None},
        "custom_status_updated_at": iso(at),
    }


def attachment(account: Account, rng: random.Random, name: str) -> Payload:
    attachment_id = account.new_id()
    address = f"https://{account.subdomain}.zendesk.com/attachments/token/{rng.randrange(16**12):012x}/?name={name}"
    return {
        "url": account.url(f"attachments/{attachment_id}"),
        "id": attachment_id,
        "file_name": name,
        "content_url": address,
        "mapped_content_url": address,
        "content_type": "image/png" if name.endswith("png") else "text/plain",
        "size": rng.randint(200, 90_000),
        "width": 640 if name.endswith("png") else None,
        "height": 480 if name.endswith("png") else None,
        "inline": False,
        "deleted": False,
        "malware_access_override": False,
        "malware_scan_result": "malware_not_found",
        "thumbnails": [],
    }


def comment(
    account: Account, at: int, author: Payload, body: str, *, public: bool, files: Sequence[Payload] = ()
) -> Payload:
    """A comment as it stands among the child events of its event (`audit_id` is set there)."""
    return {
        "id": account.new_id(),
        "via": via("web"),
        "via_reference_id": None,
        "type": "Comment",
        "author_id": author["id"],
        "body": body,
        "html_body": f'<div class="zd-comment" dir="auto">{body}</div>',
        "plain_body": body,
        "public": public,
        "attachments": list(files),
        "audit_id": None,
        "created_at": iso(at),
        "event_type": "Comment",
    }


def change(account: Account, kind: str, name: str, new: Any, old: Any = None) -> Payload:
    """One property that was set (`Create`) or changed (`Change`)."""
    made = {"id": account.new_id(), "via": "Web form", "via_reference_id": None, name: new, "event_type": kind}
    if kind == "Change":
        made["previous_value"] = old
    return made


def event(account: Account, at: int, ticket_id: int, updater: Payload, children: Sequence[Payload]) -> Payload:
    """One update of a ticket: what changed, and the comments that came with it."""
    event_id = account.new_id()
    for child in children:
        if child["event_type"] == "Comment":
            child["audit_id"] = event_id
    return {
        "id": event_id,
        "ticket_id": ticket_id,
        "timestamp": at,
        "created_at": iso(at),
        "updater_id": updater["id"],
        "via": "Web form",
        "system": {
            "client": "Mozilla/5.0 (X11; Linux x86_64)",
            "ip_address": "203.0.113.9",
            "location": "Nürnberg, BY, Germany",
            "latitude": 49.45,
            "longitude": 11.08,
        },
        "metadata": {},
        "merged_ticket_ids": [],
        "event_type": "Audit",
        "child_events": list(children),
    }


def metric_event(account: Account, at: int, ticket_id: int, name: str, kind: str, instance: int = 1) -> Payload:
    """One thing that happened to one clock of a ticket."""
    made = {
        "id": account.new_id(),
        "ticket_id": ticket_id,
        "metric": name,
        "instance_id": instance,
        "type": kind,
        "time": iso(at),
    }
    if kind == "update_status":
        made["status"] = {"calendar": instance * 7, "business": instance * 3}
    if kind == "apply_sla":
        made["sla"] = {
            "target": 240,
            "business_hours": False,
            "policy": {"id": instance, "title": "Incidents", "description": None},
            "target_in_seconds": 14_400,
        }
    return made


def satisfaction_rating(account: Account, at: int, ticket: Payload, score: str) -> Payload:
    rating_id = account.new_id()
    return {
        "url": account.url(f"satisfaction_ratings/{rating_id}"),
        "id": rating_id,
        "assignee_id": ticket["assignee_id"],
        "group_id": ticket["group_id"],
        "requester_id": ticket["requester_id"],
        "ticket_id": ticket["id"],
        "score": score,
        "created_at": iso(at),
        "updated_at": iso(at),
        "comment": "Quick and friendly" if score == "good" else None,
        "reason": "No reason provided",
        "reason_id": 0,
        "reason_code": 0,
    }


def skip(account: Account, at: int, ticket: Payload, user_id: int) -> Payload:
    return {
        "id": account.new_id(),
        "ticket_id": ticket["id"],
        "user_id": user_id,
        "reason": "Waiting for a colleague",
        "created_at": iso(at),
        "updated_at": iso(at),
    }
