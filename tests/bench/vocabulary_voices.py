"""Speaks the sentences of tests/bench/data/vocabulary.toml for tests/bench/vocabulary.py.

    VENV/bin/python tests/bench/vocabulary_voices.py --voices WORK/package/voices --out WORK/set

The environment is that of build/make_samples.py, described at its top, and nothing of it belongs to
the product. Each half becomes one recording: a sentence per voice in turn, a second of pause
between them, limited to 300-3400 Hz, mu-law at 8 kHz; and a list of when each sentence is heard.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "build"))

import make_samples as samples  # noqa: E402

SET = ROOT / "tests" / "bench" / "data" / "vocabulary.toml"
PAUSE = samples.SPOKEN_HZ


def main() -> None:
    """Speak both halves."""
    parser = argparse.ArgumentParser(description="Speak the sentences of the vocabulary bench.")
    parser.add_argument("--voices", type=Path, required=True, help="folder with the voices' .bin")
    parser.add_argument("--out", type=Path, required=True, help="folder for sound and cache")
    options = parser.parse_args()
    spoken_set = tomllib.loads(SET.read_text("utf-8"))
    voice = samples.Voice(options.voices, options.out / "cache")
    for half in ("even", "odd"):
        speak(half, spoken_set[half], spoken_set["voices"], voice, options.out)


def speak(
    half: str, sentences: list[str], voices: list[str], voice: samples.Voice, out: Path
) -> None:
    """Write one half as a recording with the list of its sentences."""
    track: list[np.ndarray] = [np.zeros(PAUSE, np.float32)]
    listed, at = [], PAUSE
    for number, marked in enumerate(sentences):
        line = samples.read_line({"who": "agent", "text": marked}, {"agent": 1.05})
        sound = spoken(voice, line, voices[number % len(voices)])
        level = np.sqrt(np.mean(sound[np.abs(sound) > 0.005] ** 2))
        track += [sound * np.float32(0.08 / level), np.zeros(PAUSE, np.float32)]
        marks = [[mark.kind, line.text[mark.start : mark.end]] for mark in line.marks]
        start_ms = at * 1000 // samples.SPOKEN_HZ
        at += len(sound)
        end_ms = at * 1000 // samples.SPOKEN_HZ
        at += PAUSE
        listed.append({"text": line.text, "said": marks, "start_ms": start_ms, "end_ms": end_ms})
        print(half, number, line.text, flush=True)
    narrow = samples._telephone(
        np.concatenate(track).astype(np.float64), level_db=-23.0, seed=len(sentences)
    )
    soundfile.write(out / f"{half}.wav", narrow, samples.LINE_HZ, format="WAV", subtype="ULAW")
    (out / f"{half}.json").write_text(json.dumps(listed, indent=1) + "\n", "utf-8")


def spoken(voice: samples.Voice, line: samples.Line, name: str) -> np.ndarray:
    """Return a sentence without the silence around it; the times of its words are not needed."""
    phonemes = voice._g2p[name.startswith("b")](" ".join(line.say))
    sound, _ = voice._synthesise(phonemes, name, line.speed)
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return sound[max(0, loud[0] - 1200) : loud[-1] + 2400]


if __name__ == "__main__":
    main()
