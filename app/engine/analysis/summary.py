"""A summary in the call's own words: why they called, what it is about, how it ends.

Extractive: every sentence stands in the safe transcript, word for word, and names its turn; nothing
is written by a model. Chosen by role, by where in the call it stands, by phrases that open such
sentences, and by how near it is to what the call is about. The same call gives the same summary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import FindingKind, Role, SummarySentence
from app.engine.analysis.encoder import PLACEHOLDER
from app.engine.analysis.phrases import compiled
from app.engine.analysis.text import Piece, lowered, word_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from app.domain import Finding
    from app.engine.analysis.encoder import Vectors
    from app.engine.analysis.matching import Reading

MOST = 5
_FEWEST_WORDS = 5
_FULL_WORDS = 9  # from here on, length is worth nothing more
_TOO_ALIKE = 0.8
_WORTH_SAYING = 0.35
_REASON = (
    "i'm|i_am|i_was just? calling|phoning|ringing|looking|trying|hoping|after",
    "calling|phoning|ringing|enquiring about|regarding|because|to",
    "i'd|i_would like|want|love to",
    "i need|want|wanted to",
    "i've|i_have got|had|received|been|lost|just|noticed",
    "problem|issue|trouble|question with|about",
    "my ... is|isn't|hasn't|won't|doesn't",
    "wondering|wondered if|whether",
    "can|could you|i help|tell|explain|check",
    "i don't understand|know why",
)
_MATTER = (
    "i can see|confirm",
    "it looks|seems|appears like|that|as",
    "what|what's happened|happening is|was",
    "the|that reason|means|is because",
    "unfortunately",
    "i've|we've|i_have|we_have checked|looked|found|tried|been",
    "because",
    "turns out",
    "the problem|issue|amount|balance|charge|payment is|was",
)
_OUTCOME = (
    "i'll|we'll|i_will|we_will|i'm_going_to|we're_going_to",
    "i've|we've|i_have|we_have now|just? arranged|raised|sent|booked|cancelled|canceled|refunded|"
    "set|updated|changed|added|removed|logged|ordered|applied|processed|done|put|made",
    "you'll|you_will|you_should get|receive|hear|see|have|need|be",
    "within|in the? next? ... days|hours|weeks|minutes",
    "by tomorrow|monday|tuesday|wednesday|thursday|friday|the_end",
    "someone|somebody|they|engineer will|going",
    "that's|that_is|that_has all|now been? done|gone|set|sorted|cancelled|canceled|booked",
    "reference number",
    "call|ring|phone|contact you back",
)
_PLEASANTRY = (
    "thank|thanks ...? call*|bye|day|evening|weekend|much",
    "have a good|great|nice|lovely",
    "anything else",
    "bye|goodbye",
    "how can|may i help",
    "my name is",
    "speaking with|to",
    "bear with me",
    "you're welcome",
    "no problem",
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A piece that could be said, `at` 0 to 1 of the call, and how central it is (-1 to 1)."""

    row: int
    piece: Piece
    at: float
    centrality: float
    weight: float  # findings that stand on it make it worth more

    @property
    def length(self) -> float:
        return min(1.0, word_count(self.piece.text) / _FULL_WORDS)


def summarise(reading: Reading, findings: Iterable[Finding]) -> tuple[SummarySentence, ...]:
    """Return at most `MOST` sentences in the order of the call, each with the turn it stands in."""
    found = tuple(findings)
    candidates = _candidates(reading, found)
    chosen: list[_Candidate] = []
    for rate, most in ((_as_reason, 1), (_as_outcome, 2), (_as_matter, MOST - 3)):
        _choose(candidates, rate, most, chosen, reading.vectors)
    return tuple(
        SummarySentence(text=candidate.piece.text, turns=(candidate.piece.turn.index,))
        for candidate in sorted(chosen, key=lambda c: c.row)
    )


def _candidates(reading: Reading, findings: Sequence[Finding]) -> list[_Candidate]:
    centre = reading.vectors.mean(axis=0) if reading.pieces else None
    last = max(1, len(reading.pieces) - 1)
    return [
        _Candidate(
            row=row,
            piece=piece,
            at=row / last,
            centrality=float(reading.vectors[row] @ centre),
            weight=_weight(piece, findings),
        )
        for row, piece in enumerate(reading.pieces)
        if centre is not None and _says_something(piece, findings)
    ]


def _says_something(piece: Piece, findings: Sequence[Finding]) -> bool:
    """Leave out fragments, courtesies, what is mostly placeholders, and set disclosures."""
    plain = PLACEHOLDER.sub("", piece.text)
    courtesy = _opens(_PLEASANTRY, piece) and word_count(plain) < 2 * _FULL_WORDS
    disclosure = any(_stands_on(f, piece) for f in findings if f.kind is FindingKind.COMPLIANCE)
    return word_count(plain) >= _FEWEST_WORDS and not courtesy and not disclosure


def _weight(piece: Piece, findings: Sequence[Finding]) -> float:
    """Return how much the findings on a piece add: its surest topic, and any cue."""
    topic = max((f.confidence for f in findings if _topic_on(f, piece)), default=0.0)
    cues = {FindingKind.VULNERABILITY, FindingKind.CONDUCT}
    cue = any(f.kind in cues and _stands_on(f, piece) for f in findings)
    return 0.35 * topic + (0.25 if cue else 0.0)


def _topic_on(finding: Finding, piece: Piece) -> bool:
    return finding.kind is FindingKind.TOPIC and _stands_on(finding, piece)


def _stands_on(finding: Finding, piece: Piece) -> bool:
    return any(
        e.turn == piece.turn.index and e.start < piece.end and piece.start < e.end
        for e in finding.evidence
    )


def _as_reason(candidate: _Candidate) -> float:
    """The customer, early, with words that open a request."""
    if candidate.piece.turn.role is Role.AGENT or candidate.at > 0.6:
        return 0.0
    return _rated(candidate, 0.45 * _opens(_REASON, candidate.piece) + 0.35 * (1 - candidate.at))


def _as_outcome(candidate: _Candidate) -> float:
    """Late, with words that promise or confirm; the agent's count for more."""
    if candidate.at < 0.4 or not _opens(_OUTCOME, candidate.piece):
        return 0.0
    said_by = 0.0 if candidate.piece.turn.role is Role.CUSTOMER else 0.2
    return _rated(candidate, 0.3 + said_by + 0.2 * candidate.at)


def _as_matter(candidate: _Candidate) -> float:
    """Anywhere, central, with words that explain."""
    return _rated(candidate, 0.25 * _opens(_MATTER, candidate.piece))


def _rated(candidate: _Candidate, own: float) -> float:
    question = 0.1 if candidate.piece.text.endswith("?") else 0.0
    return own + candidate.weight + candidate.length * (0.1 + 0.5 * candidate.centrality) - question


def _opens(phrases: Sequence[str], piece: Piece) -> bool:
    text = lowered(piece.text)
    return any(compiled(phrase).search(text) for phrase in phrases)


def _choose(
    candidates: Iterable[_Candidate],
    rate: Callable[[_Candidate], float],
    most: int,
    chosen: list[_Candidate],
    vectors: Vectors,
) -> None:
    """Add up to `most` of the best rated to `chosen`, none that says the same as another."""
    ranked = sorted(candidates, key=lambda c: (-rate(c), c.row))
    left = most
    for candidate in ranked:
        if not left or rate(candidate) < _WORTH_SAYING:
            return
        if all(float(vectors[candidate.row] @ vectors[c.row]) < _TOO_ALIKE for c in chosen):
            chosen.append(candidate)
            left -= 1
