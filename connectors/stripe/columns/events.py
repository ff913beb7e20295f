"""Columns of the event feed."""

from framework.collection import Column

EVENTS: tuple[Column, ...] = (
    Column("id", "text", "Id of the event"),
    Column("account", "text", "Connected account where it happened", references="accounts"),
    Column("api_version", "text", "API version that `data` is written in"),
    Column("context", "text", "Authentication context needed to read it again"),
    Column("created", "timestamptz", "When it happened"),
    Column("data", "json", "The object as it was (`object`), and what changed (`previous_attributes`)"),
    Column("livemode", "bool", "Whether it is live, not test, data"),
    Column("object", "text", "Vendor's object type: `event`"),
    Column("pending_webhooks", "bigint", "Webhook deliveries not yet accepted"),
    Column("request", "json", "API request that caused it: id and idempotency key"),
    Column("type", "text", "What happened, such as `invoice.paid`"),
)
