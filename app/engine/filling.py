"""What is heard in place of what is muted: silence, a tone or noise.

Promises that it is the same for the same place in a recording and tells nothing of what was there:
it is added to what is silent already, as loud everywhere, and fades within the muted stretch. Works
on blocks on their way to a file, so that everything else goes on hearing silence.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from app.config import Sound
    from app.domain import MutedSpan

RATE_HZ = 16_000
LEVEL = 3277  # of 32768: a tenth of full scale, -20 dB
_TONE_HZ = 1000
_RAMP = RATE_HZ * 5 // 1000
_SEED = 20_260_301


def filled(
    blocks: Iterable[NDArray[np.int16]], spans: Sequence[MutedSpan], sound: Sound
) -> Iterator[NDArray[np.int16]]:
    """Yield blocks of [samples, channels] at 16 kHz, from a recording's start on, with a sound in
    its silent `spans`."""
    if sound == "silence" or not spans:
        yield from blocks
        return
    wave = _wave(sound)
    first = 0
    for block in blocks:
        yield _with_sound(block, first, spans, wave)
        first += len(block)


def _with_sound(
    block: NDArray[np.int16], first: int, spans: Sequence[MutedSpan], wave: NDArray[np.int16]
) -> NDArray[np.int16]:
    """Return a block that begins at sample `first` with the wave in the spans that lie in it."""
    result = block
    for span in spans:
        begins, ends = span.start_ms * RATE_HZ // 1000, -(-span.end_ms * RATE_HZ // 1000)
        start, end = max(begins, first), min(ends, first + len(block))
        if start >= end:
            continue
        if result is block:
            result = block.copy()
        places = np.arange(start, end)
        gain = np.minimum(np.minimum(places - begins + 1, ends - places) / _RAMP, 1.0)
        heard = np.rint(wave[places % len(wave)] * gain).astype(np.int16)
        result[start - first : end - first, span.channel] = heard
    return result


@cache
def _wave(sound: Sound) -> NDArray[np.int16]:
    """Return a piece of the sound that is repeated: periods of the tone, a second of noise."""
    if sound == "tone":
        turns = np.arange(RATE_HZ // _TONE_HZ) * (2 * np.pi * _TONE_HZ / RATE_HZ)
        return np.array(np.rint(np.sin(turns) * LEVEL), np.int16)
    # the generator's raw numbers, which no version of numpy may change
    raw = np.random.PCG64(_SEED).random_raw(RATE_HZ) >> np.uint64(40)
    return np.array([int(one) % (2 * LEVEL + 1) - LEVEL for one in raw], np.int16)
