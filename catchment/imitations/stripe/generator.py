"""`generate`: a lifelike, linked account of a given size, the same for the same seed and time."""

import random
import time

from catchment.imitations.stripe import billing, deals, oddities, selling, world
from catchment.imitations.stripe import shop as shops
from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.clock import DAY
from catchment.imitations.stripe.shop import Client, Shop

HISTORY = 900 * DAY
_SMALL = 1_500


def generate(seed: int, objects: int = 20_000, now: float | None = None, *, livemode: bool = False) -> Account:
    """An account with about `objects` objects (events aside), whose last 30 days are told by events.

    `now`: the vendor's time in Unix seconds, to which the account's clock is set (default: real time).
    """
    moment = time.time() if now is None else now
    account = Account(seed=seed, livemode=livemode, now=now)
    shop = Shop.of(account, seed)
    opened = int(moment) - HISTORY
    oddities.profile(shop, opened)
    shops.stock(shop, opened, max(4, min(40, objects // 400)))
    for number in range(max(2, objects // 3_000)):
        deals.connect(shop, opened + number * DAY)
    rng = random.Random(seed + 1)
    oddities.lists(shop, int(moment) - 45 * DAY, oddities.FEW_SIZES if objects < _SMALL else oddities.SIZES)
    oddities.values(shop, int(moment) - 3 * DAY)
    while account.count() < objects:
        _story(shop, rng, opened, int(moment))
    return account


def _story(shop: Shop, rng: random.Random, opened: int, now: int) -> None:
    """One customer from its first day until now; every now and then something of the business itself."""
    arrived = rng.randint(opened + DAY, now - 60)
    client = selling.customer(shop, arrived)
    if rng.random() < 0.4:
        _subscription(shop, rng, client, arrived, now)
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        _purchase(shop, rng, client, rng.randint(arrived, now - 30), now)
    if rng.random() < 0.15:
        _side_business(shop, rng, client, rng.randint(arrived, now - 30), now)


def _subscription(shop: Shop, rng: random.Random, client: Client, start: int, now: int) -> None:
    made = billing.subscribe(
        shop,
        client,
        start,
        items=rng.choice((1, 1, 1, 2, 3)),
        trial_days=rng.choice((0, 0, 0, 14)),
        coupon=rng.choice(shop.coupons) if rng.random() < 0.15 else None,
    )
    length = 365 * DAY if made["items"]["data"][0]["price"]["recurring"]["interval"] == "year" else 30 * DAY
    due = made["trial_end"] or start
    ends = start + rng.randint(20, 500) * DAY
    while due < min(now - 60, ends):
        last = due + length >= min(now - 60, ends)
        billing.renew(shop, client, made["id"], due, rng.choice(("paid", "open", "uncollectible")) if last else "paid")
        due += length
    if ends < now:
        billing.cancel(shop, made["id"], ends)
    elif rng.random() < 0.1:
        deals.schedule(shop, shop.account.get("subscription", made["id"]), now - 30)


def _purchase(shop: Shop, rng: random.Random, client: Client, at: int, now: int) -> None:
    kind = rng.random()
    if kind < 0.1:
        deals.checkout(
            shop, client, at, rows=rng.choice((1, 1, 2, 4)), status=rng.choice(("complete", "open", "expired"))
        )
        return
    if kind < 0.2:
        billing.pending_item(shop, client, at)
        return
    paid = selling.charge(shop, client, world.amount(rng, client.home), at, fails=rng.random() < 0.07)
    if not paid["paid"]:
        return
    later = rng.randint(at, now - 10)
    if rng.random() < 0.1:
        for _ in range(rng.choice((1, 1, 2))):
            selling.refund(shop, paid["id"], paid["amount"] // 4 or 1, later)
    elif rng.random() < 0.04:
        selling.dispute(shop, paid["id"], later)
    elif rng.random() < 0.03:
        selling.review(shop, paid, later)
    if rng.random() < 0.05:
        deals.application_fee(shop, paid, at, refunds=rng.choice((0, 0, 1)))


def _side_business(shop: Shop, rng: random.Random, client: Client, at: int, now: int) -> None:
    choice = rng.randrange(7)
    if choice == 0:
        deals.payout(shop, at, rng.randint(10_000, 900_000), client.home.currency)
    elif choice == 1:
        deals.transfer(shop, at, rng.randint(1_000, 90_000), reversals=rng.choice((0, 0, 1)))
    elif choice == 2:
        deals.quote(shop, client, at, rows=rng.choice((1, 2)))
    elif choice == 3:
        deals.topup(shop, at, rng.randint(10_000, 90_000))
    elif choice == 4:
        deals.payment_link(shop, at)
    elif choice == 5:
        invoice_id = shop.new("in")
        rows = [billing.line(shop, invoice_id, client.home.currency, 500, at, description="Consulting")]
        status = rng.choice(("draft", "void", "paid"))
        made = billing.invoice(shop, client, at, rows, invoice_id=invoice_id, status=status)
        if made["status"] == "paid":
            billing.credit(shop, invoice_id, rng.randint(at, now - 10), 1)
    else:
        selling.loose_method(shop, at)
