"""Stripe, declared: its lists, its event feed, its limits and what its answers mean.

Sources of the facts: the vendor's API reference at the pinned version, its rate-limit and versioning pages, and
recorded answers. `quirks.md` tells what of it matters to a reader of the tables.
"""

from __future__ import annotations

from functools import partial

from connectors.stripe.access import access
from connectors.stripe.answers import JUDGE
from connectors.stripe.collections import COLLECTIONS
from connectors.stripe.guide import GUIDE
from connectors.stripe.versions import PINNED, same_shape
from framework.changes import Changes
from framework.connector import Connector, Identity
from framework.feed import DAY
from framework.listing import Listing

_BY_NAME = {collection.name: collection for collection in COLLECTIONS}


def _list(name: str, path: str, **more: object) -> Listing:
    return Listing(_BY_NAME[name], f"/v1/{path}", **more)  # type: ignore[arg-type]


_silent = partial(_list, silent=True)  # some of its changes make no event

LISTINGS = (
    _list("customers", "customers"),
    _silent("payment_methods", "payment_methods", filter=""),
    _list("charges", "charges"),
    _silent("payment_intents", "payment_intents"),
    _silent("setup_intents", "setup_intents"),
    _list("refunds", "refunds"),
    _list("disputes", "disputes"),
    _list("early_fraud_warnings", "radar/early_fraud_warnings"),
    _list("reviews", "reviews"),
    _list("balance_transactions", "balance_transactions", keep="tail", unsettled=("status", "pending")),
    _list("payouts", "payouts"),
    _silent("topups", "topups"),
    _list("products", "products"),
    _list("prices", "prices"),
    _list("plans", "plans"),
    _list("coupons", "coupons"),
    _list("promotion_codes", "promotion_codes"),
    _list("tax_rates", "tax_rates"),
    _list("subscriptions", "subscriptions", params=(("status", "all"),)),
    _list("subscription_schedules", "subscription_schedules"),
    _list("invoices", "invoices"),
    _silent("invoice_items", "invoiceitems", created="date"),
    _silent("invoice_payments", "invoice_payments"),
    _list("credit_notes", "credit_notes"),
    _silent("checkout_sessions", "checkout/sessions"),
    _list("payment_links", "payment_links", filter=""),
    _silent("quotes", "quotes", filter=""),
    _list("accounts", "accounts", keep="relist", cadence=DAY),
    _list("application_fees", "application_fees"),
    _list("transfers", "transfers"),
)

# What an event may fill: everything with an object type, but for the two whose changes make no event at all.
ANNOUNCED = tuple(c for c in COLLECTIONS if c.object and c.name not in ("events", "accounts", "balance_transactions"))

connector = Connector(
    name="stripe",
    base_url="https://api.stripe.com",
    access=access,
    collections=COLLECTIONS,
    feeds=(
        *LISTINGS,
        Changes(
            _BY_NAME["events"],
            "/v1/events",
            ANNOUNCED,
            same_shape,
            # Named like deletions, but the object lives on: a canceled subscription.
            ends=frozenset({"customer.subscription.deleted"}),
        ),
    ),
    judge=JUDGE,
    identity=Identity("/v1/account", account="id", born="created"),
    headers={"Stripe-Version": PINNED},
    version=PINNED,
    docs="https://docs.stripe.com/api",
    guide=GUIDE,
    permission_hint="Give the restricted key that permission (Dashboard, Developers, API keys), then sync again.",
)
