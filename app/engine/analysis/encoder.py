"""Sentences as vectors: texts with similar meaning point in similar directions.

Promises that a text's vector depends on that text alone: sentences are encoded one at a time,
because int8 models scale their numbers by the whole batch, and measured on two cores a batch is
no faster. Hides the model, the tokenizer, and how redaction's placeholders are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

WIDTH = 384
LONGEST_TOKENS = 256  # the model was trained on no more
PLACEHOLDER = re.compile(r"\[([A-Z][A-Z_]*)-\d+(?: …\d{4})?\]")
# What a person would hear in place of the value. The model has never seen `[CARD-1]`, and would
# find two turns alike because both hold a bracket.
_READ_AS = {
    "PERSON": "Sam",
    "USERNAME": "my user name",
    "ADDRESS": "my address",
    "POSTCODE": "my postcode",
    "LOCATION": "town",
    "EMAIL": "my email address",
    "PHONE": "my phone number",
    "CARD": "my card number",
    "ACCOUNT": "my account number",
    "BIRTH": "my date of birth",
    "DATE": "that day",
}
_OTHERWISE = "that number"


class Encoder(Protocol):
    """Turns texts into vectors of length 1."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), WIDTH]; the same text always gives the same vector."""
        ...


class SentenceEncoder:
    """The MiniLM sentence encoder of resources/models/minilm, from its verified bytes."""

    def __init__(self, model: bytes, tokenizer: bytes, *, threads: int = 1) -> None:
        """Load the ONNX graph (ids and mask in, vector out) and its tokenizer."""
        from tokenizers import Tokenizer

        from app.engine.onnx import session

        self._session = session(model, threads=threads)
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST_TOKENS)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), WIDTH]; equal texts are encoded once."""
        import numpy as np

        known: dict[str, Vectors] = {}
        vectors = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in enumerate(texts):
            plain = readable(text)
            if plain not in known:
                known[plain] = self._vector(plain)
            vectors[row] = known[plain]
        return vectors

    def _vector(self, text: str) -> Vectors:
        import numpy as np

        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        vector: Vectors = self._session.run(None, feed)[0][0]
        return vector


def readable(text: str) -> str:
    """Return the text as it is read to the model: placeholders as words, spaces single, lower case.

    Recognised speech comes with and without capitals and full stops; so that both give nearly the
    same vector, the capitals go.
    """
    return " ".join(PLACEHOLDER.sub(_word, text).lower().split())


def _word(match: re.Match[str]) -> str:
    kind = match.group(1)
    return next((word for name, word in _READ_AS.items() if name in kind), _OTHERWISE)
