"""Keeps secrets out of what is written down, also in the forms in which they travel."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "••••"
SHORTEST = 6  # a shorter text is no secret, and masking it would make a log unreadable


def redactor(secrets: Iterable[str]) -> Callable[[Any], Any]:
    """A function that masks ``secrets`` in a text, and in the keys and texts of nested maps and lists.

    Found as they are, as JSON or a URL writes them, at the start of a Base64 text, and line by line (keys in PEM).
    """
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    if not forms:
        return lambda value: value
    pattern = re.compile("|".join(map(re.escape, forms)))

    def redact(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(MASK, value)
        if isinstance(value, dict):
            return {redact(str(key)): redact(member) for key, member in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [redact(member) for member in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return redact(str(value))

    return redact


def _forms(secret: str) -> Iterable[str]:
    for part in {secret, *secret.splitlines()}:
        if len(part.strip()) >= SHORTEST:
            text = part.strip()
            escaped = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
            raw = text.encode()
            encoded = base64.b64encode(raw[: len(raw) // 3 * 3]).decode()  # as a prefix, whatever follows
            yield from (text, *escaped, quote(text, safe=""), quote_plus(text), encoded)
