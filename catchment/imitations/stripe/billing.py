"""Subscriptions and what they cost: items, invoices with lines, payments of invoices, credit notes, discounts."""

from collections.abc import Sequence

from catchment.imitations.stripe import selling
from catchment.imitations.stripe.clock import DAY
from catchment.imitations.stripe.shop import Client, Shop
from catchment.imitations.stripe.templates import Payload, billing, invoices, people

_LENGTH = {"month": 30 * DAY, "year": 365 * DAY}


def subscribe(
    shop: Shop, client: Client, at: int, *, items: int = 1, trial_days: int = 0, coupon: str | None = None
) -> Payload:
    """A subscription to one or more recurring prices; its discount and trial, if any."""
    rng, account = shop.random, shop.account
    offered = shop.prices["recurring " + client.home.currency]
    subscription_id = shop.new("sub")
    rows = [item(shop, subscription_id, rng.choice(offered), at) for _ in range(items)]
    trial_end = at + trial_days * DAY if trial_days else None
    discounts = [discount(shop, coupon, at, customer=client.id, subscription=subscription_id)["id"]] if coupon else []
    made = billing.subscription(
        **shop.live(
            id=subscription_id,
            billing_cycle_anchor=at,
            created=at,
            currency=client.home.currency,
            customer=client.id,
            default_payment_method=client.method if rng.random() < 0.5 else None,
            discounts=discounts,
            start_date=at,
            status="trialing" if trial_end and trial_end > account.clock.now() else "active",
            trial_end=trial_end,
            trial_start=at if trial_end else None,
            metadata={"seats": str(rng.randint(1, 50))} if rng.random() < 0.3 else {},
            default_tax_rates=[rng.choice(shop.tax_rates)] if rng.random() < 0.15 and shop.tax_rates else [],
        )
    )
    with account.lock:
        account.create(made, at=at, emit=False)
        for row in rows:
            account.add_child("subscription", subscription_id, "items", row, emit=False)
        account.announce("subscription", subscription_id, at=at)
    return account.get("subscription", subscription_id)


def item(shop: Shop, subscription_id: str, price: Payload, at: int) -> Payload:
    """An item of a subscription, with the price and its plan as they are now."""
    plan = shop.account.get("plan", price["id"])
    return billing.subscription_item(
        id=shop.new("si"),
        created=at,
        current_period_start=at,
        plan=plan,
        price=price,
        subscription=subscription_id,
        current_period_end=at + _LENGTH[price["recurring"]["interval"]],
        quantity=shop.random.choice((1, 1, 1, 5)),
    )


def discount(shop: Shop, coupon: str, at: int, **holder: str) -> Payload:
    return shop.account.create(
        people.discount(id=shop.new("di"), start=at, source={"coupon": coupon, "type": "coupon"}, **holder), at=at
    )


def line(shop: Shop, invoice_id: str, currency: str, amount: int, at: int, **more: object) -> Payload:
    return invoices.invoice_line(
        **shop.live(
            **{
                "id": shop.new("il"),
                "amount": amount,
                "currency": currency,
                "invoice": invoice_id,
                "subtotal": amount,
                "period": {"end": at + 30 * DAY, "start": at},
                **more,
            }
        )
    )


def lines_of(shop: Shop, subscription: Payload, invoice_id: str, at: int) -> list[Payload]:
    """One line per item of a subscription."""
    rows = []
    for row in subscription["items"]["data"]:
        price = row["price"]
        rows.append(
            line(
                shop,
                invoice_id,
                subscription["currency"],
                price["unit_amount"] * row["quantity"],
                at,
                description=f"{row['quantity']} x plan (at {price['unit_amount']} / {price['recurring']['interval']})",
                parent=invoices.from_subscription(subscription["id"], row["id"]),
                quantity=row["quantity"],
                quantity_decimal=str(row["quantity"]),
                subscription=subscription["id"],
                pricing=invoices.pricing(price["id"], price["product"], price["unit_amount"]),
            )
        )
    return rows


def invoice(
    shop: Shop,
    client: Client,
    at: int,
    rows: Sequence[Payload],
    *,
    invoice_id: str,
    status: str = "paid",
    subscription: str | None = None,
    discounts: Sequence[str] = (),
) -> Payload:
    """An invoice in its final state, with its lines, its payment when it is paid or open, and the charge behind it.

    `status`: draft, open, paid, void or uncollectible.
    """
    account = shop.account
    subtotal = sum(row["amount"] for row in rows)
    taken = subtotal // 4 if discounts else 0
    total = subtotal - taken
    final = status != "draft"
    number = f"INV-{shop.number():06d}"
    paid = total if status == "paid" else 0
    made = invoices.invoice(
        **shop.live(
            id=invoice_id,
            amount_due=total,
            amount_paid=paid,
            amount_remaining=total - paid,
            attempt_count=int(final),
            attempted=final,
            auto_advance=False,
            billing_reason="subscription_cycle" if subscription else "manual",
            created=at,
            currency=client.home.currency,
            customer=client.id,
            customer_address=client.place,
            customer_email=client.email,
            customer_name=client.name,
            default_payment_method=None,
            discounts=list(discounts),
            due_date=at + 14 * DAY if status in ("open", "uncollectible") else None,
            effective_at=at if final else None,
            ending_balance=0 if final else None,
            number=number if final else None,
            period_end=at,
            period_start=at - 30 * DAY,
            hosted_invoice_url=f"https://invoice.stripe.com/i/{invoice_id}" if final else None,
            invoice_pdf=f"https://pay.stripe.com/invoice/{invoice_id}/pdf" if final else None,
            status=status,
            parent=None
            if subscription is None
            else {
                "quote_details": None,
                "subscription_details": {"metadata": {}, "subscription": subscription},
                "type": "subscription_details",
            },
            status_transitions={
                "finalized_at": at if final else None,
                "paid_at": at if status == "paid" else None,
                "marked_uncollectible_at": at if status == "uncollectible" else None,
                "voided_at": at if status == "void" else None,
            },
            subtotal=subtotal,
            subtotal_excluding_tax=subtotal,
            total=total,
            total_excluding_tax=total,
            total_discount_amounts=[{"amount": taken, "discount": discounts[0]}] if discounts else [],
        )
    )
    with account.lock:
        account.create(made, at=at, emit=False)
        for row in rows:
            account.add_child("invoice", invoice_id, "lines", row, emit=False)
        account.announce("invoice", invoice_id, at=at)
    if status in ("paid", "open") and total > 0:
        pay(shop, client, invoice_id, total, at, paid=status == "paid")
    return account.get("invoice", invoice_id)


def pay(shop: Shop, client: Client, invoice_id: str, total: int, at: int, *, paid: bool) -> Payload:
    """The payment of an invoice: an attempt that failed when it is still open."""
    taken = selling.charge(shop, client, total, at, fails=not paid)
    return shop.account.create(
        invoices.invoice_payment(
            **shop.live(
                id=shop.new("inpay"),
                amount_paid=total if paid else None,
                amount_requested=total,
                created=at,
                currency=client.home.currency,
                invoice=invoice_id,
                status="paid" if paid else "open",
                payment={"payment_intent": taken["payment_intent"], "type": "payment_intent"},
                status_transitions={"canceled_at": None, "paid_at": at if paid else None},
            )
        ),
        at=at,
    )


def renew(shop: Shop, client: Client, subscription_id: str, at: int, status: str = "paid") -> Payload:
    """The invoice of one period, and the subscription's items moved on to the next."""
    account = shop.account
    subscription = account.get("subscription", subscription_id)
    invoice_id = shop.new("in")
    made = invoice(
        shop,
        client,
        at,
        lines_of(shop, subscription, invoice_id, at),
        invoice_id=invoice_id,
        status=status,
        subscription=subscription_id,
        discounts=subscription["discounts"],
    )
    periods = {
        row["id"]: {
            "current_period_start": at,
            "current_period_end": at + _LENGTH[row["price"]["recurring"]["interval"]],
        }
        for row in account.children(subscription_id, "items")
    }
    account.update(
        "subscription",
        subscription_id,
        {"latest_invoice": invoice_id, "status": "active" if status == "paid" else "past_due"},
        at=at,
        change={"items": periods},
    )
    return made


def cancel(shop: Shop, subscription_id: str, at: int) -> Payload:
    """End a subscription; it stays readable."""
    return shop.account.update(
        "subscription",
        subscription_id,
        {
            "status": "canceled",
            "canceled_at": at,
            "ended_at": at,
            "cancellation_details": {
                "comment": shop.random.choice((None, "", "trop cher 😕")),
                "feedback": "too_expensive",
                "feedback_option": None,
                "reason": "cancellation_requested",
            },
        },
        at=at,
    )


def pending_item(shop: Shop, client: Client, at: int) -> Payload:
    """An invoice item that waits for the next invoice."""
    rng = shop.random
    price = rng.choice(shop.prices[client.home.currency])
    amount = price["unit_amount"]
    return shop.account.create(
        invoices.invoice_item(
            **shop.live(
                id=shop.new("ii"),
                amount=amount,
                currency=client.home.currency,
                customer=client.id,
                date=at,
                net_amount=amount,
                description=rng.choice(("Set-up", "Überstunden", "初期費用")),
                period={"end": at, "start": at},
                pricing=invoices.pricing(price["id"], price["product"], amount),
            )
        ),
        at=at,
    )


def credit(shop: Shop, invoice_id: str, at: int, rows: int = 1) -> Payload:
    """A credit note over some of an invoice's lines (or custom ones when it has too few)."""
    account = shop.account
    billed = account.get("invoice", invoice_id)
    note_id = shop.new("cn")
    known = account.children(invoice_id, "lines")
    lines = []
    for number in range(rows):
        origin = known[number]["id"] if number < len(known) else None
        lines.append(
            invoices.credit_note_line(
                **shop.live(
                    id=shop.new("cnli"),
                    amount=100,
                    description=f"Credit {number + 1}",
                    invoice_line_item=origin,
                    type="invoice_line_item" if origin else "custom_line_item",
                    unit_amount=None if origin else 100,
                    unit_amount_decimal=None if origin else "100",
                )
            )
        )
    made = invoices.credit_note(
        **shop.live(
            id=note_id,
            amount=100 * rows,
            created=at,
            currency=billed["currency"],
            customer=billed["customer"],
            effective_at=at,
            invoice=invoice_id,
            number=f"CN-{shop.number():05d}",
            pdf=f"https://pay.stripe.com/credit_notes/{note_id}/pdf",
            post_payment_amount=100 * rows,
            subtotal=100 * rows,
            subtotal_excluding_tax=100 * rows,
            total=100 * rows,
            total_excluding_tax=100 * rows,
            reason=shop.random.choice((None, "duplicate", "product_unsatisfactory")),
            memo=shop.random.choice((None, "", "Sorry!")),
        )
    )
    with account.lock:
        account.create(made, at=at, emit=False)
        for row in lines:
            account.add_child("credit_note", note_id, "lines", row, emit=False)
        account.announce("credit_note", note_id, at=at)
    account.update(
        "invoice",
        invoice_id,
        {"post_payment_credit_notes_amount": billed["post_payment_credit_notes_amount"] + 100 * rows},
        at=at,
    )
    return made
