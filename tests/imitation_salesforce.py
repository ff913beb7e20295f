"""A client of the Salesforce imitation for tests: a plain session, and the SDK `simple-salesforce`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

from catchment.imitations.salesforce import API_VERSION, Organisation, Server

NOW = 1_790_000_000
ROOT = f"/services/data/v{API_VERSION}"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Rerouted(HTTPAdapter):
    """Takes requests for the vendor's hosts to the imitation; the client is none the wiser."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        there = request.copy()
        asked = urlsplit(str(request.url))
        there.url = f"{self.url}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        answer = super().send(there, *args, **kwargs)
        answer.request = request
        return answer


class Client:
    """Asks one imitation with its open session."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.root = f"{server.url}/services/data/v{API_VERSION}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("https://", Rerouted(server.url))
        self.session.headers["Authorization"] = f"Bearer {server.access_token}"

    def get(self, path: str, **params: Any) -> requests.Response:
        headers = params.pop("headers", None)
        return self.session.get(self.root + path, params=params, headers=headers, timeout=10)

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        return self.session.post(self.root + path, json=body, headers=headers, timeout=10)

    def query(self, soql: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        """All records that a query finds, page by page, without their attributes."""
        answer = self.get("/queryAll" if deleted else "/query", q=soql).json()
        found = answer["records"]
        while not answer["done"]:
            answer = self.session.get(self.server.url + answer["nextRecordsUrl"], timeout=10).json()
            found += answer["records"]
        return [{name: value for name, value in row.items() if name != "attributes"} for row in found]

    def composite(self, *urls: str, headers: dict[str, str] | None = None, **more: Any) -> list[dict[str, Any]]:
        """The answers to several GETs in one call."""
        own = {"httpHeaders": headers} if headers else {}
        parts = [
            {"method": "GET", "url": f"/services/data/v{API_VERSION}{url}", "referenceId": f"r{place}", **own}
            for place, url in enumerate(urls)
        ]
        found: list[dict[str, Any]] = self.post("/composite", {"compositeRequest": parts, **more}).json()[
            "compositeResponse"
        ]
        return found

    def token(self, **form: str) -> requests.Response:
        """A request to the token endpoint with the app's own id and secret unless told otherwise."""
        app = self.server.app
        whole = {"client_id": app.client_id, "client_secret": app.client_secret, **form}
        return requests.post(f"{self.server.url}/services/oauth2/token", data=whole, timeout=10)

    def sdk(self) -> Salesforce:
        """The SDK, logged in with the open session."""
        return Salesforce(
            instance_url="https://acme.my.salesforce.com",
            session_id=self.server.access_token,
            version=API_VERSION,
            session=self.session,
        )


@contextmanager
def serving(org: Organisation, **options: Any) -> Iterator[Client]:
    """A running server for an organisation, and a client of it."""
    with Server(org, **options) as server:
        yield Client(server)


def serve(org: Organisation, **options: Any) -> Iterator[Client]:
    """The same for fixtures."""
    with serving(org, **options) as client:
        yield client


def job(client: Client, soql: str, **more: Any) -> requests.Response:
    return client.post("/jobs/query", {"operation": "queryAll", "query": soql, **more})


def opened(client: Client, org: Organisation, many: int = 450) -> str:
    while len(org.tables["Note"]) < many:
        org.insert("Note", {"Title": "n"})
    answer = client.get("/query", q="SELECT Id FROM Note", headers={"Sforce-Query-Options": "batchSize=200"}).json()
    url: str = answer["nextRecordsUrl"]
    assert url.startswith(f"{ROOT}/query/0r8")
    assert url.endswith("-200")
    return url.removeprefix(ROOT)


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]
