"""Puts entries of the word list in place of words that sound like them, before redaction.

Promises `text == turn.text[start:end]` for every word also afterwards, times that stay within those
of the words replaced, and that a correction never makes redaction weaker: what was personal data as
it was heard stays redacted, and people of the list are redacted as people. Each correction is kept
with its reason; what had been heard is not. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.domain import Correction
from app.engine.candidates import CandidateFinder, Thresholds
from app.engine.raw import RawWord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from app.domain import EntryKind, Redaction
    from app.engine.candidates import Candidate
    from app.engine.raw import RawTranscript, RawTurn
    from app.engine.vocabulary import Vocabulary

THRESHOLDS = Thresholds(open=0.7, strict=0.4)


@dataclass(frozen=True, slots=True)
class Change:
    """Characters `start` to `end` of a corrected turn, which were `was_start` to `was_end` as they
    had been heard."""

    turn: int
    start: int
    end: int
    was_start: int
    was_end: int
    kind: EntryKind
    likeness: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Corrected:
    """A call with the words of the list in it, and where they were put."""

    raw: RawTranscript = field(repr=False)
    changes: tuple[Change, ...] = ()

    def after(self, turn: int, place: int, *, end: bool = False) -> int:
        """Return where a character of a turn as it was heard stands in the corrected turn; within
        a replaced stretch, its start or `end`."""
        shift = 0
        for change in self.changes:
            if change.turn != turn or place <= change.was_start:
                continue
            if place < change.was_end:
                return change.end if end else change.start
            shift = change.end - change.was_end
        return place + shift


class Corrector:
    """Corrects calls by one word list."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        everyday: frozenset[str],
        *,
        thresholds: Thresholds = THRESHOLDS,
    ) -> None:
        """Take down how every entry sounds; `everyday` are words of plain English, written
        small."""
        self._finder = CandidateFinder(vocabulary, everyday)
        self._thresholds = thresholds

    def correct(
        self, raw: RawTranscript, *, allowed: Callable[[int, Candidate], bool] = lambda *_: True
    ) -> Corrected:
        """Return the call with entries in place of what sounds like them, where that is `allowed`
        for the turn's index and the candidate."""
        turns: list[RawTurn] = []
        changes: list[Change] = []
        for index, turn in enumerate(raw.turns):
            found = self._finder.find(turn, self._thresholds)
            chosen = [one for one in found if allowed(index, one)]
            corrected, made = rewritten(turn, index, chosen)
            turns.append(corrected)
            changes += made
        return Corrected(replace(raw, turns=tuple(turns)), tuple(changes))


def rewritten(
    turn: RawTurn, index: int, chosen: Sequence[Candidate]
) -> tuple[RawTurn, list[Change]]:
    """Return a turn with its candidates, in order and apart, written as their entries are."""
    if not chosen:
        return turn, []
    text, read = "", 0
    words: list[RawWord] = []
    changes: list[Change] = []
    begun = {one.first: one for one in chosen}
    place = 0
    while place < len(turn.words):
        one = begun.get(place)
        if one is None:
            word = turn.words[place]
            shift = len(text) - read
            words.append(replace(word, start=word.start + shift, end=word.end + shift))
            text, read = text + turn.text[read : word.end], word.end
            place += 1
            continue
        run = turn.words[one.first : one.last + 1]
        text += turn.text[read : one.start]
        start = len(text)
        text += one.entry.written
        changes.append(
            Change(
                index,
                start,
                len(text),
                one.start,
                one.end,
                one.entry.kind,
                round(one.likeness, 4),
                one.confidence,
            )
        )
        text, read = text + turn.text[one.end : run[-1].end], run[-1].end
        begins = start - (one.start - run[0].start)
        words += _words_of(text, begins, run, one.confidence)
        place = one.last + 1
    return replace(turn, text=text + turn.text[read:], words=tuple(words)), changes


def _words_of(
    text: str, begins: int, run: Sequence[RawWord], confidence: float
) -> Iterable[RawWord]:
    """Return the words of `text` from `begins`, each with its share of the run's time by letters.

    The time is that of the words that were heard, so that what is muted stays the same stretch.
    """
    parts = text[begins:].split(" ")
    first_ms, last_ms = run[0].start_ms, max(word.end_ms for word in run)
    letters = sum(len(part) for part in parts)
    at, said = begins, 0
    for part in parts:
        yield RawWord(
            text=part,
            start=at,
            end=at + len(part),
            start_ms=first_ms + (last_ms - first_ms) * said // letters,
            end_ms=first_ms + (last_ms - first_ms) * (said + len(part)) // letters,
            confidence=confidence,
        )
        at += len(part) + 1
        said += len(part)


def shown(changes: Iterable[Change], redactions: Sequence[Redaction]) -> tuple[Correction, ...]:
    """Return the corrections as they stand in the safe transcript: none where something is
    redacted, which would tell what it was."""
    found = []
    for change in changes:
        of_turn = [one for one in redactions if one.turn == change.turn]
        if any(one.start < change.end and change.start < one.end for one in of_turn):
            continue
        shift = sum(
            (one.safe_end - one.safe_start) - (one.end - one.start)
            for one in of_turn
            if one.end <= change.start
        )
        found.append(
            Correction(
                turn=change.turn,
                start=change.start + shift,
                end=change.end + shift,
                kind=change.kind,
                likeness=change.likeness,
                confidence=change.confidence,
            )
        )
    return tuple(found)
