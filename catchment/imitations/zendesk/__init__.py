"""An imitation of the Zendesk Support API: an account that lives, and a server that shows it."""

from catchment.imitations.zendesk.account import LATEST_COMMIT, Account
from catchment.imitations.zendesk.auth import Credentials, Grant
from catchment.imitations.zendesk.bulk import Bulk
from catchment.imitations.zendesk.control import Control
from catchment.imitations.zendesk.desk import Desk
from catchment.imitations.zendesk.faults import KINDS, Fault, Faults
from catchment.imitations.zendesk.generator import generate
from catchment.imitations.zendesk.life import live
from catchment.imitations.zendesk.limits import Limits
from catchment.imitations.zendesk.server import Entry, Server

__all__ = [
    "KINDS",
    "LATEST_COMMIT",
    "Account",
    "Bulk",
    "Control",
    "Credentials",
    "Desk",
    "Entry",
    "Fault",
    "Faults",
    "Grant",
    "Limits",
    "Server",
    "generate",
    "live",
]
