"""Words written twice because of crosstalk, and words lost where both speak at once.

    python -m tests.bench.crosstalk                      # two of the shipped samples
    python -m tests.bench.crosstalk --calls finance      # others

Mixes each channel of a sample into the other one, weaker and later, and once more with the second
channel moved so that both speak at once for much of the call. *Doubled* are words written on the
channel that is leaked to while nobody speaks there; *kept* is the part of the words really said on
it that is recognised. Both with `app.engine.crosstalk` and without.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.config import ExecutionSettings, SpeechSettings
from app.engine import crosstalk
from app.engine.audio import RATE_HZ, Audio
from app.engine.models import ModelLibrary
from app.engine.transcription import Transcriber
from tests.arrays import decoded
from tests.bench.word_times import SAMPLES, channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.engine.raw import RawTranscript

ROOT = Path(__file__).resolve().parents[2]
LEAKS = ((None, 0), (-20, 20), (-26, 60), (-32, 120))
MOVED_MS = 4000  # how much earlier the second channel speaks in the calls with much overtalk
BESIDE_MS = 300


def leaking(samples: NDArray[np.int16], gain_db: float, delay_ms: int) -> NDArray[np.int16]:
    """Return two channels, each with the other one mixed in."""
    late = np.zeros(samples.shape, np.float32)
    lag = delay_ms * RATE_HZ // 1000
    late[:, lag:] = samples[::-1, : samples.shape[1] - lag]
    mixed = np.rint(samples + late * 10 ** (gain_db / 20))
    return np.clip(mixed, -32768, 32767).astype(np.int16)


def overtalking(
    samples: NDArray[np.int16], gold: dict[str, Any]
) -> tuple[NDArray[np.int16], dict[str, Any]]:
    """Return the call with the second channel moved to the front, and its gold."""
    lag = MOVED_MS * RATE_HZ // 1000
    moved = np.array(samples)
    moved[1] = np.roll(moved[1], -lag)
    turns = []
    for turn in gold["turns"]:
        by = MOVED_MS if turn["channel"] == 1 else 0
        words = [
            word | {"start_ms": word["start_ms"] - by, "end_ms": word["end_ms"] - by}
            for word in turn["words"]
        ]
        turns.append(turn | {"words": [word for word in words if word["start_ms"] >= 0]})
    return moved[:, :-lag], gold | {"turns": turns}


def doubled(gold: dict[str, Any], raw: RawTranscript) -> int:
    """Return how many words stand on a channel on which nobody speaks then."""
    count = 0
    for turn in raw.turns:
        said = [w for t in gold["turns"] if t["channel"] == turn.channel for w in t["words"]]
        for word in turn.words:
            count += not any(
                w["start_ms"] - BESIDE_MS < word.end_ms and word.start_ms < w["end_ms"] + BESIDE_MS
                for w in said
            )
    return count


def kept(gold: dict[str, Any], raw: RawTranscript) -> tuple[int, int]:
    """Return how many of the tokens that are said are recognised on their channel, and of how
    many."""
    sides = channels(gold | {"entities": []}, raw)
    return sum(len(side.match) for side in sides), sum(len(side.gold_tokens) for side in sides)


def main() -> None:
    """Measure and print a line per kind of call and leak."""
    parser = argparse.ArgumentParser(description="Words doubled by crosstalk and lost in overtalk.")
    parser.add_argument("--calls", nargs="*", default=["utilities", "retail"])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    transcriber = Transcriber(
        ModelLibrary(ROOT / "resources", None),
        SpeechSettings(language="en"),
        ExecutionSettings(threads_per_worker=options.threads),
    )
    found = crosstalk.crosstalk
    nothing = crosstalk.Crosstalk((), {}, {})
    for name in options.calls:
        gold = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
        sound = next(p for p in SAMPLES.glob(f"{name}.*") if p.suffix != ".json")
        whole = decoded(sound.read_bytes(), longest_minutes=60)
        samples = whole.samples[:, : options.seconds * RATE_HZ]
        gold["turns"] = [t for t in gold["turns"] if t["end_ms"] < options.seconds * 1000]
        kinds = {"turns": (samples, gold), "overtalk": overtalking(samples, gold)}
        for kind, (clean, said) in kinds.items():
            for gain_db, delay_ms in LEAKS:
                mixed = clean if gain_db is None else leaking(clean, gain_db, delay_ms)
                line = f"{name:10} {kind:9} {gain_db or 'none':>5} dB {delay_ms:4} ms"
                for way, of in (("without", lambda _: nothing), ("with", found)):
                    crosstalk.crosstalk = of
                    audio = Audio(mixed, whole.source_rate_hz)
                    raw = transcriber.transcribe(audio, progress=lambda _: None)
                    same, tokens = kept(said, raw)
                    line += f" | {way}: doubled {doubled(said, raw):3}, kept {same}/{tokens}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
