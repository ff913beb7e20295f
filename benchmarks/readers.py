"""How each connector reads a large account: the imitation it is given, what its source says, what its run reports."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import measure
from benchmarks.contestants import NINE, OURS
from benchmarks.imitation import Imitation
from benchmarks.measure import Cost

UNLIMITED = 1_000_000
CURSOR = "incremental-exports-cursor"
_SIX = ("accounts", "contacts", "leads", "opportunities", "cases", "tasks")
_MAIN = 7  # objects among which the imitation of Salesforce shares its rows; one of them is not in the default set


@dataclass(frozen=True)
class Reader:
    """`accounts`: objects of the imitation per row that a first sync brings."""

    name: str
    app: str
    collections: Sequence[str]
    credentials: Callable[[Mapping[str, str]], Mapping[str, str]]
    accounts: float = 1.0

    @contextmanager
    def serving(self, rows: int, *, limited: bool = False) -> Iterator[Imitation]:
        """An account of about this many rows; ``limited``: with the vendor's own limits."""
        with Imitation(int(rows * self.accounts), app=self.app) as imitation:
            if self.app == "zendesk" and not limited:
                imitation.limit(account=UNLIMITED, **{CURSOR: UNLIMITED})
            yield imitation

    def first_sync(self, imitation: Imitation) -> "Read":
        """One first sync into an empty folder."""
        source: dict[str, Any] = {
            "connector": self.app,
            "credentials": self.credentials(imitation.told),
            "base_url": imitation.url,
            "collections": list(self.collections),
        }
        if self.app != "zendesk":  # whose headers say that nothing holds it up
            source["rate_limit"] = {"per_second": UNLIMITED, "per_endpoint": UNLIMITED}
        with TemporaryDirectory(prefix="catchment-bench-") as name:
            path = Path(name) / "catchment.yaml"
            path.write_text(json.dumps({"warehouse": "duckdb:///warehouse.duckdb", "sources": {"one": source}}))
            cost = measure.run((OURS, "sync", "--config", path, "--json"))
        (told,) = json.loads(cost.output)["sources"]
        return Read(cost, sum(one["fetched"] for one in told["collections"]), told["api_calls"])


@dataclass(frozen=True)
class Read:
    """What a first sync cost, how many rows it brought, and by how many calls."""

    cost: Cost
    rows: int
    calls: int

    @property
    def per_row(self) -> float:
        """Processor seconds per 100,000 rows."""
        return self.cost.cpu / self.rows * 1e5


STRIPE = Reader("Stripe, lists", "stripe", NINE, lambda told: {"api_key": told["key"]})
ZENDESK = Reader(
    "Zendesk, tickets with metrics",
    "zendesk",
    ("tickets", "ticket_metrics"),
    lambda told: {"subdomain": "acme", "access_token": told["access_token"]},
    1 / 2,
)
SALESFORCE = Reader(
    "Salesforce",
    "salesforce",
    _SIX,
    lambda told: {name: told[name] for name in ("login_url", "access_token", "instance_url")},
    _MAIN / len(_SIX),
)
