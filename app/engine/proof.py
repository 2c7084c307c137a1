"""The proof by listening again: muted audio is transcribed and searched, until nothing is found.

Promises that what is understood in the muted audio is muted there, wider from round to round, and
taken out of the safe text where it stands in it under other words; and that a call in which a value
is understood to the last says so. The same recording and settings give the same proof again. What
was heard lives as long as the call is analysed and goes nowhere else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from app.domain import FoundAgain, MutedSpan, Proof, ProofMode, ProofOutcome
from app.engine import stretches
from app.engine.audio import RATE_HZ, mute
from app.engine.leftovers import Judge
from app.engine.raw import Leak
from app.engine.redaction import TAGGER
from app.engine.redaction.found import Found, resolve
from app.engine.redaction.further import as_spoken, muted_again, redacted_again
from app.engine.redaction.placeholders import leaked
from app.engine.retelling import is_placeholder
from app.engine.stretches import Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.domain import Correction, Turn
    from app.engine.audio import Audio
    from app.engine.leftovers import Leftover
    from app.engine.raw import RawTranscript
    from app.engine.redaction import Redacted, Redactor
    from app.engine.transcription import Transcriber
    from app.engine.turns import TimedWord

ROUNDS = 3
_WIDER_MS = (300, 1000, 2000)  # beside what is muted again, by round
_RULE = "heard-again"
_OF_MS = RATE_HZ // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A call after it was heard again: what is redacted and corrected now, and the proof."""

    redacted: Redacted
    corrections: tuple[Correction, ...]
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """One call whose audio is muted and is to be heard again; `speech` is the model's name."""

    transcriber: Transcriber
    redactor: Redactor
    mode: ProofMode
    speech: str
    agent_name: str | None
    hints: tuple[str, ...]

    def prove(
        self,
        audio: Audio,
        spoken: RawTranscript,
        redacted: Redacted,
        corrections: tuple[Correction, ...],
    ) -> Proven:
        """Hear the muted audio again, and mute in it what is understood; `spoken` is the call as it
        was first heard."""
        chosen = first = self._first(audio, redacted)
        found: Counter[str] = Counter()
        heard_ms = rounds = 0
        left: Sequence[Leftover] = ()
        while chosen and rounds < ROUNDS:
            judge = Judge(self.redactor, spoken, redacted, self.agent_name)
            left = judge.leftovers(self._heard(audio, redacted, chosen), chosen)
            heard_ms += sum(one.length_ms for one in chosen)
            found.update(one.kind for one in left)
            spans = [_wider(one, _WIDER_MS[rounds], redacted.muted) for one in left]
            spans += leaked(redacted.muted, _let_through(left, redacted.muted))
            rounds += 1
            redacted = muted_again(redacted, spans, spoken.leaks)
            mute(audio, redacted.muted)
            said = resolve(_in_text(redacted.transcript.turns, left), {})
            redacted, corrections = redacted_again(redacted, corrections, said)
            near = stretches.around(spans, audio.channels)
            chosen = stretches.chosen(near, redacted.transcript.turns, audio.duration_ms)
        outcome = ProofOutcome.MENDED if found else ProofOutcome.CLEAN
        proof = Proof(
            mode=self.mode,
            outcome=ProofOutcome.HELD_BACK if left else outcome,
            rounds=rounds,
            stretches=len(first),
            heard_ms=heard_ms,
            found=tuple(FoundAgain(kind=kind, places=n) for kind, n in sorted(found.items())),
            models=(self.speech, "silero-vad", "spacy-en", TAGGER),
        )
        return Proven(redacted=redacted, corrections=corrections, proof=proof)

    def _heard(
        self, audio: Audio, redacted: Redacted, chosen: Sequence[Stretch]
    ) -> list[TimedWord]:
        hidden = [*redacted.muted, *_spoken(redacted)]
        groups = [
            (group[0].channel, [(one.start_ms * _OF_MS, one.end_ms * _OF_MS) for one in group])
            for group in stretches.together(chosen, hidden)
        ]
        language = redacted.transcript.language
        return self.transcriber.hear_again(audio, groups, language=language, hints=self.hints)

    def _first(self, audio: Audio, redacted: Redacted) -> tuple[Stretch, ...]:
        """Return what is heard in the first round."""
        safe, lasts_ms = redacted.transcript, audio.duration_ms
        if self.mode is ProofMode.STRICT:
            return tuple(Stretch(channel, 0, lasts_ms) for channel in range(audio.channels))
        said = self.redactor.read(as_spoken(safe)).turns
        hidden = [*redacted.muted, *_spoken(redacted)]
        wanted = [
            *stretches.around(hidden, audio.channels),
            *stretches.doubtful(safe, said),
        ]
        return stretches.chosen(wanted, safe.turns, lasts_ms)


def _spoken(redacted: Redacted) -> Iterator[MutedSpan]:
    """Yield when each redacted value is said, whatever is muted."""
    turns = redacted.transcript.turns
    for one in redacted.redactions:
        channel = turns[one.turn].channel
        yield MutedSpan(channel=channel, start_ms=one.start_ms, end_ms=one.end_ms)


def _wider(one: Leftover, by_ms: int, muted: Sequence[MutedSpan]) -> MutedSpan:
    """Return what to mute where something was understood: with both sides of it, and as long as
    what is muted there on any channel, of which it may be a part."""
    start_ms, end_ms = one.start_ms - by_ms, one.end_ms + by_ms
    there = [span for span in muted if span.start_ms < end_ms and span.end_ms > start_ms]
    start_ms = min([start_ms, *(span.start_ms for span in there)])
    end_ms = max([end_ms, *(span.end_ms for span in there)])
    return MutedSpan(channel=one.channel, start_ms=max(0, start_ms), end_ms=end_ms)


def _let_through(left: Sequence[Leftover], muted: Sequence[MutedSpan]) -> list[Leak]:
    """Return between which channels sound goes, as one thing understood shows: what is muted on the
    one is muted on the other, then, also where it is heard and not understood."""
    ways = {
        (span.channel, one.channel)
        for one in left
        for span in muted
        if span.channel != one.channel and _at_once(span, one)
        if not any(own.channel == one.channel and _at_once(own, one) for own in muted)
    }
    return [Leak(source=a, target=b, delay_ms=0, gain_db=0.0) for a, b in sorted(ways)]


def _at_once(span: MutedSpan, one: Leftover) -> bool:
    return span.start_ms < one.end_ms and one.start_ms < span.end_ms


def _in_text(turns: Sequence[Turn], left: Sequence[Leftover]) -> Iterator[Found]:
    """Yield the words of the safe text that sound where something was understood."""
    for one in left:
        for turn in (turn for turn in turns if turn.channel == one.channel):
            within = (
                word
                for word in turn.words
                if one.start_ms <= (word.start_ms + word.end_ms) / 2 < one.end_ms
            )
            for hidden, group in groupby(within, lambda word: is_placeholder(word.text)):
                words = list(group)
                if not hidden:
                    yield _found(one, turn.index, words[0].start, words[-1].end)


def _found(one: Leftover, turn: int, start: int, end: int) -> Found:
    return Found(
        kind=one.kind,
        turn=turn,
        start=start,
        end=end,
        score=one.score,
        rule=_RULE,
        value=one.value,
    )
