"""The objects that an organisation has when it is made; administrators add more."""

from catchment.imitations.salesforce.catalog import people, sales, service
from catchment.imitations.salesforce.kinds import Kind

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*people.KINDS, *sales.KINDS, *service.KINDS)}
