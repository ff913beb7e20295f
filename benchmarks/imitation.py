"""Starts a bundled imitation of a vendor's API as a process of its own and asks it what it saw."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from benchmarks import ROOT


@dataclass(frozen=True)
class Call:
    """One request in the imitation's log: `at` in monotonic seconds, `path` without the parameters."""

    at: float
    target: str
    status: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Imitation:
    """A running imitation; use as a context manager. `bulk`: an account of any size, rendered on the fly.

    `told`: what it said when it was ready, the credentials among it.
    """

    def __init__(self, objects: int, *options: str, bulk: bool = True, app: str = "stripe") -> None:
        self.objects = objects
        self._command = [sys.executable, "-m", f"catchment.imitations.{app}", "--objects", str(objects), *options]
        if bulk:
            self._command.append("--bulk")
        self.url = self.key = self._control = ""
        self.told: dict[str, str] = {}

    def __enter__(self) -> "Imitation":
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        if not ready:
            raise RuntimeError(f"{' '.join(self._command)} ended with {self._process.wait()} before it was ready")
        told = json.loads(ready)
        self.told = told
        self.url, self.key, self._control = told["url"], told.get("key", ""), told["control"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def count(self) -> int:
        """How many objects the account has."""
        return int(self._ask("/count")["objects"])

    def log(self, since: int = 0) -> list[Call]:
        """The calls after the first `since`, in the order of their answers."""
        return [Call(entry["at"], entry["target"], entry["status"]) for entry in self._ask("/log")[since:]]

    def calls(self) -> int:
        """How many calls were made so far."""
        return len(self._ask("/log"))

    def age(self) -> None:
        """Change every object of a bulk account."""
        self._ask("/age", {})

    def limit(self, **calls: int) -> None:
        """Replace Zendesk's limits: calls a minute, of the account or of one of its buckets."""
        self._ask("/limit", calls)

    def pages(self, path: str) -> list[int]:
        """Reads a list to its end in pages of 100; how many rows each page had."""
        place = f"{path}{'&' if '?' in path else '?'}limit=100"
        target, sizes = place, list[int]()
        while True:
            page = self._get(self.url + target, {"Authorization": f"Bearer {self.key}"})
            sizes.append(len(page["data"]))
            if not page["has_more"]:
                return sizes
            target = f"{place}&starting_after={page['data'][-1]['id']}"

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._get(self._control + path, {}, None if body is None else json.dumps(body).encode())

    def _get(self, url: str, headers: dict[str, str], body: bytes | None = None) -> Any:
        with urlopen(Request(url, body, headers), timeout=60) as answer:
            return json.load(answer)
