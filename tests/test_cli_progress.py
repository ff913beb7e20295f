"""Progress: lines drawn over on a terminal, few plain lines elsewhere, and a run's summary for people."""

import io
from types import SimpleNamespace

import pytest

from catchment import progress
from catchment.progress import Progress
from catchment.summary import summary
from framework.report import CollectionReport, Fault, SourceReport, run_document


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def report() -> SourceReport:
    """A source in the middle of a run."""
    made = SourceReport(
        "shop", "stripe", {"charges": CollectionReport("charges"), "events": CollectionReport("events")}
    )
    made.collections["charges"].counts.inserted = 1_200
    made.collections["charges"].counts.unchanged = 34
    made.collections["events"].counts.appended = 10_000
    made.api_calls = 130
    return made


def test_elsewhere_a_fast_run_is_one_line(report: SourceReport) -> None:
    stream = io.StringIO()
    with Progress(stream) as shown:
        for _ in range(1_000):
            shown(report)
        report.status = "succeeded"
        shown(report)
        shown(report)
    (line,) = stream.getvalue().splitlines()
    assert "11,234 rows" in line
    assert "130 calls" in line
    assert line.endswith("succeeded")
    assert "\x1b" not in stream.getvalue()


def test_elsewhere_a_long_run_is_a_line_each_few_seconds(report: SourceReport, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now))
    stream = io.StringIO()
    with Progress(stream) as shown:
        for _ in range(200):  # a page every tenth of a second, for twenty seconds
            now += 0.1
            shown(report)
    lines = stream.getvalue().splitlines()
    assert 3 <= len(lines) <= 20 / progress.REPEAT_S
    assert "0:05" in lines[0]


def test_on_a_terminal_every_source_keeps_its_line(report: SourceReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(progress, "REDRAW_S", 0.0)
    other = SourceReport("other", "stripe", {})
    stream = Terminal()
    with Progress(stream) as shown:
        shown(report)
        shown(other)
        other.status = "failed"
        shown(other)
    drawn = stream.getvalue()
    assert "\x1b[2F" in drawn
    last = drawn.rpartition("\x1b[2F")[2].splitlines()
    assert [line.removeprefix("\x1b[2K").split()[0] for line in last] == ["shop", "other"]
    assert all(len(line.removeprefix("\x1b[2K")) < 40 for line in last)


def test_a_dumb_terminal_gets_plain_lines(report: SourceReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    report.status = "succeeded"
    with Progress(stream) as shown:
        shown(report)
    assert "\x1b" not in stream.getvalue()


def test_the_summary_shows_every_collection_and_each_cause_once(report: SourceReport) -> None:
    refusal = Fault("permission", "needs 'rak_\x1bcharge_read'", "Give it.", 403)
    report.collections["charges"].status, report.collections["charges"].error = "failed", refusal
    report.collections["events"].status = "succeeded"
    report.collections["events"].complete_to = 1_700_000_000_000_000
    report.close()
    document = run_document("r1", "2026-11-20T10:00:00Z", "2026-11-20T10:01:00Z", [report.document()])
    lines = summary(document).splitlines()
    assert lines[0] == "shop (stripe): partial, 130 calls"
    rows = {line.split()[0]: line.split()[1:] for line in lines[3:5]}
    assert rows["charges"] == ["failed", "1,234", "1,200", "0", "0", "-"]
    assert rows["events"] == ["succeeded", "10,000", "10,000", "0", "0", "2023-11-14", "22:13:20"]
    causes = [line.strip() for line in lines[5:7]]
    assert causes == ["charges: permission: needs 'rak_\\x1bcharge_read' (HTTP 403)", "Give it."]
    assert lines[-1] == "run r1: partial at 2026-11-20 10:01:00"


def test_a_cause_of_the_whole_source_is_told_once(report: SourceReport) -> None:
    report.error = Fault("auth", "access denied", "Renew the key.", 401)
    report.close()
    document = run_document("r1", "2026-11-20T10:00:00Z", None, [report.document()])
    text = summary(document)
    assert text.count("access denied") == 1
    assert "all collections: auth: access denied (HTTP 401)\n    Renew the key." in text
