"""Logs of runs: one JSON object a line, without secrets."""

import base64
import json
import threading
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state import RunLog, State, StateError
from state.redaction import MASK, redactor


def test_lines_are_read_back_in_order(tmp_path: Path) -> None:
    with State.open(f"sqlite:///{tmp_path}/.catchment/state.db") as state:
        with state.log("run-1") as log:
            log.write("info", "page", collection="charges", rows=100)
            log.write("error", "stopped", why="é\n\u2028", time="not this")
        assert log.file == tmp_path / ".catchment" / "logs" / "run-1.jsonl"
        first, second = state.read_log("run-1")
    assert list(first) == ["time", "level", "event", "collection", "rows"]
    assert (first["level"], first["event"], first["rows"]) == ("info", "page", 100)
    assert second["why"] == "é\n\u2028"
    assert first["time"].endswith("Z")
    assert second["time"] != "not this"


def test_a_line_is_on_disk_before_the_log_is_closed(tmp_path: Path) -> None:
    with RunLog(tmp_path, "r") as log:
        log.write("info", "now")
        assert json.loads(log.file.read_text())["event"] == "now"


def test_a_closed_log_swallows_what_comes_late(tmp_path: Path) -> None:
    log = RunLog(tmp_path, "r")
    log.close()
    log.write("info", "late")
    assert log.file.read_text() == ""


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    with State.open(f"sqlite:///{tmp_path}/state.db") as state:
        with state.log("r") as log:
            log.write("info", "whole")
        with log.file.open("a") as stream:
            stream.write('{"time": "2026')
        assert [line["event"] for line in state.read_log("r")] == ["whole"]


@pytest.mark.parametrize("run_id", ["absent", "", "../state", "a/b", ".hidden"])
def test_a_run_without_log_is_told(tmp_path: Path, run_id: str) -> None:
    with State.open(f"sqlite:///{tmp_path}/state.db") as state, pytest.raises(StateError) as caught:
        state.read_log(run_id)
    assert "catchment runs" in caught.value.hint


def test_threads_never_mix_their_lines(tmp_path: Path) -> None:
    with State.open(f"sqlite:///{tmp_path}/state.db") as state:
        with state.log("r") as log:

            def work(n: int) -> None:
                for _ in range(30):
                    log.write("info", "x" * 3000, thread=n)

            threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(line["thread"] for line in state.read_log("r")) == sorted([0, 1, 2, 3] * 30)


SECRET = 'sk_live_"é& +/9'
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "text",
    [
        f"Bearer {SECRET}",
        json.dumps({"api_key": SECRET}),
        json.dumps({"api_key": SECRET}, ensure_ascii=False),
        "https://x/?key=" + quote(SECRET, safe=""),
        "key=" + quote_plus(SECRET),
        "Basic " + base64.b64encode(f"{SECRET}:".encode()).decode(),
        PEM,
        json.dumps(PEM),
        "only MIIEvQIBADANBgkqhkiG9w0BAQEFAASC of it",
    ],
)
def test_no_secret_is_written_in_any_form(tmp_path: Path, text: str) -> None:
    with RunLog(tmp_path, "r", [SECRET, PEM]) as log:
        log.write("info", text, deep=[{text: (text, ValueError(text))}])
    written = log.file.read_text()
    assert MASK in written
    for part in ("sk_live_", "MIIEvQ", "AoIBAQ", base64.b64encode(SECRET.encode()[:12]).decode()):
        assert part not in written


def test_a_secret_that_is_no_text_is_masked_too() -> None:
    assert redactor(["secret\udcff\ud800"])("a secret\udcff\ud800 b") == f"a {MASK} b"


def test_what_is_no_secret_stays(tmp_path: Path) -> None:
    redact = redactor(["", "acme", "  "])
    value = {"source": "acme", "rows": 1, "share": 0.5, "none": None, "yes": True}
    assert redact(value) == value


@given(
    st.text(st.characters(exclude_characters=MASK[0]), min_size=6).filter(lambda s: len(s.strip()) >= 6),
    st.text(),
    st.text(),
)
def test_a_secret_never_survives(secret: str, before: str, after: str) -> None:
    masked = redactor([secret])(f"{before}{secret}{after}")
    assert MASK in masked
    assert secret.strip() not in masked
