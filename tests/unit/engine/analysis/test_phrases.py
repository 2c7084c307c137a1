"""The phrase language: what it finds, what it refuses, and that it never hangs."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.analysis.phrases import compiled
from app.errors import UsageError


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("make a complaint", "i want to make a complaint now"),
        ("make a complaint", "make a, um, complaint"),
        ("complain*", "i was complaining"),
        ("want to ... cancel", "want to just go and cancel"),
        ("want to ...? cancel", "want to cancel"),
        ("want ... cancel", "want [NAME-1] to cancel".lower()),
        ("i'd|i_would like", "i would like"),
        ("i'd|i_would like", "id like"),
        ("really? angry", "angry"),
        ("really? angry", "really angry"),
        ("very? really? angry", "very angry"),
        ("angry now?", "angry"),
        ("do not_know", "do not know"),
        ("no-one came", "no-one came"),
    ],
)
def test_finds(phrase: str, text: str) -> None:
    assert compiled(phrase).search(text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("make a complaint", "make. a complaint"),
        ("complain", "complaining"),
        ("art", "start"),
        ("i ... cancel", "i never said that you should ever cancel"),
        ("ill", "i'll"),
        ("really? angry", "really"),
    ],
)
def test_does_not_find(phrase: str, text: str) -> None:
    assert not compiled(phrase).search(text)


def test_gap_allows_four_words_and_no_more() -> None:
    assert compiled("a ... z").search("a b c d e z")
    assert not compiled("a ... z").search("a b c d e f z")


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "   ",
        "maybe?",
        "... word",
        "word ...",
        "wo(rd",
        "a[b",
        "UPPER",
        "|",
        "*",
        "a||b",
        "_",
        "word " * 21,
        ".*",
        "a+b",
        "\\w",
        "a b? c? d? ... e? f",
    ],
)
def test_refuses_what_is_no_phrase(phrase: str) -> None:
    with pytest.raises(UsageError, match="phrase"):
        compiled(phrase)


@given(st.text(max_size=30))
def test_any_text_is_a_phrase_or_refused_by_name(phrase: str) -> None:
    with contextlib.suppress(UsageError):
        assert not compiled(phrase).match("")


WORDS = st.from_regex(r"[a-z]{2,8}", fullmatch=True)


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_plain_words_find_themselves(words: list[str]) -> None:
    assert compiled(" ".join(words)).search("well " + " ".join(words) + " yes")


def test_no_phrase_can_hang_the_search() -> None:
    text = "a " * 2000
    hard = "a ... a ... a ... a ... z"
    began = time.process_time()
    assert not compiled(hard).search(text)
    assert time.process_time() - began < 10
