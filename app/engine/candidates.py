"""Where a turn may hold an entry of the word list that was written otherwise.

A run of words that sounds like an entry is a candidate, unless it is plain English: everyday words,
recognised surely and written small. The more of a run is everyday, the more alike it must sound.
Pure: nothing is changed here.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.engine.phonetics import likeness, sounds_of, weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.engine.raw import RawTurn, RawWord
    from app.engine.vocabulary import Entry, Vocabulary

_MORE_WORDS = 3  # a name of one word is often heard as several
_CORE = re.compile(r"^[^\w]*(.*?)(['’]s)?[^\w]*$", re.DOTALL)  # noqa: RUF001
_ENDS = (".", "?", "!", ":")
_DOUBTED = 0.5  # an everyday word that was heard less surely than this is not believed
_BELIEVED = 0.85  # a word written small that was heard as surely as this is one
_HALF = 0.5
_ENDINGS = (
    ("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("d", ""),
    ("ing", ""), ("ing", "e"), ("ly", ""), ("er", ""), ("ers", ""),
)  # fmt: skip
_SMALL_WORD = 3  # letters: a capital on these says nothing


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How alike a run must sound: `open` where none of its words is plain English, growing by
    `strict` to where all are; see speech.md."""

    open: float
    strict: float

    def needed(self, plain: float) -> float:
        """Return the likeness that a run needs of which the share `plain` is plain English."""
        return self.open + self.strict * plain


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words `first` to `last` of a turn, characters `start` to `end` without the punctuation
    around them, that sound like `entry`; `same` where they are written like it already."""

    first: int
    last: int
    start: int
    end: int
    entry: Entry
    likeness: float
    plain: float
    confidence: float
    same: bool = False


@dataclass(frozen=True, slots=True)
class _Sounding:
    weight: float
    code: str = field(repr=False)
    words: int
    entry: Entry


class CandidateFinder:
    """Finds candidates for one word list; `everyday` are the words of plain English, small."""

    def __init__(self, vocabulary: Vocabulary, everyday: frozenset[str]) -> None:
        """Take down how every entry sounds."""
        self._everyday = everyday
        self._listed = {one.written.casefold() for one in vocabulary.entries}
        self._sounding = sorted(
            (
                _Sounding(weight(code), code, len(said.split()), entry)
                for entry in vocabulary.entries
                for said in (entry.written, *entry.sounds)
                if (code := sounds_of(said))
            ),
            key=lambda one: (one.weight, one.code, one.entry.written),
        )
        self._weights = [one.weight for one in self._sounding]
        self._longest = max((one.words for one in self._sounding), default=0) + _MORE_WORDS
        self._found: dict[str, list[tuple[float, _Sounding]]] = {}

    def find(self, turn: RawTurn, thresholds: Thresholds) -> list[Candidate]:
        """Return candidates that do not overlap, in order: the most alike ones win."""
        taken: set[int] = set()
        chosen: list[Candidate] = []
        every = sorted(
            self._every(turn, thresholds),
            key=lambda one: (not one.same, -one.likeness, one.last - one.first, one.first),
        )
        for one in every:
            places = set(range(one.first, one.last + 1))
            if not places & taken:
                taken |= places
                chosen.append(one)
        return sorted((one for one in chosen if not one.same), key=lambda one: one.first)

    def _every(self, turn: RawTurn, thresholds: Thresholds) -> Iterator[Candidate]:
        plain = [self._plainness(turn.words, place) for place in range(len(turn.words))]
        for first in range(len(turn.words)):
            for last in range(first, min(first + self._longest, len(turn.words))):
                yield from self._of_run(turn, first, last, plain[first : last + 1], thresholds)
                if turn.words[last].text.endswith(_ENDS):
                    break

    def _of_run(
        self, turn: RawTurn, first: int, last: int, plain: Sequence[float], by: Thresholds
    ) -> Iterator[Candidate]:
        run = turn.words[first : last + 1]
        start, end = _core(run)
        said = turn.text[start:end]
        if said.casefold() in self._listed:
            yield from self._same(first, last, start, end, said)
            return
        split = any(word.text.endswith(",") for word in run[:-1])
        letters = sum(len(word.text) for word in run)
        share = sum(len(word.text) * one for word, one in zip(run, plain, strict=True)) / letters
        needed = by.needed(share)
        if needed > 1.0:
            return
        for likely, sounding in self._alike(sounds_of(said), by.open):
            # nobody pauses within a word, and one word is not heard as very many
            one_word = split and sounding.words == 1
            if likely >= needed and not one_word and len(run) <= sounding.words + _MORE_WORDS:
                sure = min(word.confidence for word in run)
                yield Candidate(first, last, start, end, sounding.entry, likely, share, sure)

    def _same(self, first: int, last: int, start: int, end: int, said: str) -> Iterator[Candidate]:
        for one in self._sounding:
            if one.entry.written.casefold() == said.casefold():
                yield Candidate(first, last, start, end, one.entry, 1.0, 0.0, 1.0, same=True)
                return

    def _alike(self, code: str, least: float) -> list[tuple[float, _Sounding]]:
        """Return the entries that sound like a code, kept: calls repeat themselves."""
        known = self._found.get(code)
        if known is None:
            heavy = weight(code)
            first = bisect_left(self._weights, heavy * 0.6)
            last = bisect_right(self._weights, heavy * 1.67)
            scored = (
                (likeness(code, one.code, least=least), one) for one in self._sounding[first:last]
            )
            known = self._found[code] = [pair for pair in scored if pair[0] >= least]
        return known

    def _plainness(self, words: Sequence[RawWord], place: int) -> float:
        """Return how much a word looks like plain English that nobody would doubt, 0 to 1.

        Whisper writes what it takes for a name with a capital, so a small letter counts.
        """
        word = words[place]
        core = word.text.strip("\"'.,;:?!()-").removesuffix("'s")
        begins = place == 0 or words[place - 1].text.endswith(_ENDS)
        capital = core[:1].isupper() and not begins and len(core) > _SMALL_WORD
        believed = word.confidence >= _BELIEVED
        if _stems(core.casefold()).isdisjoint(self._everyday):
            return 0.0 if not core.islower() else 1.0 if believed else _HALF
        doubted = word.confidence < _DOUBTED and len(core) > _SMALL_WORD
        if capital:
            return 1.0 if believed else 0.0 if doubted else _HALF
        return _HALF if doubted else 1.0


def _stems(word: str) -> set[str]:
    """Return a word with the forms of which it may be an inflection."""
    found = {word}
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SMALL_WORD:
            found.add(word.removesuffix(ending) + instead)
    return found


def _core(run: Sequence[RawWord]) -> tuple[int, int]:
    """Return the characters of a run without the punctuation and the 's at its ends."""
    first, last = run[0], run[-1]
    lead = len(first.text) - len(first.text.lstrip("\"'“([-"))
    inner = _CORE.match(last.text)
    tail = inner.end(1) if inner else len(last.text)
    start, end = first.start + lead, last.start + tail
    return (start, end) if start < end else (first.start, last.end)


def everyday_words(tokenizer: bytes) -> frozenset[str]:
    """Return the whole words among the shipped encoder's word pieces: some 20,000 that are written
    often enough for none of them to be taken for a word that nobody knows."""

    pieces: Iterable[str] = json.loads(tokenizer)["model"]["vocab"]
    return frozenset([*(word for word in pieces if word.isalpha() and len(word) > 1), "a", "i"])
