"""The normaliser: what is said becomes digits and letters that map back to the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.redaction.spoken import Form, Normaliser, tokenise
from tests.unit.engine.redaction.calls import data, steps

SPOKEN = {
    "six six three seven": "6637",
    "oh eight, ninety-nine, ninety nine": "089999",
    "double two nine": "229",
    "triple oh": "000",
    "treble 5": "555",
    "double-seven one": "771",
    "4276, double, 73592, double 55628": "4276773592555628",
    "forty-two twelve": "4212",
    "twenty twenty": "2020",
    "nineteen seventy-nine": "1979",
    "two thousand and five": "2005",
    "two thousand three hundred and one": "2301",
    "one hundred and twenty three": "123",
    "three hundred thousand": "300000",
    "eight hundred five five five": "800555",
    "nought one one": "011",
    "4929 4212-3460,0821": "4929421234600821",
    "07041 1996": "070411996",
    "Oh one one three": "0113",
    "L S nine nine, nine Z Z": "LS999ZZ",
    "Q Q, one two, three four, five six, C": "QQ123456C",
    "LS9 9ZZ": "LS99ZZ",
    "w20 a b": "W20AB",
    "S W one A, one A A": "SW1A1AA",
    "b for bertie one": "B1",
    "m as in mother one": "M1",
    "alpha bravo five one": "AB51",
    "x-ray one x ray": "X1X",
    "double u four": "W4",
    "F, E, double R, E, I, R, A": "FERREIRA",
    "NG 9 to 2 e d": "NG922ED",
    "AUTO12345": "AUTO12345",
    "AB 123": "AB123",
    "four um five": "45",
    "four then five dash six": "456",
    "４２": "42",  # noqa: RUF001
    "o r r": "ORR",
}
NOTHING = [
    "Oh, hello",
    "I am",
    "a",
    "to be or not to be",
    "hotel",
    "see you",
    "",
    "…",
    "¯\\_(ツ)_/¯",
]


def _runs(text: str):
    return Normaliser(data().spoken).runs(tokenise(text))


@pytest.mark.parametrize(("text", "value"), SPOKEN.items())
def test_said_in_many_ways(text: str, value: str) -> None:
    runs = _runs(text)
    assert [run.chars for run in runs] == [value]
    assert text[runs[0].start : runs[0].end] == text


@pytest.mark.parametrize("text", NOTHING)
def test_everyday_words_are_no_numbers(text: str) -> None:
    assert _runs(text) == ()


def test_what_is_no_part_of_a_run_splits_it() -> None:
    text = "four five and my number is six seven, is it five pm or 5pm or the 3rd"
    assert [run.chars for run in _runs(text)] == ["45", "67", "5", "5", "3"]


def test_an_article_before_a_number_is_no_letter() -> None:
    assert [run.chars for run in _runs("I have a 4 bedroom house")] == ["4"]


def test_a_pronoun_before_digits_is_no_digit() -> None:
    assert [run.chars for run in _runs("this one five six")] == ["56"]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("four five one two no sorry four five one three", "4513"),
        ("four nine, sorry, four eight", "48"),
        ("one two three four, I mean five", "1235"),
    ],
)
def test_corrections_replace_what_they_take_back(text: str, reading: str) -> None:
    (run,) = _runs(text)
    assert run.readings()[0] == reading
    assert run.readings()[-1] == run.chars


def test_ordinals_are_known_as_such() -> None:
    (run,) = _runs("twenty first")
    assert (run.chars, run.symbols[0].form) == ("21", Form.ORDINAL)


_TALK = st.lists(
    st.sampled_from(
        [
            "one",
            "two",
            "oh",
            "o",
            "a",
            "I",
            "double",
            "triple",
            "forty",
            "-",
            ",",
            ".",
            "b",
            "for",
            "as",
            "in",
            "bertie",
            "hundred",
            "thousand",
            "and",
            "no",
            "sorry",
            "x",
            "ray",
            "42",
            "4929",
            "LS",
            "9ZZ",
            "st",
            "nineteen",
            "to",
            "see",
            "um",
            "alpha",
            "hotel",
            "second",
            "dot",
            "the",
        ]
    ),
    max_size=40,
).map(" ".join)


@given(st.one_of(_TALK, st.text(max_size=200)))
def test_offsets_always_map_back(text: str) -> None:
    tokens = tokenise(text)
    for token in tokens:
        assert text[token.start : token.end] == token.text
    end = 0
    for run in _runs(text):
        assert end <= run.start < run.end <= len(text)
        end = run.end
        assert run.start == tokens[run.first].start
        assert run.end == tokens[run.last].end
        for left, right in zip(run.symbols, run.symbols[1:], strict=False):
            assert left.first <= left.last < right.first
        assert run.readings()
        assert run.chars
        assert run.chars.isalnum()


@pytest.mark.parametrize(
    "words",
    ["nine", "double", "a", "nine no sorry", "two thousand and", "x for", "a 9", "- ,", "4929"],
)
def test_work_grows_with_the_length_only(words: str) -> None:
    def work(count: int) -> int:
        text = " ".join([words] * count)
        return steps(lambda: _runs(text))

    assert work(2000) < 12 * work(200)
