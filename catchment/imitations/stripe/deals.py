"""Offers to customers and money between accounts: sessions, links, quotes, schedules, payouts, transfers, fees."""

from catchment.imitations.stripe import selling, world
from catchment.imitations.stripe.clock import DAY
from catchment.imitations.stripe.shop import Client, Shop
from catchment.imitations.stripe.templates import Payload, billing, catalog, money, payments


def _line(shop: Shop, currency: str) -> Payload:
    price = shop.random.choice(shop.prices[currency])
    quantity = shop.random.randint(1, 3)
    total = price["unit_amount"] * quantity
    return catalog.line(
        id=shop.new("li"),
        amount_subtotal=total,
        amount_total=total,
        currency=currency,
        price=price,
        description=price["nickname"],
        quantity=quantity,
    )


def _with_lines(shop: Shop, made: Payload, rows: list[Payload], at: int) -> Payload:
    account = shop.account
    with account.lock:
        account.create(made, at=at, emit=False)
        for row in rows:
            account.add_child(made["object"], made["id"], "line_items", row, emit=False)
        account.announce(made["object"], made["id"], at=at)
    return made


def checkout(shop: Shop, client: Client, at: int, *, rows: int = 1, status: str = "complete") -> Payload:
    """A checkout session with its line items; a complete one was paid."""
    lines = [_line(shop, client.home.currency) for _ in range(rows)]
    total = sum(row["amount_total"] for row in lines)
    session_id = shop.new("cs_live" if shop.account.livemode else "cs_test")
    done = status == "complete"
    paid = selling.charge(shop, client, total, at) if done else None
    made = billing.checkout_session(
        **shop.live(
            id=session_id,
            amount_subtotal=total,
            amount_total=total,
            created=at,
            currency=client.home.currency,
            status=status,
            customer=client.id if done else None,
            customer_details={
                "address": client.place,
                "business_name": None,
                "email": client.email,
                "individual_name": None,
                "name": client.name,
                "phone": None,
                "tax_exempt": "none",
                "tax_ids": [],
            }
            if done
            else None,
            expires_at=at + DAY,
            payment_intent=paid["payment_intent"] if paid else None,
            payment_status="paid" if done else "unpaid",
            url=None if done else f"https://checkout.stripe.com/c/pay/{session_id}",
        )
    )
    return _with_lines(shop, made, lines, at)


def payment_link(shop: Shop, at: int, rows: int = 1) -> Payload:
    link_id = shop.new("plink")
    made = catalog.payment_link(
        **shop.live(id=link_id, url=f"https://buy.stripe.com/{link_id[6:18]}", metadata=world.metadata(shop.random))
    )
    return _with_lines(shop, made, [_line(shop, "usd") for _ in range(rows)], at)


def quote(shop: Shop, client: Client, at: int, rows: int = 1) -> Payload:
    lines = [_line(shop, client.home.currency) for _ in range(rows)]
    total = sum(row["amount_total"] for row in lines)
    status = shop.random.choice(("draft", "open", "accepted", "canceled"))
    made = billing.quote(
        **shop.live(
            id=shop.new("qt"),
            amount_subtotal=total,
            amount_total=total,
            created=at,
            currency=client.home.currency,
            customer=client.id,
            expires_at=at + 30 * DAY,
            header=shop.random.choice((None, "見積書", "")),
            status=status,
            number=None if status == "draft" else f"QT-{shop.number():05d}-1",
            status_transitions={
                "accepted_at": at if status == "accepted" else None,
                "canceled_at": at if status == "canceled" else None,
                "finalized_at": None if status == "draft" else at,
            },
        )
    )
    return _with_lines(shop, made, lines, at)


def schedule(shop: Shop, subscription: Payload, at: int) -> Payload:
    """A schedule that drives an existing subscription."""
    price = subscription["items"]["data"][0]["price"]["id"]
    made = billing.subscription_schedule(
        **shop.live(
            id=shop.new("sub_sched"),
            created=at,
            customer=subscription["customer"],
            subscription=subscription["id"],
            current_phase={"end_date": at + 90 * DAY, "start_date": at},
            phases=[
                billing.phase(price, at, at + 90 * DAY, subscription["currency"]),
                billing.phase(price, at + 90 * DAY, at + 180 * DAY, subscription["currency"]),
            ],
        )
    )
    shop.account.create(made, at=at)
    shop.account.update("subscription", subscription["id"], {"schedule": made["id"]}, at=at)
    return made


def connect(shop: Shop, at: int | None, externals: int = 1) -> Payload:
    """A connected account with its bank accounts; `at` None makes one without a creation time."""
    rng = shop.random
    home = world.country(rng)
    account_id = shop.new("acct")
    made = money.account(
        id=account_id,
        country=home.code,
        created=at,
        default_currency=home.currency,
        email=f"seller{shop.number()}@example.com",
        metadata=world.metadata(rng),
    )
    shop.account.create(made, emit=False)
    for number in range(externals):
        shop.account.add_child(
            "account",
            account_id,
            "external_accounts",
            payments.bank_account(
                id=shop.new("ba"),
                account=account_id,
                country=home.code,
                currency=home.currency,
                default_for_currency=number == 0,
                available_payout_methods=["standard"],
            ),
            at=at,
            emit=at is not None,
        )
    shop.connected.append(account_id)
    return made


def payout(shop: Shop, at: int, amount: int, currency: str = "usd") -> Payload:
    payout_id = shop.new("po")
    arrived = at + 2 * DAY <= shop.account.clock.now()
    return shop.account.create(
        money.payout(
            **shop.live(
                id=payout_id,
                amount=amount,
                arrival_date=at + 2 * DAY,
                created=at,
                currency=currency,
                balance_transaction=selling.transaction(shop, at, -amount, currency, payout_id, "payout"),
                destination=shop.account.notes.get("bank"),
                status="paid" if arrived else "in_transit",
                reconciliation_status="completed" if arrived else "in_progress",
            )
        ),
        at=at,
    )


def topup(shop: Shop, at: int, amount: int) -> Payload:
    topup_id = shop.new("tu")
    return shop.account.create(
        money.topup(
            **shop.live(
                id=topup_id,
                amount=amount,
                created=at,
                description="Top-up",
                expected_availability_date=at + 3 * DAY,
                balance_transaction=selling.transaction(shop, at, amount, "usd", topup_id, "topup"),
                status=shop.random.choice(("succeeded", "succeeded", "pending", "failed")),
            )
        ),
        at=at,
    )


def transfer(shop: Shop, at: int, amount: int, reversals: int = 0) -> Payload:
    """A transfer to a connected account, part of it reversed so many times."""
    transfer_id = shop.new("tr")
    made = money.transfer(
        **shop.live(
            id=transfer_id,
            amount=amount,
            created=at,
            destination=shop.random.choice(shop.connected),
            destination_payment=shop.new("py"),
            transfer_group=shop.random.choice((None, "ORDER_95")),
            balance_transaction=selling.transaction(shop, at, -amount, "usd", transfer_id, "transfer"),
        )
    )
    shop.account.create(made, at=at)
    for number in range(reversals):
        reverse(shop, transfer_id, at + number, 10)
    return made


def reverse(shop: Shop, transfer_id: str, at: int, amount: int) -> None:
    now = shop.account.get("transfer", transfer_id)
    reversal_id = shop.new("trr")
    row = money.transfer_reversal(
        id=reversal_id,
        amount=amount,
        created=at,
        transfer=transfer_id,
        balance_transaction=selling.transaction(shop, at, amount, "usd", reversal_id, "transfer_refund"),
    )
    total = now["amount_reversed"] + amount
    shop.account.update(
        "transfer",
        transfer_id,
        {"amount_reversed": total, "reversed": total >= now["amount"]},
        at=at,
        add={"reversals": [row]},
    )


def application_fee(shop: Shop, charge: Payload, at: int, refunds: int = 0) -> Payload:
    """A fee that a connected account's charge brought, part of it given back so many times."""
    fee_id = shop.new("fee")
    made = money.application_fee(
        **shop.live(
            id=fee_id,
            account=shop.random.choice(shop.connected),
            amount=1000,
            application="ca_J526GYgmSwFgKMno9PpWP7RTYw0iB3mM",
            charge=charge["id"],
            created=at,
            currency="usd",
            fee_source={"charge": charge["id"], "type": "charge"},
            balance_transaction=selling.transaction(shop, at, 1000, "usd", fee_id, "application_fee"),
        )
    )
    shop.account.create(made, at=at)
    for number in range(refunds):
        return_fee(shop, fee_id, at + number, 10)
    return made


def return_fee(shop: Shop, fee_id: str, at: int, amount: int) -> None:
    now = shop.account.get("application_fee", fee_id)
    refund_id = shop.new("fr")
    row = money.fee_refund(
        id=refund_id,
        amount=amount,
        created=at,
        fee=fee_id,
        balance_transaction=selling.transaction(shop, at, -amount, "usd", refund_id, "application_fee_refund"),
    )
    total = now["amount_refunded"] + amount
    shop.account.update(
        "application_fee",
        fee_id,
        {"amount_refunded": total, "refunded": total >= now["amount"]},
        at=at,
        add={"refunds": [row]},
    )
