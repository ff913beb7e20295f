"""Templates of money that moves: balance transactions, payouts, top-ups, transfers, fees and connected accounts."""

from catchment.imitations.stripe.templates import LISTED, Payload, address, nulls


def balance_transaction(**more: object) -> Payload:
    return {
        "id": None,
        "object": "balance_transaction",
        "amount": 0,
        "available_on": 0,
        "balance_type": "payments",
        "created": 0,
        "currency": "usd",
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": 0,
        "reporting_category": "charge",
        "source": None,
        "status": "available",
        "type": "charge",
        **more,
    }


def fee_detail(amount: int, currency: str) -> Payload:
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }


def payout(**more: object) -> Payload:
    return {
        "id": None,
        "object": "payout",
        "amount": 0,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": 0,
        "automatic": True,
        "balance_transaction": None,
        "created": 0,
        "currency": "usd",
        "description": "STRIPE PAYOUT",
        "destination": None,
        **nulls("failure_balance_transaction failure_code failure_message"),
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
        **more,
    }


def topup(**more: object) -> Payload:
    return {
        "id": None,
        "object": "topup",
        "amount": 0,
        "balance_transaction": None,
        "created": 0,
        "currency": "usd",
        "description": None,
        "expected_availability_date": None,
        "failure_code": None,
        "failure_message": None,
        "initiated_by": "user",
        "livemode": False,
        "metadata": {},
        "payment_method": None,
        "payment_method_options": None,
        "source": None,
        "statement_descriptor": None,
        "status": "pending",
        "transfer_group": None,
        **more,
    }


def transfer(**more: object) -> Payload:
    return {
        "id": None,
        "object": "transfer",
        "amount": 0,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": 0,
        "currency": "usd",
        "description": None,
        "destination": None,
        "destination_payment": None,
        "livemode": False,
        "metadata": {},
        "reversals": LISTED,
        "reversed": False,
        "source_transaction": None,
        "source_type": "card",
        "transfer_group": None,
        **more,
    }


def transfer_reversal(**more: object) -> Payload:
    return {
        "id": None,
        "object": "transfer_reversal",
        "amount": 0,
        "balance_transaction": None,
        "created": 0,
        "currency": "usd",
        "destination_payment_refund": None,
        "metadata": {},
        "source_refund": None,
        "transfer": None,
        **more,
    }


def application_fee(**more: object) -> Payload:
    return {
        "id": None,
        "object": "application_fee",
        "account": None,
        "amount": 0,
        "amount_refunded": 0,
        "application": None,
        "balance_transaction": None,
        "charge": None,
        "created": 0,
        "currency": "usd",
        "fee_source": None,
        "livemode": False,
        "originating_transaction": None,
        "refunded": False,
        "refunds": LISTED,
        **more,
    }


def fee_refund(**more: object) -> Payload:
    return {
        "id": None,
        "object": "fee_refund",
        "amount": 0,
        "balance_transaction": None,
        "created": 0,
        "currency": "usd",
        "fee": None,
        "metadata": {},
        **more,
    }


def _requirements() -> Payload:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }


def account(**more: object) -> Payload:
    return {
        "id": None,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": "5734",
            "minority_owned_business_designation": None,
            "monthly_estimated_revenue": None,
            "name": None,
            "product_description": None,
            "support_address": address(),
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "company": None,
        "controller": {
            "fees": {"payer": "application"},
            "is_controller": True,
            "losses": {"payments": "application"},
            "requirement_collection": "stripe",
            "stripe_dashboard": {"type": "express"},
            "type": "application",
        },
        "country": "US",
        "created": 0,
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "external_accounts": LISTED,
        "future_requirements": _requirements(),
        "groups": {"payments_pricing": None},
        "individual": None,
        "metadata": {},
        "payouts_enabled": True,
        "requirements": _requirements(),
        "settings": {
            "bacs_debit_payments": {"display_name": None, "service_user_number": None},
            "branding": nulls("icon logo primary_color secondary_color"),
            "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": False},
                **nulls(
                    "statement_descriptor_prefix statement_descriptor_prefix_kana statement_descriptor_prefix_kanji"
                ),
            },
            "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
            "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
            "payments": nulls("statement_descriptor statement_descriptor_kana statement_descriptor_kanji"),
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": "daily"},
                "statement_descriptor": None,
            },
            "sepa_debit_payments": {},
        },
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "express",
        **more,
    }
