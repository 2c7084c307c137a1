"""Where somebody speaks on a channel, measured for narrow-band telephone audio.

Promises regions that keep quiet words at the price of some noise: what is not speech is turned
down again after recognition, what was cut away is lost for good. Hides the Silero detector, its
state and its frames of 32 ms. The thresholds are measured: resources/documents/speech.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.engine.audio import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.engine.samples import Channel

FRAME = 512  # samples: 32 ms
_CONTEXT = 64  # samples of the frame before that the detector wants to see
# The detector remembers what it heard, and after minutes of silence or music it believes no speech
# any more: it begins anew every 8 s, with the second before to find its feet.
_ANEW_FRAMES = 250
_LEAD_FRAMES = 32


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When speech begins and ends; times in milliseconds."""

    begin: float = 0.3  # faster-whisper's own 0.5 loses a fifth of narrow-band speech
    end: float = 0.1
    bridge_ms: int = 800  # shorter pauses stay within a region
    shortest_ms: int = 96
    pad_ms: int = 320
    strong: float = 0.6  # a region that reaches this is speech beyond doubt
    near_ms: int = 8000  # and lends belief to weaker ones this near


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of speech in samples at 16 kHz; `certainty` is its mean speech probability.

    `lone` marks a weak region far from any that is speech beyond doubt: it may be music.
    """

    start: int
    end: int
    certainty: float
    lone: bool = False


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found on one channel: a probability per frame, and the regions."""

    probabilities: NDArray[np.float32]
    regions: tuple[Region, ...]

    def between(self, stretches: Sequence[tuple[int, int]]) -> Detected:
        """Return what of it begins in one of some stretches (from, to, in samples)."""
        regions = [
            region
            for region in self.regions
            if any(start <= region.start < end for start, end in stretches)
        ]
        return replace(self, regions=tuple(regions))

    @property
    def speech_samples(self) -> int:
        """The length of all regions together."""
        return sum(region.end - region.start for region in self.regions)


class SpeechDetector:
    """The Silero detector on one channel at a time."""

    def __init__(self, model: bytes, thresholds: Thresholds | None = None) -> None:
        """Load the detector from its verified bytes."""
        from app.engine.onnx import session

        # one thread: the frames follow each other, and the result cannot depend on their number
        self._session = session(model, threads=1, arena=False)
        self._thresholds = thresholds or Thresholds()

    def detect(self, channel: Channel) -> Detected:
        """Find the speech on a channel."""
        probabilities = self._probabilities(channel, 0, len(channel))
        return Detected(probabilities, regions(probabilities, len(channel), self._thresholds))

    def within(self, channel: Channel, stretches: Sequence[tuple[int, int]]) -> Detected:
        """Find the speech in stretches (from, to, in samples) of a channel, in order and apart,
        and look at nothing else; none of it is lone."""
        probabilities = np.zeros(-(-len(channel) // FRAME), np.float32)
        found: list[Region] = []
        for start, end in stretches:
            first = start // FRAME
            heard = self._probabilities(channel, first * FRAME, min(end, len(channel)))
            probabilities[first : first + len(heard)] = heard
            for region in regions(heard, end - first * FRAME, self._thresholds):
                begin = max(start, region.start + first * FRAME)
                found.append(Region(begin, region.end + first * FRAME, region.certainty))
        return Detected(probabilities, tuple(found))

    def _probabilities(self, channel: Channel, start: int, end: int) -> NDArray[np.float32]:
        """Return the probability of speech of each frame between two samples, the last one filled
        up with silence; nothing before them is looked at."""
        found = []
        frames = -(-(end - start) // FRAME)
        for first in range(0, frames, _ANEW_FRAMES):
            lead = min(first, _LEAD_FRAMES)
            last = min(end, start + (first + _ANEW_FRAMES) * FRAME)
            block = channel[start + (first - lead) * FRAME : last]
            found.append(self._block(block)[lead:])
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def _block(self, block: NDArray[np.int16]) -> NDArray[np.float32]:
        """Judge a stretch without any memory of what came before."""
        sound = np.pad(block.astype(np.float32) / 32768, (_CONTEXT, -len(block) % FRAME))
        frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME + _CONTEXT)[::FRAME]
        silence = np.zeros((1, 1, 128), np.float32)
        output, _, _ = self._session.run(
            None, {"input": np.ascontiguousarray(frames), "h": silence, "c": silence}
        )
        judged: NDArray[np.float32] = output.reshape(-1)
        return judged


def regions(
    probabilities: NDArray[np.float32], samples: int, thresholds: Thresholds
) -> tuple[Region, ...]:
    """Turn probabilities into padded regions that neither touch nor leave the recording."""
    frame_ms = FRAME * 1000 / RATE_HZ
    spans = _spans(probabilities, thresholds)
    spans = _bridged(spans, round(thresholds.bridge_ms / frame_ms))
    spans = [s for s in spans if (s[1] - s[0]) * frame_ms >= thresholds.shortest_ms]
    pad = thresholds.pad_ms * RATE_HZ // 1000
    found: list[Region] = []
    for index, (first, last) in enumerate(spans):
        start, end = first * FRAME - pad, min(last * FRAME + pad, samples)
        # where two pads meet, each side gets half of the pause
        if index and start < found[-1].end:
            middle = (spans[index - 1][1] + first) * FRAME // 2
            found[-1] = replace(found[-1], end=middle)
            start = middle
        certainty = float(probabilities[first:last].mean())
        lone = not _near_strong(probabilities, first, last, thresholds)
        found.append(Region(max(0, start), end, certainty, lone))
    return tuple(found)


def _near_strong(
    probabilities: NDArray[np.float32], first: int, last: int, thresholds: Thresholds
) -> bool:
    near = thresholds.near_ms * RATE_HZ // 1000 // FRAME
    around = probabilities[max(0, first - near) : last + near]
    return bool(around.max() >= thresholds.strong)


def _spans(probabilities: NDArray[np.float32], thresholds: Thresholds) -> list[tuple[int, int]]:
    """Return frame spans that begin above one threshold and last down to the lower one."""
    found: list[tuple[int, int]] = []
    lasting = probabilities >= thresholds.end
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lasting, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2):
        if probabilities[first:last].max() >= thresholds.begin:
            found.append((int(first), int(last)))
    return found


def speech_frames(probabilities: NDArray[np.float32], thresholds: Thresholds) -> NDArray[np.bool_]:
    """Return in which frames somebody speaks, without any padding."""
    frames = np.zeros(len(probabilities), bool)
    for first, last in _spans(probabilities, thresholds):
        frames[first:last] = True
    return frames


def _bridged(spans: list[tuple[int, int]], frames: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first - joined[-1][1] < frames:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
