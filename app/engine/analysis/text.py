"""Turns as pieces that can be judged and pointed at.

Promises that every piece and every `Evidence` names exact characters of its turn, and milliseconds
from the words that stand there (the turn's own where a turn has no words). Hides how a turn is cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import Evidence, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


LONGEST_WORDS = 28  # a longer piece says more than one thing
_SHORT_WORDS = 7
_SENTENCE_END = re.compile(r"[.?!…]+[\"'\u201d\u2019)]*\s+")
_CLAUSE = re.compile(
    r",\s+|\s+(?=(?:and|but|so|because|then|which|though|although|anyway|however)\s)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\[[A-Z][A-Z_]*-\d+(?: …\d{4})?\]|\w+(?:['\u2019.\-]\w+)*")


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A sentence or clause of a turn: `text == turn.text[start:end]`. Compared by identity."""

    turn: Turn
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.turn.text[self.start : self.end]


def word_count(text: str) -> int:
    """Return how many words a text has; a placeholder counts as one."""
    return sum(1 for _ in _TOKEN.finditer(text))


def pieces(turn: Turn) -> tuple[Piece, ...]:
    """Return the turn's sentences, long ones cut into clauses, in order and without overlap.

    Together they hold every word of the turn.
    """
    found: list[Piece] = []
    for start, end in _cut(turn.text, 0, len(turn.text), _SENTENCE_END):
        if word_count(turn.text[start:end]) <= LONGEST_WORDS:
            found.append(Piece(turn, start, end))
        else:
            found.extend(Piece(turn, s, e) for s, e in _clauses(turn.text, start, end))
    return tuple(piece for piece in found if _TOKEN.search(piece.text))


def evidence(turn: Turn, start: int, end: int) -> Evidence:
    """Return what shows a claim: these characters, from the first to the last word they touch."""
    words = [word for word in turn.words if word.start < end and word.end > start]
    start_ms = words[0].start_ms if words else turn.start_ms
    end_ms = max(word.end_ms for word in words) if words else turn.end_ms
    return Evidence(turn=turn.index, start=start, end=end, start_ms=start_ms, end_ms=end_ms)


def lowered(text: str) -> str:
    """Return the text in lower case with plain apostrophes, every character in its old place."""
    small = text.lower()
    if len(small) != len(text):  # a few letters, such as a capital dotted i, become two
        small = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    return small.replace("\u2019", "'")


def _cut(text: str, start: int, end: int, border: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    at = start
    for match in border.finditer(text, start, end):
        yield from _trimmed(text, at, match.end())
        at = match.end()
    yield from _trimmed(text, at, end)


def _clauses(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    parts = (
        part for clause in _cut(text, start, end, _CLAUSE) for part in _by_length(text, *clause)
    )
    yield from _joined(text, parts)


def _by_length(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    words = list(_TOKEN.finditer(text, start, end))
    at = start
    for word in words[LONGEST_WORDS::LONGEST_WORDS]:
        yield from _trimmed(text, at, word.start())
        at = word.start()
    yield from _trimmed(text, at, end)


def _joined(text: str, parts: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join what is too short to its neighbour: `well` alone tells nothing."""
    held: tuple[int, int] | None = None
    for start, end in parts:
        if held is not None and _belong(text, held, (start, end)):
            held = (held[0], end)
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def _belong(text: str, first: tuple[int, int], second: tuple[int, int]) -> bool:
    shorter = min(word_count(text[start:end]) for start, end in (first, second))
    return shorter < _SHORT_WORDS and word_count(text[first[0] : second[1]]) <= LONGEST_WORDS


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
