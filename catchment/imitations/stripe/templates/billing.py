"""Templates of agreements: subscriptions and their items, schedules, quotes and checkout sessions."""

from catchment.imitations.stripe.templates import LISTED, Payload, nulls

_NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None}
_CLASSIC = {"flexible": None, "type": "classic", "updated_at": None}


def _invoice_settings() -> Payload:
    return {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": {"type": "self"},
    }


def subscription(**more: object) -> Payload:
    return {
        "id": None,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": dict(_NO_TAX),
        "billing_cycle_anchor": 0,
        "billing_cycle_anchor_config": None,
        "billing_mode": dict(_CLASSIC),
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": 0,
        "currency": "usd",
        "customer": None,
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": _invoice_settings(),
        "items": LISTED,
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        **nulls("pending_invoice_item_interval pending_setup_intent pending_update presentment_details schedule"),
        "start_date": 0,
        "status": "active",
        "status_details": None,
        "test_clock": None,
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice"}},
        "trial_start": None,
        **more,
    }


def subscription_item(**more: object) -> Payload:
    return {
        "id": None,
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": 0,
        "current_period_end": 0,
        "current_period_start": 0,
        "current_trial": None,
        "discounts": [],
        "metadata": {},
        "plan": None,
        "price": None,
        "quantity": 1,
        "subscription": None,
        "tax_rates": [],
        **more,
    }


def phase(price: str, start: int, end: int, currency: str) -> Payload:
    """One phase of a subscription schedule."""
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "automatic_tax": dict(_NO_TAX),
        "billing_cycle_anchor": None,
        "billing_thresholds": None,
        "collection_method": None,
        "currency": currency,
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "end_date": end,
        "invoice_settings": {**_invoice_settings(), "days_until_due": None, "issuer": None},
        "items": [
            {
                "billing_thresholds": None,
                "discounts": [],
                "metadata": {},
                "plan": price,
                "price": price,
                "quantity": 1,
                "tax_rates": [],
            }
        ],
        "metadata": {},
        "on_behalf_of": None,
        "proration_behavior": "create_prorations",
        "start_date": start,
        "transfer_data": None,
        "trial": None,
        "trial_end": None,
    }


def subscription_schedule(**more: object) -> Payload:
    return {
        "id": None,
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": dict(_CLASSIC),
        "canceled_at": None,
        "completed_at": None,
        "created": 0,
        "current_phase": None,
        "customer": None,
        "customer_account": None,
        "default_settings": {
            "application_fee_percent": None,
            "automatic_tax": dict(_NO_TAX),
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {**_invoice_settings(), "days_until_due": None},
            "on_behalf_of": None,
            "transfer_data": None,
        },
        "end_behavior": "release",
        "livemode": False,
        "metadata": {},
        "pause_schedules": [],
        "phases": [],
        "released_at": None,
        "released_subscription": None,
        "status": "active",
        "subscription": None,
        "test_clock": None,
        **more,
    }


def _totals() -> Payload:
    return {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}


def quote(**more: object) -> Payload:
    return {
        "id": None,
        "object": "quote",
        "amount_subtotal": 0,
        "amount_total": 0,
        **nulls("application application_fee_amount application_fee_percent"),
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "collection_method": "charge_automatically",
        "computed": {
            "recurring": None,
            "upfront": {"amount_subtotal": 0, "amount_total": 0, "total_details": _totals()},
        },
        "created": 0,
        "currency": "usd",
        "customer": None,
        "customer_account": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "expires_at": 0,
        "footer": None,
        "from_quote": None,
        "header": None,
        "invoice": None,
        "invoice_settings": {
            "custom_fields": None,
            "days_until_due": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "livemode": False,
        "metadata": {},
        "number": None,
        "on_behalf_of": None,
        "status": "draft",
        "status_transitions": nulls("accepted_at canceled_at finalized_at"),
        "subscription": None,
        "subscription_data": {
            "billing_mode": {"flexible": None, "type": "classic"},
            "description": None,
            "effective_date": None,
            "metadata": None,
            "trial_period_days": None,
        },
        "subscription_schedule": None,
        "test_clock": None,
        "total_details": _totals(),
        "transfer_data": None,
        **more,
    }


def checkout_session(**more: object) -> Payload:
    return {
        "id": None,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": True},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": None,
        "amount_subtotal": 0,
        "amount_total": 0,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "branding_settings": None,
        "cancel_url": "https://example.com/cancel",
        "client_reference_id": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": 0,
        "currency": "usd",
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": nulls("after_submit shipping_address submit terms_of_service_acceptance"),
        "customer": None,
        "customer_account": None,
        "customer_creation": "if_required",
        "customer_details": None,
        "customer_email": None,
        "discounts": [],
        "excluded_payment_method_types": None,
        "expires_at": 0,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": {
            "enabled": False,
            "invoice_data": {
                **nulls("account_tax_ids custom_fields description footer issuer"),
                "metadata": {},
                "rendering_options": None,
            },
        },
        "livemode": False,
        "locale": None,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "mode": "payment",
        **nulls("name_collection optional_items origin_context payment_intent payment_link"),
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        **nulls(
            "presentment_details recovered_from redirect_on_completion return_url saved_payment_method_options "
            "setup_intent shipping_address_collection shipping_cost"
        ),
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": "https://example.com/success",
        "tax_id_collection": {"enabled": False, "required": "never"},
        "total_details": _totals(),
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": None,
        **more,
    }
