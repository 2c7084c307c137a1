"""Borders of words by the sound: they move to the pauses, never over each other, never far."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.audio import RATE_HZ
from app.engine.turns import TimedWord
from app.engine.word_times import STEP_MS, Weights, by_sound, loudness, refined

Spans = list[tuple[int, int]]


def sound(spans: Spans, length_ms: int, *, noise: float = 0.0005, seed: int = 1) -> np.ndarray:
    """Return noise in which something voiced lasts for each span (ms)."""
    random = np.random.default_rng(seed)
    samples = random.normal(0, noise, length_ms * RATE_HZ // 1000)
    for start_ms, end_ms in spans:
        at = np.arange(start_ms * RATE_HZ // 1000, end_ms * RATE_HZ // 1000)
        tone = sum(np.sin(2 * np.pi * hertz * at / RATE_HZ) for hertz in (220, 880, 1760))
        samples[at] += 0.08 * tone * np.hanning(len(at) + 2)[1:-1] ** 0.3
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)


def word(text: str, start_ms: int, end_ms: int, channel: int = 0) -> TimedWord:
    return TimedWord(channel, text, joined=False, start_ms=start_ms, end_ms=end_ms, probability=0.9)


def test_the_end_of_a_last_digit_is_taken_back_from_the_next_word() -> None:
    samples = sound([(500, 1900), (2200, 2400), (2450, 2900)], 4000)
    found = refined([word("1982", 480, 1600), word("and", 1600, 2420), word("live", 2420, 2900)],
                    samples)  # fmt: skip
    assert abs(found[0].end_ms - 1900) <= 2 * STEP_MS
    assert abs(found[1].start_ms - 2200) <= 2 * STEP_MS
    assert abs(found[1].end_ms - 2400) <= 3 * STEP_MS


def test_the_last_sound_behind_a_short_silence_belongs_to_the_last_word() -> None:
    samples = sound([(500, 900), (970, 1150)], 3000)  # the s of "six"
    (found,) = refined([word("six.", 480, 890)], samples)
    assert abs(found.end_ms - 1150) <= 2 * STEP_MS


def test_a_pause_is_taken_off_both_ends() -> None:
    samples = sound([(1000, 1400)], 3000)
    (found,) = refined([word("hello", 900, 1550)], samples)
    assert abs(found.start_ms - 1000) <= 2 * STEP_MS
    assert abs(found.end_ms - 1400) <= 2 * STEP_MS


def test_only_times_change() -> None:
    samples = sound([(500, 900), (1000, 1400)], 2000)
    given_words = [word("one", 480, 950), word("two", 950, 1450)]
    found = refined(given_words, samples)
    assert [(w.text, w.probability, w.channel) for w in found] == [
        (w.text, w.probability, w.channel) for w in given_words
    ]


def test_each_channel_is_measured_by_its_own_sound() -> None:
    left, right = sound([(500, 900)], 2000), sound([(700, 1200)], 2000, seed=2)
    found = by_sound([word("b", 650, 1250, 1), word("a", 480, 950, 0)], np.stack([left, right]))
    assert [w.channel for w in found] == [0, 1]
    assert abs(found[0].start_ms - 500) <= 2 * STEP_MS
    assert abs(found[1].start_ms - 700) <= 2 * STEP_MS


@pytest.mark.parametrize("samples", [np.zeros(0, np.int16), np.zeros(100, np.int16)])
def test_sound_too_short_for_a_step_has_no_loudness(samples: np.ndarray) -> None:
    assert len(loudness(samples)) == 0
    assert refined([], samples) == []


@st.composite
def words_over_sound(draw: st.DrawFn) -> tuple[list[TimedWord], np.ndarray]:
    """Words in order, some far apart, over sound that need not fit them."""
    at, found = 0, []
    for text in draw(st.lists(st.sampled_from(["a", "seven", "4-9-2", "ok.", "日本"]), min_size=1, max_size=8)):  # fmt: skip # noqa: E501
        at += draw(st.sampled_from([0, 0, 20, 120, 900]))
        length = draw(st.integers(60, 700))
        found.append(word(text, at, at + length))
        at += length
    edges = sorted(draw(st.sets(st.integers(0, at), max_size=10)))
    spans = [s for s in zip(edges[::2], edges[1::2], strict=False) if s[1] - s[0] > 5]
    noise = draw(st.sampled_from([0.0, 0.0005, 0.02]))
    return found, sound(spans, at + draw(st.integers(0, 500)), noise=noise)


@given(words_over_sound())
def test_words_stay_in_order_near_their_place_and_apart(
    case: tuple[list[TimedWord], np.ndarray],
) -> None:
    words, samples = case
    found = refined(words, samples)
    weights = Weights()
    assert len(found) == len(words)
    farthest_ms = weights.ahead_ms + weights.tail_ms + STEP_MS
    for before, after in zip(words, found, strict=True):
        assert 0 <= after.start_ms < after.end_ms
        assert after.start_ms >= before.start_ms - weights.back_ms - weights.run_ms
        assert after.end_ms <= before.end_ms + farthest_ms + weights.run_ms
    for one, other in pairwise(found):
        assert one.end_ms <= other.start_ms
    assert refined(words, samples) == found
