"""Redacts a safe transcript further, where the muted audio gave away what its words had hidden.

New placeholders stand beside the old ones; every place counts again in characters as they were
spoken, as far as the first redaction knows them, and as they are kept now.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from app.engine.raw import RawTranscript, RawTurn, RawWord
from app.engine.redaction.placeholders import leaked, merged, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.domain import Correction, MutedSpan, Redaction, SafeTranscript, Turn
    from app.engine.raw import Leak
    from app.engine.redaction.found import Found
    from app.engine.redaction.placeholders import Redacted


def redacted_again(
    redacted: Redacted, corrections: Iterable[Correction], found: Sequence[Found]
) -> tuple[Redacted, tuple[Correction, ...]]:
    """Return the call with more of its safe text redacted, and the corrections that are left to
    see; `found` counts characters of that text and is ordered, without overlaps."""
    written = write(as_raw(redacted.transcript), found)
    new = written.redactions
    old = [
        replace(one, safe_start=one.safe_start + shift, safe_end=one.safe_end + shift)
        for one in redacted.redactions
        for shift in [_shift(new, one.turn, one.safe_start)]
    ]
    spoken = [_as_spoken(one, redacted.redactions) for one in new]
    again = replace(
        redacted,
        transcript=replace(redacted.transcript, turns=written.transcript.turns),
        redactions=tuple(sorted([*old, *spoken], key=attrgetter("turn", "safe_start"))),
        values=(*redacted.values, *written.values),
    )
    left = [
        replace(one, start=one.start + shift, end=one.end + shift)
        for one in corrections
        if not any(r.turn == one.turn and r.start < one.end and r.end > one.start for r in new)
        for shift in [_shift(new, one.turn, one.start)]
    ]
    return again, tuple(left)


def muted_again(redacted: Redacted, spans: Sequence[MutedSpan], leaks: Sequence[Leak]) -> Redacted:
    """Return the call with more of its audio to mute, and wherever that leaks to."""
    return replace(redacted, muted=merged([*redacted.muted, *spans, *leaked(spans, leaks)]))


def _shift(new: Iterable[Redaction], turn: int, place: int) -> int:
    """Return by how much new placeholders before a place of the safe text move it."""
    before = [one for one in new if one.turn == turn and one.end <= place]
    return sum((one.safe_end - one.safe_start) - (one.end - one.start) for one in before)


def _as_spoken(one: Redaction, old: Iterable[Redaction]) -> Redaction:
    """Return a redaction of the safe text with its place in the text as it was spoken."""
    before = [first for first in old if first.turn == one.turn and first.safe_end <= one.start]
    shift = sum((first.end - first.start) - (first.safe_end - first.safe_start) for first in before)
    return replace(one, start=one.start + shift, end=one.end + shift)


def as_raw(safe: SafeTranscript) -> RawTranscript:
    """Return a safe transcript as finders take it."""
    return RawTranscript(
        turns=tuple(_raw_turn(turn) for turn in safe.turns),
        language=safe.language,
        role_basis=safe.role_basis,
        role_confidence=safe.role_confidence,
        language_confidence=safe.language_confidence,
    )


def _raw_turn(turn: Turn) -> RawTurn:
    return RawTurn(
        channel=turn.channel,
        role=turn.role,
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
        text=turn.text,
        words=tuple(
            RawWord(
                text=word.text,
                start=word.start,
                end=word.end,
                start_ms=word.start_ms,
                end_ms=word.end_ms,
                confidence=word.confidence,
            )
            for word in turn.words
        ),
        confidence=turn.confidence,
        speaker=turn.speaker,
    )
