"""The example connector, installed as a user would: it is found, it syncs, the kit judges it, the guide is true."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from catchment.testing.processes import Imitation, Project, collections
from tests.conftest import ROOT
from tests.test_docs import fences

EXAMPLE = ROOT / "examples" / "bookshop"
GUIDE = ROOT / "docs" / "write-a-connector.md"
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(EXAMPLE.rglob("*.py")))
TESTS = re.findall(
    r"^def (test_\w+)", (EXAMPLE / "tests" / "test_bookshop.py").read_text(encoding="utf-8"), re.MULTILINE
)
BLOCKS = fences(GUIDE, "python")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel as an installer lays it out."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=EXAMPLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment in which every process has the package; tests import nothing of it themselves."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
    return os.environ


@pytest.fixture
def shop(installed: Mapping[str, str]) -> Iterator[Imitation]:
    with Imitation("catchment_bookshop.imitation", "--objects", "600") as imitation:
        yield imitation


@pytest.fixture
def project(shop: Imitation, tmp_path: Path) -> Project:
    """The guide's configuration, with the place where the imitation happens to be."""
    (text,) = fences(GUIDE, "yaml")
    (given,) = yaml.safe_load(text)["sources"].values()
    assert given["credentials"]["api_key"] == shop.key
    project = Project(tmp_path)
    project.configure({"shop": {**given, "base_url": shop.url}})
    return project


def test_the_catalogue_shows_what_is_installed(installed: Mapping[str, str], tmp_path: Path) -> None:
    done = Project(tmp_path).run("catalog", "bookshop", "--json")
    assert done.code == 0, done.stderr
    (connector,) = json.loads(done.stdout)["connectors"]
    names = [each["collection"] for each in connector["collections"]]
    assert names == ["authors", "books", "orders", "order_lines", "stock_movements"]
    assert all(each["calls"] and each["description"] and each["columns"] for each in connector["collections"])


def test_without_the_package_there_is_no_such_connector(tmp_path: Path) -> None:
    done = Project(tmp_path).run("catalog", "bookshop")
    assert done.code == 2
    assert "stripe" in done.stderr


def test_the_commands_of_the_guide_work(project: Project, shop: Imitation) -> None:
    assert project.run("check", "shop").code == 0
    document = project.sync("shop")
    assert document["status"] == "succeeded", document
    counts = {name: told["inserted"] + told["appended"] for name, told in collections(document, "shop").items()}
    truth: dict[str, int] = {}
    for thing in shop.truth():
        truth[thing.object_type] = truth.get(thing.object_type, 0) + 1
        truth["order_lines"] = truth.get("order_lines", 0) + len(thing.object.get("lines", ()))
    assert counts == truth
    (query,) = [line for text in fences(GUIDE, "sh") for line in text.splitlines() if line.startswith("catchment sql")]
    done = project.run("sql", query.split('"')[1])
    assert done.code == 0, done.stderr
    assert "order_lines" in done.stdout


def test_a_wrong_credential_is_told_where_it_stands(project: Project, shop: Imitation) -> None:
    told = {"connector": "bookshop", "base_url": shop.url, "credentials": {"apikey": "x"}}
    project.configure({"shop": told})
    done = project.run("sync", "--json")
    assert done.code == 2
    assert json.loads(done.stdout)["error"]["line"] > 1
    project.configure({"shop": {**told, "credentials": {"api_key": "bk_live_other"}}})
    (source,) = project.sync()["sources"]
    assert source["error"]["kind"] == "auth"


@pytest.mark.parametrize("name", TESTS)
def test_its_own_tests_pass(name: str, installed: Mapping[str, str], tmp_path: Path) -> None:
    """The tests that come with the example, which are the kit's checks."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", name]
    done = subprocess.run(
        [*command, "--basetemp", str(tmp_path / "own")], cwd=EXAMPLE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b\d+ passed", done.stdout)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[0][:40])
def test_code_of_the_guide_is_the_example_s_or_runs(block: str, installed: Mapping[str, str]) -> None:
    if block not in CODE:
        done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_most_code_of_the_guide_is_the_example_s() -> None:
    assert len(BLOCKS) == 10
    assert sum(block in CODE for block in BLOCKS) == len(BLOCKS) - 1
    assert "assert " in next(block for block in BLOCKS if block not in CODE)


def test_the_guide_registers_the_connector_as_the_example_does() -> None:
    (shown,) = fences(GUIDE, "toml")
    declared: dict[str, Any] = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert tomllib.loads(shown)["project"]["entry-points"] == declared["entry-points"]


def test_the_connector_imports_from_catchment_alone() -> None:
    text = (EXAMPLE / "catchment_bookshop" / "__init__.py").read_text(encoding="utf-8")
    found = set(re.findall(r"^(?:from|import) ([\w.]+)", text, re.MULTILINE))
    assert {name for name in found if name.split(".")[0] not in sys.stdlib_module_names} == {"catchment"}


def test_the_imitation_shares_nothing_with_the_connector() -> None:
    text = (EXAMPLE / "catchment_bookshop" / "imitation.py").read_text(encoding="utf-8")
    found = set(re.findall(r"^(?:from|import) ([\w.]+)", text, re.MULTILINE))
    ours = {name for name in found if name.split(".")[0] not in sys.stdlib_module_names}
    assert ours
    assert all(name.startswith("catchment.imitations.") for name in ours)
