"""Stand-ins that keep the promises of the real parts; the same contract tests run on both."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from app.engine.analysis.encoder import WIDTH, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class WordEncoder:
    """An encoder without a model: texts that share words point in similar directions."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the normalised sum of one fixed random vector per word."""
        vectors = [sum((_direction(w) for w in _words(text)), _direction("")) for text in texts]
        rows = np.array(vectors, dtype=np.float32).reshape(-1, WIDTH)
        scaled: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return scaled


def _words(text: str) -> list[str]:
    return [word.strip(".,?!") for word in readable(text).split()]


def _direction(word: str) -> NDArray[np.float64]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(WIDTH) * (0.3 if not word else 1.0)
