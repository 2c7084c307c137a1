"""Compliance, vulnerability and conduct: what matters because one side says it.

Each cue of the pack is looked for by phrase and by meaning in the turns of the side that has to say
it; where nobody knows who speaks, either side counts and the finding is less sure. One finding per
cue, with every place that shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import Finding, Role
from app.engine.analysis.matching import SAID, SAID_AND_MEANT, Hit, Matcher, by_turn, merged
from app.engine.analysis.text import evidence, word_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domain import Turn
    from app.engine.analysis.encoder import Encoder, Vectors
    from app.engine.analysis.matching import Reading
    from app.engine.analysis.packs import Cue, Pack
    from app.engine.analysis.text import Piece

THRESHOLD = 0.56
"""Cosine from which a piece means what an example says; see resources/documents/analysis.md."""
FEWEST_WORDS = 4  # by meaning alone: the vectors of `oh right` are near to too much


class Cues:
    """Finds the cues of a pack."""

    def __init__(self, pack: Pack, encoder: Encoder) -> None:
        """Prepare the cues' phrases and examples."""
        self._matcher: Matcher[Cue] = Matcher(pack.cues, encoder)
        topics = [text for topic in pack.topics for text in topic.examples]
        self._business = encoder.encode([*topics, *pack.plain])

    def find(self, reading: Reading) -> tuple[Finding, ...]:
        """Return one finding for each cue that stands in the call."""
        similarity = self._matcher.similarity(reading.vectors)
        business = (reading.vectors @ self._business.T).max(axis=1, initial=0.0)
        similarity[similarity <= business[:, None]] = 0.0
        found = (
            self._finding(cue, list(self._hits(n, cue, reading, similarity[:, n])))
            for n, cue in enumerate(self._matcher.entries)
        )
        return tuple(finding for finding in found if finding is not None)

    def _finding(self, cue: Cue, hits: list[Hit]) -> Finding | None:
        if not hits:
            return None
        return Finding(
            kind=cue.kind,
            label=cue.label,
            title=cue.title,
            confidence=round(max(hit.confidence for hit in hits), 3),
            evidence=tuple(evidence(hit.turn, hit.start, hit.end) for hit in merged(hits)),
        )

    def _hits(self, n: int, cue: Cue, reading: Reading, similarity: Vectors) -> Iterator[Hit]:
        cut = by_turn(reading.pieces)
        nearness = dict(zip(reading.pieces, similarity.tolist(), strict=True))
        for turn in reading.turns:
            if not _may_say(cue, turn):
                continue
            trust = 1.0 if cue.said_by == "either" else reading.role_certainty(turn)
            pieces = cut.get(turn.index, [])
            said = list(self._matcher.spans(n, turn, pieces))
            meant = [p for p in pieces if self._means(n, cue, p, nearness[p])]
            for start, end in said:
                both = any(p.start < end and start < p.end for p in meant)
                yield Hit(turn, start, end, trust * (SAID_AND_MEANT if both else SAID))
            for piece in meant:
                if not any(piece.start < end and start < piece.end for start, end in said):
                    sure = trust * _sureness(nearness[piece], _threshold(cue))
                    yield Hit(turn, piece.start, piece.end, sure)

    def _means(self, n: int, cue: Cue, piece: Piece, similarity: float) -> bool:
        return (
            similarity >= _threshold(cue)
            and word_count(piece.text) >= FEWEST_WORDS
            and not self._matcher.excepts(n, piece)
        )


def _may_say(cue: Cue, turn: Turn) -> bool:
    return cue.said_by == "either" or turn.role in {Role.UNKNOWN, Role(cue.said_by)}


def _threshold(cue: Cue) -> float:
    return THRESHOLD if cue.threshold is None else cue.threshold


def _sureness(similarity: float, threshold: float) -> float:
    """Half sure at the threshold, as sure as a phrase where the words are the same."""
    return 0.5 + (SAID - 0.5) * (similarity - threshold) / max(1e-6, 1 - threshold)
