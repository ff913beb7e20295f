"""Customers and their payments: how they come, pay, get refunds and dispute."""

from catchment.imitations.stripe import world
from catchment.imitations.stripe.clock import DAY
from catchment.imitations.stripe.shop import Client, Shop
from catchment.imitations.stripe.templates import Payload, money, payments, people

PENDING_DAYS = 3


def customer(shop: Shop, at: int) -> Client:
    """A new customer, with a payment method most of the time, perhaps sources, tax ids and a balance."""
    rng, account = shop.random, shop.account
    home = world.country(rng)
    name = world.person(rng, home)
    client = Client(shop.new("cus"), name, world.email(shop.number()), home, world.place(rng, home))
    phone = f"+1555{rng.randint(1_000_000, 9_999_999)}" if rng.random() < 0.5 else None
    account.create(
        people.customer(
            **shop.live(
                id=client.id,
                address=client.place,
                created=at,
                currency=home.currency,
                email=client.email,
                name=name,
                description=rng.choice((None, None, "", "Met at the fair")),
                phone=phone,
                metadata=world.metadata(rng),
                invoice_prefix=f"{rng.randrange(16**8):08X}",
                preferred_locales=[home.locale] if rng.random() < 0.5 else [],
                tax_exempt=rng.choice(("none", "none", "none", "exempt", "reverse")),
                shipping=None
                if rng.random() < 0.7
                else {"address": client.place, "carrier": None, "name": name, "phone": phone, "tracking_number": None},
            )
        ),
        at=at,
    )
    shop.clients[client.id] = client
    if rng.random() < 0.85:
        pay_by_card(shop, client, at)
    if rng.random() < 0.25:
        source(shop, client, at + 1)
    if rng.random() < 0.12:
        tax_id(shop, client, at + 2)
    if rng.random() < 0.05:
        balance(shop, client, at + 3, -1 * rng.randint(1, 40) * 10)
    return client


def pay_by_card(shop: Shop, client: Client, at: int) -> str:
    """Attach a new card to a customer and make it the default for invoices; the set-up intent comes with it."""
    rng, account = shop.random, shop.account
    brand = rng.choice(world.BRANDS)[0]
    client.card = payments.method_card(
        brand,
        client.home.code,
        rng.randint(1, 12),
        rng.randint(2026, 2032),
        f"{rng.randrange(16**16):016x}",
        rng.choice(("credit", "debit", "prepaid")),
        f"{rng.randint(0, 9999):04d}",
    )
    method = payments.payment_method(
        **shop.live(
            id=shop.new("pm"),
            created=at,
            customer=client.id,
            card=client.card,
            billing_details=payments.billing(client.name, client.email, None, client.place),
        )
    )
    account.create(method, at=at)
    client.method = method["id"]
    customer_now = account.get("customer", client.id)
    account.update(
        "customer",
        client.id,
        {"invoice_settings": {**customer_now["invoice_settings"], "default_payment_method": client.method}},
        at=at,
    )
    if rng.random() < 0.25:
        account.create(
            payments.setup_intent(
                **shop.live(
                    id=shop.new("seti"),
                    created=at,
                    customer=client.id,
                    payment_method=client.method,
                    client_secret=f"seti_secret_{shop.number()}",
                )
            ),
            at=at,
        )
    return str(method["id"])


def loose_method(shop: Shop, at: int) -> Payload:
    """A payment method that nobody attached: the vendor says nothing about it."""
    return shop.account.create(
        payments.payment_method(
            **shop.live(
                id=shop.new("pm"),
                created=at,
                type="sepa_debit",
                sepa_debit={
                    "bank_code": "37040044",
                    "branch_code": "",
                    "country": "DE",
                    "fingerprint": "Vn3kXJp1",
                    "generated_from": {"charge": None, "setup_attempt": None},
                    "last4": "3000",
                },
            )
        ),
        at=at,
    )


def source(shop: Shop, client: Client, at: int, bank: bool | None = None) -> Payload:
    """A card or bank account kept the old way, as a source of the customer."""
    rng = shop.random
    common = {
        "customer": client.id,
        "fingerprint": f"{rng.randrange(16**16):016x}",
        "last4": f"{rng.randint(0, 9999):04d}",
    }
    if rng.random() < 0.2 if bank is None else bank:
        made = payments.bank_account(id=shop.new("ba"), account_holder_name=client.name, status="verified", **common)
    else:
        made = payments.card(
            id=shop.new("card"),
            brand=rng.choice(world.BRANDS)[1],
            country=client.home.code,
            name=client.name,
            exp_month=rng.randint(1, 12),
            exp_year=rng.randint(2026, 2031),
            address_city=client.place["city"],
            address_line1=client.place["line1"],
            address_line1_check="pass",
            address_zip=client.place["postal_code"],
            **common,
        )
    shop.account.add_child("customer", client.id, "sources", made, at=at)
    if shop.account.get("customer", client.id)["default_source"] is None:
        shop.account.update("customer", client.id, {"default_source": made["id"]}, at=at)
    return made


def tax_id(shop: Shop, client: Client, at: int) -> Payload:
    made = people.tax_id(
        **shop.live(
            id=shop.new("txi"),
            country="DE",
            created=at,
            customer=client.id,
            value=f"DE{shop.random.randint(10**8, 10**9 - 1)}",
            owner={
                "account": None,
                "application": None,
                "customer": client.id,
                "customer_account": None,
                "type": "customer",
            },
        )
    )
    return shop.account.add_child("customer", client.id, "tax_ids", made, at=at)


def balance(shop: Shop, client: Client, at: int, amount: int) -> Payload:
    """Change a customer's credit balance; the vendor announces the customer, not the transaction."""
    now = shop.account.get("customer", client.id)["balance"]
    made = people.customer_balance_transaction(
        **shop.live(
            id=shop.new("cbtxn"),
            amount=amount,
            created=at,
            currency=client.home.currency,
            customer=client.id,
            ending_balance=now + amount,
            description=shop.random.choice((None, "Goodwill")),
        )
    )
    shop.account.add_child("customer", client.id, "balance_transactions", made, at=at, emit=False)
    shop.account.update("customer", client.id, {"balance": now + amount}, at=at)
    return made


def transaction(shop: Shop, at: int, amount: int, currency: str, source_id: str, kind: str, fee: int = 0) -> str:
    """A balance transaction; pending until the money is available, and never announced by an event."""
    ready = at + PENDING_DAYS * DAY
    made = money.balance_transaction(
        id=shop.new("txn"),
        amount=amount,
        available_on=ready,
        created=at,
        currency=currency,
        fee=fee,
        net=amount - fee,
        fee_details=[money.fee_detail(fee, currency)] if fee else [],
        source=source_id,
        type=kind,
        reporting_category={"payment_refund": "refund"}.get(kind, kind),
        status="available" if ready <= shop.account.clock.now() else "pending",
    )
    shop.account.create(made, at=at)
    return str(made["id"])


def charge(shop: Shop, client: Client, amount: int, at: int, *, fails: bool = False, **more: object) -> Payload:
    """A payment: an intent, its charge and, when it succeeds, the balance transaction."""
    rng, account, currency = shop.random, shop.account, client.home.currency
    intent_id, charge_id = shop.new("pi"), shop.new("ch")
    description = rng.choice((None, "", "Subscription update", f"Order {shop.number()}", "Payment for invoice"))
    common = shop.live(
        created=at,
        currency=currency,
        customer=client.id,
        description=description,
        amount=amount,
        payment_method=client.method,
        metadata=world.metadata(rng),
    )
    error = {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "type": "card_error",
        "charge": charge_id,
        "message": "Your card has insufficient funds.",
    }
    account.create(
        payments.payment_intent(
            **{
                **common,
                "id": intent_id,
                "client_secret": f"{intent_id}_secret_{shop.number()}",
                "latest_charge": charge_id,
                "amount_received": 0 if fails else amount,
                "last_payment_error": error if fails else None,
                "status": "requires_payment_method" if fails else "succeeded",
            }
        ),
        at=at,
    )
    card = client.card or payments.method_card("visa", "US", 1, 2030, "0" * 16, "credit", "4242")
    made = payments.charge(
        **{
            **common,
            "id": charge_id,
            "amount_captured": 0 if fails else amount,
            "captured": not fails,
            "paid": not fails,
            "balance_transaction": None,
            "payment_intent": intent_id,
            "status": "failed" if fails else "succeeded",
            "billing_details": payments.billing(client.name, client.email, None, client.place),
            "calculated_statement_descriptor": "CATCHMENT",
            "receipt_email": rng.choice((None, client.email)),
            "failure_code": "card_declined" if fails else None,
            "failure_message": error["message"] if fails else None,
            "outcome": payments.outcome(
                rng.randint(0, 64),
                **(
                    {
                        "network_status": "declined_by_network",
                        "reason": "insufficient_funds",
                        "type": "issuer_declined",
                        "network_decline_code": "51",
                    }
                    if fails
                    else {}
                ),
            ),
            "payment_method_details": payments.card_details(
                card["brand"],
                card["country"],
                card["exp_month"],
                card["exp_year"],
                card["fingerprint"],
                card["funding"],
                card["last4"],
                amount,
            ),
            "receipt_url": None
            if fails
            else f"https://pay.stripe.com/receipts/payment/{charge_id}/{rng.randrange(16**40):040x}",
            **more,
        }
    )
    if not fails:
        fee = int(min(amount, 2**40) * 0.029) + 30
        made["balance_transaction"] = transaction(shop, at, amount, currency, charge_id, "charge", fee)
    return account.create(made, at=at)


def refund(shop: Shop, charge_id: str, amount: int, at: int, reason: str | None = "requested_by_customer") -> Payload:
    """Refund part or all of a charge: the refund, its balance transaction, and the charge that now says so."""
    paid = shop.account.get("charge", charge_id)
    refund_id = shop.new("re")
    made = payments.refund(
        id=refund_id,
        amount=amount,
        charge=charge_id,
        created=at,
        currency=paid["currency"],
        customer=paid["customer"],
        payment_intent=paid["payment_intent"],
        payment_method=paid["payment_method"],
        reason=reason,
        balance_transaction=transaction(shop, at, -amount, paid["currency"], refund_id, "refund"),
    )
    shop.account.create(made, at=at)
    total = paid["amount_refunded"] + amount
    shop.account.update("charge", charge_id, {"amount_refunded": total, "refunded": total >= paid["amount"]}, at=at)
    return made


def dispute(shop: Shop, charge_id: str, at: int) -> Payload:
    """A charge-back: the dispute with its withdrawal, the charge marked, sometimes a fraud warning."""
    rng, account = shop.random, shop.account
    paid = account.get("charge", charge_id)
    dispute_id = shop.new("du")
    taken = account.get(
        "balance_transaction", transaction(shop, at, -paid["amount"], paid["currency"], dispute_id, "adjustment", 1500)
    )
    made = payments.dispute(
        **shop.live(
            id=dispute_id,
            amount=paid["amount"],
            balance_transactions=[taken],
            charge=charge_id,
            created=at,
            currency=paid["currency"],
            payment_intent=paid["payment_intent"],
            reason=rng.choice(("fraudulent", "duplicate", "product_not_received")),
        )
    )
    made["evidence_details"]["due_by"] = at + 14 * DAY
    account.create(made, at=at)
    account.update("charge", charge_id, {"disputed": True}, at=at)
    if rng.random() < 0.5:
        fraud_warning(shop, paid, at)
    return made


def fraud_warning(shop: Shop, paid: Payload, at: int) -> Payload:
    return shop.account.create(
        payments.early_fraud_warning(
            **shop.live(id=shop.new("issfr"), charge=paid["id"], created=at, payment_intent=paid["payment_intent"])
        ),
        at=at,
    )


def review(shop: Shop, paid: Payload, at: int) -> Payload:
    return shop.account.create(
        payments.review(
            **shop.live(id=shop.new("prv"), charge=paid["id"], created=at, payment_intent=paid["payment_intent"])
        ),
        at=at,
    )
