"""Sounds of a telephone line that are no speech, made here: hold music, tones, keys, noise.

Every sound is float32 at 16 kHz between -1 and 1, band-limited like a telephone where the line does
that, and the same again for the same seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

RATE_HZ = 16_000
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))
_PROGRESSIONS = ((0, 5, 3, 4), (0, 3, 4, 3), (5, 3, 0, 4), (0, 4, 5, 3))
_KEYS_HZ = {
    key: (low, high)
    for low, row in zip((697, 770, 852, 941), ("123", "456", "789", "*0#"), strict=True)
    for high, key in zip((1209, 1336, 1477), row, strict=True)
}


def hold_music(seconds: float, seed: int) -> Sound:
    """Return chords, bass, a melody and a drum, in a key, tempo and mood drawn from the seed."""
    draw = np.random.default_rng(seed)
    beat_s = 60 / draw.uniform(70, 130)
    root = 110 * 2 ** (draw.integers(0, 12) / 12)
    scale = _SCALES[draw.integers(2)]
    progression = _PROGRESSIONS[draw.integers(len(_PROGRESSIONS))]
    sound = np.zeros(int(seconds * RATE_HZ) + RATE_HZ, np.float32)
    vibrato = draw.uniform(0, 0.012)

    def pitch(degree: int) -> float:
        return float(root * 2 ** ((scale[degree % 7] + 12 * (degree // 7)) / 12))

    def add(at_s: float, note: Sound) -> None:
        start = int(at_s * RATE_HZ)
        room = sound[start : start + len(note)]
        room += note[: len(room)]

    for number in range(int(seconds / beat_s) + 1):
        at_s, chord = number * beat_s, progression[number // 4 % 4]
        if number % 4 == 0:
            for degree in (chord, chord + 2, chord + 4):
                add(at_s, 0.12 * _note(pitch(degree + 7), 4 * beat_s, 4, vibrato))
        add(at_s, 0.2 * _note(pitch(chord), beat_s, 3, 0))
        if draw.random() < 0.8:
            degree = chord + int(draw.choice([0, 2, 4, 5, 7])) + 14
            add(at_s, 0.2 * _note(pitch(degree), beat_s * draw.choice([0.5, 1, 2]), 6, vibrato))
        hit = draw.normal(0, 0.15, int(0.05 * RATE_HZ)).astype(np.float32)
        add(at_s + beat_s / 2, hit * np.exp(-np.arange(len(hit)) / 200).astype(np.float32))
    return telephone_band(sound[: int(seconds * RATE_HZ)])


def ring_back(seconds: float, seed: int) -> Sound:
    """Return the ring-back tone of the United Kingdom, North America or most of Europe."""
    pair, cadence = (
        ((400, 450), (0.4, 0.2, 0.4, 2.0)),
        ((440, 480), (2.0, 4.0)),
        ((425,), (1.0, 4.0)),
    )[seed % 3]
    return 0.3 * _tones(pair, seconds) * _cadence(cadence, seconds)


def busy(seconds: float, _seed: int) -> Sound:
    """Return the busy tone of North America."""
    return 0.3 * _tones((480, 620), seconds) * _cadence((0.5, 0.5), seconds)


def keys(seconds: float, seed: int) -> Sound:
    """Return keys pressed at random (DTMF, ITU-T Q.23)."""
    draw = np.random.default_rng(seed)
    pressed = draw.choice(list(_KEYS_HZ), int(seconds / 0.3) + 1)
    tones = [_tones(_KEYS_HZ[key], 0.12) for key in pressed]
    parts = [np.concatenate([0.3 * tone, np.zeros(int(0.18 * RATE_HZ))]) for tone in tones]
    return np.concatenate(parts)[: int(seconds * RATE_HZ)].astype(np.float32)


def line_noise(seconds: float, seed: int) -> Sound:
    """Return hiss, mains hum and crackle, clearly audible."""
    draw = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    hiss = draw.normal(0, 0.02, count).astype(np.float32)
    hum = 0.02 * _tones((50, 150, 250), seconds)
    crackle = np.where(draw.random(count) < 3 / RATE_HZ, draw.uniform(-0.5, 0.5, count), 0)
    return telephone_band(hiss + hum + crackle.astype(np.float32))


def office(seconds: float, seed: int) -> Sound:
    """Return rumble, typing and a door: noise that swells, without voices."""
    draw = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    rumble = np.cumsum(draw.normal(0, 1, count))
    rumble -= np.convolve(rumble, np.ones(801) / 801, mode="same")
    swell = 0.6 + 0.4 * np.sin(np.arange(count) / RATE_HZ * draw.uniform(0.3, 1.2))
    sound = 0.05 * rumble / np.abs(rumble).max() * swell
    for at in draw.integers(0, max(1, count - 800), int(seconds * 4)):
        sound[at : at + 400] += draw.normal(0, 0.08, min(400, count - at)) * np.linspace(
            1, 0, min(400, count - at)
        )
    return telephone_band(sound.astype(np.float32))


def silence(seconds: float, _seed: int) -> Sound:
    """Return nothing at all."""
    return np.zeros(int(seconds * RATE_HZ), np.float32)


KINDS: dict[str, Callable[[float, int], Sound]] = {
    "hold music": hold_music,
    "ring-back": ring_back,
    "busy tone": busy,
    "keys (DTMF)": keys,
    "line noise": line_noise,
    "office noise": office,
    "silence": silence,
}


def telephone_band(sound: Sound) -> Sound:
    """Keep 300 to 3,400 Hz, as a telephone line does."""
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


def _note(hertz: float, seconds: float, overtones: int, vibrato: float) -> Sound:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * hertz * (time + vibrato / 5 * np.sin(2 * np.pi * 5 * time))
    tone = sum(np.sin(n * phase) / n for n in range(1, overtones + 1))
    envelope = np.minimum(time / 0.02, 1) * np.exp(-1.5 * time / seconds)
    return np.asarray(tone * envelope, np.float32)


def _tones(hertz: tuple[int, ...], seconds: float) -> Sound:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(sum(np.sin(2 * np.pi * each * time) for each in hertz), np.float32) / len(
        hertz
    )


def _cadence(lengths_s: tuple[float, ...], seconds: float) -> Sound:
    """Return 1 and 0 in turn for the given lengths, over and over."""
    marks = np.concatenate(
        [np.full(int(s * RATE_HZ), 1 - n % 2, np.float32) for n, s in enumerate(lengths_s)]
    )
    return np.resize(marks, int(seconds * RATE_HZ))
