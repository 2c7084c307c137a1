"""Diarisation error rate of mono calls, with pyannote.metrics.

`PYTHONPATH=FOLDER_OF_PYANNOTE python -m tests.bench.diarisation [--data FOLDER] [--words]`

Two-channel calls are mixed into one channel; what each channel's own speech detection (or the gold
of the sample calls) says is the reference. Meeting excerpts come with theirs. Each case is measured
at its own rate and through 8 kHz µ-law. *Strict* has no collar and counts overlap; *lenient* leaves
250 ms around each border and all overlap out. *one speaker* is the answer that everything is one
voice, over the same speech. Thresholds were tuned on the cases marked `tuned`: only the others are
reported by default. With `--words` the hypothesis is the product's whole way (recognised words);
without, the voices are laid over the detected speech, which is much faster.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.config import ExecutionSettings, SpeechSettings
from app.engine.audio import RATE_HZ, Audio
from app.engine.diarisation import by_speaker, segments, told_apart
from app.engine.models import ModelLibrary
from app.engine.speaker_encoder import SpeakerEncoder
from app.engine.speech_detection import SpeechDetector, Thresholds, regions
from app.engine.transcription import Transcriber
from tests.arrays import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Samples = NDArray[np.int16]
    Spoken = list[tuple[int, int, str]]

ROOT = Path(__file__).resolve().parents[2]
PER_MS = RATE_HZ // 1000
EXACT = Thresholds(begin=0.5, end=0.35, bridge_ms=200, pad_ms=0)  # what a reference calls speech
FOUND = Thresholds(begin=0.3, end=0.1, bridge_ms=200, pad_ms=0)
TUNED = {"dev00", "trn02", "trn04", "trn08", "test-transcript-connector"}
READERS_TUNED = {"1688", "1998"}


@dataclass
class Case:
    """A recording of one channel and who speaks when (milliseconds)."""

    group: str
    name: str
    sound: Samples
    reference: Spoken
    tuned: bool


class Bench:
    """The parts of the product that are measured."""

    def __init__(self) -> None:
        self.models = ModelLibrary(ROOT / "resources", None)
        self.detector = SpeechDetector(self.models.read("silero-vad", "silero_vad_v6.onnx"))
        self.encoder = SpeakerEncoder(self.models.read("speaker-encoder", "model.onnx"))
        self.transcriber = Transcriber(
            self.models, SpeechSettings(language="en"), ExecutionSettings(threads_per_worker=2)
        )

    def speech(self, sound: Samples, thresholds: Thresholds) -> list[tuple[int, int]]:
        """Return when somebody speaks."""
        found = regions(self.detector.detect(sound).probabilities, len(sound), thresholds)
        return [(one.start // PER_MS, one.end // PER_MS) for one in found]

    def mixed(self, group: str, name: str, channels: Samples, tuned: bool) -> Case:
        """Mix the channels of a call; the reference is what is found on each of them."""
        reference = [
            (start, end, str(number))
            for number, channel in enumerate(channels)
            for start, end in self.speech(channel, EXACT)
        ]
        return Case(group, name, mix(channels), reference, tuned)

    def hypothesis(self, sound: Samples, *, words: bool) -> tuple[int, float, Spoken, Spoken]:
        """Return the count of voices, their distance, who speaks when, and the same as one."""
        if not words:
            speech = self.speech(sound, FOUND)
            voices = told_apart(self.encoder, sound, speech)
            told = [(start, end, str(label)) for start, end, label in segments(speech, voices)]
        else:
            audio = Audio(sound[None], RATE_HZ)
            turns = self.transcriber.transcribe(audio, progress=lambda _: None).turns
            speech = [(word.start_ms, word.end_ms) for turn in turns for word in turn.words]
            voices = told_apart(self.encoder, sound, speech)
            told = [(t.start_ms, t.end_ms, str(t.speaker)) for t in by_speaker(turns, voices)]
        one = [(start, end, "0") for start, end, _ in told]
        return voices.count, voices.distance, told if voices.count > 1 else one, one


def mix(channels: Samples) -> Samples:
    """Add the channels, as a recorder with one track would."""
    total = channels.astype(np.int32).sum(0)
    return np.clip(total, -32768, 32767).astype(np.int16)


def telephone(sound: Samples) -> Samples:
    """Send the sound through 8 kHz µ-law and back."""
    import soundfile

    spectrum = np.fft.rfft(sound.astype(np.float64))
    narrow = np.fft.irfft(spectrum[: len(sound) // 4 + 1], len(sound) // 2) / 2
    content = io.BytesIO()
    clipped = np.clip(narrow / 32768, -1, 1)
    soundfile.write(content, clipped, RATE_HZ // 2, format="WAV", subtype="ULAW")
    return decoded(content.getvalue(), longest_minutes=60).samples[0]


def cases(bench: Bench, data: Path | None) -> Iterator[Case]:
    """Yield all cases: the sample calls that ship, and what lies in the folder of material."""
    samples = ROOT / "resources" / "samples"
    for gold in sorted(samples.glob("*.json")):
        sound = next(p for p in samples.glob(f"{gold.stem}.*") if p.suffix != ".json")
        audio = decoded(sound.read_bytes(), longest_minutes=60)
        turns = json.loads(gold.read_text(encoding="utf-8"))["turns"]
        reference = [(t["start_ms"], t["end_ms"], t["role"]) for t in turns]
        yield Case("samples", gold.stem, mix(audio.samples), reference, True)
    if data is not None:
        yield from _calls(bench, data)
        yield from _meetings(data / "pyannote_ami_debug")
        yield from _readers(bench, data / "librispeech_test_other")


def _calls(bench: Bench, data: Path) -> Iterator[Case]:
    sides = sorted((data / "aws_live_call_analytics").glob("*.wav"))
    rows = [decoded(path.read_bytes(), longest_minutes=60).samples[0] for path in sides]
    length = min(len(row) for row in rows)
    yield bench.mixed("calls", "aws", np.stack([row[:length] for row in rows]), False)
    for name in (
        "genesys_audiohook/test-transcript-connector.wav",
        "google_docs_samples/two_channel_16k.wav",
        "speechmatics_academy/callcenter_stereo.wav",
    ):
        audio = decoded((data / name).read_bytes(), longest_minutes=60)
        yield bench.mixed("calls", Path(name).stem, audio.samples, Path(name).stem in TUNED)


def _meetings(folder: Path) -> Iterator[Case]:
    spoken: dict[str, Spoken] = {}
    for path in sorted(folder.glob("*.rttm")):
        for line in path.read_text(encoding="utf-8").splitlines():
            _, name, _, start, length, _, _, who, *_ = line.split()
            begin = round(1000 * float(start))
            spoken.setdefault(name, []).append((begin, begin + round(1000 * float(length)), who))
    for path in sorted(folder.glob("*.wav")):
        sound = decoded(path.read_bytes(), longest_minutes=60).samples[0]
        number = len({who for _, _, who in spoken[path.stem]})
        group = "meetings, 2 speakers" if number == 2 else "meetings, others"
        yield Case(group, path.stem, sound, spoken[path.stem], path.stem in TUNED)


def _readers(bench: Bench, folder: Path) -> Iterator[Case]:
    """Yield conversations made of read sentences, two readers in turn, and readers alone."""
    read: dict[str, list[Samples]] = {}
    for path in sorted(folder.glob("*.flac")):
        sound = decoded(path.read_bytes(), longest_minutes=60).samples[0]
        read.setdefault(path.stem.split("-")[0], []).append(sound[: 6 * RATE_HZ])
    for pair in combinations(sorted(read), 2):
        tuned = bool(READERS_TUNED & set(pair))
        yield _in_turn(bench, "readers, 2 in turn", [(who, read[who]) for who in pair], tuned)
    for who in sorted(read):
        tuned = who in READERS_TUNED
        yield _in_turn(bench, "readers, 1 alone", [(who, read[who])], tuned)


def _in_turn(
    bench: Bench,
    group: str,
    readers: Sequence[tuple[str, list[Samples]]],
    tuned: bool,
) -> Case:
    sounds, reference, at = [], [], 0
    for number in range(8):
        for who, sentences in readers:
            sound = sentences[number % len(sentences)]
            sound = sound[: (RATE_HZ * (2 + (number * 7 + len(sounds)) % 5))]
            reference += [
                (at // PER_MS + start, at // PER_MS + end, who)
                for start, end in bench.speech(sound, EXACT)
            ]
            sounds.append(sound)
            at += len(sound)
    name = "-".join(who for who, _ in readers)
    return Case(group, name, np.concatenate(sounds), reference, tuned)


def annotation(spoken: Spoken) -> Any:
    """Return what pyannote.metrics compares."""
    from pyannote.core import Annotation, Segment

    made = Annotation()
    for number, (start, end, who) in enumerate(spoken):
        if end > start:
            made[Segment(start / 1000, end / 1000), number] = who
    return made


class Rates:
    """Error rates of a group, summed over its cases."""

    def __init__(self) -> None:
        from pyannote.metrics.diarization import DiarizationErrorRate

        self.strict = DiarizationErrorRate(collar=0.0, skip_overlap=False)
        self.lenient = DiarizationErrorRate(collar=0.5, skip_overlap=True)  # both sides together

    def add(self, reference: Any, hypothesis: Any, uem: Any) -> None:
        """Count a case."""
        for metric in (self.strict, self.lenient):
            metric(reference, hypothesis, uem=uem)

    def row(self) -> str:
        """Return strict (rate, confusion, miss, false alarm) and lenient, in per cent."""
        total = self.strict["total"] or 1
        names = ("confusion", "missed detection", "false alarm")
        parts = [f"{100 * self.strict[name] / total:.1f}" for name in names]
        return " | ".join(
            [f"{100 * abs(self.strict):.1f}", *parts, f"{100 * abs(self.lenient):.1f}"]
        )


def main() -> int:
    """Measure and print the tables."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--data", type=Path)
    arguments.add_argument("--words", action="store_true", help="the product's whole way")
    arguments.add_argument("--tuned", action="store_true", help="the cases of the tuning instead")
    arguments.add_argument("--only", default="", help="part of a group's or a case's name")
    options = arguments.parse_args()
    bench = Bench()
    tables: dict[str, dict[str, Rates]] = {}
    for case in cases(bench, options.data):
        if case.tuned != options.tuned or options.only not in f"{case.group}/{case.name}":
            continue
        for band, sound in (("as it is", case.sound), ("8 kHz µ-law", telephone(case.sound))):
            _measure(bench, case, band, sound, tables, words=options.words)
    head = "DER strict | confusion | miss | false alarm | DER lenient"
    print(f"\n| audio | answer | {head} |\n{'| --- ' * 7}|")
    for name, sides in tables.items():
        for side, rates in sides.items():
            print(f"| {name} | {side} | {rates.row()} |")
    return 0


def _measure(
    bench: Bench,
    case: Case,
    band: str,
    sound: Samples,
    tables: dict[str, dict[str, Rates]],
    *,
    words: bool,
) -> None:
    from pyannote.core import Segment, Timeline

    count, distance, told, one = bench.hypothesis(sound, words=words)
    sides = tables.setdefault(f"{case.group}, {band}", {"product": Rates(), "one speaker": Rates()})
    uem = Timeline([Segment(0, len(sound) / RATE_HZ)])
    reference = annotation(case.reference)
    mine = Rates()
    for rates in (sides["product"], mine):
        rates.add(reference, annotation(told), uem)
    sides["one speaker"].add(reference, annotation(one), uem)
    speakers = len({who for _, _, who in case.reference})
    print(
        f"{case.group}/{case.name}, {band}: {speakers} speak, found {count or 'doubt'}, "
        f"distance {distance:.2f}: {mine.row()}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
