"""Several requests in one call: 25 at most, five of them queries, billed as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.salesforce.soql import ALONE, BASE
from framework.bundle import Bundle, Part
from framework.feed import Answer, Request

PATH = f"{BASE}/composite"
PARTS, QUERIES = 25, 5
_QUERIES = (f"{BASE}/query?", f"{BASE}/queryAll?", f"{BASE}/query/", f"{BASE}/queryAll/")


class _Part(msgspec.Struct, rename="camel"):
    body: msgspec.Raw = msgspec.Raw(b"null")
    http_headers: dict[str, Any] = {}
    http_status_code: int = 0
    reference_id: str = ""


class _Composite(msgspec.Struct, rename="camel"):
    composite_response: list[_Part]


_COMPOSITE = msgspec.json.Decoder(_Composite)


def is_query(request: Request) -> bool:
    """Whether a request counts as one of the five queries: a query, or a further page of one."""
    return request.path.startswith(_QUERIES)


def fits(requests: Sequence[Request]) -> bool:
    """Whether these go in one call: reads of queries and objects do, those of jobs do not."""
    if len(requests) > PARTS or any(r.method != "GET" or r.params or r.endpoint == ALONE for r in requests):
        return False
    if not all(is_query(r) or r.path.startswith(f"{BASE}/sobjects") for r in requests):
        return False
    return sum(map(is_query, requests)) <= QUERIES


def wrap(requests: Sequence[Request]) -> Request:
    """The call that makes these requests; each counts by itself, none undoes another."""
    parts = [
        {
            "method": request.method,
            "url": request.path,
            "referenceId": f"r{n}",
            **({"httpHeaders": dict(request.headers)} if request.headers else {}),
        }
        for n, request in enumerate(requests)
    ]
    body = msgspec.json.encode({"allOrNone": False, "compositeRequest": parts})
    return Request(PATH, endpoint="composite", method="POST", body=body)


def unwrap(answer: Answer, requests: Sequence[Request]) -> Sequence[Part]:
    """The answer to each request. Raises msgspec.DecodeError for an answer that is none."""
    found = {part.reference_id: part for part in _COMPOSITE.decode(answer.body).composite_response}
    missing = [n for n in range(len(requests)) if f"r{n}" not in found]
    if missing:
        raise msgspec.DecodeError(f"{len(missing)} of {len(requests)} parts have no answer")
    return [_part(found[f"r{n}"]) for n in range(len(requests))]


def _part(part: _Part) -> Part:
    headers = {name.lower(): str(value) for name, value in part.http_headers.items()}
    return Part(part.http_status_code, headers, bytes(part.body))


BUNDLE = Bundle(fits, wrap, unwrap)
