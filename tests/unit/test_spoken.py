"""Ways of writing what was said come down to one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.spoken import UNITS, digit_runs, digits, errors

SPOKEN = [word for word in UNITS if word != "oh"]


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("L S nine nine, nine Z Z", "LS99, 9ZZ"),
        ("oh eight, ninety-nine, ninety-nine", "08-99-99"),
        ("the fourteenth of March, nineteen seventy-nine", "the 14th of March, 1979"),
        ("S B, four one seven, double two, nine", "SB 417-229"),
        ("forty thousand rand", "40,000 rand"),
        ("johanna dot jacobs at example dot com", "Johanna.jacobs at example.com"),
        ("twenty-four dollars", "$24"),
        ("twenty-five percent, Mr Osgood, any more?", "25% Mr. Osgood, anymore."),
    ],
)
def test_two_ways_of_writing_the_same_are_no_error(said, heard):
    wrong, total = errors(said, heard)
    assert wrong == 0
    assert total > 0


def test_a_wrong_a_missing_and_an_added_word_count_one_each():
    assert errors("one two three", "one four three") == (1, 3)
    assert errors("send the form", "send form") == (1, 3)
    assert errors("send the form", "send me the form") == (1, 3)


@given(st.text("0123456789", min_size=1, max_size=16))
def test_digits_come_back_from_words(number):
    said = " ".join(SPOKEN[int(digit)] for digit in number)
    assert digits(said) == number
    assert digit_runs(f"it is {said} thanks") == [number]
    assert errors(said, number)[0] == 0
