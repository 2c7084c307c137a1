"""Pieces and evidence point at exact characters and seconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain import Role, Turn
from app.engine.analysis.text import LONGEST_WORDS, evidence, lowered, pieces, word_count
from tests.builders import turn

TEXTS = st.lists(
    st.sampled_from([*"abc AB?!.,' \n", "and ", "é", "İ", "\u2019", "[CARD-1] ", "but "]),
    max_size=300,
).map("".join)


def plain(text: str) -> Turn:
    return Turn(index=4, channel=0, role=Role.AGENT, start_ms=1000, end_ms=5000, text=text)


@given(TEXTS)
def test_pieces_are_in_order_trimmed_and_hold_every_word(text: str) -> None:
    cut = pieces(plain(text))
    at = 0
    for piece in cut:
        assert at <= piece.start < piece.end <= len(text)
        assert piece.text == piece.text.strip() == text[piece.start : piece.end]
        at = piece.end
    assert sum(word_count(piece.text) for piece in cut) == word_count(text)


@given(TEXTS)
def test_pieces_are_short(text: str) -> None:
    assert all(word_count(piece.text) <= LONGEST_WORDS for piece in pieces(plain(text)))


@given(TEXTS)
def test_lowering_keeps_every_character_in_its_place(text: str) -> None:
    assert len(lowered(text)) == len(text)


def test_sentences_are_pieces_and_figures_are_not_cut() -> None:
    cut = pieces(plain("It is 4.50 a month. Is that right? I think so"))
    assert [p.text for p in cut] == ["It is 4.50 a month.", "Is that right?", "I think so"]


def test_a_long_sentence_is_cut_at_its_clauses() -> None:
    first = (
        "I rang you on Monday because the heating had stopped working again after the last visit"
    )
    second = "and nobody has been back to me since then although somebody promised to call me"
    assert [p.text for p in pieces(plain(f"{first} {second}"))] == [first, second]


def test_a_turn_without_words_has_no_pieces() -> None:
    assert pieces(plain("... ?! ")) == ()


def test_evidence_spans_the_words_it_touches() -> None:
    said = turn(0, Role.CUSTOMER, "I want my money back", 2000)
    start = said.text.index("money")
    shown = evidence(said, start, start + len("money"))
    assert (shown.turn, shown.start, shown.end) == (0, 10, 15)
    assert (shown.start_ms, shown.end_ms) == (2900, 3180)


def test_evidence_without_word_times_has_the_turns_times() -> None:
    shown = evidence(plain("my money back"), 3, 8)
    assert (shown.start_ms, shown.end_ms) == (1000, 5000)


def test_a_placeholder_is_one_word() -> None:
    assert word_count("it's [CARD-1 …1111] and [PERSON-12], isn't it") == 6
