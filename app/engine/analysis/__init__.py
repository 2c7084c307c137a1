"""From a safe transcript to what it tells: findings, sentiment, measures and a summary.

Every claim carries the words and seconds that show it. Only redacted text comes in here: nothing of
this package may name the raw transcript (a contract holds that). The signals are the visible list
in `Analyst.analyse`; what they look for is data of the industry packs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.engine.analysis import conduct, packs, sentiment
from app.engine.analysis.cues import Cues
from app.engine.analysis.encoder import SentenceEncoder
from app.engine.analysis.heads import (
    CLASSES,
    SENTIMENT,
    TOPICS,
    Head,
    OnnxHead,
    check_topics,
    in_order,
)
from app.engine.analysis.matching import read
from app.engine.analysis.measures import measure
from app.engine.analysis.summary import summarise
from app.engine.analysis.topics import Topics

if TYPE_CHECKING:
    from pathlib import Path

    from app.config import AnalysisSettings
    from app.domain import Finding, Measures, SafeTranscript, SummarySentence, TurnSentiment
    from app.engine.analysis.packs import Pack
    from app.engine.manifest import ModelHead

_ENCODER, _OWN_HEADS = "minilm", "call-heads"


class Models(Protocol):
    """Where verified model files come from."""

    def heads(self, name: str) -> tuple[ModelHead, ...]:
        """Return what the heads of a model pack judge; none for the heads that ship."""
        ...

    def read(self, name: str, file: str) -> bytes:
        """Return the content of a model's file; raises `ModelMissing` or `ModelMismatch`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """What the analysis of one call tells."""

    findings: tuple[Finding, ...]
    sentiment: tuple[TurnSentiment, ...]
    measures: Measures
    summary: tuple[SummarySentence, ...]


def chosen(
    models: Models, settings: AnalysisSettings, packs_folder: Path
) -> tuple[Pack, dict[str, ModelHead]]:
    """Return the industry pack and, by purpose, the heads that the settings choose.

    Raises `UsageError` where the pack is unknown or wrong or does not fit the heads, `ModelError`
    where the heads are missing.
    """
    pack = packs.load(packs_folder, settings.pack)
    heads = {head.purpose: head for head in models.heads(settings.heads)}
    if TOPICS in heads:
        check_topics(heads[TOPICS], pack, settings.heads)
    return pack, heads


class Analyst:
    """Analyses calls with one industry pack; `pack` holds the scorecard to score them with, and
    `models` names the models in use."""

    def __init__(self, models: Models, settings: AnalysisSettings, packs_folder: Path) -> None:
        """Load the encoder, the heads and the pack.

        Raises `UsageError` where the pack is unknown or wrong, `ModelError` where a model is.
        """
        self.pack, heads = chosen(models, settings, packs_folder)
        own = () if SENTIMENT in heads else (_OWN_HEADS,)
        self.models: tuple[str, ...] = (_ENCODER, *own, *((settings.heads,) if heads else ()))
        self._encoder = SentenceEncoder(
            models.read(_ENCODER, "model.onnx"), models.read(_ENCODER, "tokenizer.json")
        )
        brought = {
            purpose: OnnxHead(models.read(settings.heads, head.file), head)
            for purpose, head in heads.items()
        }
        self._head: Head
        if SENTIMENT in brought:
            self._head = in_order(brought[SENTIMENT], heads[SENTIMENT].labels, CLASSES)
        else:
            self._head = sentiment.SentimentHead(models.read(_OWN_HEADS, "sentiment.npz"))
        self._topics = Topics(
            self.pack,
            self._encoder,
            head=brought.get(TOPICS),
            labels=heads[TOPICS].labels if TOPICS in heads else (),
        )
        self._cues = Cues(self.pack, self._encoder)

    def analyse(self, transcript: SafeTranscript, duration_ms: int) -> Analysed:
        """Return what the transcript of a call of this length tells; the same each time."""
        reading = read(transcript, self._encoder)
        judged = sentiment.judge(reading, self._head)
        measured = measure(transcript, judged, duration_ms)
        findings = (
            *self._topics.find(reading),
            *self._cues.find(reading),
            *conduct.find(transcript.turns, duration_ms),
            *sentiment.find(transcript.turns, judged, measured.customer_sentiment_trend),
        )
        return Analysed(
            findings=findings,
            sentiment=judged,
            measures=measured,
            summary=summarise(reading, findings),
        )
