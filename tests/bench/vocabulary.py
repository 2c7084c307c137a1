"""What the word list gains and what it costs, on spoken sentences with invented names.

    python -m tests.bench.vocabulary --speech FOLDER [--half odd|even] [--data FOLDER]

FOLDER holds what tests/bench/vocabulary_voices.py spoke: synthetic voices over a telephone line.
Four ways are compared on it: no word list; its words before every window (*hints*); the correction
after recognition, which is the product's way; and both. In `--data`, in music and in noise no word
of the list is said: each that is written there is an invention. Thresholds were chosen on the even
half, on clips with even numbers, and on written dialogues.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.config import ExecutionSettings, RedactionSettings, SpeechSettings
from app.engine import vocabulary
from app.engine.candidates import everyday_words
from app.engine.corrections import Corrector
from app.engine.models import ModelLibrary
from app.engine.phonetics import likeness, sounds
from app.engine.raw import RawTranscript
from app.engine.redaction import Redactor
from app.engine.transcription import Transcriber
from app.engine.word_list import WordList
from app.errors import AudioSilent
from tests.arrays import decoded
from tests.bench.wer import SETS, clips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.domain import SafeTranscript
    from app.engine.audio import Audio
    from app.engine.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "bench" / "data" / "vocabulary.txt"
_LEFT = 0.75  # likeness of a word to a part of a name
WAYS = ("none", "hints", "product", "both")


@dataclass
class Tally:
    """What one way wrote."""

    references: list[str] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)
    said: int = 0
    found: int = 0
    invented: int = 0
    spent_s: float = 0.0

    def add(self, reference: str, hypothesis: str, entries: Sequence[str]) -> None:
        """Count one sentence or clip: which entries are in it, and which should be."""
        self.references.append(reference)
        self.hypotheses.append(hypothesis)
        for entry in entries:
            wanted, written = count(entry, reference), count(entry, hypothesis)
            self.said += wanted
            self.found += min(wanted, written)
            self.invented += max(0, written - wanted)


def count(entry: str, text: str) -> int:
    """Return how often an entry stands in a text as it is written, whatever its capitals."""
    return len(re.findall(rf"(?<!\w){re.escape(entry.casefold())}(?!\w)", text.casefold()))


class Bench:
    """The four ways over the same recognised sound."""

    def __init__(self, listed: Vocabulary, threads: int) -> None:
        """Load the models."""
        self.entries = [one.written for one in listed.entries]
        self._models = ModelLibrary(ROOT / "resources", None)
        self._threads = threads
        everyday = everyday_words(self._models.read("minilm", "tokenizer.json"))
        self._corrector = Corrector(listed, everyday)
        self.word_list = WordList.with_words(listed, everyday)
        recognisers = ROOT / "resources" / "recognisers"
        self.redactor = Redactor(self._models, RedactionSettings(), recognisers)

    def turns(self, audio: Audio) -> Iterator[tuple[str, RawTranscript, float]]:
        """Yield each way with its transcript and the time that it took."""
        silent = RawTranscript(turns=(), language="en")
        for plain, corrected, hints in (("none", "product", ()), ("hints", "both", self.entries)):
            started = time.perf_counter()
            transcriber = Transcriber(
                self._models,
                SpeechSettings(language="en"),
                ExecutionSettings(threads_per_worker=self._threads),
            )
            try:
                raw = transcriber.transcribe(audio, progress=lambda _: None, hints=hints)
            except AudioSilent:
                raw = silent
            heard = time.perf_counter() - started
            yield plain, raw, heard
            started = time.perf_counter()
            better = self._corrector.correct(raw).raw
            yield corrected, better, heard + time.perf_counter() - started


def sentences(
    speech: Path, half: str, raw: RawTranscript | SafeTranscript
) -> Iterator[tuple[str, str]]:
    """Yield each sentence as it was meant and as it was written: words belong to the sentence in
    whose time their middle lies."""
    words = [word for turn in raw.turns for word in turn.words]
    for one in json.loads((speech / f"{half}.json").read_text(encoding="utf-8")):
        first, last = one["start_ms"] - 500, one["end_ms"] + 500
        heard = [word.text for word in words if first <= (word.start_ms + word.end_ms) / 2 < last]
        yield one["text"], " ".join(heard)


def of_speech(bench: Bench, speech: Path, half: str) -> dict[str, Tally]:
    """Measure the ways on one half of the spoken sentences."""
    tallies = {way: Tally() for way in WAYS}
    audio = decoded((speech / f"{half}.wav").read_bytes(), longest_minutes=60)
    for way, raw, spent_s in bench.turns(audio):
        tallies[way].spent_s += spent_s
        for meant, written in sentences(speech, half, raw):
            tallies[way].add(meant, written, bench.entries)
    return tallies


def results(bench: Bench, speech: Path, half: str) -> None:
    """Print what is left to read after redaction, without and with the list: products and places
    that stand as they are written, and names of which no part is left."""
    audio = decoded((speech / f"{half}.wav").read_bytes(), longest_minutes=60)
    raw = next(bench.turns(audio))[1]
    spoken = json.loads((speech / f"{half}.json").read_text(encoding="utf-8"))
    plain = bench.redactor.redact(raw)
    listed, corrections = bench.word_list.redact(raw, bench.redactor, agent_name=None)
    for name, redacted in (("no list", plain), ("with the list", listed)):
        readable, hidden, names, others = 0, 0, 0, 0
        written = [text for _, text in sentences(speech, half, redacted.transcript)]
        for one, text in zip(spoken, written, strict=True):
            for kind, said in one["said"]:
                names += kind == "NAME"
                others += kind != "NAME"
                readable += kind != "NAME" and count(said, text) > 0
                hidden += kind == "NAME" and not _left(said, text)
        print(f"{name}: {readable} of {others} readable, {hidden} of {names} names gone")
    print(f"{len(corrections)} corrections are shown")


def _left(name: str, text: str) -> bool:
    """Say whether a word of a text sounds like a part of a name."""
    words = [sounds(word) for word in text.split() if not word.startswith("[")]
    return any(likeness(sounds(part), word) >= _LEFT for part in name.split() for word in words)


def of_clips(bench: Bench, heard: Iterator[tuple[str, Audio, str]]) -> dict[str, Tally]:
    """Measure the ways on sound in which no word of the list is said."""
    tallies = {way: Tally() for way in WAYS}
    for _, audio, reference in heard:
        for way, raw, spent_s in bench.turns(audio):
            tallies[way].spent_s += spent_s
            written = " ".join(turn.text for turn in raw.turns)
            tallies[way].add(reference, written, bench.entries)
    return tallies


def no_speech() -> Iterator[tuple[str, Audio, str]]:
    """Yield hold music, noise and the like, as the integration tests make them."""
    from app.engine.audio import Audio
    from tests.integration.test_speech import NO_SPEECH

    for name, sound in NO_SPEECH.items():
        samples = np.clip(sound * 0.4 * 32767, -32768, 32767).astype(np.int16)[None]
        yield name, Audio(samples, 8000), ""


def print_rows(name: str, tallies: dict[str, Tally], normalise: Callable[[str], str]) -> None:
    """Print a table's rows."""
    import jiwer

    for way, tally in tallies.items():
        pairs = [
            (normalise(one), normalise(other))
            for one, other in zip(tally.references, tally.hypotheses, strict=True)
        ]
        spoken = [pair for pair in pairs if pair[0]]
        rate = 100 * jiwer.wer(*map(list, zip(*spoken, strict=True))) if spoken else float("nan")
        recall = f"{tally.found}/{tally.said}"
        print(f"{name:24} {way:9} {rate:7.2f} {recall:>8} {tally.invented:9} {tally.spent_s:7.1f}")


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="What the word list gains and costs")
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "audio")
    parser.add_argument("--half", choices=("odd", "even"), default="odd")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", action="store_true", help="what redaction leaves to read")
    options = parser.parse_args()
    normaliser: Any = importlib.import_module("whisper_normalizer.english").EnglishTextNormalizer()
    bench = Bench(vocabulary.parse(LIST.read_text(encoding="utf-8")), options.threads)
    print(f"{'sound':24} {'way':9} {'WER %':>7} {'words':>8} {'invented':>9} {'s':>7}")
    print_rows("sentences", of_speech(bench, options.speech, options.half), normaliser)
    if options.results:
        results(bench, options.speech, options.half)
        return 0
    print_rows("music and noise", of_clips(bench, no_speech()), normaliser)
    for name in SETS if (options.data / "manifest.json").is_file() else ():
        heard = clips(options.data, name, options.half)
        print_rows(name, of_clips(bench, heard), normaliser)
    return 0


if __name__ == "__main__":
    sys.exit(main())
