"""Templates of what is sold: products, prices, plans, coupons, promotion codes, tax rates, payment links."""

from catchment.imitations.stripe.templates import Payload, nulls


def product(**more: object) -> Payload:
    return {
        "id": None,
        "object": "product",
        "active": True,
        "created": 0,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": "",
        **nulls("package_dimensions shippable statement_descriptor tax_code tax_details"),
        "type": "service",
        "unit_label": None,
        "updated": 0,
        "url": None,
        **more,
    }


def price(**more: object) -> Payload:
    """`tiers` and `currency_options` are shown only when expanded."""
    return {
        "id": None,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": 0,
        "currency": "usd",
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": None,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": 0,
        "unit_amount_decimal": "0",
        **more,
    }


def recurring(interval: str, trial_days: int | None) -> Payload:
    return {
        "interval": interval,
        "interval_count": 1,
        "meter": None,
        "trial_period_days": trial_days,
        "usage_type": "licensed",
    }


def plan(**more: object) -> Payload:
    return {
        "id": None,
        "object": "plan",
        "active": True,
        "amount": 0,
        "amount_decimal": "0",
        "billing_scheme": "per_unit",
        "created": 0,
        "currency": "usd",
        "interval": "month",
        "interval_count": 1,
        "livemode": False,
        "metadata": {},
        **nulls("meter nickname product tiers_mode transform_usage trial_period_days"),
        "usage_type": "licensed",
        **more,
    }


def coupon(**more: object) -> Payload:
    return {
        "id": None,
        "object": "coupon",
        "amount_off": None,
        "created": 0,
        "currency": None,
        "duration": "once",
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": None,
        "percent_off": None,
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
        **more,
    }


def promotion_code(**more: object) -> Payload:
    return {
        "id": None,
        "object": "promotion_code",
        "active": True,
        "code": "",
        "created": 0,
        "customer": None,
        "customer_account": None,
        "expires_at": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "promotion": {"coupon": None, "type": "coupon"},
        "restrictions": {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None},
        "times_redeemed": 0,
        **more,
    }


def tax_rate(**more: object) -> Payload:
    return {
        "id": None,
        "object": "tax_rate",
        "active": True,
        "country": None,
        "created": 0,
        "description": None,
        "display_name": "VAT",
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": False,
        "jurisdiction": None,
        "jurisdiction_level": "country",
        "livemode": False,
        "metadata": {},
        "percentage": 0.0,
        "rate_type": "percentage",
        "state": None,
        "tax_type": "vat",
        **more,
    }


def line(**more: object) -> Payload:
    """A row of a checkout session, payment link or quote."""
    return {
        "id": None,
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": 0,
        "amount_tax": 0,
        "amount_total": 0,
        "currency": "usd",
        "description": None,
        "metadata": {},
        "price": None,
        "quantity": 1,
        **more,
    }


def payment_link(**more: object) -> Payload:
    return {
        "id": None,
        "object": "payment_link",
        "active": True,
        "after_completion": {"hosted_confirmation": {"custom_message": None}, "type": "hosted_confirmation"},
        "allow_promotion_codes": False,
        **nulls("application application_fee_amount application_fee_percent"),
        "automatic_tax": {"enabled": False, "liability": None},
        "billing_address_collection": "auto",
        "consent_collection": None,
        "currency": "usd",
        "custom_fields": [],
        "custom_text": nulls("after_submit shipping_address submit terms_of_service_acceptance"),
        "customer_creation": "if_required",
        "inactive_message": None,
        "invoice_creation": {
            "enabled": False,
            "invoice_data": {
                **nulls("account_tax_ids custom_fields description footer issuer"),
                "metadata": {},
                "rendering_options": None,
            },
        },
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        **nulls("name_collection on_behalf_of optional_items payment_intent_data"),
        "payment_method_collection": "always",
        "payment_method_options": None,
        "payment_method_types": None,
        "phone_number_collection": {"enabled": False},
        "restrictions": None,
        "shipping_address_collection": None,
        "shipping_options": [],
        "submit_type": "auto",
        "subscription_data": {
            "description": None,
            "invoice_settings": {"issuer": {"type": "self"}},
            "metadata": {},
            "trial_period_days": None,
            "trial_settings": None,
        },
        "tax_id_collection": {"enabled": False, "required": "never"},
        "transfer_data": None,
        "url": "",
        **more,
    }
