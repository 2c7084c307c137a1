"""Sentiment: from the head's probabilities to turns, and to findings with their turns."""

from __future__ import annotations

import io

import numpy as np
import pytest

from app.domain import SentimentLabel
from app.engine.analysis import sentiment
from app.engine.analysis.encoder import WIDTH
from app.engine.analysis.matching import read
from tests.fakes import WordEncoder
from tests.unit.engine.analysis.calls import call


def head(**words: float) -> sentiment.SentimentHead:
    """Return a head that leans by single words; without any it is sure to be neutral."""
    weights, bias = np.zeros((WIDTH, 3), np.float32), np.array([0, 4, 0], np.float32)
    for word, lean in words.items():
        direction = WordEncoder().encode([word])[0]
        weights[:, 2] += 20 * lean * direction
        weights[:, 0] -= 20 * lean * direction
    content = io.BytesIO()
    np.savez(content, weights=weights, bias=bias)
    return sentiment.SentimentHead(content.getvalue())


LEANING = head(awful=-1, lovely=1)


def scores(*lines: str) -> list[float]:
    return [s.score for s in sentiment.judge(read(call(*lines), WordEncoder()), LEANING)]


def test_turns_lean_as_their_words() -> None:
    judged = sentiment.judge(
        read(call("C: awful", "C: table", "A: lovely"), WordEncoder()), LEANING
    )
    assert [s.label for s in judged] == [
        SentimentLabel.NEGATIVE,
        SentimentLabel.NEUTRAL,
        SentimentLabel.POSITIVE,
    ]
    assert [s.turn for s in judged] == [0, 1, 2]
    assert all(-1 <= s.score <= 1 for s in judged)


def test_one_outspoken_sentence_is_heard_among_plain_ones() -> None:
    mixed, plain = scores("C: the table. the chair. awful. the door", "C: the table. the chair")
    assert mixed < -0.3 < plain


def test_a_turn_without_words_is_neutral() -> None:
    (judged,) = sentiment.judge(read(call("C: ..."), WordEncoder()), LEANING)
    assert (judged.score, judged.label) == (0.0, SentimentLabel.NEUTRAL)


def test_nothing_said_has_no_sentiment() -> None:
    assert sentiment.judge(read(call(), WordEncoder()), LEANING) == ()


def test_probabilities_add_up_even_for_huge_numbers() -> None:
    given = LEANING.probabilities(np.full((2, WIDTH), 1e4, np.float32))
    assert given.sum(axis=1) == pytest.approx([1, 1])


def test_a_head_that_holds_a_pickle_is_refused() -> None:
    content = io.BytesIO()
    np.savez(content, weights=np.array([{}], dtype=object), bias=np.zeros(3))
    with pytest.raises(ValueError, match="allow_pickle"):
        sentiment.SentimentHead(content.getvalue())


def found(*lines: str, trend: float | None = None) -> dict[str, list[int]]:
    transcript = call(*lines)
    judged = sentiment.judge(read(transcript, WordEncoder()), LEANING)
    findings = sentiment.find(transcript.turns, judged, trend)
    return {f.label: [e.turn for e in f.evidence] for f in findings}


def test_an_upset_customer_is_found_and_an_upset_agent_is_not() -> None:
    assert found("C: awful", "A: fine", "C: awful") == {"customer-upset": [0, 2]}
    assert found("A: awful", "A: awful", "C: awful") == {}


def test_a_shift_is_shown_by_the_turns_between_which_it_lies() -> None:
    rising = found("C: awful", "C: table", "C: chair", "C: lovely", trend=1.2)
    assert rising == {"customer-recovered": [0, 3]}
    falling = found("C: lovely", "C: table", "C: chair", "C: awful", trend=-1.2)
    assert falling == {"customer-worsened": [0, 3]}
    assert found("C: lovely", "C: awful", trend=0.2) == {}


def test_a_shift_with_a_single_turn_is_shown_once() -> None:
    assert found("C: lovely", trend=0.9) == {"customer-recovered": [0]}
