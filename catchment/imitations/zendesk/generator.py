"""`generate`: a lifelike, linked account of a given size, the same for the same seed and time."""

import random
import time
from collections.abc import Iterable

from catchment.imitations.zendesk import office, rules, tickets
from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.desk import DAY, Desk
from catchment.imitations.zendesk.shelf import Payload

HISTORY = 900 * DAY
# The newest history is this old, so that the exports show all of it.
QUIET = 120
_PER_TICKET = 14
_STATUSES = ("new", "open", "pending", "solved", "closed", "closed", "closed")


def generate(
    seed: int,
    objects: int = 20_000,
    now: float | None = None,
    *,
    subdomain: str = "acme",
    plan: str = "enterprise",
    people: Iterable[tuple[str, str]] = (),
) -> Account:
    """An account with about `objects` objects, whose history ends two minutes ago.

    `now`: the vendor's time in Unix seconds, to which the account's clock is set (default: real time). `people`: names
    and e-mail addresses of the first end users, for accounts that must share customers with another system.
    """
    moment = int(time.time() if now is None else now)
    account = Account(seed=seed, now=now, subdomain=subdomain, plan=plan)
    desk = Desk(account)
    rng = random.Random(seed + 1)
    opened, ends = moment - HISTORY, moment - QUIET
    office.furnish(desk, opened, rng, max(2, min(40, objects // 500)))
    number = max(4, (objects - account.count()) // _PER_TICKET)
    arrivals = sorted(rng.randint(opened + DAY, ends) for _ in range(number))
    waiting = list(people)
    clients: list[Payload] = []
    companies: list[Payload] = []
    for place, arrived in enumerate(arrivals):
        if place % 8 == 0:
            companies.append(office.found(desk, arrived, rng))
        if waiting or place % 3 == 0:
            home = rng.choice(companies) if rng.random() < 0.7 else None
            clients.append(office.enrol(desk, arrived, rng, home, waiting.pop(0) if waiting else None))
        _story(desk, rng, rng.choice(clients[-400:]), arrived, ends)
    _together(desk, rng, ends)
    return account


def _story(desk: Desk, rng: random.Random, requester: Payload, at: int, ends: int) -> None:
    """One ticket from its first minute to where it stands now."""
    support = "ai_agent" if rng.random() < 0.08 else "agent"
    ticket = desk.open(at, rng, requester, support_type=support)
    goal = rng.choice(_STATUSES)
    if goal == "new":
        return
    agent = rng.choice(desk.agents)
    path = {"open": 1, "pending": 2, "solved": 3, "closed": 4}[goal]
    changes = [
        {"assignee_id": agent["id"], "group_id": agent["default_group_id"], "status": "open"},
        {"status": "pending"},
        {"status": "solved"},
        {"status": "closed"},
    ]
    for place in range(path):
        at = min(ends, at + rng.randint(60, 3 * DAY))
        said = rng.choice(tickets.BODIES) if place in (1, 2) else None
        ticket = desk.change(ticket, at, agent, changes[place], said, public=rng.random() < 0.8)
    account = desk.account
    if path >= 3 and rng.random() < 0.3:
        score = rng.choice(("good", "bad", "offered"))
        account.put("satisfaction_rating", tickets.satisfaction_rating(account, at, ticket, score), at)
    if rng.random() < 0.05:
        account.put("ticket_skip", tickets.skip(account, at, ticket, agent["id"]), at, parent=ticket["id"])
    if rng.random() < 0.04:
        desk.change(ticket, at, agent, {"status": "deleted"}, deleted_at=at)


def _together(desk: Desk, rng: random.Random, at: int) -> None:
    """One bulk update: many tickets that share a second."""
    for _ in range(min(30, desk.account.tickets // 4)):
        found = desk.ticket(rng, "open", "pending", "solved")
        if found is not None:
            desk.change(found, at, rng.choice(desk.agents), {"priority": "high"})
    for place in range(6):
        desk.account.put("macro", rules.macro(desk.account, at, f"Macro {place}"), at)
        office.log(desk, at, "create", desk.account.get("macro", desk.account.ids("macro")[-1]), "rule")
