"""Speech in which no word was recognised: nobody knows what it says, so it is made silent, too.

What is not written cannot be searched for personal data, and stays audible unless it is muted. A
stretch counts where the detector found speech, the channel is about as loud as where words are, and
no recognised word is near. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.domain import MutedSpan
from app.engine.audio import RATE_HZ
from app.engine.speech_detection import FRAME, Thresholds, speech_frames
from app.engine.word_times import STEP_MS, loudness

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from app.engine.samples import Channel, Channels
    from app.engine.speech_detection import Detected
    from app.engine.turns import TimedWord

FRAME_MS = FRAME * 1000 // RATE_HZ
_LOUD = 0.3  # of the range between the noise around and the loudest voice
_BESIDE_MS = 200  # a word sounds on this long before and after its times
_SHORTEST_MS = 300  # a digit takes as long; breaths and clicks are shorter
_BRIDGE_MS = 200  # shorter pauses lie within a stretch
_PAD_MS = 100


def unheard(
    words: Iterable[TimedWord], detected: Sequence[Detected], samples: Channels
) -> tuple[MutedSpan, ...]:
    """Return the stretches of each channel that hold speech and no word."""
    covered = [np.zeros(len(one.probabilities), bool) for one in detected]
    for word in words:
        first = max(0, word.start_ms - _BESIDE_MS) // FRAME_MS
        covered[word.channel][first : -(-(word.end_ms + _BESIDE_MS) // FRAME_MS)] = True
    return tuple(
        MutedSpan(
            channel=channel,
            start_ms=max(0, first * FRAME_MS - _PAD_MS),
            end_ms=last * FRAME_MS + _PAD_MS,
        )
        for channel, found in enumerate(detected)
        for first, last in _stretches(
            speech_frames(found.probabilities, Thresholds())
            & _loud(samples[channel], len(found.probabilities))
            & ~covered[channel]
        )
    )


def _loud(samples: Channel, frames: int) -> NDArray[np.bool_]:
    """Return in which frames somebody speaks up."""
    levels = np.append(loudness(samples), 0.0)
    first = np.minimum(np.arange(frames) * FRAME_MS // STEP_MS, len(levels) - 1)
    loud: NDArray[np.bool_] = np.maximum.reduceat(levels, first) > _LOUD
    return loud


def _stretches(frames: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the runs of frames, over short pauses, that are long enough to hold a digit."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]]).astype(np.int8)))
    joined: list[tuple[int, int]] = []
    for first, last in edges.reshape(-1, 2).tolist():
        if joined and (first - joined[-1][1]) * FRAME_MS < _BRIDGE_MS:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return [(first, last) for first, last in joined if (last - first) * FRAME_MS >= _SHORTEST_MS]
