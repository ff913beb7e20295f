"""Keeps secrets out of what is written down, also in the forms in which they travel."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "••••"
_ODD = "surrogatepass"  # bytes of an environment variable that are no UTF-8 arrive as surrogates
SHORTEST = 6  # a shorter text is no secret, and masking it would make a log unreadable


class Redactor:
    """Masks secrets in a text, and in the keys and texts of nested maps and lists. Safe for many threads.

    Found as they are, as JSON or a URL writes them, at the start of a Base64 text, and line by line (keys in PEM).
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Masks these too from now on: a session that is renewed brings new ones."""
        with self._lock:
            if self._known.issuperset(secrets):
                return
            self._known |= frozenset(secrets)
            forms = sorted({form for secret in self._known for form in _forms(secret)}, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, forms))) if forms else None

    def __call__(self, value: Any) -> Any:
        return value if self._pattern is None else self._masked(value, self._pattern)

    def _masked(self, value: Any, pattern: re.Pattern[str]) -> Any:
        if isinstance(value, str):
            return pattern.sub(MASK, value)
        if isinstance(value, dict):
            return {self._masked(str(key), pattern): self._masked(member, pattern) for key, member in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._masked(member, pattern) for member in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._masked(str(value), pattern)


def redactor(secrets: Iterable[str]) -> Redactor:
    """A function that masks ``secrets``, and those that it learns later."""
    return Redactor(secrets)


def _forms(secret: str) -> Iterable[str]:
    for part in {secret, *secret.splitlines()}:
        if len(part.strip()) >= SHORTEST:
            text = part.strip()
            escaped = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
            raw = text.encode(errors=_ODD)
            encoded = base64.b64encode(raw[: len(raw) // 3 * 3]).decode()  # as a prefix, whatever follows
            yield from (text, *escaped, quote(text, safe="", errors=_ODD), quote_plus(text, errors=_ODD), encoded)
