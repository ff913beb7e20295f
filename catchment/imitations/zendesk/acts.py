"""What happens to tickets while an account lives on; each act tells whether it found something to happen to."""

import random
from collections.abc import Callable

from catchment.imitations.zendesk import office, tickets
from catchment.imitations.zendesk.account import LATEST_COMMIT
from catchment.imitations.zendesk.desk import Desk
from catchment.imitations.zendesk.shelf import Payload

Act = Callable[[Desk, random.Random, int], bool]
SCRUB: Payload = {
    "subject": "SCRUBBED",
    "raw_subject": "SCRUBBED",
    "description": "X",
    "custom_fields": [],
    "fields": [],
    "tags": [],
    "external_id": None,
    "recipient": None,
    "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
}


def _requester(desk: Desk, rng: random.Random, ticket: Payload) -> Payload:
    row = desk.account.find("user", ticket["requester_id"])
    return row.payload() if row is not None else rng.choice(desk.agents)


def ticket_opened(desk: Desk, rng: random.Random, at: int) -> bool:
    requester = desk.pick("user", rng, lambda one, row: row.deleted_at is None and not one["suspended"])
    if requester is None:
        return False
    made = desk.open(at, rng, requester)
    office.notify(desk, at, "tickets.assignment", requester, made)
    return True


def stranger_writes(desk: Desk, rng: random.Random, at: int) -> bool:
    desk.open(at, rng, office.enrol(desk, at, rng, None))
    return True


def ai_agent_answers(desk: Desk, rng: random.Random, at: int) -> bool:
    made = desk.open(at, rng, office.enrol(desk, at, rng, None), support_type="ai_agent")
    desk.change(made, at, rng.choice(desk.agents), {"status": "solved"}, "Here is how to do it.")
    return True


def ticket_assigned(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "new", "open")
    if found is None:
        return False
    agent = rng.choice(desk.agents)
    changes = {"assignee_id": agent["id"], "group_id": agent["default_group_id"], "status": "open"}
    desk.change(found, at, agent, changes)
    office.notify(desk, at, "tickets.assignment", agent, found)
    return True


def agent_answers(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "new", "open")
    if found is None:
        return False
    files = [tickets.attachment(desk.account, rng, "anleitung.png")] if rng.random() < 0.5 else []
    agent, body = rng.choice(desk.agents), rng.choice(tickets.BODIES)
    desk.change(found, at, agent, {"status": "pending"}, body, public=rng.random() < 0.7, files=files)
    return True


def requester_answers(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "pending", "solved")
    if found is None:
        return False
    desk.change(found, at, _requester(desk, rng, found), {"status": "open"}, rng.choice(tickets.BODIES))
    return True


def ticket_solved(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "open", "pending")
    if found is None:
        return False
    desk.change(found, at, rng.choice(desk.agents), {"status": "solved"}, "Solved, thank you.")
    if rng.random() < 0.5:
        rating = tickets.satisfaction_rating(desk.account, at, found, "offered")
        desk.account.put("satisfaction_rating", rating, at)
    return True


def ticket_closed(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "solved")
    return found is not None and bool(desk.change(found, at, rng.choice(desk.agents), {"status": "closed"}))


def fields_filled(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "new", "open", "pending")
    if found is None:
        return False
    values = desk.values(rng)
    tags = sorted({tag for one in values for tag in desk.tags_of(one)} | {rng.choice(("vip", "beta", "über"))})
    desk.change(found, at, rng.choice(desk.agents), {"custom_fields": values, "tags": tags})
    return True


def ticket_merged(desk: Desk, rng: random.Random, at: int) -> bool:
    """The loser is closed, its tags tell of it."""
    found = desk.ticket(rng, "new", "open")
    if found is None:
        return False
    changes = {"status": "closed", "tags": sorted({*found["tags"], "closed_by_merge"})}
    desk.change(found, at, rng.choice(desk.agents), changes, "Merged.", public=False)
    return True


def ticket_deleted(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "new", "open", "pending", "solved", "closed")
    if found is None:
        return False
    desk.change(found, at, rng.choice(desk.agents), {"status": "deleted"}, deleted_at=at)
    return True


def ticket_restored(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "deleted")
    return found is not None and bool(desk.change(found, at, rng.choice(desk.agents), {"status": "open"}))


def ticket_scrubbed(desk: Desk, rng: random.Random, at: int) -> bool:
    """A deleted ticket loses what it said. The system does it: `updated_at` stays."""
    found = desk.ticket(rng, "deleted")
    if found is None:
        return False
    desk.touch(found, at, dict(SCRUB), deleted_at=desk.account.shelves["ticket"].rows[found["id"]].deleted_at)
    return True


def ticket_purged(desk: Desk, rng: random.Random, at: int) -> bool:
    """A deleted ticket is gone for good; no export tells."""
    found = desk.pick("ticket", rng, lambda one, row: one["status"] == "deleted")
    if found is None:
        return False
    desk.purge(found, at)
    return True


def tickets_changed_together(desk: Desk, rng: random.Random, at: int) -> bool:
    """A bulk update: many tickets share one second."""
    done = 0
    for _ in range(rng.randint(5, 20)):
        found = desk.ticket(rng, "new", "open", "pending")
        if found is not None:
            desk.change(found, at, rng.choice(desk.agents), {"priority": rng.choice(("low", "high", "urgent"))})
            done += 1
    return done > 1


def system_touches(desk: Desk, rng: random.Random, at: int) -> bool:
    """A recalculation: the export shows the ticket again, with an old `updated_at`."""
    found = desk.pick("ticket", rng)
    if found is None:
        return False
    desk.touch(found, at, {"has_incidents": not found["has_incidents"]})
    return True


def answer_commits_late(desk: Desk, rng: random.Random, at: int) -> bool:
    """An answer stamped now that nobody can see until later."""
    found = desk.ticket(rng, "new", "open")
    if found is None:
        return False
    with desk.account.late(rng.uniform(5, LATEST_COMMIT)):
        desk.change(found, at, rng.choice(desk.agents), {"status": "pending"}, "This took its time.")
    return True


def ticket_commits_late(desk: Desk, rng: random.Random, at: int) -> bool:
    requester = desk.pick("user", rng)
    if requester is None:
        return False
    with desk.account.late(rng.uniform(5, LATEST_COMMIT)):
        desk.open(at, rng, requester)
    return True


def rating_given(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.pick("satisfaction_rating", rng, lambda one, _: one["score"] == "offered")
    if found is None:
        return False
    office.rewrite(desk, "satisfaction_rating", found, at, score=rng.choice(("good", "bad")), comment="Merci !")
    return True


def ticket_skipped(desk: Desk, rng: random.Random, at: int) -> bool:
    found = desk.ticket(rng, "open", "new")
    if found is None:
        return False
    made = tickets.skip(desk.account, at, found, rng.choice(desk.agents)["id"])
    desk.account.put("ticket_skip", made, at, parent=found["id"])
    return True


ACTS: tuple[Act, ...] = (
    ticket_opened,
    stranger_writes,
    ai_agent_answers,
    ticket_assigned,
    agent_answers,
    requester_answers,
    ticket_solved,
    ticket_closed,
    fields_filled,
    ticket_merged,
    ticket_deleted,
    ticket_restored,
    ticket_scrubbed,
    ticket_purged,
    tickets_changed_together,
    system_touches,
    answer_commits_late,
    ticket_commits_late,
    rating_given,
    ticket_skipped,
)
