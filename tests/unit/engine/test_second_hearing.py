"""What was left out is found by its time; what is heard again is taken only where it says more."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.second_hearing import Gap, completed, gaps
from app.engine.speech_detection import FRAME, Detected, Thresholds, regions
from app.engine.turns import TimedWord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.engine.windows import Window

RATE = 16_000
SECONDS = 60
SAID = (0.0, 1.0, 0.99)  # silence, and speech beyond doubt


def _detected(*spans: tuple[float, float, float]) -> Detected:
    """Return what a detector that is sure of these (start, end, probability) would find."""
    probabilities = np.zeros(SECONDS * RATE // FRAME, np.float32)
    for start, end, probability in spans:
        probabilities[int(start * RATE / FRAME) : int(end * RATE / FRAME)] = probability
    return Detected(probabilities, regions(probabilities, SECONDS * RATE, Thresholds()))


def _word(
    text: str, start_s: float, end_s: float, sure: float = 0.9, channel: int = 0
) -> TimedWord:
    return TimedWord(channel, text, False, round(start_s * 1000), round(end_s * 1000), sure)


def _said(text: str, start_s: float, sure: float = 0.9) -> list[TimedWord]:
    """Return words of 300 ms, one after the other."""
    starts = [start_s + 0.3 * place for place in range(len(text.split()))]
    return [_word(t, at, at + 0.3, sure) for t, at in zip(text.split(), starts, strict=True)]


class _Ear:
    """Hears what it is told to, hearing by hearing, and remembers what it was asked to hear."""

    def __init__(self, *heard: list[TimedWord]) -> None:
        self.heard = list(heard)
        self.asked: list[list[tuple[int, int, int]]] = []

    def __call__(self, windows: Sequence[Window]) -> list[TimedWord]:
        pieces = [(w.channel, p.start * 1000, p.end * 1000) for w in windows for p in w.pieces]
        self.asked.append([(c, start // RATE, end // RATE) for c, start, end in pieces])
        return self.heard.pop(0) if self.heard else []


def _texts(words: Sequence[TimedWord]) -> str:
    return " ".join(word.text for word in sorted(words, key=lambda word: word.start_ms))


def _completed(words: list[TimedWord], detected: Detected, *heard: list[TimedWord]) -> str:
    return _texts(completed(words, [detected], _Ear(*heard)))


BEGINNING = _said("I live on my own", 1.0)
BOTH = _detected((1.0, 2.5, 0.9), (4.0, 7.0, 0.9))  # and three seconds that nobody wrote down
REST = _said("and my sight is very poor now", 4.0)


class TestFound:
    def test_nothing_is_missing_where_words_fill_the_speech(self) -> None:
        ear = _Ear()
        assert completed(BEGINNING, [_detected((1, 2.5, 0.9))], ear) == BEGINNING
        assert not ear.asked

    def test_speech_without_words_is_heard_again_and_written_where_it_was(self) -> None:
        ear = _Ear(REST)
        assert completed(BEGINNING, [BOTH], ear) == [*BEGINNING, *REST]
        ((channel, start, end),) = ear.asked[0]
        assert channel == 0
        assert start <= 4000
        assert end >= 7000

    def test_so_is_speech_before_the_first_word(self) -> None:
        assert _completed(REST, BOTH, BEGINNING) == _texts([*BEGINNING, *REST])

    def test_a_sound_that_may_be_none_of_a_voice_is_not(self) -> None:
        ear = _Ear(REST)
        weak = _detected((1.0, 2.5, 0.9), (4.0, 7.0, 0.45))
        assert completed(BEGINNING, [weak], ear) == BEGINNING
        assert not ear.asked

    def test_each_side_on_its_own_channel(self) -> None:
        other = _detected((10.0, 12.0, 0.9))
        late = [_word(text, 10 + at, 10.5 + at, channel=1) for at, text in ((0, "Yes,"), (1, "I"))]
        ear = _Ear([*late, *REST])
        found = completed(BEGINNING, [BOTH, other], ear)
        assert [word.text for word in found if word.channel == 1] == ["Yes,", "I"]
        assert {channel for channel, _, _ in ear.asked[0]} == {0, 1}

    def test_a_long_monologue_is_heard_in_windows_that_whisper_takes(self) -> None:
        ear = _Ear()
        completed([], [_detected((1.0, 55.0, 0.9))], ear)
        assert len(ear.asked[0]) > 1
        assert all(end - start <= 30_000 for _, start, end in ear.asked[0])


class TestOverlong:
    DETECTED = _detected((1.0, 1.9, 0.9), (2.2, 5.0, 0.9))

    def test_the_phrase_around_a_word_as_long_as_a_sentence_is_heard_again(self) -> None:
        words = [*_said("Good morning Sir.", 1.0), _word("And", 2.2, 2.4), _word("if", 2.4, 5.0)]
        again = _said("And if it is not fixed this week", 2.25)
        ear = _Ear(again)
        assert completed(words, [self.DETECTED], ear) == [*words[:3], *again]
        ((_, start, end),) = ear.asked[0]
        assert 1900 <= start <= 2200, "from the pause"
        assert end >= 5000

    def test_words_that_were_surely_heard_stay(self) -> None:
        words = [_word("Never,", 2.2, 2.6), _word("if", 2.6, 5.0)]
        detected = _detected((2.2, 5.0, 0.9))
        phrase, alone = _said("And if it is not", 2.3), _said("it is not fixed", 3.0)
        assert _completed(words, detected, phrase, alone) == "Never, if it is not fixed"

    def test_doubted_words_make_way(self) -> None:
        words = [_word("That", 2.2, 5.0, 0.2)]
        assert _completed(words, self.DETECTED, _said("User will join", 2.4)) == "User will join"

    def test_without_a_pause_in_reach_only_the_gap_is_heard_again(self) -> None:
        words = [*_said("and so on " * 16, 1.0), _word("then", 15.4, 18.0)]
        ear = _Ear(_said("then we went home again", 15.4))
        found = completed(words, [_detected((1.0, 18.0, 0.9))], ear)
        assert _texts(found).endswith("and so on then we went home again")
        ((_, start, _),) = ear.asked[0]
        assert abs(start - 15_400) <= 1


class TestTaken:
    @pytest.mark.parametrize(
        "again",
        [
            pytest.param([], id="nothing"),
            pytest.param(_said("thank you very much", 4.0, 0.3), id="doubted"),
            pytest.param(_said("thank you " * 20, 4.0), id="loop"),
            pytest.param(
                [_word(f"word{n}", 4 + n / 20, 4.05 + n / 20) for n in range(40)], id="too fast"
            ),
            pytest.param(_said("somewhere else entirely", 20.0), id="outside"),
        ],
    )
    def test_what_nobody_can_have_said_there_is_not(self, again: list[TimedWord]) -> None:
        assert _completed(BEGINNING, BOTH, again, again) == _texts(BEGINNING)

    def test_what_says_no_more_is_not(self) -> None:
        words = [_word("understanding", 4.0, 7.0, 0.3)]
        detected = _detected((4.0, 7.0, 0.9))
        assert _completed(words, detected, _said("us", 4.0)) == "understanding"

    def test_a_neighbour_heard_once_more_is_not_doubled(self) -> None:
        words = [*_said("tell me where", 1.0), *_said("Wonderful now", 6.5)]
        detected = _detected((1.0, 7.1, 0.9))
        again = _said("Where should I send this wonderful", 1.95)
        missing = gaps(words, [detected], whole=False)
        assert [gap.start_ms for gap in missing] == [1600]
        shifted = [word for word in again if missing[0].holds(word)]
        found = _completed(words, detected, [], shifted)
        assert found.lower().split().count("wonderful") == 1
        assert "should I send this" in found

    def test_a_digit_that_is_said_twice_is(self) -> None:
        words = [*_said("it is 5", 1.0), *_said("okay", 9.0)]
        detected = _detected((1.0, 1.9, 0.9), (3.5, 6.0, 0.9), (9.0, 9.3, 0.9))
        again = _said("5 7 7", 3.6)
        assert _completed(words, detected, again) == "it is 5 5 7 7 okay"

    def test_at_most_twice_and_nothing_alike_again(self) -> None:
        ear = _Ear()
        words = [_word("so", 1.0, 1.3), _word("on", 1.3, 6.0), *_said("and then", 6.0)]
        detected = _detected((1.0, 6.6, 0.9), (20.0, 24.0, 0.9))
        assert completed(words, [detected], ear) == words
        assert len(ear.asked) == 2
        assert any(start > 15_000 for _, start, _ in ear.asked[0])
        assert all(start < 15_000 for _, start, _ in ear.asked[1]), "it was heard alone before"


spans = st.lists(
    st.tuples(st.integers(0, 58), st.sampled_from([0.05, 0.2, 0.6, 0.95]), st.integers(1, 8)),
    max_size=12,
).map(lambda of: [(start, min(start + length, 60), p) for start, p, length in of])
said = st.lists(
    st.builds(
        lambda channel, start, length, sure, text: TimedWord(
            channel, text, False, start, start + length, sure
        ),
        st.integers(0, 1),
        st.integers(0, 59_000),
        st.integers(60, 3000),
        st.sampled_from([0.2, 0.9]),
        st.sampled_from(["yes", "no,", "4711", "understand", "K"]),
    ),
    max_size=25,
)


class TestAlways:
    @given(spans, spans, said, st.booleans())
    def test_gaps_lie_apart_and_in_speech(
        self,
        one: list[tuple[float, float, float]],
        other: list[tuple[float, float, float]],
        words: list[TimedWord],
        whole: bool,
    ) -> None:
        detected = [_detected(*one), _detected(*other)]
        found = gaps(words, detected, whole=whole)
        for channel, of in enumerate(detected):
            places = sorted((g.start_ms, g.end_ms) for g in found if g.channel == channel)
            assert all(a[1] <= b[0] for a, b in itertools.pairwise(places))
            for start, end in places:
                inside = [r for r in of.regions if r.start <= start * 16 and end * 16 <= r.end]
                assert len(inside) == 1
                assert start < end

    @given(spans, said, said, said)
    def test_words_outside_of_gaps_stay_and_sure_ones_everywhere(
        self,
        one: list[tuple[float, float, float]],
        words: list[TimedWord],
        first: list[TimedWord],
        second: list[TimedWord],
    ) -> None:
        detected = [_detected(*one), _detected()]
        asked: list[Gap] = gaps(words, detected, whole=True)
        found = completed(words, detected, _Ear(first, second))
        outside = [word for word in words if not any(gap.holds(word) for gap in asked)]
        assert [word.text for word in outside if word not in found] == []
        for text in {word.text for word in words if word.probability >= 0.5}:
            before = sum(w.text == text and w.probability >= 0.5 for w in words)
            assert sum(w.text == text for w in found) >= min(before, 1)
