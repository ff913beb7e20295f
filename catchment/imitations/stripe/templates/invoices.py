"""Templates of invoices: their lines, waiting items, payments and credit notes."""

from catchment.imitations.stripe.templates import LISTED, Payload, nulls

_INVOICE_TAX = {"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None}


def invoice(**more: object) -> Payload:
    return {
        "id": None,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Catchment Imitation",
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": dict(_INVOICE_TAX),
        "automatically_finalizes_at": None,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "confirmation_secret": None,
        "created": 0,
        "currency": "usd",
        "custom_fields": None,
        "customer": None,
        "customer_account": None,
        **nulls("customer_address customer_email customer_name customer_phone customer_shipping"),
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        **nulls("default_payment_method default_source"),
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        **nulls("due_date effective_at ending_balance footer from_invoice hosted_invoice_url invoice_pdf"),
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": LISTED,
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": nulls("default_mandate payment_method_options payment_method_types"),
        "period_end": 0,
        "period_start": 0,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": {
            "amount_tax_display": None,
            "pdf": {"page_size": "auto"},
            "template": None,
            "template_version": None,
        },
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_details": None,
        "status_transitions": nulls("finalized_at marked_uncollectible_at paid_at voided_at"),
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": None,
        "threshold_reason": None,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
        **more,
    }


def invoice_line(**more: object) -> Payload:
    return {
        "id": None,
        "object": "line_item",
        "amount": 0,
        "currency": "usd",
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"end": 0, "start": 0},
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": 1,
        "quantity_decimal": "1",
        "subscription": None,
        "subtotal": 0,
        "taxes": [],
        **more,
    }


def from_subscription(subscription_id: str, item_id: str) -> Payload:
    """The `parent` of a line that a subscription item made."""
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription_id,
            "subscription_item": item_id,
        },
        "type": "subscription_item_details",
    }


def from_item(invoice_item: str) -> Payload:
    """The `parent` of a line that a pending invoice item made."""
    return {
        "invoice_item_details": {
            "invoice_item": invoice_item,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": None,
        },
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }


def pricing(price_id: str, product: str, unit_amount: int) -> Payload:
    return {
        "price_details": {"price": price_id, "product": product},
        "type": "price_details",
        "unit_amount_decimal": str(unit_amount),
    }


def invoice_item(**more: object) -> Payload:
    return {
        "id": None,
        "object": "invoiceitem",
        "amount": 0,
        "currency": "usd",
        "customer": None,
        "customer_account": None,
        "date": 0,
        "description": None,
        "discountable": True,
        "discounts": [],
        "frozen_fields": [],
        "invoice": None,
        "invoicing_rules": [],
        "livemode": False,
        "metadata": {},
        "net_amount": 0,
        "parent": None,
        "period": {"end": 0, "start": 0},
        "pricing": None,
        "proration": False,
        "proration_details": None,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": None,
        **more,
    }


def invoice_payment(**more: object) -> Payload:
    return {
        "id": None,
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": 0,
        "created": 0,
        "currency": "usd",
        "invoice": None,
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": None, "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
        **more,
    }


def credit_note(**more: object) -> Payload:
    return {
        "id": None,
        "object": "credit_note",
        "amount": 0,
        "amount_shipping": 0,
        "created": 0,
        "currency": "usd",
        "customer": None,
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": None,
        "invoice": None,
        "lines": LISTED,
        "livemode": False,
        "memo": None,
        "metadata": {},
        "number": "",
        "out_of_band_amount": None,
        "pdf": "",
        "post_payment_amount": 0,
        "pre_payment_amount": 0,
        "pretax_credit_amounts": [],
        "reason": None,
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "total": 0,
        "total_excluding_tax": 0,
        "total_taxes": [],
        "type": "post_payment",
        "voided_at": None,
        **more,
    }


def credit_note_line(**more: object) -> Payload:
    return {
        "id": None,
        "object": "credit_note_line_item",
        "amount": 0,
        "description": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": None,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": 1,
        "tax_rates": [],
        "taxes": [],
        "type": "invoice_line_item",
        "unit_amount": None,
        "unit_amount_decimal": None,
        **more,
    }
