"""Puts the finders into Presidio: its registry, its context words, its decision scores.

Imported on first use only, because Presidio and spaCy take seconds to load. Nothing is downloaded:
spaCy gets the folder of the shipped model, and the list of public suffixes is never looked up.
Presidio's own recognisers are not loaded: ours take their place. Its logs are switched off.
"""

from __future__ import annotations

import logging
import os
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS", "")
for _name in ("presidio-analyzer", "presidio_analyzer", "decision_process"):
    logging.getLogger(_name).disabled = True

from app.engine.redaction.lean import without_unused_parts  # noqa: E402

with without_unused_parts():
    import spacy
    from presidio_analyzer import (
        AnalyzerEngine,
        EntityRecognizer,
        Pattern,
        PatternRecognizer,
        RecognizerRegistry,
        RecognizerResult,
    )
    from presidio_analyzer.nlp_engine import (
        NerModelConfiguration,
        NlpArtifacts,
        SpacyNlpEngine,
    )
    from spacy.tokens import Doc

from app.engine.redaction import checks  # noqa: E402
from app.engine.redaction.found import Found  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from spacy.language import Language

    from app.engine.redaction.call import SaidCall
    from app.engine.redaction.lexicon import Lexicon
    from app.engine.redaction.lexicon import Pattern as WrittenPattern
    from app.engine.redaction.tagger import Tagged

LANGUAGE = "en"
THRESHOLD = 0.5
BETWEEN_TURNS = "\n\x1e\n"  # no word, no space within a pattern
UNUSED_PARTS = ["parser", "lemmatizer", "tagger", "attribute_ruler", "senter"]


@dataclass(frozen=True, slots=True)
class ModelEntities:
    """What spaCy finds in a turn: (label, start, end) in characters of the turn."""

    entities: tuple[tuple[str, int, int], ...]


@dataclass(slots=True)
class CallContext:
    """The call that is being analysed, for the finders behind Presidio's interface."""

    call: SaidCall
    model: tuple[ModelEntities, ...]
    starts: tuple[int, ...]  # of each turn in the whole text
    tagged: Sequence[Sequence[Tagged]]  # what the token tagger marks in each turn
    facts: dict[str, Any] = field(default_factory=dict)


class CallArtifacts(NlpArtifacts):
    """Presidio's view of a text, with the call behind it."""

    def __init__(self, engine: SpacyNlpEngine, docs: list[Doc], context: CallContext) -> None:
        """Put the turns' tokens in a row; lower-case words stand for lemmas."""
        placed = zip(context.starts, docs, strict=True)
        super().__init__(
            entities=[],
            tokens=Doc.from_docs(docs, ensure_whitespace=True),
            tokens_indices=[start + token.idx for start, doc in placed for token in doc],
            lemmas=[token.lower_ for doc in docs for token in doc],
            nlp_engine=engine,
            language=LANGUAGE,
        )
        self.context = context


class CallModel(SpacyNlpEngine):
    """spaCy with the parts that find names, and no others, from the folder of the shipped model."""

    def load(self) -> None:
        """Load the model; nothing is ever downloaded."""
        loaded: dict[str, Language] = {
            one["lang_code"]: spacy.load(one["model_name"], exclude=UNUSED_PARTS)
            for one in self.models
        }
        self.nlp = loaded  # type: ignore[assignment]  # Presidio says that it stays None


class OrderedRegistry(RecognizerRegistry):
    """Presidio's registry, which asks in the order in which recognisers were added.

    Its own order is that of a set of objects, another one in every process; and of two recognisers
    that find the same stretch alike, the record names the one that was asked first.
    """

    def get_recognizers(self, *asked: Any, **options: Any) -> list[EntityRecognizer]:  # noqa: ANN401
        """Return the recognisers that were asked for."""
        chosen = {id(one) for one in super().get_recognizers(*asked, **options)}
        return [one for one in self.recognizers if id(one) in chosen]


class FinderRecognizer(EntityRecognizer):
    """One of our finders behind Presidio's interface."""

    def __init__(
        self, name: str, kinds: Sequence[str], find: Callable[[CallContext], list[Found]]
    ) -> None:
        """Keep the function that finds."""
        self._find = find
        self.rule = name
        super().__init__(supported_entities=list(kinds), name=name, supported_language=LANGUAGE)

    def load(self) -> None:
        """Load nothing: the data is there."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts
    ) -> list[RecognizerResult]:
        """Return what the finder finds, placed in the whole text."""
        if not isinstance(nlp_artifacts, CallArtifacts):
            raise TypeError(f"{self.rule} looks at calls, not at {len(text)} characters of text")
        context = nlp_artifacts.context
        return [
            RecognizerResult(
                entity_type=one.kind,
                start=context.starts[one.turn] + one.start,
                end=context.starts[one.turn] + one.end,
                score=one.score,
                recognition_metadata={
                    RecognizerResult.RECOGNIZER_NAME_KEY: self.rule,
                    RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                    "found": one,
                },
            )
            for one in self._find(context)
            if one.kind in entities
        ]


class WrittenRecognizer(PatternRecognizer):
    """A pattern of written.toml with its checksum."""

    def __init__(self, pattern: WrittenPattern) -> None:
        """Take kind, expression, score, context words and check from the data."""
        self._check = checks.CHECKS.get(pattern.check)
        self._text_check = checks.TEXT_CHECKS.get(pattern.check)
        super().__init__(
            supported_entity=pattern.kind,
            name=pattern.rule,
            supported_language=LANGUAGE,
            patterns=[Pattern(name=pattern.rule, regex=pattern.regex, score=pattern.score)],
            context=list(pattern.context),
        )

    def validate_result(self, pattern_text: str) -> bool | None:
        """Answer by the checksum; `None` where there is none."""
        if self._text_check:
            return self._text_check(pattern_text)
        return self._check(checks.normal(pattern_text)) if self._check else None


class Frame:
    """Presidio's analyser with our recognisers and the shipped spaCy model."""

    def __init__(
        self,
        model_folder: Path,
        lexicon: Lexicon,
        finders: Sequence[tuple[str, Sequence[str], Callable[[CallContext], list[Found]]]],
    ) -> None:
        """Load the model and fill the registry."""
        configuration = NerModelConfiguration(
            model_to_presidio_entity_mapping={}, labels_to_ignore=[]
        )
        self._nlp = CallModel(
            models=[{"lang_code": LANGUAGE, "model_name": str(model_folder)}],
            ner_model_configuration=configuration,
        )
        self._nlp.load()
        registry = OrderedRegistry(supported_languages=[LANGUAGE])
        for name, kinds, find in finders:
            registry.add_recognizer(FinderRecognizer(name, kinds, find))
        for pattern in lexicon.patterns:
            registry.add_recognizer(WrittenRecognizer(pattern))
        self._analyzer = AnalyzerEngine(
            registry=registry,
            nlp_engine=self._nlp,
            supported_languages=[LANGUAGE],
            log_decision_process=False,
            default_score_threshold=THRESHOLD,
        )

    def analyse(
        self,
        call: SaidCall,
        cased: Sequence[str],
        tagged: Sequence[Sequence[Tagged]],
        kinds: Sequence[str],
        facts: dict[str, Any],
    ) -> list[Found]:
        """Return everything of `kinds` in the call; `cased` are the turns' texts for spaCy, of the
        same length as what was said, `tagged` what the token tagger marks in each."""
        texts = [turn.text for turn in call.turns]
        pipeline = self._nlp.get_nlp(LANGUAGE)
        docs = list(pipeline.pipe(cased, batch_size=256))
        starts, place = [], 0
        for text in texts:
            starts.append(place)
            place += len(text) + len(BETWEEN_TURNS)
        model = tuple(
            ModelEntities(tuple((e.label_, e.start_char, e.end_char) for e in doc.ents))
            for doc in docs
        )
        context = CallContext(call, model, tuple(starts), tagged, facts)
        results = self._analyzer.analyze(
            text=BETWEEN_TURNS.join(texts),
            language=LANGUAGE,
            entities=list(kinds),
            nlp_artifacts=CallArtifacts(self._nlp, docs, context),
        )
        return [one for result in results if (one := _found(result, texts, starts))]


def _found(result: RecognizerResult, texts: Sequence[str], starts: Sequence[int]) -> Found | None:
    """Return a result of Presidio as a finding of one turn."""
    metadata = result.recognition_metadata
    known = metadata.get("found")
    if isinstance(known, Found):
        return known
    turn = bisect_right(starts, result.start) - 1
    start, end = result.start - starts[turn], min(result.end - starts[turn], len(texts[turn]))
    if start >= end:
        return None
    written = texts[turn][start:end]
    value = written.lower() if result.entity_type == "EMAIL" else checks.normal(written)
    return Found(
        kind=result.entity_type,
        turn=turn,
        start=start,
        end=end,
        score=result.score,
        rule=metadata[RecognizerResult.RECOGNIZER_NAME_KEY],
        value=value,
    )
