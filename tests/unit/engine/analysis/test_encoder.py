"""What any encoder promises, kept by the real one and the stand-in; how text is read to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.engine.analysis.encoder import WIDTH, SentenceEncoder, readable
from tests.fakes import WordEncoder

if TYPE_CHECKING:
    from app.engine.analysis.encoder import Encoder

MINILM = Path(__file__).parents[4] / "resources" / "models" / "minilm"


@pytest.fixture(scope="module", params=["stand-in", pytest.param("real", marks=pytest.mark.models)])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    if request.param == "stand-in":
        return WordEncoder()
    files = ((MINILM / name).read_bytes() for name in ("model.onnx", "tokenizer.json"))
    return SentenceEncoder(*files)


def test_vectors_have_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode(["my bill is too high", "", "[CARD-1]", "?!", "word " * 900])
    assert vectors.shape == (5, WIDTH)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5), abs=1e-4)


def test_nothing_gives_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, WIDTH)


def test_a_vector_depends_on_its_text_alone(encoder: Encoder) -> None:
    texts = ["my bill is too high", "a very much longer sentence about the bill " * 5, "yes"]
    alone = np.vstack([encoder.encode([text]) for text in texts])
    assert np.array_equal(alone, encoder.encode(texts))
    assert np.array_equal(alone[::-1], encoder.encode(texts[::-1]))


def test_like_is_nearer_than_unlike(encoder: Encoder) -> None:
    bill, same, other = encoder.encode(
        ["my bill is too high", "why is my bill so high", "a dog was barking outside all night"]
    )
    assert bill @ same > bill @ other + 0.2


def test_capitals_and_which_number_a_value_has_do_not_matter(encoder: Encoder) -> None:
    first, second = encoder.encode(["My card is [CARD-1]", "my  card is [CARD-22 …1111]"])
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("It's [PERSON-1] here", "it's sam here"),
        ("[CARD_NUMBER-3]", "my card number"),
        ("[SOMETHING_NEW-1].", "that number."),
        ("  two\n spaces ", "two spaces"),
        ("[brackets] stay", "[brackets] stay"),
    ],
)
def test_placeholders_are_read_as_words(text: str, read: str) -> None:
    assert readable(text) == read
