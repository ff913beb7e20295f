"""How to get a Zendesk credential, and what it has to be allowed.

Sources: the vendor's help pages on OAuth clients and on the end of API tokens, and its API reference.
"""

from __future__ import annotations

from framework.guide import Guide, Key, Way

_SUBDOMAIN = Key("subdomain", "acme", "The part before `.zendesk.com`; the whole address is understood as well.")
_CLIENTS = "*Admin Center*, *Apps and integrations*, *APIs*, *OAuth clients*"
_EXPORTED = "tickets ticket_metrics ticket_metric_events ticket_events ticket_comments attachments users organizations"

GUIDE = Guide(
    ways=(
        Way(
            "An OAuth client",
            (
                _SUBDOMAIN,
                Key("client_id", "catchment", "The client's *Identifier*."),
                Key("client_secret", "${ZENDESK_CLIENT_SECRET}", "Its *Secret*, shown once."),
            ),
            (
                f"Sign in as an administrator, open {_CLIENTS}, and add a client.",
                "Choose *Confidential* as its kind. If you restrict its scopes, leave `read` in.",
                "Copy identifier and secret.",
            ),
            "Catchment asks for a token of scope `read` by itself, and for the next one when that ends.",
        ),
        Way(
            "An OAuth client with a refresh token",
            (
                _SUBDOMAIN,
                Key("client_id", "catchment", "The client's *Identifier*."),
                Key("client_secret", "${ZENDESK_CLIENT_SECRET}", "Its *Secret*."),
                Key("refresh_token", "${ZENDESK_REFRESH_TOKEN}", "What your application got when a user agreed."),
            ),
            ("For those whose application sent an administrator through Zendesk's authorization page, scope `read`.",),
            "Zendesk replaces both tokens at each renewal. Catchment keeps the new pair, encrypted, in the state "
            "database; the one in the file is used once. Give Catchment a pair of its own: whoever else renews it "
            "ends ours.",
        ),
        Way(
            "An access token",
            (_SUBDOMAIN, Key("access_token", "${ZENDESK_ACCESS_TOKEN}", "A token of scope `read`.")),
            ("Make one with the API of OAuth tokens, or take the one that your application has.",),
            "It cannot be renewed: when it ends, the source ends with kind `auth`.",
        ),
        Way(
            "An API token, until 2027-04-30",
            (
                _SUBDOMAIN,
                Key("email", "ada@acme.com", "Address of the administrator for whom the token speaks."),
                Key("api_token", "${ZENDESK_API_TOKEN}", "The token."),
            ),
            (
                "Only for tokens that you have: since 2026-10-27 Zendesk makes no new ones.",
                "*Admin Center*, *Apps and integrations*, *APIs*, *API configuration* must allow token access.",
            ),
            "**Zendesk ends all API tokens on 2027-04-30.** Move to an OAuth client before.",
        ),
    ),
    permissions=(
        (
            "The user behind the credential is an **administrator**: only they may read the incremental exports. "
            "For an agent's credential those collections are refused one by one, and the others are synced as far "
            "as the agent sees them."
        ),
        "The scope `read` is enough. Nothing is ever written.",
    ),
    needs={
        "audit_logs": "an administrator's credential, and the plan Enterprise",
        "satisfaction_ratings": "the plan Professional or above",
        "schedules": "the plan Professional or above",
        "sla_policies": "an administrator's credential, and the plan Professional or above",
        "ticket_forms": "the plan Growth or above",
        **dict.fromkeys(_EXPORTED.split(), "an administrator's credential"),
    },
    facts=(
        ("Address", "`https://SUBDOMAIN.zendesk.com`, unless `base_url` says otherwise."),
        (
            "Calls when nothing is new",
            (
                "25 for all collections: one for each of 5 exports and 20 lists, as long as a list fits on one "
                "page. `sync --due` reads lists once a day, so between two such days it makes 5."
            ),
        ),
        (
            "Limits",
            (
                "200 calls a minute until the account's own figure is known from its answers; exports 10 a minute "
                "by time and 20 by cursor, each by itself, so that they do not slow the rest."
            ),
        ),
    ),
)
