"""How long redaction takes beside transcription, in one process, as in a worker.

    python -m tests.bench.redaction_speed resources/samples/finance.mp3
    python -m tests.bench.redaction_speed --long 10000

Analyses the recording twice. The first call loads the models on its way; the second is what every
further call costs. Seconds of the processor are measured too, because a busy machine stretches the
clock. How long plain Presidio takes, tests.bench.redaction says. `--long` redacts one turn of so
many words instead, without sound.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from app.config import RedactionSettings, Settings
from app.domain import CallMetadata, Role, Stage
from app.engine.models import ModelLibrary
from app.engine.pipeline import Pipeline
from app.engine.redaction import ENCODER, TAGGER, Redactor
from app.engine.redaction.tagger import TokenTagger
from app.engine.wire import Request
from tests.bench import said_by_agents
from tests.bench.redaction_sets import Case

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


def long_turn(words: int, threads: int) -> None:
    """Measure one turn of so many words: the token tagger alone, then all of redaction."""
    models = ModelLibrary(ROOT / "resources", None)
    said = " ".join(said_by_agents.plain("development", 1, words)).split()[:words]
    case = Case(((Role.CUSTOMER, " ".join(said).lower()),), ())
    tagger = TokenTagger(
        models.read(TAGGER, "model.onnx"),
        models.read(ENCODER, "tokenizer.json"),
        models.read(TAGGER, "tagger.json"),
        threads=threads,
    )
    redactor = Redactor(
        models, RedactionSettings(), ROOT / "resources" / "recognisers", threads=threads
    )
    redactor.redact(Case(((Role.CUSTOMER, "hello"),), ()).raw)
    acts = {
        "token tagger": lambda: tagger.read(case.turns),
        "all of redaction": lambda: redactor.redact(case.raw),
    }
    for name, act in acts.items():
        for _ in range(3):
            clock, processor = time.perf_counter(), time.process_time()
            act()
            clock, processor = time.perf_counter() - clock, time.process_time() - processor
            print(f"{words} words, {name}: {clock:.2f} s, processor {processor:.2f} s")


def recording(path: Path, threads: int) -> None:
    """Measure one recording."""
    pipeline = Pipeline(ROOT / "resources", None, threads=threads)
    request = Request(
        content="audio",
        payload=path.read_bytes(),
        settings=Settings(),
        suffix=path.suffix,
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


def main() -> None:
    """Measure one recording, or one long turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", type=Path, nargs="?")
    parser.add_argument("--long", type=int, help="words of a long turn")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.long:
        long_turn(chosen.long, chosen.threads)
    elif chosen.recording:
        recording(chosen.recording, chosen.threads)
    else:
        parser.error("name a recording, or give --long")


if __name__ == "__main__":
    main()
