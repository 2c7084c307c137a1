"""Makes a call safe: raw transcript in; safe transcript, redactions and stretches to mute out.

Several finders look at the whole call (numbers and codes in their dialogue, names, addresses,
e-mails, passwords, written patterns with checksums, a trained token tagger) and everything that any
of them finds is redacted, but for the kinds that the client's policy keeps. Card verification
codes, PINs and passwords are redacted whatever it says (PCI DSS 3.3.1). The values leave as digests
only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.engine.redaction import lexicon, policies
from app.engine.redaction.already import beside_placeholders
from app.engine.redaction.found import resolve
from app.engine.redaction.placeholders import Redacted, write
from app.engine.redaction.rejoined import rejoined, without_roles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from app.config import RedactionSettings
    from app.domain import CallMetadata, Labels
    from app.engine.redaction.call import SaidCall
    from app.engine.redaction.engine import Engine
    from app.engine.redaction.found import Found
    from app.engine.redaction.policies import Policy
    from app.engine.transcription import RawTranscript

__all__ = ["Redacted", "Redactor", "chosen_policy"]


TAGGER, ENCODER = "tagger", "minilm"
"""The token tagger's name in the manifest, and the encoder's whose tokenizer it shares."""


def chosen_policy(recognisers: Path, settings: RedactionSettings) -> Policy:
    """Return what the settings do with each kind; raises `UsageError` naming what is wrong."""
    kinds = lexicon.kinds(recognisers)
    return policies.load(recognisers / lexicon.POLICIES, settings, kinds)


class LanguageModels(Protocol):
    """What redaction needs of the model library."""

    def read(self, name: str, file: str) -> bytes:
        """Return the verified content of one file of a model."""
        ...

    def spacy(self) -> Path:
        """Return the absolute folder of the spaCy model."""
        ...


class Redactor:
    """Redacts calls by the settings; models and data are loaded on first use and stay."""

    def __init__(
        self,
        models: LanguageModels,
        settings: RedactionSettings,
        recognisers: Path,
        *,
        threads: int = 1,
    ) -> None:
        """Remember where things are; nothing is loaded yet. `threads` run the token tagger."""
        self._threads = threads
        self._models = models
        self._settings = settings
        self._recognisers = recognisers
        self._engine: Engine | None = None

    def redact(self, raw: RawTranscript, *, agent_name: str | None = None) -> Redacted:
        """Return the call made safe; the agent's own name stays unless the settings redact it.

        Raises `ModelError` when the language model is missing or changed.
        """
        return self.without(raw, self.find(raw, agent_name=agent_name))

    def without(self, raw: RawTranscript, found: Iterable[Found]) -> Redacted:
        """Return the call without what was found in it."""
        ranks = self._loaded().ranks
        return write(raw, beside_placeholders(raw, resolve(found, ranks), ranks))

    def find(self, raw: RawTranscript, *, agent_name: str | None = None) -> list[Found]:
        """Return what is to be redacted, as each finder says it."""
        engine = self._loaded()
        if all(turn.speaker is None for turn in raw.turns):
            return engine.find(raw, agent_name=agent_name)
        whole = rejoined(raw)  # who speaks may be wrong: nothing rests on it
        found = engine.find(without_roles(raw), agent_name=agent_name)
        return [*found, *whole.back(engine.find(whole.raw, agent_name=agent_name))]

    def labels(self, source_name: str, metadata: CallMetadata) -> Labels:
        """Return a file's name and the customer's reference made safe, by all finders.

        Raises `ModelError` when the language model is missing or changed.
        """
        return self._loaded().labels(source_name, metadata)

    def read(self, raw: RawTranscript) -> SaidCall:
        """Return the call as the finders see it: its numbers, and what was asked for."""
        return self._loaded().read(raw)

    @property
    def redacts_people(self) -> bool:
        """Whether the settings ask for names of people to be redacted."""
        return self._loaded().policy.masks("PERSON")

    @property
    def redacts_agents(self) -> bool:
        """Whether the settings ask for the agent's own name to be redacted, too."""
        return self._settings.agent_names

    @property
    def lineage(self) -> tuple[str, ...]:
        """The policy and the recognisers' data in use, by their digests, for the provenance."""
        return self._loaded().lineage

    def _loaded(self) -> Engine:
        if self._engine is None:
            from app.engine.redaction.engine import Engine
            from app.engine.redaction.tagger import TokenTagger

            tagger = TokenTagger(
                self._models.read(TAGGER, "model.onnx"),
                self._models.read(ENCODER, "tokenizer.json"),
                self._models.read(TAGGER, "tagger.json"),
                threads=self._threads,
            )
            self._engine = Engine(self._models.spacy(), tagger, self._settings, self._recognisers)
        return self._engine
