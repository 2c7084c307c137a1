"""What the program never does: the samples of a whole call as one array."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.engine.audio import Audio, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.engine.samples import Channels


def whole(samples: Channels) -> NDArray[np.int16]:
    """Return all samples, [channels, samples], as they are now."""
    return np.stack([channel[:] for channel in samples])


def decoded(data: bytes, **options: object) -> Audio:
    """Return a recording as `decode` does, with its samples in an array."""
    audio = decode(data, **options)
    return replace(audio, samples=whole(audio.samples))
