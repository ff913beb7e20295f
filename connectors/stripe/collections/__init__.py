"""Every Stripe collection: its object type, columns, child lists and how it is kept up to date."""

from connectors.stripe.collections.billing import BILLING
from connectors.stripe.collections.money import MONEY
from connectors.stripe.collections.selling import SELLING
from framework.collection import Collection

COLLECTIONS: tuple[Collection, ...] = (*BILLING, *MONEY, *SELLING)
