"""The helpers that run programs for tests: output, endings, kills at a moment, the run's document."""

import signal
import sys
from pathlib import Path

import pytest
import yaml

from catchment.testing.expected import expect
from catchment.testing.processes import Finished, Imitation, Project, Running, collections, source
from catchment.testing.stripe import STRIPE


def python(code: str, directory: Path | None = None) -> Running:
    return Running([sys.executable, "-c", code], directory)


def test_output_and_exit_code_of_a_whole_run():
    with python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)") as running:
        assert running.wait() == Finished(3, "out\n", "err\n")


def test_more_output_than_a_pipe_holds_does_not_stop_it():
    with python("print('x' * 1_000_000)") as running:
        assert len(running.wait().stdout) == 1_000_001


def test_it_is_killed_at_a_moment():
    with python("import time; time.sleep(60)") as running:
        assert running.kill_after(0.01)
        assert running.wait().code == -signal.SIGKILL


def test_it_is_killed_when_a_condition_holds(tmp_path):
    code = "import pathlib, time; pathlib.Path('here').touch(); time.sleep(60)"
    with python(code, tmp_path) as running:
        assert running.kill_when((tmp_path / "here").exists)
        assert running.wait().code == -signal.SIGKILL


def test_what_ended_before_is_not_killed():
    with python("") as running:
        running.wait()
        assert not running.kill_after(0)
        assert not running.kill_when(lambda: False)
        assert running.wait().code == 0


def test_what_never_ends_is_killed_and_told():
    with python("import time; print('busy', flush=True); time.sleep(60)") as running:
        assert running.first_line() == "busy"
        with pytest.raises(AssertionError, match=r"still running after 0\.01 s\nbusy"):
            running.wait(0.01)
        assert running.is_over()


def test_a_process_without_a_first_line_is_told():
    with python("raise SystemExit('no port')") as running, pytest.raises(AssertionError, match="no port"):
        running.first_line()


def test_closing_ends_it():
    with python("import time; time.sleep(60)") as running:
        pass
    assert running.is_over()


def test_a_project_is_a_directory_with_a_configuration(tmp_path):
    project = Project(tmp_path, module="json.tool")
    shop = source("stripe", "http://127.0.0.1:1", {"api_key": "sk_test_x"}, collections=["charges"])
    path = project.configure({"shop": shop}, state="sqlite:///other.db")
    assert yaml.safe_load(path.read_text()) == {
        "warehouse": "duckdb:///warehouse.duckdb",
        "state": "sqlite:///other.db",
        "sources": {
            "shop": {
                "connector": "stripe",
                "credentials": {"api_key": "sk_test_x"},
                "base_url": "http://127.0.0.1:1",
                "collections": ["charges"],
            }
        },
    }
    (tmp_path / "run.json").write_text('{"sources": [{"source": "shop", "collections": [{"collection": "charges"}]}]}')
    document = project.run("run.json").document  # it runs in its directory
    assert collections(document, "shop") == {"charges": {"collection": "charges"}}


def test_no_document_is_told_with_what_was_written():
    with pytest.raises(AssertionError, match="exit code 1\noops\nwhy"):
        _ = Finished(1, "oops", "why").document


def test_an_imitation_says_where_it_is_and_tells_its_truth():
    with Imitation("stripe", "--objects", "400", "--seed", "3") as vendor:
        assert vendor.url.startswith("http://127.0.0.1:")
        before = expect(vendor.truth(), STRIPE)
        assert vendor.order("/live", steps=60)
        after = expect(vendor.truth(), STRIPE)
        assert vendor.ask("/calls") == {"calls": 0}
        with pytest.raises(AssertionError, match="POST /nowhere: 404"):
            vendor.order("/nowhere")
    assert len(before["charges"]) > 10
    assert all(row.owner for row in before["invoice_lines"].values())
    assert any(row.deleted_at is not None for row in after["customers"].values())
    assert vendor.is_over()
