"""How to get a Stripe key, and what it has to be allowed.

Sources: the vendor's page on restricted keys, and recorded refusals.
"""

from __future__ import annotations

from framework.guide import Guide, Key, Way

GUIDE = Guide(
    ways=(
        Way(
            "A restricted key",
            (
                Key("api_key", "${STRIPE_API_KEY}", "A restricted key (`rk_live_…`, `rk_test_…`) that may only read."),
                Key(
                    "account",
                    "acct_1ABCdef",
                    "The connected account that a platform's key acts for.",
                    optional=True,
                ),
            ),
            (
                "In the Dashboard open *Developers*, *API keys*, and create a restricted key.",
                (
                    "Give it *Read* on every resource whose collection you select, on *Events*, and on *Account*. "
                    "Give it *Write* on nothing."
                ),
                "Copy the key: it is shown once.",
            ),
            "A key sees live data or test data, never both. With `account` the key must be the platform's own.",
        ),
        Way(
            "A secret key",
            (Key("api_key", "${STRIPE_API_KEY}", "The secret key (`sk_live_…`, `sk_test_…`)."),),
            ("In the Dashboard open *Developers*, *API keys*, and reveal the secret key.",),
            "It may do everything, payments included: a restricted key is better.",
        ),
    ),
    permissions=(
        (
            "*Read* on each resource whose collection is selected. A refusal quotes the permission that Stripe "
            "asks for, such as `rak_charge_read`; `catchment check` shows all of them before the first sync."
        ),
        "*Read* on *Events*: they tell the changes of nearly all collections.",
        (
            "*Read* on *Account*: it tells whose data the key opens, so that another account's key is noticed. "
            "Without it only live and test are told apart."
        ),
    ),
    needs={"accounts": "*Read* on *Connect* for connected accounts; an account without any shows none."},
    facts=(
        (
            "Calls when nothing is new",
            (
                "2 by `sync --due`: the events and the newest balance transactions. `sync` also reads the lists "
                "of which not every change is announced, one call for each that fits on a page: 11 in all."
            ),
        ),
        (
            "Limits",
            (
                "50 calls a second with a live key, 20 with a test key, 20 for each endpoint, which is half or "
                "more below what Stripe allows; `rate_limit` replaces them."
            ),
        ),
    ),
)
