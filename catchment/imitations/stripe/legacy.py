"""Event payloads in the shape of an older API version, for accounts whose default version lags behind."""

from typing import Any

from catchment.imitations.stripe.shelf import decode, encode

Payload = dict[str, Any]


def older(data: Payload, version: str) -> Payload:
    """The `data` of an event as `version` renders it; releases before basil keep fields at their old places."""
    plain: Payload = decode(encode(data))
    if version < "2025-03-31":
        render = _RENDER.get(plain["object"].get("object"))
        if render is not None:
            render(plain["object"])
    return plain


def _subscription(subscription: Payload) -> None:
    items = subscription["items"]["data"]
    first = items[0] if items else {}
    subscription["current_period_start"] = first.get("current_period_start")
    subscription["current_period_end"] = first.get("current_period_end")
    subscription["plan"] = first.get("plan")
    subscription["quantity"] = first.get("quantity")
    for item in items:
        item.pop("current_period_start", None)
        item.pop("current_period_end", None)


def _invoice(invoice: Payload) -> None:
    parent = invoice.pop("parent", None) or {}
    invoice["subscription"] = (parent.get("subscription_details") or {}).get("subscription")
    invoice["paid"] = invoice["status"] == "paid"
    invoice["charge"] = None
    invoice["payment_intent"] = None
    invoice["tax"] = sum(tax["amount"] for tax in invoice.pop("total_taxes", None) or ())
    for line in invoice["lines"]["data"]:
        line["price"] = line.pop("pricing", None)
        line["type"] = (
            "subscription" if (line.pop("parent", None) or {}).get("subscription_item_details") else "invoiceitem"
        )


def _charge(charge: Payload) -> None:
    charge["invoice"] = None
    charge["dispute"] = None
    charge["order"] = None


def _discount(discount: Payload) -> None:
    discount["coupon"] = {"id": (discount.pop("source", None) or {}).get("coupon"), "object": "coupon"}


_RENDER = {
    "subscription": _subscription,
    "invoice": _invoice,
    "charge": _charge,
    "payment_intent": _charge,
    "discount": _discount,
}
