"""Every Zendesk collection: its columns, how it is kept up to date and how its deletions are seen."""

from connectors.zendesk.collections.desk import DESK
from connectors.zendesk.collections.setup import SETUP
from connectors.zendesk.collections.talk import TALK
from framework.collection import Collection

COLLECTIONS: tuple[Collection, ...] = (*TALK, *DESK, *SETUP)
