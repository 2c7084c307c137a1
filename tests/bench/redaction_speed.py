"""How long redaction takes beside transcription, in one process, as in a worker.

    python -m tests.bench.redaction_speed resources/samples/finance.mp3

Analyses the recording twice. The first call loads the models on its way; the second is what every
further call costs. Seconds of the processor are measured too, because a busy machine stretches the
clock. Plain Presidio with the same spaCy model reads the same turns, loaded after all else.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from app.config import Settings
from app.domain import CallMetadata, Role, Stage
from app.engine.models import ModelLibrary
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
        metadata=CallMetadata(channel_roles={0: Role.AGENT, 1: Role.CUSTOMER}),
    )
    turns: list[str] = []
    for name in ("first call, with loading", "a further call", "and another"):
        watch = Stopwatch()
        found = pipeline.analyse(request, watch)
        turns = [turn.text for turn in found.analysis.transcript.turns]
        words = sum(len(text.split()) for text in turns)
        print(f"{name}: {found.analysis.duration_ms / 1000:.0f} s of sound, {words} words")
        for stage in STAGES:
            seconds = found.seconds[stage.value]
            print(f"  {stage.value:<11} {seconds:6.2f} s, processor {watch.seconds[stage]:6.2f} s")
        clock = found.seconds["redact"] / found.seconds["transcribe"]
        processor = watch.seconds[Stage.REDACT] / watch.seconds[Stage.TRANSCRIBE]
        print(f"  redact / transcribe: {clock:.1%} of the clock, {processor:.1%} of the processor")
    plain(turns)


def plain(turns: list[str]) -> None:
    """Measure plain Presidio on the turns as they were left: placeholders are as long as values."""
    started = time.process_time()
    import presidio_analyzer.predefined_recognizers  # noqa: F401
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    tldextract.extract = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
    folder = str(ModelLibrary(ROOT / "resources", None).spacy())
    nlp = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": folder}])
    nlp.load()
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=nlp)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
    print(f"plain Presidio: loading what is missing {time.process_time() - started:.2f} s")
    for name in ("first", "further"):
        started = time.process_time()
        for text in turns:
            analyzer.analyze(text, language="en")
        print(f"  {name} call: processor {time.process_time() - started:.2f} s")


if __name__ == "__main__":
    main()
