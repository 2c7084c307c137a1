"""Numbers and times in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.counts import are, counted, lasting, seconds_until, were

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 calls are"), (1, "1 call is"), (2, "2 calls are")]
)
def test_one_is_singular_and_nothing_is_not(number: int, said: str) -> None:
    assert f"{counted(number, 'call')} {are(number)}" == said
    assert were(number) == ("was" if number == 1 else "were")


def test_a_plural_of_its_own_and_thousands() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(12_345, "entry", "entries") == "12,345 entries"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "2 min"),
        (3600, "1 h"),
        (3601, "1 h 1 min"),
        (7140, "1 h 59 min"),
        (7141, "2 h"),
        (86_400, "24 h"),
    ],
)
def test_how_long_somebody_waits(seconds: int, said: str) -> None:
    assert lasting(seconds) == said


@given(st.floats(-1000, 100_000))
def test_nobody_is_told_a_shorter_wait_than_there_is(seconds: float) -> None:
    left = seconds_until((NOW + timedelta(seconds=seconds)).isoformat(), NOW)
    assert left >= 0
    assert left - 1 <= max(seconds, 0) <= left + 1e-6
