"""What passes between the shared server and a vendor: a request, its answer, its entry in the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote

from catchment.imitations.clock import Clock
from catchment.imitations.faults import Fault


@dataclass(frozen=True)
class Ask:
    """One request: its target as it was sent, its headers under lower-case names, its whole body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, unquoted."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> str:
        """What follows the question mark, as it was sent."""
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Reply:
    """What goes back: status, body, and headers beyond the usual ones (or instead of them)."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One request in the log. `at` is monotonic seconds; status 0 means that no answer was sent."""

    at: float
    method: str
    target: str
    status: int
    key: str
    fault: str | None = None


class Vendor(Protocol):
    """What a server serves: the answers of one vendor. Called from many threads at once."""

    @property
    def clock(self) -> Clock:
        """The vendor's time, from which the Date header is made."""
        ...

    def caller(self, ask: Ask) -> str:
        """Who asks, for the log: a fingerprint, never a secret."""
        ...

    def reply(self, ask: Ask, fault: Fault | None) -> Reply:
        """The answer. A fault that is a refusal or an odd page is the vendor's to carry out; others are not."""
        ...
