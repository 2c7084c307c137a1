"""What is heard in place of what is muted."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from app.domain import MutedSpan
from app.engine.audio import RATE_HZ, Audio, encode_flac, mute
from app.engine.filling import LEVEL, filled

SPAN = MutedSpan(channel=1, start_ms=250, end_ms=750)
SOUNDS = ["tone", "noise"]


def muted(seed: int = 1, source_rate_hz: int = RATE_HZ) -> Audio:
    """Return a second of two channels with half a second of the second one muted."""
    sound = np.random.default_rng(seed).integers(-9000, 9000, (2, RATE_HZ), np.int16)
    audio = Audio(sound, source_rate_hz)
    mute(audio, [SPAN])
    return audio


def heard(audio: Audio, sound: str) -> np.ndarray:
    samples, _ = soundfile.read(io.BytesIO(encode_flac(audio, [SPAN], sound)), dtype="int16")
    return samples.T


@pytest.mark.parametrize("sound", SOUNDS)
def test_the_sound_tells_nothing_of_what_was_there_and_changes_nothing_else(sound: str) -> None:
    one, other = heard(muted(1), sound), heard(muted(2), sound)
    inside = slice(4000, 12_000)
    assert np.array_equal(one[1, inside], other[1, inside])
    assert 0 < np.abs(one[1, inside]).max() <= LEVEL
    outside = np.ones((2, RATE_HZ), bool)
    outside[1, inside] = False
    assert np.array_equal(one[outside], muted(1).samples[outside])


@pytest.mark.parametrize("sound", SOUNDS)
def test_it_fades_in_and_out_within_the_span(sound: str) -> None:
    result = np.abs(heard(muted(), sound)[1].astype(int))
    assert result[4000] <= LEVEL / 40
    assert result[11_999] <= LEVEL / 40
    assert result[4000:4020].max() < result[4100:4200].max()


def test_silence_is_silence_and_the_audio_itself_always_is() -> None:
    audio = muted()
    assert not heard(audio, "silence")[1, 4000:12_000].any()
    encode_flac(audio, [SPAN], "tone")
    assert not audio.samples[1, 4000:12_000].any()


def test_the_tone_is_a_thousand_hertz_in_narrow_band_audio_too() -> None:
    for rate_hz, step in ((RATE_HZ, 1), (8000, 2)):
        samples = heard(muted(source_rate_hz=rate_hz), "tone")[1, 4400 // step : 11_600 // step]
        spectrum = np.abs(np.fft.rfft(samples))
        assert np.argmax(spectrum) * (RATE_HZ // step) / len(samples) == 1000


@given(st.integers(1, 700), st.sampled_from(SOUNDS), st.data())
def test_it_is_the_same_however_the_recording_is_cut_into_blocks(size, sound, data) -> None:
    spans = [
        MutedSpan(channel=data.draw(st.integers(0, 1)), start_ms=start, end_ms=start + length)
        for start, length in data.draw(
            st.lists(st.tuples(st.integers(0, 120), st.integers(0, 40)), max_size=3)
        )
    ]
    whole = np.zeros((1600, 2), np.int16)
    blocks = [whole[at : at + size] for at in range(0, len(whole), size)]
    once = np.concatenate(list(filled(blocks, spans, sound)))
    assert np.array_equal(once, np.concatenate(list(filled([whole], spans, sound))))
    assert not whole.any()
