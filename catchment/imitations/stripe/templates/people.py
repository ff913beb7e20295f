"""Templates of customers and what hangs on them: tax ids, balance transactions, discounts."""

from catchment.imitations.stripe.templates import Payload, nulls


def customer(**more: object) -> Payload:
    return {
        "id": None,
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": None,
        "cash_balance": None,
        "created": 0,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "individual_name": None,
        "invoice_credit_balance": {},
        "invoice_prefix": None,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax": None,
        "tax_exempt": "none",
        "test_clock": None,
        **more,
    }


def tax_id(**more: object) -> Payload:
    return {
        "id": None,
        "object": "tax_id",
        "country": None,
        "created": 0,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "owner": None,
        "type": "eu_vat",
        "value": None,
        "verification": {"status": "pending", "verified_address": None, "verified_name": None},
        **more,
    }


def customer_balance_transaction(**more: object) -> Payload:
    return {
        "id": None,
        "object": "customer_balance_transaction",
        "amount": 0,
        "checkout_session": None,
        "created": 0,
        "credit_note": None,
        "currency": "usd",
        "customer": None,
        "customer_account": None,
        "description": None,
        "ending_balance": 0,
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "type": "adjustment",
        **more,
    }


def discount(**more: object) -> Payload:
    return {
        "id": None,
        "object": "discount",
        "checkout_session": None,
        "customer": None,
        "customer_account": None,
        "end": None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": {"coupon": None, "type": "coupon"},
        "start": 0,
        **nulls("subscription subscription_item"),
        **more,
    }
