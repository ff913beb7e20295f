"""Stripe's tables as documented, for the API version 2026-10-28.endive; typed apart from the connector.

A word of a column list is a column of the field's own name, ``column=path.to.value`` one filled from elsewhere.
What the pinned version moved is read at its new place; what it dropped (a charge's invoice; an invoice's charge, paid,
tax and application fee; a transfer's bank account; a product's attributes, caption and deactivate_on) is no column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from catchment.testing.expected import Owner, Thing
from catchment.testing.rules import Child, Path, Rules, Table


def _words(text: str) -> list[str]:
    return text.split()


DAY = 86_400
TIMES = frozenset(
    _words(
        "arrival_date automatically_finalizes_at available_on billed_until billing_cycle_anchor cancel_at canceled_at "
        "completed_at created current_period_end current_period_start date due_by due_date effective_at end ended_at "
        "expected_availability_date expires_at next_payment_attempt next_pending_invoice_item_invoice period_end "
        "period_start redeem_by released_at start start_date trial_end trial_start updated voided_at "
        "webhooks_delivered_at"
    )
)
REFERENCES = frozenset({"account_tax_ids", "discounts"})  # lists of ids, or of the objects when expanded
ADDRESS = "city country line1 line2 postal_code state"


def _paths(words: str) -> dict[str, Path]:
    pairs = (word.partition("=") for word in words.split())
    return {
        name: tuple(int(part) if part.isdigit() else part for part in (path or name).split("."))
        for name, _, path in pairs
    }


def _under(path: str, words: str, column: str = "") -> str:
    """Columns of one nested object: ``parent_child`` and where they are."""
    stem = column or path.replace(".", "_")
    return " ".join(f"{stem}_{word}={path}.{word}" for word in words.split()) + " "


def _table(
    name: str,
    kind: str,
    columns: str = "",
    *,
    flat: str = "",
    may: str = "",
    hidden: str = "",
    children: Iterable[Child] = (),
    **more: Any,
) -> Table:
    required, allowed = _paths(columns), _paths(may)
    flattened = frozenset(tuple(path.split(".")) for path in flat.split())
    deep = {str(path[0]) for path in (*required.values(), *allowed.values()) if len(path) > 1}
    return Table(
        name,
        kind,
        required,
        allowed,
        flattened,
        frozenset(deep - {str(path[0]) for path in flattened}),
        frozenset({"deleted", *hidden.split()}),
        tuple(children),
        TIMES,
        REFERENCES,
        **more,
    )


def _only(table: str) -> Mapping[str, str]:
    return {"": table}


_SOURCES = {"card": "cards", "bank_account": "bank_accounts"}

_PAYMENTS = (
    _table(
        "charges",
        "charge",
        "amount amount_refunded application_fee balance_transaction_id=balance_transaction captured currency "
        "customer_id=customer description failure_code failure_message metadata paid payment_intent_id=payment_intent "
        "payment_method_id=payment_method receipt_email receipt_number refunded statement_descriptor status created "
        + _under("fraud_details", "stripe_report user_report")
        + _under("shipping.address", ADDRESS)
        + _under("shipping", "carrier name phone tracking_number"),
        flat="fraud_details shipping shipping.address",
        may="destination=transfer_data.destination",
        hidden="refunds",
    ),
    _table(
        "refunds",
        "refund",
        "amount balance_transaction_id=balance_transaction charge_id=charge currency metadata reason receipt_number",
    ),
    _table(
        "disputes",
        "dispute",
        "amount charge_id=charge created currency is_charge_refundable metadata reason status "
        + _under("evidence", "access_activity_log")
        + _under("evidence_details", "due_by"),
        flat="evidence evidence_details",
    ),
    _table(
        "payment_intents",
        "payment_intent",
        "amount amount_capturable amount_received application_fee_amount application_id=application canceled_at "
        "cancellation_reason capture_method confirmation_method created currency customer_id=customer description "
        "livemode metadata on_behalf_of payment_method_id=payment_method receipt_email review_id=review "
        "statement_descriptor status transfer_group " + _under("transfer_data", "amount destination"),
        flat="transfer_data",
    ),
    _table(
        "payment_methods",
        "payment_method",
        "card_networks_available=card.networks.available created customer_id=customer livemode metadata type "
        + _under("billing_details.address", ADDRESS)
        + _under("billing_details", "email name phone"),
        flat="billing_details billing_details.address",
    ),
    _table("setup_intents", "setup_intent"),
    _table("reviews", "review"),
    _table("early_fraud_warnings", "radar.early_fraud_warning"),
)

_BALANCE = (
    _table(
        "balance_transactions",
        "balance_transaction",
        "amount available=available_on created currency description fee net source status type",
        children=[
            Child("fee_details", _only("balance_transaction_fee_details"), "balance_transaction_id", numbered=True)
        ],
    ),
    _table(
        "balance_transaction_fee_details", "", "amount application balance_transaction_id currency description type"
    ),
    _table("payouts", "payout"),
    _table("topups", "topup"),
    _table(
        "transfers",
        "transfer",
        "amount amount_reversed balance_transaction_id=balance_transaction created currency description "
        "destination_id=destination destination_payment metadata reversed source_transaction",
        children=[Child("reversals", _only("transfer_reversals"), "transfer_id")],
    ),
    _table(
        "transfer_reversals",
        "transfer_reversal",
        "amount balance_transaction_id=balance_transaction created currency metadata transfer_id=transfer",
    ),
    _table(
        "application_fees",
        "application_fee",
        "account_id=account amount amount_refunded application_id=application "
        "balance_transaction_id=balance_transaction charge_id=charge created currency originating_transaction refunded",
        children=[Child("refunds", _only("application_fee_refunds"), "fee_id")],
    ),
    _table("application_fee_refunds", "fee_refund", "amount created currency fee_id=fee metadata"),
)

_CUSTOMERS = (
    _table(
        "customers",
        "customer",
        "balance currency default_source delinquent description email metadata created",
        announced=True,
        hidden="subscriptions",
        children=[
            Child("sources", _SOURCES, "customer"),
            Child("tax_ids", _only("customer_tax_ids"), "customer"),
            Child("discount", _only("discounts"), "customer_id"),
            Child("balance_transactions", _only("customer_balance_transactions"), "customer"),
        ],
    ),
    _table(
        "bank_accounts",
        "bank_account",
        "bank_name country currency default_for_currency metadata status",
    ),
    _table(
        "cards",
        "card",
        "address_city address_country address_line1 address_line1_check address_line2 address_state address_zip "
        "address_zip_check brand country cvc_check dynamic_last4 exp_month exp_year fingerprint funding last4 metadata "
        "name tokenization_method",
    ),
    _table("customer_tax_ids", "tax_id"),
    _table("customer_balance_transactions", "customer_balance_transaction", default=False),
    _table("discounts", "discount", "coupon_id=source.coupon customer_id=customer end start subscription"),
    _table(
        "accounts",
        "account",
        "business_logo=settings.branding.logo business_name=business_profile.name business_url=business_profile.url "
        "charges_enabled country debit_negative_balances=settings.payouts.debit_negative_balances default_currency "
        "details_submitted display_name=settings.dashboard.display_name email metadata "
        "product_description=business_profile.product_description "
        "statement_descriptor=settings.payments.statement_descriptor support_email=business_profile.support_email "
        "support_phone=business_profile.support_phone support_url=business_profile.support_url "
        "timezone=settings.dashboard.timezone type "
        + _under("business_profile.support_address", ADDRESS, "support_address"),
        may="transfers_enabled=payouts_enabled",
        children=[Child("external_accounts", _SOURCES, "account")],
    ),
)

_CATALOGUE = (
    _table(
        "coupons",
        "coupon",
        "amount_off currency duration duration_in_months max_redemptions metadata percent_off times_redeemed valid",
        announced=True,
    ),
    _table("promotion_codes", "promotion_code"),
    _table(
        "products",
        "product",
        "active description images livemode metadata name shippable url "
        + _under("package_dimensions", "height length weight width"),
        flat="package_dimensions",
        announced=True,
    ),
    _table(
        "plans", "plan", "amount currency interval interval_count metadata product trial_period_days", announced=True
    ),
    _table("prices", "price", announced=True),
    _table(
        "tax_rates",
        "tax_rate",
        "active country description display_name inclusive jurisdiction percentage state tax_type",
    ),
)

_BILLING = (
    _table(
        "invoices",
        "invoice",
        "amount_due attempt_count attempted auto_advance billing_reason created currency customer_id=customer "
        "description due_date ending_balance metadata period_end period_start receipt_number starting_balance "
        "statement_descriptor status subscription_id=parent.subscription_details.subscription subtotal total",
        announced=True,
        hidden="payments",
        children=[Child("lines", _only("invoice_lines"), "invoice_id")],
    ),
    _table(
        "invoice_lines",
        "line_item",
        "amount currency description discountable invoice_id=invoice "
        "item_id=parent.invoice_item_details.invoice_item period_end=period.end period_start=period.start "
        "plan_id=pricing.price_details.price quantity",
        flat="period",
        may="subscription_id=subscription type=parent.type proration=parent.subscription_item_details.proration",
    ),
    _table(
        "invoice_items",
        "invoiceitem",
        "amount currency customer_id=customer date description discountable invoice_id=invoice metadata "
        "period_end=period.end period_start=period.start proration quantity "
        "subscription_id=parent.subscription_details.subscription",
        flat="period",
        announced=True,
    ),
    _table("invoice_payments", "invoice_payment"),
    _table(
        "credit_notes",
        "credit_note",
        children=[Child("lines", _only("credit_note_lines"), "credit_note_id")],
    ),
    _table("credit_note_lines", "credit_note_line_item"),
    _table(
        "subscriptions",
        "subscription",
        "application_fee_percent cancel_at_period_end canceled_at collection_method created "
        "current_period_end=items.data.0.current_period_end current_period_start=items.data.0.current_period_start "
        "customer_id=customer discount_id=discounts.0 ended_at plan_id=items.data.0.plan.id "
        "quantity=items.data.0.quantity start_date status trial_end trial_start",
        mortal=False,  # customer.subscription.deleted says that it ended
        children=[
            Child("items", _only("subscription_items"), "subscription_id"),
            Child("discounts", _only("discounts"), "subscription", ids=True),
        ],
    ),
    _table(
        "subscription_items",
        "subscription_item",
        "created metadata plan_id=plan.id quantity subscription_id=subscription tax_rates",
    ),
    _table("subscription_schedules", "subscription_schedule"),
    _table("quotes", "quote", hidden="line_items"),
)

_CHECKOUT = (
    _table(
        "checkout_sessions",
        "checkout.session",
        children=[Child("line_items", _only("checkout_session_line_items"), "checkout_session_id")],
    ),
    _table("checkout_session_line_items", ""),
    _table("payment_links", "payment_link", hidden="line_items"),
)

STRIPE = Rules(
    (
        *_PAYMENTS,
        *_BALANCE,
        *_CUSTOMERS,
        *_CATALOGUE,
        *_BILLING,
        *_CHECKOUT,
        _table("events", "event", "created type data", mortal=False, keeps=30 * DAY),
    ),
    snapshots=("event", ("data", "object")),
)


class _Gone(Protocol):
    """An object that the imitation deleted, as it was last."""

    @property
    def object(self) -> Mapping[str, Any]: ...

    @property
    def deleted_at(self) -> float: ...

    @property
    def parent(self) -> Owner | None: ...


class _Account(Protocol):
    """The part of the imitation's account that is read here."""

    @property
    def deleted(self) -> Mapping[tuple[str, str], _Gone]: ...

    def walk(self) -> Iterator[tuple[str, Mapping[str, Any], Owner | None]]: ...


def things(account: _Account) -> Iterator[Thing]:
    """All raw objects of an imitated account, living and deleted."""
    for object_type, seen, owner in account.walk():
        yield Thing(object_type, seen, None, owner)
    for (object_type, _), gone in account.deleted.items():
        yield Thing(object_type, gone.object, gone.deleted_at, gone.parent)
