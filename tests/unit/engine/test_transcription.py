"""From speech found to turns written: regions, windows, times and texts, without any model."""

from __future__ import annotations

import itertools
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import ExecutionSettings, SpeechSettings
from app.engine.pipeline import _doubts_of_language
from app.engine.recognition import Aligned, Heard, HeardWord, joined_numbers, torn_numbers
from app.engine.speech_detection import FRAME, Detected, Thresholds, regions
from app.engine.transcription import RawTranscript, Transcriber
from app.engine.turns import PAUSE_MS, TimedWord, timed_words, to_turns
from app.engine.windows import HALF_WINDOW, WINDOW, Piece, Window, pack

RATE = 16_000


class _Hears:
    """Hears languages as it is told to, and which windows it was asked about."""

    def __init__(self, *heard: tuple[str, float]) -> None:
        self.heard = list(heard)
        self.asked: list[Window] = []

    def languages(self, windows: list[Window], _encoder: object) -> list[tuple[str, float]]:
        self.asked = windows
        return self.heard


class TestLanguage:
    def _found(self, hears: _Hears, setting: str = "auto") -> tuple[str, float | None]:
        transcriber = Transcriber(
            cast("Any", None), SpeechSettings(language=setting), ExecutionSettings()
        )
        found = [_detected((1, 21, 0.9), (40, 60, 0.9)), _detected((1, 4, 0.9))]
        windows = [w for channel, one in enumerate(found) for w in pack(channel, one)]
        return transcriber._language(cast("Any", hears), windows, cast("Any", None))

    def test_the_likeliest_one_counts_with_how_sure_it_is(self) -> None:
        hears = _Hears(("de", 0.61239), ("en", 0.12))
        assert self._found(hears) == ("de", 0.612)
        assert [window.channel for window in hears.asked] == [0], "the other side says little"

    def test_english_is_believed_unless_another_is_clearly_likelier(self) -> None:
        assert self._found(_Hears(("cy", 0.5), ("en", 0.31))) == ("en", 0.31)
        assert self._found(_Hears(("cy", 0.79), ("th", 0.17), ("en", 0.157))) == ("cy", 0.79)
        assert self._found(_Hears(("cy", 0.9), ("de", 0.1))) == ("cy", 0.9)

    def test_one_that_is_given_is_not_listened_for(self) -> None:
        hears = _Hears(("de", 0.9))
        assert self._found(hears, "fr") == ("fr", None)
        assert not hears.asked

    def test_of_a_model_that_knows_english_only_nothing_is_claimed(self) -> None:
        assert self._found(_Hears()) == ("en", None)

    @given(st.sampled_from(["en", "de", "yue"]), st.none() | st.floats(0, 1))
    def test_what_it_casts_doubt_on_is_warned_of(self, language: str, sure: float | None) -> None:
        said = RawTranscript(turns=(), language=language, language_confidence=sure)
        doubts = _doubts_of_language(said)
        assert ("language-not-supported" in doubts) == (language != "en")
        assert ("language-uncertain" in doubts) == (sure is not None and sure < 0.5)


probability_runs = st.lists(
    st.tuples(st.sampled_from([0.0, 0.05, 0.15, 0.4, 0.9]), st.integers(1, 120)), max_size=30
)


def _probabilities(runs: list[tuple[float, int]]) -> np.ndarray:
    values = [value for value, frames in runs for _ in range(frames)]
    return np.array(values, np.float32)


def _detected(*spans: tuple[float, float, float], seconds: float = 120) -> Detected:
    """Return what a detector that is sure of these (start, end, probability) would find."""
    probabilities = np.zeros(int(seconds * RATE / FRAME), np.float32)
    for start, end, probability in spans:
        probabilities[int(start * RATE / FRAME) : int(end * RATE / FRAME)] = probability
    return Detected(probabilities, regions(probabilities, int(seconds * RATE), Thresholds()))


class TestRegions:
    @given(probability_runs, st.integers(0, FRAME - 1))
    def test_stay_apart_and_inside(self, runs: list[tuple[float, int]], missing: int) -> None:
        probabilities = _probabilities(runs)
        samples = max(0, len(probabilities) * FRAME - missing)
        found = regions(probabilities, samples, Thresholds())
        for region in found:
            assert 0 <= region.start < region.end <= samples
        for one, other in itertools.pairwise(found):
            assert one.end <= other.start

    @given(probability_runs)
    def test_every_longer_stretch_of_speech_is_inside_of_one(
        self, runs: list[tuple[float, int]]
    ) -> None:
        probabilities = _probabilities(runs)
        found = regions(probabilities, len(probabilities) * FRAME, Thresholds())
        at = 0
        for value, frames in runs:
            if value >= Thresholds().begin and frames >= 4:
                middle = (at + frames / 2) * FRAME
                assert any(r.start <= at * FRAME and middle <= r.end for r in found)
            at += frames

    def test_nothing_below_the_threshold_is_speech(self) -> None:
        assert regions(np.full(1000, 0.29, np.float32), 1000 * FRAME, Thresholds()) == ()
        assert regions(np.empty(0, np.float32), 0, Thresholds()) == ()

    def test_pauses_are_bridged_and_silence_is_not(self) -> None:
        assert len(_detected((1, 2, 0.9), (2.5, 3, 0.9)).regions) == 1
        assert len(_detected((1, 2, 0.9), (5, 6, 0.9)).regions) == 2

    def test_a_weak_region_far_from_any_strong_one_is_lone(self) -> None:
        found = _detected((1, 2, 0.4), (20, 21, 0.9), (25, 26, 0.4), (60, 61, 0.4)).regions
        assert [region.lone for region in found] == [True, False, False, True]

    def test_a_click_is_no_speech(self) -> None:
        assert _detected((1, 1.064, 0.9)).regions == ()


class TestWindows:
    @given(probability_runs, st.sampled_from([WINDOW, HALF_WINDOW]))
    def test_hold_every_sample_of_every_region_once(
        self, runs: list[tuple[float, int]], longest: int
    ) -> None:
        probabilities = _probabilities(runs * 12)
        detected = Detected(
            probabilities, regions(probabilities, len(probabilities) * FRAME, Thresholds())
        )
        windows = pack(1, detected, longest)
        covered = np.zeros(len(probabilities) * FRAME, np.int8)
        for window in windows:
            assert window.channel == 1
            assert 0 < window.length <= longest
            at = 0
            for piece in window.pieces:
                assert piece.at == at
                at += piece.length
                covered[piece.start : piece.end] += 1
        expected = np.zeros_like(covered)
        for region in detected.regions:
            expected[region.start : region.end] = 1
        assert np.array_equal(covered, expected)

    def test_speech_without_a_pause_is_cut_where_it_is_quietest(self) -> None:
        probabilities = np.full(2000, 0.9, np.float32)
        probabilities[700:703] = 0.2
        detected = Detected(probabilities, regions(probabilities, 2000 * FRAME, Thresholds()))
        first = pack(0, detected)[0]
        assert first.pieces[0].end == 701 * FRAME + FRAME // 2

    @given(st.floats(0, 29.9))
    def test_times_lead_back_to_where_the_sound_was(self, seconds: float) -> None:
        window = Window(
            0, (Piece(16_000, 176_000, 0, 1.0), Piece(960_000, 1_280_000, 160_000, 1.0))
        )
        index = window.piece_at(seconds)
        assert index == (0 if seconds < 10 else 1)
        expected = 1000 + seconds * 1000 if index == 0 else 60_000 + (seconds - 10) * 1000
        assert abs(window.to_recording_ms(seconds, index) - expected) <= 0.5 + 1e-6

    def test_times_stay_within_their_piece(self) -> None:
        window = Window(0, (Piece(16_000, 32_000, 0, 1.0), Piece(48_000, 64_000, 16_000, 1.0)))
        assert window.to_recording_ms(1.5, 0) == 2000
        assert window.to_recording_ms(0.5, 1) == 3000

    def test_cut_is_the_sound_of_the_pieces(self) -> None:
        samples = np.arange(-1000, 1000, dtype=np.int16)
        window = Window(0, (Piece(10, 20, 0, 1.0), Piece(500, 505, 10, 1.0)))
        expected = np.concatenate([samples[10:20], samples[500:505]]) / 32768
        assert np.array_equal(window.cut(samples), expected.astype(np.float32))

    def test_halves_hold_the_same_pieces(self) -> None:
        pieces = tuple(Piece(i * 100, i * 100 + 50, i * 50, 1.0) for i in range(5))
        halves = Window(3, pieces).halves()
        assert [(p.start, p.end) for half in halves for p in half.pieces] == [
            (p.start, p.end) for p in pieces
        ]
        assert [half.pieces[0].at for half in halves] == [0, 0]
        assert Window(3, pieces[:1]).halves() == []

    def test_split_begins_a_window_at_each_given_piece(self) -> None:
        pieces = tuple(Piece(i * 100, i * 100 + 50, i * 50, 1.0) for i in range(5))
        windows = Window(3, pieces).split({1, 4})
        assert [[piece.start for piece in window.pieces] for window in windows] == [
            [0],
            [100, 200, 300],
            [400],
        ]
        assert [window.pieces[0].at for window in windows] == [0, 0, 0]


def _heard(*words: tuple[str, float, float, float], window: Window | None = None) -> Heard:
    window = window or Window(0, (Piece(0, WINDOW, 0, 0.9),))
    return Heard(window, tuple(HeardWord(*word) for word in words))


def _token(text: str, start: float, end: float, probability: float = 0.5) -> Aligned:
    return Aligned(word=text, tokens=[1], start=start, end=end, probability=probability)


class TestNumbers:
    """A number that Whisper writes across a pause belongs to both sides of it."""

    PAUSED = Window(0, (Piece(0, RATE, 0, 0.9), Piece(9 * RATE, 11 * RATE, RATE, 0.9)))

    def test_is_torn_where_it_goes_on_in_another_piece(self) -> None:
        tokens = [_token(" it's", 0, 0.3), _token(" 455", 0.3, 0.9), _token("609", 1.1, 1.8)]
        assert torn_numbers(tokens, self.PAUSED) == {1}

    def test_is_whole_within_a_piece_and_where_another_number_begins(self) -> None:
        tokens = [_token(" 45", 0.1, 0.5), _token("5", 0.5, 0.9), _token(" 609", 1.1, 1.8)]
        assert torn_numbers(tokens, self.PAUSED) == set()

    def test_is_put_together_again_with_the_mean_of_its_probabilities(self) -> None:
        tokens = [_token(" no", 0, 0.1), _token(" 45", 0.1, 0.5, 0.9), _token("5,", 0.5, 0.9, 0.6)]
        whole = joined_numbers([*tokens, _token("6", 0.9, 1.0, 0.6)])
        assert [(word["word"], word["start"], word["end"]) for word in whole] == [
            (" no", 0, 0.1),
            (" 455,6", 0.1, 1.0),
        ]
        assert whole[1]["probability"] == pytest.approx(0.7)
        assert whole[1]["tokens"] == [1, 1, 1]


class TestWords:
    def test_what_is_written_together_is_one_word(self) -> None:
        heard = _heard((" high", 1, 1.2, 0.9), ("-end", 1.2, 1.5, 0.4), (" cars", 1.5, 2, 0.8))
        words = timed_words(heard, _detected((1, 2, 0.9)), "en")
        assert [(w.text, w.probability) for w in words] == [("high-end", 0.4), ("cars", 0.8)]
        assert (words[0].start_ms, words[0].end_ms) == (1000, 1500)

    def test_languages_without_spaces_keep_their_words(self) -> None:
        heard = _heard(("您", 1, 1.2, 0.9), ("好", 1.2, 1.5, 0.9))
        (turn,) = to_turns(timed_words(heard, _detected((1, 2, 0.9)), "zh"))
        assert turn.text == "您好"
        assert [(w.text, w.start, w.end) for w in turn.words] == [("您", 0, 1), ("好", 1, 2)]

    def test_a_pause_is_taken_off_a_word(self) -> None:
        heard = _heard((" hello", 1.0, 3.0, 0.9))
        (word,) = timed_words(heard, _detected((2.4, 2.9, 0.9)), "en")
        assert abs(word.start_ms - 2400) <= 32
        assert abs(word.end_ms - 2900) <= 32

    def test_a_word_stays_in_the_piece_in_which_most_of_it_sounds(self) -> None:
        window = Window(0, (Piece(0, 32_000, 0, 0.9), Piece(800_000, 832_000, 32_000, 0.9)))
        heard = _heard((" one", 1.0, 2.4, 0.9), (" two", 1.9, 3.0, 0.9), window=window)
        words = timed_words(heard, _detected((0, 2.2, 0.9), (50, 52, 0.9)), "en")
        assert [(w.start_ms, w.end_ms) for w in words] == [(1000, 2000), (50_000, 51_000)]

    def test_a_word_or_two_over_a_lone_region_is_dropped(self) -> None:
        lone = Window(0, (Piece(0, WINDOW, 0, 0.5, lone=True),))
        detected = _detected((1, 3, 0.5))
        words = [(" Hi,", 1.0, 1.5, 0.9), (" hello", 1.5, 2.0, 0.9), (" there", 2.0, 2.5, 0.9)]
        assert timed_words(_heard(*words[:2], window=lone), detected, "en") == []
        assert len(timed_words(_heard(*words, window=lone), detected, "en")) == 3

    def test_doubted_text_over_doubtful_sound_is_dropped(self) -> None:
        weak = Window(0, (Piece(0, WINDOW, 0, 0.25),))
        words = [(" Thank", 1, 1.3, 0.2), (" you", 1.3, 1.6, 0.3), (" all.", 1.6, 2, 0.3)]
        assert timed_words(_heard(*words, window=weak), _detected((1, 2, 0.35)), "en") == []
        sure = [(text, start, end, 0.8) for text, start, end, _ in words]
        assert timed_words(_heard(*sure, window=weak), _detected((1, 2, 0.35)), "en")
        assert timed_words(_heard(*words), _detected((1, 2, 0.9)), "en")


def _word(channel: int, start_ms: int, end_ms: int, text: str = "word") -> TimedWord:
    return TimedWord(channel, text, False, start_ms, end_ms, 0.5)


timed = st.builds(
    lambda channel, start, length, text: _word(channel, start, start + length, text),
    st.integers(0, 2),
    st.integers(0, 20_000),
    st.integers(60, 900),
    st.text(st.characters(categories=["L", "N", "P", "So"]), min_size=1, max_size=8),
)


class TestTurns:
    @given(st.lists(timed, max_size=40))
    def test_hold_every_word_once_with_exact_offsets_in_order(self, words: list[TimedWord]) -> None:
        turns = to_turns(words)
        assert [t.start_ms for t in turns] == sorted(t.start_ms for t in turns)
        kept = [(t.channel, w.text, w.start_ms, w.end_ms) for t in turns for w in t.words]
        assert sorted(kept) == sorted((w.channel, w.text, w.start_ms, w.end_ms) for w in words)
        for turn in turns:
            assert turn.text == " ".join(word.text for word in turn.words)
            assert turn.start_ms == turn.words[0].start_ms
            assert turn.end_ms == max(word.end_ms for word in turn.words)
            for word in turn.words:
                assert turn.text[word.start : word.end] == word.text

    @given(st.lists(timed, max_size=40))
    def test_do_not_depend_on_the_order_in_which_channels_were_heard(
        self, words: list[TimedWord]
    ) -> None:
        by_channel = [[w for w in words if w.channel == c] for c in (2, 0, 1)]
        shuffled = [word for channel in by_channel for word in channel]
        assert to_turns(shuffled) == to_turns(words)

    def test_a_pause_ends_a_turn(self) -> None:
        words = [_word(0, 0, 500), _word(0, 500 + PAUSE_MS, 1500), _word(0, 2201, 2500)]
        assert [len(turn.words) for turn in to_turns(words)] == [2, 1]

    def test_an_answer_ends_a_turn(self) -> None:
        words = [_word(0, 0, 500), _word(1, 550, 900), _word(0, 950, 1500)]
        assert [turn.channel for turn in to_turns(words)] == [0, 1, 0]

    def test_a_word_between_does_not_tear_a_sentence_apart(self) -> None:
        words = [_word(0, 0, 500), _word(1, 400, 600), _word(0, 550, 1500)]
        assert [(t.channel, len(t.words)) for t in to_turns(words)] == [(0, 2), (1, 1)]

    def test_confidence_is_the_mean(self) -> None:
        words = [TimedWord(0, "a", False, 0, 100, 0.5), TimedWord(0, "b", False, 100, 200, 1.0)]
        assert to_turns(words)[0].confidence == 0.75


def test_nothing_that_was_said_is_in_a_repr() -> None:
    heard = _heard((" secretword", 1, 2, 0.9))
    words = timed_words(heard, _detected((1, 2, 0.9)), "en")
    turns = to_turns(words)
    for thing in (heard, heard.words, words, turns, RawTranscript(turns=turns, language="en")):
        assert "secret" not in repr(thing)
