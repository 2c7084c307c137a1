"""Whisper's encoder on windows that are not full: what is there is computed, the rest is known.

Whisper looks at 30 s whatever is said in them, and its attention makes a second of a long window
dearer than one of a short window. But the rest of a window is silence, and how silence is encoded
hardly depends on what was said before: it is computed once for each loudness and put behind what
was. Measured, with what it costs in accuracy: resources/documents/speech.md.

Short stretches that are heard again are encoded briefly: all as loud as each other, so that one
silence goes with all of them, and with a few seconds of it behind them in place of all 30, because
the decoder reads every step that it is given. Measured in resources/documents/redaction.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ctranslate2 import StorageView
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

    from app.engine.samples import Channels
    from app.engine.windows import Window

    Encoded = NDArray[np.float32]

SAMPLES_PER_FRAME = 160
_GRID = 100  # frames: lengths are rounded up to whole seconds
# So much silence after the last word is computed: without it Whisper repeats the last words
_AFTER_FRAMES = 300
# Whisper sets everything 8 powers of ten below the loudest to the same floor, 2 below it as scaled
_FLOOR_BELOW_LOUDEST = 2.0
# Of what is encoded briefly: the loudest feature, as that of loud calls, and the known silence
_LOUDEST = 1.4
_BRIEF_STEPS = 150


class SilenceEncoder:
    """The encoding of silence after anything, for one model; computed when first asked for."""

    def __init__(self, model: WhisperModel) -> None:
        """Remember the model."""
        self._model = model
        self._known: dict[float, Encoded] = {}

    def from_step(self, step: int, loudest: float) -> Encoded:
        """Return the steps from `step` to the window's end [steps, width] where the loudest feature
        of the window is `loudest`."""
        floor = round(loudest - _FLOOR_BELOW_LOUDEST, 1)
        if floor not in self._known:
            extract = self._model.feature_extractor
            shape = (1, extract.mel_filters.shape[0], extract.nb_max_frames)
            silence = self._model.encode(np.full(shape, floor, np.float32))
            self._known[floor] = np.array(silence)[0]
        return self._known[floor][step:]


class Encoder:
    """Encodes windows of one call; what was encoded to find the language is not computed again."""

    def __init__(
        self,
        model: WhisperModel,
        samples: Channels,
        silence: SilenceEncoder | None,
        *,
        brief: bool = False,
    ) -> None:
        """Use a loaded model on the channels of a call; without `silence`, windows are
        filled up and computed whole, or else `brief` ones are as long as their batch needs."""
        self._model = model
        self._samples = samples
        self._silence = silence
        self.brief = brief and silence is not None
        self._waiting: dict[Window, Encoded] = {}

    def kept(self, windows: Sequence[Window]) -> StorageView:
        """Return encoded windows [windows, steps, width], and keep them until they are asked for
        again."""
        if self._silence is None:
            return self._whole(windows)
        self._waiting.update({window: self._one(window, self._silence) for window in windows})
        return _batch([self._waiting[window] for window in windows])

    def encoded(self, windows: Sequence[Window]) -> StorageView:
        """Return encoded windows [windows, steps, width]."""
        if self._silence is None:
            return self._whole(windows)
        encoded = [self._taken(window, self._silence) for window in windows]
        if self.brief:
            steps = max(self._frames(window, _AFTER_FRAMES) for window in windows) // 2
            encoded = [one[: steps + _BRIEF_STEPS] for one in encoded]
        return _batch(encoded)

    def _taken(self, window: Window, silence: SilenceEncoder) -> Encoded:
        kept = self._waiting.pop(window, None)
        return self._one(window, silence) if kept is None else kept

    def _one(self, window: Window, silence: SilenceEncoder) -> Encoded:
        features = self._features(window, silence=_AFTER_FRAMES)
        if self.brief:
            features += _LOUDEST - features.max()
        heard: Encoded = np.array(self._model.encode(features[None]))[0]
        rest = silence.from_step(len(heard), float(features.max()))
        return np.concatenate([heard, rest])

    def _whole(self, windows: Sequence[Window]) -> StorageView:
        whole = self._model.feature_extractor.nb_max_frames
        features = [self._features(window, silence=whole) for window in windows]
        return self._model.encode(np.stack(features))

    def _features(self, window: Window, *, silence: int) -> NDArray[np.float32]:
        """Return the window's features [mels, frames] with so many frames of silence at its end,
        never more than Whisper takes."""
        frames = self._frames(window, silence)
        sound = window.cut(self._samples[window.channel])
        # one frame more than is used: the last one would look beyond the end
        sound = np.pad(sound, (0, max(0, (frames + 1) * SAMPLES_PER_FRAME - len(sound))))
        found: NDArray[np.float32] = self._model.feature_extractor(sound, padding=0)[:, :frames]
        return np.ascontiguousarray(found)

    def _frames(self, window: Window, silence: int) -> int:
        """Return how many frames a window has with so many of silence at its end."""
        frames = -(-window.length // SAMPLES_PER_FRAME) + silence
        whole: int = self._model.feature_extractor.nb_max_frames
        return min(-(-frames // _GRID) * _GRID, whole)


def _batch(encoded: Sequence[Encoded]) -> StorageView:
    from ctranslate2 import StorageView

    return StorageView.from_array(np.stack(encoded))
