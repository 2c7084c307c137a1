"""How each turn sounds in words, from -1 to 1: indicative, never a judgement of a person.

A logistic regression on the sentence vectors, trained by build/train_heads.py, or the head of a
model pack. Weighs the pieces of
a turn by their length and by how far they are from neutral, so that one angry sentence among five
plain ones is still heard.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from app.domain import Finding, FindingKind, Role, SentimentLabel, TurnSentiment
from app.engine.analysis.matching import by_turn
from app.engine.analysis.text import evidence, word_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.domain import Turn
    from app.engine.analysis.encoder import Vectors
    from app.engine.analysis.heads import Head
    from app.engine.analysis.matching import Reading

NEUTRAL_WITHIN = 0.3  # |score| below which a turn is neutral
_PLAIN_WEIGHT = 0.25  # what a fully neutral piece weighs beside an outspoken one
_UPSET, _UPSET_TURNS = -0.6, 2
_SHIFT = 0.5


class SentimentHead:
    """The trained regression: class probabilities for vectors."""

    def __init__(self, content: bytes) -> None:
        """Read `weights` [WIDTH, 3] and `bias` [3] from the npz file; nothing is unpickled."""
        import numpy as np

        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            self._weights: Vectors = arrays["weights"]
            self._bias: Vectors = arrays["bias"]

    def probabilities(self, vectors: Vectors) -> Vectors:
        """Return [n, 3] in the order of `heads.CLASSES`."""
        import numpy as np

        logits = vectors @ self._weights + self._bias
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: Vectors = shifted / shifted.sum(axis=1, keepdims=True)
        return probabilities


def judge(reading: Reading, head: Head) -> tuple[TurnSentiment, ...]:
    """Return the sentiment of every turn, in order."""
    probabilities = head.probabilities(reading.vectors).tolist() if reading.pieces else []
    of_piece = dict(zip(reading.pieces, probabilities, strict=True))
    cut = by_turn(reading.pieces)
    return tuple(
        _judged(turn, [(word_count(p.text), of_piece[p]) for p in cut.get(turn.index, [])])
        for turn in reading.turns
    )


def label_of(score: float) -> SentimentLabel:
    """Return the label of a score."""
    if abs(score) < NEUTRAL_WITHIN:
        return SentimentLabel.NEUTRAL
    return SentimentLabel.POSITIVE if score > 0 else SentimentLabel.NEGATIVE


def find(
    turns: Sequence[Turn], sentiment: Iterable[TurnSentiment], trend: float | None
) -> tuple[Finding, ...]:
    """Return what the customer's sentiment says about the call: upset, recovered, worsened."""
    scores = {judged.turn: judged.score for judged in sentiment}
    customer = [turn for turn in turns if turn.role is Role.CUSTOMER and turn.index in scores]
    upset = [turn for turn in customer if scores[turn.index] <= _UPSET]
    found = []
    if len(upset) >= _UPSET_TURNS:
        worst = min(scores[turn.index] for turn in upset)
        found.append(_finding("customer-upset", "Customer upset", -worst, upset))
    if trend is not None and abs(trend) >= _SHIFT:
        first, last = _ends(customer, scores, trend)
        better = trend > 0
        label, title = (
            ("customer-recovered", "Customer ends happier than they began")
            if better
            else ("customer-worsened", "Customer ends less happy than they began")
        )
        found.append(_finding(label, title, abs(trend) / 2, [first, last]))
    return tuple(found)


def _judged(turn: Turn, parts: list[tuple[int, list[float]]]) -> TurnSentiment:
    weights = [words * (_PLAIN_WEIGHT + 1 - p[1]) for words, p in parts]
    leaning = sum(w * (p[2] - p[0]) for w, (_, p) in zip(weights, parts, strict=True))
    score = round(leaning / sum(weights), 3) if parts else 0.0
    return TurnSentiment(turn=turn.index, label=label_of(score), score=score)


def _ends(customer: Sequence[Turn], scores: dict[int, float], trend: float) -> tuple[Turn, Turn]:
    """Return the turns that show the shift best: one of the first half, one of the second."""
    middle = max(1, len(customer) // 2)
    sign = 1 if trend > 0 else -1
    first = min(customer[:middle], key=lambda t: sign * scores[t.index])
    last = max(customer[middle:] or customer[-1:], key=lambda t: sign * scores[t.index])
    return first, last


def _finding(label: str, title: str, confidence: float, turns: Iterable[Turn]) -> Finding:
    unique = {turn.index: turn for turn in turns}
    return Finding(
        kind=FindingKind.SENTIMENT,
        label=label,
        title=title,
        confidence=round(min(1.0, confidence), 3),
        evidence=tuple(evidence(turn, 0, len(turn.text)) for turn in unique.values()),
    )
