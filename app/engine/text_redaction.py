"""Redacts transcripts and finds out nothing else about them: no analysis, no model for it.

The turns of the answer are those that were given, in that order, so that what was found can be laid
beside marks of one's own. The digests of the values stay here: whoever asks keeps no vault.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app import __version__
from app.config import digest
from app.domain import Provenance, RedactedCall
from app.engine import transcripts
from app.engine.redaction import TAGGER, Redactor
from app.engine.speakers import roles_of_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.config import Settings
    from app.domain import Redaction, SafeTranscript
    from app.engine.models import ModelLibrary
    from app.engine.redaction import Redacted
    from app.engine.wire import RedactionRequest


class TextRedaction:
    """Redacts one transcript after the other; models are loaded on first use and stay."""

    def __init__(self, models: ModelLibrary, recognisers: Path, *, threads: int) -> None:
        """Remember where things are; nothing is loaded yet."""
        self._models = models
        self._recognisers = recognisers
        self._threads = threads
        self._redactor: tuple[Settings, Redactor] | None = None

    def redact(self, request: RedactionRequest) -> RedactedCall:
        """Return one transcript made safe; raises `CallFailed` or `ModelError`."""
        given = transcripts.parse(request.payload)
        spoken = roles_of_text(transcripts.to_raw(given), request.metadata.channel_roles)
        redactor = self._for(request.settings)
        redacted = redactor.redact(spoken, agent_name=request.metadata.agent)
        transcript, redactions = as_given(redacted, transcripts.order(given))
        return RedactedCall(
            transcript=transcript,
            redactions=redactions,
            provenance=self._provenance(request.settings, redactor),
        )

    def _for(self, settings: Settings) -> Redactor:
        """Return the redactor for these settings, the last one again where they are the same."""
        if self._redactor is None or self._redactor[0] != settings:
            redactor = Redactor(
                self._models, settings.redaction, self._recognisers, threads=self._threads
            )
            self._redactor = settings, redactor
        return self._redactor[1]

    def _provenance(self, settings: Settings, redactor: Redactor) -> Provenance:
        return Provenance(
            app_version=__version__,
            models=tuple(self._models.ref(name) for name in ("spacy-en", TAGGER)),
            settings_sha256=digest(settings),
            device="cpu",
            compute_type="int8",
            threads=self._threads,
            packs=redactor.lineage,
        )


def as_given(
    redacted: Redacted, order: Sequence[int]
) -> tuple[SafeTranscript, tuple[Redaction, ...]]:
    """Return what is safe with every turn back in the place where it was given: turn `n` of
    `redacted` was given as turn `order[n]`."""
    turns = [
        replace(turn, index=place)
        for turn, place in zip(redacted.transcript.turns, order, strict=True)
    ]
    transcript = replace(
        redacted.transcript, turns=tuple(sorted(turns, key=lambda turn: turn.index))
    )
    redactions = [replace(one, turn=order[one.turn]) for one in redacted.redactions]
    return transcript, tuple(sorted(redactions, key=lambda one: (one.turn, one.start)))
