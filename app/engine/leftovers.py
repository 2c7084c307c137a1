"""What was understood in muted audio and should not have been.

Three ears: all finders on the call as it was heard again; any number or spelling beside what is
muted; and any word that is muted there. What the safe transcript holds at that moment is explained:
it was kept on purpose, an amount as much as an agent's name. Values hide themselves from `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.engine.retelling import kept_words, retold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.domain import Redaction
    from app.engine.raw import RawTranscript
    from app.engine.redaction import Redacted, Redactor
    from app.engine.retelling import Retold, Said
    from app.engine.stretches import Stretch
    from app.engine.turns import TimedWord

_SAME_MOMENT_MS = 1500  # word times of two hearings differ, most where a stretch begins or ends
_BESIDE_MUTED_MS = 1500
_AT_EDGE_MS = 1000
_SPELLED = 3  # letters said one by one that are no accident
_LETTERS = 3  # of a muted word that is not any word
_UNKNOWN = "NUMBER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A stretch of a channel in which a value is still understood."""

    channel: int
    start_ms: int
    end_ms: int
    kind: str
    value: str = field(repr=False)
    score: float


@dataclass(frozen=True, slots=True)
class _Muted:
    """A word under a redaction, as it was first heard."""

    plain: str = field(repr=False)
    middle_ms: float
    kind: str


class Judge:
    """Knows what was kept of a call and what was muted, and judges what is heard again."""

    def __init__(
        self, redactor: Redactor, spoken: RawTranscript, redacted: Redacted, agent_name: str | None
    ) -> None:
        """Take the call as it was first heard, and what redaction left of it."""
        self._redactor = redactor
        self._redacted = redacted
        self._agent_name = agent_name
        safe = redacted.transcript
        self._kept = [word for turn in safe.turns for word in kept_words(turn)]
        self._kept_at: dict[str, list[float]] = {}
        for word in self._kept:
            self._kept_at.setdefault(word.plain, []).append(word.middle_ms)
        self._kept_numbers = [
            (word.middle_ms, chars)
            for chars, words in self._numbers(retold(safe, (), ()))
            for word in words[:1]
        ]
        self._muted = list(_muted_words(spoken, redacted))
        self._edges = list(self._edges_of_numbers(spoken))

    def leftovers(
        self, again: Sequence[TimedWord], stretches: Sequence[Stretch]
    ) -> tuple[Leftover, ...]:
        """Return what should not have been understood, in the order in which it sounds."""
        told = retold(self._redacted.transcript, again, stretches)
        numbers = [
            (chars, words)
            for chars, words in self._numbers(told)
            if any(word.again for word in words)
        ]
        explained = {
            word
            for chars, words in numbers
            if self._number_was_kept(chars, words)
            for word in words
        }
        found = [
            *self._by_finders(told, explained),
            *self._by_numbers(numbers, explained),
            *self._by_muted_words(told),
        ]
        return tuple(_apart(found))

    def _by_finders(self, told: Retold, explained: set[Said]) -> Iterator[Leftover]:
        for one in self._redactor.find(told.raw, agent_name=self._agent_name):
            words = [w for w in told.within(one.turn, one.start, one.end) if w.again]
            if self._is_one_for_kept(one.value, words):
                continue
            if words and not all(w in explained or self._was_kept(w) for w in words):
                yield _leftover(words, one.kind, one.value, one.score)

    def _by_numbers(
        self, numbers: Iterable[tuple[str, list[Said]]], explained: set[Said]
    ) -> Iterator[Leftover]:
        for chars, words in numbers:
            heard = [word for word in words if word.again and word not in explained]
            beside = [word for word in heard if self._beside_muted(word)]
            enough = any(char.isdigit() for char in chars) or len(chars) >= _SPELLED
            if self._is_one_for_kept(chars, beside):
                continue
            if enough and beside:
                yield _leftover(beside, self._kind_at(beside[0]), chars, 0.5)

    def _by_muted_words(self, told: Retold) -> Iterator[Leftover]:
        for word in (word for turn in told.words for _, _, word in turn if word.again):
            if len(word.plain) < _LETTERS or self._was_kept(word):
                continue
            for muted in self._muted:
                near = abs(muted.middle_ms - word.middle_ms) <= _SAME_MOMENT_MS
                if near and muted.plain == word.plain:
                    yield _leftover([word], muted.kind, word.plain, 0.5)
                    break

    def _numbers(self, told: Retold) -> Iterator[tuple[str, list[Said]]]:
        """Yield the digits and letters of each run with the words that say them."""
        for index, turn in enumerate(self._redactor.read(told.raw).turns):
            for run in turn.runs:
                yield run.chars, told.within(index, run.start, run.end)

    def _was_kept(self, word: Said) -> bool:
        """Say whether the same word is kept in the transcript at that moment, on any channel."""
        return any(
            abs(kept_ms - word.middle_ms) <= _SAME_MOMENT_MS
            for kept_ms in self._kept_at.get(word.plain, ())
        )

    def _stands_for_kept(self, word: Said) -> bool:
        """Say whether another word of that channel is kept where a word was heard."""
        return any(
            kept.channel == word.channel
            and kept.start_ms < word.end_ms
            and word.start_ms < kept.end_ms
            for kept in self._kept
        )

    def _is_one_for_kept(self, chars: str, words: Sequence[Said]) -> bool:
        """Say whether "is" was heard as "8": one digit is no value, and the sound was kept; unless
        a number begins or ends with it there, whose place was mistaken then."""
        return len(chars) == 1 and all(
            self._stands_for_kept(word) and not self._is_edge(chars, word) for word in words
        )

    def _is_edge(self, char: str, word: Said) -> bool:
        return any(
            (channel, edge) == (word.channel, char) and abs(at_ms - word.middle_ms) <= _AT_EDGE_MS
            for channel, edge, at_ms in self._edges
        )

    def _edges_of_numbers(self, spoken: RawTranscript) -> Iterator[tuple[int, str, int]]:
        """Yield with which digit each number of the call begins and ends, and when."""
        turns = zip(spoken.turns, self._redactor.read(spoken).turns, strict=True)
        for turn, run in ((turn, run) for turn, said in turns for run in said.runs):
            words = [word for word in turn.words if word.start < run.end and run.start < word.end]
            if words:
                yield turn.channel, run.chars[0], words[0].start_ms
                yield turn.channel, run.chars[-1], words[-1].end_ms

    def _number_was_kept(self, chars: str, words: Sequence[Said]) -> bool:
        """Say whether digits stand in the transcript at that moment, however they are written."""
        start_ms, end_ms = _from_to(words)
        near = [
            kept
            for at_ms, kept in self._kept_numbers
            if start_ms - _SAME_MOMENT_MS <= at_ms <= end_ms + _SAME_MOMENT_MS
        ]
        return chars in "".join(near)

    def _beside_muted(self, word: Said) -> bool:
        return any(
            span.start_ms - _BESIDE_MUTED_MS <= word.middle_ms <= span.end_ms + _BESIDE_MUTED_MS
            for span in self._redacted.muted
        )

    def _kind_at(self, word: Said) -> str:
        """Return the kind of what is redacted nearest to a moment."""
        away = {one: _away(one, word.middle_ms) for one in self._redacted.redactions}
        return min(away, key=lambda one: away[one]).kind if away else _UNKNOWN


def _apart(found: Iterable[Leftover]) -> Iterator[Leftover]:
    """Yield one leftover for those of a channel that overlap: the surest, as long as all."""
    last: Leftover | None = None
    for one in sorted(found, key=lambda one: (one.channel, one.start_ms, one.end_ms, one.kind)):
        if last and last.channel == one.channel and one.start_ms < last.end_ms:
            surer = last if last.score >= one.score else one
            end_ms = max(last.end_ms, one.end_ms)
            last = replace(surer, start_ms=last.start_ms, end_ms=end_ms)
            continue
        if last:
            yield last
        last = one
    if last:
        yield last


def _muted_words(spoken: RawTranscript, redacted: Redacted) -> Iterator[_Muted]:
    words = [
        (turn.channel, word.start_ms, word.end_ms, word.text)
        for turn in spoken.turns
        for word in turn.words
    ]
    turns = redacted.transcript.turns
    for one in redacted.redactions:
        channel = turns[one.turn].channel
        for at, start_ms, end_ms, text in words:
            if at == channel and one.start_ms <= (start_ms + end_ms) / 2 < one.end_ms:
                plain = "".join(char for char in text.casefold() if char.isalnum())
                yield _Muted(plain, (start_ms + end_ms) / 2, one.kind)


def _away(one: Redaction, at_ms: float) -> float:
    return max(one.start_ms - at_ms, at_ms - one.end_ms, 0)


def _from_to(words: Sequence[Said]) -> tuple[int, int]:
    return min(word.start_ms for word in words), max(word.end_ms for word in words)


def _leftover(words: Sequence[Said], kind: str, value: str, score: float) -> Leftover:
    start_ms, end_ms = _from_to(words)
    return Leftover(
        channel=words[0].channel,
        start_ms=start_ms,
        end_ms=end_ms,
        kind=kind,
        value=value,
        score=score,
    )
