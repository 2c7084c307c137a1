"""Reads transcripts that come instead of audio, in the schema that `analyse --json` itself writes.

One JSON object per call; what is not needed here (findings, measures and so on) is ignored, so that
an earlier result can be analysed again. Errors name the field and never quote its content.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from app.domain import Role, RoleBasis
from app.engine.transcription import RawTranscript, RawTurn, RawWord
from app.errors import TranscriptInvalid

Milliseconds = Annotated[int, msgspec.Meta(ge=0)]
Text = Annotated[str, msgspec.Meta(max_length=1_000_000)]  # the longest that spaCy reads
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordInput:
    """A word with its times; `start`, its first character in the text, is found if left out."""

    text: str = field(repr=False)
    start_ms: Milliseconds
    end_ms: Milliseconds
    start: Annotated[int, msgspec.Meta(ge=0)] | None = None
    confidence: Share = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInput:
    """One turn; times may be left out where none are known."""

    text: Text = field(repr=False)
    role: Role = Role.UNKNOWN
    channel: Annotated[int, msgspec.Meta(ge=0, le=63)] = 0
    start_ms: Milliseconds = 0
    end_ms: Milliseconds = 0
    words: tuple[WordInput, ...] = ()
    confidence: Share = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptInput:
    """A call given as text."""

    turns: tuple[TurnInput, ...]
    id: str | None = None
    language: str = "en"
    duration_ms: Milliseconds = 0


def parse(document: bytes) -> TranscriptInput:
    """Return the transcript of a JSON object; raises `TranscriptInvalid` naming the wrong field."""
    try:
        transcript = msgspec.json.decode(document, type=TranscriptInput)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TranscriptInvalid(f"The transcript cannot be used: {_reason(error)}.") from None
    if not any(turn.text.strip() for turn in transcript.turns):
        raise TranscriptInvalid("The transcript has no turn with text in it.")
    return transcript


def order(transcript: TranscriptInput) -> list[int]:
    """Return the places of the turns as they are given, ordered by when each turn starts."""
    turns = transcript.turns
    return sorted(range(len(turns)), key=lambda place: turns[place].start_ms)


def to_raw(transcript: TranscriptInput) -> RawTranscript:
    """Return the transcript as if it had just been recognised, turns ordered by their start."""
    turns = [transcript.turns[place] for place in order(transcript)]
    known = any(turn.role is not Role.UNKNOWN for turn in turns)
    return RawTranscript(
        turns=tuple(_raw_turn(number, turn) for number, turn in enumerate(turns)),
        language=_code(transcript.language),
        role_basis=RoleBasis.GIVEN if known else RoleBasis.ESTIMATED,
        role_confidence=1.0 if known else 0.0,
    )


def _code(language: str) -> str:
    """Return the language without its region, as the recogniser names it: `en` for `en-GB`."""
    return language.strip().lower().replace("_", "-").partition("-")[0] or "en"


def _raw_turn(number: int, turn: TurnInput) -> RawTurn:
    if turn.end_ms < turn.start_ms:
        raise TranscriptInvalid(f"Turn {number} of the transcript ends before it starts.")
    return RawTurn(
        channel=turn.channel,
        role=turn.role,
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
        text=turn.text,
        words=_raw_words(number, turn),
        confidence=turn.confidence,
    )


def _raw_words(number: int, turn: TurnInput) -> tuple[RawWord, ...]:
    """Place each word in the turn's text, one after the other."""
    words: list[RawWord] = []
    position = 0
    for word in turn.words:
        text = word.text.strip()
        start = turn.text.find(text, position) if word.start is None else word.start
        if not text or start < position or not turn.text.startswith(text, start):
            raise TranscriptInvalid(f"A word of turn {number} does not stand in the turn's text.")
        if word.end_ms < word.start_ms:
            raise TranscriptInvalid(f"A word of turn {number} ends before it starts.")
        position = start + len(text)
        words.append(
            RawWord(
                text=text,
                start=start,
                end=position,
                start_ms=word.start_ms,
                end_ms=word.end_ms,
                confidence=word.confidence,
            )
        )
    return tuple(words)


def _reason(error: Exception) -> str:
    """Return where and what is wrong, without the value: msgspec names types and paths only."""
    if isinstance(error, msgspec.ValidationError) and "Invalid enum value" not in str(error):
        return str(error).rstrip(".")
    if isinstance(error, msgspec.ValidationError):
        return "a role is none of agent, customer, unknown"
    return "it is not a JSON object in UTF-8"
