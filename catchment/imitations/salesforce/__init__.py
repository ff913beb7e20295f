"""An imitation of the Salesforce REST and Bulk APIs (v68.0): an organisation that lives, and a server that shows it."""

from catchment.imitations.salesforce.bulk import bulk
from catchment.imitations.salesforce.generator import generate
from catchment.imitations.salesforce.life import live
from catchment.imitations.salesforce.organisation import Organisation
from catchment.imitations.salesforce.server import App, Server
from catchment.imitations.salesforce.view import User

API_VERSION = "68.0"
__all__ = ["API_VERSION", "App", "Organisation", "Server", "User", "bulk", "generate", "live"]
