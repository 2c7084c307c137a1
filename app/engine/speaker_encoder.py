"""How a voice sounds, as a vector: the speaker encoder on short stretches of one channel.

Promises vectors that depend on the sound alone: not on the number of threads, nor on what else is
in the batch. A vector lives as long as the call is analysed; it is kept nowhere and compared with
no other call. Hides the features (log mel bands as Kaldi computes them) and the ONNX graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.engine.audio import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.engine.samples import Channel

    Vectors = NDArray[np.float32]

STRETCH = 3 * RATE_HZ // 2
"""The samples that one vector is made of: 1.5 s, enough for a voice and less than most turns."""

WIDTH = 192
_FRAME, _STEP, _FFT, _BANDS = 400, 160, 512, 80
_LOWEST_HZ = 20.0
_FLOOR = 1.1920929e-07  # Kaldi's: the smallest difference of a float32 to 1
_BATCH = 16


class SpeakerEncoder:
    """CAM++ on stretches of 1.5 s."""

    def __init__(self, model: bytes) -> None:
        """Load the encoder from its verified bytes."""
        from app.engine.onnx import session

        # one thread: sums of several would differ in their last digits
        self._session = session(model, threads=1, arena=False)

    def vectors(self, channel: Channel, starts: Sequence[int]) -> Vectors:
        """Return a vector of length 1 for the stretch at each start, [starts, WIDTH]."""
        found = [np.empty((0, WIDTH), np.float32)]
        for first in range(0, len(starts), _BATCH):
            part = [channel[max(0, s) : s + STRETCH] for s in starts[first : first + _BATCH]]
            features = np.stack([_features(_filled(stretch)) for stretch in part])
            found.append(self._session.run(None, {"features": features})[0])
        return np.concatenate(found)


def _filled(stretch: NDArray[np.int16]) -> NDArray[np.float32]:
    """Repeat what is there where the recording ends too soon."""
    return np.resize(stretch if len(stretch) else np.zeros(1, np.int16), STRETCH).astype(np.float32)


def _features(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log mel bands less their means, [frames, bands]."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_STEP]
    frames = frames - frames.mean(1, keepdims=True)
    sharper = frames.copy()
    sharper[:, 1:] -= 0.97 * frames[:, :-1]
    sharper[:, 0] -= 0.97 * frames[:, 0]
    power = np.abs(np.fft.rfft(sharper * _WINDOW, _FFT)) ** 2
    bands = np.log(np.maximum(power @ _MEL.T, _FLOOR)).astype(np.float32)
    levelled: NDArray[np.float32] = bands - bands.mean(0)
    return levelled


def _mel_bands() -> NDArray[np.float32]:
    """Return the triangles of the mel bands over the bins of the transform, [bands, bins]."""
    highest = _mel(np.array(RATE_HZ / 2))
    edges = np.linspace(_mel(np.array(_LOWEST_HZ)), highest, _BANDS + 2)
    bins = _mel(np.arange(_FFT // 2 + 1) * RATE_HZ / _FFT)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    warped: NDArray[np.float64] = 1127 * np.log(1 + hertz / 700)
    return warped


_WINDOW = ((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / (_FRAME - 1))) ** 0.85).astype(
    np.float32
)
_MEL = _mel_bands()
