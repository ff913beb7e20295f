"""The awkward rows of an account: lists of every length, huge and empty values, numbers beyond a double."""

from decimal import Decimal

from catchment.imitations.stripe import billing, deals, selling
from catchment.imitations.stripe.shop import Shop
from catchment.imitations.stripe.templates import Payload, money

SIZES = (0, 3, 11, 25, 130)
FEW_SIZES = (0, 3, 11)


def lists(shop: Shop, at: int, sizes: tuple[int, ...]) -> None:
    """Parents whose child lists have each of these lengths."""
    for size in sizes:
        client = selling.customer(shop, at)
        selling.pay_by_card(shop, client, at)
        invoice_id = shop.new("in")
        rows = [
            billing.line(shop, invoice_id, client.home.currency, 100 + number, at, description=f"Row {number + 1}")
            for number in range(size)
        ]
        made = billing.invoice(shop, client, at, rows, invoice_id=invoice_id, status="paid" if size else "draft")
        few = min(size, 25)
        if size:
            billing.credit(shop, made["id"], at, few)
        for number in range(few):
            selling.source(shop, client, at + number)
            selling.tax_id(shop, client, at + number)
        for number in range(size):
            selling.balance(shop, client, at + number, 10)
        paid = selling.charge(shop, client, 100_000, at)
        for number in range(few):
            selling.refund(shop, paid["id"], 10, at + 60 + number)
        billing.subscribe(shop, client, at, items=max(1, min(size, 20)))
        if size:
            deals.checkout(shop, client, at, rows=few)
            deals.quote(shop, client, at, rows=few)
        deals.payment_link(shop, at, rows=max(1, min(size, 20)))
        deals.connect(shop, at, externals=min(size, 11))
        deals.transfer(shop, at, 50_000, reversals=few)
        deals.application_fee(shop, paid, at, refunds=few)


def values(shop: Shop, at: int) -> None:
    """Rows with values that break careless readers."""
    account = shop.account
    client = selling.customer(shop, at)
    account.update(
        "customer",
        client.id,
        {
            "metadata": {f"key {number:02d} ключ": "é€😀x" * 125 for number in range(50)},
            "name": "",
            "phone": "",
            "description": "\u200f\u05e9\u05dc\u05d5\u05dd \u202e \\ \" ' \t \r\n end; DROP TABLE customers; --",
        },
        at=at,
    )
    selling.charge(shop, client, 2**53 + 1, at, description="Beyond a double")
    selling.charge(
        shop, client, 999_999_999_999, at, description="".join(f"line {n}: 長い説明 " for n in range(4_000))[:60_000]
    )
    selling.charge(
        shop,
        client,
        50,
        at,
        metadata={"": "empty key", "a.b": "1.10", "A B": "x", "a_b": "y", "null": "null"},
        x_unreleased={"nested": {"deep": [1, 2, {"deeper": None}], "rate": Decimal("1.10")}, "empty": {}, "list": []},
    )
    selling.charge(
        shop, client, 51, at, statement_descriptor="", receipt_email="", transfer_group="  ", on_behalf_of=None
    )
    selling.loose_method(shop, at)
    account.create(
        money.balance_transaction(
            id=shop.new("txn"),
            amount=100,
            available_on=at,
            created=at,
            currency="usd",
            exchange_rate=Decimal("0.00012345678901"),
            fee=7,
            fee_details=[
                money.fee_detail(3, "usd"),
                {**money.fee_detail(4, "usd"), "type": "tax", "description": "VAT"},
            ],
            net=93,
            source=None,
            type="adjustment",
            reporting_category="other_adjustment",
        )
    )
    deals.connect(shop, None, externals=0)


def profile(shop: Shop, at: int) -> Payload:
    """The account's own page, `/v1/account`, with the bank account that payouts go to."""
    account = shop.account
    account.notes["bank"] = shop.new("ba")
    account.profile = money.account(
        id=account.id,
        created=at,
        email="owner@example.com",
        type="standard",
        external_accounts={
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{account.id}/external_accounts",
        },
        controller={"type": "account"},
        settings={"dashboard": {"display_name": "Catchment Imitation", "timezone": "Europe/Paris"}},
    )
    return account.profile
