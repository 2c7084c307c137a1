"""Recordings made on the spot, in the forms that recorders write."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tone(seconds: float, rate_hz: int = 8000, channels: int = 1) -> NDArray[np.float64]:
    """Return a rising tone [frames, channels], other in each channel, at half of full scale."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.stack(
        [0.5 * np.sin(2 * np.pi * (300 + 99 * c) * time * (1 + time)) for c in range(channels)],
        axis=1,
    )


def recording(
    sound: NDArray[np.float64], rate_hz: int, *, container: str = "WAV", subtype: str = "PCM_16"
) -> bytes:
    """Return the sound as a file."""
    file = io.BytesIO()
    soundfile.write(file, sound, rate_hz, format=container, subtype=subtype)
    return file.getvalue()


def wav(seconds: float = 1.0, rate_hz: int = 8000, channels: int = 1, **form: str) -> bytes:
    """Return a tone as a WAV file."""
    return recording(tone(seconds, rate_hz, channels), rate_hz, **form)


def with_data_size(file: bytes, size: int) -> bytes:
    """Return a WAV file whose data chunk claims another size."""
    at = file.index(b"data") + 4
    return file[:at] + struct.pack("<I", size) + file[at + 4 :]
