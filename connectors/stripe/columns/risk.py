"""Columns of what Radar and card issuers warn about: reviews and early fraud warnings."""

from framework.collection import Column

EARLY_FRAUD_WARNINGS: tuple[Column, ...] = (
    Column("id", "text", "Id of the early fraud warning"),
    Column("actionable", "bool", "Neither disputed nor fully refunded yet"),
    Column("charge", "text", "Charge that it warns of", references="charges"),
    Column("created", "timestamptz", "When it was created"),
    Column("fraud_type", "text", "Kind of fraud named by the issuer"),
    Column("livemode", "bool", "Whether it is live, not test, data"),
    Column("object", "text", "Vendor's object type: `radar.early_fraud_warning`"),
    Column("payment_intent", "text", "Payment intent that it warns of", references="payment_intents"),
)

REVIEWS: tuple[Column, ...] = (
    Column("id", "text", "Id of the review"),
    Column("billing_zip", "text", "Postal code of the card"),
    Column("charge", "text", "Charge under review", references="charges"),
    Column("closed_reason", "text", "Why it was closed: `approved`, `refunded`, ..."),
    Column("created", "timestamptz", "When it was created"),
    Column("ip_address", "text", "IP address of the payment"),
    Column("ip_address_location", "json", "Where that address is, roughly"),
    Column("livemode", "bool", "Whether it is live, not test, data"),
    Column("object", "text", "Vendor's object type: `review`"),
    Column("_open", "bool", "Whether someone has to decide", ("open",)),
    Column("opened_reason", "text", "`rule` or `manual`"),
    Column("payment_intent", "text", "Payment intent under review", references="payment_intents"),
    Column("reason", "text", "Why it is open, or how it was closed"),
    Column("session", "json", "Browser and platform of the payer"),
)
