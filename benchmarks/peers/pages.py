"""What both other contestants share: reading a Stripe list page by page, and turning records into an Arrow table.

dlt's own REST client parses every page twice with the standard library's json. Handing it Arrow tables made by
this module is the cheapest way we found to feed it, so it runs as its most careful users run it.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pyarrow as pa
import requests

Record = dict[str, Any]

# name of the table -> path of the list, with what makes the list complete
COLLECTIONS = {
    "balance_transactions": "/v1/balance_transactions",
    "charges": "/v1/charges",
    "customers": "/v1/customers",
    "invoices": "/v1/invoices",
    "payment_intents": "/v1/payment_intents",
    "payment_methods": "/v1/payment_methods",
    "prices": "/v1/prices",
    "refunds": "/v1/refunds",
    "subscriptions": "/v1/subscriptions?status=all",
}
API_VERSION = "2026-10-28.endive"


def session(key: str) -> requests.Session:
    """One keep-alive session that speaks as the account of `key`."""
    opened = requests.Session()
    opened.trust_env = False
    opened.headers.update({"Authorization": f"Bearer {key}", "Stripe-Version": API_VERSION})
    return opened


def parted(path: str) -> tuple[str, dict[str, str]]:
    """The path of a list, and its parameters with the page size."""
    place, _, search = path.partition("?")
    return place, {**dict(parse_qsl(search)), "limit": "100"}


def pages(client: requests.Session, url: str, path: str) -> Iterator[list[Record]]:
    """The pages of one list, newest first, 100 records each."""
    place, params = parted(path)
    while True:
        answer = client.get(url + place, params=params, timeout=30)
        answer.raise_for_status()
        page = orjson.loads(answer.content)
        yield page["data"]
        if not page["has_more"]:
            return
        params["starting_after"] = page["data"][-1]["id"]


def chunks(found: Iterable[list[Record]], rows: int) -> Iterator[list[Record]]:
    """The records of many pages in lists of about `rows`, none of them empty."""
    waiting: list[Record] = []
    for page in found:
        waiting += page
        if len(waiting) >= rows:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def table(records: list[Record]) -> pa.Table:
    """One column a field: scalars typed by what they hold, nested values as JSON text, all-null columns left out."""
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: _column([record.get(name) for record in records]) for name in names}
    if "created" in columns:
        columns["created"] = columns["created"].cast(pa.timestamp("s", "UTC"))
    return pa.table({name: column for name, column in columns.items() if not pa.types.is_null(column.type)})


def _column(values: list[Any]) -> pa.Array:
    if any(isinstance(value, (dict, list)) for value in values):
        return pa.array([None if value is None else orjson.dumps(value).decode() for value in values], pa.string())
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
