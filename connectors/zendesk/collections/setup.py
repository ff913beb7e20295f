"""Collections of how the account is set up: fields, forms, statuses, rules, service levels and tags."""

from connectors.zendesk.columns import fields, rules
from framework.collection import Child, Collection, Column

LIST = "its list"
ABSENT = "missing from its whole list"


def _listed(name: str, columns: tuple[Column, ...], description: str, **more: object) -> Collection:
    """A collection that its list shows whole, so that what is missing there is gone."""
    given = {"object": name.removesuffix("s"), "current_by": LIST, "deletions": ABSENT, **more}
    return Collection(name, columns=columns, description=description, **given)  # type: ignore[arg-type]


SETUP: tuple[Collection, ...] = (
    _listed(
        "ticket_fields",
        fields.TICKET_FIELDS,
        "A field of tickets, the system's own among them.",
        children=(Child("custom_field_options", "ticket_field_options", "ticket_field_id"),),
        missing={"slug": "the vendor has none; see `title`"},
    ),
    _listed(
        "ticket_field_options",
        fields.TICKET_FIELD_OPTIONS,
        "One choice of a drop-down or multi-select field of tickets.",
        current_by="with its field, on the same pages",
        deletions="missing from a newer sight of its field",
    ),
    _listed("ticket_forms", fields.TICKET_FORMS, "A selection of fields that requesters or agents fill in."),
    _listed("user_fields", fields.USER_FIELDS, "A field of users that the account defined."),
    _listed("organization_fields", fields.ORGANIZATION_FIELDS, "A field of organizations that the account defined."),
    _listed("custom_statuses", fields.CUSTOM_STATUSES, "A status as the account names it.", object="custom_status"),
    _listed("tags", fields.TAGS, "A tag in use, and about how often.", key="name"),
    _listed("macros", rules.MACROS, "A prepared answer or change that agents apply."),
    _listed("views", rules.VIEWS, "A saved selection of tickets."),
    _listed("triggers", rules.TRIGGERS, "A rule that acts when a ticket is created or changed."),
    _listed("automations", rules.AUTOMATIONS, "A rule that acts when time has passed."),
    _listed("sla_policies", rules.SLA_POLICIES, "Targets for how fast tickets are answered.", object="sla_policy"),
    _listed("schedules", rules.SCHEDULES, "Business hours."),
)
