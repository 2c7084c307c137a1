"""Word error rate and speed of the product's speech to text beside the raw model's.

`python -m tests.bench.wer [--data FOLDER] [--half odd|even] [--language en|auto]`

Both sides get the same decoded clip, the same weights, the same beam and the same number of threads
in the same run. *Raw* is faster-whisper on the whole clip, voice detection off, temperature 0;
*product* is `Transcriber`. Words are compared after Whisper's own English normaliser. Thresholds
were tuned on the clips with even numbers: `--half odd` gives the figures on the others.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.config import ExecutionSettings, SpeechSettings
from app.engine.models import ModelLibrary
from app.engine.transcription import Transcriber
from app.errors import AudioSilent
from tests.arrays import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.engine.audio import Audio

ROOT = Path(__file__).resolve().parents[2]
SETS = {"librispeech_test_other": "read speech, 16 kHz", "asterisk_prompts_en": "studio, 8 kHz"}
FEWEST_WORDS = 4  # a single spoken digit says nothing about calls


@dataclass
class Tally:
    """What one side recognised of one set."""

    references: list[str] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)
    audio_s: float = 0.0
    spent_s: float = 0.0
    clips: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, name: str, reference: str, hypothesis: str) -> None:
        """Count one clip."""
        self.references.append(reference)
        self.hypotheses.append(hypothesis)
        self.clips[name] = (reference, hypothesis)

    def row(self) -> tuple[int, int, float, float]:
        """Return clips, words, word error rate in per cent, and the real-time factor."""
        import jiwer

        words = sum(len(text.split()) for text in self.references)
        rate = 100 * jiwer.wer(self.references, self.hypotheses)
        return len(self.references), words, rate, self.spent_s / self.audio_s


def clips(data: Path, name: str, half: str) -> Iterator[tuple[str, Audio, str]]:
    """Yield name, sound and reference of the clips of a set that have a reference."""
    entries = json.loads((data / "manifest.json").read_text(encoding="utf-8"))
    entries = [e for e in entries if e["file"].startswith(name + "/") and e.get("reference_text")]
    entries = [e for e in entries if len(e["reference_text"].split()) >= FEWEST_WORDS]
    for number, entry in enumerate(sorted(entries, key=lambda e: e["file"])):
        if half != "all" and (number % 2 == 0) != (half == "even"):
            continue
        audio = decoded((data / entry["file"]).read_bytes(), longest_minutes=60)
        yield entry["file"], audio, entry["reference_text"]


def product(
    models: ModelLibrary, model: str, language: str, threads: int, beam: int
) -> Callable[[Audio], str]:
    """Return the product's way from sound to text."""
    transcriber = Transcriber(
        models,
        SpeechSettings(model=model, language=language, beam_size=beam),
        ExecutionSettings(threads_per_worker=threads),
    )

    def recognise(audio: Audio) -> str:
        try:
            raw = transcriber.transcribe(audio, progress=lambda _: None)
        except AudioSilent:
            return ""
        return " ".join(turn.text for turn in raw.turns)

    return recognise


def raw(
    models: ModelLibrary, name: str, language: str, threads: int, beam: int
) -> Callable[[Audio], str]:
    """Return the model's own way: the whole clip, no voice detection."""
    model = models.whisper(name, device="cpu", threads=threads)

    def recognise(audio: Audio) -> str:
        sound = audio.samples[0].astype(np.float32) / 32768
        segments, _ = model.transcribe(
            sound,
            language=None if language == "auto" else language,
            beam_size=beam,
            vad_filter=False,
            temperature=0,
            condition_on_previous_text=False,
            word_timestamps=True,  # the product gives them, too
        )
        return " ".join(segment.text.strip() for segment in segments)

    return recognise


def measure(options: argparse.Namespace) -> dict[str, dict[str, Tally]]:
    """Recognise every clip on both sides."""
    models = ModelLibrary(ROOT / "resources", options.packs)
    given = (options.model, options.language, options.threads, options.beam)
    sides = {
        "raw": raw(models, *given),
        "product": product(models, *given),
    }
    normalise = normaliser()
    tallies: dict[str, dict[str, Tally]] = {}
    for name in options.sets:
        tallies[name] = {side: Tally() for side in sides}
        for file, audio, reference in clips(options.data, name, options.half):
            for side, recognise in sides.items():
                tally = tallies[name][side]
                started = time.perf_counter()
                text = recognise(audio)
                tally.spent_s += time.perf_counter() - started
                tally.audio_s += audio.duration_ms / 1000
                tally.add(file, normalise(reference), normalise(text))
    return tallies


def normaliser() -> Callable[[str], str]:
    """Return the normaliser of Whisper's own English scores."""
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser: Any = EnglishTextNormalizer()
    return lambda text: str(normaliser(text))


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Word error rate of the product and the raw model")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "audio")
    parser.add_argument("--half", choices=("all", "odd", "even"), default="all")
    parser.add_argument("--language", default="en")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=SpeechSettings().beam_size)
    parser.add_argument("--model", default="whisper-base", help="a model pack's name, too")
    parser.add_argument("--packs", type=Path, help="the folder of model packs")
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--differences", action="store_true", help="print clips that differ")
    options = parser.parse_args()
    if not (options.data / "manifest.json").is_file():
        sys.stdout.write(f"There is no material in {options.data}: nothing was measured.\n")
        return 0
    tallies = measure(options)
    print(f"{'set':24} {'kind':20} {'side':8} {'clips':>5} {'words':>6} {'WER %':>6} {'RTF':>6}")
    for name, sides in tallies.items():
        for side, tally in sides.items():
            count, words, rate, factor = tally.row()
            print(
                f"{name:24} {SETS.get(name, ''):20} {side:8}"
                f" {count:5} {words:6} {rate:6.2f} {factor:6.3f}"
            )
    if options.differences:
        _print_differences(tallies)
    return 0


def _print_differences(tallies: dict[str, dict[str, Tally]]) -> None:
    for sides in tallies.values():
        for clip, (reference, hypothesis) in sides["product"].clips.items():
            other = sides["raw"].clips[clip][1]
            if other != hypothesis:
                print(f"\n{clip}\n  ref {reference}\n  raw {other}\n  pro {hypothesis}")


if __name__ == "__main__":
    sys.exit(main())
