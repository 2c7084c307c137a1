"""Speech without any word is found, and nothing else is: sound that is made, no model."""

from __future__ import annotations

import numpy as np

from app.engine.speech_detection import FRAME, Detected
from app.engine.turns import TimedWord
from app.engine.unheard import unheard

RATE = 16_000
SECONDS = 6
QUIET, VOICE = 20, 8000


def _channel(*voiced: tuple[int, int]) -> tuple[np.ndarray, Detected]:
    """Return noise at speech's loudness in the given stretches (ms), and what a detector says."""
    noise = np.random.default_rng(1).normal(0, 1, SECONDS * RATE)
    level = np.full(len(noise), QUIET)
    found = np.zeros(-(-len(noise) // FRAME), np.float32)
    for start_ms, end_ms in voiced:
        level[start_ms * 16 : end_ms * 16] = VOICE
        found[start_ms // 32 : -(-end_ms // 32)] = 0.7
    return (noise * level / 3).astype(np.int16), Detected(found, ())


def _word(start_ms: int, end_ms: int, channel: int = 0) -> TimedWord:
    return TimedWord(channel, "four", False, start_ms, end_ms, 0.9)


def _found(words: list[TimedWord], *channels: tuple[np.ndarray, Detected]) -> list[tuple[int, ...]]:
    samples = np.stack([sound for sound, _ in channels])
    spans = unheard(words, [detected for _, detected in channels], samples)
    return [(span.channel, span.start_ms, span.end_ms) for span in spans]


def test_speech_without_a_word_is_found_with_its_edges() -> None:
    ((channel, start, end),) = _found([_word(500, 1500)], _channel((500, 1500), (3000, 4000)))
    assert channel == 0
    assert 2800 <= start <= 3000
    assert 4000 <= end <= 4200


def test_speech_that_was_recognised_is_not() -> None:
    words = [_word(520, 1000), _word(1300, 1480)]  # what lies between sounds on from word to word
    assert _found(words, _channel((500, 1500))) == []


def test_a_word_covers_its_own_channel_only() -> None:
    both = _channel((1000, 2000)), _channel((1000, 2000))
    ((channel, _, _),) = _found([_word(1000, 2000)], *both)
    assert channel == 1


def test_what_is_too_short_for_a_digit_is_left_and_short_pauses_are_bridged() -> None:
    assert _found([], _channel((1000, 1200))) == []
    ((_, start, end),) = _found([], _channel((1000, 1250), (1380, 1700)))
    assert start <= 1000
    assert end >= 1700


def test_what_is_hardly_louder_than_the_line_is_left() -> None:
    sound, detected = _channel((1000, 2000))
    quiet = sound.copy()
    quiet[16000 * 3 : 16000 * 4] = sound[16000 : 16000 * 2]  # somebody else speaks up near it
    quiet[16000 : 16000 * 2] = sound[:16000]
    assert _found([_word(3000, 4000)], (quiet, detected)) == []


def test_silence_and_no_sound_hold_nothing() -> None:
    assert _found([], (np.zeros(RATE, np.int16), Detected(np.zeros(32, np.float32), ()))) == []
    assert _found([], (np.zeros(0, np.int16), Detected(np.zeros(0, np.float32), ()))) == []
