"""Patterns of rows for bulk accounts: templates with marks where a row's number, stamp and references go."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from catchment.imitations.stripe.templates import Payload, address, billing, catalog, invoices, money, payments, people

DIGITS = 18
PREFIX: Mapping[str, str] = {
    "charge": "ch_3Bulk",
    "customer": "cus_Bulk",
    "payment_intent": "pi_3Bulk",
    "invoice": "in_1Bulk",
    "refund": "re_3Bulk",
    "balance_transaction": "txn_3Bulk",
    "subscription": "sub_1Bulk",
    "payment_method": "pm_1Bulk",
    "price": "price_1Bulk",
}
# Which collection each mark takes its number from; `n` is the row's own.
REFERENCES = {
    "ch": "charge",
    "cus": "customer",
    "pi": "payment_intent",
    "in": "invoice",
    "re": "refund",
    "txn": "balance_transaction",
    "sub": "subscription",
    "pm": "payment_method",
    "price": "price",
}
_CURRENCIES = ("usd", "eur", "jpy", "kwd")
_PLACE = address(city="Köln", country="DE", line1="Lindenweg 12", line2="", postal_code="50667", state=None)


def own(object_type: str) -> str:
    return PREFIX[object_type] + "@n@"


def ref(mark: str) -> str:
    return f"{PREFIX[REFERENCES[mark]]}@{mark}@"


def _revision(**more: str) -> Payload:
    return {"revision": "@g@", **more}


def _charge(number: int) -> Payload:
    return payments.charge(
        id=own("charge"),
        amount="#amount#",
        amount_captured="#amount#",
        balance_transaction=ref("txn"),
        created="#created#",
        billing_details=payments.billing("Käthe Weiß", "user@n@@example.com", None, _PLACE),
        currency=_CURRENCIES[number],
        calculated_statement_descriptor="CATCHMENT",
        customer=ref("cus"),
        description="Order @n@",
        metadata=_revision(order_id="@n@"),
        outcome=payments.outcome(17),
        payment_intent=ref("pi"),
        payment_method=ref("pm"),
        payment_method_details=payments.card_details("visa", "DE", 4, 2030, "c4f1a2b3d4e5f607", "credit", "4242", 0),
        receipt_url="https://pay.stripe.com/receipts/payment/@n@/0a1b2c3d4e5f",
    )


def _customer(number: int) -> Payload:
    return people.customer(
        id=own("customer"),
        address=_PLACE if number % 2 else None,
        created="#created#",
        currency=_CURRENCIES[number],
        email="user@n@@example.com",
        name=("Ada Lovelace", "山田 花子", "José Nuñez", "محمد العنزي")[number],
        invoice_prefix="A1B2C3D4",
        metadata=_revision(),
        preferred_locales=["de-DE"] if number % 2 else [],
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": ref("pm"),
            "footer": None,
            "rendering_options": None,
        },
    )


def _payment_intent(number: int) -> Payload:
    return payments.payment_intent(
        id=own("payment_intent"),
        amount="#amount#",
        amount_received="#amount#",
        created="#created#",
        customer=ref("cus"),
        client_secret="pi_secret_@n@",
        currency=_CURRENCIES[number],
        description="Order @n@",
        latest_charge=ref("ch"),
        metadata=_revision(),
        payment_method=ref("pm"),
    )


def _invoice(number: int) -> Payload:
    lines = [
        invoices.invoice_line(
            id=f"il_1Bulk@n@{place}",
            amount="#amount#",
            currency=_CURRENCIES[number],
            description="1 x Team (monthly)",
            invoice=own("invoice"),
            metadata=_revision(),
            period={"end": "#created#", "start": "#created#"},
            subtotal="#amount#",
            parent=invoices.from_subscription(ref("sub"), f"si_1Bulk@sub@{place}"),
            subscription=ref("sub"),
            pricing={
                "price_details": {"price": ref("price"), "product": "prod_Bulk"},
                "type": "price_details",
                "unit_amount_decimal": "@amount@",
            },
        )
        for place in range(1 + number % 3)
    ]
    return invoices.invoice(
        id=own("invoice"),
        amount_due="#amount#",
        amount_paid="#amount#",
        attempt_count=1,
        attempted=True,
        created="#created#",
        currency=_CURRENCIES[number],
        customer=ref("cus"),
        customer_email="user@n@@example.com",
        effective_at="#created#",
        metadata=_revision(),
        number="INV-@n@",
        status="paid",
        subtotal="#amount#",
        total="#amount#",
        total_excluding_tax="#amount#",
        period_start="#created#",
        period_end="#created#",
        lines=_embedded(lines, f"/v1/invoices/{own('invoice')}/lines"),
        parent={
            "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": ref("sub")},
            "type": "subscription_details",
        },
    )


def _refund(number: int) -> Payload:
    return payments.refund(
        id=own("refund"),
        amount="#amount#",
        balance_transaction=ref("txn"),
        charge=ref("ch"),
        created="#created#",
        currency=_CURRENCIES[number],
        customer=ref("cus"),
        metadata=_revision(),
        payment_intent=ref("pi"),
        payment_method=ref("pm"),
        reason="requested_by_customer",
    )


def _balance_transaction(number: int) -> Payload:
    return money.balance_transaction(
        id=own("balance_transaction"),
        amount="#amount#",
        available_on="#created#",
        created="#created#",
        fee=59,
        currency=_CURRENCIES[number],
        description="Revision @g@",
        net="#amount#",
        source=ref("ch"),
        fee_details=[money.fee_detail(59, _CURRENCIES[number])],
    )


def _subscription(number: int) -> Payload:
    price = _price(number) | {"id": ref("price"), "metadata": {}}
    plan = catalog.plan(
        id=ref("price"),
        amount="#amount#",
        amount_decimal="@amount@",
        created="#created#",
        currency=_CURRENCIES[number],
        product="prod_Bulk",
    )
    items = [
        billing.subscription_item(
            id=f"si_1Bulk@n@{place}",
            created="#created#",
            current_period_end="#created#",
            current_period_start="#created#",
            metadata=_revision(),
            plan=plan,
            price=price,
            subscription=own("subscription"),
        )
        for place in range(1 + number % 2)
    ]
    return billing.subscription(
        id=own("subscription"),
        billing_cycle_anchor="#created#",
        created="#created#",
        currency=_CURRENCIES[number],
        customer=ref("cus"),
        default_payment_method=ref("pm"),
        latest_invoice=ref("in"),
        metadata=_revision(),
        start_date="#created#",
        items=_embedded(items, f"/v1/subscription_items?subscription={own('subscription')}"),
    )


def _payment_method(_: int) -> Payload:
    return payments.payment_method(
        id=own("payment_method"),
        created="#created#",
        customer=ref("cus"),
        metadata=_revision(),
        billing_details=payments.billing("Käthe Weiß", "user@n@@example.com", None, _PLACE),
        card=payments.method_card("visa", "DE", 4, 2030, "c4f1a2b3d4e5f607", "credit", "4242"),
    )


def _price(number: int) -> Payload:
    return catalog.price(
        id=own("price"),
        created="#created#",
        currency=_CURRENCIES[number],
        metadata=_revision(),
        product="prod_Bulk",
        nickname="List @n@",
        recurring=catalog.recurring("month", None),
        type="recurring",
        unit_amount="#amount#",
        unit_amount_decimal="@amount@",
    )


def _embedded(rows: list[Payload], url: str) -> Payload:
    return {"object": "list", "data": rows, "has_more": False, "url": url}


PATTERNS: Mapping[str, Callable[[int], Payload]] = {
    "charge": _charge,
    "customer": _customer,
    "payment_intent": _payment_intent,
    "invoice": _invoice,
    "refund": _refund,
    "balance_transaction": _balance_transaction,
    "subscription": _subscription,
    "payment_method": _payment_method,
    "price": _price,
}


def formats(object_type: str) -> tuple[bytes, ...]:
    """The row patterns of a collection, ready for `%` with a mapping of marks; row n uses pattern n modulo four."""
    return tuple(compiled(msgspec.json.encode(PATTERNS[object_type](number))) for number in range(len(_CURRENCIES)))


def compiled(pattern: bytes) -> bytes:
    """JSON with marks as a `%` format: `@mark@` inside strings, `"#mark#"` for numbers."""
    plain = pattern.replace(b"%", b"%%")
    plain = re.sub(rb'"#(\w+)#"', rb"%(\1)d", plain)
    return re.sub(
        rb"@(g|amount)@",
        rb"%(\1)d",
        re.sub(rb"@(n|%s)@" % "|".join(REFERENCES).encode(), rb"%%(\1)0%dd" % DIGITS, plain),
    )


def profile(account_id: str) -> dict[str, Any]:
    """`/v1/account` of a bulk account."""
    return money.account(
        id=account_id,
        created=1_700_000_000,
        email="owner@example.com",
        type="standard",
        external_accounts=_embedded([], f"/v1/accounts/{account_id}/external_accounts"),
    )
