"""Salesforce credentials: an access token, or one of the four OAuth grants that need no browser."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from framework.connector import Access
from framework.limits import Rate
from framework.session import LOOPBACK, Grant

LOGIN = "https://login.salesforce.com"
TEST = "https://test.salesforce.com"
PATH = "/services/oauth2/token"
KEYS = (
    "login_url", "access_token", "instance_url", "client_id", "client_secret", "refresh_token", "username", "password",
    "security_token", "private_key",
)  # fmt: skip
WAYS = (
    "`client_id` with `client_secret` (My Domain), with `client_secret` and `refresh_token`, with `private_key` and "
    "`username`, or with `client_secret`, `username` and `password`; or `access_token` with `instance_url`"
)
SECRET = ("access_token", "client_secret", "refresh_token", "password", "security_token", "private_key")

# No limit a second is documented; the day's quota is what counts. Modest beside the users of the organisation.
RATES = (Rate(10),)


def access(credentials: Mapping[str, str]) -> Access:
    """Reads `login_url` and one way to a token. Raises ValueError(key, message, hint)."""
    given = {name: value.strip() for name, value in credentials.items()}
    unknown = sorted(set(given) - set(KEYS))
    if unknown:
        raise ValueError(unknown[0], "is no Salesforce credential", f"write {WAYS}")
    login = _address("login_url", given.get("login_url", "") or LOGIN)
    token = given.get("access_token", "")
    if token and given.get("client_id"):
        raise ValueError("access_token", "is given beside `client_id`", "write one of the two")
    if token and not given.get("instance_url"):
        raise ValueError("", "an `access_token` needs the `instance_url` that came with it", f"or write {WAYS}")
    if not token and given.get("instance_url"):
        raise ValueError("instance_url", "goes with an `access_token`", "remove it: a login tells it by itself")
    grant = None if token else _grant(given, login)
    known = "\0".join(f"{name}={given[name]}" for name in KEYS if given.get(name))
    return Access(
        headers={"Authorization": f"Bearer {token}"} if token else {},
        fingerprint=hashlib.sha256(known.encode()).hexdigest()[:16],
        rates=RATES,
        secrets=tuple(given[name] for name in SECRET if given.get(name)),
        base_url=_address("instance_url", given["instance_url"]) if token else login,
        grant=grant,
    )


def _address(key: str, value: str) -> str:
    """An address as scheme and host; that of the user interface becomes that of the API."""
    parts = urlsplit(value if "://" in value else f"https://{value}")
    host = parts.hostname or ""
    if host.endswith(".lightning.force.com"):
        return f"https://{host.removesuffix('.lightning.force.com')}.my.salesforce.com"
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)):
        hint = f"write {LOGIN}, {TEST} for a sandbox, or your My Domain: https://NAME.my.salesforce.com"
        raise ValueError(key, "is no https address", hint)
    return f"{parts.scheme}://{parts.netloc}"


def _grant(given: Mapping[str, str], login: str) -> Grant:
    client, secret = given.get("client_id", ""), given.get("client_secret", "")
    refresh, username = given.get("refresh_token", ""), given.get("username", "")
    password, private_key = given.get("password", ""), given.get("private_key", "").replace("\\n", "\n")
    if not client:
        raise ValueError("", "a Salesforce source needs a `client_id`", f"write {WAYS}")
    url = login + PATH
    if private_key:
        if not private_key.startswith("-----BEGIN"):
            raise ValueError("private_key", "is no PEM text", "it begins with -----BEGIN PRIVATE KEY-----")
        if not username:
            raise ValueError("", "a `private_key` needs the `username` that it signs for", f"write {WAYS}")
        return Grant(url, "assertion", client, username=username, private_key=private_key, audience=_audience(login),
                     host="instance_url")  # fmt: skip
    if refresh:
        return Grant(url, "refresh_token", client, secret, refresh_token=refresh, host="instance_url")
    if not secret:
        raise ValueError(
            "", "a `client_id` needs a `client_secret`, or a `private_key` with `username`", f"write {WAYS}"
        )
    if username or password:
        if not (username and password):
            missing = "password" if username else "username"
            raise ValueError("", f"there is no `{missing}`", f"write {WAYS}")
        password += given.get("security_token", "")
        return Grant(url, "password", client, secret, username=username, password=password, host="instance_url")
    if login in (LOGIN, TEST):
        hint = "write your My Domain: https://NAME.my.salesforce.com"
        raise ValueError("login_url", "takes no `client_secret` alone: that is My Domain's only", hint)
    return Grant(url, "client_credentials", client, secret, host="instance_url")


def _audience(login: str) -> str:
    """Whom an assertion is for: the login host of production or of sandboxes, whatever My Domain it is sent to."""
    host = urlsplit(login).hostname or ""
    if not host.endswith(".my.salesforce.com"):
        return login
    return TEST if host.endswith(".sandbox.my.salesforce.com") else LOGIN
