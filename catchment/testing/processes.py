"""Runs the real programs for tests: an imitated vendor that stays up, and `catchment` commands that may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

import catchment
from catchment.testing.expected import Thing, from_lines

ROOT = Path(catchment.__file__).resolve().parents[1]
GLANCE = 0.005  # seconds between two looks at a process
PATIENCE = 60.0  # seconds for an answer


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended: exit code (negative: the signal that ended it) and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output; AssertionError with both outputs when it is none."""
        try:
            read = json.loads(self.stdout)
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise AssertionError(f"no JSON document, exit code {self.code}\n{self.stdout}\n{self.stderr}")
        return read


class Running:
    """A process with its output in files of its own, so that no pipe ever fills; use it as a context manager."""

    def __init__(
        self, command: Sequence[str], directory: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self._output = tempfile.TemporaryDirectory(prefix="process-")
        folder = Path(self._output.name)
        self._files = (folder / "stdout", folder / "stderr")
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(env or {})}
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self.process = subprocess.Popen(
                list(command), cwd=directory, env=surroundings, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stdout(self) -> str:
        """What it has written so far."""
        return self._files[0].read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """What it has written to standard error so far."""
        return self._files[1].read_text(errors="replace")

    def is_over(self, within: float = 0.0) -> bool:
        """Whether it has ended, waiting up to so many seconds for it."""
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait(self, timeout: float = 120.0) -> Finished:
        """Its end; when it takes longer (seconds) it is killed and AssertionError tells what it wrote."""
        if not self.is_over(timeout):
            self.send(signal.SIGKILL)
            raise AssertionError(f"still running after {timeout:g} s\n{self.stdout}\n{self.stderr}")
        return Finished(self.process.returncode, self.stdout, self.stderr)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; nothing happens when it has already ended."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            if number == signal.SIGKILL:
                self.process.wait()

    def kill_after(self, seconds: float) -> bool:
        """SIGKILL so many seconds from now; False when it ended before by itself."""
        if self.is_over(seconds):
            return False
        self.send(signal.SIGKILL)
        return True

    def reaches(self, condition: Callable[[], bool], timeout: float = 120.0) -> bool:
        """Whether a condition holds while it runs; False when it ended (or the seconds were over) before."""
        for _ in range(int(timeout / GLANCE)):
            if condition():
                return True
            if self.is_over(GLANCE):
                return False
        return False

    def kill_when(self, reached: Callable[[], bool], timeout: float = 120.0) -> bool:
        """SIGKILL as soon as a condition holds; False when it ended (or the seconds were over) before."""
        return self.reaches(reached, timeout) and self.kill_after(0)

    def first_line(self, timeout: float = 30.0) -> str:
        """Its first whole line on standard output; AssertionError when it ends or the time is over before."""
        for _ in range(int(timeout / GLANCE)):
            line, newline, _ = self.stdout.partition("\n")
            if newline:
                return line
            if self.is_over(GLANCE):
                break
        raise AssertionError(f"it wrote no line: exit code {self.process.poll()}\n{self.stdout}\n{self.stderr}")

    def close(self) -> None:
        """Ends it, kindly at first."""
        self.send(signal.SIGTERM)
        if not self.is_over(5):
            self.send(signal.SIGKILL)
        self._output.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Imitation(Running):
    """An imitated vendor in a process of its own; ``info`` is the JSON line by which it says where it is.

    ``url`` and ``key`` are the API's, ``info["control"]`` is where tests give it orders.
    """

    def __init__(self, vendor: str, *arguments: str) -> None:
        module = vendor if "." in vendor else f"catchment.imitations.{vendor}"
        super().__init__([sys.executable, "-m", module, *arguments])
        try:
            self.info: dict[str, Any] = json.loads(self.first_line())
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        return str(self.info["url"])

    @property
    def key(self) -> str:
        return str(self.info["key"])

    def ask(self, path: str) -> Any:
        """What it answers to a question (`/calls`, `/log` ...)."""
        with self._control("GET", path) as answer:
            return json.load(answer)

    def order(self, path: str, /, **body: Any) -> Any:
        """Gives it an order (`/live`, `/fault`, `/clock` ...) and returns its answer."""
        with self._control("POST", path, json.dumps(body)) as answer:
            return json.load(answer)

    def truth(self) -> Iterator[Thing]:
        """All its objects as they are now, living and deleted."""
        with self._control("GET", "/truth") as lines:
            yield from from_lines(lines)

    @contextmanager
    def _control(self, method: str, path: str, body: str | None = None) -> Iterator[HTTPResponse]:
        connection = HTTPConnection(urlsplit(self.info["control"]).netloc, timeout=PATIENCE)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK:
                raise AssertionError(f"{method} {path}: {answer.status} {answer.read().decode()}")
            yield answer
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Project:
    """A directory with a `catchment.yaml`, in which commands run as a user would type them."""

    directory: Path
    module: str = "catchment.cli"

    def configure(self, sources: Mapping[str, Mapping[str, Any]], **settings: Any) -> Path:
        """Writes the configuration: a DuckDB file and a state database in the directory unless told otherwise."""
        wanted = {
            "warehouse": "duckdb:///warehouse.duckdb",
            "state": "sqlite:///.catchment/state.db",
            **settings,
            "sources": {name: dict(source) for name, source in sources.items()},
        }
        path = self.directory / "catchment.yaml"
        path.write_text(yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True))
        return path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file of the default configuration."""
        return self.directory / "warehouse.duckdb"

    @property
    def state(self) -> Path:
        """The state database of the default configuration."""
        return self.directory / ".catchment" / "state.db"

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Running:
        """Starts a command and leaves it running."""
        return Running([sys.executable, "-m", self.module, *arguments], self.directory, env)

    def run(self, *arguments: str, timeout: float = 120.0, env: Mapping[str, str] | None = None) -> Finished:
        """Runs a command to its end."""
        with self.start(*arguments, env=env) as running:
            return running.wait(timeout)

    def sync(self, *arguments: str, timeout: float = 120.0, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """`sync --json`: its document, whatever its exit code."""
        return self.run("sync", "--json", *arguments, timeout=timeout, env=env).document


def source(connector: str, base_url: str, credentials: Mapping[str, str], **settings: Any) -> dict[str, Any]:
    """One source of a configuration, pointed at an imitation."""
    return {"connector": connector, "credentials": dict(credentials), "base_url": base_url, **settings}


def collections(document: Mapping[str, Any], source_name: str) -> dict[str, dict[str, Any]]:
    """The collections of one source in a run's document, by name."""
    found = next(each for each in document["sources"] if each["source"] == source_name)
    return {each["collection"]: each for each in found["collections"]}
