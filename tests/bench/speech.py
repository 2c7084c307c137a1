"""Speech to text beside faster-whisper called per channel: time, word errors, memory.

    python -m tests.bench.speech --data FOLDER [--minutes 1 5 30 60] [--waits] [--peers all]
        [--beams 1 3]

One two-channel call of each length is put together from clips with known words at telephone band
(made_calls.py). Both sides get the same decoded sound, the same weights and the same number of
threads in one run: the ratio of the processor's seconds (`times`) is the figure to quote, which
other work on the machine hardly changes. The peer is `transcribe` of faster-whisper on each
channel with its own defaults; `--peers all` adds its own voice detection and its batched pipeline,
`none` leaves it out.
`--waits` puts hold music, tones and noise into the calls. `--pipeline` runs the whole program on
the call, too: what everything beside speech to text takes, and the memory of its worker. Needs
jiwer and whisper-normalizer.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from app.config import ExecutionSettings, SpeechSettings
from app.engine.models import ModelLibrary
from app.engine.transcription import Transcriber
from tests.bench.__main__ import run_analyse
from tests.bench.made_calls import MadeCall, made_calls
from tests.bench.wer import ROOT, SETS, clips, normaliser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.engine.audio import Audio

    Way = Callable[[Audio], tuple[str, str]]
    Clip = tuple[str, Audio, str]


def call_of(minutes: float, data: Path, *, waits: bool) -> MadeCall:
    """Return a call of that length from the clips of all sets in an order of its own."""
    said = [clip for name in SETS for clip in clips(data, name, "all")]
    return next(made_calls(_endless(said), minutes=minutes, waits=waits))


def _endless(said: list[Clip]) -> Iterator[Clip]:
    draw = random.Random(7)
    while True:
        draw.shuffle(said)
        yield from said


def product(models: ModelLibrary, threads: int, beam: int) -> Way:
    """Return the product's way from sound to the words of both channels."""
    transcriber = Transcriber(
        models, SpeechSettings(beam_size=beam), ExecutionSettings(threads_per_worker=threads)
    )

    def recognise(audio: Audio) -> tuple[str, str]:
        raw = transcriber.transcribe(audio, progress=lambda _: None)
        texts = [" ".join(t.text for t in raw.turns if t.channel == channel) for channel in (0, 1)]
        return texts[0], texts[1]

    return recognise


def peers(models: ModelLibrary, threads: int, *, every: bool) -> dict[str, Way]:
    """Return faster-whisper's ways, each channel on its own."""
    from faster_whisper import BatchedInferencePipeline

    model = models.whisper("whisper-base", device="cpu", threads=threads)

    def way(transcribe: Callable[..., object], **options: object) -> Way:
        def recognise(audio: Audio) -> tuple[str, str]:
            texts = []
            for channel in audio.samples:
                sound = channel.astype(np.float32) / 32768
                segments, _ = transcribe(sound, **options)  # type: ignore[misc]
                texts.append(" ".join(segment.text.strip() for segment in segments))
            return texts[0], texts[1]

        return recognise

    found = {
        "peer: its defaults": way(model.transcribe),
        "peer: its defaults, word times": way(model.transcribe, word_timestamps=True),
    }
    if every:
        found["peer: its detection, word times"] = way(
            model.transcribe, word_timestamps=True, vad_filter=True
        )
        batched = BatchedInferencePipeline(model)
        found["peer: batched, word times"] = way(
            batched.transcribe, word_timestamps=True, batch_size=8
        )
    return found


def errors(call: MadeCall, texts: tuple[str, str]) -> float:
    """Return the word error rate of both channels together, in per cent."""
    import jiwer

    normalise = normaliser()
    said = [normalise(call.text(channel)) for channel in (0, 1)]
    return 100 * float(jiwer.wer(said, [normalise(text) for text in texts]))


def measure(call: MadeCall, options: argparse.Namespace, models: ModelLibrary) -> None:
    """Print a row for every way."""
    ways = {
        f"product, beam {beam}": product(models, options.threads, beam) for beam in options.beams
    }
    first = next(iter(ways))
    if options.peers != "none":
        ways |= peers(models, options.threads, every=options.peers == "all")
    taken: dict[str, float] = {}
    for name, recognise in ways.items():
        started, computed = time.perf_counter(), time.process_time()
        texts = recognise(call.audio)
        taken[name] = time.process_time() - computed
        waited = time.perf_counter() - started
        ratio = taken[name] / taken[first]
        print(
            f"{call.seconds / 60:7.1f} {name:34} {waited:8.1f} {taken[name]:9.1f} {ratio:7.2f}"
            f" {waited / call.seconds:7.4f} {errors(call, texts):7.2f}",
            flush=True,
        )


def pipeline(call: MadeCall, folder: Path) -> None:
    """Print what the whole program takes for the call, stage by stage, and its worker's memory."""
    path = folder / "call.wav"
    narrow = call.audio.samples[:, ::2].T  # nothing lies above 4 kHz
    soundfile.write(path, narrow, 8000, subtype="PCM_16")
    result, peak = run_analyse(path)
    stages = result["seconds"]
    assert isinstance(stages, dict)
    beside = sum(stages.values()) - stages["transcribe"]
    shares = ", ".join(f"{stage} {took:.1f}" for stage, took in stages.items())
    print(
        f"{call.seconds / 60:7.1f} whole program:"
        f" {100 * beside / stages['transcribe']:.1f} % beside speech to text ({shares} s);"
        f" its worker's peak {peak / 1e6:.0f} MB",
        flush=True,
    )


def main() -> int:
    """Measure calls of every length."""
    parser = argparse.ArgumentParser(description="Speech to text beside faster-whisper")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "audio")
    parser.add_argument("--minutes", type=float, nargs="*", default=[1, 5, 30, 60])
    parser.add_argument("--peers", choices=("none", "default", "all"), default="default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beams", type=int, nargs="*", default=[SpeechSettings().beam_size])
    parser.add_argument("--waits", action="store_true")
    parser.add_argument("--pipeline", action="store_true")
    options = parser.parse_args()
    if not (options.data / "manifest.json").is_file():
        sys.stdout.write(f"There is no material in {options.data}: nothing was measured.\n")
        return 0
    models = ModelLibrary(ROOT / "resources", None)
    models.whisper("whisper-base", device="cpu", threads=options.threads)  # loading is not timed
    head = f"{'seconds':>8} {'processor':>9} {'times':>7} {'RTF':>7} {'WER %':>7}"
    print(f"{'minutes':>7} {'way':34} {head}")
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            call = call_of(minutes, options.data, waits=options.waits)
            measure(call, options, models)
            if options.pipeline:
                pipeline(call, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
