"""Columns of what was said and done about tickets: ratings, skips, activities and the audit log."""

from framework.collection import Column

SATISFACTION_RATINGS: tuple[Column, ...] = (
    Column("id", "bigint", "Id of the rating"),
    Column("url", "text", "Address of the rating in the API"),
    Column("ticket_id", "bigint", "Ticket that was rated", references="tickets"),
    Column("requester_id", "bigint", "User who was asked", references="users"),
    Column("assignee_id", "bigint", "Agent of the ticket then", references="users"),
    Column("group_id", "bigint", "Group of the ticket then", references="groups"),
    Column("score", "text", "`offered`, `unoffered`, `good` or `bad`, with or without comment"),
    Column("comment", "text", "What the user wrote"),
    Column("reason", "text", "Reason for a bad rating"),
    Column("reason_id", "bigint", "Id of that reason"),
    Column("reason_code", "bigint", "Code of that reason"),
    Column("created_at", "timestamptz", "When it was created"),
    Column("updated_at", "timestamptz", "When it last changed"),
)

TICKET_SKIPS: tuple[Column, ...] = (
    Column("id", "bigint", "Id of the skip"),
    Column("ticket_id", "bigint", "Ticket that was skipped", references="tickets"),
    Column("user_id", "bigint", "Agent who skipped it", references="users"),
    Column("reason", "text", "Reason given"),
    Column("created_at", "timestamptz", "When it was skipped"),
    Column("updated_at", "timestamptz", "When it last changed"),
)

ACTIVITIES: tuple[Column, ...] = (
    Column("id", "bigint", "Id of the activity"),
    Column("url", "text", "Address of the activity in the API"),
    Column("verb", "text", "`tickets.assignment`, `tickets.comment` or `tickets.priority_increase`"),
    Column("title", "text", "What happened, in words"),
    Column("user_id", "bigint", "Agent whom it concerns", references="users"),
    Column("actor_id", "bigint", "Who did it", references="users"),
    Column("object", "json", "What it is about"),
    Column("target", "json", "Ticket that it is about"),
    Column("user", "json", "Agent whom it concerns, in full, as shown at the time"),
    Column("actor", "json", "Who did it, in full, as shown at the time"),
    Column("created_at", "timestamptz", "When it happened"),
    Column("updated_at", "timestamptz", "When it last changed"),
)

AUDIT_LOGS: tuple[Column, ...] = (
    Column("id", "bigint", "Id of the entry"),
    Column("url", "text", "Address of the entry in the API"),
    Column("actor_id", "bigint", "Who did it", references="users"),
    Column("actor_name", "text", "Name of whoever did it"),
    Column("source_id", "bigint", "What was changed"),
    Column("source_type", "text", "Kind of what was changed"),
    Column("source_label", "text", "Name of what was changed"),
    Column("action", "text", "`login`, `create`, `update`, `destroy` or `exported`"),
    Column("action_label", "text", "That in words"),
    Column("change_description", "text", "What changed"),
    Column("ip_address", "text", "From where"),
    Column("created_at", "timestamptz", "When it happened"),
)
