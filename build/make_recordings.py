"""Writes tests/golden/recordings: a second of tones in the forms that Python cannot write alone.

Needs PyAV, which is no part of the product: run it by hand in an environment of its own
(`pip install av numpy`, then `python build/make_recordings.py`) when a form is added.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

TARGET = Path(__file__).resolve().parents[1] / "tests" / "golden" / "recordings"
FORMS = (
    ("aac.m4a", "ipod", "aac", 16000, 2),
    ("alac.m4a", "ipod", "alac", 16000, 1),
    ("aac.aac", "adts", "aac", 16000, 1),
    ("opus.webm", "webm", "libopus", 48000, 2),
    ("opus.ogg", "ogg", "libopus", 48000, 2),
    ("amr.amr", "amr", "libopencore_amrnb", 8000, 1),
    ("g722.wav", "wav", "g722", 16000, 1),
    ("g726.wav", "wav", "g726", 8000, 1),
    ("mp3.mp3", "mp3", "libmp3lame", 8000, 2),
)
BIT_RATES = {"amr.amr": 12200, "g726.wav": 32000, "opus.webm": 24000, "opus.ogg": 24000}
SECONDS = 2


def main() -> None:
    """Write every form."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, container, codec, rate, channels in FORMS:
        write(TARGET / name, container, codec, rate, channels)


def write(path: Path, container: str, codec: str, rate: int, channels: int) -> None:
    """Write tones of 400 Hz on the first and 600 Hz on the second channel."""
    time = np.arange(SECONDS * rate) / rate
    sound = np.stack([0.4 * np.sin(2 * np.pi * (400 + 200 * c) * time) for c in range(channels)])
    layout = "stereo" if channels == 2 else "mono"
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate)
        stream.layout = layout
        if path.name in BIT_RATES:
            stream.bit_rate = BIT_RATES[path.name]
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        frame = av.AudioFrame.from_ndarray(sound.astype(np.float32), format="fltp", layout=layout)
        frame.sample_rate = rate
        frame.pts = 0
        for part in resampler.resample(frame):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))


if __name__ == "__main__":
    main()
