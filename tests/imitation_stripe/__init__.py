"""A client of the Stripe imitation for tests: the official SDK and a plain session, and what its lists hold."""

from collections.abc import Iterator
from typing import Any

import requests
import stripe
from stripe import checkout, radar

from catchment.imitations.stripe import Account, Server
from catchment.imitations.stripe.templates import people

NOW = 1_790_000_000
DAY = 86_400

# SDK service -> the object type that its list shows.
LISTS = {
    "accounts": "account",
    "application_fees": "application_fee",
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "checkout.sessions": "checkout.session",
    "coupons": "coupon",
    "credit_notes": "credit_note",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "invoice_items": "invoiceitem",
    "invoice_payments": "invoice_payment",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payment_links": "payment_link",
    "payment_methods": "payment_method",
    "payouts": "payout",
    "plans": "plan",
    "prices": "price",
    "products": "product",
    "promotion_codes": "promotion_code",
    "quotes": "quote",
    "radar.early_fraud_warnings": "radar.early_fraud_warning",
    "refunds": "refund",
    "reviews": "review",
    "setup_intents": "setup_intent",
    "subscription_schedules": "subscription_schedule",
    "subscriptions": "subscription",
    "tax_rates": "tax_rate",
    "topups": "topup",
    "transfers": "transfer",
}

# SDK class -> object type, and the fields that the API leaves out unless they are asked for or apply.
CLASSES: dict[str, tuple[Any, str]] = {
    "account": (stripe.Account, ""),
    "application_fee": (stripe.ApplicationFee, ""),
    "balance_transaction": (stripe.BalanceTransaction, ""),
    "bank_account": (stripe.BankAccount, ""),
    "card": (stripe.Card, "description iin issuer"),
    "charge": (stripe.Charge, "refunds"),
    "checkout.session": (checkout.Session, "line_items"),
    "coupon": (stripe.Coupon, "applies_to currency_options"),
    "credit_note": (stripe.CreditNote, ""),
    "credit_note_line_item": (stripe.CreditNoteLineItem, ""),
    "customer": (stripe.Customer, "sources subscriptions tax_ids"),
    "customer_balance_transaction": (stripe.CustomerBalanceTransaction, ""),
    "discount": (stripe.Discount, ""),
    "dispute": (stripe.Dispute, ""),
    "event": (stripe.Event, "account context"),
    "fee_refund": (stripe.ApplicationFeeRefund, ""),
    "invoice": (stripe.Invoice, "payments"),
    "invoice_payment": (stripe.InvoicePayment, ""),
    "invoiceitem": (stripe.InvoiceItem, ""),
    "item": (stripe.LineItem, "discounts taxes"),
    "line_item": (stripe.InvoiceLineItem, ""),
    "payment_intent": (stripe.PaymentIntent, ""),
    "payment_link": (stripe.PaymentLink, "line_items"),
    "payout": (stripe.Payout, ""),
    "plan": (stripe.Plan, "tiers"),
    "price": (stripe.Price, "currency_options tiers"),
    "product": (stripe.Product, ""),
    "promotion_code": (stripe.PromotionCode, ""),
    "quote": (stripe.Quote, "line_items"),
    "radar.early_fraud_warning": (radar.EarlyFraudWarning, ""),
    "refund": (stripe.Refund, ""),
    "review": (stripe.Review, ""),
    "setup_intent": (stripe.SetupIntent, ""),
    "subscription": (stripe.Subscription, ""),
    "subscription_item": (stripe.SubscriptionItem, ""),
    "subscription_schedule": (stripe.SubscriptionSchedule, ""),
    "tax_id": (stripe.TaxId, ""),
    "tax_rate": (stripe.TaxRate, ""),
    "topup": (stripe.Topup, ""),
    "transfer": (stripe.Transfer, ""),
    "transfer_reversal": (stripe.TransferReversal, ""),
}


class Client:
    """The SDK and a plain session, both pointed at a server."""

    def __init__(self, server: Server, key: str | None = None) -> None:
        self.url = server.url
        self.session = requests.Session()
        self.session.auth = None
        self.session.trust_env = False
        self.key = key or server.key
        self.http = stripe.RequestsClient(session=self.session, timeout=10)
        self.stripe = stripe.StripeClient(
            self.key, base_addresses={"api": server.url}, http_client=self.http, max_network_retries=0
        )

    def get(self, target: str, timeout: float = 5, headers: dict[str, str] | None = None) -> requests.Response:
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return self.session.get(self.url + target, headers=sent, timeout=timeout)

    def service(self, name: str) -> Any:
        found: Any = self.stripe.v1
        for part in name.split("."):
            found = getattr(found, part)
        return found


def serve(account: Any, **settings: Any) -> Iterator[tuple[Server, Client]]:
    with Server(account, **settings) as server:
        client = Client(server)
        yield server, client
        client.session.close()


def customer(account: Account, **fields: Any) -> dict[str, Any]:
    stamp = fields.pop("created", account.clock.second())
    return account.create(people.customer(id=account.new_id("cus"), created=stamp, **fields), at=stamp)


def event_types(account: Account) -> list[str]:
    return [account.get("event", event_id)["type"] for event_id in reversed(account.ids("event"))]
