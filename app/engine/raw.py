"""The raw transcript: what was said, before anything is redacted.

It never leaves the worker process, is no domain type, and hides its text from `repr`, so that it
cannot slip into a log, an error or a crash report.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.domain import MutedSpan, Role, RoleBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class RawWord:
    """One word as recognised: `text == turn.text[start:end]`, when it is heard, how sure (0 to
    1)."""

    text: str = field(repr=False)
    start: int
    end: int
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTurn:
    """One stretch of one speaker, as recognised or as given; `words` may be empty for a transcript
    without times. `speaker` counts the voices of a channel that holds several."""

    channel: int
    role: Role
    start_ms: int
    end_ms: int
    text: str = field(repr=False)
    words: tuple[RawWord, ...] = field(default=(), repr=False)
    confidence: float = 1.0
    speaker: int | None = None

    @property
    def side(self) -> int:
        """Which side of the call speaks: the channel, or the voice on a channel with several."""
        return self.channel if self.speaker is None else self.speaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A channel that is heard on another one (`target`), `delay_ms` later and weaker by
    `gain_db`."""

    source: int
    target: int
    delay_ms: int
    gain_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTranscript:
    """Turns in the order in which they start."""

    turns: tuple[RawTurn, ...]
    language: str
    role_basis: RoleBasis = RoleBasis.GUESSED
    role_confidence: float = 0.0
    language_confidence: float | None = None  # 0 to 1, where the language was listened for
    leaks: tuple[Leak, ...] = ()
    unheard: tuple[MutedSpan, ...] = ()  # speech of which no word was recognised
