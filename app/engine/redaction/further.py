"""A safe call redacted once more: other people speak in it than was thought, or its muted audio
gave away what its words had hidden.

An agent's own name stays in a call. Where the roles were wrong it was a customer's, and has to go.
Promises that nothing comes back: placeholders and muted stretches stay, and more are added to them;
every place counts again in characters as they were spoken, as far as the first redaction knows
them, and as they are kept now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain import MutedSpan
from app.engine.raw import RawTranscript, RawTurn, RawWord
from app.engine.redaction.placeholders import Redacted, leaked, merged, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.domain import CallAnalysis, Correction, Redaction, SafeTranscript, Turn
    from app.engine.raw import Leak
    from app.engine.redaction.found import Found

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
    muted = [*analysis.muted, *new.muted]
    if "crosstalk" in analysis.warnings:
        muted += _leaked(new.muted, analysis.channels)
    return Further(
        redacted=Redacted(
            transcript=new.transcript,
            redactions=_together(analysis.redactions, new.redactions),
            values=new.values,
            muted=merged(muted),
        ),
        corrections=_standing(analysis.corrections, new.redactions),
    )


def redacted_again(
    redacted: Redacted, corrections: Iterable[Correction], found: Sequence[Found]
) -> tuple[Redacted, tuple[Correction, ...]]:
    """Return the call with more of its safe text redacted, and the corrections that are left to
    see; `found` counts characters of that text and is ordered, without overlaps."""
    new = write(as_spoken(redacted.transcript), found)
    again = replace(
        redacted,
        transcript=replace(redacted.transcript, turns=new.transcript.turns),
        redactions=_together(redacted.redactions, new.redactions),
        values=(*redacted.values, *new.values),
    )
    return again, _standing(corrections, new.redactions)


def muted_again(redacted: Redacted, spans: Sequence[MutedSpan], leaks: Sequence[Leak]) -> Redacted:
    """Return the call with more of its audio to mute, and wherever that leaks to."""
    return replace(redacted, muted=merged([*redacted.muted, *spans, *leaked(spans, leaks)]))


def _together(old: Iterable[Redaction], new: Iterable[Redaction]) -> tuple[Redaction, ...]:
    """Return redactions of what was spoken and those of the safe text since, all with their places
    in what was spoken and in the text as it is now."""
    before, since = _by_turn(old), _by_turn(new)
    redactions = [
        *(_shifted(one, since.get(one.turn, ())) for turn in before.values() for one in turn),
        *(_as_was_spoken(one, before.get(one.turn, ())) for turn in since.values() for one in turn),
    ]
    return tuple(sorted(redactions, key=lambda one: (one.turn, one.start)))


def _standing(
    corrections: Iterable[Correction], new: Iterable[Redaction]
) -> tuple[Correction, ...]:
    """Return the corrections in whose place nothing was redacted since, where they are now."""
    since = _by_turn(new)
    return tuple(
        _moved(one, since.get(one.turn, ()))
        for one in corrections
        if not any(r.start < one.end and one.start < r.end for r in since.get(one.turn, ()))
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
