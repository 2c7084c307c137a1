"""Voices told apart on one channel, without the model: its vectors are made up here."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Role
from app.engine import diarisation
from app.engine.diarisation import SPLIT_MS, Voices, by_speaker, joined, smoothed, told_apart
from app.engine.raw import RawTurn, RawWord
from app.engine.speaker_encoder import STRETCH, WIDTH

SECOND = 16_000


class Voiceprints:
    """Vectors of invented voices: the samples of a stretch say whose it is, by their number."""

    def __init__(self, likeness: float = 0.2, noise: float = 0.02) -> None:
        """Voices are as alike as `likeness` (cosine)."""
        generator = np.random.default_rng(7)
        own = np.linalg.qr(generator.normal(size=(WIDTH, 6)))[0].T
        self._voices = np.sqrt(likeness) * own[0] + np.sqrt(1 - likeness) * own[1:]
        self._noise, self._generator = noise, generator

    def vectors(self, channel, starts):
        """Return the mean of the voices in each stretch, and some noise."""
        found = []
        for start in starts:
            stretch = channel[start : start + STRETCH]
            vector = self._voices[stretch[stretch < 5]].mean(0)
            vector = vector + self._generator.normal(size=WIDTH) * self._noise
            found.append(vector / np.linalg.norm(vector))
        return np.array(found, np.float32)


def _dialogue(*turns: tuple[int, int]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return a channel of turns (voice, seconds) with half a second between, and its speech."""
    parts, speech, at = [], [], 0
    for voice, seconds in turns:
        parts += [np.full(seconds * SECOND, voice), np.full(SECOND // 2, 9)]
        speech.append((at, at + seconds * 1000))
        at += seconds * 1000 + 500
    return np.concatenate(parts).astype(np.int16), speech


CALL = ((0, 4), (1, 3), (0, 2), (1, 5), (0, 3), (1, 4))


def test_two_voices_are_told_apart_to_the_tenth_of_a_second():
    channel, speech = _dialogue(*CALL)
    voices = told_apart(Voiceprints(), channel, speech)
    assert voices.count == 2
    signs = [np.sign(voices.at(start, end)) for start, end in speech]
    assert signs[0] != 0
    assert signs == [signs[0] * (1 if voice == 0 else -1) for voice, _ in CALL]


def test_one_voice_is_one_voice():
    channel, speech = _dialogue(*((0, seconds) for _, seconds in CALL))
    assert told_apart(Voiceprints(), channel, speech).count == 1


def test_three_voices_are_more_than_two():
    channel, speech = _dialogue(*((voice % 3, 6) for voice in range(9)))
    assert told_apart(Voiceprints(), channel, speech).count == 3


def test_voices_that_are_much_alike_are_in_doubt():
    channel, speech = _dialogue(*CALL)
    assert told_apart(Voiceprints(likeness=0.8), channel, speech).count == 0


def test_a_few_words_are_too_little_to_tell():
    channel, speech = _dialogue((0, 2), (1, 2))
    assert told_apart(Voiceprints(), channel, speech).count == 0


def test_the_same_sound_gives_the_same_voices_again():
    channel, speech = _dialogue(*CALL)
    first, second = (told_apart(Voiceprints(), channel, speech) for _ in range(2))
    assert first.scores.tobytes() == second.scores.tobytes()


def _turn(words: list[tuple[int, int]], start: int = 0) -> RawTurn:
    """Return a turn of words that have a length and a pause after it."""
    text, made, at = "", [], start
    for number, (length, pause) in enumerate(words):
        text += " " if text else ""
        word = f"w{number}"
        begins = len(text)
        text += word
        made.append(
            RawWord(
                text=word,
                start=begins,
                end=len(text),
                start_ms=at,
                end_ms=at + length,
                confidence=0.9,
            )
        )
        at += length + pause
    return RawTurn(
        channel=0,
        role=Role.UNKNOWN,
        start_ms=start,
        end_ms=made[-1].end_ms,
        text=text,
        words=tuple(made),
    )


WORDS = st.lists(st.tuples(st.integers(60, 900), st.integers(0, 600)), min_size=1, max_size=12)


@given(
    st.lists(WORDS, min_size=1, max_size=4),
    st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=200),
)
def test_no_word_is_lost_or_changed_where_turns_are_cut(turns, scores):
    whole = tuple(_turn(words, 20_000 * number) for number, words in enumerate(turns))
    cut = by_speaker(whole, Voices(2, 9.0, np.array(scores, np.float32)))

    def heard(turns):
        return [(w.text, w.start_ms, w.end_ms, w.confidence) for t in turns for w in t.words]

    assert heard(cut) == heard(whole)
    assert cut[0].speaker == 0
    for turn in cut:
        assert all(turn.text[word.start : word.end] == word.text for word in turn.words)
        assert turn.text == turn.text.strip()
        assert (turn.start_ms, turn.end_ms) == (turn.words[0].start_ms, turn.words[-1].end_ms)
    assert all(
        before.speaker != after.speaker or after.words[0].text == "w0"
        for before, after in pairwise(cut)
    )


def test_a_turn_changes_hands_where_the_voice_does():
    turn = _turn([(400, 100)] * 4 + [(400, 300)] + [(400, 100)] * 5)
    border = turn.words[5].start_ms // SPLIT_MS
    scores = np.array([5.0] * border + [-5.0] * 60, np.float32)
    first, second = by_speaker([turn], Voices(2, 9.0, scores))
    assert [len(first.words), len(second.words)] == [5, 5]
    assert (first.speaker, second.speaker) == (0, 1)
    assert (first.side, second.side, second.channel) == (0, 1, 0)


def test_a_turn_without_words_goes_by_its_middle():
    turns = [
        RawTurn(channel=0, role=Role.UNKNOWN, start_ms=at, end_ms=at + 900, text="said")
        for at in (0, 1000)
    ]
    scores = np.array([-4.0] * 10 + [4.0] * 10, np.float32)
    assert [t.speaker for t in by_speaker(turns, Voices(2, 9.0, scores))] == [0, 1]


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 5)), min_size=1, max_size=8))
def test_smoothing_finds_the_best_way(steps):
    scores, costs = [s for s, _ in steps], [c for _, c in steps]

    def worth(path):
        gained = sum((s, -s)[label] for s, label in zip(scores, path, strict=True))
        changes = zip(path, path[1:], costs[1:], strict=False)
        return gained - sum(cost for a, b, cost in changes if a != b)

    found = smoothed(scores, [0, *costs[1:]])
    assert worth(found) == max(worth(path) for path in product((0, 1), repeat=len(steps)))


@pytest.mark.parametrize(
    ("speech", "wanted"),
    [
        ([(0, 100), (150, 300)], [(0, 300)]),
        ([(900, 1000), (0, 100)], [(0, 100), (900, 1000)]),
        ([(0, 500), (100, 200)], [(0, 500)]),
        ([], []),
    ],
)
def test_speech_that_lies_near_is_one(speech, wanted):
    assert joined(speech) == wanted


@pytest.mark.parametrize("small", [10, 30])
def test_in_a_long_call_some_stretches_decide_for_all(monkeypatch, small: int) -> None:
    """Of the speech, one voice has no more than a part."""
    monkeypatch.setattr(diarisation, "_MOST", 200)
    draw = np.random.default_rng(small)
    turns = tuple((int(draw.random() < small / 100), int(draw.integers(2, 9))) for _ in range(150))
    channel, speech = _dialogue(*turns)
    voices = told_apart(Voiceprints(noise=0.05), channel, speech)
    assert voices.count == 2
    signs = [np.sign(voices.at(start + 300, end - 300)) for start, end in speech]
    first = signs[0] * (1 if turns[0][0] == 0 else -1)
    assert signs == [first * (1 if voice == 0 else -1) for voice, _ in turns]


def test_cutting_many_stretches_in_two_takes_no_more_memory() -> None:
    draw = np.random.default_rng(3)
    vectors = draw.normal(size=(6000, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tracemalloc.start()
    diarisation._halved(vectors)
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()
