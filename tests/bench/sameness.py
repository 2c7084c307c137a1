"""Analyse the same calls again and again, alone and beside others, and compare every byte.

    python -m tests.bench.sameness               # 20 runs, about five minutes on two cores
    python -m tests.bench.sameness --runs 6 --workers 4

Run by run the order is another, and one worker takes turns with several; every fifth run gives each
call a process of its own. Compared is all that a worker returns (transcript, redactions, muted
sound, findings, score, provenance) but the seconds that the stages took. Each worker has the same
number of threads throughout: provenance names it, and other numbers may round differently on some
processors. It ends with status 1 where anything differed.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from app.config import ExecutionSettings, Settings
from app.domain import AnalysedCall, CallId
from app.engine.client import Workers
from app.engine.wire import Places, Request
from app.processing import analyse_each
from tests.bench.clips import ROOT, SAMPLES, clips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import Outcome

ALONE_EVERY = 5


def main() -> int:
    """Run, say what differed, and return an exit status."""
    parser = argparse.ArgumentParser(description="Compare runs.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    calls = requests()
    first: dict[CallId, str] = {}
    different = 0
    for number in range(asked.runs):
        started = time.monotonic()
        count = asked.workers if number % 2 else 1
        alone = number % ALONE_EVERY == ALONE_EVERY - 1
        found = digests(shuffled(calls, number), count, asked.threads, alone=alone)
        first = first or found
        wrong = sorted(call for call in first if found.get(call) != first[call])
        different += len(wrong)
        how = "each alone" if alone else f"{count} worker{'s' if count > 1 else ''}"
        took = time.monotonic() - started
        print(
            f"run {number + 1:>2}, {how:<10}: {len(found)} calls, {took:.0f} s, {wrong or 'same'}"
        )
    print(f"{asked.runs} runs of {len(calls)} calls: {different} results differed")
    return 1 if different else 0


def requests() -> dict[CallId, Request]:
    """Return short calls and whole samples in several formats."""
    settings = Settings(execution=ExecutionSettings(device="cpu"))
    found = {
        CallId(f"clip {number}"): Request(
            content="audio", payload=clip, suffix=".wav", settings=settings
        )
        for number, clip in enumerate(clips(4, 8.0))
    }
    for name in ("finance.mp3", "utilities.wav"):
        payload = (SAMPLES / name).read_bytes()
        found[CallId(name)] = Request(content="audio", payload=payload, settings=settings)
    return found


def shuffled(calls: dict[CallId, Request], seed: int) -> list[tuple[CallId, Request]]:
    """Return the calls in an order of the seed."""
    ordered = list(calls.items())
    random.Random(seed).shuffle(ordered)
    return ordered


def digests(
    calls: Sequence[tuple[CallId, Request]], count: int, threads: int, *, alone: bool = False
) -> dict[CallId, str]:
    """Analyse the calls and return the digest of each result."""
    batches = [[call] for call in calls] if alone else [calls]
    found = {}
    for batch in batches:
        places = Places(resources=str(ROOT / "resources"), packs="")
        workers = Workers(count, places, threads=threads, stuck_after_seconds=300)
        with closing(workers):
            outcomes = analyse_each(batch, workers, progress=lambda _: None, stop=lambda: False)
            found.update({call: digest(outcome) for call, outcome in outcomes})
    return found


def digest(outcome: Outcome) -> str:
    """Return the SHA-256 of all that is repeatable in an outcome."""
    if isinstance(outcome, AnalysedCall):
        outcome = replace(outcome, seconds={})
    return hashlib.sha256(msgspec.msgpack.encode(outcome)).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
