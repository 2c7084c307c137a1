"""Writes the safe transcript: placeholders for values, and the stretches of audio to mute.

Equal values of a kind get the same number within the call. A word that touches a redaction
disappears into the placeholder's own word. Values leave as digests only.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from app.domain import MutedSpan, RedactedValue, Redaction, SafeTranscript, Turn, Word
from app.engine.pace import longest_ms
from app.engine.redaction.already import numbers_taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from app.engine.raw import Leak
    from app.engine.redaction.found import Found
    from app.engine.transcription import RawTranscript, RawTurn, RawWord

# Around what is muted, a neighbouring word or not: 95 of 100 borders are less wrong than that. The
# last digit's end is the least certain (resources/documents/speech.md, "Word times").
LEAD_MS = 100
TRAIL_MS = 200
# Of what pays each digit counts, and the first was often taken for the end of "it's"
PAYMENT_LEAD_MS = 350
_PAYMENT = frozenset(("CARD", "CARD_CODE", "PIN"))
# At most so much of the pause beside it is muted too: word times are rough, and a digit that was
# spoken twice and written once takes as long.
QUIET_MS = 500
DOUBTED = 0.5  # a word beside it that was hardly understood may be a part of it
ECHO_MS = 100  # what leaks to the other channel rings a little longer
ROUGH_MS = 1000  # on either side where a turn has no word times


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """A call made safe: its transcript, where something was redacted, the values' digests, and what
    to mute."""

    transcript: SafeTranscript
    redactions: tuple[Redaction, ...]
    values: tuple[RedactedValue, ...]
    muted: tuple[MutedSpan, ...]


def write(raw: RawTranscript, found: Sequence[Found]) -> Redacted:
    """Return the call with every stretch of `found` (ordered, without overlaps) replaced.

    In the sound all of it is muted, also where the text shows the last digits: the border between
    two digits is less certain than a digit is long (`TRAIL_MS`).
    """
    numbers = _Numbers(numbers_taken(raw))
    by_turn = {turn: list(group) for turn, group in groupby(found, key=attrgetter("turn"))}
    turns, redactions, muted = [], [], list(raw.unheard)
    pauses = _pauses(raw.turns)
    for index, raw_turn in enumerate(raw.turns):
        written = _WrittenTurn(index, raw_turn, *pauses[index])
        for one in by_turn.get(index, ()):
            written.replace(one, numbers.of(one))
        turns.append(written.finish())
        redactions += written.redactions
        muted += written.muted
    transcript = SafeTranscript(
        turns=tuple(turns),
        language=raw.language,
        role_basis=raw.role_basis,
        role_confidence=raw.role_confidence,
        language_confidence=raw.language_confidence,
    )
    return Redacted(
        transcript=transcript,
        redactions=tuple(redactions),
        values=numbers.values(),
        muted=merged([*muted, *leaked(muted, raw.leaks)]),
    )


def merged(spans: Iterable[MutedSpan]) -> tuple[MutedSpan, ...]:
    """Return the spans with those of one channel that touch made one, ordered."""
    result: list[MutedSpan] = []
    for span in sorted(spans, key=attrgetter("channel", "start_ms", "end_ms")):
        last = result[-1] if result else None
        if last and last.channel == span.channel and span.start_ms <= last.end_ms:
            end_ms = max(last.end_ms, span.end_ms)
            result[-1] = MutedSpan(channel=last.channel, start_ms=last.start_ms, end_ms=end_ms)
        else:
            result.append(span)
    return tuple(result)


def leaked(spans: Sequence[MutedSpan], leaks: Sequence[Leak]) -> Iterator[MutedSpan]:
    """Yield spans once more on the channels where they are faintly heard."""
    for leak in leaks:
        for span in spans:
            if span.channel == leak.source:
                yield MutedSpan(
                    channel=leak.target,
                    start_ms=span.start_ms,  # an early part of it may come through sooner
                    end_ms=span.end_ms + leak.delay_ms + ECHO_MS,
                )


def _pauses(turns: Sequence[RawTurn]) -> list[tuple[int, int]]:
    """Return how long each turn's channel is silent before and after it, `QUIET_MS` at most."""
    before, after = [QUIET_MS] * len(turns), [QUIET_MS] * len(turns)
    latest: dict[int, int] = {}
    for index, turn in enumerate(turns):
        last = latest.get(turn.channel)
        if last is not None:
            between = min(QUIET_MS, turn.start_ms - turns[last].end_ms)
            before[index] = after[last] = between
        latest[turn.channel] = index
    return list(zip(before, after, strict=True))


def _surplus_ms(word: RawWord) -> int:
    """Return by how much a word is longer than it takes to say: of the value beside it, perhaps."""
    return max(0, word.end_ms - word.start_ms - longest_ms(word.text.rstrip(",.?!;:")))


class _Numbers:
    """Counts the distinct values of each kind in the order in which they are first said."""

    def __init__(self, taken: Mapping[str, int]) -> None:
        self._taken = taken
        self._numbers: dict[str, dict[str, int]] = {}

    def of(self, one: Found) -> int:
        """Return the number of the value within its kind, after those that are taken."""
        known = self._numbers.setdefault(one.kind, {})
        return known.setdefault(one.value, self._taken.get(one.kind, 0) + len(known) + 1)

    def values(self) -> tuple[RedactedValue, ...]:
        """Return a digest of every value: SHA-256 of `kind:value`."""
        return tuple(
            RedactedValue(
                kind=kind,
                value=number,
                digest=hashlib.sha256(f"{kind}:{value}".encode()).digest(),
            )
            for kind, known in self._numbers.items()
            for value, number in known.items()
        )


@dataclass(slots=True)
class _WrittenTurn:
    """One turn being rewritten from left to right."""

    index: int
    raw: RawTurn = field(repr=False)
    before_ms: int  # for how long nobody speaks on its channel before it
    after_ms: int
    redactions: list[Redaction] = field(default_factory=list)
    muted: list[MutedSpan] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list, repr=False)
    _words: list[Word] = field(default_factory=list, repr=False)
    _read: int = 0  # characters of the raw text that are dealt with
    _length: int = 0  # characters written
    _next_word: int = 0

    def replace(self, one: Found, number: int) -> None:
        """Put a placeholder where `one` is."""
        self._copy_until(one.start)
        covered = self._covered(one)
        start_ms, end_ms = self._time(one, covered)
        shown = f" \u2026{one.tail}" if one.tail else ""
        placeholder = f"[{one.kind}-{number}{shown}]"
        safe_start = self._length
        self._append(placeholder)
        self._read = one.end
        self.redactions.append(
            Redaction(
                kind=one.kind,
                value=number,
                turn=self.index,
                start=one.start,
                end=one.end,
                safe_start=safe_start,
                safe_end=self._length,
                start_ms=start_ms,
                end_ms=end_ms,
                confidence=one.score,
                rule=one.rule,
            )
        )
        if covered:
            sure = min(word.confidence for word in covered)
            self._add_word(placeholder, safe_start, start_ms, end_ms, sure)
        if end_ms > start_ms:
            self.muted.append(self._mute(one, covered, start_ms, end_ms))

    def finish(self) -> Turn:
        """Return the safe turn."""
        self._copy_until(len(self.raw.text))
        return Turn(
            index=self.index,
            channel=self.raw.channel,
            role=self.raw.role,
            start_ms=self.raw.start_ms,
            end_ms=self.raw.end_ms,
            text="".join(self._parts),
            words=tuple(self._words),
            confidence=self.raw.confidence,
            speaker=self.raw.speaker,
        )

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _add_word(self, text: str, start: int, start_ms: int, end_ms: int, sure: float) -> None:
        self._words.append(
            Word(
                text=text,
                start=start,
                end=start + len(text),
                start_ms=start_ms,
                end_ms=end_ms,
                confidence=sure,
            )
        )

    def _copy_until(self, end: int) -> None:
        """Copy raw text up to `end`, with the words that lie in it whole."""
        shift = self._length - self._read
        words = self.raw.words
        while self._next_word < len(words) and words[self._next_word].end <= end:
            word = words[self._next_word]
            if word.start >= self._read:
                start = word.start + shift
                self._add_word(word.text, start, word.start_ms, word.end_ms, word.confidence)
            self._next_word += 1
        self._append(self.raw.text[self._read : end])
        self._read = end

    def _covered(self, one: Found) -> list[RawWord]:
        """Return the words that the redaction touches."""
        words = self.raw.words
        first = bisect_right(words, one.start, key=attrgetter("end"))
        covered = []
        for word in words[first:]:
            if word.start >= one.end:
                break
            covered.append(word)
        return covered

    def _with_doubted(self, first: int, last: int) -> tuple[int, int]:
        """Return from which to which word is muted: with one on either side that is doubted and
        follows without a pause."""
        words = self.raw.words
        if first and words[first - 1].confidence < DOUBTED:
            first -= words[first].start_ms - words[first - 1].end_ms < TRAIL_MS
        if last < len(words) and words[last].confidence < DOUBTED:
            last += words[last].start_ms - words[last - 1].end_ms < TRAIL_MS
        return first, last

    def _time(self, one: Found, covered: Sequence[RawWord]) -> tuple[int, int]:
        """Return when the redaction is heard; by its share of the turn where words are missing."""
        if covered:
            start_ms = min(word.start_ms for word in covered)
            return start_ms, max(start_ms, *(word.end_ms for word in covered))
        length, lasts_ms = len(self.raw.text), self.raw.end_ms - self.raw.start_ms
        start_ms = self.raw.start_ms + lasts_ms * one.start // length
        end_ms = self.raw.start_ms - (-lasts_ms * one.end // length)
        return start_ms, end_ms

    def _mute(
        self, one: Found, covered: Sequence[RawWord], start_ms: int, end_ms: int
    ) -> MutedSpan:
        """Return what to mute: padded, with a bit of the pauses beside it."""
        if covered:
            first = bisect_right(self.raw.words, one.start, key=attrgetter("end"))
            first, last = self._with_doubted(first, first + len(covered))
            start_ms = min(start_ms, self.raw.words[first].start_ms)
            end_ms = max(end_ms, self.raw.words[last - 1].end_ms)
            before_ms, after_ms = self.before_ms, self.after_ms
            if first:
                word = self.raw.words[first - 1]
                before_ms = start_ms - word.end_ms + _surplus_ms(word)
            if last < len(self.raw.words):
                word = self.raw.words[last]
                after_ms = word.start_ms - end_ms + _surplus_ms(word)
            lead_ms = PAYMENT_LEAD_MS if one.kind in _PAYMENT else LEAD_MS
            start_ms -= max(lead_ms, min(before_ms, QUIET_MS))
            end_ms += max(TRAIL_MS, min(after_ms, QUIET_MS))
        else:
            start_ms = max(self.raw.start_ms, start_ms - ROUGH_MS) - LEAD_MS
            end_ms = min(self.raw.end_ms, end_ms + ROUGH_MS) + TRAIL_MS
        return MutedSpan(channel=self.raw.channel, start_ms=max(0, start_ms), end_ms=end_ms)
