"""What an imitation keeps of a secret."""

import hashlib


def fingerprint(secret: str | None) -> str:
    """What the request log keeps instead of the secret."""
    return hashlib.sha256((secret or "").encode()).hexdigest()[:12]
