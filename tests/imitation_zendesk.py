"""A client of the Zendesk imitation for tests: a plain session, the SDK `zenpy`, and walks over lists and exports."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from zenpy import Zenpy  # type: ignore[import-untyped]

from catchment.imitations.zendesk import Account, Limits, Server

NOW = 1_790_000_000


class Rerouted(HTTPAdapter):
    """Takes requests for the vendor's hosts to the imitation; the client is none the wiser."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        there = request.copy()
        asked = urlsplit(str(request.url))
        there.headers["Host"] = asked.netloc
        there.url = f"{self.url}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        answer = super().send(there, *args, **kwargs)
        answer.request = request
        return answer


class Client:
    """Asks one imitation, as its administrator unless told otherwise."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        keys = server.secrets()
        self.auth: tuple[str, str] | None = (f"{keys['email']}/token", keys["api_token"])

    def ask(self, target: str, timeout: float = 5, **headers: str) -> requests.Response:
        """One request to a path below `/api/v2/`, or to a whole address."""
        address = target if target.startswith("http") else f"{self.server.url}/api/v2/{target}"
        auth = None if "Authorization" in headers else self.auth
        return self.session.get(address, auth=auth, headers=headers, timeout=timeout)

    def get(self, target: str) -> Any:
        """The body of an answer that must be a 200."""
        answer = self.ask(target)
        assert answer.status_code == 200, f"{target}: {answer.status_code} {answer.text[:200]}"
        return answer.json()

    def token(self, **given: Any) -> requests.Response:
        return self.session.post(f"{self.server.url}/oauth/tokens", json=given, timeout=5)

    def cursor_pages(self, target: str) -> Iterator[Any]:
        """The pages of a cursor export to the end of its stream; AssertionError when it stops moving."""
        return self._pages(target, "after_url")

    def time_pages(self, target: str) -> Iterator[Any]:
        """The pages of a time export to the end of its stream; AssertionError when it stops moving."""
        return self._pages(target, "next_page")

    def _pages(self, target: str, following: str) -> Iterator[Any]:
        seen = set()
        while target not in seen:
            seen.add(target)
            page = self.get(target)
            yield page
            if page["end_of_stream"]:
                return
            target = page[following]
        raise AssertionError(f"the export stands still at {target}")

    def listed(self, path: str, key: str, size: int = 100) -> list[Any]:
        """All rows of a list, by cursor where the list has one."""
        join = "&" if "?" in path else "?"
        target: str | None = f"{path}{join}page[size]={size}"
        rows: list[Any] = []
        while target:
            page = self.get(target)
            rows += page[key]
            more = page["meta"]["has_more"] if "meta" in page else page.get("next_page")
            target = (page["links"]["next"] if "meta" in page else page["next_page"]) if more else None
        return rows

    def zenpy(self, **credentials: Any) -> Zenpy:
        """The SDK, which believes that it talks to the vendor."""
        keys = self.server.secrets()
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", Rerouted(self.server.url))
        given = credentials or {"email": keys["email"], "token": keys["api_token"]}
        return Zenpy(subdomain=keys["subdomain"], session=session, timeout=5, disable_cache=True, **given)


@contextmanager
def served(account: Account, limits: Limits | None = None) -> Iterator[tuple[Server, Client]]:
    """An imitation that enforces no limits unless told otherwise."""
    with Server(account, limits=limits or Limits(None)) as server:
        client = Client(server)
        try:
            yield server, client
        finally:
            client.session.close()
