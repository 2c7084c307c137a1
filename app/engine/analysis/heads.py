"""Heads that a client brings: small ONNX graphs that judge sentence vectors for the analysis.

Promises that a head is used only for what its pack declares (resources/documents/model-packs.md),
that the same vector gets the same judgement whatever stands beside it, and that a graph which does
not do what was declared is refused with a sentence. Hides onnxruntime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.domain import SentimentLabel
from app.engine.analysis.encoder import WIDTH
from app.engine.onnx import refusals, session
from app.errors import PackInvalid, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.engine.analysis.encoder import Vectors
    from app.engine.analysis.packs import Pack
    from app.engine.manifest import ModelHead

SENTIMENT, TOPICS = "sentiment", "topics"
CLASSES = (SentimentLabel.NEGATIVE, SentimentLabel.NEUTRAL, SentimentLabel.POSITIVE)
"""The classes of sentiment, in the order in which the analysis reads them."""
NO_TOPIC = "none"
"""The label that a head of topics gives to what is about none of them."""
_MOST_LABELS = 1000
_SUM_WITHIN = 0.01


class Head(Protocol):
    """Judges sentence vectors."""

    def probabilities(self, vectors: Vectors) -> Vectors:
        """Return for each vector [n, WIDTH] the probability of each label [n, labels]."""
        ...


class OnnxHead:
    """A head of a pack, loaded from its verified bytes."""

    def __init__(self, content: bytes, head: ModelHead) -> None:
        """Load the graph; raises `PackInvalid` where it is none."""
        self._name = head.file
        self._labels = head.labels
        try:
            self._session = session(content)
        except refusals() as problem:
            raise PackInvalid(f"{head.file} is no ONNX graph that can be run.") from problem
        if len(self._session.get_inputs()) != 1:
            raise PackInvalid(f"{head.file} must have one input: the vectors.")
        self._input: str = self._session.get_inputs()[0].name

    def probabilities(self, vectors: Vectors) -> Vectors:
        """Return [n, labels], in the order of the labels that the pack declares.

        One vector at a time: a quantised graph may scale its numbers by all that it is given.
        Raises `PackInvalid` where the graph gives anything but probabilities.
        """
        import numpy as np

        rows = [self._row(vector[np.newaxis, :]) for vector in vectors]
        return np.array(rows, np.float32).reshape(len(rows), len(self._labels))

    def _row(self, vector: Vectors) -> Vectors:
        import numpy as np

        try:
            row = np.asarray(self._session.run(None, {self._input: vector})[0])
        except refusals() as problem:
            raise PackInvalid(
                f"{self._name} does not take one vector of {WIDTH} numbers (float32)."
            ) from problem
        if row.shape != (1, len(self._labels)) or row.dtype.kind != "f":
            raise PackInvalid(
                f"{self._name} must give {len(self._labels)} numbers, one for each label."
            )
        whole = np.isfinite(row).all() and row.min() >= 0 and abs(row.sum() - 1) <= _SUM_WITHIN
        if not whole:
            raise PackInvalid(
                f"{self._name} must give probabilities: from 0 to 1, together 1 (end with softmax)."
            )
        found: Vectors = row[0].astype(np.float32)
        return found


def in_order(head: Head, labels: Sequence[str], wanted: Sequence[str]) -> Head:
    """Return the head with its labels in the wanted order."""
    return _Ordered(head, [labels.index(label) for label in wanted])


class _Ordered:
    def __init__(self, head: Head, columns: list[int]) -> None:
        self._head = head
        self._columns = columns

    def probabilities(self, vectors: Vectors) -> Vectors:
        ordered: Vectors = self._head.probabilities(vectors)[:, self._columns]
        return ordered


def check_declared(head: ModelHead) -> None:
    """Refuse a head whose declaration fits nothing that the analysis asks; raises `PackInvalid`."""
    if head.input != WIDTH:
        raise PackInvalid(f"{head.file}: the vectors of the sentence encoder have {WIDTH} numbers.")
    if not 2 <= len(set(head.labels)) == len(head.labels) <= _MOST_LABELS:
        raise PackInvalid(f"{head.file} needs two labels or more, each of them once.")
    if head.purpose == SENTIMENT and set(head.labels) != set(CLASSES):
        raise PackInvalid(f"{head.file}: the labels of sentiment are {', '.join(CLASSES)}.")
    if head.purpose not in (SENTIMENT, TOPICS):
        raise PackInvalid(f"{head.file}: a head is for {SENTIMENT} or {TOPICS}.")


def try_out(content: bytes, head: ModelHead) -> None:
    """Load a head and let it judge one vector; raises `PackInvalid` where it cannot."""
    import numpy as np

    check_declared(head)
    vector = np.full((1, WIDTH), WIDTH**-0.5, np.float32)
    OnnxHead(content, head).probabilities(vector)


def check_topics(head: ModelHead, pack: Pack, name: str) -> None:
    """Refuse heads that know topics which the industry pack does not; raises `UsageError`."""
    known = {topic.label for topic in pack.topics} | {NO_TOPIC}
    foreign = sorted(set(head.labels) - known)
    if foreign:
        raise UsageError(
            f"The heads {name} know the topic {foreign[0]}, and the industry pack {pack.name} has"
            " none of that label.",
            hint="Choose the industry pack that they were made for, or other heads.",
        )
