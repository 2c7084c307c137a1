"""Dates as they are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.redaction.calls import read

SAID = {
    "the fourteenth of March, nineteen seventy-nine": "1979-03-14",
    "seventh of the eleventh, fifty-two": "1952-11-07",
    "27th of the 9th 1979": "1979-09-27",
    "27th of the 9 1979": "1979-09-27",
    "14/03/1979": "1979-03-14",
    "3/14/79": "1979-03-14",
    "1979-03-14": "1979-03-14",
    "14.3.79": "1979-03-14",
    "March the third, nineteen oh five": "1905-03-03",
    "May 5th, 1971": "1971-05-05",
    "March 2029": "2029-03-00",
    "2nd november": "0000-11-02",
    "4 July": "0000-07-04",
    "the first of may two thousand and five": "2005-05-01",
    "December 12 7 9": "1979-12-12",
    "14 March nineteen-seventy-nine": "1979-03-14",
}


@pytest.mark.parametrize(("text", "value"), SAID.items())
def test_dates_are_read(text: str, value: str) -> None:
    (turn,) = read(f"C: {text}").turns
    assert [date.value for date in turn.dates] == [value]
    start, end = turn.span(turn.dates[0].first, turn.dates[0].last)
    assert text.removeprefix("the ") == text[start:end]


@pytest.mark.parametrize(
    "text",
    ["may I", "32nd of March", "the first thing", "45/45/45", "1/2", "12-345-6", "13th of the 14th",
     "3rd of the 5", "1-2/3", "12/x/1980", "march on"],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    (turn,) = read(f"C: {text}").turns
    assert [d for d in turn.dates if d.month and d.day and d.year] == []


@given(st.text(max_size=120))
def test_dates_never_raise_and_stay_in_order(text: str) -> None:
    (turn,) = read("C: " + text.replace("{", "")).turns
    last = -1
    for date in turn.dates:
        assert last < date.first <= date.last < len(turn.tokens)
        last = date.last
