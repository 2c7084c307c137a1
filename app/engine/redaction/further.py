"""A safe call redacted once more, because other people speak in it than was thought.

An agent's own name stays in a call. Where the roles were wrong it was a customer's, and has to go.
Promises that nothing comes back: placeholders and muted stretches stay, and more are added to them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain import MutedSpan
from app.engine.raw import RawTranscript, RawTurn, RawWord
from app.engine.redaction.placeholders import Redacted, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.domain import CallAnalysis, Correction, Redaction, SafeTranscript, Turn

_LATEST_LEAK_MS = 500  # after a word, its leak to another channel has faded


@dataclass(frozen=True, slots=True)
class Further:
    """What is redacted now: `values` are only those that were not before; and the corrections of
    the word list that still stand."""

    redacted: Redacted
    corrections: tuple[Correction, ...]


def as_spoken(said: SafeTranscript) -> RawTranscript:
    """Return a safe transcript in the form in which redaction reads what was spoken."""
    return RawTranscript(
        turns=tuple(map(_raw_turn, said.turns)),
        language=said.language,
        role_basis=said.role_basis,
        role_confidence=said.role_confidence,
        language_confidence=said.language_confidence,
    )


def beside(analysis: CallAnalysis, new: Redacted) -> Further:
    """Return what was redacted before together with what was found in the safe text since.

    `new.redactions` count characters of the safe text, those of the result of what was spoken.
    """
    before, since = _by_turn(analysis.redactions), _by_turn(new.redactions)
    redactions = [
        *(_shifted(one, since.get(one.turn, ())) for one in analysis.redactions),
        *(_as_was_spoken(one, before.get(one.turn, ())) for one in new.redactions),
    ]
    muted = [*analysis.muted, *new.muted]
    if "crosstalk" in analysis.warnings:
        muted += _leaked(new.muted, analysis.channels)
    return Further(
        redacted=Redacted(
            transcript=new.transcript,
            redactions=tuple(sorted(redactions, key=lambda one: (one.turn, one.start))),
            values=new.values,
            muted=merged(muted),
        ),
        corrections=tuple(
            _moved(one, since.get(one.turn, ()))
            for one in analysis.corrections
            if not any(
                new.start < one.end and one.start < new.end for new in since.get(one.turn, ())
            )
        ),
    )


def _raw_turn(turn: Turn) -> RawTurn:
    words = tuple(
        RawWord(
            text=word.text,
            start=word.start,
            end=word.end,
            start_ms=word.start_ms,
            end_ms=word.end_ms,
            confidence=word.confidence,
        )
        for word in turn.words
    )
    return RawTurn(
        channel=turn.channel,
        role=turn.role,
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
        text=turn.text,
        words=words,
        confidence=turn.confidence,
        speaker=turn.speaker,
    )


def _by_turn(redactions: Iterable[Redaction]) -> dict[int, tuple[Redaction, ...]]:
    found: dict[int, tuple[Redaction, ...]] = {}
    for one in redactions:
        found[one.turn] = (*found.get(one.turn, ()), one)
    return found


def _grown(one: Redaction) -> int:
    """Return by how many characters the text became longer where something was redacted."""
    return (one.safe_end - one.safe_start) - (one.end - one.start)


def _after(place: int, since: Sequence[Redaction]) -> int:
    """Return where a place of the safe text is after the redactions that came since."""
    return place + sum(_grown(one) for one in since if one.end <= place)


def _shifted(one: Redaction, since: Sequence[Redaction]) -> Redaction:
    return replace(
        one, safe_start=_after(one.safe_start, since), safe_end=_after(one.safe_end, since)
    )


def _moved(one: Correction, since: Sequence[Redaction]) -> Correction:
    return replace(one, start=_after(one.start, since), end=_after(one.end, since))


def _as_was_spoken(one: Redaction, before: Sequence[Redaction]) -> Redaction:
    earlier = sum(_grown(old) for old in before if old.safe_end <= one.start)
    return replace(one, start=one.start - earlier, end=one.end - earlier)


def _leaked(spans: Iterable[MutedSpan], channels: int) -> list[MutedSpan]:
    """Return the spans on every channel: where a side is faintly heard on the other's, too."""
    return [
        MutedSpan(channel=channel, start_ms=span.start_ms, end_ms=span.end_ms + _LATEST_LEAK_MS)
        for span in spans
        for channel in range(channels)
        if channel != span.channel
    ]
