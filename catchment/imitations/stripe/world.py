"""Invented people, places and goods for accounts: several countries, scripts and currencies."""

import random
from dataclasses import dataclass

from catchment.imitations.stripe.templates import Payload, address


@dataclass(frozen=True)
class Country:
    """Where customers come from. `unit`: what one dollar's worth is in the currency's smallest unit."""

    code: str
    currency: str
    unit: int
    locale: str
    cities: tuple[str, ...]
    streets: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


COUNTRIES = (
    Country(
        "US",
        "usd",
        100,
        "en-US",
        ("Portland", "Austin", "St. Paul"),
        ("Oak Street", "5th Avenue"),
        ("Ada", "Grace", "José", "Zoë"),
        ("Lovelace", "Hopper", "O'Neil", "Nuñez"),
    ),
    Country(
        "GB",
        "gbp",
        80,
        "en-GB",
        ("Leeds", "Cardiff"),
        ("High Street", "Church Lane"),
        ("Siân", "Oliver", "Amelia"),
        ("Llŷr", "Smith-Jones", "MacDonald"),
    ),
    Country(
        "DE",
        "eur",
        92,
        "de-DE",
        ("Köln", "München", "Görlitz"),
        ("Straße des 17. Juni", "Lindenweg"),
        ("Jürgen", "Käthe", "Björn"),
        ("Weiß", "Müller", "Großmann"),
    ),
    Country(
        "FR",
        "eur",
        92,
        "fr-FR",
        ("Orléans", "Besançon"),
        ("rue de l'Église", "avenue Foch"),
        ("Zoé", "François", "Aïcha"),
        ("Lefèvre", "d'Arc", "Noël"),
    ),
    Country(
        "JP",
        "jpy",
        150,
        "ja-JP",
        ("東京都", "大阪市"),
        ("銀座一丁目", "梅田"),
        ("太郎", "花子", "𠮷雄"),
        ("山田", "髙橋", "齋藤"),
    ),
    Country(
        "KW",
        "kwd",
        307,
        "ar-KW",
        ("مدينة الكويت", "حولي"),
        ("شارع الخليج العربي", "شارع سالم المبارك"),
        ("محمد", "فاطمة", "عبد الله"),
        ("الصباح", "العنزي", "المطيري"),
    ),
    Country("IL", "ils", 370, "he-IL", ("תל אביב", "חיפה"), ("דיזנגוף", "הרצל"), ("נועה", "איתן"), ("כהן", "לוי")),
    Country(
        "BR",
        "brl",
        500,
        "pt-BR",
        ("São Paulo", "Goiânia"),
        ("Rua das Flores", "Avenida Paulista"),
        ("João", "Conceição"),
        ("da Silva", "Gonçalves"),
    ),
    Country("IN", "inr", 8300, "hi-IN", ("मुंबई", "चेन्नई"), ("एम जी रोड", "लिंकिंग रोड"), ("आरव", "अनन्या"), ("शर्मा", "पटेल")),
    Country(
        "VN",
        "vnd",
        24_000,
        "vi-VN",
        ("Đà Nẵng", "Huế"),
        ("Đường Lê Lợi", "Phố Huế"),
        ("Nguyễn", "Thị\u0301"),
        ("Ánh", "Phu\u031bo\u031bng"),
    ),
)
NEAR = ("US", "US", "US", "US", "GB", "DE", "DE", "FR", "JP", "JP", "KW", "IL", "BR", "IN", "VN")
EMOJI = ("🦄", "👩‍👩‍👧‍👦", "🏳️‍🌈", "☕️", "🇯🇵")
GOODS = (
    "Espresso machine",
    "Straßenkarte",
    "Thé vert",
    "寿司セット",
    "Cotton T-shirt",
    "Notebook ✏️",
    "Pump",
    "Reading lamp",
    "قهوة عربية",
    "Coffee beans 1 kg",
    "Standing desk",
    'Cable, "braided"',
)
PLANS = ("Starter", "Team", "Business", "Enterprise", "Atelier", "プロ")
BRANDS = (("visa", "Visa"), ("mastercard", "MasterCard"), ("amex", "American Express"), ("jcb", "JCB"))
BY_CODE = {country.code: country for country in COUNTRIES}


def country(rng: random.Random) -> Country:
    return BY_CODE[rng.choice(NEAR)]


def person(rng: random.Random, home: Country) -> str:
    """A name as people of that country write it; now and then with an emoji."""
    name = f"{rng.choice(home.first)} {rng.choice(home.last)}"
    return f"{name} {rng.choice(EMOJI)}" if rng.random() < 0.04 else name


def place(rng: random.Random, home: Country) -> Payload:
    return address(
        city=rng.choice(home.cities),
        country=home.code,
        line1=f"{rng.choice(home.streets)} {rng.randint(1, 250)}",
        line2=rng.choice((None, None, "", "Floor 3", "c/o ACME")),
        postal_code=f"{rng.randint(1000, 99999):05d}",
        state="OR" if home.code == "US" else None,
    )


def amount(rng: random.Random, home: Country) -> int:
    """A price in the currency's smallest unit; three-decimal currencies end in zero, as the vendor demands."""
    dollars = rng.choice((5, 9, 12, 19, 29, 45, 49, 99, 120, 199, 250, 480, 999))
    smallest = dollars * home.unit
    return smallest - smallest % 10 if home.currency == "kwd" else max(smallest, 50)


def metadata(rng: random.Random) -> dict[str, str]:
    """Mostly empty; otherwise a few keys, some with awkward names."""
    if rng.random() < 0.6:
        return {}
    found = {"order_id": str(rng.randint(10_000, 99_999))}
    if rng.random() < 0.3:
        found |= {"Customer Segment": rng.choice(("smb", "mid-market", "", "グループA")), "utm.source": "newsletter"}
    return found


_FIRMS = "alder birch cedar elm fir hazel juniper larch maple oak pine rowan spruce walnut willow yew"
_TRADES = "bank bikes books cafe clinic foods freight games labs media motors parks"


def email(number: int) -> str:
    """An address at one of a few hundred firms, so that several customers share a domain."""
    firms, trades = _FIRMS.split(), _TRADES.split()
    return f"user{number}@{firms[number % len(firms)]}-{trades[number // len(firms) % len(trades)]}.example"
