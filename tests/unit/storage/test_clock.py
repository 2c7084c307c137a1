"""Times as they are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.clock import milliseconds, sortable, stamp, utc_now

moments = st.integers(10**12, 4 * 10**15).map(
    lambda microseconds: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


@given(moments, st.integers(-14, 14))
def test_a_stamp_is_the_same_moment_in_every_zone(moment, hours):
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    assert stamp(elsewhere) == stamp(moment)
    assert abs(datetime.fromisoformat(stamp(moment)) - moment) < timedelta(milliseconds=1)


@given(moments, moments)
def test_stamps_sort_as_moments_do(one, two):
    if stamp(one) < stamp(two):
        assert one < two


def test_given_times_sort_by_moment_whatever_their_zone():
    early, late = "2026-01-01T10:00:00+05:00", "2026-01-01T06:00:00+00:00"
    assert sortable(early, otherwise="") < sortable(late, otherwise="")
    assert sortable("2026-01-01T06:00:00", otherwise="") == sortable(late, otherwise="")


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-01", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_replaced(text):
    assert sortable(text, otherwise="x") == "x"


def test_now_has_a_zone_and_milliseconds_count_from_1970():
    assert utc_now().tzinfo is UTC
    assert milliseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1000
