"""The JWT bearer grant: a signed statement instead of a secret."""

import base64
import binascii
import time
from typing import TYPE_CHECKING, Any

import msgspec

from catchment.imitations.salesforce.errors import OAuthError

if TYPE_CHECKING:
    from catchment.imitations.salesforce.sessions import App

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
LONGEST = 180


def key_pair() -> tuple[str, str]:
    """A new private and public RSA key, in PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    shown = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return secret.decode(), shown.decode()


def check(assertion: str, app: "App", url: str) -> None:
    """OAuthError unless the assertion is RS256, for this app and user, for a login host, and short-lived.

    Its end is judged by the real clock: who signs it has no other.
    """
    header, claims = (_decoded(piece) for piece in [*assertion.split("."), "", ""][:2])
    if header.get("alg") != "RS256" or not _signed(assertion, app.public_key):
        raise OAuthError("invalid_grant", "invalid assertion")
    if claims.get("iss") != app.client_id:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if claims.get("sub") != app.username:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    if str(claims.get("aud", "")).rstrip("/") not in (*LOGIN_HOSTS, url):
        raise OAuthError("invalid_grant", "audience is invalid")
    # Clients in use write the end as a text too.
    expires, now = str(claims.get("exp")).partition(".")[0], time.time()
    if not expires.isdecimal() or not now - 5 <= int(expires) <= now + LONGEST + 5:
        raise OAuthError("invalid_grant", "expired authorization code")


def _decoded(piece: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(_bytes(piece))
    except (binascii.Error, msgspec.DecodeError, ValueError) as wrong:
        raise OAuthError("invalid_grant", "invalid assertion") from wrong
    return found if isinstance(found, dict) else {}


def _bytes(piece: str) -> bytes:
    return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))


def _signed(assertion: str, public_key: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    content, _, seal = assertion.rpartition(".")
    key = serialization.load_pem_public_key(public_key.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(_bytes(seal), content.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True
