"""Stripe credentials: a secret or restricted key, and the connected account it acts for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from framework.connector import Access
from framework.limits import Rate

_KEY = re.compile(r"(sk|rk)_(live|test)_\S+")

# Half of what the vendor allows an account (100 a second live, 25 in a sandbox, 25 an endpoint): the other half is
# for the business that runs on it. `rate_limit:` replaces them.
LIVE = (Rate(50), Rate(20, each="endpoint"))
TEST = (Rate(20), Rate(20, each="endpoint"))


def access(credentials: Mapping[str, str]) -> Access:
    """Reads ``api_key`` and, for a connected account, ``account``. Raises ValueError(key, message, hint)."""
    unknown = sorted(set(credentials) - {"api_key", "account"})
    if unknown:
        raise ValueError(
            unknown[0], "is no Stripe credential", "write `api_key`, and `account` for a connected account"
        )
    key = credentials.get("api_key", "")
    if not key:
        raise ValueError("", "a Stripe source needs an `api_key`", "make a restricted, read-only key in the Dashboard")
    found = _KEY.fullmatch(key)
    if not found:
        hint = "a secret key starts with sk_live_ or sk_test_, a restricted key with rk_live_ or rk_test_"
        raise ValueError("api_key", "is no secret or restricted Stripe key", hint)
    account = credentials.get("account", "")
    headers = {"Authorization": f"Bearer {key}", **({"Stripe-Account": account} if account else {})}
    return Access(
        headers=headers,
        fingerprint=hashlib.sha256(f"{key}/{account}".encode()).hexdigest()[:16],
        rates=LIVE if found[2] == "live" else TEST,
        mode=found[2],
        secrets=(key,),
        known=(account,),
    )
