"""Templates of payments: charges, intents, refunds, disputes, payment methods, and what Radar says of them."""

from catchment.imitations.stripe.templates import Payload, address, nulls


def card_details(
    brand: str, country: str, exp_month: int, exp_year: int, fingerprint: str, funding: str, last4: str, amount: int
) -> Payload:
    """`payment_method_details` of a card charge."""
    unavailable = {"status": "unavailable"}
    return {
        "card": {
            "amount_authorized": amount,
            "authorization_code": None,
            "brand": brand,
            "checks": {"address_line1_check": "pass", "address_postal_code_check": "pass", "cvc_check": None},
            "country": country,
            "exp_month": exp_month,
            "exp_year": exp_year,
            "extended_authorization": {"status": "disabled"},
            "fingerprint": fingerprint,
            "funding": funding,
            "incremental_authorization": unavailable,
            "installments": None,
            "last4": last4,
            "mandate": None,
            "multicapture": unavailable,
            "network": brand,
            "network_token": {"used": False},
            "network_transaction_id": "104557651805572",
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "transaction_link_id": None,
            "wallet": None,
        },
        "type": "card",
    }


def billing(name: str | None, email: str | None, phone: str | None, place: Payload) -> Payload:
    return {"address": place, "email": email, "name": name, "phone": phone, "tax_id": None}


def outcome(risk_score: int, **more: object) -> Payload:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": risk_score,
        "seller_message": "Payment complete.",
        "type": "authorized",
        **more,
    }


def charge(**more: object) -> Payload:
    return {
        "id": None,
        "object": "charge",
        "amount": 0,
        "amount_captured": 0,
        "amount_refunded": 0,
        **nulls("application application_fee application_fee_amount authorization_code balance_transaction"),
        "billing_details": billing(None, None, None, address()),
        "calculated_statement_descriptor": None,
        "captured": True,
        "created": 0,
        "currency": "usd",
        "customer": None,
        "description": None,
        "disputed": False,
        **nulls("failure_balance_transaction failure_code failure_message"),
        "fraud_details": {},
        "level3": None,
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": None,
        "presentment_details": None,
        "radar_options": {},
        **nulls("receipt_email receipt_number receipt_url"),
        "refunded": False,
        **nulls("review shipping source source_transfer statement_descriptor statement_descriptor_suffix"),
        "status": "succeeded",
        **nulls("transfer transfer_data transfer_group"),
        **more,
    }


def payment_intent(**more: object) -> Payload:
    return {
        "id": None,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": 0,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": 0,
        "currency": "usd",
        **nulls(
            "customer customer_account description excluded_payment_method_types hooks last_payment_error latest_charge"
        ),
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_details": {"customer_reference": None, "order_reference": None},
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            },
            "link": {"persistent_token": None},
        },
        "payment_method_types": ["card", "link"],
        "payment_record": None,
        "presentment_details": None,
        **nulls(
            "processing receipt_email review setup_future_usage shipping source statement_descriptor "
            "statement_descriptor_suffix"
        ),
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
        **more,
    }


def setup_intent(**more: object) -> Payload:
    return {
        "id": None,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "attach_to_self": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "cancellation_reason": None,
        "client_secret": None,
        "created": 0,
        **nulls(
            "customer customer_account description excluded_payment_method_types flow_directions last_setup_error "
            "latest_attempt"
        ),
        "livemode": False,
        "managed_payments": {"enabled": False},
        "mandate": None,
        "metadata": {},
        **nulls("next_action on_behalf_of payment_method payment_method_configuration_details"),
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "succeeded",
        "usage": "off_session",
        **more,
    }


def refund(**more: object) -> Payload:
    return {
        "id": None,
        "object": "refund",
        "amount": 0,
        "balance_transaction": None,
        "charge": None,
        "created": 0,
        "currency": "usd",
        **nulls("customer customer_account description"),
        "destination_details": {
            "card": {
                "reference": None,
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        **nulls("failure_balance_transaction failure_reason instructions_email"),
        "metadata": {},
        **nulls(
            "next_action payment_intent payment_method pending_reason presentment_details reason receipt_number "
            "source_transfer_reversal"
        ),
        "status": "succeeded",
        "transfer_reversal": None,
        **more,
    }


def dispute(**more: object) -> Payload:
    return {
        "id": None,
        "object": "dispute",
        "amount": 0,
        "balance_transactions": [],
        "charge": None,
        "created": 0,
        "currency": "usd",
        "enhanced_eligibility_types": [],
        "evidence": {
            **nulls(
                "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
                "cancellation_rebuttal customer_communication customer_email_address customer_name "
                "customer_purchase_ip "
                "customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id"
            ),
            "enhanced_evidence": {},
            **nulls(
                "product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation "
                "service_date "
                "service_documentation shipping_address shipping_carrier shipping_date shipping_documentation "
                "shipping_tracking_number uncategorized_file uncategorized_text"
            ),
        },
        "evidence_details": {
            "due_by": None,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "4837",
        "payment_intent": None,
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4"},
            "type": "card",
        },
        "reason": "fraudulent",
        "status": "needs_response",
        **more,
    }


def payment_method(**more: object) -> Payload:
    """`card` or another hash named like `type` is passed in `more`."""
    return {
        "id": None,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing(None, None, None, address()),
        "created": 0,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "radar_options": {},
        "type": "card",
        **more,
    }


def method_card(
    brand: str, country: str, exp_month: int, exp_year: int, fingerprint: str, funding: str, last4: str
) -> Payload:
    """The `card` hash of a payment method."""
    return {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"},
        "country": country,
        "display_brand": brand,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": fingerprint,
        "funding": funding,
        "generated_from": None,
        "last4": last4,
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def card(**more: object) -> Payload:
    """A card kept as a source of a customer."""
    return {
        "id": None,
        "object": "card",
        "account": None,
        **nulls(
            "address_city address_country address_line1 address_line1_check address_line2 address_state address_zip "
            "address_zip_check"
        ),
        "allow_redisplay": "unspecified",
        "available_payout_methods": None,
        "brand": "Visa",
        "country": "US",
        "currency": None,
        "customer": None,
        "cvc_check": "pass",
        "default_for_currency": None,
        "dynamic_last4": None,
        "exp_month": 1,
        "exp_year": 2030,
        "fingerprint": None,
        "funding": "credit",
        "last4": "4242",
        "metadata": {},
        "name": None,
        "networks": {"preferred": None},
        "regulated_status": "unregulated",
        "status": None,
        "tokenization_method": None,
        **more,
    }


def bank_account(**more: object) -> Payload:
    return {
        "id": None,
        "object": "bank_account",
        "account": None,
        "account_holder_name": None,
        "account_holder_type": "individual",
        "account_type": None,
        "available_payout_methods": None,
        "bank_name": "STRIPE TEST BANK",
        "country": "US",
        "currency": "usd",
        "customer": None,
        "default_for_currency": None,
        "fingerprint": None,
        "future_requirements": None,
        "last4": "6789",
        "metadata": {},
        "requirements": None,
        "routing_number": "110000000",
        "status": "new",
        **more,
    }


def review(**more: object) -> Payload:
    return {
        "id": None,
        "object": "review",
        "billing_zip": None,
        "charge": None,
        "closed_reason": None,
        "created": 0,
        "ip_address": "203.0.113.7",
        "ip_address_location": {
            "city": None,
            "country": "US",
            "latitude": 37.7749,
            "longitude": -122.4194,
            "region": "CA",
        },
        "livemode": False,
        "open": True,
        "opened_reason": "rule",
        "payment_intent": None,
        "reason": "rule",
        "session": {"browser": "Chrome", "device": "Other", "platform": "Mac OS X", "version": "131.0"},
        **more,
    }


def early_fraud_warning(**more: object) -> Payload:
    return {
        "id": None,
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": None,
        "created": 0,
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": None,
        **more,
    }
