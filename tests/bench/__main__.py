"""Measure the whole product on this computer and print one table.

    python -m tests.bench                # everything, a few minutes
    python -m tests.bench --minutes 10   # with a longer call

Speech is the synthetic voices of resources/samples, two channels at 8 kHz. Timings of one run on a
shared machine are noisy: the ratio to the peer, measured in the same run, is the figure to quote.
Beside this file: storage.py and window.py on their own, and accuracy with wer.py, redaction.py,
analysis.py and vocabulary.py.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import soundfile

from tests.bench import storage

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "resources" / "samples"


def main() -> None:
    """Run all measurements and print them as they are made."""
    parser = argparse.ArgumentParser(description="Measure the whole product.")
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the measured call")
    minutes = parser.parse_args().minutes
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as folder:
        call = Path(folder) / "call.wav"
        seconds = join_samples(call, minutes)
        start_up()
        analysing(call, seconds)
        searching(Path(folder) / "vault")


def row(what: str, figure: str) -> None:
    """Print one line of the table."""
    print(f"{what:<58} {figure:>20}", flush=True)


def join_samples(target: Path, minutes: float) -> float:
    """Write the sample calls one after the other as one call; return its length in seconds."""
    from tests.arrays import decoded

    recordings = [path for path in sorted(SAMPLES.iterdir()) if path.suffix in {".wav", ".flac"}]
    sound = [decoded(path.read_bytes(), longest_minutes=60).samples[:, ::2] for path in recordings]
    once = np.concatenate([one for one in sound if one.shape[0] == 2], axis=1)
    length = int(minutes * 60 * 8000)
    whole = np.tile(once, (1, 1 + length // once.shape[1]))[:, :length]
    soundfile.write(target, whole.T, 8000, subtype="PCM_16")
    return length / 8000


def start_up() -> None:
    """Measure how long a person waits for the program itself."""
    window = (
        "from PySide6.QtWidgets import QApplication; application = QApplication([]);"
        "import app.ui.application; from app.bootstrap import program; program()"
    )
    commands = {"start-up: command line (`--version`)": ["-m", "app", "--version"]}
    commands["start-up: window's modules and program loaded"] = ["-c", window]
    for what, command in commands.items():
        times = []
        for _ in range(3):
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
                check=True,
                capture_output=True,
            )
            times.append(time.perf_counter() - started)
        row(what, f"{statistics.median(times):.2f} s")


def analysing(call: Path, seconds: float) -> None:
    """Measure one call from file to result, its stages, its memory, and the peer on the same."""
    result, peak = run_analyse(call)
    stages = result["seconds"]
    total = sum(stages.values())
    row(f"call of {seconds / 60:.0f} min, two channels: all stages", f"{total:.1f} s")
    for stage, took in stages.items():
        row(f"  {stage}", f"{took:.2f} s")
    row("real-time factor (time / length of the call)", f"{total / seconds:.4f}")
    beside = total - stages["transcribe"]
    row("everything beside speech to text", f"{100 * beside / stages['transcribe']:.1f} % of it")
    row("peak memory of the worker", f"{peak / 1e6:.0f} MB")
    peer = peer_seconds(call)
    row("peer: faster-whisper per channel, its defaults", f"{peer:.1f} s")
    row("peer / our speech to text", f"{peer / stages['transcribe']:.2f} times")


def run_analyse(call: Path) -> tuple[dict[str, object], int]:
    """Return the result of `analyse --json` and the peak memory of its worker in bytes."""
    command = [sys.executable, "-m", "app", "--json", "analyse", str(call)]
    peak = 0
    with tempfile.TemporaryFile() as written:  # a pipe would be full with the result of an hour
        child = psutil.Popen(command, cwd=ROOT, stdout=written, stderr=subprocess.DEVNULL)
        while child.poll() is None:
            for process in child.children(recursive=True):
                try:
                    peak = max(peak, process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.05)
        written.seek(0)
        return json.loads(written.read()), peak


def peer_seconds(call: Path) -> float:
    """Return the time that plain faster-whisper takes for both channels with the same model."""
    from app.engine.models import ModelLibrary

    model = ModelLibrary(ROOT / "resources", None).whisper(
        "whisper-base", device="cpu", threads=min(4, os.cpu_count() or 1)
    )
    sound, rate = soundfile.read(io.BytesIO(call.read_bytes()), dtype="float32", always_2d=True)
    import soxr

    channels = soxr.resample(sound, rate, 16000).T
    started = time.perf_counter()
    for channel in channels:
        segments, _ = model.transcribe(np.ascontiguousarray(channel), word_timestamps=True)
        for _ in segments:
            pass
    return time.perf_counter() - started


def searching(folder: Path) -> None:
    """Measure the store with 100,000 calls and turns: searching, listing, opening, sealing."""
    for what, figure, unit in storage.measure(folder):
        row(f"100,000 calls: {what}", f"{figure:.2f} {unit}")


if __name__ == "__main__":
    main()
