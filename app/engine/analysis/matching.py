"""What was said against what a pack looks for: by phrase and by meaning.

A `Reading` is a transcript cut into pieces with a vector each, made once and used by every signal.
A `Matcher` holds the entries of a pack. Phrases are exact and precise; examples find other wordings
of the same, and are less sure. Hides how both are joined into hits.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

from app.domain import Role, RoleBasis, SafeTranscript, Turn
from app.engine.analysis.encoder import WIDTH
from app.engine.analysis.packs import Topic
from app.engine.analysis.phrases import compiled
from app.engine.analysis.text import Piece, lowered, pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.engine.analysis.encoder import Encoder, Vectors

SAID = 0.9
"""How sure a phrase makes us, where it is known who speaks."""
SAID_AND_MEANT = 0.95
_ROLE_UNKNOWN = 0.7


@dataclass(frozen=True, slots=True)
class Reading:
    """A transcript, its pieces in order, and the vector of each piece [pieces, WIDTH]."""

    transcript: SafeTranscript
    pieces: tuple[Piece, ...]
    vectors: Vectors

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of the transcript."""
        return self.transcript.turns

    def role_certainty(self, turn: Turn) -> float:
        """Return by how much to trust what depends on who speaks (0 to 1)."""
        if turn.role is Role.UNKNOWN:
            return _ROLE_UNKNOWN
        if self.transcript.role_basis in {RoleBasis.GUESSED, RoleBasis.ESTIMATED}:
            return max(_ROLE_UNKNOWN, min(1.0, self.transcript.role_confidence))
        return 1.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where an entry's phrase stands or its meaning is met."""

    turn: Turn
    start: int
    end: int
    confidence: float


def read(transcript: SafeTranscript, encoder: Encoder) -> Reading:
    """Cut the transcript and encode its pieces."""
    cut = tuple(piece for turn in transcript.turns for piece in pieces(turn))
    return Reading(transcript, cut, encoder.encode([piece.text for piece in cut]))


_Entry = TypeVar("_Entry", bound=Topic)


class Matcher(Generic[_Entry]):
    """Finds the entries of a pack in a reading; `examples` are the vectors of all examples, each of
    the entry that `owners` names."""

    def __init__(self, entries: Sequence[_Entry], encoder: Encoder) -> None:
        """Encode all examples once."""
        self.entries: tuple[_Entry, ...] = tuple(entries)
        self._phrases = [[compiled(phrase) for phrase in entry.phrases] for entry in entries]
        self._exceptions = [[compiled(phrase) for phrase in entry.exceptions] for entry in entries]
        self.examples = encoder.encode([text for entry in entries for text in entry.examples])
        self.owners = tuple(n for n, entry in enumerate(entries) for _ in entry.examples)
        ends = [0, *accumulate(len(entry.examples) for entry in entries)]
        self._columns = [slice(*pair) for pair in pairwise(ends)]

    def similarity(self, vectors: Vectors) -> Vectors:
        """Return [pieces, entries]: the cosine to the nearest example, 0 where there is none."""
        import numpy as np

        found = np.zeros((len(vectors), len(self.entries)), dtype=np.float32)
        cosines = vectors.reshape(-1, WIDTH) @ self.examples.T
        for n, columns in enumerate(self._columns):
            found[:, n] = cosines[:, columns].max(axis=1, initial=0.0)
        return found

    def spans(self, entry: int, turn: Turn, cut: Sequence[Piece]) -> Iterator[tuple[int, int]]:
        """Yield where the entry's phrases stand in a turn, those in excepted pieces left out."""
        text = lowered(turn.text)
        for pattern in self._phrases[entry]:
            for match in pattern.finditer(text):
                around = [p for p in cut if p.start < match.end() and match.start() < p.end]
                if not any(self.excepts(entry, piece) for piece in around):
                    yield match.span()

    def excepts(self, entry: int, piece: Piece) -> bool:
        """Tell whether one of the entry's exceptions stands in the piece."""
        text = lowered(piece.text)
        return any(pattern.search(text) for pattern in self._exceptions[entry])


def by_turn(cut: Iterable[Piece]) -> dict[int, list[Piece]]:
    """Return the pieces of each turn, by the turn's index."""
    grouped: dict[int, list[Piece]] = defaultdict(list)
    for piece in cut:
        grouped[piece.turn.index].append(piece)
    return grouped


def merged(hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits in the order of the call, overlapping ones joined, the surest kept."""
    joined: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (h.turn.index, h.start, h.end)):
        last = joined[-1] if joined else None
        if last is not None and last.turn.index == hit.turn.index and hit.start < last.end:
            surest = max(last.confidence, hit.confidence)
            joined[-1] = Hit(last.turn, last.start, max(last.end, hit.end), surest)
        else:
            joined.append(hit)
    return joined
