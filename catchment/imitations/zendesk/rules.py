"""Business rules and the settings around them: brands, macros, views, triggers, automations, SLAs, schedules."""

from collections.abc import Mapping
from typing import Any

from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.shelf import Payload
from catchment.imitations.zendesk.stamps import iso


def brand(account: Account, at: int, name: str, *, default: bool = False) -> Payload:
    brand_id = account.new_id()
    subdomain = account.subdomain if default else f"{account.subdomain}-{name.lower().replace(' ', '-')}"
    return {
        "url": account.url(f"brands/{brand_id}"),
        "id": brand_id,
        "name": name,
        "brand_url": f"https://{subdomain}.zendesk.com",
        "subdomain": subdomain,
        "host_mapping": None,
        "has_help_center": default,
        "help_center_state": "enabled" if default else "disabled",
        "active": True,
        "default": default,
        "is_deleted": False,
        "logo": None,
        "ticket_form_ids": account.ids("ticket_form"),
        "signature_template": "{{agent.signature}}",
        "created_at": iso(at),
        "updated_at": iso(at),
    }


def _rule(account: Account, at: int, path: str, title: str, fields: Mapping[str, Any]) -> Payload:
    rule_id = account.new_id()
    return {
        "url": account.url(f"{path}/{rule_id}"),
        "id": rule_id,
        "title": title,
        "active": True,
        "updated_at": iso(at),
        "created_at": iso(at),
        "default": False,
        "position": len(account.ids(path.removesuffix("s"))),
        "raw_title": title,
        **fields,
    }


def macro(account: Account, at: int, title: str) -> Payload:
    actions = [{"field": "status", "value": "pending"}, {"field": "comment_value", "value": f"{title}: thank you."}]
    return _rule(account, at, "macros", title, {"description": None, "actions": actions, "restriction": None})


def view(account: Account, at: int, title: str) -> Payload:
    conditions = {"all": [{"field": "status", "operator": "less_than", "value": "solved"}], "any": []}
    execution = {
        "group_by": None,
        "group_order": "asc",
        "sort_by": "created",
        "sort_order": "desc",
        "columns": [{"id": "subject", "title": "Subject"}, {"id": "requester", "title": "Requester"}],
        "fields": [],
        "custom_fields": [],
    }
    return _rule(
        account,
        at,
        "views",
        title,
        {"description": None, "execution": execution, "conditions": conditions, "restriction": None},
    )


def trigger(account: Account, at: int, title: str) -> Payload:
    return _rule(
        account,
        at,
        "triggers",
        title,
        {
            "description": None,
            "actions": [{"field": "notification_user", "value": ["requester_id", title, "{{ticket.comments}}"]}],
            "conditions": {"all": [{"field": "update_type", "operator": "is", "value": "Create"}], "any": []},
            "category_id": "1276235",
        },
    )


def automation(account: Account, at: int, title: str) -> Payload:
    solved = [
        {"field": "status", "operator": "is", "value": "solved"},
        {"field": "SOLVED", "operator": "greater_than", "value": "96"},
    ]
    return _rule(
        account,
        at,
        "automations",
        title,
        {"actions": [{"field": "status", "value": "closed"}], "conditions": {"all": solved, "any": []}},
    )


def sla_policy(account: Account, at: int, title: str) -> Payload:
    policy_id = account.new_id()
    metrics = [
        {
            "priority": priority,
            "metric": "first_reply_time",
            "target": target,
            "business_hours": False,
            "target_in_seconds": target * 60,
        }
        for priority, target in (("urgent", 10), ("high", 60), ("normal", 240))
    ]
    return {
        "url": account.url(f"slas/policies/{policy_id}"),
        "id": policy_id,
        "title": title,
        "description": f"{title} for everybody",
        "position": len(account.ids("sla_policy")) + 1,
        "filter": {"all": [{"field": "type", "operator": "is", "value": "incident"}], "any": []},
        "policy_metrics": metrics,
        "created_at": iso(at),
        "updated_at": iso(at),
    }


def schedule(account: Account, at: int, name: str, zone: str) -> Payload:
    return {
        "id": account.new_id(),
        "name": name,
        "time_zone": zone,
        "created_at": iso(at),
        "updated_at": iso(at),
        "intervals": [{"start_time": day * 1_440 + 540, "end_time": day * 1_440 + 1_020} for day in range(1, 6)],
    }


def audit_log(account: Account, at: int, actor: Payload, action: str, source: Payload, kind: str) -> Payload:
    log_id = account.new_id()
    labels = {"create": "Created", "update": "Updated", "destroy": "Deleted", "login": "Signed in"}
    return {
        "url": account.url(f"audit_logs/{log_id}"),
        "id": log_id,
        "action_label": labels[action],
        "actor_id": actor["id"],
        "source_id": source["id"],
        "source_type": kind,
        "source_label": str(source.get("title") or source.get("name") or source["id"]),
        "action": action,
        "change_description": "",
        "ip_address": "203.0.113.7",
        "created_at": iso(at),
        "actor_name": actor["name"],
    }


def activity(account: Account, at: int, user: Payload, actor: Payload, verb: str, ticket: Payload) -> Payload:
    activity_id = account.new_id()
    return {
        "url": account.url(f"activities/{activity_id}"),
        "id": activity_id,
        "title": f"{actor['name']}: {verb.partition('.')[2]} on ticket #{ticket['id']}",
        "verb": verb,
        "user_id": user["id"],
        "actor_id": actor["id"],
        "updated_at": iso(at),
        "created_at": iso(at),
        "object": {"ticket": {"id": ticket["id"], "subject": ticket["subject"]}},
        "target": {"ticket": {"id": ticket["id"], "subject": ticket["subject"]}},
        "user": user,
        "actor": actor,
    }
