"""What each kind of object is in the vendor's API: its paths, filters, child lists and expandable fields."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NO_FILTERS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Child:
    """A list under a parent object. `embedded`: shown in the parent; otherwise only by expand or by its URL."""

    field: str
    url: str
    embedded: bool = False
    expandable: bool = True
    created: bool = False
    filters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    objects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Derived:
    """A list that a parent can be expanded by, whose rows are objects of a top-level list."""

    field: str
    object: str
    link: str
    url: str
    live_only: bool = False


@dataclass(frozen=True)
class Resource:
    """One kind of object. `filters` maps each accepted list parameter to the path of the field it compares."""

    object: str
    path: str
    noun: str
    created: bool = True
    filters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ranges: Mapping[str, str] = dataclasses.field(default_factory=dict)
    required: tuple[str, ...] = ()
    children: tuple[Child, ...] = ()
    derived: tuple[Derived, ...] = ()
    expandable: tuple[str, ...] = ()
    leaves_stub: bool = False
    permission: str = ""
    stamp: str = "created"

    @property
    def right(self) -> str:
        """The permission of restricted keys that reading this resource takes."""
        return self.permission or f"rak_{self.object.replace('.', '_')}_read"


def _same(names: str) -> dict[str, str]:
    return {name: name for name in names.split()}


def _resource(
    object_type: str,
    path: str,
    noun: str = "",
    *,
    expand: str = "",
    filters: Mapping[str, str] = NO_FILTERS,
    same: str = "",
    **more: Any,
) -> Resource:
    return Resource(
        object=object_type,
        path=path,
        noun=noun or object_type.replace("_", " "),
        filters={**_same(same), **filters},
        expandable=tuple(expand.split()),
        **more,
    )


_LIABILITY = "automatic_tax.liability.account"
_SUBSCRIPTIONS = Derived(
    "subscriptions", "subscription", "customer", "/v1/customers/{id}/subscriptions", live_only=True
)

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "account",
        "accounts",
        "account",
        children=(
            Child(
                "external_accounts",
                "/v1/accounts/{id}/external_accounts",
                embedded=True,
                filters=_same("object"),
                objects=("bank_account", "card"),
            ),
        ),
    ),
    _resource(
        "application_fee",
        "application_fees",
        same="charge",
        children=(Child("refunds", "/v1/application_fees/{id}/refunds", embedded=True, objects=("fee_refund",)),),
        expand="account application balance_transaction charge originating_transaction",
    ),
    _resource(
        "balance_transaction",
        "balance_transactions",
        same="currency payout source type",
        expand="source",
        permission="rak_balance_transaction_source_read",
    ),
    _resource(
        "charge",
        "charges",
        same="customer payment_intent transfer_group",
        derived=(Derived("refunds", "refund", "charge", "/v1/charges/{id}/refunds"),),
        expand="application application_fee balance_transaction customer failure_balance_transaction on_behalf_of "
        "outcome.rule payment_intent review source_transfer transfer transfer_data.destination",
    ),
    _resource(
        "checkout.session",
        "checkout/sessions",
        "checkout.session",
        same="customer customer_account payment_intent payment_link status subscription",
        filters={"customer_details[email]": "customer_details.email"},
        children=(Child("line_items", "/v1/checkout/sessions/{id}/line_items", objects=("item",)),),
        expand="automatic_tax.liability.account customer discounts.coupon discounts.promotion_code invoice "
        "payment_intent payment_link setup_intent shipping_cost.shipping_rate subscription",
    ),
    _resource("coupon", "coupons", leaves_stub=True),
    _resource(
        "credit_note",
        "credit_notes",
        same="customer customer_account invoice",
        children=(Child("lines", "/v1/credit_notes/{id}/lines", embedded=True, objects=("credit_note_line_item",)),),
        expand="customer customer_balance_transaction discount_amounts.discount invoice "
        "pretax_credit_amounts.discount refunds.refund shipping_cost.shipping_rate",
    ),
    _resource(
        "customer",
        "customers",
        same="email test_clock",
        leaves_stub=True,
        children=(
            Child("sources", "/v1/customers/{id}/sources", filters=_same("object"), objects=("card", "bank_account")),
            Child("tax_ids", "/v1/customers/{id}/tax_ids", objects=("tax_id",)),
            Child(
                "balance_transactions",
                "/v1/customers/{id}/balance_transactions",
                expandable=False,
                created=True,
                filters=_same("invoice"),
                objects=("customer_balance_transaction",),
            ),
        ),
        derived=(_SUBSCRIPTIONS,),
        expand="default_source discount.source.coupon discount.promotion_code "
        "invoice_settings.default_payment_method test_clock",
    ),
    _resource("dispute", "disputes", same="charge payment_intent", expand="charge payment_intent"),
    _resource("event", "events", same="type delivery_success"),
    _resource(
        "invoice_payment",
        "invoice_payments",
        same="invoice status",
        filters={
            "payment[type]": "payment.type",
            "payment[payment_intent]": "payment.payment_intent",
            "payment[payment_record]": "payment.payment_record",
        },
        expand="invoice payment.charge payment.payment_intent payment.payment_record",
        permission="rak_invoice_read",
    ),
    _resource(
        "invoiceitem",
        "invoiceitems",
        "invoiceitem",
        stamp="date",
        same="customer customer_account invoice pending",
        expand="customer discounts invoice pricing.price_details.price test_clock",
        permission="rak_invoice_read",
    ),
    _resource(
        "invoice",
        "invoices",
        same="collection_method customer customer_account status",
        filters={"subscription": "parent.subscription_details.subscription"},
        ranges={"due_date": "due_date"},
        children=(Child("lines", "/v1/invoices/{id}/lines", embedded=True, objects=("line_item",)),),
        derived=(Derived("payments", "invoice_payment", "invoice", "/v1/invoice_payments?invoice={id}"),),
        expand="account_tax_ids application customer default_payment_method default_source discounts "
        "from_invoice.invoice issuer.account latest_revision on_behalf_of "
        "parent.subscription_details.subscription shipping_cost.shipping_rate test_clock "
        f"total_discount_amounts.discount total_pretax_credit_amounts.discount {_LIABILITY}",
    ),
    _resource(
        "payment_intent",
        "payment_intents",
        same="customer customer_account",
        expand="application customer latest_charge on_behalf_of payment_method payment_record review source "
        "transfer_data.destination",
    ),
    _resource(
        "payment_link",
        "payment_links",
        created=False,
        same="active",
        children=(Child("line_items", "/v1/payment_links/{id}/line_items", objects=("item",)),),
        expand=f"application on_behalf_of transfer_data.destination {_LIABILITY}",
    ),
    _resource(
        "payment_method",
        "payment_methods",
        "PaymentMethod",
        created=False,
        same="allow_redisplay customer customer_account type",
        expand="customer card.generated_from.setup_attempt sepa_debit.generated_from.charge",
    ),
    _resource(
        "payout",
        "payouts",
        same="destination status",
        ranges=_same("arrival_date"),
        expand="application_fee balance_transaction destination failure_balance_transaction original_payout "
        "reversed_by",
    ),
    _resource("plan", "plans", same="active product", expand="product tiers", leaves_stub=True),
    _resource(
        "price",
        "prices",
        same="active currency product type",
        filters={
            "lookup_keys": "lookup_key",
            "recurring[interval]": "recurring.interval",
            "recurring[usage_type]": "recurring.usage_type",
            "recurring[meter]": "recurring.meter",
        },
        expand="product tiers currency_options",
        leaves_stub=True,
        permission="rak_plan_read",
    ),
    _resource(
        "product",
        "products",
        same="active shippable type url",
        filters={"ids": "id"},
        expand="default_price tax_code",
        leaves_stub=True,
    ),
    _resource(
        "promotion_code",
        "promotion_codes",
        same="active code customer customer_account",
        filters={"coupon": "promotion.coupon"},
        expand="customer promotion.coupon",
        permission="rak_coupon_read",
    ),
    _resource(
        "quote",
        "quotes",
        created=False,
        same="customer customer_account status test_clock",
        children=(Child("line_items", "/v1/quotes/{id}/line_items", objects=("item",)),),
        expand="application customer default_tax_rates discounts from_quote.quote invoice on_behalf_of subscription "
        f"subscription_schedule test_clock transfer_data.destination {_LIABILITY}",
    ),
    _resource(
        "radar.early_fraud_warning",
        "radar/early_fraud_warnings",
        "early fraud warning",
        same="charge payment_intent",
        expand="charge payment_intent",
        permission="rak_charge_read",
    ),
    _resource(
        "refund",
        "refunds",
        same="charge payment_intent",
        expand="balance_transaction charge customer failure_balance_transaction payment_intent payment_method "
        "source_transfer_reversal transfer_reversal",
        permission="rak_charge_read",
    ),
    _resource("review", "reviews", expand="charge payment_intent"),
    _resource(
        "setup_intent",
        "setup_intents",
        same="attach_to_self customer customer_account payment_method",
        expand="application customer latest_attempt mandate on_behalf_of payment_method single_use_mandate",
    ),
    _resource(
        "subscription_schedule",
        "subscription_schedules",
        same="customer customer_account scheduled",
        ranges=_same("canceled_at completed_at released_at"),
        expand="application customer default_settings.default_payment_method phases.items.price phases.items.plan "
        "phases.discounts.coupon subscription test_clock",
    ),
    _resource(
        "subscription",
        "subscriptions",
        same="collection_method customer customer_account status test_clock",
        filters={"price": "items.price.id", "plan": "items.plan.id", "automatic_tax[enabled]": "automatic_tax.enabled"},
        ranges={"current_period_start": "items.current_period_start", "current_period_end": "items.current_period_end"},
        children=(
            Child("items", "/v1/subscription_items?subscription={id}", embedded=True, objects=("subscription_item",)),
        ),
        expand="application cancellation_details.feedback_option customer default_payment_method default_source "
        "discounts latest_invoice on_behalf_of pending_setup_intent schedule test_clock "
        f"transfer_data.destination {_LIABILITY}",
    ),
    _resource("tax_rate", "tax_rates", same="active inclusive"),
    _resource("topup", "topups", same="status", ranges=_same("amount"), expand="balance_transaction payment_method"),
    _resource(
        "transfer",
        "transfers",
        same="destination transfer_group",
        children=(Child("reversals", "/v1/transfers/{id}/reversals", embedded=True, objects=("transfer_reversal",)),),
        expand="balance_transaction destination destination_payment source_transaction",
    ),
)

# Objects that no top-level list shows: they live in a parent's list, or (discounts) only inside other objects.
PARTS: tuple[Resource, ...] = (
    _resource("bank_account", "", "source", expand="account customer"),
    _resource("card", "", "source", expand="account customer"),
    _resource("credit_note_line_item", "", expand="discount_amounts.discount"),
    _resource("customer_balance_transaction", "", expand="checkout_session credit_note customer invoice"),
    _resource("discount", "", expand="customer promotion_code source.coupon", leaves_stub=True, stamp="start"),
    _resource("fee_refund", "", "fee refund", expand="balance_transaction fee"),
    _resource("item", "", "line item", expand="price.product discounts.discount"),
    _resource(
        "line_item",
        "",
        "invoice line item",
        expand="discount_amounts.discount discounts pricing.price_details.price subscription",
    ),
    _resource("subscription_item", "", "subscription_item", expand="discounts price.product plan.product"),
    _resource("tax_id", "", expand="customer owner.account owner.customer"),
    _resource("transfer_reversal", "", expand="balance_transaction destination_payment_refund source_refund transfer"),
)

BY_OBJECT: Mapping[str, Resource] = {resource.object: resource for resource in RESOURCES + PARTS}
BY_PATH: Mapping[str, Resource] = {resource.path: resource for resource in RESOURCES}
LINKS: frozenset[tuple[str, str]] = frozenset(
    (derived.object, derived.link) for resource in RESOURCES for derived in resource.derived
)
