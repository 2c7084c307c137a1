"""The proof by listening again: what was understood in the muted audio, and what became of it; and
what a person missed in a call who judged its redaction.

No value and no word stands here: kinds and counts only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProofMode(StrEnum):
    """How much of the muted audio is heard again."""

    STANDARD = "standard"  # around what is muted, and where values were asked for or numbers said
    STRICT = "strict"  # all of it


class ProofOutcome(StrEnum):
    """What hearing the muted audio again came to."""

    CLEAN = "clean"  # nothing was understood that should be muted
    MENDED = "mended"  # something was, is muted now, and was not understood any more
    HELD_BACK = "held-back"  # something was to the last: a person must listen first


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAgain:
    """How many places with values of a kind were understood in the muted audio, and muted then."""

    kind: str
    places: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Who let a held-back call go, when (ISO 8601, UTC) and why; `silenced`: without its sound."""

    by: str
    at: str
    reason: str
    silenced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How often (`rounds`) and where the muted audio was heard again, with which models (by their
    names in the provenance); `heard_ms` is the length of all that was, over all channels and
    rounds."""

    mode: ProofMode
    outcome: ProofOutcome
    rounds: int
    stretches: int
    heard_ms: int
    found: tuple[FoundAgain, ...]
    models: tuple[str, ...]
    released: Released | None = None

    @property
    def held_back(self) -> bool:
        """Whether the call waits for a person to listen to it."""
        return self.outcome is ProofOutcome.HELD_BACK and self.released is None

    @property
    def places(self) -> int:
        """How many places were muted again."""
        return sum(one.places for one in self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """How many values of a kind a person found in a turn that are not redacted."""

    kind: str
    values: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """That a person who judged turns of the call found values in it that are not redacted: who,
    when (ISO 8601, UTC), of which kinds, over all turns judged so; and who let it go after that."""

    by: str
    at: str
    missed: tuple[Missed, ...]
    released: Released | None = None

    @property
    def held_back(self) -> bool:
        """Whether the call waits for a person to listen to it."""
        return self.released is None
