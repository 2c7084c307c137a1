"""What is left out at first and heard the second time: word errors, lost and invented words, time.

    python -m tests.bench.second_hearing --data FOLDER [--half odd|even] [--beams 1 3 5]

Stands on the shipped samples (synthetic voices) and on two-channel calls at telephone band, put
together from the clips of a half (made_calls.py). Each is recognised once with each beam; then what
is missing is heard again, so that both rows of a beam stand on the same first hearing. *Lost* are
words left out, *invented* words heard where nobody spoke. Seconds are of the processor, which other
work on the machine hardly changes. Thresholds were chosen on the even half. Needs jiwer and
whisper-normalizer.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jiwer
import msgspec

from app.engine.audio import RATE_HZ
from app.engine.models import ModelLibrary
from app.engine.recognition import Recogniser
from app.engine.second_hearing import completed
from app.engine.speech_detection import SpeechDetector
from app.engine.turns import timed_words
from app.engine.windows import pack
from tests.arrays import decoded
from tests.bench.detection import near
from tests.bench.made_calls import MadeCall, made_calls
from tests.bench.wer import ROOT, SETS, clips, normaliser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.engine.turns import TimedWord
    from app.engine.windows import Window

SAMPLES = ROOT / "resources" / "samples"


@dataclass
class Row:
    """What came out of one way on one kind of calls."""

    said: int = 0
    wrong: int = 0
    lost: int = 0
    invented: int = 0
    windows: int = 0
    spent_s: float = 0.0

    def add(self, call: MadeCall, words: Sequence[TimedWord]) -> None:
        """Count the words of a call."""
        normalise = normaliser()
        for channel in (0, 1):
            of = sorted((w for w in words if w.channel == channel), key=lambda w: w.start_ms)
            middles = [(w.start_ms + w.end_ms) * RATE_HZ // 2000 for w in of]
            self.invented += sum(not near(call, channel, middle) for middle in middles)
            if reference := normalise(call.text(channel)):
                out = jiwer.process_words(reference, normalise(" ".join(w.text for w in of)))
                self.said += len(reference.split())
                self.wrong += out.substitutions + out.deletions + out.insertions
                self.lost += out.deletions


def samples() -> Iterator[MadeCall]:
    """Yield the shipped samples with what is said in them."""
    for gold in sorted(SAMPLES.glob("*.json")):
        (sound,) = (path for path in SAMPLES.glob(f"{gold.stem}.*") if path != gold)
        call = MadeCall(decoded(sound.read_bytes(), longest_minutes=60), ([], []))
        for turn in msgspec.json.decode(gold.read_bytes())["turns"]:
            start, end = (turn[key] * RATE_HZ // 1000 for key in ("start_ms", "end_ms"))
            call.said[turn["channel"]].append((start, end, turn["text"]))
        yield call


def calls(data: Path, half: str, seed: int) -> Iterator[MadeCall]:
    """Yield calls of three minutes in which each clip of both sets is said once."""
    said = list(itertools.chain.from_iterable(clips(data, name, half) for name in SETS))
    random.Random(seed).shuffle(said)
    yield from made_calls(said, seed=seed)


class Twice:
    """Recognises calls and keeps what each hearing took."""

    def __init__(self, models: ModelLibrary, threads: int, beam: int) -> None:
        model = models.whisper("whisper-base", device="cpu", threads=threads)
        self._detector = SpeechDetector(models.read("silero-vad", "silero_vad_v6.onnx"))
        self._recogniser = Recogniser(model, beam_size=beam, short_windows=True)

    def count(self, call: MadeCall, once: Row, twice: Row) -> None:
        """Recognise a call and count it in both rows."""
        samples = call.audio.samples
        detected = [self._detector.detect(channel) for channel in samples]
        windows = [w for channel, found in enumerate(detected) for w in pack(channel, found)]
        encoder = self._recogniser.encoder(samples)
        row = once

        def hear(these: Sequence[Window]) -> list[TimedWord]:
            started = time.process_time()
            heard = self._recogniser.recognise(these, encoder, "en", lambda _: None)
            row.windows += len(these)
            row.spent_s += time.process_time() - started
            return [w for h in heard for w in timed_words(h, detected[h.window.channel], "en")]

        words = hear(windows)
        once.add(call, words)
        row = twice
        twice.add(call, completed(words, detected, hear))


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="What is left out and heard the second time")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "audio")
    parser.add_argument("--half", choices=("all", "odd", "even"), default="odd")
    parser.add_argument("--beams", type=int, nargs="*", default=[1, 3, 5])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    made = {"samples": list(samples())}
    if (options.data / "manifest.json").is_file():
        for seed in options.seeds:
            name = f"calls of {options.half} clips, {seed}"
            made[name] = list(calls(options.data, options.half, seed))
    models = ModelLibrary(ROOT / "resources", None)
    head = f"{'words':>6} {'WER %':>6} {'lost':>5} {'invented':>8} {'windows':>7} {'s':>6}"
    print(f"{'audio':26} {'beam':>4} {'heard':6} {head}")
    for beam in options.beams:
        way = Twice(models, options.threads, beam)
        for name, of in made.items():
            rows: dict[str, Row] = defaultdict(Row)
            for call in of:
                way.count(call, rows["once"], rows["again"])
            for heard, row in rows.items():
                print(
                    f"{name:26} {beam:4} {heard:6} {row.said:6}"
                    f" {100 * row.wrong / row.said:6.2f} {row.lost:5} {row.invented:8}"
                    f" {row.windows:7} {row.spent_s:6.1f}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
