"""The command line as a whole: help, wrong use, configuration errors, defects, signals, and its page in docs/."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catchment import cli, siblings
from catchment.commands import status
from catchment.testing.processes import Finished, Project
from tests.conftest import ROOT

CONFIG = """\
warehouse: duckdb:///warehouse.duckdb
state: sqlite:///.catchment/state.db
sources:
  shop:
    connector: stripe
    credentials: {api_key: "${SHOP_KEY:-sk_test_0123456789}"}
  other:
    connector: stripe
    credentials: {api_key: "${OTHER_KEY}"}
"""
JSON_COMMANDS = ("check", "sync", "status", "runs", "catalog")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A directory with a configuration, which is also the current one."""
    (tmp_path / "catchment.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (action,) = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(action.choices)


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [a for a in parser._actions if a.dest not in ("help", "config")]


def run(*arguments: str) -> int:
    return cli.main(list(arguments))


# -------------------------------------------------------------------------------------- help


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert re.search(rf"^    {name} +\w", shown, re.MULTILINE), name


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_and_takes_a_configuration(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: catchment {name} ")
    assert "--config PATH" in shown


def test_the_commands_that_print_a_document_say_so() -> None:
    parsers = subparsers(cli.parser())
    for name in JSON_COMMANDS:
        assert any("--json" in a.option_strings for a in parsers[name]._actions), name


def test_help_loads_nothing_heavy(project: Project) -> None:
    code = "import sys; from catchment.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert not loaded & {"requests", "duckdb", "pyarrow", "pydantic", "msgspec", "yaml", "connectors", "state"}


def test_the_version_is_the_distributions() -> None:
    done = subprocess.run([sys.executable, "-m", "catchment", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"catchment \d+\.\d+\.\d+\n", done.stdout)


# ---------------------------------------------------------------------------- wrong use, wrong files


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "no command"),
        (["snyc"], "snyc"),
        (["sync", "--du"], "--du"),
        (["logs"], "RUN"),
        (["sql", "select 1", "--format", "xml"], "xml"),
        (["resync", "shop", "--since", "yesterday"], "yesterday"),
        (["resync", "shop", "--since", "2999-01-01"], "future"),
        (["sync", "shop.nothing"], "no collection 'nothing'"),
        (["sync", "shop.customer_balance_transactions"], "does not select"),
        (["sync", "nobody"], "no source 'nobody'"),
        (["check", "nobody"], "no source 'nobody'"),
        (["runs", "nothing"], "no run 'nothing'"),
        (["logs", "nothing"], "no log of a run 'nothing'"),
        (["logs", "../state"], "is no run"),
        (["catalog", "nobody"], "no connector 'nobody'"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_is_wrong(
    given: list[str], told: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*given) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.out == ""
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("given", [["sync", "--nix", "--json"], ["sync", "nobody", "--json"], ["runs", "x", "--json"]])
def test_wrong_use_with_json_prints_the_error_as_the_one_document(
    given: list[str], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*given) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert set(error) == {"kind", "message", "file", "line", "column", "hint"}
    assert error["kind"] == "config"
    assert error["message"]


@pytest.mark.parametrize("command", ["check", "sync", "status", "runs"])
def test_an_error_in_the_file_names_line_and_column(
    command: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.directory / "catchment.yaml").write_text(
        CONFIG.replace("credentials", "kredentials: x\n    credentials", 1)
    )
    assert run(command, "--json") == 2
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert (error["file"], error["line"], error["column"]) == ("catchment.yaml", 6, 5)
    assert "catchment.yaml:6:5: " in shown.err


def test_a_variable_is_needed_only_by_the_sources_that_are_used(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("status") == 0
    capsys.readouterr()
    assert run("sync", "other", "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "OTHER_KEY" in error["message"]
    assert error["line"] == 9


def test_a_credential_that_cannot_be_one_is_told_without_showing_it(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "pk_live_notasecretkey")
    assert run("sync", "shop") == 2
    shown = capsys.readouterr()
    assert "catchment.yaml:6:" in shown.err
    assert "pk_live_notasecretkey" not in shown.err + shown.out


@pytest.mark.parametrize(
    ("key", "url"), [("warehouse", "mysql://u:p4ssw0rd@h/d"), ("state", "postgresql://u:p4ssw0rd@h/d")]
)
def test_a_database_that_is_not_supported_is_an_error_in_the_file(
    key: str, url: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project.directory / "catchment.yaml"
    file.write_text(re.sub(rf"^{key}: .*$", f"{key}: {url}", CONFIG, flags=re.MULTILINE))
    assert run("sync", "shop") == 2
    shown = capsys.readouterr().err
    assert f"catchment.yaml:{1 if key == 'warehouse' else 2}:" in shown
    assert "p4ssw0rd" not in shown


def test_the_configuration_is_the_one_that_is_named(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = project.directory / "elsewhere"
    elsewhere.mkdir()
    (project.directory / "catchment.yaml").rename(elsewhere / "mine.yaml")
    assert run("status", "--config", "elsewhere/mine.yaml") == 0
    monkeypatch.setenv("CATCHMENT_CONFIG", str(elsewhere / "mine.yaml"))
    assert run("runs") == 0
    assert (elsewhere / ".catchment" / "state.db").exists()
    monkeypatch.delenv("CATCHMENT_CONFIG")
    capsys.readouterr()
    assert run("status") == 2
    assert "catchment init" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------ init


def test_init_writes_a_file_that_a_command_can_use_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    assert "catchment check" in capsys.readouterr().out
    assert run("status") == 0
    assert run("sync") == 2
    assert "STRIPE_API_KEY" in capsys.readouterr().err
    (tmp_path / "catchment.yaml").write_text("mine", encoding="utf-8")
    assert run("init") == 2
    assert (tmp_path / "catchment.yaml").read_text(encoding="utf-8") == "mine"
    assert run("init", "--config", "other.yaml") == 0
    assert run("init", "--config", "no/such/folder/c.yaml") == 2


# ------------------------------------------------------------------------- defects, signals, readers


def test_a_defect_is_one_line_and_its_details_are_in_a_file(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("key sk_test_0123456789 fell over\nand over")

    monkeypatch.setattr(status, "_stored", broken)
    assert run("status", "--json") == 1
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert error["kind"] == "internal"
    assert "Traceback" not in shown.err + shown.out
    (log,) = (project.directory / ".catchment" / "logs").glob("mishap-*")
    assert str(log) in error["hint"]
    details = log.read_text(encoding="utf-8")
    assert "in broken" in details
    for text in (shown.out, shown.err, details):
        assert "sk_test_0123456789" not in text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_any_command_with_its_code(
    number: signal.Signals,
    code: int,
    project: Project,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status, "_stored", lambda *_: os.kill(os.getpid(), number))
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert run("status") == code
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_defect(project: Project) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "catchment", "catalog"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_text_of_any_script_is_written_whatever_the_locale(project: Project) -> None:
    (project.directory / "catchment.yaml").rename(project.directory / "конфиг.yaml")
    environment = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = project.run("sync", "nobody", "--config", "конфиг.yaml", "--json", env=environment)
    assert done.code == 2
    assert done.document["error"]["kind"] == "config"
    assert "Traceback" not in done.stderr


def test_all_siblings_are_our_own() -> None:
    assert siblings.shadowed() == []


def test_the_demo_never_empties_a_directory_that_is_not_its_own(project: Project) -> None:
    for directory in (".", "catchment.yaml"):
        done: Finished = project.run("demo", "--directory", directory, "--objects", "10")
        assert done.code == 2
    assert (project.directory / "catchment.yaml").read_text(encoding="utf-8") == CONFIG


# ------------------------------------------------------------------------------------------ docs


def test_the_page_describes_every_command_and_argument_and_no_other() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(sections) == list(cli.COMMANDS)
    for name, parser in subparsers(cli.parser()).items():
        told = set(re.findall(r"^- `(.+?)`:", sections[name], re.MULTILINE))
        known = set()
        for action in arguments(parser):
            metavar = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
            known.add(" ".join(filter(None, [*action.option_strings[-1:], str(metavar)])))
        assert told == known, name
