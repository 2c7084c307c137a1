"""What a call is about: the pack's topics, each with the turns that show it.

A piece speaks for the one topic that it is nearest to, if it is near enough, and for every topic
whose phrase it holds. The customer's words lead; the agent's count where they repeat the matter.
A head of a model pack judges in place of nearness, where one is chosen. Findings come strongest
first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from app.domain import Finding, FindingKind, Role
from app.engine.analysis.encoder import WIDTH
from app.engine.analysis.matching import Hit, Matcher, by_turn, merged
from app.engine.analysis.text import evidence, word_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.engine.analysis.encoder import Encoder, Vectors
    from app.engine.analysis.heads import Head
    from app.engine.analysis.matching import Reading
    from app.engine.analysis.packs import Pack, Topic

THRESHOLD = 0.52
"""Cosine from which a piece speaks for its nearest topic; see resources/documents/analysis.md."""
AGENT_HANDICAP = 0.08  # agents name products and offers that the call is not about
FEWEST_WORDS = 3
MOST_EVIDENCE = 8
BY_HEAD = 0.5
"""Probability from which a piece speaks for the topic that a head of a model pack gives it."""
_BY_PHRASE = 0.8
_RIDGE = 1.0


class Topics:
    """Finds the topics of a pack."""

    def __init__(
        self,
        pack: Pack,
        encoder: Encoder,
        *,
        head: Head | None = None,
        labels: Sequence[str] = (),
    ) -> None:
        """Prepare the topics' phrases and examples, and the `head` that knows the `labels`."""
        self._matcher: Matcher[Topic] = Matcher(pack.topics, encoder)
        self._head = head
        places = {topic.label: n for n, topic in enumerate(pack.topics)}
        self._places = [places.get(label) for label in labels]
        self._ridge = _Ridge(self._matcher.examples, self._matcher.owners, len(pack.topics))

    def find(self, reading: Reading) -> tuple[Finding, ...]:
        """Return one finding for each topic of the call, strongest first."""
        hits: dict[int, list[Hit]] = defaultdict(list)
        for n, hit in [*self._by_meaning(reading), *self._by_phrase(reading)]:
            hits[n].append(hit)
        found = [self._finding(self._matcher.entries[n], of) for n, of in sorted(hits.items())]
        return tuple(sorted(found, key=lambda f: -f.confidence))

    def nearest(self, vectors: Vectors) -> list[tuple[int, float]]:
        """Return for each vector the topic it speaks for, and the cosine to its nearest example.

        Nearness alone confuses topics that share a word; a ridge regression over all examples of
        the pack weighs in what tells them apart.
        """
        similarity = self._matcher.similarity(vectors)
        if not similarity.size:
            return []
        best = (similarity + self._ridge.predict(vectors)).argmax(axis=1)
        return [(int(n), float(row[n])) for n, row in zip(best, similarity, strict=True)]

    def judged(self, vectors: Vectors) -> list[tuple[int | None, float]]:
        """Return for each vector the topic that the head gives it, if any, and how sure it is."""
        if self._head is None or not len(vectors):
            return []
        rows = self._head.probabilities(vectors)
        return [(self._places[int(row.argmax())], float(row.max())) for row in rows]

    def _by_meaning(self, reading: Reading) -> Iterator[tuple[int, Hit]]:
        spoken_for: Sequence[tuple[int | None, float]] = (
            self.nearest(reading.vectors) if self._head is None else self.judged(reading.vectors)
        )
        for piece, (n, near) in zip(reading.pieces, spoken_for, strict=False):
            if n is None:
                continue
            threshold = self._threshold(n)
            if piece.turn.role is Role.AGENT:
                threshold += AGENT_HANDICAP
            long_enough = word_count(piece.text) >= FEWEST_WORDS
            if near >= threshold and long_enough and not self._matcher.excepts(n, piece):
                yield n, Hit(piece.turn, piece.start, piece.end, near)

    def _threshold(self, n: int) -> float:
        if self._head is not None:
            return BY_HEAD
        return self._matcher.entries[n].threshold or THRESHOLD

    def _by_phrase(self, reading: Reading) -> Iterator[tuple[int, Hit]]:
        cut = by_turn(reading.pieces)
        for turn in reading.turns:
            for n in range(len(self._matcher.entries)):
                for start, end in self._matcher.spans(n, turn, cut.get(turn.index, [])):
                    yield n, Hit(turn, start, end, _BY_PHRASE)

    def _finding(self, topic: Topic, hits: list[Hit]) -> Finding:
        """Several places that speak for a topic make it surer than one."""
        strongest = sorted(merged(hits), key=lambda h: -h.confidence)[:MOST_EVIDENCE]
        doubt = 1.0
        for hit in strongest:
            doubt *= 1 - 0.8 * hit.confidence
        shown = merged(strongest)
        return Finding(
            kind=FindingKind.TOPIC,
            label=topic.label,
            title=topic.title,
            confidence=round(1 - doubt, 3),
            evidence=tuple(evidence(hit.turn, hit.start, hit.end) for hit in shown),
        )


class _Ridge:
    """A linear map from vectors to topics, fitted to the examples in closed form."""

    def __init__(self, examples: Vectors, owners: Sequence[int], topics: int) -> None:
        import numpy as np

        target = np.eye(topics)[list(owners)]
        self._mean = examples.mean(axis=0, dtype=np.float64) if len(examples) else np.zeros(WIDTH)
        self._level = target.mean(axis=0) if len(examples) else np.zeros(topics)
        centred = examples - self._mean
        gram = centred @ centred.T + _RIDGE * np.eye(len(examples))
        self._weights = centred.T @ np.linalg.solve(gram, target - self._level)

    def predict(self, vectors: Vectors) -> Vectors:
        """Return [n, topics]: near 1 for the topic spoken for, near 0 for the others."""
        predicted: Vectors = (vectors - self._mean) @ self._weights + self._level
        return predicted
