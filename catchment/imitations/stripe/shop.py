"""The business whose account it is: its catalogue and clients, remembered so that it can go on trading."""

import random
from dataclasses import dataclass, field
from typing import Any

from catchment.imitations.stripe import world
from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.templates import Payload, catalog


@dataclass
class Client:
    """A customer and how it pays."""

    id: str
    name: str
    email: str
    home: world.Country
    place: Payload
    method: str | None = None
    card: Payload = field(default_factory=dict)


@dataclass
class Shop:
    """Whatever trading needs to find again; the objects themselves are in the account."""

    account: Account
    random: random.Random
    prices: dict[str, list[Payload]] = field(default_factory=dict)
    coupons: list[str] = field(default_factory=list)
    tax_rates: list[Payload] = field(default_factory=list)
    clients: dict[str, Client] = field(default_factory=dict)
    connected: list[str] = field(default_factory=list)
    numbers: int = 0

    @classmethod
    def of(cls, account: Account, seed: int = 0) -> "Shop":
        """The shop behind an account; a new one (with nothing to sell) when it has none yet."""
        shop = account.notes.get("shop")
        if not isinstance(shop, Shop):
            shop = account.notes["shop"] = Shop(account, random.Random(seed))
        return shop

    def new(self, prefix: str) -> str:
        return self.account.new_id(prefix)

    def live(self, **fields: Any) -> Payload:
        """`fields` with the account's mode."""
        return {"livemode": self.account.livemode, **fields}

    def number(self) -> int:
        self.numbers += 1
        return self.numbers


def stock(shop: Shop, at: int, products: int) -> None:
    """Open the shop: products with a one-time price per currency or a plan, coupons, promotion codes, tax rates."""
    currencies = {home.currency: home for home in world.COUNTRIES}
    for number in range(products):
        offer(shop, at + number, recurring=number % 2 == 0, homes=list(currencies.values()))
    for number, (percent, off) in enumerate(((25, None), (None, 500), (10, None), (100, None))):
        coupon(shop, at + number, percent, off)
    for code, percentage, name in (
        ("DE", 19, "MwSt"),
        ("FR", 20, "TVA"),
        ("JP", 10, "消費税"),
        ("US", 8.25, "Sales tax"),
    ):
        rate = catalog.tax_rate(
            **shop.live(
                id=shop.new("txr"),
                country=code,
                created=at,
                display_name=name,
                jurisdiction=code,
                percentage=percentage,
                effective_percentage=percentage,
                tax_type="sales_tax" if code == "US" else "vat",
            )
        )
        shop.tax_rates.append(shop.account.create(rate, at=at))


def offer(shop: Shop, at: int, *, recurring: bool, homes: list[world.Country]) -> Payload:
    """A product with a price in each currency; recurring ones have a plan under the price's id."""
    rng = shop.random
    name = rng.choice(world.PLANS if recurring else world.GOODS)
    goods = catalog.product(
        **shop.live(
            id=shop.new("prod"),
            created=at,
            updated=at,
            name=f"{name} {shop.number()}",
            type="service" if recurring else "good",
            description=rng.choice((None, "", f"{name}: the one everybody asks for")),
            metadata=world.metadata(rng),
            images=[] if recurring else ["https://example.com/picture.png"],
            shippable=None if recurring else True,
            unit_label="seat" if recurring else None,
            marketing_features=[{"name": "24/7 support"}] if recurring else [],
            package_dimensions=None if recurring else {"height": 4.5, "length": 10.0, "weight": 2.25, "width": 8.0},
            default_price=None,
        )
    )
    shop.account.create(goods, at=at)
    ids = [price(shop, at, goods["id"], home, recurring)["id"] for home in homes]
    shop.account.update("product", goods["id"], {"default_price": ids[0]}, at=at)
    return goods


def price(shop: Shop, at: int, product: str, home: world.Country, recurring: bool) -> Payload:
    rng = shop.random
    cost = world.amount(rng, home)
    interval = rng.choice(("month", "month", "month", "year"))
    sold = catalog.price(
        **shop.live(
            id=shop.new("price"),
            created=at,
            currency=home.currency,
            product=product,
            unit_amount=cost,
            unit_amount_decimal=str(cost),
            type="recurring" if recurring else "one_time",
            recurring=catalog.recurring(interval, None) if recurring else None,
            nickname=rng.choice((None, "", "2024 list")),
            lookup_key=f"key_{shop.number()}" if rng.random() < 0.3 else None,
        )
    )
    if recurring:
        shop.account.create(
            catalog.plan(
                **shop.live(
                    id=sold["id"],
                    amount=cost,
                    amount_decimal=str(cost),
                    created=at,
                    currency=home.currency,
                    interval=interval,
                    nickname=sold["nickname"],
                    product=product,
                )
            ),
            at=at,
        )
    shop.account.create(sold, at=at)
    shop.prices.setdefault(("recurring " if recurring else "") + home.currency, []).append(sold)
    return sold


def coupon(shop: Shop, at: int, percent: int | None, off: int | None) -> Payload:
    """A coupon and a promotion code for it."""
    code = f"{shop.random.choice(('SPRING', 'WELCOME', 'ÉTÉ', 'VIP'))}{shop.number()}"
    made = catalog.coupon(
        **shop.live(
            id=shop.new("cpn")[4:16],
            created=at,
            percent_off=percent,
            amount_off=off,
            currency="usd" if off else None,
            duration="forever" if percent else "once",
            name=f"{percent}% off" if percent else "5 dollars off",
        )
    )
    shop.account.create(made, at=at)
    shop.coupons.append(made["id"])
    shop.account.create(
        catalog.promotion_code(
            **shop.live(
                id=shop.new("promo"),
                code=code,
                created=at,
                promotion={"coupon": made["id"], "type": "coupon"},
                max_redemptions=shop.random.choice((None, 100)),
            )
        ),
        at=at,
    )
    return made
