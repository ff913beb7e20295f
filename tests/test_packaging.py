"""What a user installs: a wheel with the six packages and their data, registered, and nothing else."""

import configparser
import re
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("catchment", "config", "connectors", "framework", "state", "warehouse_loader")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
USERS_CHOICE = {
    "apscheduler", "authlib", "backoff", "cryptography", "duckdb", "msgspec", "pyarrow", "pydantic", "pyyaml",
    "requests", "sqlalchemy", "tenacity",
}  # fmt: skip
PIN = re.compile(r"^[a-z0-9._-]+==\S+( ; .+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer lays it out (pure Python: unpacking is installing)."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def dist_info(installed: Path, name: str) -> str:
    (folder,) = installed.glob("catchment-*.dist-info")
    return (folder / name).read_text(encoding="utf-8")


def python(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Runs code in an interpreter that sees `paths` before everything else, and no PYTHONPATH."""
    head = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    return subprocess.run([sys.executable, "-I", "-c", head + code], capture_output=True, text=True, check=False)


def tracked_sources() -> set[str]:
    """Every file below the packages that belongs in the wheel."""
    return {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    names = {name for name in names_in(wheel) if ".dist-info/" not in name}
    assert names == tracked_sources()
    assert {name.split("/")[0] for name in names} == set(PACKAGES)


def test_data_files_travel_with_their_package(wheel: Path) -> None:
    names = names_in(wheel)
    assert "state/schema.sql" in names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_version_and_licence_travel_too(installed: Path) -> None:
    metadata = message_from_string(dist_info(installed, "METADATA"))
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert dist_info(installed, "licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_core_needs_what_was_chosen_and_no_more(installed: Path) -> None:
    metadata = message_from_string(dist_info(installed, "METADATA"))
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {re.split(r"[^A-Za-z0-9_-]", line)[0].lower() for line in needed} == USERS_CHOICE


def test_entry_points_lead_to_what_they_name(installed: Path) -> None:
    points = configparser.ConfigParser()
    points.read_string(dist_info(installed, "entry_points.txt"))
    targets = [target for section in points.sections() for _, target in points.items(section)]
    assert points["console_scripts"]["catchment"] == "catchment.cli:main"
    assert points["catchment.connectors"]["stripe"] == "connectors.stripe:connector"
    for target in targets:
        module, name = target.split(":")
        done = python(f"import {module} as m; print(m.__file__); m.{name}", installed)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).is_relative_to(installed)


@pytest.mark.parametrize("package", PACKAGES)
def test_siblings_come_from_one_distribution(package: str, installed: Path) -> None:
    for place, paths in ((installed, (installed,)), (ROOT, (ROOT,))):
        done = python(f"import {package}; print({package}.__file__)", *paths)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).is_relative_to(place / package)


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "catchment"])
def test_a_foreign_package_of_the_same_name_is_named_at_the_start(package: str, tmp_path: Path) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    done = python("from catchment.cli import main; sys.exit(main(['status']))", tmp_path, ROOT)
    assert done.returncode == 2, done.stdout + done.stderr
    assert str(tmp_path / package) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "requirements").glob("*.txt")))
def test_requirements_are_pins_with_hashes_and_nothing_else(file: str) -> None:
    lines = (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
    assert lines
    assert not [line for line in lines if not PIN.match(line) and not HASH.match(line)]
    for pin, following in zip(lines, [*lines[1:], ""], strict=True):
        assert not PIN.match(pin) or HASH.match(following), f"{pin} has no hash"


def test_development_and_benchmark_run_on_the_pins_that_users_get() -> None:
    def pins(file: str) -> set[str]:
        lines = (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
        return {line.split(" ")[0] for line in lines if PIN.match(line)}

    core = pins("core.txt")
    assert "duckdb==2.0.0" in core
    assert core <= pins("dev.txt")
    assert core <= pins("bench.txt")
    assert not {pin for pin in core | pins("bench.txt") if pin.startswith(("numpy==", "pandas=="))}
