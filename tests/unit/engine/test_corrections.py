"""Corrections: what is replaced, what never is, and that offsets and times stay true."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import EntryKind, Redaction, Role
from app.engine.candidates import everyday_words
from app.engine.corrections import Corrector, shown
from app.engine.raw import RawTranscript, RawTurn, RawWord
from app.engine.vocabulary import parse

TOKENIZER = Path(__file__).parents[3] / "resources" / "models" / "minilm" / "tokenizer.json"
LIST = """
Velmora
Zentaro Plus
Moorsand
Orange
[names]
Siobhan Kerrigan = shivawn kerrigan
[places]
Little Stenning
"""


@cache
def corrector(text: str = LIST) -> Corrector:
    return Corrector(parse(text), everyday_words(TOKENIZER.read_bytes()))


def turn(text: str, *, sure: float = 0.6, doubted: str = "") -> RawTurn:
    words, at = [], 0
    for number, part in enumerate(text.split(" ")):
        confidence = 0.2 if part.strip(".,?") in doubted.split() else sure
        words.append(
            RawWord(
                text=part,
                start=at,
                end=at + len(part),
                start_ms=400 * number,
                end_ms=400 * number + 390,
                confidence=confidence,
            )
        )
        at += len(part) + 1
    return RawTurn(
        channel=0,
        role=Role.UNKNOWN,
        start_ms=0,
        end_ms=400 * len(words),
        text=text,
        words=tuple(words),
    )


def call(*turns: RawTurn) -> RawTranscript:
    return RawTranscript(turns=turns, language="en")


def corrected(text: str, **how: object) -> str:
    return corrector().correct(call(turn(text, **how))).raw.turns[0].text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("I ask about my Velmura, please.", "I ask about my Velmora, please."),
        ("I ask about Val Mora's price.", "I ask about Velmora's price."),
        ("It is Zintaro Plus.", "It is Zentaro Plus."),
        ("I spoke to Shivon Carrigan today.", "I spoke to Siobhan Kerrigan today."),
        ("We live in Moor Sand now.", "We live in Moorsand now."),
        ("Is it velmora?", "Is it velmora?"),  # written like the entry already
    ],
)
def test_what_sounds_like_an_entry_is_written_like_it(heard: str, meant: str) -> None:
    assert corrected(heard, doubted="Moor Sand Mora's") == meant


@pytest.mark.parametrize(
    "said",
    [
        "Well, more are coming on Tuesday.",
        "There is more sand in the drive.",
        "The little staining is gone.",
        "I would like an orange, please.",
        "He is from the Orange office.",
    ],
)
def test_plain_english_that_was_heard_surely_is_never_replaced(said: str) -> None:
    assert corrected(said, sure=0.95) == said
    assert corrected(said, sure=0.6) == said


EVERYDAY = sorted(word for word in everyday_words(TOKENIZER.read_bytes()) if word.isascii())


@given(st.lists(st.sampled_from(EVERYDAY), min_size=1, max_size=12), st.floats(0.85, 1.0))
def test_no_everyday_words_heard_surely_become_an_entry(words: list[str], sure: float) -> None:
    said = " ".join(words)
    assert corrected(said, sure=sure) == said


HEARD = ["Velmura", "Val", "Mora,", "Shivon", "Carrigan.", "Zintaro", "plus", "a", "is", "moor?"]


@given(st.lists(st.sampled_from(HEARD), min_size=1, max_size=15), st.floats(0.1, 0.9))
def test_offsets_and_times_are_true_afterwards(words: list[str], sure: float) -> None:
    raw = turn(" ".join(words), sure=sure)
    done = corrector().correct(call(raw))
    better = done.raw.turns[0]
    assert " ".join(word.text for word in better.words) == better.text
    for word in better.words:
        assert better.text[word.start : word.end] == word.text
        assert raw.start_ms <= word.start_ms <= word.end_ms <= raw.end_ms
    for one, after in pairwise(better.words):
        assert one.end < after.start
        assert one.start_ms <= after.start_ms
    listed = {entry.written for entry in parse(LIST).entries}
    for change in done.changes:
        assert better.text[change.start : change.end] in listed
        assert done.after(0, change.was_start) == change.start
        assert done.after(0, change.was_end, end=True) == change.end
    assert done.after(0, len(raw.text), end=True) == len(better.text)
    assert corrector().correct(done.raw).changes == ()


def test_what_is_not_allowed_stays() -> None:
    raw = call(turn("My Velmura and Zintaro Plus."))
    done = corrector().correct(raw, allowed=lambda _, one: one.entry.written != "Velmora")
    assert done.raw.turns[0].text == "My Velmura and Zentaro Plus."
    (change,) = done.changes
    assert (change.kind, change.confidence) == (EntryKind.OTHER, 0.6)
    assert "Zentaro" not in repr(done.raw)


def test_a_correction_is_shown_where_it_stands_and_never_under_a_redaction() -> None:
    raw = call(turn("I am Shivon Carrigan with Velmura."))
    done = corrector().correct(raw)
    text = done.raw.turns[0].text
    assert text == "I am Siobhan Kerrigan with Velmora."
    hidden = Redaction(
        kind="PERSON",
        value=1,
        turn=0,
        start=5,
        end=21,
        safe_start=5,
        safe_end=15,
        start_ms=0,
        end_ms=1,
        confidence=1.0,
        rule="x",
    )
    safe = text[:5] + "[PERSON-1]" + text[21:]
    (left,) = shown(done.changes, [hidden])
    assert safe[left.start : left.end] == "Velmora"
    assert {one.kind for one in shown(done.changes, [])} == {EntryKind.NAME, EntryKind.OTHER}
