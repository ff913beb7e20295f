"""Durations: what is read, what is refused, and that writing one down loses nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("3h", 10_800),
        ("10m", 600),
        ("1d", 86_400),
        ("250ms", 0.25),
        ("1h30m", 5_400),
        ("1d2h3m4s5ms", 93_784.005),
        ("0.5s", 0.5),
        ("1.5h", 5_400),
        ("90m", 5_400),
        ("366d", 366 * 86_400),
    ],
)
def test_what_is_read(text: str, seconds: float) -> None:
    assert durations.parse(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        *("", "10", "s", "10 s", " 10s", "-1s", "+1s", "1S", "1M", "1.s", ".5s", "1e3s", "1w", "10sec", "\u0661s"),
        *("30m1h", "1h1h", "1ms1s", "0s", "0h0m", "367d", "9" * 400 + "s"),
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        durations.parse(text)


@given(st.integers(1, 366 * 86_400_000))
def test_a_written_duration_is_read_back(milliseconds: int) -> None:
    shown = durations.show(milliseconds / 1000)
    assert durations.parse(shown) * 1000 == pytest.approx(milliseconds, abs=1e-3)


@given(
    st.tuples(
        st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 999)
    ).filter(any)
)
def test_parts_add_up(parts: tuple[int, ...]) -> None:
    units = ("d", "h", "m", "s", "ms")
    text = "".join(f"{count}{unit}" for count, unit in zip(parts, units, strict=True) if count)
    factors = (86_400, 3_600, 60, 1, 0.001)
    assert durations.parse(text) == pytest.approx(sum(a * b for a, b in zip(parts, factors, strict=True)))


@given(st.text())
def test_any_text_is_a_duration_within_bounds_or_refused(text: str) -> None:
    try:
        seconds = durations.parse(text)
    except ValueError:
        return
    assert 0 < seconds <= 366 * 86_400
