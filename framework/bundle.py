"""Several requests as one call, where an API takes that: what fits together, how it is asked and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from framework.feed import Answer, Request


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one request of a bundle, as if it had been asked alone. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """How an API takes several requests in one call.

    ``fits``: whether these requests may go together (asked with one more each time, in the order they are ready; a
    single one that does not fit goes by itself). ``wrap`` makes the call, ``unwrap`` gives a part for every request,
    in their order, raising msgspec.DecodeError for an answer that is none.
    """

    fits: Callable[[Sequence[Request]], bool]
    wrap: Callable[[Sequence[Request]], Request]
    unwrap: Callable[[Answer, Sequence[Request]], Sequence[Part]]
