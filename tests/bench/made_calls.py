"""Two-channel calls with a known transcript, put together from clips and sounds of the line.

Clips of one set speak in turn on the two channels, at telephone band (8 kHz, µ-law, there and
back), with pauses like those of a call; every so often somebody waits: hold music, a ring-back
tone, keys, noise or silence. The same calls again for the same clips and seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import soxr

from app.engine.audio import RATE_HZ, Audio
from tests.bench.line_sounds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

WAIT_EVERY = 4  # clips
_LEVEL = 0.15  # of full scale, root mean square of a clip


@dataclass
class MadeCall:
    """Sound [2, samples] and, per channel, what is said when: start and end in samples, text."""

    audio: Audio
    said: tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]]

    @property
    def seconds(self) -> float:
        """The length of the call."""
        return self.audio.samples.shape[1] / RATE_HZ

    def text(self, channel: int) -> str:
        """Return the reference of a channel."""
        return " ".join(text for _, _, text in self.said[channel])


@dataclass
class _Growing:
    parts: list[NDArray[np.float32]] = field(default_factory=list)
    said: tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]] = field(
        default_factory=lambda: ([], [])
    )
    length: int = 0

    def add(self, sound: NDArray[np.float32], channel: int, text: str = "") -> None:
        both = np.zeros((2, len(sound)), np.float32)
        both[channel] = sound
        if text:
            self.said[channel].append((self.length, self.length + len(sound), text))
        self.parts.append(both)
        self.length += len(sound)


def made_calls(
    clips: Iterable[tuple[str, Audio, str]],
    *,
    minutes: float = 3.0,
    seed: int = 1,
    waits: bool = True,
) -> Iterator[MadeCall]:
    """Yield calls of about so many minutes, each clip said once; `waits` puts in what callers
    hear while they wait."""
    draw = np.random.default_rng(seed)
    growing, channel, kinds = _Growing(), 0, list(KINDS)
    for number, (_, audio, text) in enumerate(clips):
        growing.add(_levelled(audio.samples[0]), channel, text)
        growing.add(np.zeros(int(draw.uniform(0.2, 1.8) * RATE_HZ), np.float32), channel)
        if draw.random() < 0.6:
            channel = 1 - channel
        if waits and number % WAIT_EVERY == WAIT_EVERY - 1:
            kind = KINDS[kinds[number // WAIT_EVERY % len(kinds)]]
            waited = kind(float(draw.uniform(8, 25)), int(draw.integers(1 << 30)))
            growing.add(waited * np.float32(draw.uniform(0.3, 1)), int(draw.integers(2)))
            growing.add(np.zeros(RATE_HZ // 2, np.float32), channel)
        if growing.length > minutes * 60 * RATE_HZ:
            yield _finished(growing, draw)
            growing = _Growing()
    if growing.said[0] or growing.said[1]:
        yield _finished(growing, draw)


def over_the_telephone(sound: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return sound from -1 to 1 at 16 kHz as a telephone line hands it on: 8 kHz, G.711 µ-law."""
    narrow = np.clip(soxr.resample(sound, RATE_HZ, RATE_HZ // 2), -1, 1)
    coded = np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256)
    coded = np.rint(coded * 127) / 127
    heard = np.sign(coded) * (np.power(256, np.abs(coded)) - 1) / 255
    wide = soxr.resample(heard.astype(np.float32), RATE_HZ // 2, RATE_HZ)
    return np.clip(np.rint(wide * 32768), -32768, 32767).astype(np.int16)


def _levelled(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    sound = samples.astype(np.float32) / 32768
    return sound * np.float32(_LEVEL / max(1e-4, float(np.sqrt(np.mean(sound**2)))) / 2)


def _finished(growing: _Growing, draw: np.random.Generator) -> MadeCall:
    whole = np.concatenate(growing.parts, axis=1)
    whole += draw.normal(0, 0.001, whole.shape).astype(np.float32)  # no line is quite silent
    samples = np.stack([over_the_telephone(channel) for channel in whole])
    return MadeCall(Audio(samples, 8000), growing.said)
