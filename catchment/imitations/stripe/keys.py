"""API keys: whose account they open, in which mode, and what a restricted key may not read."""

import base64
import binascii
from dataclasses import dataclass, field


@dataclass
class Key:
    """One API key. `denied` names resources by their list path (`charges`, `checkout/sessions`)."""

    secret: str
    denied: frozenset[str] = field(default_factory=frozenset)
    revoked: bool = False
    expired: bool = False

    @property
    def masked(self) -> str:
        return masked(self.secret)


def masked(secret: str) -> str:
    """The key as the vendor repeats it in messages: its kind, stars, its last four letters."""
    head = secret[:8] if secret[:3] in ("sk_", "rk_") else secret[:3]
    return head + "*" * max(0, len(secret) - len(head) - 4) + secret[-4:]


def presented(header: str | None) -> str | None:
    """The key in an Authorization header: Bearer, or the user name of Basic."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
