"""Measure many calls on this computer, and simulate other ones from what was measured.

    python -m tests.bench.throughput grid       # workers x threads, about five minutes
    python -m tests.bench.throughput many       # 200 calls through a vault, with memory
    python -m tests.bench.throughput simulate   # 4 to 16 cores; uses the figures below

`grid` analyses the same calls with each choice in turn, several times round, because a machine that
others use is fast and slow by the minute: compare within a round. `many` imports short calls into a
vault, runs the queue and looks at the memory of its worker after each call. `simulate` is a model,
no measurement: see `Machine`.
"""

from __future__ import annotations

import argparse
import heapq
import os
import statistics
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from app.config import ExecutionSettings, Settings
from app.domain import AnalysedCall, CallId
from app.engine.client import Workers
from app.engine.wire import Places, Request
from app.processing import QueueRun
from tests.bench.clips import ROOT, clips

if TYPE_CHECKING:
    from collections.abc import Sequence

PLACES = Places(resources=str(ROOT / "resources"), packs="")
SETTINGS = Settings(execution=ExecutionSettings(device="cpu"))


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description="Measure many calls.")
    parser.add_argument("what", choices=("grid", "threads", "many", "simulate"))
    parser.add_argument("--calls", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.what == "grid":
        grid(asked.calls or 4, asked.seconds or 60.0, asked.rounds)
    elif asked.what == "threads":
        threads(asked.rounds)
    elif asked.what == "many":
        many(asked.calls or 200, asked.seconds or 8.0)
    else:
        simulate()


# ---------------------------------------------------------------------------------------- grid


def grid(calls: int, seconds: float, rounds: int) -> None:
    """Print calls an hour, seconds a call and memory for each choice, round by round."""
    sound = clips(calls, seconds)
    choices = [(1, 1), (1, 2), (2, 1)]
    print(f"{calls} calls of {seconds:.0f} s, {rounds} rounds\n")
    print("| workers x threads | round | calls/h | s a call | of that recognised | memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    for number in range(rounds):
        for workers, threads in choices:
            found = one_choice(sound, workers, threads)
            print(f"| {workers} x {threads} | {number + 1} | {found} |", flush=True)


def one_choice(sound: Sequence[bytes], count: int, threads: int) -> str:
    """Return a line of the table; the models are loaded before the clock runs."""
    workers = Workers(count, PLACES, threads=threads, stuck_after_seconds=300)
    with closing(workers):
        _run(workers, sound[:1] * count)
        started = time.perf_counter()
        stages = _run(workers, sound)
        took = time.perf_counter() - started
        peak = sum(
            process.memory_info().rss for process in psutil.Process().children(recursive=True)
        )
    each = statistics.mean(sum(one.values()) for one in stages)
    heard = statistics.mean(one["transcribe"] for one in stages)
    hourly = len(sound) / took * 3600
    return f"{hourly:.0f} | {each:.2f} | {heard:.2f} | {peak / 1e6:.0f} MB"


def _run(workers: Workers, sound: Sequence[bytes]) -> list[dict[str, float]]:
    """Analyse everything with workers that stay, and return the seconds of the stages."""
    from app.engine.client import Finished

    waiting = [
        (CallId(str(n)), Request(content="audio", payload=one, settings=SETTINGS))
        for n, one in enumerate(sound)
    ]
    found: list[dict[str, float]] = []
    while waiting or workers.running:
        while waiting and workers.idle:
            workers.submit(*waiting.pop())
        for event in workers.events(1.0):
            if isinstance(event, Finished):
                if not isinstance(event.outcome, AnalysedCall):
                    raise SystemExit(f"a call failed: {event.outcome.sentence}")
                found.append(event.outcome.seconds)
    return found


# ------------------------------------------------------------------------------------- threads


def threads(rounds: int) -> None:
    """Print the processor seconds of the busiest way through speech to text with 1 and 2 threads.

    That is Python's own thread and the busiest one of the recogniser's: what a call would take on
    cores of its own, whoever else uses the machine. Waiting is no work here, so threads that wait
    must sleep: OMP_WAIT_POLICY.
    """
    os.environ["OMP_WAIT_POLICY"] = "passive"
    from app.engine.models import ModelLibrary
    from app.engine.transcription import Transcriber
    from tests.arrays import decoded

    models = ModelLibrary(ROOT / "resources", None)
    audio = decoded(clips(1, 8.0)[0], longest_minutes=1)
    found: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(rounds + 1):
        for number, ways in found.items():
            execution = ExecutionSettings(device="cpu", threads_per_worker=number)
            before = _processor_seconds()
            Transcriber(models, SETTINGS.speech, execution).transcribe(
                audio, progress=lambda _: None
            )
            spent = {one: took - before.get(one, 0) for one, took in _processor_seconds().items()}
            own = spent.pop(os.getpid())
            if turn:  # the first one loads the model
                ways.append(own + max(spent.values()))
    one, two = (statistics.median(found[number]) for number in (1, 2))
    print(f"median of {rounds}: {one:.2f} s with 1 thread, {two:.2f} s with 2")
    print(f"2 threads are {one / two:.2f} times as fast; parallel part {2 * (1 - two / one):.2f}")


def _processor_seconds() -> dict[int, float]:
    """Return what each thread of this process has spent; Linux alone tells."""
    return {one.id: one.user_time + one.system_time for one in psutil.Process().threads()}


# ---------------------------------------------------------------------------------------- many


def many(calls: int, seconds: float) -> None:
    """Run a batch through a vault; print the worker's and the program's memory, and the slopes."""
    from app.domain import CallMetadata
    from app.storage import keys, vault

    memory: list[tuple[int, int]] = []

    def progress(step: object) -> None:
        done = getattr(step, "call", None) is None and int(getattr(step, "done", 0))
        if done and len(memory) < done:
            children = psutil.Process().children()  # the worker, and a small one of Python's own
            worker = max(child.memory_info().rss for child in children)
            memory.append((worker, psutil.Process().memory_info().rss))
            if done % 20 == 0:
                print(f"{done} calls, worker {worker / 1e6:.1f} MB", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        kept = vault.create(
            Path(folder) / "vault", "a passphrase for measuring", cost=keys.LOWEST_COST
        )
        with kept as opened:
            added = [
                opened.calls.add(clip, name=f"{number}.wav", metadata=CallMetadata(), actor="owner")
                for number, clip in enumerate(clips(calls, seconds))
            ]
            report = QueueRun(
                vault=opened,
                workers=Workers(1, PLACES, threads=1, stuck_after_seconds=300),
                settings=SETTINGS,
                actor="owner",
                cancelled=frozenset,
                progress=progress,
                stop=lambda: False,
            ).run()
            jobs = [opened.calls.detail(one.call.id).job for one in added]
    reasons = Counter(job.failure.code for job in jobs if job.failure)
    why = ", ".join(f"{code} {number}" for code, number in reasons.items())
    print(f"{report.done} calls done, {report.failed} failed ({why}), {report.seconds:.0f} s")
    for name, column in (("worker", 0), ("program", 1)):
        values = np.array([one[column] for one in memory]) / 1e6
        _slopes(name, values)


def _slopes(name: str, values: np.ndarray) -> None:
    """Print memory at some calls and the straight lines through all of them and the second half."""
    marks = [n for n in (1, 10, 50, 100, 150, len(values)) if n <= len(values)]
    shown = ", ".join(f"{n}: {values[n - 1]:.1f}" for n in marks)
    half = len(values) // 2
    late = np.polyfit(np.arange(half, len(values)), values[half:], 1)[0] * 1000
    whole = np.polyfit(np.arange(len(values)), values, 1)[0] * 1000
    print(f"{name} MB after call {shown}; most {values.max():.1f}")
    print(f"{name} slope: {whole:.1f} kB a call over all, {late:.1f} kB over the second half")


# ------------------------------------------------------------------------------------ simulate


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer as the model sees it. Measured inputs: the seconds that one call takes on one
    thread, the part of them that more threads share (Amdahl), the loss from each further busy core
    (caches, memory), and the memory of a worker. Everything else is assumed away."""

    cores: int
    memory_gb: float
    call_seconds: float
    parallel: float
    crowding: float
    worker_gb: float
    spare_gb: float

    def seconds(self, threads: int, busy: int) -> float:
        """Return how long a call takes with so many threads while so many cores are busy."""
        alone = self.call_seconds * ((1 - self.parallel) + self.parallel / threads)
        return alone * (1 + self.crowding * (busy - 1))

    def fits(self, workers: int) -> bool:
        """Whether the workers' memory is there."""
        return workers * self.worker_gb + self.spare_gb <= self.memory_gb


# By `grid` on two quiet cores, calls of 60 s: 6.96 s with one thread, 6.41 s with two, 7.27 s with
# one while another worker was busy.
MEASURED = Machine(
    cores=2,
    memory_gb=8.0,
    call_seconds=7.0,
    parallel=0.16,
    crowding=0.04,
    worker_gb=1.2,
    spare_gb=2.0,
)


def batch_seconds(machine: Machine, workers: int, threads: int, calls: Sequence[float]) -> float:
    """Simulate a queue: each worker takes the next call when it is free; return when all are done.

    A call is its length relative to the measured one. The speed of a call is the one at its start.
    """
    free = [0.0] * workers
    heapq.heapify(free)
    for length in calls:
        begins = heapq.heappop(free)
        busy = 1 + sum(1 for other in free if other > begins)
        ends = begins + length * machine.seconds(threads, min(machine.cores, busy * threads))
        heapq.heappush(free, ends)
    return max(free)


def simulate() -> None:
    """Print, for each computer, how long batches take with what the rule chooses, and with others.

    Calls are of 1 to 3 times the measured length, drawn once.
    """
    from app.engine.capacity import fitting

    lengths = np.random.default_rng(4).uniform(1.0, 3.0, 200)
    print("| cores | memory | rule | 1 call | 20 calls | 200 calls | best for 200 | of it |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for cores in (2, 4, 8, 16):
        for memory_gb in (4, 8, 16, 64):
            machine = replace(MEASURED, cores=cores, memory_gb=memory_gb)
            chosen = fitting(cores, memory_gb << 30)
            row = [batch_seconds(machine, *chosen, lengths[:n]) for n in (1, 20, 200)]
            best, least = _best(machine, lengths)
            shown = " | ".join(f"{one:.0f} s" for one in row)
            print(
                f"| {cores} | {memory_gb} GB | {chosen[0]} x {chosen[1]} | {shown} |"
                f" {best[0]} x {best[1]}, {least:.0f} s | {row[2] / least:.2f} |"
            )


def _best(machine: Machine, lengths: Sequence[float]) -> tuple[tuple[int, int], float]:
    """Return the choice that ends a batch first, among all that fit, and its seconds."""
    found = {
        (workers, threads): batch_seconds(machine, workers, threads, lengths)
        for threads in range(1, machine.cores + 1)
        for workers in range(1, machine.cores // threads + 1)
        if machine.fits(workers)
    }
    best = min(found, key=lambda choice: found[choice])
    return best, found[best]


if __name__ == "__main__":
    main()
