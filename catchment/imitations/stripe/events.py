"""Which events the vendor emits when an object is created, changed or deleted, and which changes emit none."""

from collections.abc import Callable, Mapping
from typing import Any

Payload = Mapping[str, Any]

# created, updated, deleted; None where the vendor has no such event.
_PLAIN: Mapping[str, tuple[str | None, str | None, str | None]] = {
    "account": (None, "account.updated", None),
    "application_fee": ("application_fee.created", None, None),
    "bank_account": ("customer.source.created", "customer.source.updated", "customer.source.deleted"),
    "card": ("customer.source.created", "customer.source.updated", "customer.source.deleted"),
    "coupon": ("coupon.created", "coupon.updated", "coupon.deleted"),
    "credit_note": ("credit_note.created", "credit_note.updated", None),
    "customer": ("customer.created", "customer.updated", "customer.deleted"),
    "discount": ("customer.discount.created", "customer.discount.updated", "customer.discount.deleted"),
    "dispute": ("charge.dispute.created", "charge.dispute.updated", None),
    "invoice": ("invoice.created", "invoice.updated", "invoice.deleted"),
    "invoiceitem": ("invoiceitem.created", None, "invoiceitem.deleted"),
    "payment_intent": ("payment_intent.created", None, None),
    "payment_link": ("payment_link.created", "payment_link.updated", None),
    "payout": ("payout.created", "payout.updated", None),
    "plan": ("plan.created", "plan.updated", "plan.deleted"),
    "price": ("price.created", "price.updated", "price.deleted"),
    "product": ("product.created", "product.updated", "product.deleted"),
    "promotion_code": ("promotion_code.created", "promotion_code.updated", None),
    "quote": ("quote.created", None, None),
    "radar.early_fraud_warning": ("radar.early_fraud_warning.created", "radar.early_fraud_warning.updated", None),
    "review": ("review.opened", None, None),
    "setup_intent": ("setup_intent.created", None, None),
    "subscription": ("customer.subscription.created", "customer.subscription.updated", None),
    "subscription_schedule": ("subscription_schedule.created", "subscription_schedule.updated", None),
    "tax_id": ("customer.tax_id.created", "customer.tax_id.updated", "customer.tax_id.deleted"),
    "tax_rate": ("tax_rate.created", "tax_rate.updated", None),
    "topup": ("topup.created", None, None),
    "transfer": ("transfer.created", "transfer.updated", None),
}

# Further events when the status becomes this value.
_STATUS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "charge": {"succeeded": ("charge.succeeded",), "pending": ("charge.pending",), "failed": ("charge.failed",)},
    "checkout.session": {"complete": ("checkout.session.completed",), "expired": ("checkout.session.expired",)},
    "credit_note": {"void": ("credit_note.voided",)},
    "dispute": {
        "won": ("charge.dispute.closed", "charge.dispute.funds_reinstated"),
        "lost": ("charge.dispute.closed",),
    },
    "invoice": {
        "open": ("invoice.finalized",),
        "paid": ("invoice.paid", "invoice.payment_succeeded"),
        "void": ("invoice.voided",),
        "uncollectible": ("invoice.marked_uncollectible",),
    },
    "invoice_payment": {"paid": ("invoice_payment.paid",)},
    "payment_intent": {
        "succeeded": ("payment_intent.succeeded",),
        "canceled": ("payment_intent.canceled",),
        "processing": ("payment_intent.processing",),
        "requires_action": ("payment_intent.requires_action",),
        "requires_payment_method": ("payment_intent.payment_failed",),
    },
    "payout": {"paid": ("payout.paid",), "failed": ("payout.failed",), "canceled": ("payout.canceled",)},
    "quote": {"open": ("quote.finalized",), "accepted": ("quote.accepted",), "canceled": ("quote.canceled",)},
    "setup_intent": {
        "succeeded": ("setup_intent.succeeded",),
        "canceled": ("setup_intent.canceled",),
        "requires_action": ("setup_intent.requires_action",),
    },
    "subscription_schedule": {
        name: (f"subscription_schedule.{name}",) for name in ("canceled", "completed", "released")
    },
    "topup": {name: (f"topup.{name}",) for name in ("succeeded", "failed", "canceled", "reversed")},
}

# A new object is born in this status without the event of that status.
_BORN: Mapping[str, tuple[str, ...]] = {"payment_intent": ("requires_payment_method",), "invoice": ("open", "void")}


def created(after: Payload) -> list[str]:
    """The event types that announce a new object."""
    kind = after["object"]
    if kind == "payment_method":
        return ["payment_method.attached"] if after["customer"] else []
    if kind == "refund":
        return ["refund.created"]
    if kind in ("card", "bank_account") and not after.get("customer"):
        return ["account.external_account.created"]
    first = _PLAIN.get(kind, (None, None, None))[0]
    status = after.get("status")
    more = () if status in _BORN.get(kind, ()) else _STATUS.get(kind, {}).get(str(status), ())
    return [name for name in (first, *more) if name]


def updated(before: Payload, after: Payload) -> list[str]:
    """The event types that announce a change; empty where the vendor stays silent."""
    kind = after["object"]
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(before, after)
    second = _PLAIN.get(kind, (None, None, None))[1]
    turned = before.get("status") != after.get("status")
    more = _STATUS.get(kind, {}).get(str(after.get("status")), ()) if turned else ()
    return [name for name in (second, *more) if name]


def deleted(before: Payload) -> list[str]:
    """The event types that announce a deletion."""
    last = _PLAIN.get(before["object"], (None, None, None))[2]
    return [last] if last else []


def _charge(before: Payload, after: Payload) -> list[str]:
    if after["amount_refunded"] > before["amount_refunded"]:
        return ["charge.refunded"]
    if after["captured"] and not before["captured"]:
        return ["charge.captured"]
    if after["status"] != before["status"]:
        return list(_STATUS["charge"][after["status"]])
    return ["charge.updated"]


def _refund(before: Payload, after: Payload) -> list[str]:
    failed = after["status"] == "failed" != before["status"]
    return ["refund.updated", "charge.refund.updated"] + (["refund.failed"] if failed else [])


def _payment_method(before: Payload, after: Payload) -> list[str]:
    if before["customer"] is None:
        return ["payment_method.attached"] if after["customer"] else []
    return ["payment_method.updated"] if after["customer"] else ["payment_method.detached"]


def _subscription(before: Payload, after: Payload) -> list[str]:
    if after["status"] != before["status"]:
        if after["status"] == "canceled":
            return ["customer.subscription.deleted"]
        if after["status"] == "paused":
            return ["customer.subscription.paused"]
    return ["customer.subscription.updated"]


def _application_fee(before: Payload, after: Payload) -> list[str]:
    return ["application_fee.refunded"] if after["amount_refunded"] > before["amount_refunded"] else []


def _transfer(before: Payload, after: Payload) -> list[str]:
    return ["transfer.reversed" if after["amount_reversed"] > before["amount_reversed"] else "transfer.updated"]


def _review(before: Payload, after: Payload) -> list[str]:
    return ["review.closed"] if before["open"] and not after["open"] else []


def _payout(before: Payload, after: Payload) -> list[str]:
    done = after["reconciliation_status"] == "completed" != before["reconciliation_status"]
    turned = after["status"] != before["status"]
    more = _STATUS["payout"].get(after["status"], ()) if turned else ()
    return ["payout.updated", *more, *(["payout.reconciliation_completed"] if done else [])]


_SPECIAL: Mapping[str, Callable[[Payload, Payload], list[str]]] = {
    "charge": _charge,
    "refund": _refund,
    "payment_method": _payment_method,
    "subscription": _subscription,
    "application_fee": _application_fee,
    "transfer": _transfer,
    "review": _review,
    "payout": _payout,
    "fee_refund": lambda before, after: ["application_fee.refund.updated"],
}


def previous(before: Payload, after: Payload) -> dict[str, Any]:
    """`data.previous_attributes`: the old values of what changed, hashes reduced to their changed keys."""
    old: dict[str, Any] = {}
    for name in before:
        if name not in after or before[name] == after[name]:
            if name not in after:
                old[name] = before[name]
            continue
        was, now = before[name], after[name]
        if isinstance(was, dict) and isinstance(now, dict) and was.get("object") != "list":
            old[name] = previous(was, now)
        else:
            old[name] = was
    for name in after:
        if name not in before:
            old[name] = None
    return old
