"""Sessions: how a credential's tokens are fetched, kept and renewed, once for all threads and processes."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, urlsplit

import msgspec

from framework.errors import Kind, Refused

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_S = 180  # life of a signed assertion: the vendors that take one allow no more
EARLY_S = 60.0  # a token that is told to end is renewed this long before, or after half of a shorter life
FRUITLESS = 3  # renewals in a row whose token was refused at once: the credential is good, the account is not
PASSING = frozenset({"temporarily_unavailable", "server_error", "unknown_error", "slow_down"})
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Grant:
    """How a credential becomes an access token (OAuth 2.0, RFC 6749 and 7523).

    ``url``: the token's address; a path is one on the source's own host. ``kind``: what is exchanged for a token.
    ``host``: the field of the answer that names the host of the data, "" when that is the source's own. ``encoding``:
    how the token request is written. ``assertion`` grants sign with ``private_key`` (PEM, RS256) for ``audience``.
    """

    url: str
    kind: Literal["refresh_token", "client_credentials", "password", "assertion"]
    client_id: str
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    audience: str = ""
    scope: str = ""
    encoding: Literal["form", "json"] = "form"
    host: str = ""

    def key(self, url: str) -> str:
        """Names this credential where tokens are kept, revealing nothing.

        A secret that changes in the configuration makes another name, so that it wins over what was kept.
        """
        chain = self.refresh_token or f"{self.client_secret}\n{self.password}\n{self.private_key}"
        parts = (url, self.kind, self.client_id, self.username, chain)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class Token(msgspec.Struct, frozen=True):
    """A session's token. ``base_url``: of the data, "" when that is the source's own.

    ``expires``: when to renew it (Unix seconds by our clock), 0 when untold.
    """

    access: str
    refresh: str = ""
    base_url: str = ""
    expires: float = 0.0

    def __repr__(self) -> str:
        return f"Token(base_url={self.base_url!r})"


class Vault(Protocol):
    """Where tokens are kept for all processes, encrypted: the state database."""

    def load(self, key: str) -> bytes | None: ...

    def save(self, key: str, secret: bytes) -> bool:
        """Keeps ``secret``, durable when it returns. False: somebody else has renewed it meanwhile."""
        ...

    def exclusive(self, key: str, wait: Callable[[float], None]) -> AbstractContextManager[None]:
        """Alone with a credential among all processes; a holder that died is no obstacle."""
        ...


class Kept:
    """A vault for one process, which forgets."""

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def load(self, key: str) -> bytes | None:
        return self._secrets.get(key)

    def save(self, key: str, secret: bytes) -> bool:
        self._secrets[key] = secret
        return True

    @contextmanager
    def exclusive(self, key: str, wait: Callable[[float], None]) -> Iterator[None]:
        with self._lock:
            yield


# Sends a token request: (address, headers, body) -> (status, body). Passing trouble raises by itself.
Post = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]


class Session:
    """The current token of a source, renewed once per token for all threads and processes. Thread-safe.

    ``home``: the source's own address. ``learn`` is told every secret as soon as it is known. Raises Refused: kind
    ``auth`` for a refused renewal, which is final, ``retry`` for passing trouble.
    """

    def __init__(
        self,
        grant: Grant,
        home: str,
        vault: Vault,
        post: Post,
        wait: Callable[[float], None],
        learn: Callable[[str], None],
    ) -> None:
        self._grant = grant
        self._url = home + grant.url if grant.url.startswith("/") else grant.url
        self._key = grant.key(self._url)
        self._vault = vault
        self._post = post
        self._wait = wait
        self._learn = learn
        self._token: Token | None = None
        self._lock = threading.Lock()
        self._attempts = 0
        self._failed: Exception | None = None  # of the last attempt
        self._fruitless = 0

    def token(self) -> Token:
        """The token to use now: the one in hand, else the one kept, else a new one."""
        token = self._token
        if token is None:
            return self.renew("")
        return self.renew(token.access) if _ends(token) else token

    def renew(self, used: str) -> Token:
        """A token other than ``used``: one that somebody else has fetched meanwhile, else a new one."""
        seen = self._attempts
        with self._lock:
            if self._token is not None and self._token.access != used and not _ends(self._token):
                return self._token
            failed = self._failed
            if failed is not None and (self._attempts != seen or _final(failed)):
                raise failed  # the attempt that this call waited for: one is enough for all
            if self._fruitless >= FRUITLESS:
                raise Refused(Kind.AUTH, "every new token was refused", hint="Look at what this credential may do.")
            self._attempts += 1
            try:
                self._token = self._exchange(used)
                self._failed = None
            except Exception as error:
                self._failed = error
                raise
            return self._token

    def worked(self, token: Token) -> None:
        """The vendor took this token."""
        self._fruitless = 0

    def _exchange(self, used: str) -> Token:
        with self._vault.exclusive(self._key, self._wait):
            kept = self._kept()
            if kept is not None and kept.access != used and not _ends(kept):
                return kept
            token = self._fetch(kept.refresh if kept is not None else "")
            self._fruitless += 1
            # Durable before its first use: a refresh token that replaced another must never be lost.
            if not self._vault.save(self._key, msgspec.json.encode(token)):
                token = self._kept() or token
            return token

    def _kept(self) -> Token | None:
        secret = self._vault.load(self._key)
        if secret is None:
            return None
        try:
            return self._known(msgspec.json.decode(secret, type=Token))
        except msgspec.DecodeError:
            return None

    def _known(self, token: Token) -> Token:
        for secret in (token.access, token.refresh):
            if secret:
                self._learn(secret)
        return token

    def _fetch(self, kept: str) -> Token:
        refresh = kept or self._grant.refresh_token
        headers, body = token_request(self._grant, self._url, refresh)
        began = time.time()
        status, answer = self._post(self._url, headers, body)
        told = _object(answer)
        access = told.get("access_token")
        if not (200 <= status < 300 and isinstance(access, str) and access):
            raise refusal(status, told, self._url)
        ends = told.get("expires_in")
        renewed = told.get("refresh_token")
        token = Token(
            access,
            renewed if isinstance(renewed, str) and renewed else refresh,
            self._data_host(told),
            began + max(ends - EARLY_S, ends / 2) if isinstance(ends, int | float) and ends > 0 else 0.0,
        )
        return self._known(token)

    def _data_host(self, told: Mapping[str, Any]) -> str:
        """Where the data are, by the token's answer: encrypted, unless both hosts are this machine."""
        if not self._grant.host:
            return ""
        url = str(told.get(self._grant.host) or "").rstrip("/")
        parts, login = urlsplit(url), urlsplit(self._url)
        local = parts.hostname in LOOPBACK and login.hostname in LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            raise Refused(Kind.BUG, f"the token's answer names no host that data may be read from ({url[:100]!r})")
        return f"{parts.scheme}://{parts.netloc}"


def token_request(grant: Grant, url: str, refresh: str = "") -> tuple[dict[str, str], bytes]:
    """The headers and the body that ask for a token, the client authenticated in the body."""
    from authlib.oauth2.auth import ClientAuth  # late: a credential that is a header needs none of it
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    fields: dict[str, str] = {"scope": grant.scope} if grant.scope else {}
    if grant.kind == "assertion":
        text = prepare_token_request(JWT_BEARER, assertion=_assertion(grant), **fields)
    else:
        if grant.kind == "refresh_token":
            fields |= {"refresh_token": refresh or grant.refresh_token}
        elif grant.kind == "password":
            fields |= {"username": grant.username, "password": grant.password}
        way = "client_secret_post" if grant.client_secret else "none"
        text = prepare_token_request(grant.kind, **fields)
        _, _, text = ClientAuth(grant.client_id, grant.client_secret, way).prepare("POST", url, {}, text)
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if grant.encoding == "json":
        headers["Content-Type"] = "application/json"
        text = json.dumps(dict(parse_qsl(text, keep_blank_values=True)))
    return headers, text.encode()


def _assertion(grant: Grant) -> str:
    from authlib.oauth2.rfc7523.assertion import sign_jwt_bearer_assertion
    from joserfc.jwk import RSAKey

    try:
        key = RSAKey.import_key(grant.private_key)
    except ValueError as error:
        raise Refused(Kind.AUTH, f"the private key cannot be read: {error}", hint="It is a PEM text, RSA.") from None
    signed = sign_jwt_bearer_assertion(
        key, grant.client_id, grant.audience, grant.username, alg="RS256", expires_in=ASSERTION_S
    )
    return str(signed)


def refusal(status: int, told: Mapping[str, Any], url: str) -> Refused:
    """What an answer means that brought no token."""
    host = urlsplit(url).netloc
    if 200 <= status < 300:
        return Refused(Kind.RETRY, f"{host} gave no token", http_status=status)
    error, text = told.get("error"), told.get("error_description")
    code = error if isinstance(error, str) else ""
    message = text if isinstance(text, str) and text else code or f"answered {status}"
    crowded = "rate exceeded" in message.lower() or "retry your request" in message.lower()
    kind = Kind.RETRY if code in PASSING or crowded else Kind.AUTH
    hint = "Put a valid credential into catchment.yaml; a refresh token ends when it is revoked or was used elsewhere."
    return Refused(
        kind, f"{host} gave no token: {message}", http_status=status, code=code, hint=hint if kind is Kind.AUTH else ""
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _ends(token: Token) -> bool:
    return bool(token.expires) and time.time() > token.expires


def _final(error: Exception) -> bool:
    return isinstance(error, Refused) and error.kind is Kind.AUTH
