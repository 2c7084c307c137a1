"""Placeholders of a transcript that was redacted before stay as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Role
from app.engine.raw import RawTranscript, RawTurn
from app.engine.redaction.already import beside_placeholders, numbers_taken
from app.engine.redaction.found import Found
from app.engine.redaction.placeholders import write

KINDS = ("PERSON", "CARD", "BANK_ACCOUNT")


def call(*texts: str) -> RawTranscript:
    turns = tuple(
        RawTurn(channel=0, role=Role.CUSTOMER, start_ms=0, end_ms=1000, text=text, words=())
        for text in texts
    )
    return RawTranscript(turns=turns, language="en")


def found(start: int, end: int, kind: str = "PERSON", value: str = "v") -> Found:
    return Found(kind=kind, turn=0, start=start, end=end, score=0.9, rule="test", value=value)


@pytest.mark.parametrize(
    ("text", "span", "left"),
    [
        ("yes [PERSON-1] here", (4, 14), []),
        ("yes [PERSON-1] here", (12, 13), []),
        ("yes [PERSON-1] here", (5, 19), ["here"]),
        ("Ann [PERSON-1] Lee", (0, 18), ["Ann", "Lee"]),
        ("[CARD-1][CARD-2]", (0, 16), []),
        ("[CARD-4929421234600821]", (1, 22), ["CARD-4929421234600821"]),
        ("[SECRET-1]", (0, 10), ["[SECRET-1]"]),
        ("[person-1]", (0, 10), ["[person-1]"]),
        ("Ann Lee", (0, 7), ["Ann Lee"]),
    ],
)
def test_only_what_lies_beside_a_placeholder_is_redacted(text, span, left):
    kept = beside_placeholders(call(text), [found(*span)], KINDS)
    assert [text[one.start : one.end].strip() for one in kept] == left


def test_new_values_get_numbers_that_no_placeholder_has():
    before = call("I am [PERSON-2] and this is Ann", "not [PERSON-9999999] nor [CARD-0]")
    assert numbers_taken(before) == {"PERSON": 2}
    start = before.turns[0].text.index("Ann")
    redacted = write(before, [found(start, start + 3)])
    assert redacted.transcript.turns[0].text == "I am [PERSON-2] and this is [PERSON-3]"


pieces = st.lists(
    st.one_of(
        st.sampled_from(["[PERSON-1]", "[CARD-12]", "[BANK_ACCOUNT-3]", "[NONE-1]", "[", "]"]),
        st.text("ab 1-", max_size=6),
    ),
    max_size=8,
)


@given(pieces, st.data())
def test_placeholders_survive_and_nothing_else_escapes(parts, data):
    text = "".join(parts)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    kept = beside_placeholders(call(text), [found(start, end)] if start < end else [], KINDS)
    covered = {place for one in kept for place in range(one.start, one.end)}
    for one in kept:
        assert start <= one.start < one.end <= end
    hidden = text
    for known in ("[PERSON-1]", "[CARD-12]", "[BANK_ACCOUNT-3]"):
        hidden = hidden.replace(known, "\0" * len(known))
    for place in range(start, end):
        if hidden[place] == "\0":
            assert place not in covered
        elif hidden[place].isalnum():
            assert place in covered
