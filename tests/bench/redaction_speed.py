"""How long redaction takes beside transcription, in one process, as in a worker.

    python -m tests.bench.redaction_speed resources/samples/finance.mp3

Analyses the recording twice. The first call loads the models on its way; the second is what every
further call costs. Seconds of the processor are measured too, because a busy machine stretches the
clock. How long plain Presidio takes, tests.bench.redaction says.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from app.config import Settings
from app.domain import CallMetadata, Role, Stage
from app.engine.pipeline import Pipeline
from app.engine.wire import Request

ROOT = Path(__file__).parents[2]
STAGES = (Stage.TRANSCRIBE, Stage.REDACT, Stage.ANALYSE)


class Stopwatch:
    """Seconds of the processor per stage, from the reports of a pipeline."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.seconds: dict[Stage, float] = {}
        self._started = 0.0

    def __call__(self, stage: Stage, done: float) -> None:
        """Note when a stage starts and how much it took when it ends."""
        if done == 0.0 and stage not in self.seconds:
            self._started = time.process_time()
            self.seconds[stage] = 0.0
        elif done == 1.0:
            self.seconds[stage] = time.process_time() - self._started


def main() -> None:
    """Measure one recording."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    pipeline = Pipeline(ROOT / "resources", None, threads=chosen.threads)
    request = Request(
        content="audio",
        payload=chosen.recording.read_bytes(),
        settings=Settings(),
        suffix=chosen.recording.suffix,
        metadata=CallMetadata(channel_roles=(Role.AGENT, Role.CUSTOMER)),
    )
    for name in ("first call, with loading", "a further call"):
        watch = Stopwatch()
        found = pipeline.analyse(request, watch)
        words = sum(len(turn.text.split()) for turn in found.analysis.transcript.turns)
        print(f"{name}: {found.analysis.duration_ms / 1000:.0f} s of sound, {words} words")
        for stage in STAGES:
            seconds = found.seconds[stage.value]
            print(f"  {stage.value:<11} {seconds:6.2f} s, processor {watch.seconds[stage]:6.2f} s")
        clock = found.seconds["redact"] / found.seconds["transcribe"]
        processor = watch.seconds[Stage.REDACT] / watch.seconds[Stage.TRANSCRIBE]
        print(f"  redact / transcribe: {clock:.1%} of the clock, {processor:.1%} of the processor")


if __name__ == "__main__":
    main()
