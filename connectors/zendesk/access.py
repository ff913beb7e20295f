"""Zendesk credentials: an API token, an access token, or an OAuth client whose sessions are renewed."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from framework.connector import Access
from framework.limits import Rate
from framework.session import Grant

HOST = "zendesk.com"
KEYS = ("subdomain", "email", "api_token", "access_token", "client_id", "client_secret", "refresh_token")
WAYS = "`access_token`, `client_id` with `client_secret`, or `email` with `api_token`"
ENDING = "Zendesk ends API tokens on 2027-04-30: an OAuth client (`client_id`, `client_secret`) lasts"

# The smallest plan's allowance; what an account's headers advertise replaces it. The exports' two limits are the same
# on every plan.
RATES = (
    Rate(200, per=60),
    Rate(10, each="incremental-exports", per=60),
    Rate(20, each="incremental-exports-cursor", per=60),
)

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def access(credentials: Mapping[str, str]) -> Access:
    """Reads `subdomain` and one way to prove who asks. Raises ValueError(key, message, hint)."""
    given = {name: value.strip() for name, value in credentials.items()}
    unknown = sorted(set(given) - set(KEYS))
    if unknown:
        raise ValueError(unknown[0], "is no Zendesk credential", f"write `subdomain` with {WAYS}")
    subdomain = _subdomain(given.get("subdomain", ""))
    headers, secrets, grant = _proof(given)
    known = "\0".join([subdomain, *(f"{name}={value}" for name, value in sorted(given.items()) if name != "subdomain")])
    return Access(
        headers=headers,
        fingerprint=hashlib.sha256(known.encode()).hexdigest()[:16],
        rates=RATES,
        secrets=secrets,
        known=(given["subdomain"], subdomain),
        base_url=f"https://{subdomain}.{HOST}",
        grant=grant,
    )


def _subdomain(value: str) -> str:
    """`acme`, `acme.zendesk.com` and any address below it name the same account."""
    hint = "write the part before .zendesk.com: https://acme.zendesk.com is `acme`"
    if not value:
        raise ValueError("", "a Zendesk source needs a `subdomain`", hint)
    host = (urlsplit(value if "://" in value else f"https://{value}").hostname or "").removesuffix(f".{HOST}")
    if not _NAME.fullmatch(host):
        raise ValueError("subdomain", f"is no Zendesk subdomain: {value[:80]}", hint)
    return host


def _proof(given: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...], Grant | None]:
    """Headers that prove who asks, the secrets among the credentials, and how a session is renewed."""
    token, api_token = given.get("access_token", ""), given.get("api_token", "")
    client = given.get("client_id", "") or given.get("client_secret", "") or given.get("refresh_token", "")
    chosen = [
        way for way, there in (("an access token", token), ("a client", client), ("an API token", api_token)) if there
    ]
    if len(chosen) > 1:
        raise ValueError("", f"{' and '.join(chosen)} are given", f"write one of {WAYS}")
    if token:
        return {"Authorization": f"Bearer {token}"}, (token,), None
    if client:
        return {}, *_client(given)
    email = given.get("email", "").removesuffix("/token")
    if not api_token or "@" not in email:
        key, missing = ("email", "its user's `email`") if api_token else ("", "a credential")
        raise ValueError(
            key if email else "", f"a Zendesk source needs {missing} beside `subdomain`", f"{WAYS}; {ENDING}"
        )
    encoded = base64.b64encode(f"{email}/token:{api_token}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}, (api_token, encoded), None


def _client(given: Mapping[str, str]) -> tuple[tuple[str, ...], Grant]:
    for name in ("client_id", "client_secret"):
        if not given.get(name):
            hint = "Admin Center, Apps and integrations, APIs, OAuth clients has both"
            raise ValueError("", f"an OAuth client needs `{name}`", hint)
    secret, refresh = given["client_secret"], given.get("refresh_token", "")
    grant = Grant(
        "/oauth/tokens",
        "refresh_token" if refresh else "client_credentials",
        given["client_id"],
        secret,
        refresh_token=refresh,
        scope="" if refresh else "read",
        encoding="json",
    )
    return tuple(filter(None, (secret, refresh))), grant
