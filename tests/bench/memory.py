"""The most memory that a worker takes in each stage of a call, by the length of the call.

    python -m tests.bench.memory --data FOLDER --minutes 20 60 180 [--speech 20] [--channels 1]

A call like those of `speech.py` goes through a real worker that has analysed a short one before, as
a WAV file of 16 bits at 8 kHz. `--speech` is how many minutes of it somebody speaks; then the line
only hums, so that a long call does not take hours to recognise. Printed is the highest resident
memory of each stage, and what lay in the worker before. Needs Linux, which can forget a peak, and
jiwer and whisper-normalizer as `speech.py` does.
"""

from __future__ import annotations

import argparse
import io
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from app.config import ExecutionSettings, Settings
from app.domain import AnalysedCall, CallId, Failure
from app.engine import wire, worker
from app.engine.client import Finished, Workers
from app.engine.wire import Places, Request
from tests.bench.clips import clips
from tests.bench.made_calls import over_the_telephone
from tests.bench.speech import call_of
from tests.bench.wer import ROOT

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

_OWN = Path("/proc/self")


def peak_mb() -> float:
    """Return the most memory since the last time it was asked for, in MB."""
    lines = (_OWN / "status").read_text(encoding="ascii").splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    (_OWN / "clear_refs").write_text("5", encoding="ascii")
    return int(peak.split()[1]) * 1024 / 1e6


class _Watched:
    """A worker's end of its pipe: notes the peak since the frame before at each that goes out."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._stage = "arrive"
        self._peaks: dict[str, float] = {}
        self._ended = True

    def recv_bytes(self) -> bytes:
        if self._ended:
            peak_mb()  # of the call before
            self._peaks = {"before": peak_mb()}
            self._stage, self._ended = "arrive", False
        return self._pipe.recv_bytes()

    def send_bytes(self, frame: bytes) -> None:
        self._pipe.send_bytes(frame)
        self._peaks[self._stage] = max(self._peaks.get(self._stage, 0), peak_mb())
        if self._ended:
            return  # the sound, behind the answer
        if frame[:1] == b"P":
            told = wire.decode_answer(lambda: frame)
            self._stage = told.stage.value if told.done < 1 else "between"
            return
        self._ended = True
        told = ", ".join(f"{stage} {peak:.0f}" for stage, peak in self._peaks.items())
        sys.__stdout__.write(f"    at most {max(self._peaks.values()):.0f} MB ({told})\n")
        sys.__stdout__.flush()


def serve(pipe: Connection, places: Places, threads: int) -> None:
    """Run the worker until the pipe closes, and say what each call took."""
    worker.keep_private = lambda: None  # so that it may look at itself
    worker._silence_native_output = lambda: None
    worker.main(_Watched(pipe), places, threads)


def recording(minutes: float, spoken: float, channels: int, data: Path) -> bytes:
    """Return a call as a WAV file."""
    sound = call_of(min(spoken, minutes), data, waits=False).audio.samples[:, ::2]
    rest = max(0, round(minutes * 60 * 8000) - sound.shape[1])
    parts = [sound, np.stack([_hum(rest, seed) for seed in (1, 2)])]
    whole = np.concatenate(parts, axis=1).T
    if channels == 1:
        whole = whole.astype(np.int32).sum(axis=1).clip(-32768, 32767).astype(np.int16)[:, None]
    file = io.BytesIO()
    soundfile.write(file, whole, 8000, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _hum(samples: int, seed: int) -> NDArray[np.int16]:
    """Return a quiet line."""
    draw = np.random.default_rng(seed)
    piece = draw.normal(0, 0.001, 16_000 * 60).astype(np.float32)
    return np.resize(over_the_telephone(piece)[::2], samples)


def main() -> int:
    """Measure calls of every length."""
    parser = argparse.ArgumentParser(description="The memory of a worker")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "audio")
    parser.add_argument("--minutes", type=float, nargs="*", default=[20, 60, 180])
    parser.add_argument("--speech", type=float, default=1e9)
    parser.add_argument("--channels", type=int, choices=(1, 2), default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if not (options.data / "manifest.json").is_file():
        sys.stdout.write(f"There is no material in {options.data}: nothing was measured.\n")
        return 0
    settings = Settings(execution=ExecutionSettings(device="cpu"))
    calls = {"a short call first": clips(1, 8.0)[0]}
    places = Places(resources=str(ROOT / "resources"), packs=str(ROOT / "no-packs"))
    workers = Workers(1, places, threads=options.threads, stuck_after_seconds=3600, serve=serve)
    with closing(workers):
        for minutes in (0, *options.minutes):
            name = f"{minutes:g} minutes" if minutes else "a short call first"
            content = calls.get(name) or recording(
                minutes, options.speech, options.channels, options.data
            )
            sys.stdout.write(f"{name}, {len(content) / 1e6:.0f} MB\n")
            sys.stdout.flush()
            request = Request(content="audio", payload=content, suffix=".wav", settings=settings)
            workers.submit(CallId(name), request)
            del content, request
            outcome = _outcome(workers)
            if isinstance(outcome, Failure):
                sys.stdout.write(f"    failed: {outcome.sentence}\n")
                continue
            took = ", ".join(f"{stage} {of:.1f}" for stage, of in outcome.seconds.items())
            sys.stdout.write(
                f"    sound {len(outcome.muted_audio) / 1e6:.0f} MB; seconds: {took}\n"
            )
    return 0


def _outcome(workers: Workers) -> AnalysedCall | Failure:
    while True:
        for event in workers.events(10):
            if isinstance(event, Finished):
                return event.outcome


if __name__ == "__main__":
    sys.exit(main())
