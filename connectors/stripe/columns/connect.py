"""Columns of Connect: accounts, application fees, transfers and their reversals."""

from framework.collection import Column

ACCOUNTS: tuple[Column, ...] = (
    Column("id", "text", "Id of the account"),
    Column("business_logo", "text", "File with the logo", ("settings", "branding", "logo")),
    Column("business_name", "text", "Name for customers", ("business_profile", "name")),
    Column("business_profile", "json", "What the business is and how it can be reached"),
    Column("business_type", "text", "`individual`, `company`, `non_profit` or `government_entity`"),
    Column("business_url", "text", "Public website", ("business_profile", "url")),
    Column("capabilities", "json", "What it may do, and whether that is active"),
    Column("charges_enabled", "bool", "Whether it can take payments"),
    Column("company", "json", "Facts on the company"),
    Column("controller", "json", "Who is liable and who pays fees"),
    Column("country", "text", "Two-letter country code"),
    Column("created", "timestamptz", "When it was created"),
    Column(
        "debit_negative_balances",
        "bool",
        "Whether a negative balance is debited from the bank",
        ("settings", "payouts", "debit_negative_balances"),
    ),
    Column("default_currency", "text", "Currency it settles in"),
    Column("details_submitted", "bool", "Whether sign-up is finished"),
    Column("display_name", "text", "Name in the dashboard", ("settings", "dashboard", "display_name")),
    Column("email", "text", "E-mail address"),
    Column("future_requirements", "json", "Facts that will be needed later"),
    Column("groups", "json", "Groups it is in, such as for pricing"),
    Column("individual", "json", "Facts on the person behind it"),
    Column("metadata", "json", "Key-value pairs that the account attached"),
    Column("object", "text", "Vendor's object type: `account`"),
    Column("product_description", "text", "What it sells, not public", ("business_profile", "product_description")),
    Column("requirements", "json", "Facts that are needed now"),
    Column("settings", "json", "Settings per product"),
    Column(
        "statement_descriptor",
        "text",
        "Text on its customers' statements",
        ("settings", "payments", "statement_descriptor"),
    ),
    Column("support_address_city", "text", "Support address: city", ("business_profile", "support_address", "city")),
    Column(
        "support_address_country",
        "text",
        "Support address: two-letter country code",
        ("business_profile", "support_address", "country"),
    ),
    Column(
        "support_address_line1", "text", "Support address: first line", ("business_profile", "support_address", "line1")
    ),
    Column(
        "support_address_line2",
        "text",
        "Support address: second line",
        ("business_profile", "support_address", "line2"),
    ),
    Column(
        "support_address_postal_code",
        "text",
        "Support address: postal code",
        ("business_profile", "support_address", "postal_code"),
    ),
    Column(
        "support_address_state",
        "text",
        "Support address: state or region",
        ("business_profile", "support_address", "state"),
    ),
    Column("support_email", "text", "E-mail for support", ("business_profile", "support_email")),
    Column("support_phone", "text", "Phone for support", ("business_profile", "support_phone")),
    Column("support_url", "text", "Page for support", ("business_profile", "support_url")),
    Column("timezone", "text", "Time zone of the dashboard", ("settings", "dashboard", "timezone")),
    Column("tos_acceptance", "json", "When and from where the terms were accepted"),
    Column(
        "transfers_enabled", "bool", "Whether it can be paid out; the vendor's payouts_enabled", ("payouts_enabled",)
    ),
    Column("type", "text", "`standard`, `express`, `custom` or `none`"),
)

APPLICATION_FEES: tuple[Column, ...] = (
    Column("id", "text", "Id of the application fee"),
    Column("account_id", "text", "Connected account that paid it", ("account",), "accounts"),
    Column("amount", "bigint", "Amount earned, minor units"),
    Column("amount_refunded", "bigint", "Amount given back, minor units"),
    Column("application_id", "text", "Connect application that earned it", ("application",)),
    Column(
        "balance_transaction_id",
        "text",
        "Balance transaction that brought it in",
        ("balance_transaction",),
        "balance_transactions",
    ),
    Column("charge_id", "text", "Charge it was taken from; may be in the connected account", ("charge",), "charges"),
    Column("created", "timestamptz", "When it was created"),
    Column("currency", "text", "Three-letter currency code, lower case"),
    Column("fee_source", "json", "What it was taken from: charge or payout"),
    Column("livemode", "bool", "Whether it is live, not test, data"),
    Column("object", "text", "Vendor's object type: `application_fee`"),
    Column("originating_transaction", "text", "Charge on the platform behind the charge", references="charges"),
    Column("refunded", "bool", "Fully given back"),
)

APPLICATION_FEE_REFUNDS: tuple[Column, ...] = (
    Column("id", "text", "Id of the application fee refund"),
    Column("amount", "bigint", "Amount given back, minor units"),
    Column(
        "balance_transaction",
        "text",
        "Balance transaction that shows its effect on the balance",
        references="balance_transactions",
    ),
    Column("created", "timestamptz", "When it was created"),
    Column("currency", "text", "Three-letter currency code, lower case"),
    Column("fee_id", "text", "Application fee that is given back", ("fee",), "application_fees"),
    Column("metadata", "json", "Key-value pairs that the account attached"),
    Column("object", "text", "Vendor's object type: `fee_refund`"),
)

TRANSFERS: tuple[Column, ...] = (
    Column("id", "text", "Id of the transfer"),
    Column("amount", "bigint", "Amount passed on, minor units"),
    Column("amount_reversed", "bigint", "Amount taken back, minor units"),
    Column(
        "balance_transaction_id",
        "text",
        "Balance transaction that took the money out",
        ("balance_transaction",),
        "balance_transactions",
    ),
    Column("created", "timestamptz", "When it was created"),
    Column("currency", "text", "Three-letter currency code, lower case"),
    Column("description", "text", "Free text for people"),
    Column("destination_id", "text", "Connected account that got it", ("destination",), "accounts"),
    Column("destination_payment", "text", "Charge that it became in the connected account", references="charges"),
    Column("livemode", "bool", "Whether it is live, not test, data"),
    Column("metadata", "json", "Key-value pairs that the account attached"),
    Column("object", "text", "Vendor's object type: `transfer`"),
    Column("reversed", "bool", "Fully taken back"),
    Column("source_transaction", "text", "Charge whose money it is", references="charges"),
    Column("source_type", "text", "Balance it came from: `card`, `bank_account` or `fpx`"),
    Column("transfer_group", "text", "Label that ties it to charges"),
)

TRANSFER_REVERSALS: tuple[Column, ...] = (
    Column("id", "text", "Id of the transfer reversal"),
    Column("amount", "bigint", "Amount taken back, minor units"),
    Column(
        "balance_transaction_id",
        "text",
        "Balance transaction that brought it back",
        ("balance_transaction",),
        "balance_transactions",
    ),
    Column("created", "timestamptz", "When it was created"),
    Column("currency", "text", "Three-letter currency code, lower case"),
    Column(
        "destination_payment_refund", "text", "Refund of the payment on the connected account", references="refunds"
    ),
    Column("metadata", "json", "Key-value pairs that the account attached"),
    Column("object", "text", "Vendor's object type: `transfer_reversal`"),
    Column("source_refund", "text", "Refund that caused it", references="refunds"),
    Column("transfer_id", "text", "Transfer that is taken back", ("transfer",), "transfers"),
)
