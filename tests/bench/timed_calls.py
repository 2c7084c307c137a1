"""Speaks data/timed_calls.toml as calls whose word times are known, for word_times.py.

Runs in the environment that build/make_samples.py describes, not in the product's:

    WORK/venv/bin/python -m tests.bench.timed_calls --voices WORK/package/voices \
        --cache WORK/cache --to WORK/gold

Writes each call three times as 8 kHz mu-law with two channels: as a line carries it (`clean`), and
with pink noise 20 and 10 dB below the speech (`snr20`, `snr10`), each with its gold beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "build"))

import make_samples  # noqa: E402

SCRIPT = Path(__file__).parent / "data" / "timed_calls.toml"
NOISES_DB = {"clean": None, "snr20": 20.0, "snr10": 10.0}
CHANNELS = ("agent", "customer")


def pink(length: int, seed: int) -> np.ndarray:
    """Return noise with equal energy per octave and a mean power of one."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=length))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, length)
    return noise / np.sqrt(np.mean(noise**2))


def noisy(channel: np.ndarray, snr_db: float, seed: int) -> np.ndarray:
    """Return a channel with noise so much weaker than what is spoken on it, through mu-law."""
    active = channel[np.abs(channel) > 0.005]
    level = np.sqrt(np.mean(active**2)) * 10 ** (-snr_db / 20)
    return make_samples._mulaw(np.clip(channel + level * pink(len(channel), seed), -0.98, 0.98))


def speak(call: dict[str, Any], number: int, voice: make_samples.Voice, to: Path) -> None:
    """Write one call in every noise, with its gold."""
    lines = [
        make_samples.read_line({"who": who, "text": text}, call["speeds"])
        for who, text in call["turns"]
    ]
    spoken = [voice.speak(line, call["voices"][line.who]) for line in lines]
    placed = make_samples.place(lines, spoken, seed=100 + number)
    script = {"seed": 100 + number, "channels": list(CHANNELS)}
    audio = make_samples.line_audio(script, placed)
    facts = {"id": f"timed-{number:02}", "language": "en", "expected": {}}
    gold = make_samples.gold(script | facts, placed, len(audio) * 1000 // 8000)
    for name, snr_db in NOISES_DB.items():
        sound = audio
        if snr_db is not None:
            columns = [noisy(audio[:, c], snr_db, 10 * number + c) for c in range(audio.shape[1])]
            sound = np.stack(columns, axis=1)
        path = to / f"{number:02}-{name}.wav"
        soundfile.write(path, sound, make_samples.LINE_HZ, format="WAV", subtype="ULAW")
        path.with_suffix(".json").write_text(json.dumps(gold) + "\n", "utf-8")
    print(f"{number:02}: {len(audio) / 8000:.1f} s, {len(lines)} turns")


def main() -> None:
    """Speak every call."""
    parser = argparse.ArgumentParser(description="Speak calls whose word times are known.")
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    voice = make_samples.Voice(options.voices, options.cache)
    for number, call in enumerate(tomllib.loads(SCRIPT.read_text("utf-8"))["call"]):
        speak(call, number, voice, options.to)


if __name__ == "__main__":
    main()
