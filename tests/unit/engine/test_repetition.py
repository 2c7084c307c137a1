"""Loops are found by their words and dropped by their pace; what people repeat is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine.repetition import Loop, kept, loops, suspicious

WORDS = st.lists(st.sampled_from(["please", "hold", "one", "two", "the", "line", "dial"]))
PHRASE = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=8, unique=True)


def _paced(words: list[str], seconds: float) -> list[int]:
    starts = [place * seconds for place in range(len(words))]
    return kept(words, starts, [start + seconds for start in starts])


@given(PHRASE, st.integers(8, 30))
def test_a_phrase_said_over_and_over_is_one_loop(phrase: list[str], times: int) -> None:
    assert loops(["well", *phrase * times, "bye"]) == [
        Loop(1, 1 + len(phrase) * times, len(phrase))
    ]
    assert suspicious(phrase * times)


@given(PHRASE, st.integers(8, 30))
def test_a_loop_faster_than_speech_is_kept_once(phrase: list[str], times: int) -> None:
    words = ["well", *phrase * times, "bye"]
    assert [words[place] for place in _paced(words, 0.03)] == ["well", *phrase, "bye"]


@given(WORDS)
def test_nothing_said_at_the_pace_of_speech_is_dropped(words: list[str]) -> None:
    assert _paced(words, 0.2) == list(range(len(words)))


@given(WORDS)
def test_only_words_of_loops_are_dropped(words: list[str]) -> None:
    inside = {place for loop in loops(words) for place in range(loop.first, loop.end)}
    assert set(range(len(words))) - set(_paced(words, 0.01)) <= inside


def test_spelling_and_signs_do_not_hide_a_loop() -> None:
    assert loops(["Dial", "8.", "dial", "8,", "dial", "8", "Dial", "8"]) == [Loop(0, 8, 2)]


def test_what_people_really_repeat_is_no_loop() -> None:
    said = [
        "no",
        "no",
        "no",
        "I",
        "said",
        "zero",
        "zero",
        "zero",
        "four",
        "yes",
        "yes",
        "that",
        "is",
        "right",
    ]
    assert not suspicious(said)
    assert _paced(said, 0.01) == list(range(len(said)))
