"""Collections of what the incremental exports show: tickets with their metrics, events and comments, and people."""

from connectors.zendesk.columns import people, tickets
from framework.collection import Child, Collection

COMPARED = "missing when all ids are compared, and not there when read by id"

TALK: tuple[Collection, ...] = (
    Collection(
        "tickets",
        object="ticket",
        columns=tickets.TICKETS,
        description="A request and everything that is known of it, archived ones among them.",
        current_by="the incremental export, by `generated_timestamp`",
        deletions=f"status `deleted`, also once scrubbed; {COMPARED}",
        children=(Child("metric_set", "ticket_metrics", "ticket_id"),),
    ),
    Collection(
        "ticket_metrics",
        object="ticket_metric",
        columns=tickets.TICKET_METRICS,
        description="How long a ticket waited, and how often it changed hands.",
        current_by="with its ticket, on the same pages",
        deletions="with its ticket",
    ),
    Collection(
        "ticket_metric_events",
        kind="event",
        object="ticket_metric_event",
        columns=tickets.TICKET_METRIC_EVENTS,
        description="When each clock of a ticket started, paused, met or missed its target.",
        current_by="the incremental export, by `time`",
        deletions="none: what happened stays",
    ),
    Collection(
        "ticket_events",
        kind="event",
        object="ticket_event",
        columns=tickets.TICKET_EVENTS,
        description="Every update of a ticket, with what it changed.",
        current_by="the incremental export, by `timestamp`",
        deletions="none: what happened stays",
    ),
    Collection(
        "ticket_comments",
        object="ticket_comment",
        columns=tickets.TICKET_COMMENTS,
        description="What was said on a ticket, in public and among agents.",
        current_by="with the update that it came with, on the same pages",
        deletions="none: see the ticket",
        children=(Child("attachments", "attachments", "comment_id"),),
    ),
    Collection(
        "attachments",
        object="attachment",
        columns=tickets.ATTACHMENTS,
        description="A file on a comment; the file itself is not read.",
        current_by="with its comment, on the same pages",
        deletions="missing from a newer sight of its comment",
    ),
    Collection(
        "users",
        object="user",
        columns=people.USERS,
        description="Who asks and who answers: end users, agents and administrators.",
        current_by="the incremental export, by `updated_at`",
        deletions=f"`active: false`; {COMPARED}",
    ),
    Collection(
        "organizations",
        object="organization",
        columns=people.ORGANIZATIONS,
        description="A company whose people are users.",
        current_by="the incremental export, by `updated_at`",
        deletions=f"`deleted_at`; {COMPARED}",
    ),
)
