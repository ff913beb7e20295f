"""Invented values for the fields of records: people, firms, places, texts that are hard to write as CSV."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from catchment.imitations.salesforce.fields import Field

FIRST = ("Ada", "Grace", "José", "Zoë", "Siân", "Jürgen", "François", "太郎", "Nguyễn", "Aïcha", "Ann-Marie", "J. R.")
LAST = ("Lovelace", "O'Neil", "Nuñez", "Smith-Jones", "Weiß", "Lefèvre", "山田", "da Silva", "Müller", "van der Berg")
FIRMS = (
    "Acme",
    "Globex",
    "Initech",
    "Umbra",
    "Hooli",
    "Stark & Fils",
    "Größe AG",
    "寿司 K.K.",
    'The "Best" Co',
    "Nile",
)
CITIES = ("Paris", "Köln", "Portland", "São Paulo", "大阪市", "Leeds", "Orléans")
COUNTRIES = ("US", "FR", "DE", "JP", "BR", "GB")
STREETS = ("621 West 6th Avenue", "12 rue de l'Église\nBâtiment B", "Straße des 17. Juni 135", "銀座一丁目")
WORDS = ("renewal", "pilot", "upgrade", "coffee", "machines", "café", "tea", "express", "annual", "spare", "parts")
AWKWARD = (
    'said "yes", then\nsigned',
    "two\r\nlines",
    "comma, semicolon; tab\t",
    "🦄 and 👩‍👩‍👧‍👦",
    "null",
    "=1+1",
    "'quoted'",
    "back\\slash",
    "<b>bold</b> &amp; more",
)
ONE_LINE = tuple(text for text in AWKWARD if "\n" not in text)


def words(rng: random.Random, most: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, most))).capitalize()


def prose(rng: random.Random, length: int) -> str:
    """A text of one or several lines, now and then one that is hard to quote."""
    if rng.random() < 0.2:
        return rng.choice(AWKWARD)[:length]
    lines = [words(rng, 12) + "." for _ in range(rng.randint(1, 4))]
    return rng.choice(("\n", " ")).join(lines)[:length]


def date(rng: random.Random, now: int, back: int = 700, ahead: int = 200) -> str:
    at = now + rng.randint(-back, ahead) * 86_400
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def decimal(rng: random.Random, precision: int, scale: int) -> Decimal:
    """A number that fits: small, round, negative, or with as many places as it may have; at most 15 digits."""
    places = min(scale, 8)
    top = 10 ** min(precision - scale, 15 - places)
    chance = rng.random()
    if chance < 0.08:
        return Decimal(0)
    if chance < 0.3:
        return Decimal(rng.randrange(min(top, 1_000)))
    if chance < 0.38 and precision - scale > 7:
        return Decimal(rng.randrange(1, 99)) * 10_000_000
    value = Decimal(rng.randrange(min(top, 1_000_000) * 10**places)).scaleb(-places)
    return -value if chance > 0.97 else value


NAMED: dict[str, Callable[[random.Random], Any]] = {
    "FirstName": lambda rng: rng.choice(FIRST),
    "LastName": lambda rng: rng.choice(LAST),
    "Company": lambda rng: rng.choice(FIRMS),
    "Subject": lambda rng: words(rng, 5) if rng.random() > 0.1 else rng.choice(ONE_LINE),
    "CompetitorName": lambda rng: rng.choice(FIRMS),
    "Title": lambda rng: rng.choice(("CEO", "SVP, Operations", "Buyer", "Directrice générale")),
    "Street": lambda rng: rng.choice(STREETS),
    "City": lambda rng: rng.choice(CITIES),
    "State": lambda rng: rng.choice((None, "OR", "CA")),
    "Country": lambda rng: rng.choice(COUNTRIES),
    "PostalCode": lambda rng: f"{rng.randrange(100_000):05d}",
    "Latitude": lambda rng: Decimal(rng.randrange(-90_000_000, 90_000_000)).scaleb(-6),
    "Longitude": lambda rng: Decimal(rng.randrange(-180_000_000, 180_000_000)).scaleb(-6),
    "GeocodeAccuracy": lambda rng: rng.choice(("Address", "Zip", "City")),
    "Website": lambda rng: f"https://{rng.choice(('acme', 'globex', 'hooli'))}.example/{rng.randrange(99)}?a=1&b=2",
}


def value(field: Field, rng: random.Random, now: int) -> Any:
    """A value of a field's type; references and formulas are the caller's."""
    if field.nillable and rng.random() < (0.25 if field.choices else 0.35):
        return None
    for suffix in ("", "Street", "City", "State", "Country", "PostalCode", "GeocodeAccuracy"):
        maker = NAMED.get(suffix or field.name) if field.name.endswith(suffix) else None
        if maker is not None and (not suffix or field.compound):
            return maker(rng)
    if field.precision == 18 and field.scale == 15:
        return NAMED["Latitude"](rng)
    return _typed(field, rng, now)


def _typed(field: Field, rng: random.Random, now: int) -> Any:
    if field.type == "picklist":
        return rng.choice(field.choices)
    if field.type == "multipicklist":
        return ";".join(rng.sample(field.choices, rng.randint(1, len(field.choices))))
    if field.type in ("double", "currency", "percent"):
        return decimal(rng, field.precision, field.scale)
    if field.type == "int":
        return rng.choice((0, 1, rng.randrange(1_000), rng.randrange(10_000_000)))
    if field.type == "boolean":
        return rng.random() < 0.3
    if field.type == "date":
        return date(rng, now)
    if field.type == "datetime":
        return now - rng.randrange(60_000_000)
    if field.type == "email":
        return f"{rng.choice(('ada', 'grace', 'jose', 'zoe'))}.{rng.randrange(10_000)}@example.com"
    if field.type == "phone":
        return rng.choice(("907555", "(415) 555-", "+33 1 55 55 ")) + f"{rng.randrange(10_000):04d}"
    if field.type == "url":
        return f"https://files.example/{rng.randrange(10_000)}"
    if field.type == "textarea":
        return prose(rng, field.length)
    if field.type == "base64":
        return rng.randbytes(12).hex()
    return (words(rng, 4) if rng.random() > 0.05 else rng.choice(ONE_LINE))[: field.length]
