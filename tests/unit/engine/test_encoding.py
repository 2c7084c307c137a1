"""What is encoded of a window: as much as is said, with known silence behind it, and little of that
where short stretches are heard again."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.encoding import Encoder, SilenceEncoder
from app.engine.windows import Piece, Window

RATE = 16_000
FRAMES = 3000  # of 30 s


class Extractor:
    """Ten frames a second would do; these are Whisper's hundred, with two features each."""

    nb_max_frames = FRAMES
    mel_filters = np.zeros((2, 4))

    def __call__(self, sound, padding):
        assert padding == 0
        whole = len(sound) // 160 * 160
        loud = np.abs(sound[:whole].reshape(-1, 160)).max(axis=1) + 1e-4
        scaled = np.log10(np.stack([loud, loud / 2]))
        return (np.maximum(scaled, scaled.max() - 2.0)).astype(np.float32)


class Model:
    """Encodes two frames as their mean, and remembers how long what it encoded was."""

    def __init__(self):
        self.feature_extractor = Extractor()
        self.lengths = []

    def encode(self, features):
        self.lengths.append(features.shape[2])
        pairs = features.reshape(*features.shape[:2], -1, 2)
        return np.ascontiguousarray(pairs.mean(axis=3).transpose(0, 2, 1))


def sound(loudest, seconds=20):
    """One channel that is louder and quieter in turn."""
    times = np.arange(seconds * RATE)
    wave = np.sin(times / 20) * (0.2 + 0.8 * (times // RATE % 2))
    return (wave * loudest * 32767).astype(np.int16)[None]


def window(start, end):
    return Window(0, (Piece(start * RATE, end * RATE, 0, 1.0),))


SHORT, LONGER = window(0, 2), window(5, 9)


def encoded(model, samples, windows, **options):
    silence = SilenceEncoder(model)
    return np.array(Encoder(model, samples, silence, **options).encoded(windows))


def test_windows_are_filled_up_with_silence_that_was_encoded_once():
    model = Model()
    found = encoded(model, sound(0.5), [SHORT, SHORT])
    assert found.shape == (2, FRAMES // 2, 2)
    assert model.lengths == [500, FRAMES, 500]


def test_brief_ones_are_as_long_as_the_longest_of_their_batch_needs():
    model = Model()
    found = encoded(model, sound(0.5), [SHORT, LONGER], brief=True)
    assert found.shape == (2, 700 // 2 + 150, 2)
    whole = encoded(Model(), sound(0.5), [SHORT, LONGER], brief=True)
    np.testing.assert_array_equal(found, whole)
    alone = encoded(Model(), sound(0.5), [SHORT], brief=True)
    np.testing.assert_array_equal(found[0, : alone.shape[1]], alone[0])


def test_a_full_window_is_no_longer_for_being_brief():
    assert encoded(Model(), sound(0.5, 40), [window(0, 30)], brief=True).shape[1] == FRAMES // 2


@pytest.mark.parametrize("loudest", [0.01, 0.1, 0.9])
def test_brief_ones_are_all_as_loud_so_that_one_silence_goes_with_all(loudest):
    model = Model()
    silence = SilenceEncoder(model)
    for samples in (sound(loudest), sound(0.4)):
        found = np.array(Encoder(model, samples, silence, brief=True).encoded([SHORT]))
        assert found.max() == pytest.approx(1.4, abs=1e-3)
    assert model.lengths.count(FRAMES) == 1


def test_others_are_as_loud_as_they_were_spoken():
    quiet, loud = (encoded(Model(), sound(level), [SHORT]).max() for level in (0.1, 0.9))
    assert loud - quiet == pytest.approx(np.log10(9), abs=1e-2)


def test_where_windows_are_filled_up_on_a_graphics_card_brief_ones_are_too():
    model = Model()
    found = np.array(Encoder(model, sound(0.5), None, brief=True).encoded([SHORT]))
    assert found.shape == (1, FRAMES // 2, 2)
    assert model.lengths == [FRAMES]
