"""Collections of who works where and of what is said about the work, all read as lists."""

from connectors.zendesk.columns import feedback, people
from framework.collection import Collection

LIST = "its list"
ABSENT = "missing from its whole list"

DESK: tuple[Collection, ...] = (
    Collection(
        "groups",
        object="group",
        columns=people.GROUPS,
        description="A team of agents.",
        current_by=LIST,
        deletions=f"`deleted: true`; {ABSENT}",
    ),
    Collection(
        "group_memberships",
        object="group_membership",
        columns=people.GROUP_MEMBERSHIPS,
        description="Which agent is in which group.",
        current_by=LIST,
        deletions=ABSENT,
    ),
    Collection(
        "organization_memberships",
        object="organization_membership",
        columns=people.ORGANIZATION_MEMBERSHIPS,
        description="Which user is in which organization.",
        current_by=LIST,
        deletions=ABSENT,
    ),
    Collection(
        "brands",
        object="brand",
        columns=people.BRANDS,
        description="A name under which the account answers.",
        current_by=LIST,
        deletions=f"`is_deleted: true`; {ABSENT}",
    ),
    Collection(
        "satisfaction_ratings",
        object="satisfaction_rating",
        columns=feedback.SATISFACTION_RATINGS,
        description="What requesters thought of the answer.",
        current_by="its list, the last 30 days again, now and then all of it",
        deletions="none: ratings stay",
    ),
    Collection(
        "ticket_skips",
        object="ticket_skip",
        columns=feedback.TICKET_SKIPS,
        description="A ticket that an agent passed over in guided mode.",
        current_by="its list, the last 7 days again",
        deletions="none: skips stay, those of archived tickets too",
    ),
    Collection(
        "activities",
        object="activity",
        columns=feedback.ACTIVITIES,
        description="What lately happened to tickets of the agent whose credential is used.",
        current_by="its list, the last 2 days again",
        deletions="none: kept here for ever, by the vendor for 30 days",
    ),
    Collection(
        "audit_logs",
        kind="event",
        object="audit_log",
        columns=feedback.AUDIT_LOGS,
        description="Who changed what in the account's settings.",
        current_by="its list, by `created_at`",
        deletions="none: what happened stays",
    ),
)
