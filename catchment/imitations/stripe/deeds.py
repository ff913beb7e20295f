"""What happens in a business, part one: new customers and payments, and how their stories go on."""

import random
from collections.abc import Callable
from typing import Any

from catchment.imitations.stripe import billing, deals, selling, world
from catchment.imitations.stripe import shop as shops
from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.shop import Client, Shop
from catchment.imitations.stripe.templates import Payload

Deed = Callable[[Shop, random.Random, int], bool]
_LOOKS = 200


def pick(
    account: Account, rng: random.Random, object_type: str, fits: Callable[[Payload], Any] = lambda _: True
) -> Payload | None:
    """A random object that fits, among up to 200 looked at."""
    ids = account.ids(object_type)
    for object_id in rng.sample(ids, min(_LOOKS, len(ids))):
        found = account.get(object_type, object_id)
        if fits(found):
            return found
    return None


def client(shop: Shop, rng: random.Random) -> Client:
    """A client that still is one."""
    known = [one for one in shop.clients.values() if one.id in shop.account.shelves["customer"].rows]
    return rng.choice(known) if known else selling.customer(shop, shop.account.clock.second())


def customer_comes(shop: Shop, rng: random.Random, at: int) -> bool:
    new = selling.customer(shop, at)
    selling.charge(shop, new, world.amount(rng, new.home), at)
    return True


def customer_pays(shop: Shop, rng: random.Random, at: int) -> bool:
    payer = client(shop, rng)
    selling.charge(shop, payer, world.amount(rng, payer.home), at, fails=rng.random() < 0.1)
    return True


def charge_refunded(shop: Shop, rng: random.Random, at: int) -> bool:
    paid = pick(shop.account, rng, "charge", lambda one: one["paid"] and one["amount_refunded"] < one["amount"])
    if paid is None:
        return False
    left = paid["amount"] - paid["amount_refunded"]
    selling.refund(shop, paid["id"], rng.choice((left, max(1, left // 3))), at)
    return True


def charge_disputed(shop: Shop, rng: random.Random, at: int) -> bool:
    paid = pick(shop.account, rng, "charge", lambda one: one["paid"] and not one["disputed"])
    return paid is not None and bool(selling.dispute(shop, paid["id"], at))


def charge_reviewed(shop: Shop, rng: random.Random, at: int) -> bool:
    paid = pick(shop.account, rng, "charge", lambda one: one["paid"])
    if paid is None:
        return False
    selling.review(shop, paid, at)
    selling.fraud_warning(shop, paid, at)
    return True


def source_added(shop: Shop, rng: random.Random, at: int) -> bool:
    owner = client(shop, rng)
    selling.source(shop, owner, at)
    selling.tax_id(shop, owner, at)
    selling.balance(shop, owner, at, 10)
    return True


def card_attached(shop: Shop, rng: random.Random, at: int) -> bool:
    selling.pay_by_card(shop, client(shop, rng), at)
    return True


def subscription_starts(shop: Shop, rng: random.Random, at: int) -> bool:
    buyer = client(shop, rng)
    made = billing.subscribe(
        shop,
        buyer,
        at,
        items=rng.choice((1, 2, 3)),
        coupon=rng.choice(shop.coupons) if shop.coupons and rng.random() < 0.5 else None,
    )
    billing.renew(shop, buyer, made["id"], at)
    return True


def subscription_renews(shop: Shop, rng: random.Random, at: int) -> bool:
    running = pick(
        shop.account,
        rng,
        "subscription",
        lambda one: (
            one["status"] in ("active", "past_due") and one["customer"] in shop.account.shelves["customer"].rows
        ),
    )
    if running is None:
        return False
    billing.renew(shop, shop.clients[running["customer"]], running["id"], at, rng.choice(("paid", "open")))
    return True


def invoice_drafted(shop: Shop, rng: random.Random, at: int) -> bool:
    buyer = client(shop, rng)
    invoice_id = shop.new("in")
    rows = [
        billing.line(shop, invoice_id, buyer.home.currency, 500, at, description=f"Hour {number + 1}")
        for number in range(rng.choice((1, 3, 12)))
    ]
    billing.invoice(shop, buyer, at, rows, invoice_id=invoice_id, status="draft")
    return True


def item_waits(shop: Shop, rng: random.Random, at: int) -> bool:
    billing.pending_item(shop, client(shop, rng), at)
    return True


def checkout_done(shop: Shop, rng: random.Random, at: int) -> bool:
    deals.checkout(shop, client(shop, rng), at, rows=rng.choice((1, 2)))
    return True


def goods_offered(shop: Shop, rng: random.Random, at: int) -> bool:
    shops.offer(shop, at, recurring=rng.random() < 0.5, homes=[world.BY_CODE["US"], world.BY_CODE["JP"]])
    shops.coupon(shop, at, rng.choice((5, 15)), None)
    return True


def money_moves(shop: Shop, rng: random.Random, at: int) -> bool:
    deals.payout(shop, at, rng.randint(1_000, 90_000))
    deals.topup(shop, at, 5_000)
    if shop.connected:
        deals.transfer(shop, at, 5_000, reversals=rng.choice((0, 1)))
    return True


def offer_made(shop: Shop, rng: random.Random, at: int) -> bool:
    deals.quote(shop, client(shop, rng), at)
    deals.payment_link(shop, at)
    return True


def money_available(shop: Shop, _: random.Random, at: int) -> bool:
    """Pending balance transactions whose day has come become available, without any event."""
    ready = [
        found
        for object_id in shop.account.ids("balance_transaction")[:2_000]
        if (found := shop.account.get("balance_transaction", object_id))["status"] == "pending"
        and found["available_on"] <= at
    ]
    for found in ready:
        shop.account.update("balance_transaction", found["id"], {"status": "available"}, at=at)
    return bool(ready)


DEEDS: tuple[Deed, ...] = (
    customer_comes,
    customer_pays,
    charge_refunded,
    charge_disputed,
    charge_reviewed,
    source_added,
    card_attached,
    subscription_starts,
    subscription_renews,
    invoice_drafted,
    item_waits,
    checkout_done,
    goods_offered,
    money_moves,
    offer_made,
    money_available,
)
