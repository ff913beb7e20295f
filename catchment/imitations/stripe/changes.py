"""What happens in a business, part two: objects that are changed, ended, taken out of lists or deleted."""

import random

from catchment.imitations.stripe import billing, deals, world
from catchment.imitations.stripe.deeds import Deed, client, pick
from catchment.imitations.stripe.shop import Shop
from catchment.imitations.stripe.templates import invoices

LATE_BY = 30


def customer_edited(shop: Shop, rng: random.Random, at: int) -> bool:
    home = world.country(rng)
    shop.account.update(
        "customer",
        client(shop, rng).id,
        {
            "name": world.person(rng, home),
            "description": rng.choice((None, "", "moved")),
            "metadata": {"edited": str(rng.random())},
        },
        at=at,
    )
    return True


def charge_edited(shop: Shop, rng: random.Random, at: int) -> bool:
    paid = pick(shop.account, rng, "charge")
    if paid is None:
        return False
    shop.account.update("charge", paid["id"], {"metadata": {**paid["metadata"], "note": f"{rng.random():.6f}"}}, at=at)
    return True


def tied_edits(shop: Shop, rng: random.Random, at: int) -> bool:
    """Three changes of one object within one second."""
    edited = client(shop, rng).id
    for number in range(3):
        shop.account.update("customer", edited, {"description": f"edit {number} of three, {rng.random():.6f}"}, at=at)
    return True


def late_event(shop: Shop, rng: random.Random, at: int) -> bool:
    """A change committed half a minute ago that shows only now, behind events that were there already."""
    past = at - LATE_BY
    paid = pick(shop.account, rng, "charge", lambda one: one["created"] < past - 3_600)
    if paid is None:
        return False
    if any(
        row.key[0] >= past and paid["id"].encode() in row.body for row in shop.account.shelves["event"].rows.values()
    ):
        return False
    shop.account.update("charge", paid["id"], {"description": f"late {rng.random():.6f}"}, at=past)
    return True


def subscription_canceled(shop: Shop, rng: random.Random, at: int) -> bool:
    running = pick(shop.account, rng, "subscription", lambda one: one["status"] != "canceled")
    return running is not None and bool(billing.cancel(shop, running["id"], at))


def item_swapped(shop: Shop, rng: random.Random, at: int) -> bool:
    """An item leaves a subscription and another price joins it."""
    running = pick(shop.account, rng, "subscription", lambda one: one["status"] == "active")
    if running is None:
        return False
    price = rng.choice(shop.prices["recurring " + running["currency"]])
    shop.account.update(
        "subscription",
        running["id"],
        at=at,
        remove={"items": [running["items"]["data"][0]["id"]]},
        add={"items": [billing.item(shop, running["id"], price, at)]},
    )
    return True


def draft_line_removed(shop: Shop, rng: random.Random, at: int) -> bool:
    draft = pick(shop.account, rng, "invoice", lambda one: one["status"] == "draft" and one["lines"]["data"])
    if draft is None:
        return False
    rows = shop.account.children(draft["id"], "lines")
    gone = rng.choice(rows)
    total = draft["total"] - gone["amount"]
    shop.account.update(
        "invoice",
        draft["id"],
        {"total": total, "subtotal": total, "amount_due": total, "amount_remaining": total},
        at=at,
        remove={"lines": [gone["id"]]},
    )
    return True


def draft_deleted(shop: Shop, rng: random.Random, at: int) -> bool:
    draft = pick(shop.account, rng, "invoice", lambda one: one["status"] == "draft")
    if draft is not None:
        shop.account.delete("invoice", draft["id"], at=at)
    return draft is not None


def invoice_paid(shop: Shop, rng: random.Random, at: int) -> bool:
    """An open invoice is paid after all: invoice and its payment turn together."""
    waiting = pick(shop.account, rng, "invoice", lambda one: one["status"] == "open")
    if waiting is None:
        return False
    shop.account.update(
        "invoice",
        waiting["id"],
        {
            "status": "paid",
            "amount_paid": waiting["amount_due"],
            "amount_remaining": 0,
            "status_transitions": {**waiting["status_transitions"], "paid_at": at},
        },
        at=at,
    )
    for payment_id in shop.account.shelves["invoice_payment"].linked["invoice"].get(waiting["id"], [])[:1]:
        shop.account.update(
            "invoice_payment",
            payment_id,
            {
                "status": "paid",
                "amount_paid": waiting["amount_due"],
                "status_transitions": {"canceled_at": None, "paid_at": at},
            },
            at=at,
        )
    return True


def invoice_voided(shop: Shop, rng: random.Random, at: int) -> bool:
    waiting = pick(shop.account, rng, "invoice", lambda one: one["status"] == "open")
    if waiting is None:
        return False
    shop.account.update(
        "invoice",
        waiting["id"],
        {"status": "void", "status_transitions": {**waiting["status_transitions"], "voided_at": at}},
        at=at,
    )
    return True


def item_deleted(shop: Shop, rng: random.Random, at: int) -> bool:
    waiting = pick(shop.account, rng, "invoiceitem", lambda one: one["invoice"] is None)
    if waiting is not None:
        shop.account.delete("invoiceitem", waiting["id"], at=at)
    return waiting is not None


def customer_deleted(shop: Shop, rng: random.Random, at: int) -> bool:
    """A customer goes: subscriptions end, payment methods come loose, sources and pending items go along."""
    account, leaver = shop.account, client(shop, rng)
    for subscription_id in list(account.shelves["subscription"].linked["customer"].get(leaver.id, ())):
        if account.get("subscription", subscription_id)["status"] != "canceled":
            billing.cancel(shop, subscription_id, at)
    for kind in ("invoiceitem", "payment_method"):
        for object_id in [row.id for row in account.shelves[kind].rows.values() if row.facts["customer"] == leaver.id]:
            if kind == "payment_method":
                account.update(kind, object_id, {"customer": None}, at=at)
            elif account.get(kind, object_id)["invoice"] is None:
                account.delete(kind, object_id, at=at)
    held = account.get("customer", leaver.id)["discount"]
    account.delete("customer", leaver.id, at=at)
    if held is not None:
        account.delete("discount", held["id"], at=at, emit=False)
    return True


def method_detached(shop: Shop, rng: random.Random, at: int) -> bool:
    attached = pick(shop.account, rng, "payment_method", lambda one: one["customer"])
    if attached is not None:
        shop.account.update("payment_method", attached["id"], {"customer": None}, at=at)
    return attached is not None


def source_removed(shop: Shop, rng: random.Random, at: int) -> bool:
    account = shop.account
    kept = pick(account, rng, rng.choice(("card", "bank_account")), lambda one: one["customer"])
    if kept is None:
        return False
    account.delete(kept["object"], kept["id"], at=at)
    if account.get("customer", kept["customer"])["default_source"] == kept["id"]:
        account.update("customer", kept["customer"], {"default_source": None}, at=at)
    return True


def tax_id_removed(shop: Shop, rng: random.Random, at: int) -> bool:
    known = pick(shop.account, rng, "tax_id")
    if known is not None:
        shop.account.delete("tax_id", known["id"], at=at)
    return known is not None


def tax_id_verified(shop: Shop, rng: random.Random, at: int) -> bool:
    known = pick(shop.account, rng, "tax_id", lambda one: one["verification"]["status"] == "pending")
    if known is None:
        return False
    shop.account.update(
        "tax_id",
        known["id"],
        {"verification": {"status": "verified", "verified_address": "Köln", "verified_name": "ACME GmbH"}},
        at=at,
    )
    return True


def discount_given(shop: Shop, rng: random.Random, at: int) -> bool:
    account, holder = shop.account, client(shop, rng)
    if not shop.coupons or account.get("customer", holder.id)["discount"] is not None:
        return False
    given = billing.discount(shop, rng.choice(shop.coupons), at, customer=holder.id)
    account.update("customer", holder.id, {"discount": given}, at=at)
    return True


def discount_taken(shop: Shop, rng: random.Random, at: int) -> bool:
    holder = pick(shop.account, rng, "customer", lambda one: one["discount"])
    if holder is None:
        return False
    shop.account.delete("discount", holder["discount"]["id"], at=at)
    shop.account.update("customer", holder["id"], {"discount": None}, at=at)
    return True


def dispute_closed(shop: Shop, rng: random.Random, at: int) -> bool:
    contested = pick(shop.account, rng, "dispute", lambda one: one["status"] == "needs_response")
    if contested is not None:
        shop.account.update("dispute", contested["id"], {"status": rng.choice(("won", "lost"))}, at=at)
    return contested is not None


def refund_fails(shop: Shop, rng: random.Random, at: int) -> bool:
    given = pick(shop.account, rng, "refund", lambda one: one["status"] == "succeeded")
    if given is not None:
        shop.account.update(
            "refund", given["id"], {"status": "failed", "failure_reason": "expired_or_canceled_card"}, at=at
        )
    return given is not None


def goods_edited(shop: Shop, rng: random.Random, at: int) -> bool:
    goods, price = pick(shop.account, rng, "product"), pick(shop.account, rng, "price")
    if goods is None or price is None:
        return False
    shop.account.update("product", goods["id"], {"description": f"edition {rng.random():.6f}", "updated": at}, at=at)
    for kind in ("price", "plan") if price["type"] == "recurring" else ("price",):
        shop.account.update(kind, price["id"], {"active": not price["active"]}, at=at)
    return True


def goods_deleted(shop: Shop, rng: random.Random, at: int) -> bool:
    """A product with its prices and plans, and a coupon, are deleted; what was sold keeps pointing at them."""
    account = shop.account
    if len(account.ids("product")) < 4 or len(shop.coupons) < 2:
        return False
    goods = account.get("product", rng.choice(account.ids("product")[:-3]))
    for kind in ("price", "plan"):
        for object_id in [row.id for row in account.shelves[kind].rows.values() if row.facts["product"] == goods["id"]]:
            account.delete(kind, object_id, at=at)
    for sold in shop.prices.values():
        sold[:] = [price for price in sold if price["product"] != goods["id"]]
    account.delete("product", goods["id"], at=at)
    account.delete("coupon", shop.coupons.pop(), at=at)
    return True


def papers_turn(shop: Shop, rng: random.Random, at: int) -> bool:
    """Quote, session, schedule, link, promotion code, review, warning, tax rate: whatever can turn, turns."""
    turned = False
    for kind, fits, changes in (
        ("quote", ("status", "open"), {"status": "accepted"}),
        ("checkout.session", ("status", "open"), {"status": "expired"}),
        ("subscription_schedule", ("status", "active"), {"status": "released", "released_at": at}),
        ("payment_link", ("active", True), {"active": False}),
        ("promotion_code", ("active", True), {"active": False}),
        ("review", ("open", True), {"open": False, "closed_reason": "approved", "reason": "approved"}),
        ("radar.early_fraud_warning", ("actionable", True), {"actionable": False}),
        ("tax_rate", ("active", True), {"description": f"revised {rng.random():.6f}"}),
        ("topup", ("status", "pending"), {"status": "succeeded"}),
        ("payout", ("status", "in_transit"), {"status": "paid", "reconciliation_status": "completed"}),
        ("credit_note", ("status", "issued"), {"status": "void", "voided_at": at}),
        ("account", ("payouts_enabled", True), {"payouts_enabled": False}),
    ):
        name, value = fits
        found = pick(shop.account, rng, kind, lambda one, name=name, value=value: one[name] == value)  # type: ignore[misc]
        if found is not None:
            shop.account.update(kind, found["id"], changes, at=at)
            turned = True
    return turned


def money_returned(shop: Shop, rng: random.Random, at: int) -> bool:
    sent = pick(shop.account, rng, "transfer", lambda one: one["amount"] - one["amount_reversed"] > 10)
    taken = pick(shop.account, rng, "application_fee", lambda one: one["amount"] - one["amount_refunded"] > 10)
    if sent is not None:
        deals.reverse(shop, sent["id"], at, 10)
    if taken is not None:
        deals.return_fee(shop, taken["id"], at, 10)
    return sent is not None or taken is not None


def vendor_tells(shop: Shop, rng: random.Random, at: int) -> bool:
    """Events about things that cannot be read by id: a balance, and an invoice that does not exist yet."""
    buyer = client(shop, rng)
    upcoming = invoices.invoice(customer=buyer.id, currency=buyer.home.currency, created=at, period_end=at)
    del upcoming["id"]
    upcoming["lines"] = {"object": "list", "data": [], "has_more": False, "url": "/v1/invoices/upcoming/lines"}
    shop.account.emit("invoice.upcoming", upcoming, at=at)
    amounts = [{"amount": rng.randint(0, 10**6), "currency": "usd", "source_types": {"card": 0}}]
    shop.account.emit(
        "balance.available",
        {"object": "balance", "available": amounts, "livemode": shop.account.livemode, "pending": []},
        at=at,
    )
    return True


CHANGES: tuple[Deed, ...] = (
    customer_edited,
    charge_edited,
    tied_edits,
    late_event,
    subscription_canceled,
    item_swapped,
    draft_line_removed,
    draft_deleted,
    invoice_paid,
    invoice_voided,
    item_deleted,
    customer_deleted,
    method_detached,
    source_removed,
    tax_id_removed,
    tax_id_verified,
    discount_given,
    discount_taken,
    dispute_closed,
    refund_fails,
    goods_edited,
    goods_deleted,
    papers_turn,
    money_returned,
    vendor_tells,
)
