"""How to get Salesforce credentials, and what the user behind them has to be allowed.

Sources: the vendor's help pages on external client apps, on the client credentials flow and on integration users, and
its REST guide.
"""

from __future__ import annotations

from framework.guide import Guide, Key, Way

_MY_DOMAIN = Key("login_url", "https://acme.my.salesforce.com", "Your My Domain, of a sandbox the sandbox's.")
_LOGIN = Key(
    "login_url",
    "https://login.salesforce.com",
    "`https://login.salesforce.com`, `https://test.salesforce.com` for a sandbox, or your My Domain.",
    optional=True,
)
_ID = Key("client_id", "${SALESFORCE_CLIENT_ID}", "The app's *Consumer Key*.")
_SECRET = Key("client_secret", "${SALESFORCE_CLIENT_SECRET}", "Its *Consumer Secret*.")
_APP = (
    "In *Setup*, *External Client App Manager*, make a new app. (Salesforce makes no new connected apps since "
    "Spring '26; those that exist go on working.) Distribution state *Local*; enable OAuth; any callback address "
    "will do."
)
_TAGS = (
    "account_tags campaign_tags case_tags contact_tags contract_tags dashboard_tags document_tags event_tags "
    "lead_tags note_tags opportunity_tag solution_tags task_tags"
)

GUIDE = Guide(
    ways=(
        Way(
            "An external client app that acts for one user",
            (_MY_DOMAIN, _ID, _SECRET),
            (
                _APP,
                "Give it the scope *Manage user data via APIs (api)*, and enable the *Client Credentials Flow*.",
                "In its *Policies*, name the user to *Run As*: a user made for this, with the permissions below.",
                "In its *Settings*, show the consumer key and secret.",
            ),
            "Nobody has to log in, and no token is kept that somebody else could use up. It works on My Domain only.",
        ),
        Way(
            "A signed assertion",
            (
                _LOGIN,
                _ID,
                Key("username", "catchment@acme.com", "The user to act for."),
                Key("private_key", "${SALESFORCE_PRIVATE_KEY}", "The RSA key, a PEM text; `\\n` is a new line."),
            ),
            (
                _APP,
                "Enable the *JWT Bearer Flow* and upload the certificate of your key.",
                (
                    "In its *Policies*, let admins approve users beforehand, and approve the user's profile or "
                    "permission set."
                ),
            ),
            "For those who may not use shared secrets.",
        ),
        Way(
            "A refresh token",
            (
                _LOGIN,
                _ID,
                _SECRET,
                Key("refresh_token", "${SALESFORCE_REFRESH_TOKEN}", "What your application got when a user agreed."),
            ),
            ("For those whose application sent a user through the login page, with the scopes `api refresh_token`.",),
            "Where the app rotates refresh tokens, the new one is kept, encrypted, in the state database. Give "
            "Catchment a token of its own: whoever else renews it may end ours.",
        ),
        Way(
            "Username and password",
            (
                _LOGIN,
                _ID,
                _SECRET,
                Key("username", "catchment@acme.com", "The user."),
                Key("password", "${SALESFORCE_PASSWORD}", "The user's password."),
                Key(
                    "security_token",
                    "${SALESFORCE_SECURITY_TOKEN}",
                    "The user's security token, where the network asks for it.",
                    optional=True,
                ),
            ),
            ("Switch the username-password flow on in *Setup*, *OAuth and OpenID Connect Settings*.",),
            "New organisations block it. Take another way where you can.",
        ),
        Way(
            "An access token",
            (
                Key("instance_url", "https://acme.my.salesforce.com", "The address that came with the token."),
                Key("access_token", "${SALESFORCE_ACCESS_TOKEN}", "A session's token."),
            ),
            ("Any login gives one, that of the Salesforce CLI as well.",),
            "It cannot be renewed, so it is good for a trial: sessions end after two idle hours unless your "
            "organisation says otherwise.",
        ),
    ),
    permissions=(
        "*API Enabled*.",
        (
            "*Read* on every object that is selected, and on its fields: field-level security hides fields "
            "without a word. *View All Data*, or *View All* on each object, so that sharing rules hide no rows; "
            "*View Setup and Configuration* for `profile`, `role`, `_group` and the like."
        ),
        (
            "A user made for this, so that nobody's leaving ends the sync. The licence *Salesforce Integration* "
            "is for such users; it opens only what a permission set grants."
        ),
        (
            "Nothing is ever written, so no permission to create, edit or delete is needed. Objects with more "
            "than 10,000 rows are read by query jobs of the Bulk API 2.0, which read only."
        ),
    ),
    needs={
        "names": "nothing helps: it cannot be queried, and is always `unavailable`",
        **dict.fromkeys(_TAGS.split(), "tags switched on in the organisation"),
    },
    facts=(
        ("Address", "a login tells the organisation's own; `base_url` replaces that, not `login_url`."),
        (
            "Calls when nothing is new",
            (
                "11 for the 48 collections: one that asks whether any object's definition changed, and ten of "
                "five queries each that carry the reads of the logs of deletions as well."
            ),
        ),
        (
            "Columns",
            (
                "are the organisation's own, custom fields included: names, types, labels and references come "
                "from its descriptions. Shown below is what all organisations have. `catchment.columns` in the "
                "warehouse has yours."
            ),
        ),
        (
            "Any other object",
            (
                "is selected by its API name, custom or standard: `collections: [default, Invoice__c, "
                "CaseHistory]` makes the tables `invoice_c` and `case_history` besides."
            ),
        ),
        (
            "What cannot be selected",
            (
                'Of the 48 collections below, `names` alone cannot be queried: leave it out with `"!names"`. '
                "Others an organisation may lack; they are `unavailable`, and the run succeeds without them."
            ),
        ),
        (
            "Limits",
            (
                "10 calls a second; 60 % of the daily calls that others leave; `rate_limit: {daily_share: 0.4}` "
                "lowers it. Five queries and twenty other reads are one call."
            ),
        ),
    ),
)
