"""Salesforce, declared: its objects as the organisation describes them, read by queries, bundles and jobs.

Sources of the facts: the vendor's REST, Bulk 2.0 and SOAP (data replication) guides, and recorded answers. `quirks.md`
tells what of it matters to a reader of the tables.
"""

from __future__ import annotations

from connectors.salesforce.access import LOGIN, access
from connectors.salesforce.answers import JUDGE
from connectors.salesforce.composite import BUNDLE
from connectors.salesforce.discovery import discover
from connectors.salesforce.guide import GUIDE
from connectors.salesforce.objects import COLLECTIONS, UNLISTED, named, stamp
from connectors.salesforce.query import Query
from connectors.salesforce.soql import VERSION
from framework.connector import Connector, Identity

connector = Connector(
    name="salesforce",
    base_url=LOGIN,
    access=access,
    collections=COLLECTIONS,
    # As declared; an account's own, with its columns, come from `discover`.
    feeds=tuple(Query((c,), c.object, stamp=stamp(c.columns)) for c in COLLECTIONS if c.object not in UNLISTED),
    judge=JUDGE,
    identity=Identity("/services/oauth2/userinfo", account="organization_id"),
    version=VERSION,
    docs="https://developer.salesforce.com/docs/apis",
    guide=GUIDE,
    bundle=BUNDLE,
    discover=discover,
    named=named,
    permission_hint="Grant the user Read on it (profile or permission set), then run `catchment sync` again.",
)
