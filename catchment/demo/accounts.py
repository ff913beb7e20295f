"""The three imitated accounts of the demo: one invented business, seen by the app that takes its money, the one that
answers its customers, and the one that knows its contacts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from catchment.testing.damage import Damage

QUIET_S = 150  # what a vendor's clock is moved by after changes: all of them are visible by then


@dataclass(frozen=True, slots=True)
class Imitated:
    """An account behind its server. ``live`` lets it live on and says how many things happened; ``wrong`` compares a
    warehouse (a DuckDB file, or the address of a database) with it; ``since`` is its own time when it was made.
    """

    source: str
    connector: str
    title: str
    server: Any
    settings: dict[str, Any]
    size: int
    live: Callable[[int, int], int]
    wrong: Callable[[str], list[Damage]]


def accounts(objects: int, seed: int) -> list[Imitated]:
    """All three, their servers running: about half the objects with Stripe, which knows all customers."""
    from catchment.imitations.stripe import generate

    shop = generate(seed=seed, objects=objects // 2)
    named = [(p["name"] or p["email"], p["email"]) for kind, p, _ in shop.walk() if kind == "customer" and p["email"]]
    return [_shop(shop), _support(objects // 4, seed, named[::2]), _crm(objects // 4, seed, named[::3])]


def _shop(account: Any) -> Imitated:
    from catchment.imitations.stripe import DEFAULT_KEY, Server, live
    from catchment.testing.stripe import STRIPE, things
    from catchment.testing.truth import verify

    server, since = Server(account), account.clock.now()
    url = server.start()
    return Imitated(
        "shop",
        "stripe",
        "A Stripe account",
        server,
        {"credentials": {"api_key": DEFAULT_KEY}, "base_url": url},
        sum(1 for _ in account.walk()),
        lambda seed, steps: sum(live(account, seed=seed, steps=steps).values()),
        lambda warehouse: verify(warehouse, "shop", things(account), STRIPE, known_since=since),
    )


def _support(objects: int, seed: int, people: list[tuple[str, str]]) -> Imitated:
    from catchment.imitations.zendesk import Limits, Server, generate, live
    from catchment.testing.zendesk import things, verify

    account = generate(seed, objects, people=people)
    account.clock.move(QUIET_S)
    server, since = Server(account, limits=Limits(None)), account.clock.now()
    url = server.start()
    known = server.secrets()

    def live_on(seed: int, steps: int) -> int:
        happened = live(account, seed, steps)
        account.clock.move(QUIET_S)
        return sum(happened.values())

    return Imitated(
        "support",
        "zendesk",
        "A Zendesk account",
        server,
        {"credentials": {"subdomain": known["subdomain"], "access_token": known["access_token"]}, "base_url": url},
        sum(1 for _ in account.truth()),
        live_on,
        lambda warehouse: verify(
            warehouse, "support", things(account.truth()), known_since=since, now=account.clock.now()
        ),
    )


def _crm(objects: int, seed: int, people: list[tuple[str, str]]) -> Imitated:
    from catchment.imitations.salesforce import Server, generate, live
    from catchment.imitations.salesforce.control import Control
    from catchment.testing.salesforce import records, verify

    org = generate(seed, objects, people=people)
    server, since = Server(org), time.time()
    url = server.start()
    control = Control(server)

    def live_on(seed: int, steps: int) -> int:
        happened = live(org, seed, steps)
        with org.lock:
            org.wait()
        org.clock.move(QUIET_S)
        return sum(happened.values())

    def wrong(warehouse: str) -> list[Damage]:
        return verify(warehouse, "crm", records(control.objects()), known_since=since, now=org.clock.now())

    app = server.app
    return Imitated(
        "crm",
        "salesforce",
        "A Salesforce organisation",
        server,
        {
            "credentials": {
                "login_url": url,
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "refresh_token": app.refresh_token,
            },
            # The one object of the documented ones that no query shows.
            "collections": ["default", "!names", "Invoice__c"],
        },
        sum(1 for _ in control.objects()),
        live_on,
        wrong,
    )
