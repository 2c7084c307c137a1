"""Ways to find speech on a telephone line, judged by the words that come out in the end.

    python -m tests.bench.detection --data FOLDER --silero silero_vad.onnx [--half odd|even]

Calls are put together from clips with known words and from hold music, tones, keys, noise and
silence (made_calls.py), at telephone band. Every way feeds the same packing and the same recogniser
in the same run. Counted are word errors, words lost, and words *invented*: heard where nobody
spoke. A second table has only sounds that are no speech, ten minutes of them.

`--silero` names the detector as its makers publish it (silero-vad 6.2, both rates), which is no
part of the product: without it, the rows that need it are left out. Needs jiwer and
whisper-normalizer.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr

from app.config import ExecutionSettings, SpeechSettings
from app.engine.audio import RATE_HZ, Audio
from app.engine.models import ModelLibrary
from app.engine.speech_detection import FRAME, Detected, SpeechDetector, Thresholds, regions
from app.engine.transcription import Transcriber
from app.errors import AudioSilent
from tests.bench.line_sounds import KINDS
from tests.bench.made_calls import MadeCall, made_calls, over_the_telephone
from tests.bench.wer import ROOT, SETS, clips, normaliser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from app.engine.raw import RawTranscript

    Way = Callable[[NDArray[np.int16]], Detected]

NEAR = RATE_HZ * 4 // 10  # a word this near to speech belongs to it
WAIT_S = 90.0  # of each sound that is no speech


class Given(Transcriber):
    """The product's transcriber with another way to find speech."""

    def __init__(self, models: ModelLibrary, way: Way | None, threads: int, beam: int) -> None:
        super().__init__(
            models,
            SpeechSettings(language="en", beam_size=beam),
            ExecutionSettings(threads_per_worker=threads),
        )
        self._way = way

    def _detect(self, audio: Audio) -> list[Detected]:
        if self._way is None:
            return super()._detect(audio)
        return [self._way(channel) for channel in audio.samples]

    def words(self, audio: Audio) -> RawTranscript | None:
        """Return what is heard; nothing where nobody speaks."""
        try:
            return self.transcribe(audio, progress=lambda _: None)
        except AudioSilent:
            return None


def ways(models: ModelLibrary, silero: Path | None) -> dict[str, Way | None]:
    """Return the ways to compare, by name; `None` is the product's own."""
    ours = models.read("silero-vad", "silero_vad_v6.onnx")

    def judged(thresholds: Thresholds) -> Way:
        return SpeechDetector(ours, thresholds).detect

    usual = Thresholds(begin=0.5, end=0.35)
    found: dict[str, Way | None] = {
        "peer's own (faster-whisper)": peers_own,
        "0.5 / 0.35, begun anew": judged(usual),
        "product: 0.3 / 0.1, begun anew": None,
        "0.2 / 0.1, begun anew": judged(Thresholds(begin=0.2)),
        "hybrid: + loud, not tonal": hybrid(SpeechDetector(ours)),
    }
    if silero is not None:
        found["Silero 6.2 at 8 kHz, 0.3 / 0.1"] = published(silero, 8000, Thresholds())
        found["Silero 6.2 at 16 kHz, 0.3 / 0.1"] = published(silero, 16000, Thresholds())
    return found


def peers_own(channel: NDArray[np.int16]) -> Detected:
    """Find speech as faster-whisper does by default: one pass with memory, threshold 0.5."""
    from faster_whisper.vad import get_speech_timestamps, get_vad_model

    sound = channel.astype(np.float32) / 32768
    padded = np.pad(sound, (0, -len(sound) % FRAME))
    probabilities = get_vad_model()(padded).reshape(-1).astype(np.float32)
    spans = get_speech_timestamps(sound)
    found = regions(probabilities, len(channel), Thresholds())
    if not spans:
        return Detected(probabilities, ())
    like = found[0] if found else None
    if like is None:
        return Detected(probabilities, ())
    taken = tuple(
        replace(like, start=s["start"], end=min(s["end"], len(channel)), certainty=1.0, lone=False)
        for s in spans
    )
    return Detected(probabilities, taken)


def published(model: Path, rate_hz: int, thresholds: Thresholds) -> Way:
    """Find speech with the detector as published, at one of its rates, in one pass."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options)
    frame, context = (512, 64) if rate_hz == RATE_HZ else (256, 32)

    def way(channel: NDArray[np.int16]) -> Detected:
        sound = channel.astype(np.float32) / 32768
        if rate_hz != RATE_HZ:
            sound = soxr.resample(sound, RATE_HZ, rate_hz)
        sound = np.pad(sound, (context, -len(sound) % frame))
        frames = np.lib.stride_tricks.sliding_window_view(sound, frame + context)[::frame]
        state = np.zeros((2, 1, 128), np.float32)
        rate = np.array(rate_hz)
        probabilities = np.empty(len(frames), np.float32)
        for place, one in enumerate(frames):
            given = {"input": np.ascontiguousarray(one[None]), "state": state, "sr": rate}
            output, state = session.run(None, given)
            probabilities[place] = output[0, 0]
        count = -(-len(channel) // FRAME)
        probabilities = np.pad(probabilities, (0, max(0, count - len(probabilities))))[:count]
        return Detected(probabilities, regions(probabilities, len(channel), thresholds))

    return way


def hybrid(detector: SpeechDetector) -> Way:
    """Believe the detector more where a frame is loud for this line and not a steady tone."""

    def way(channel: NDArray[np.int16]) -> Detected:
        judged = detector.detect(channel).probabilities
        sound = np.pad(channel.astype(np.float32) / 32768, (0, -len(channel) % FRAME))
        spectra = np.abs(np.fft.rfft(sound.reshape(-1, FRAME) * np.hanning(FRAME))) + 1e-6
        level = 10 * np.log10((spectra**2).mean(1))
        floor = np.percentile(level, 20)
        flat = np.exp(np.log(spectra).mean(1)) / spectra.mean(1)
        loud = (level > floor + 15) & (flat > 0.15)
        raised = np.where(loud, np.minimum(1, judged + 0.15), judged).astype(np.float32)
        return Detected(raised, regions(raised, len(channel), Thresholds()))

    return way


@dataclass
class Count:
    """What came out of one way on one set of calls."""

    said: int = 0
    wrong: int = 0
    lost: int = 0
    invented: int = 0
    spent_s: float = 0.0

    def add(self, call: MadeCall, heard: RawTranscript | None) -> None:
        """Count one call."""
        import jiwer

        normalise = normaliser()
        for channel in (0, 1):
            words = [
                word
                for turn in (heard.turns if heard else ())
                if turn.channel == channel
                for word in turn.words
            ]
            words.sort(key=lambda word: word.start_ms)
            reference = normalise(call.text(channel))
            hypothesis = normalise(" ".join(word.text for word in words))
            self.invented += sum(
                not near(call, channel, (w.start_ms + w.end_ms) * RATE_HZ // 2000) for w in words
            )
            if reference:
                out = jiwer.process_words(reference, hypothesis)
                self.said += len(reference.split())
                self.wrong += out.substitutions + out.deletions + out.insertions
                self.lost += out.deletions


def near(call: MadeCall, channel: int, sample: int) -> bool:
    """Whether somebody speaks on the channel at a sample or close to it."""
    return any(start - NEAR <= sample <= end + NEAR for start, end, _ in call.said[channel])


def waits() -> Iterator[tuple[str, Audio]]:
    """Yield sounds that are no speech, on one channel, with line noise on the other."""
    for number, (name, kind) in enumerate(KINDS.items()):
        loud = over_the_telephone(kind(WAIT_S, 77 + number))
        quiet = over_the_telephone(KINDS["line noise"](WAIT_S, 177 + number) * np.float32(0.2))
        yield name, Audio(np.stack([loud, quiet]), 8000)


def main() -> int:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description="Ways to find speech on a telephone line")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "audio")
    parser.add_argument("--half", choices=("all", "odd", "even"), default="odd")
    parser.add_argument("--silero", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=SpeechSettings().beam_size)
    parser.add_argument("--product", action="store_true", help="the product's own way alone")
    options = parser.parse_args()
    if not (options.data / "manifest.json").is_file():
        sys.stdout.write(f"There is no material in {options.data}: nothing was measured.\n")
        return 0
    models = ModelLibrary(ROOT / "resources", None)
    calls = {name: list(made_calls(clips(options.data, name, options.half))) for name in SETS}
    head = f"{'way':32} {'set':24} {'words':>6} {'WER %':>6} {'lost':>5} {'invented':>8} {'s':>6}"
    print(head, flush=True)
    transcribers = {
        name: Given(models, way, options.threads, options.beam)
        for name, way in ways(models, options.silero).items()
        if way is None or not options.product
    }
    for name, transcriber in transcribers.items():
        for set_name, made in calls.items():
            count = Count()
            for call in made:
                started = time.process_time()
                heard = transcriber.words(call.audio)
                count.spent_s += time.process_time() - started
                count.add(call, heard)
            rate = 100 * count.wrong / count.said
            print(
                f"{name:32} {set_name:24} {count.said:6} {rate:6.2f} {count.lost:5}"
                f" {count.invented:8} {count.spent_s:6.1f}",
                flush=True,
            )
    print(f"\nwords invented in {WAIT_S:.0f} s of")
    for name, transcriber in transcribers.items():
        invented = {}
        for kind, audio in waits():
            heard = transcriber.words(audio)
            invented[kind] = sum(len(turn.words) for turn in heard.turns) if heard else 0
        print(f"{name:32} " + ", ".join(f"{kind} {n}" for kind, n in invented.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
