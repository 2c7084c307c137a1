"""Send thousands of damaged recordings to the product's own worker process: what comes of it?

    python -m tests.bench.soak_audio                      # 5,000 files, a minute or two
    python -m tests.bench.soak_audio --seed 7 --files 500
    python -m tests.bench.soak_audio --only 1234          # one file again, by its number

Every file is made from a seed and its number (tests/mutations.py), decoded twice, and given up by
the watchdog that the product uses. A process that dies is replaced, as in the product, and the file
that killed it is named. It ends with status 1 where anything crashed, hung, had no reason, met a
fault of the program or came out differently the second time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.config import AudioSettings, Settings
from app.domain import CallId, Failure
from app.engine.client import Finished, Workers
from app.engine.wire import Places
from tests import decoding, mutations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domain import Outcome
    from tests.mutations import Damaged

WATCHDOG_SECONDS = 60
_SLOW_SECONDS = 5.0
_JUMP_KB = 50_000


def main() -> int:
    """Run, print tables, and return an exit status."""
    parser = argparse.ArgumentParser(description="Decode damaged recordings.")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one file")
    asked = parser.parse_args()
    numbers = range(asked.files) if asked.only is None else range(asked.only, asked.only + 1)
    tally = Tally(seed=asked.seed)
    started = time.monotonic()
    for file, outcome, seconds in decoded(asked.seed, numbers, asked.workers):
        tally.take(file, outcome, seconds)
        if (tally.files % 500) == 0:
            print(f"{tally.files:,} files, {time.monotonic() - started:.0f} s", flush=True)
    tally.show(time.monotonic() - started)
    return 1 if tally.wrong else 0


def decoded(seed: int, numbers: range, count: int) -> Iterator[tuple[Damaged, Outcome, float]]:
    """Give each file with what its worker said, and the seconds that it took."""
    waiting, running = iter(numbers), {}
    workers = Workers(
        count,
        Places(resources="", packs=""),
        threads=1,
        stuck_after_seconds=WATCHDOG_SECONDS,
        serve=decoding.serve,
    )
    with closing(workers):
        while True:
            while workers.idle and (number := next(waiting, None)) is not None:
                file = mutations.damaged(seed, number)
                running[CallId(str(number))] = (file, time.monotonic())
                settings = Settings(audio=AudioSettings(accept_truncated=number % 2 == 0))
                asked = decoding.request(file.content, file.suffix, settings)
                workers.submit(CallId(str(number)), asked)
            if not workers.running:
                return
            for event in workers.events(1.0):
                if isinstance(event, Finished):
                    file, since = running.pop(event.call)
                    yield file, event.outcome, time.monotonic() - since


@dataclass(slots=True)
class Tally:
    """What came of the files so far."""

    seed: int
    files: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    slowest: float = 0.0
    peak_kb: int = 0

    def take(self, file: Damaged, outcome: Outcome, seconds: float) -> None:
        """Count one file."""
        self.files += 1
        self.slowest = max(self.slowest, seconds)
        named = f"number {file.number}, {file.source}: {', '.join(file.kinds)}"
        if seconds > _SLOW_SECONDS:
            self.remarks.append(f"{seconds:.1f} s: {named}")
        told = decoding.found(outcome)
        if told is None:
            code = outcome.code if isinstance(outcome, Failure) else "analysed"
            sentence = outcome.sentence if isinstance(outcome, Failure) else ""
            self.wrong.append(f"{code} ({sentence}): {named}")
            self.outcomes[file.suffix, code] += 1
            return
        first = told.outcomes[0]
        if len(set(told.outcomes)) > 1:
            self.wrong.append(f"not the same twice {told.outcomes}: {named}")
        if not first.startswith("read") and not told.sentence:
            self.wrong.append(f"no reason: {named}")
        self.outcomes[
            file.suffix,
            " ".join(first.split()[:3]) if first[:4] != "read" else first.rsplit(" ", 1)[0],
        ] += 1
        if told.peak_kb > self.peak_kb + _JUMP_KB and self.files > 1:
            self.remarks.append(f"memory rose to {told.peak_kb / 1e3:.0f} MB: {named}")
        self.peak_kb = max(self.peak_kb, told.peak_kb)

    def show(self, seconds: float) -> None:
        """Print the tables."""
        codes = sorted({code for _, code in self.outcomes})
        print(f"\nseed {self.seed}, {self.files:,} files, {seconds:.0f} s", end="; ")
        print(f"slowest {self.slowest:.1f} s, most memory {self.peak_kb / 1e3:.0f} MB\n")
        print("| files | " + " | ".join(codes) + " |")
        print("| --- |" + " --- |" * len(codes))
        for suffix in sorted({suffix for suffix, _ in self.outcomes}):
            row = [str(self.outcomes[suffix, code]) for code in codes]
            print(f"| `{suffix}` | " + " | ".join(row) + " |")
        sums = [sum(n for (_, c), n in self.outcomes.items() if c == code) for code in codes]
        print("| all | " + " | ".join(str(one) for one in sums) + " |")
        for title, lines in (("remarks", self.remarks), ("WRONG", self.wrong)):
            print(f"\n{title}: {len(lines)}")
            print("\n".join(lines[:200]))


if __name__ == "__main__":
    sys.exit(main())
