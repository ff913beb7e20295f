"""Columns of what acts by itself: macros, views, triggers, automations, service levels and business hours."""

from framework.collection import Column

MACROS: tuple[Column, ...] = (
    Column("id", "bigint", "Id of it"),
    Column("url", "text", "Address of it in the API"),
    Column("title", "text", "Title"),
    Column("raw_title", "text", "Title with its placeholders"),
    Column("active", "bool", "Whether it is in use"),
    Column("default", "bool", "Whether it came with the account"),
    Column("position", "bigint", "Place in the order"),
    Column("created_at", "timestamptz", "When it was created"),
    Column("updated_at", "timestamptz", "When it last changed"),
    Column("description", "text", "Description"),
    Column("actions", "json", "What it does"),
    Column("restriction", "json", "Who may use it"),
)

VIEWS: tuple[Column, ...] = (
    Column("id", "bigint", "Id of it"),
    Column("url", "text", "Address of it in the API"),
    Column("title", "text", "Title"),
    Column("raw_title", "text", "Title with its placeholders"),
    Column("active", "bool", "Whether it is in use"),
    Column("default", "bool", "Whether it came with the account"),
    Column("position", "bigint", "Place in the order"),
    Column("created_at", "timestamptz", "When it was created"),
    Column("updated_at", "timestamptz", "When it last changed"),
    Column("description", "text", "Description"),
    Column("conditions", "json", "Which tickets it shows"),
    Column("execution", "json", "Its columns, order and groups"),
    Column("restriction", "json", "Who may use it"),
    Column("watchable", "bool", "Whether agents can watch it"),
)

TRIGGERS: tuple[Column, ...] = (
    Column("id", "bigint", "Id of it"),
    Column("url", "text", "Address of it in the API"),
    Column("title", "text", "Title"),
    Column("raw_title", "text", "Title with its placeholders"),
    Column("active", "bool", "Whether it is in use"),
    Column("default", "bool", "Whether it came with the account"),
    Column("position", "bigint", "Place in the order"),
    Column("created_at", "timestamptz", "When it was created"),
    Column("updated_at", "timestamptz", "When it last changed"),
    Column("description", "text", "Description"),
    Column("actions", "json", "What it does"),
    Column("conditions", "json", "When it acts"),
    Column("category_id", "text", "Category that it is in"),
)

AUTOMATIONS: tuple[Column, ...] = (
    Column("id", "bigint", "Id of it"),
    Column("url", "text", "Address of it in the API"),
    Column("title", "text", "Title"),
    Column("raw_title", "text", "Title with its placeholders"),
    Column("active", "bool", "Whether it is in use"),
    Column("default", "bool", "Whether it came with the account"),
    Column("position", "bigint", "Place in the order"),
    Column("created_at", "timestamptz", "When it was created"),
    Column("updated_at", "timestamptz", "When it last changed"),
    Column("actions", "json", "What it does"),
    Column("conditions", "json", "When it acts"),
)

SLA_POLICIES: tuple[Column, ...] = (
    Column("id", "bigint", "Id of the policy"),
    Column("url", "text", "Address of the policy in the API"),
    Column("title", "text", "Title"),
    Column("description", "text", "Description"),
    Column("position", "bigint", "Place in the order in which policies are tried"),
    Column("filter", "json", "Which tickets it holds for"),
    Column("policy_metrics", "json", "Targets by metric and priority"),
    Column("metric_settings", "json", "More settings of its metrics"),
    Column("created_at", "timestamptz", "When it was created"),
    Column("updated_at", "timestamptz", "When it last changed"),
)

SCHEDULES: tuple[Column, ...] = (
    Column("id", "bigint", "Id of the schedule"),
    Column("name", "text", "Name"),
    Column("time_zone", "text", "Time zone"),
    Column("intervals", "json", "Business hours, in minutes since Sunday, 00:00"),
    Column("created_at", "timestamptz", "When it was created"),
    Column("updated_at", "timestamptz", "When it last changed"),
)
