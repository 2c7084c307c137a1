"""Short two-channel calls cut from resources/samples, for measuring many of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "resources" / "samples"


def clips(count: int, seconds: float) -> list[bytes]:
    """Return so many WAV files of that length at 8 kHz, each from another place of the samples."""
    from tests.arrays import decoded

    paths = [path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".wav", ".flac")]
    sound = [decoded(path.read_bytes(), longest_minutes=60).samples[:, ::2] for path in paths]
    whole = np.concatenate([one for one in sound if one.shape[0] == 2], axis=1)
    length = round(seconds * 8000)
    whole = np.concatenate([whole, whole[:, :length]], axis=1)
    step = (whole.shape[1] - length) // max(1, count)
    return [_file(whole[:, n * step : n * step + length]) for n in range(count)]


def _file(sound: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound.T, 8000, format="WAV", subtype="PCM_16")
    return file.getvalue()
