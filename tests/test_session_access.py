"""Zendesk's and Salesforce's credentials: which ways there are, what is sent, and what is said of a wrong one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from connectors.salesforce.access import access as salesforce
from connectors.zendesk.access import access as zendesk
from framework.errors import Kind, Refused
from framework.session import token_request

CLIENT = {"client_id": "c", "client_secret": "the-client-secret"}
DOMAIN = "https://acme.my.salesforce.com"


def wrong(access: Any, credentials: Mapping[str, str]) -> tuple[str, str, str]:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the three parts are looked at
        access(credentials)
    key, message, hint = caught.value.args
    return key, message, hint


def body(access: Any) -> str:
    return token_request(access.grant, "https://x")[1].decode()


# ------------------------------------------------------------------------------------------ Zendesk


@pytest.mark.parametrize(
    "name", ["acme", "ACME", "acme.zendesk.com", "https://acme.zendesk.com", "https://acme.zendesk.com/agent/dashboard"]
)
def test_zendesk_a_subdomain_is_named_in_many_ways(name: str) -> None:
    found = zendesk({"subdomain": name, "access_token": "a-token"})
    assert found.base_url == "https://acme.zendesk.com"
    assert found.fingerprint == zendesk({"subdomain": "acme", "access_token": "a-token"}).fingerprint


@pytest.mark.parametrize("name", ["support.acme.com", "acme.zendesk.com.evil.example", "-", "a b", "é"])
def test_zendesk_a_subdomain_that_is_none(name: str) -> None:
    key, _, hint = wrong(zendesk, {"subdomain": name, "access_token": "t"})
    assert key == "subdomain"
    assert ".zendesk.com" in hint


def test_zendesk_an_api_token_is_sent_as_basic_and_known_as_secret() -> None:
    found = zendesk({"subdomain": "acme", "email": "ada@acme.com", "api_token": "secret-token"})
    scheme, _, encoded = found.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(encoded)) == ("Basic", b"ada@acme.com/token:secret-token")
    assert {"secret-token", encoded} <= set(found.secrets)
    assert found.grant is None


def test_zendesk_an_access_token_is_sent_as_it_is() -> None:
    found = zendesk({"subdomain": "acme", "access_token": "secret-token"})
    assert (found.headers, found.grant) == ({"Authorization": "Bearer secret-token"}, None)


def test_zendesk_an_oauth_client_fetches_its_tokens() -> None:
    found = zendesk({"subdomain": "acme", **CLIENT})
    assert found.grant is not None
    assert (found.headers, found.grant.url, found.grant.kind) == ({}, "/oauth/tokens", "client_credentials")
    assert '"scope": "read"' in body(found)
    rotating = zendesk({"subdomain": "acme", **CLIENT, "refresh_token": "the-refresh-token"})
    assert '"refresh_token": "the-refresh-token"' in body(rotating)
    assert set(rotating.secrets) == {"the-client-secret", "the-refresh-token"}
    assert rotating.fingerprint != found.fingerprint


@pytest.mark.parametrize(
    ("credentials", "key", "said"),
    [
        ({}, "", "subdomain"),
        ({"subdomain": "acme"}, "", "needs a credential"),
        ({"subdomain": "acme", "email": "ada@acme.com"}, "", "needs a credential"),
        ({"subdomain": "acme", "api_token": "t"}, "", "email"),
        ({"subdomain": "acme", "email": "ada", "api_token": "t"}, "email", "email"),
        ({"subdomain": "acme", "client_id": "c"}, "", "client_secret"),
        ({"subdomain": "acme", "client_secret": "s"}, "", "client_id"),
        (
            {"subdomain": "acme", "access_token": "t", "api_token": "t", "email": "a@b"},
            "",
            "an access token and an API",
        ),
        ({"subdomain": "acme", "password": "x"}, "password", "is no Zendesk credential"),
    ],
)
def test_zendesk_what_is_wrong_is_said(credentials: dict[str, str], key: str, said: str) -> None:
    found, message, hint = wrong(zendesk, credentials)
    assert found == key
    assert said in message
    assert hint


def test_zendesk_the_end_of_api_tokens_is_told() -> None:
    assert "2027-04-30" in wrong(zendesk, {"subdomain": "acme", "email": "ada@acme.com"})[2]


def test_zendesk_the_exports_have_limits_of_their_own() -> None:
    rates = {rate.each: (rate.count, rate.per) for rate in zendesk({"subdomain": "a", "access_token": "t"}).rates}
    assert rates == {
        "account": (200, 60), "incremental-exports": (10, 60), "incremental-exports-cursor": (20, 60),
    }  # fmt: skip


# --------------------------------------------------------------------------------------- Salesforce


def test_salesforce_an_access_token_comes_with_its_host() -> None:
    found = salesforce({"login_url": DOMAIN, "access_token": "00D!token", "instance_url": f"{DOMAIN}/"})
    assert found.headers == {"Authorization": "Bearer 00D!token"}
    assert (found.base_url, found.grant, found.secrets) == (DOMAIN, None, ("00D!token",))


@pytest.mark.parametrize(
    ("more", "kind", "sent"),
    [
        (CLIENT, "client_credentials", "grant_type=client_credentials"),
        ({**CLIENT, "refresh_token": "the-refresh"}, "refresh_token", "refresh_token=the-refresh"),
        ({"client_id": "c", "refresh_token": "the-refresh"}, "refresh_token", "client_id=c"),
        ({**CLIENT, "username": "a@b", "password": "pw"}, "password", "password=pw"),
        ({**CLIENT, "username": "a@b", "password": "pw", "security_token": "ST"}, "password", "password=pwST"),
    ],
)
def test_salesforce_ways_to_a_token(more: dict[str, str], kind: str, sent: str) -> None:
    found = salesforce({"login_url": DOMAIN, **more})
    assert found.grant is not None
    assert (found.grant.kind, found.grant.url, found.grant.host) == (
        kind, f"{DOMAIN}/services/oauth2/token", "instance_url",
    )  # fmt: skip
    assert sent in body(found)
    assert set(found.secrets) >= {v for k, v in more.items() if k not in ("client_id", "username")}


@pytest.mark.parametrize(
    ("login", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("test.salesforce.com", "https://test.salesforce.com"),
        (DOMAIN, "https://login.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_salesforce_a_private_key_signs_for_its_user(login: str, audience: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    written = pem.replace("\n", "\\n")  # as it stands in an environment variable
    found = salesforce(
        {"login_url": login, "client_id": "the-client", "username": "ada@acme.com", "private_key": written}
    )
    fields = dict(part.split("=", 1) for part in body(found).split("&"))
    assert fields["grant_type"] == "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    token = jwt.decode(fields["assertion"], RSAKey.import_key(public), algorithms=["RS256"])
    assert (token.claims["iss"], token.claims["sub"], token.claims["aud"]) == ("the-client", "ada@acme.com", audience)
    assert token.claims["exp"] - token.claims["iat"] <= 180
    assert pem.splitlines()[1] in "\n".join(found.secrets)


def test_salesforce_a_private_key_that_cannot_be_read_is_a_refusal() -> None:
    bad = salesforce({"client_id": "c", "username": "u", "private_key": "-----BEGIN PRIVATE KEY-----\nx\n"})
    with pytest.raises(Refused, match="private key cannot be read") as caught:
        body(bad)
    assert caught.value.kind is Kind.AUTH


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("acme.my.salesforce.com", DOMAIN),
        ("https://acme.lightning.force.com/lightning/page/home", DOMAIN),
        ("https://acme--dev.sandbox.lightning.force.com", "https://acme--dev.sandbox.my.salesforce.com"),
        (f"{DOMAIN}/services", DOMAIN),
    ],
)
def test_salesforce_the_address_of_the_login(written: str, meant: str) -> None:
    assert salesforce({"login_url": written, **CLIENT}).base_url == meant


@pytest.mark.parametrize(
    ("credentials", "key", "said"),
    [
        ({}, "", "client_id"),
        ({"login_url": DOMAIN, "access_token": "t"}, "", "instance_url"),
        ({"login_url": DOMAIN, "access_token": "t", **CLIENT}, "access_token", "beside"),
        ({"login_url": DOMAIN, "instance_url": DOMAIN, **CLIENT}, "instance_url", "access_token"),
        ({"login_url": "http://acme.example", **CLIENT}, "login_url", "https"),
        ({"login_url": "ftp://acme.example", **CLIENT}, "login_url", "https"),
        (CLIENT, "login_url", "My Domain"),
        ({"client_id": "c"}, "", "client_secret"),
        ({"client_id": "c", "private_key": "x", "username": "u"}, "private_key", "PEM"),
        ({"client_id": "c", "private_key": "-----BEGIN x"}, "", "username"),
        ({**CLIENT, "username": "u"}, "", "password"),
        ({**CLIENT, "password": "p"}, "", "username"),
        ({"api_key": "x"}, "api_key", "is no Salesforce credential"),
    ],
)
def test_salesforce_what_is_wrong_is_said(credentials: dict[str, str], key: str, said: str) -> None:
    found, message, hint = wrong(salesforce, credentials)
    assert found == key
    assert said in message
    assert hint


def test_no_message_shows_a_secret() -> None:
    for credentials in (
        {"client_id": "c", "private_key": "top-secret-1", "username": "u"},
        {"api_key": "top-secret-1"},
    ):
        assert "top-secret-1" not in " ".join(wrong(salesforce, credentials))
