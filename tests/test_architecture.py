"""The rules that keep the house in order: who imports whom, who waits, who prints, how long a module is."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("catchment", "config", "connectors", "framework", "state", "warehouse_loader")
LONGEST_MODULE = 450

# package -> the sibling packages it may import
MAY_IMPORT: dict[str, set[str]] = {
    "framework": set(),
    "connectors": {"framework"},
    "state": {"framework"},
    "warehouse_loader": {"framework"},
    "config": {"framework"},
    "catchment": {"config", "connectors", "framework", "state", "warehouse_loader"},
}

# library -> the only modules that may import it (a trailing dot: everything below)
ONE_DOOR: dict[str, tuple[str, ...]] = {
    "requests": ("framework.http", "framework.wire"),
    "urllib3": ("framework.wire",),
    "tenacity": ("framework.http",),
    "backoff": ("warehouse_loader.patience",),
    "sqlalchemy": ("state.",),
    "duckdb": ("warehouse_loader.", "catchment."),
    "adbc_driver_postgresql": ("warehouse_loader.", "state.", "catchment.testing."),
}
NEVER = {"numpy", "pandas", "httpx", "aiohttp", "vcr", "pytest", "stripe", "dlt"}

MAY_SLEEP = ("framework.http", "framework.limits", "state.patience", "catchment.imitations.")
MAY_PRINT = ("catchment.cli*", "catchment.demo*", "catchment.imitations.*__main__")

# What must not be loaded to print a help text.
HEAVY = {"requests", "duckdb", "pyarrow", "sqlalchemy", "pydantic", "authlib", "apscheduler", "numpy"}


@dataclass(frozen=True)
class Module:
    """One source file of ours, parsed."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def package(self) -> str:
        return self.name.split(".")[0]

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yields every imported module by its absolute name, wherever in the file it is, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield base, node.lineno
                yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)

    def calls(self) -> Iterator[tuple[str, int]]:
        """Yields every called name as it is written (`time.sleep`, `print`), with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func), node.lineno

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        here = parts if self.path.name == "__init__.py" else parts[:-1]
        above = here[: len(here) - node.level + 1]
        return ".".join([*above, *filter(None, [node.module])])


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            source = path.read_text(encoding="utf-8")
            found.append(Module(name, path, ast.parse(source, str(path)), source.count("\n")))
    return tuple(found)


def belongs(name: str, places: tuple[str, ...]) -> bool:
    """Says whether a module is one of `places`: a name, everything below `name.`, or a pattern with `*`."""
    return any(fnmatchcase(name, place) or (place.endswith(".") and f"{name}.".startswith(place)) for place in places)


def where(module: Module, line: int) -> str:
    return f"{module.path.relative_to(ROOT)}:{line}"


def test_there_is_something_to_judge() -> None:
    assert {module.package for module in modules()} <= set(PACKAGES)
    assert len(modules()) > 5


def test_imports_run_one_way() -> None:
    wrong = [
        f"{where(module, line)} imports {name}"
        for module in modules()
        for name, line in module.imports()
        if name.split(".")[0] in PACKAGES and name.split(".")[0] not in MAY_IMPORT[module.package] | {module.package}
    ]
    assert not wrong, wrong


def test_imitations_share_nothing_with_what_they_judge() -> None:
    wrong = [
        f"{where(module, line)} imports {name}"
        for module in modules()
        if belongs(module.name, ("catchment.imitations.",))
        for name, line in module.imports()
        if name.split(".")[0] in PACKAGES and not belongs(name, ("catchment.imitations.",))
    ]
    assert not wrong, wrong


def test_connectors_do_not_know_each_other() -> None:
    def app(name: str) -> str:
        return name.split(".")[1] if name.count(".") else ""

    wrong = [
        f"{where(module, line)} imports {name}"
        for module in modules()
        if module.package == "connectors" and app(module.name)
        for name, line in module.imports()
        if name.split(".")[0] == "connectors" and app(name) != app(module.name)
    ]
    assert not wrong, wrong


def test_nothing_of_ours_reaches_for_tests_or_benchmarks() -> None:
    wrong = [
        f"{where(module, line)} imports {name}"
        for module in modules()
        for name, line in module.imports()
        if name.split(".")[0] in {"tests", "benchmarks"}
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("library", ONE_DOOR)
def test_a_library_has_one_door(library: str) -> None:
    wrong = [
        f"{where(module, line)} imports {name}"
        for module in modules()
        for name, line in module.imports()
        if name.split(".")[0] == library and not belongs(module.name, ONE_DOOR[library])
    ]
    assert not wrong, wrong


def test_what_is_slow_to_start_or_only_for_tests_is_never_imported() -> None:
    wrong = [
        f"{where(module, line)} imports {name}"
        for module in modules()
        if not belongs(module.name, ("catchment.testing.",))
        for name, line in module.imports()
        if name.split(".")[0] in NEVER
    ]
    assert not wrong, wrong


def test_only_named_modules_sleep() -> None:
    wrong = [
        f"{where(module, line)} sleeps"
        for module in modules()
        if not belongs(module.name, MAY_SLEEP)
        for line in [
            *(line for called, line in module.calls() if called in {"time.sleep", "sleep"}),
            *(line for name, line in module.imports() if name == "time.sleep"),
        ]
    ]
    assert not wrong, wrong


def test_only_the_command_line_prints() -> None:
    wrong = [
        f"{where(module, line)} prints"
        for module in modules()
        if not belongs(module.name, MAY_PRINT)
        for called, line in module.calls()
        if called == "print"
    ]
    assert not wrong, wrong


def test_every_module_says_what_it_is() -> None:
    files = [module.path for module in modules()]
    files += [path for folder in ("tests", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
    silent = [
        str(path.relative_to(ROOT))
        for path in files
        if (source := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(source))
    ]
    assert not silent, silent


def test_no_module_is_too_long_to_read() -> None:
    long = {str(m.path.relative_to(ROOT)): m.lines for m in modules() if m.lines > LONGEST_MODULE}
    assert not long, long


def test_every_public_name_resolves() -> None:
    catchment = importlib.import_module("catchment")
    assert catchment.__all__
    missing = [name for name in catchment.__all__ if getattr(catchment, name, None) is None]
    assert not missing, missing


def loaded_after(statement: str) -> set[str]:
    """Returns the top-level names of every module that `statement` loads in a fresh interpreter."""
    code = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("statement", ["import catchment", "import catchment.cli"])
def test_starting_loads_nothing_heavy(statement: str) -> None:
    assert not loaded_after(statement) & HEAVY


def test_an_imitation_runs_without_the_rest() -> None:
    names = [m.name for m in modules() if belongs(m.name, ("catchment.imitations.",))]
    runnable = [name for name in names if not name.endswith("__main__")]
    statement = "\n".join(f"import {name}" for name in runnable) or "import catchment"
    assert not loaded_after(statement) & (set(PACKAGES) - {"catchment"} | HEAVY)
