"""An imitation of the Stripe API (2026-10-28.endive): an account that lives, and a server that shows it."""

from catchment.imitations.stripe.account import API_VERSION, Account
from catchment.imitations.stripe.bulk import Bulk, bulk
from catchment.imitations.stripe.faults import Fault, Faults
from catchment.imitations.stripe.generator import generate
from catchment.imitations.stripe.keys import Key
from catchment.imitations.stripe.life import live
from catchment.imitations.stripe.server import DEFAULT_KEY, Entry, Server
from catchment.imitations.stripe.signing import sign

__all__ = [
    "API_VERSION",
    "DEFAULT_KEY",
    "Account",
    "Bulk",
    "Entry",
    "Fault",
    "Faults",
    "Key",
    "Server",
    "bulk",
    "generate",
    "live",
    "sign",
]
